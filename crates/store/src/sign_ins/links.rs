//! Links that let a person set their password and sign in, once.

use countersign_domain::id::{OrganizationId, SignInLinkId, UserId};
use countersign_domain::{PublicId, Timestamp, TokenDigest};

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// A new link.
    INSERT = "INSERT INTO sign_in_links (id, user_id, organization_id, public_id, digest, key_id, created_at, created_by, expires_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    /// What a presented value is checked against. Across organizations: nothing is known of the caller yet.
    CREDENTIAL = "SELECT l.id, l.user_id, l.organization_id, l.public_id, l.digest, l.key_id, l.created_at, l.created_by, l.expires_at,
                l.used_at FROM sign_in_links l WHERE l.public_id = $1";
    /// Uses it up, once. $2: now.
    USE = "UPDATE sign_in_links SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $2";
    /// Ends those of a person that were not used. $2: now.
    END_OF_USER = "UPDATE sign_in_links SET expires_at = $2 WHERE user_id = $1 AND used_at IS NULL AND expires_at > $2";
    /// Ends those that an admin of an organization has made and that were not used. $3: now.
    END_OF_MAKER = "UPDATE sign_in_links SET expires_at = $3
              WHERE organization_id = $1 AND created_by = $2 AND used_at IS NULL AND expires_at > $3";
    /// One whose time had run out before a time, used or not.
    OLD = "SELECT l.id FROM sign_in_links l WHERE l.expires_at < $1 LIMIT 1";
    /// Those whose time had run out before a time, used or not.
    DROP_OLD = "DELETE FROM sign_in_links WHERE id IN (SELECT l.id FROM sign_in_links l WHERE l.expires_at < $1 LIMIT $2)";
}

/// A link.
#[derive(Debug, Clone)]
pub struct Link {
    /// Its id.
    pub id: SignInLinkId,
    /// Whom it is for.
    pub user: UserId,
    /// The organization whose admin made it; none: the operator did.
    pub organization: Option<OrganizationId>,
    /// The public part of its value.
    pub public_id: PublicId,
    /// What a presented value must match.
    pub digest: TokenDigest,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it; none: the operator.
    pub created_by: Option<UserId>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

fn link(row: &Row) -> Result<Link, StoreError> {
    Ok(Link {
        id: row.get("id")?,
        user: row.get("user_id")?,
        organization: row.get("organization_id")?,
        public_id: row.parse("public_id")?,
        digest: TokenDigest::from_parts(row.get("digest")?, row.parse("key_id")?),
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        expires_at: row.get("expires_at")?,
        used_at: row.get("used_at")?,
    })
}

/// Adds a link.
pub async fn insert(tx: &mut Tx, new: &Link) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.user,
        new.organization,
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
pub async fn credential_by_public_id(tx: &mut Tx, id: &PublicId) -> Result<Option<Link>, StoreError> {
    tx.maybe(CREDENTIAL, &params![id.as_str()]).await?.as_ref().map(link).transpose()
}

/// Uses a link up. False when it was used, or its time has run out: then nothing changes.
pub async fn take(tx: &mut Tx, id: SignInLinkId) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(USE, &params![id, now]).await? == 1)
}

/// Ends the links of a person that were not used; answers how many.
pub async fn end_of_user(tx: &mut Tx, user: UserId) -> Result<u64, StoreError> {
    let now = tx.now();
    tx.execute(END_OF_USER, &params![user, now]).await
}

/// Ends the links that an admin of an organization has made and that were not used; answers how many.
pub async fn end_of_maker(tx: &mut Tx, of: OrganizationId, by: UserId) -> Result<u64, StoreError> {
    let now = tx.now();
    tx.execute(END_OF_MAKER, &params![of, by, now]).await
}

/// Whether there is one whose time had run out before a time.
pub async fn has_old(tx: &mut Tx, before: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.maybe(OLD, &params![before]).await?.is_some())
}

/// Removes at most `limit` links whose time had run out before a time.
pub async fn drop_old(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(DROP_OLD, &params![before, limit]).await
}
