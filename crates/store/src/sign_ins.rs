//! Sign-ins: the credential of one browser of a person.
//!
//! Who ends sign-ins of a person holds the person's turn alone, and each call with one shares it: so there are no two calls that wait for
//! each other's sign-in.

pub mod answers;
pub mod links;

use std::str::FromStr;

use countersign_domain::id::{OrganizationId, SignInId, UserId};
use countersign_domain::{KeyId, PublicId, Role, Timestamp, TokenDigest};

use crate::{Row, StoreError, Turn, Tx, params, statements};

macro_rules! columns {
    () => {
        "s.id, s.user_id, s.organization_id, s.public_id, s.digest, s.key_id, s.method, s.created_at, s.seen_at, s.expires_at,
         s.proved_at, s.ended_at, s.ip, s.user_agent"
    };
}

statements! {
    /// A new sign-in, whose person has just proved who they are.
    INSERT = "INSERT INTO sign_ins (id, user_id, organization_id, public_id, digest, key_id, method, created_at, seen_at, expires_at,
                proved_at, proved_by, ip, user_agent)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $8, $7, $10, $11)";
    /// What a presented value is checked against, and who it stands for.
    CREDENTIAL = concat!("SELECT ", columns!(), ", u.name, u.email FROM sign_ins s JOIN users u ON u.id = s.user_id WHERE s.public_id = $1");
    /// Whether a sign-in still stands. Whoever asks holds a turn at the person, so that it stays as it is.
    STANDING = "SELECT expires_at, ended_at FROM sign_ins WHERE id = $1 AND user_id = $2";
    /// A person's sign-ins that have not ended, newest first. $2: now.
    LIVE = concat!("SELECT ", columns!(), " FROM sign_ins s
              WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 ORDER BY s.id DESC");
    /// Ends one.
    END = "UPDATE sign_ins SET ended_at = $3, ended_because = $4 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";
    /// Ends all of a person but one; with an id that nothing has, all.
    END_OTHERS = "UPDATE sign_ins SET ended_at = $3, ended_because = $4 WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL";
    /// Ends the oldest of a person, and leaves so many.
    END_OLDEST = "UPDATE sign_ins SET ended_at = $2, ended_because = $3 WHERE id IN (
                SELECT s.id FROM sign_ins s WHERE s.user_id = $1 AND s.ended_at IS NULL ORDER BY s.id DESC LIMIT 1000 OFFSET $4)";
    /// Its person has proved again who they are.
    PROVE = "UPDATE sign_ins SET proved_at = $3, proved_by = $4 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";
    /// When, from where and in which organization it was last used, written behind.
    TOUCH = "UPDATE sign_ins SET seen_at = $2, ip = $3, organization_id = $4 WHERE id = $1 AND seen_at < $2";
    /// The same sign-in under a newer key; only if it is still under the key it was read with.
    MOVE_DIGEST = "UPDATE sign_ins SET digest = $2, key_id = $3 WHERE id = $1 AND key_id = $4";
    /// One that had ended, or had come to its end, before a time.
    OLD = "SELECT s.id FROM sign_ins s WHERE s.ended_at < $1 OR s.expires_at < $1 LIMIT 1";
    /// Those that had ended, or had come to their end, before a time.
    DROP_OLD = "DELETE FROM sign_ins WHERE id IN (SELECT s.id FROM sign_ins s WHERE s.ended_at < $1 OR s.expires_at < $1 LIMIT $2)";
    /// What a person is in the organization of this slug.
    MEMBERSHIP = "SELECT m.organization_id, m.role, m.generation FROM organizations o
              JOIN members m ON m.organization_id = o.id WHERE m.user_id = $1 AND o.slug = $2";
    /// What a person is in the organization that is wanted, else in the one that they looked at last, else in the one they joined first.
    PREFERRED = "SELECT m.organization_id, m.role, m.generation FROM members m WHERE m.user_id = $1
              ORDER BY CASE WHEN m.organization_id = $2 THEN 0 ELSE 1 END,
                COALESCE((SELECT MAX(s.seen_at) FROM sign_ins s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id), 0) DESC,
                m.created_at, m.organization_id LIMIT 1";
    /// What a person is, in the first two organizations of theirs: whether there are more than one is all that is asked.
    MEMBERSHIPS = "SELECT m.organization_id, m.role, m.generation FROM members m WHERE m.user_id = $1 ORDER BY m.organization_id LIMIT 2";
}

/// How a person proves who they are. A further one is a word here and a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By a password.
    Password,
    /// By a link that was made for them, and a password that they have set by it.
    Link,
    /// By an invitation, and a password that they have set or shown with it.
    Invitation,
    /// By a passkey.
    Passkey,
    /// By the word of a provider of sign-ins.
    Provider,
}

impl Method {
    /// As the column holds it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Invitation => "invitation",
            Self::Passkey => "passkey",
            Self::Provider => "provider",
        }
    }
}

impl FromStr for Method {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Password, Self::Link, Self::Invitation, Self::Passkey, Self::Provider];
        all.into_iter().find(|it| it.as_str() == text).ok_or(())
    }
}

/// Why a sign-in has ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its person signed out, there or from elsewhere.
    SignedOut,
    /// The same browser signed in anew.
    Replaced,
    /// The password was changed.
    PasswordChanged,
    /// The password was taken away.
    PasswordDropped,
    /// There were too many of the same person.
    TooMany,
}

impl Ended {
    /// As the column holds it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Replaced => "replaced",
            Self::PasswordChanged => "password_changed",
            Self::PasswordDropped => "password_dropped",
            Self::TooMany => "too_many",
        }
    }
}

/// A sign-in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Its id.
    pub id: SignInId,
    /// Whose it is.
    pub user: UserId,
    /// The organization that was looked at last.
    pub organization: OrganizationId,
    /// The public part of its value.
    pub public_id: PublicId,
    /// What a presented value must match.
    pub digest: TokenDigest,
    /// How it began.
    pub method: Method,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, up to what is not written yet.
    pub seen_at: Timestamp,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
    /// When its person last proved who they are.
    pub proved_at: Option<Timestamp>,
    /// When it ended before its time.
    pub ended_at: Option<Timestamp>,
    /// From where it was last used.
    pub ip: String,
    /// What the browser called itself when it began.
    pub user_agent: Option<String>,
}

/// What a presented value is checked against, and who it stands for.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The sign-in.
    pub sign_in: SignIn,
    /// What its person is called.
    pub name: String,
    /// Their address.
    pub email: String,
}

/// What a person is in one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// Where.
    pub organization: OrganizationId,
    /// Their role and its generation.
    pub role: (Role, i64),
}

fn sign_in(row: &Row) -> Result<SignIn, StoreError> {
    Ok(SignIn {
        id: row.get("id")?,
        user: row.get("user_id")?,
        organization: row.get("organization_id")?,
        public_id: row.parse("public_id")?,
        digest: TokenDigest::from_parts(row.get("digest")?, row.parse("key_id")?),
        method: row.parse("method")?,
        created_at: row.get("created_at")?,
        seen_at: row.get("seen_at")?,
        expires_at: row.get("expires_at")?,
        proved_at: row.get("proved_at")?,
        ended_at: row.get("ended_at")?,
        ip: row.get("ip")?,
        user_agent: row.get("user_agent")?,
    })
}

fn membership_of(row: &Row) -> Result<Membership, StoreError> {
    Ok(Membership { organization: row.get("organization_id")?, role: (row.parse("role")?, row.get("generation")?) })
}

/// Adds a sign-in, whose person has just proved who they are by its method.
pub async fn insert(tx: &mut Tx, new: &SignIn) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.user,
        new.organization,
        new.public_id.as_str(),
        new.digest.as_bytes(),
        new.digest.key().to_string(),
        new.method.as_str(),
        new.created_at,
        new.expires_at,
        new.ip.as_str(),
        new.user_agent.clone(),
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// What a value with this public id is checked against. Across organizations: nothing is known of the caller yet.
pub async fn credential_by_public_id(tx: &mut Tx, id: &PublicId) -> Result<Option<Credential>, StoreError> {
    let Some(row) = tx.maybe(CREDENTIAL, &params![id.as_str()]).await? else { return Ok(None) };
    Ok(Some(Credential { sign_in: sign_in(&row)?, name: row.get("name")?, email: row.get("email")? }))
}

/// When an accepted sign-in ends and whether it has ended; none when it is not there. It goes on standing until the transaction ends:
/// whoever ends sign-ins of the person waits for their turn alone.
pub async fn standing(
    tx: &mut Tx,
    user: UserId,
    id: SignInId,
) -> Result<Option<(Timestamp, Option<Timestamp>)>, StoreError> {
    tx.take_turn(user, Turn::Shared).await?;
    let Some(row) = tx.maybe(STANDING, &params![id, user]).await? else { return Ok(None) };
    Ok(Some((row.get("expires_at")?, row.get("ended_at")?)))
}

/// Waits for the turn of those who end a person's sign-ins, change their password or begin a sign-in.
pub async fn take_turn(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    tx.take_turn(user, Turn::Alone).await
}

/// A person's sign-ins that have neither ended nor come to their end, newest first; some may not have been used for too long.
pub async fn live(tx: &mut Tx, user: UserId) -> Result<Vec<SignIn>, StoreError> {
    let now = tx.now();
    tx.all(LIVE, &params![user, now]).await?.iter().map(sign_in).collect()
}

/// Ends a sign-in of a person. False when there is none of theirs, or it has ended.
pub async fn end(tx: &mut Tx, user: UserId, id: SignInId, because: Ended) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(END, &params![id, user, now, because.as_str()]).await? == 1)
}

/// Ends all sign-ins of a person but one, or, without one, all; answers how many.
pub async fn end_others(tx: &mut Tx, user: UserId, but: Option<SignInId>, because: Ended) -> Result<u64, StoreError> {
    let now = tx.now();
    tx.execute(END_OTHERS, &params![user, but.unwrap_or_else(SignInId::nil), now, because.as_str()]).await
}

/// Ends the oldest sign-ins of a person, and leaves `keep`.
pub async fn end_oldest(tx: &mut Tx, user: UserId, keep: i64) -> Result<u64, StoreError> {
    let now = tx.now();
    tx.execute(END_OLDEST, &params![user, now, Ended::TooMany.as_str(), keep]).await
}

/// Notes that the person of a sign-in has proved again who they are. False when it has ended.
pub async fn prove(tx: &mut Tx, user: UserId, id: SignInId, by: Method) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(PROVE, &params![id, user, now, by.as_str()]).await? == 1)
}

/// Writes when, from where and in which organization a sign-in was last used.
pub async fn touch(
    tx: &mut Tx,
    id: SignInId,
    at: Timestamp,
    ip: &str,
    organization: OrganizationId,
) -> Result<(), StoreError> {
    tx.execute(TOUCH, &params![id, at, ip, organization]).await.map(drop)
}

/// Moves a digest to another key. False when another has moved it meanwhile.
pub async fn move_digest(tx: &mut Tx, id: SignInId, to: &TokenDigest, from: &KeyId) -> Result<bool, StoreError> {
    Ok(tx.execute(MOVE_DIGEST, &params![id, to.as_bytes(), to.key().to_string(), from.to_string()]).await? == 1)
}

/// Whether there is one that had ended, or had come to its end, before a time.
pub async fn has_old(tx: &mut Tx, before: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.maybe(OLD, &params![before]).await?.is_some())
}

/// Removes at most `limit` sign-ins that had ended, or had come to their end, before a time.
pub async fn drop_old(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(DROP_OLD, &params![before, limit]).await
}

/// What a person is in the organization of this slug.
pub async fn membership(tx: &mut Tx, user: UserId, slug: &str) -> Result<Option<Membership>, StoreError> {
    tx.maybe(MEMBERSHIP, &params![user, slug]).await?.as_ref().map(membership_of).transpose()
}

/// What a person is in an organization, or else in the one that they looked at last or joined first; none for somebody who is a member of
/// none.
pub async fn preferred(tx: &mut Tx, user: UserId, wanted: OrganizationId) -> Result<Option<Membership>, StoreError> {
    tx.maybe(PREFERRED, &params![user, wanted]).await?.as_ref().map(membership_of).transpose()
}

/// What a person is in the only organization of theirs; none when they are in several, or in none.
pub async fn only_membership(tx: &mut Tx, user: UserId) -> Result<Option<Membership>, StoreError> {
    match tx.all(MEMBERSHIPS, &params![user]).await?.as_slice() {
        [only] => membership_of(only).map(Some),
        _ => Ok(None),
    }
}

/// Whether a person is a member of anything.
pub async fn is_member_of_any(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    Ok(!tx.all(MEMBERSHIPS, &params![user]).await?.is_empty())
}
