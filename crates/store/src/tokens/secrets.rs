//! The secrets of tokens: what a presented value is checked against.

use countersign_domain::id::{OrganizationId, SecretId, TokenId, UserId};
use countersign_domain::{KeyId, Kind, PublicId, Role, Timestamp, TokenDigest};

use crate::{Row, StoreError, Turn, Tx, members, params, statements};

statements! {
    /// A secret of a token.
    INSERT = "INSERT INTO token_secrets (id, token_id, public_id, generation, digest, key_id, sealed, told, created_at, made_by)
              VALUES ($1, $2, $3, $4, $5, $6, $7, FALSE, $8, $9)";
    /// What a presented value is checked against, and what it then stands for: one primary look-up.
    CREDENTIAL = "SELECT s.id AS secret_id, s.token_id, s.public_id, s.digest, s.key_id, s.valid_until,
                t.organization_id, t.kind, t.user_id, t.generation, t.expires_at, t.revoked_at,
                m.role, m.generation AS member_generation, u.name AS user_name, u.email AS user_email, u.is_service
              FROM token_secrets s JOIN tokens t ON t.id = s.token_id
              LEFT JOIN members m ON m.organization_id = t.organization_id AND m.user_id = t.user_id
              LEFT JOIN users u ON u.id = t.user_id
              WHERE s.public_id = $1";
    /// Whether a credential that was accepted still stands. Whoever asks holds a turn at the token, so that it stays as it is.
    STANDING = "SELECT t.generation, t.expires_at, t.revoked_at, s.valid_until
              FROM tokens t JOIN token_secrets s ON s.token_id = t.id WHERE t.id = $1 AND s.id = $2";
    /// Whether a member's role is still the one that was seen.
    MEMBER_STANDING = "SELECT role, generation FROM members WHERE organization_id = $1 AND user_id = $2";
    /// The secrets of a token, newest first.
    OF_TOKEN = "SELECT id, public_id, generation, sealed, created_at, made_by, valid_until, last_used_at, last_used_ip
              FROM token_secrets
              WHERE token_id = $1 ORDER BY generation DESC";
    /// Ends every secret of a token but the newest at the given time, unless it ends before.
    END_OLDER = "UPDATE token_secrets SET valid_until = $3, sealed = NULL
              WHERE token_id = $1 AND generation < $2 AND (valid_until IS NULL OR valid_until > $3)";
    /// Destroys the sealed copies of a token.
    DROP_SEALED = "UPDATE token_secrets SET sealed = NULL WHERE token_id = $1 AND sealed IS NOT NULL";
    /// Somebody was told the value who manages agent tokens by a role in deployments.
    TELL = "UPDATE token_secrets SET told = TRUE WHERE public_id = $1 AND NOT told";
    /// The oldest secret of a token that is valid and that such a person was told. $2: now.
    TOLD = "SELECT public_id FROM token_secrets WHERE token_id = $1 AND told AND (valid_until IS NULL OR valid_until > $2)
              ORDER BY generation LIMIT 1";
    /// The same secret under a newer key; only if it is still under the key it was read with.
    MOVE_DIGEST = "UPDATE token_secrets SET digest = $2, key_id = $3 WHERE id = $1 AND key_id = $4";
    /// When and from where a secret was last used, written behind.
    TOUCH = "UPDATE token_secrets SET last_used_at = $2, last_used_ip = $3 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
}

/// A secret that is added.
#[derive(Debug)]
pub struct NewSecret {
    /// Its id.
    pub id: SecretId,
    /// The token it belongs to.
    pub token: TokenId,
    /// Its public id.
    pub public_id: PublicId,
    /// 1 for the first of its token.
    pub generation: i64,
    /// What a presented value must match.
    pub digest: TokenDigest,
    /// The sealed copy, while the reveal policy keeps one.
    pub sealed: Option<Vec<u8>>,
    /// Who made it; none for the server itself.
    pub made_by: Option<UserId>,
}

/// A secret as it is listed: never the digest.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Its id.
    pub id: SecretId,
    /// Its public id.
    pub public_id: PublicId,
    /// 1 for the first of its token.
    pub generation: i64,
    /// The sealed copy, while there is one.
    pub sealed: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it; none for the server itself.
    pub made_by: Option<UserId>,
    /// Until when a rotation lets it be used; none for the newest.
    pub valid_until: Option<Timestamp>,
    /// When it was last accepted.
    pub last_used_at: Option<Timestamp>,
    /// From which address.
    pub last_used_ip: Option<String>,
}

/// What a presented value is checked against, and what it stands for.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The secret.
    pub secret: SecretId,
    /// Its token.
    pub token: TokenId,
    /// The secret's public id.
    pub public_id: PublicId,
    /// What the presented value must match.
    pub digest: TokenDigest,
    /// Until when a rotation lets it be used.
    pub valid_until: Option<Timestamp>,
    /// The token's organization; nil for an operator token.
    pub organization: OrganizationId,
    /// What the token is for.
    pub kind: Kind,
    /// Whose it is, for a user token.
    pub user: Option<UserId>,
    /// The token's generation.
    pub generation: i64,
    /// From when on the token is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The owner's role, with its generation; none when they are no member any more.
    pub role: Option<(Role, i64)>,
    /// Whose it is, for a user token.
    pub owner: Option<Owner>,
}

/// Whose a user token is.
#[derive(Debug, Clone)]
pub struct Owner {
    /// What they are called.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Whether this is a service user.
    pub is_service: bool,
}

/// What must still hold when a credential's write commits.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// The token's generation.
    pub generation: i64,
    /// From when on the token is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Until when a rotation lets the secret be used.
    pub valid_until: Option<Timestamp>,
}

/// Adds a secret.
pub async fn insert(tx: &mut Tx, new: &NewSecret) -> Result<(), StoreError> {
    let now = tx.now();
    let values = params![
        new.id,
        new.token,
        new.public_id.as_str(),
        new.generation,
        new.digest.as_bytes(),
        new.digest.key().to_string(),
        new.sealed.clone(),
        now,
        new.made_by,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

fn credential(row: &Row) -> Result<Credential, StoreError> {
    let role: Option<Role> = row.parse_optional("role")?;
    let generation: Option<i64> = row.get("member_generation")?;
    let name: Option<String> = row.get("user_name")?;
    let email: Option<String> = row.get("user_email")?;
    let is_service = row.get::<Option<bool>>("is_service")?.unwrap_or_default();
    Ok(Credential {
        secret: row.get("secret_id")?,
        token: row.get("token_id")?,
        public_id: row.parse("public_id")?,
        digest: TokenDigest::from_parts(row.get("digest")?, row.parse("key_id")?),
        valid_until: row.get("valid_until")?,
        organization: row.get("organization_id")?,
        kind: super::kind(row)?,
        user: row.get("user_id")?,
        generation: row.get("generation")?,
        expires_at: row.get("expires_at")?,
        revoked_at: row.get("revoked_at")?,
        role: role.zip(generation),
        owner: name.zip(email).map(|(name, email)| Owner { name, email, is_service }),
    })
}

/// What a value with this public id is checked against. Across organizations: nothing is known of the caller yet.
pub async fn credential_by_public_id(tx: &mut Tx, id: &PublicId) -> Result<Option<Credential>, StoreError> {
    tx.maybe(CREDENTIAL, &params![id.as_str()]).await?.as_ref().map(credential).transpose()
}

/// Whether an accepted secret of a token still stands. It goes on standing until the transaction ends: whatever takes a token back,
/// changes or rotates it waits for its turn alone.
pub async fn standing(tx: &mut Tx, token: TokenId, id: SecretId) -> Result<Option<Standing>, StoreError> {
    tx.take_turn(token, Turn::Shared).await?;
    let Some(row) = tx.maybe(STANDING, &params![token, id]).await? else { return Ok(None) };
    Ok(Some(Standing {
        generation: row.get("generation")?,
        expires_at: row.get("expires_at")?,
        revoked_at: row.get("revoked_at")?,
        valid_until: row.get("valid_until")?,
    }))
}

/// A member's role and its generation, held still until the transaction ends: whoever changes what a member holds waits for their turn alone.
pub async fn member_standing(tx: &mut Tx, of: OrganizationId, user: UserId) -> Result<Option<(Role, i64)>, StoreError> {
    members::take_turn_at_rights(tx, of, Turn::Shared).await?;
    let Some(row) = tx.maybe(MEMBER_STANDING, &params![of, user]).await? else { return Ok(None) };
    Ok(Some((row.parse("role")?, row.get("generation")?)))
}

/// The secrets of a token, newest first.
pub async fn of_token(tx: &mut Tx, id: TokenId) -> Result<Vec<Secret>, StoreError> {
    let rows = tx.all(OF_TOKEN, &params![id]).await?;
    rows.iter()
        .map(|row| {
            Ok(Secret {
                id: row.get("id")?,
                public_id: row.parse("public_id")?,
                generation: row.get("generation")?,
                sealed: row.get("sealed")?,
                created_at: row.get("created_at")?,
                made_by: row.get("made_by")?,
                valid_until: row.get("valid_until")?,
                last_used_at: row.get("last_used_at")?,
                last_used_ip: row.get("last_used_ip")?,
            })
        })
        .collect()
}

/// Ends the secrets of a token below `generation` at `at`; their sealed copies go at once.
pub async fn end_older(tx: &mut Tx, token: TokenId, generation: i64, at: Timestamp) -> Result<u64, StoreError> {
    tx.take_turn(token, Turn::Alone).await?;
    tx.execute(END_OLDER, &params![token, generation, at]).await
}

/// Notes that somebody was told the value who manages agent tokens by a role in deployments.
pub async fn tell(tx: &mut Tx, id: &PublicId) -> Result<(), StoreError> {
    tx.execute(TELL, &params![id.as_str()]).await.map(drop)
}

/// The oldest secret of a token that is valid and that such a person was told.
pub async fn told(tx: &mut Tx, token: TokenId) -> Result<Option<PublicId>, StoreError> {
    let now = tx.now();
    tx.maybe(TOLD, &params![token, now]).await?.map(|row| row.parse("public_id")).transpose()
}

/// Destroys the sealed copies of a token.
pub async fn drop_sealed(tx: &mut Tx, token: TokenId) -> Result<(), StoreError> {
    tx.execute(DROP_SEALED, &params![token]).await.map(drop)
}

/// Moves a digest to another key. False when another has moved it meanwhile.
pub async fn move_digest(tx: &mut Tx, id: SecretId, to: &TokenDigest, from: &KeyId) -> Result<bool, StoreError> {
    Ok(tx.execute(MOVE_DIGEST, &params![id, to.as_bytes(), to.key().to_string(), from.to_string()]).await? == 1)
}

/// Writes when and from where a secret was last used.
pub async fn touch(tx: &mut Tx, id: SecretId, at: Timestamp, ip: &str) -> Result<(), StoreError> {
    tx.execute(TOUCH, &params![id, at, ip]).await.map(drop)
}
