//! Moving to a newer key: sealed copies are wrapped anew, digests move at their next use.

use std::collections::BTreeMap;

use countersign_domain::KeyId;
use countersign_domain::sealing::{Place, WrappedKey};
use countersign_store::{Lane, keys, tokens};

use crate::access::actions::KeepHouse;
use crate::{Control, Error, Grant, Result};

/// How many data keys one transaction wraps anew at the most.
const BATCH: i64 = 200;

impl Control {
    /// How many rows need each key.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn needed_keys(&self) -> Result<BTreeMap<KeyId, i64>> {
        let rows = self.store().read((), |tx, ()| Box::pin(keys::needed(tx))).await?;
        Ok(rows.into_iter().collect())
    }

    /// Keys that rows need and the key ring lacks. A server refuses to start while there are any.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn missing_keys(&self) -> Result<BTreeMap<KeyId, i64>> {
        let ring = self.keys();
        Ok(self.needed_keys().await?.into_iter().filter(|(key, _)| !ring.has(key)).collect())
    }

    /// Wraps every data key, seals every signing key, and protects every head of an audit log, by the newest key. It can be stopped at any point and run again.
    /// Answers how many rows it moved.
    ///
    /// # Errors
    /// [`Error::Internal`] for a data key that does not open: it was changed, or its key is gone.
    pub async fn move_to_newest_key(&self) -> Result<u64> {
        let grant: Grant<KeepHouse> = self.system("move to the newest key", countersign_domain::Id::nil())?;
        let mut moved = 0;
        loop {
            let newest = self.keys().newest().clone();
            let batch = self
                .write(&grant, Lane::Normal, newest, |tx, scene| {
                    Box::pin(async move {
                        let rows = tokens::wrapped_by_others(tx, &scene.input, BATCH).await?;
                        for row in &rows {
                            let place = Place { organization: row.organization, token: row.token };
                            let wrapped = WrappedKey { bytes: row.bytes.clone(), key: row.key.clone() };
                            let again =
                                scene.keys.rewrap(&wrapped, &place, &*scene.entropy).map_err(Error::internal)?;
                            tokens::rewrap(tx, row, &again.bytes, &again.key).await?;
                        }
                        Ok(i64::try_from(rows.len()).unwrap_or(i64::MAX))
                    })
                })
                .await?;
            moved += batch.unsigned_abs();
            if batch < BATCH {
                break;
            }
        }
        Ok(moved + self.reseal_heads().await? + self.reseal_oidc_keys().await?)
    }
}
