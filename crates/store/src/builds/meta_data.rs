//! Meta-data: words that the jobs of a build share.

use countersign_domain::id::BuildId;

use crate::{StoreError, Tx, params, statements};

statements! {
    /// Sets a key, over what it was.
    SET = "INSERT INTO meta_data (build_id, key, value, updated_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (build_id, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at";
    /// A key's value.
    GET = "SELECT value FROM meta_data WHERE build_id = $1 AND key = $2";
    /// The keys of a build.
    KEYS = "SELECT key FROM meta_data WHERE build_id = $1 ORDER BY key";
    /// All of a build's meta-data.
    OF_BUILD = "SELECT key, value FROM meta_data WHERE build_id = $1 ORDER BY key";
    /// The first of it, with the starts of the values ($3, in characters).
    STARTS = "SELECT key, SUBSTR(value, 1, $3) AS value FROM meta_data WHERE build_id = $1 ORDER BY key LIMIT $2";
    /// How many keys a build has.
    COUNT = "SELECT COUNT(*) AS n FROM meta_data WHERE build_id = $1";
    /// How many bytes they have, with their values.
    SIZE = "SELECT CAST(COALESCE(SUM(OCTET_LENGTH(key) + OCTET_LENGTH(value)), 0) AS BIGINT) AS size FROM meta_data WHERE build_id = $1";
}

/// Sets a key of a build, over what it was.
pub async fn set(tx: &mut Tx, build: BuildId, key: &str, value: &str) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(SET, &params![build, key, value, now]).await.map(drop)
}

/// A key's value.
pub async fn get(tx: &mut Tx, build: BuildId, key: &str) -> Result<Option<String>, StoreError> {
    tx.maybe(GET, &params![build, key]).await?.map(|row| row.get("value")).transpose()
}

/// The keys of a build, sorted.
pub async fn keys(tx: &mut Tx, build: BuildId) -> Result<Vec<String>, StoreError> {
    tx.all(KEYS, &params![build]).await?.iter().map(|row| row.get("key")).collect()
}

/// All of a build's meta-data, by key.
pub async fn of_build(tx: &mut Tx, build: BuildId) -> Result<Vec<(String, String)>, StoreError> {
    let rows = tx.all(OF_BUILD, &params![build]).await?;
    rows.iter().map(|row| Ok((row.get("key")?, row.get("value")?))).collect()
}

/// The first `limit` keys of a build, with at most `characters` of each value.
pub async fn starts(
    tx: &mut Tx,
    build: BuildId,
    limit: i64,
    characters: i64,
) -> Result<Vec<(String, String)>, StoreError> {
    let rows = tx.all(STARTS, &params![build, limit, characters]).await?;
    rows.iter().map(|row| Ok((row.get("key")?, row.get("value")?))).collect()
}

/// How many keys a build has.
pub async fn count(tx: &mut Tx, build: BuildId) -> Result<i64, StoreError> {
    tx.one(COUNT, &params![build]).await?.get("n")
}

/// How many bytes a build's meta-data has, keys and values.
pub async fn size(tx: &mut Tx, build: BuildId) -> Result<i64, StoreError> {
    tx.one(SIZE, &params![build]).await?.get("size")
}
