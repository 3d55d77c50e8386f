//! Invitations: each makes its holder a member, once.

use countersign_domain::id::{InvitationId, OrganizationId, UserId};
use countersign_domain::{PublicId, Role, Timestamp, TokenDigest};

use crate::{Row, StoreError, Turn, Tx, params, statements};

macro_rules! columns {
    () => {
        "i.id, i.organization_id, i.email, i.role, i.public_id, i.digest, i.key_id, i.created_at, i.created_by, i.expires_at,
         i.accepted_at, i.accepted_by, i.withdrawn_at, i.withdrawn_by"
    };
}

statements! {
    /// A new invitation.
    INSERT = "INSERT INTO invitations (id, organization_id, email, role, public_id, digest, key_id, created_at, created_by, expires_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    /// What a presented value is checked against. Across organizations: nothing is known of the caller yet.
    CREDENTIAL = concat!("SELECT ", columns!(), " FROM invitations i WHERE i.public_id = $1");
    /// One of the organization's invitations.
    FIND = concat!("SELECT ", columns!(), " FROM invitations i WHERE i.organization_id = $1 AND i.id = $2");
    /// The same, by its public id.
    FIND_BY_PUBLIC_ID = concat!("SELECT ", columns!(), " FROM invitations i WHERE i.organization_id = $1 AND i.public_id = $2");
    /// The one for an address that can still be accepted. $3: now.
    FIND_OPEN = concat!("SELECT ", columns!(), " FROM invitations i WHERE i.organization_id = $1 AND i.email = $2
              AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > $3 ORDER BY i.id DESC LIMIT 1");
    /// A page of the organization's invitations, newest first. $3: now. $4, $5: those that can be accepted, those that cannot any more.
    PAGE = concat!("SELECT ", columns!(), " FROM invitations i WHERE i.organization_id = $1 AND i.id < $2
              AND ((i.accepted_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > $3 AND $4)
                OR ((i.accepted_at IS NOT NULL OR i.withdrawn_at IS NOT NULL OR i.expires_at <= $3) AND $5))
              ORDER BY i.id DESC LIMIT $6");
    /// How many there are of those. $2: now. $3, $4: those that can be accepted, those that cannot any more.
    COUNT = "SELECT COUNT(*) AS n FROM invitations i WHERE i.organization_id = $1
              AND ((i.accepted_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > $2 AND $3)
                OR ((i.accepted_at IS NOT NULL OR i.withdrawn_at IS NOT NULL OR i.expires_at <= $2) AND $4))";
    /// How many can be accepted. $2: now.
    COUNT_OPEN = "SELECT COUNT(*) AS n FROM invitations i WHERE i.organization_id = $1
              AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > $2";
    /// Uses it up, once. $3: now.
    ACCEPT = "UPDATE invitations SET accepted_at = $3, accepted_by = $4
              WHERE organization_id = $1 AND id = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL AND expires_at > $3";
    /// Takes it back.
    WITHDRAW = "UPDATE invitations SET withdrawn_at = $3, withdrawn_by = $4
              WHERE organization_id = $1 AND id = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL";
    /// Takes back all that somebody has made. $3: now.
    WITHDRAW_ALL_OF = "UPDATE invitations SET withdrawn_at = $3, withdrawn_by = $4
              WHERE organization_id = $1 AND created_by = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL AND expires_at > $3";
}

/// An invitation.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The organization that it is for.
    pub organization: OrganizationId,
    /// The address that it is for, in lower case.
    pub email: String,
    /// What its holder becomes.
    pub role: Role,
    /// The public part of its value.
    pub public_id: PublicId,
    /// What a presented value must match.
    pub digest: TokenDigest,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: UserId,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// Who has become a member.
    pub accepted_by: Option<UserId>,
    /// When it was taken back.
    pub withdrawn_at: Option<Timestamp>,
    /// By whom.
    pub withdrawn_by: Option<UserId>,
}

/// Where an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It can be accepted.
    Pending,
    /// It was.
    Accepted,
    /// It was taken back before.
    Withdrawn,
    /// Its time has run out.
    Expired,
}

impl Invitation {
    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        if self.accepted_at.is_some() {
            State::Accepted
        } else if self.withdrawn_at.is_some() {
            State::Withdrawn
        } else if self.expires_at <= now {
            State::Expired
        } else {
            State::Pending
        }
    }
}

fn invitation(row: &Row) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        email: row.get("email")?,
        role: row.parse("role")?,
        public_id: row.parse("public_id")?,
        digest: TokenDigest::from_parts(row.get("digest")?, row.parse("key_id")?),
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        expires_at: row.get("expires_at")?,
        accepted_at: row.get("accepted_at")?,
        accepted_by: row.get("accepted_by")?,
        withdrawn_at: row.get("withdrawn_at")?,
        withdrawn_by: row.get("withdrawn_by")?,
    })
}

async fn maybe(tx: &mut Tx, sql: crate::Sql, values: &[crate::Value]) -> Result<Option<Invitation>, StoreError> {
    tx.maybe(sql, values).await?.as_ref().map(invitation).transpose()
}

/// Adds an invitation that can be accepted.
pub async fn insert(tx: &mut Tx, new: &Invitation) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.organization,
        new.email.as_str(),
        new.role.as_str(),
        new.public_id.as_str(),
        new.digest.as_bytes(),
        new.digest.key().to_string(),
        new.created_at,
        new.created_by,
        new.expires_at,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// What a value with this public id is checked against. Across organizations: nothing is known of the caller yet.
pub async fn credential_by_public_id(tx: &mut Tx, id: &PublicId) -> Result<Option<Invitation>, StoreError> {
    maybe(tx, CREDENTIAL, &params![id.as_str()]).await
}

/// The organization's invitation with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
    maybe(tx, FIND, &params![of, id]).await
}

/// The same, of which nobody else decides until the transaction ends.
pub async fn find_for_update(
    tx: &mut Tx,
    of: OrganizationId,
    id: InvitationId,
) -> Result<Option<Invitation>, StoreError> {
    tx.take_turn(id, Turn::Alone).await?;
    find(tx, of, id).await
}

/// The organization's invitation with this public id.
pub async fn find_by_public_id(
    tx: &mut Tx,
    of: OrganizationId,
    id: &PublicId,
) -> Result<Option<Invitation>, StoreError> {
    maybe(tx, FIND_BY_PUBLIC_ID, &params![of, id.as_str()]).await
}

/// The invitation for this address, in lower case, that can still be accepted.
pub async fn find_open(tx: &mut Tx, of: OrganizationId, email: &str) -> Result<Option<Invitation>, StoreError> {
    let now = tx.now();
    maybe(tx, FIND_OPEN, &params![of, email, now]).await
}

/// At most `limit` of the organization's invitations below `after`, newest first; only those that can be accepted, or only the others.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    pending: Option<bool>,
    after: InvitationId,
    limit: i64,
) -> Result<Vec<Invitation>, StoreError> {
    let now = tx.now();
    let values = params![of, after, now, pending != Some(false), pending != Some(true), limit];
    tx.all(PAGE, &values).await?.iter().map(invitation).collect()
}

/// How many invitations there are of those.
pub async fn count(tx: &mut Tx, of: OrganizationId, pending: Option<bool>) -> Result<i64, StoreError> {
    let now = tx.now();
    tx.one(COUNT, &params![of, now, pending != Some(false), pending != Some(true)]).await?.get("n")
}

/// How many can be accepted.
pub async fn count_open(tx: &mut Tx, of: OrganizationId) -> Result<i64, StoreError> {
    let now = tx.now();
    tx.one(COUNT_OPEN, &params![of, now]).await?.get("n")
}

/// Uses an invitation up. False when it was used, was taken back or has expired: then nothing changes.
pub async fn accept(tx: &mut Tx, of: OrganizationId, id: InvitationId, by: UserId) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(ACCEPT, &params![of, id, now, by]).await? == 1)
}

/// Takes an invitation back. False when it was used or was taken back before.
pub async fn withdraw(tx: &mut Tx, of: OrganizationId, id: InvitationId, by: UserId) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(WITHDRAW, &params![of, id, now, by]).await? == 1)
}

/// Takes back every invitation that somebody has made and that can still be accepted; answers how many.
pub async fn withdraw_all_of(tx: &mut Tx, of: OrganizationId, made_by: UserId, by: UserId) -> Result<u64, StoreError> {
    let now = tx.now();
    tx.execute(WITHDRAW_ALL_OF, &params![of, made_by, now, by]).await
}
