//! The keys that sign tokens of jobs for other services. They are the instance's, not an organization's.

use countersign_domain::id::SigningKeyId;
use countersign_domain::sealing::WrappedKey;
use countersign_domain::signing::PublicKey;
use countersign_domain::{KeyId, Timestamp};

use crate::{Row, StoreError, Tx, params, statements};

macro_rules! columns {
    () => {
        "id, modulus, exponent, sealed, key_id, signs_from, published_until, created_at"
    };
}

statements! {
    /// A new key.
    INSERT = "INSERT INTO oidc_keys (id, modulus, exponent, sealed, key_id, signs_from, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// Every key that is published, the one that signs last first.
    ALL_KEYS = concat!("SELECT ", columns!(), " FROM oidc_keys ORDER BY signs_from DESC, id DESC");
    /// The key that signs at a time.
    SIGNING = concat!("SELECT ", columns!(), " FROM oidc_keys WHERE signs_from <= $1 AND published_until IS NULL
           ORDER BY signs_from DESC, id DESC LIMIT 1");
    /// A key signs no more: its private part is destroyed, its public part stays until the last token it signed has expired.
    RETIRE = "UPDATE oidc_keys SET sealed = NULL, key_id = NULL, published_until = $2 WHERE id = $1 AND published_until IS NULL";
    /// Forgets the keys whose last token has expired.
    FORGET = "DELETE FROM oidc_keys WHERE published_until <= $1 RETURNING id";
    /// Sealed keys that are not under the newest key of the ring.
    SEALED_BY_OTHERS = concat!("SELECT ", columns!(), " FROM oidc_keys WHERE key_id IS NOT NULL AND key_id <> $1 ORDER BY id");
    /// The same key under a newer one of the ring; only if it is still under the one it was read with.
    RESEAL = "UPDATE oidc_keys SET sealed = $2, key_id = $3 WHERE id = $1 AND key_id = $4";
}

/// A key that signs, has signed or will.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its id, which tokens name.
    pub id: SigningKeyId,
    /// What verifiers need.
    pub public: PublicKey,
    /// What signs, sealed; none once it signs no more.
    pub sealed: Option<WrappedKey>,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// Until when its public part is published; none while it signs, or will.
    pub published_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

fn key(row: &Row) -> Result<Key, StoreError> {
    let by: Option<String> = row.get("key_id")?;
    let sealed = match (row.get("sealed")?, by) {
        (Some(bytes), Some(_)) => Some(WrappedKey { bytes, key: row.parse("key_id")? }),
        _ => None,
    };
    Ok(Key {
        id: row.get("id")?,
        public: PublicKey { modulus: row.get("modulus")?, exponent: row.get("exponent")? },
        sealed,
        signs_from: row.get("signs_from")?,
        published_until: row.get("published_until")?,
        created_at: row.get("created_at")?,
    })
}

/// Adds a key.
pub async fn insert(tx: &mut Tx, new: &Key) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.public.modulus.as_slice(),
        new.public.exponent.as_slice(),
        new.sealed.as_ref().map(|it| it.bytes.clone()),
        new.sealed.as_ref().map(|it| it.key.to_string()),
        new.signs_from,
        new.created_at,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// Every key that is published, the one that signs last first.
pub async fn all(tx: &mut Tx) -> Result<Vec<Key>, StoreError> {
    tx.all(ALL_KEYS, &params![]).await?.iter().map(key).collect()
}

/// The key that signs now.
pub async fn signing(tx: &mut Tx) -> Result<Option<Key>, StoreError> {
    let now = tx.now();
    tx.maybe(SIGNING, &params![now]).await?.as_ref().map(key).transpose()
}

/// A key signs no more, and is published until `until`. False when that had been so before.
pub async fn retire(tx: &mut Tx, id: SigningKeyId, until: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.execute(RETIRE, &params![id, until]).await? == 1)
}

/// Forgets the keys that need not be published any more; says which.
pub async fn forget(tx: &mut Tx) -> Result<Vec<SigningKeyId>, StoreError> {
    let now = tx.now();
    tx.all(FORGET, &params![now]).await?.iter().map(|row| row.get("id")).collect()
}

/// Sealed keys that are not under `newest`.
pub async fn sealed_by_others(tx: &mut Tx, newest: &KeyId) -> Result<Vec<Key>, StoreError> {
    tx.all(SEALED_BY_OTHERS, &params![newest.to_string()]).await?.iter().map(key).collect()
}

/// Keeps the same key under a newer one of the ring. False when another has done so meanwhile.
pub async fn reseal(tx: &mut Tx, id: SigningKeyId, to: &WrappedKey, from: &KeyId) -> Result<bool, StoreError> {
    let values = params![id, to.bytes.as_slice(), to.key.to_string(), from.to_string()];
    Ok(tx.execute(RESEAL, &values).await? == 1)
}
