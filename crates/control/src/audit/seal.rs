//! Sealing: giving rows their places in the chain.

use countersign_domain::KeyRing;
use countersign_domain::audit::{GENESIS, Head as Place};
use countersign_domain::id::OrganizationId;
use countersign_store::audit::{self, Head};
use countersign_store::{Lane, Tx};

use crate::access::actions::KeepHouse;
use crate::{Control, Error, Grant, Result, Scene};

use super::{HEAD_LABEL, bytes_of, head_bytes};

/// How many rows one transaction seals at the most: small, so that a revoke never waits long behind it.
const BATCH: i64 = 200;

impl Control {
    /// Seals what is not sealed yet, in batches. Answers how many rows that were.
    ///
    /// # Errors
    /// [`Error::Internal`] when a head's MAC does not fit: then nothing is sealed on it, and `audit verify` says so.
    pub async fn seal_audit(&self) -> Result<u64> {
        let waiting = self.store().read((), |tx, ()| Box::pin(audit::organizations_to_seal(tx))).await?;
        let mut sealed = 0;
        // One log that cannot be sealed keeps no other from it.
        let mut failed = Ok(());
        for of in waiting {
            let grant: Grant<KeepHouse> = self.system("seal the audit log", of)?;
            loop {
                match self.write(&grant, Lane::Normal, (), |tx, scene| Box::pin(seal_batch(tx, scene))).await {
                    Ok(more) => {
                        sealed += more.unsigned_abs();
                        if more < BATCH {
                            break;
                        }
                    }
                    Err(error) => {
                        failed = Err(error);
                        break;
                    }
                }
            }
        }
        failed.map(|()| sealed)
    }

    /// Puts heads that an older key protects under the newest one. Answers how many those were.
    ///
    /// # Errors
    /// As [`Control::seal_audit`].
    pub(crate) async fn reseal_heads(&self) -> Result<u64> {
        let mut count = 0;
        loop {
            let newest = self.keys().newest().clone();
            let heads =
                self.store().read(newest, |tx, newest| Box::pin(audit::heads_by_others(tx, newest, BATCH))).await?;
            if heads.is_empty() {
                return Ok(count);
            }
            count += heads.len() as u64;
            self.protect_anew(heads).await?;
        }
    }

    async fn protect_anew(&self, heads: Vec<(OrganizationId, Head)>) -> Result<()> {
        for (of, _) in heads {
            let grant: Grant<KeepHouse> = self.system("move the audit log to the newest key", of)?;
            self.write(&grant, Lane::Normal, (), |tx, scene| {
                Box::pin(async move {
                    let of = scene.organization;
                    let Some(head) = audit::find_head_for_update(tx, of).await? else { return Ok(()) };
                    let place = check(&scene.keys, of, &head)?;
                    audit::move_head(tx, of, head.sequence, &protect(&scene.keys, of, &place)).await?;
                    Ok(())
                })
            })
            .await?;
        }
        Ok(())
    }
}

/// A head under the newest key.
fn protect(keys: &KeyRing, of: OrganizationId, place: &Place) -> Head {
    let (key, mac) = keys.mac(HEAD_LABEL, &head_bytes(of, place.sequence, &place.hash));
    Head { sequence: place.sequence, hash: place.hash.to_vec(), mac: mac.to_vec(), key }
}

/// Where a chain stands, if the head's MAC fits.
pub(super) fn check(keys: &KeyRing, of: OrganizationId, head: &Head) -> Result<Place> {
    let wrong = || Error::internal("the head of the audit log does not fit its MAC; run `countersign audit verify`");
    let hash: [u8; 32] = head.hash.as_slice().try_into().map_err(|_| wrong())?;
    let mac: [u8; 32] = head.mac.as_slice().try_into().map_err(|_| wrong())?;
    let bytes = head_bytes(of, head.sequence, &hash);
    match keys.verify_mac(HEAD_LABEL, &bytes, &head.key, &mac) {
        Ok(true) => Ok(Place { sequence: head.sequence, hash }),
        Ok(false) => Err(wrong()),
        Err(missing) => Err(Error::internal(missing)),
    }
}

/// Begins the chain of an organization, or of the instance itself (nil), in the transaction that makes it. Only here: a head that is missing
/// later was taken away, and is never made anew, or whoever can write rows could have a chain of their own sealed.
pub(crate) async fn begin<I: Sync>(tx: &mut Tx, scene: &Scene<I>, of: OrganizationId) -> Result<()> {
    let start = Place { sequence: 0, hash: GENESIS };
    Ok(audit::insert_head(tx, of, &protect(&scene.keys, of, &start)).await?)
}

async fn seal_batch(tx: &mut Tx, scene: &Scene<()>) -> Result<i64> {
    let of = scene.organization;
    // The head is kept still from here on: of several sealers one goes on, and the others find its rows sealed.
    let Some(head) = audit::find_head_for_update(tx, of).await? else {
        return Err(Error::internal("an audit log has no head; it was taken away: run `countersign audit verify`"));
    };
    let mut place = check(&scene.keys, of, &head)?;
    let events = audit::unsealed(tx, of, BATCH).await?;
    for event in &events {
        place = place.then(&bytes_of(event));
        if !audit::seal(tx, event.id.cast(), place.sequence, &place.hash).await? {
            return Err(Error::internal("a row of the audit log was sealed by somebody else"));
        }
    }
    if !events.is_empty() {
        audit::move_head(tx, of, head.sequence, &protect(&scene.keys, of, &place)).await?;
    }
    Ok(i64::try_from(events.len()).unwrap_or(i64::MAX))
}
