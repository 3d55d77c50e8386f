//! Agent tokens, user tokens and operator tokens: one table.
//!
//! Secrets are in [`secrets`], what a token reaches in [`scopes`], what a member manages without being an Organization Admin in [`managed`],
//! and what a list that is searched says of each in [`search`].

pub mod in_use;
pub mod managed;
pub mod scopes;
pub mod search;
pub mod secrets;

use countersign_domain::id::{DeploymentId, OrganizationId, TokenId, UserId};
use countersign_domain::{KeyId, Kind, PublicId, RevealPolicy, Timestamp};

use crate::{Row, StoreError, Turn, Tx, Value, numbers, params, statements};

/// The columns of a [`Token`]; a macro because statements are constants.
macro_rules! columns {
    () => {
        "t.id, t.organization_id, t.kind, t.family, t.public_id, t.user_id, t.description, t.is_public, t.reveal_policy,
         t.reveal_until, t.data_key, t.data_key_id, t.generation, t.created_at, t.created_by, t.expires_at, t.revoked_at,
         t.revoked_by, t.revoked_reason, t.last_used_at, t.last_used_ip,
         (SELECT n.number FROM numbers n WHERE n.organization_id = t.organization_id AND n.subject_id = t.id) AS number"
    };
}

use columns;

statements! {
    /// A new token, of the widest scope until its rows of scope are written in the same transaction.
    INSERT = "INSERT INTO tokens (id, organization_id, kind, family, public_id, user_id, description, is_public,
                every_deployment, all_branches, any_queue, reveal_policy, reveal_until, data_key, data_key_id,
                generation, created_at, created_by, expires_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE, FALSE, TRUE, $9, $10, $11, $12, 1, $13, $14, $15)";
    /// One of the organization's tokens.
    FIND = concat!("SELECT ", columns!(), " FROM tokens t WHERE t.organization_id = $1 AND t.id = $2");
    /// The same, kept still until the transaction ends.
    FIND_FOR_UPDATE = concat!("SELECT ", columns!(), " FROM tokens t WHERE t.organization_id = $1 AND t.id = $2 /*lock:update*/");
    /// One of the organization's tokens, by the public id of any of its secrets.
    FIND_BY_PUBLIC_ID = concat!("SELECT ", columns!(), " FROM tokens t JOIN token_secrets s ON s.token_id = t.id
              WHERE t.organization_id = $1 AND s.public_id = $2");
    /// A page of the organization's tokens of one kind, newest first. $3: the id to go on from. $4, $5: revoked ones too, live ones too.
    PAGE = concat!("SELECT ", columns!(), " FROM tokens t WHERE t.organization_id = $1 AND t.kind = $2 AND t.id < $3
              AND ((t.revoked_at IS NOT NULL AND $4) OR (t.revoked_at IS NULL AND $5)) ORDER BY t.id DESC LIMIT $6");
    /// How many there are of those.
    COUNT = "SELECT COUNT(*) AS n FROM tokens t WHERE t.organization_id = $1 AND t.kind = $2
              AND ((t.revoked_at IS NOT NULL AND $3) OR (t.revoked_at IS NULL AND $4))";
    /// One person's user tokens in the organization, newest first.
    PAGE_OF_USER = concat!("SELECT ", columns!(), " FROM tokens t WHERE t.organization_id = $1 AND t.kind = 'ut' AND t.user_id = $2
              AND t.id < $3 ORDER BY t.id DESC LIMIT $4");
    /// A page of the agent tokens that were made for one deployment and stand, newest first.
    PAGE_OF_DEPLOYMENT = concat!("SELECT ", columns!(), " FROM tokens t JOIN token_deployments m ON m.token_id = t.id
              WHERE t.organization_id = $1 AND m.deployment_id = $2 AND t.family = $3 AND t.revoked_at IS NULL AND t.id < $4
              ORDER BY t.id DESC LIMIT $5");
    /// How many those are.
    COUNT_OF_DEPLOYMENT = "SELECT COUNT(*) AS n FROM tokens t JOIN token_deployments m ON m.token_id = t.id
              WHERE t.organization_id = $1 AND m.deployment_id = $2 AND t.family = $3 AND t.revoked_at IS NULL";
    /// New description, visibility, expiry and policy; the generation grows.
    UPDATE = "UPDATE tokens SET description = $3, is_public = $4, expires_at = $5, reveal_policy = $6, reveal_until = $7,
              generation = generation + 1 WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
    /// Takes a token back, once. Its sealed copies go in the same transaction.
    REVOKE = "UPDATE tokens SET revoked_at = $3, revoked_by = $4, revoked_reason = $5, generation = generation + 1,
              data_key = NULL, data_key_id = NULL, reveal_until = NULL
              WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
    /// A fresh data key, for the sealed copy of a new secret.
    SET_DATA_KEY = "UPDATE tokens SET data_key = $3, data_key_id = $4, reveal_until = $5, generation = generation + 1
              WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
    /// Destroys the data key, and with it every sealed copy under it.
    DROP_DATA_KEY = "UPDATE tokens SET data_key = NULL, data_key_id = NULL, reveal_until = NULL WHERE id = $1 AND data_key_id IS NOT NULL";
    /// Tokens whose window has closed or whose time has run out while a data key was kept. $2: at the most.
    CLOSED_WINDOWS = "SELECT id, organization_id, kind, public_id FROM tokens WHERE data_key_id IS NOT NULL
              AND ((reveal_until IS NOT NULL AND reveal_until <= $1) OR (expires_at IS NOT NULL AND expires_at <= $1)) LIMIT $2";
    /// Data keys not wrapped by the newest key of the ring. $2: at the most.
    WRAPPED_BY_OTHERS = "SELECT id, organization_id, data_key, data_key_id FROM tokens
              WHERE data_key_id IS NOT NULL AND data_key_id <> $1 LIMIT $2 /*lock:update*/";
    /// The same data key, wrapped anew; only if it is still wrapped as it was read.
    REWRAP = "UPDATE tokens SET data_key = $2, data_key_id = $3 WHERE id = $1 AND data_key_id = $4";
    /// When and from where a token was last used, written behind. Never moves backwards.
    TOUCH = "UPDATE tokens SET last_used_at = $2, last_used_ip = $3 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
}

/// A token, without its secrets and its scope.
#[derive(Debug, Clone)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Its organization; nil for an operator token.
    pub organization: OrganizationId,
    /// Its number in the organization, by which Dagster's API names it; an operator token has none.
    pub number: Option<i64>,
    /// What it is for.
    pub kind: Kind,
    /// The name that its global id carries in the public API, fixed when it was made: `AgentToken`, `ClusterToken`, `APIAccessToken`.
    pub family: String,
    /// The public id of its first secret, by which it is listed.
    pub public_id: PublicId,
    /// Whose it is, for a user token.
    pub user: Option<UserId>,
    /// What people call it.
    pub description: Option<String>,
    /// Buildkite's flag: agents that register with it are shown outside the organization.
    pub is_public: bool,
    /// Until when its value may be revealed.
    pub reveal_policy: RevealPolicy,
    /// With the policy `window`: the end of the window.
    pub reveal_until: Option<Timestamp>,
    /// The wrapped key under which its sealed copies are, while there are any.
    pub data_key: Option<Vec<u8>>,
    /// The key of the ring that wraps it.
    pub data_key_id: Option<KeyId>,
    /// Grows with each change that a credential check must see.
    pub generation: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it; none for the default token.
    pub created_by: Option<UserId>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// By whom.
    pub revoked_by: Option<UserId>,
    /// Why.
    pub revoked_reason: Option<String>,
    /// When it was last accepted; minutes may pass before this is written.
    pub last_used_at: Option<Timestamp>,
    /// From which address.
    pub last_used_ip: Option<String>,
}

/// The kind of token that a row is of.
pub(crate) fn kind(row: &Row) -> Result<Kind, StoreError> {
    let code: String = row.get("kind")?;
    Kind::from_code(&code).ok_or(StoreError::Decode {
        column: "kind".to_owned(),
        wanted: "a kind of token",
        found: "other text",
    })
}

pub(crate) fn token(row: &Row) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        number: row.get("number")?,
        kind: kind(row)?,
        family: row.get("family")?,
        public_id: row.parse("public_id")?,
        user: row.get("user_id")?,
        description: row.get("description")?,
        is_public: row.get("is_public")?,
        reveal_policy: row.parse("reveal_policy")?,
        reveal_until: row.get("reveal_until")?,
        data_key: row.get("data_key")?,
        data_key_id: row.parse_optional("data_key_id")?,
        generation: row.get("generation")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        expires_at: row.get("expires_at")?,
        revoked_at: row.get("revoked_at")?,
        revoked_by: row.get("revoked_by")?,
        revoked_reason: row.get("revoked_reason")?,
        last_used_at: row.get("last_used_at")?,
        last_used_ip: row.get("last_used_ip")?,
    })
}

/// Which of a list's tokens are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// Revoked and live ones.
    Any,
    /// Only revoked ones.
    Revoked,
    /// Only live ones.
    Live,
}

impl Liveness {
    const fn revoked(self) -> bool {
        !matches!(self, Self::Live)
    }
    const fn live(self) -> bool {
        !matches!(self, Self::Revoked)
    }
}

/// Adds a token without secrets, of the widest scope; answers with its number.
pub async fn insert(tx: &mut Tx, new: &Token) -> Result<Option<i64>, StoreError> {
    let values = params![
        new.id,
        new.organization,
        new.kind.code(),
        new.family.as_str(),
        new.public_id.as_str(),
        new.user,
        new.description.clone(),
        new.is_public,
        new.reveal_policy.as_str(),
        new.reveal_until,
        new.data_key.clone(),
        new.data_key_id.as_ref().map(KeyId::to_string),
        new.created_at,
        new.created_by,
        new.expires_at,
    ];
    tx.execute(INSERT, &values).await?;
    numbers::give(tx, new.organization, new.id).await
}

async fn maybe(tx: &mut Tx, sql: crate::Sql, values: &[Value]) -> Result<Option<Token>, StoreError> {
    tx.maybe(sql, values).await?.as_ref().map(token).transpose()
}

/// The organization's token with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: TokenId) -> Result<Option<Token>, StoreError> {
    maybe(tx, FIND, &params![of, id]).await
}

/// The organization's token with this id, kept still until the transaction ends.
pub async fn find_for_update(tx: &mut Tx, of: OrganizationId, id: TokenId) -> Result<Option<Token>, StoreError> {
    tx.take_turn(id, Turn::Alone).await?;
    maybe(tx, FIND_FOR_UPDATE, &params![of, id]).await
}

/// The organization's token that has a secret with this public id.
pub async fn find_by_public_id(tx: &mut Tx, of: OrganizationId, id: &PublicId) -> Result<Option<Token>, StoreError> {
    maybe(tx, FIND_BY_PUBLIC_ID, &params![of, id.as_str()]).await
}

/// At most `limit` of the organization's tokens of one kind below `after`, newest first.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    kind: Kind,
    which: Liveness,
    after: TokenId,
    limit: i64,
) -> Result<Vec<Token>, StoreError> {
    let values = params![of, kind.code(), after, which.revoked(), which.live(), limit];
    tx.all(PAGE, &values).await?.iter().map(token).collect()
}

/// How many tokens of one kind the organization has.
pub async fn count(tx: &mut Tx, of: OrganizationId, kind: Kind, which: Liveness) -> Result<i64, StoreError> {
    tx.one(COUNT, &params![of, kind.code(), which.revoked(), which.live()]).await?.get("n")
}

/// At most `limit` of one person's user tokens below `after`, newest first.
pub async fn page_of_user(
    tx: &mut Tx,
    of: OrganizationId,
    user: UserId,
    after: TokenId,
    limit: i64,
) -> Result<Vec<Token>, StoreError> {
    tx.all(PAGE_OF_USER, &params![of, user, after, limit]).await?.iter().map(token).collect()
}

/// At most `limit` of one family's tokens that name this deployment and stand, below `after`, newest first.
pub async fn page_of_deployment(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    family: &str,
    after: TokenId,
    limit: i64,
) -> Result<Vec<Token>, StoreError> {
    tx.all(PAGE_OF_DEPLOYMENT, &params![of, deployment, family, after, limit]).await?.iter().map(token).collect()
}

/// How many those are.
pub async fn count_of_deployment(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    family: &str,
) -> Result<i64, StoreError> {
    tx.one(COUNT_OF_DEPLOYMENT, &params![of, deployment, family]).await?.get("n")
}

/// Writes description, visibility, expiry and policy of a live token. False when it is gone or revoked.
pub async fn update(tx: &mut Tx, to: &Token) -> Result<bool, StoreError> {
    tx.take_turn(to.id, Turn::Alone).await?;
    let values = params![
        to.organization,
        to.id,
        to.description.clone(),
        to.is_public,
        to.expires_at,
        to.reveal_policy.as_str(),
        to.reveal_until,
    ];
    Ok(tx.execute(UPDATE, &values).await? == 1)
}

/// Takes a token back. False when it is gone or was revoked before: then nothing changes.
pub async fn revoke(
    tx: &mut Tx,
    of: OrganizationId,
    id: TokenId,
    by: Option<UserId>,
    reason: Option<&str>,
) -> Result<bool, StoreError> {
    // Registrations under way are let end, and those that come later wait.
    tx.take_turn(id, Turn::Alone).await?;
    let now = tx.now();
    let revoked = tx.execute(REVOKE, &params![of, id, now, by, reason]).await? == 1;
    if revoked {
        secrets::drop_sealed(tx, id).await?;
    }
    Ok(revoked)
}

/// Gives a live token a data key, and the end of its window. False when it is gone or revoked.
pub async fn set_data_key(
    tx: &mut Tx,
    of: OrganizationId,
    id: TokenId,
    key: &[u8],
    wrapped_by: &KeyId,
    reveal_until: Option<Timestamp>,
) -> Result<bool, StoreError> {
    Ok(tx.execute(SET_DATA_KEY, &params![of, id, key, wrapped_by.to_string(), reveal_until]).await? == 1)
}

/// Destroys the sealed copies of a token and the key they were under. False when there were none.
pub async fn drop_sealed(tx: &mut Tx, id: TokenId) -> Result<bool, StoreError> {
    let had = tx.execute(DROP_DATA_KEY, &params![id]).await? == 1;
    secrets::drop_sealed(tx, id).await?;
    Ok(had)
}

/// A token whose value is kept no longer.
#[derive(Debug, Clone)]
pub struct ClosedWindow {
    /// The token.
    pub token: TokenId,
    /// Its organization; nil for an operator token.
    pub organization: OrganizationId,
    /// What it is for.
    pub kind: Kind,
    /// Its public id.
    pub public_id: PublicId,
}

/// At most `limit` tokens whose sealed copies have outlived their window or their token.
pub async fn closed_windows(tx: &mut Tx, limit: i64) -> Result<Vec<ClosedWindow>, StoreError> {
    let now = tx.now();
    let rows = tx.all(CLOSED_WINDOWS, &params![now, limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(ClosedWindow {
                token: row.get("id")?,
                organization: row.get("organization_id")?,
                kind: kind(row)?,
                public_id: row.parse("public_id")?,
            })
        })
        .collect()
}

/// A data key as a row holds it.
#[derive(Debug)]
pub struct DataKeyRow {
    /// Whose.
    pub token: TokenId,
    /// The token's organization.
    pub organization: OrganizationId,
    /// The wrapped key.
    pub bytes: Vec<u8>,
    /// The key of the ring that wraps it.
    pub key: KeyId,
}

/// At most `limit` data keys that another key than `newest` wraps.
pub async fn wrapped_by_others(tx: &mut Tx, newest: &KeyId, limit: i64) -> Result<Vec<DataKeyRow>, StoreError> {
    let rows = tx.all(WRAPPED_BY_OTHERS, &params![newest.to_string(), limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(DataKeyRow {
                token: row.get("id")?,
                organization: row.get("organization_id")?,
                bytes: row.get("data_key")?,
                key: row.parse("data_key_id")?,
            })
        })
        .collect()
}

/// Replaces a wrapped data key. False when another has replaced it meanwhile.
pub async fn rewrap(tx: &mut Tx, was: &DataKeyRow, bytes: &[u8], key: &KeyId) -> Result<bool, StoreError> {
    Ok(tx.execute(REWRAP, &params![was.token, bytes, key.to_string(), was.key.to_string()]).await? == 1)
}

/// Writes when and from where a token was last used.
pub async fn touch(tx: &mut Tx, id: TokenId, at: Timestamp, ip: &str) -> Result<(), StoreError> {
    tx.execute(TOUCH, &params![id, at, ip]).await.map(drop)
}
