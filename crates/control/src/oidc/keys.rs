//! Making signing keys, and putting them aside.

use std::time::Duration;

use countersign_domain::id::{Id, SigningKeyId};
use countersign_domain::signing::SigningKey;
use countersign_domain::{Timestamp, id::of};
use countersign_store::oidc_keys::{self, Key};
use countersign_store::{Lane, Turn, Tx};
use serde_json::json;

use crate::access::actions::KeepHouse;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::MAX_LIFETIME;

/// For how long a key signs.
pub const SIGNS_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// For how long a key is published before it signs: verifiers keep a copy of the key set, for hours as a rule.
pub const PUBLISHED_BEFORE: Duration = Duration::from_secs(24 * 3600);
/// For how long a key stays published after it signed last: until its last token has expired, and a little for clocks that differ.
const PUBLISHED_AFTER: Duration = Duration::from_secs(MAX_LIFETIME.as_secs() + 600);

/// What a round of keeping keys did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeptKeys {
    /// Keys that were made.
    pub made: u64,
    /// Keys whose private part was destroyed.
    pub retired: u64,
    /// Keys that are not published any more.
    pub forgotten: u64,
}

impl Control {
    /// Makes the next key in time, destroys the private part of those that sign no more, and forgets those whose last token has expired. It
    /// can be stopped at any point and run again.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Internal`] when no key can be made.
    pub async fn keep_oidc_keys(&self) -> Result<KeptKeys> {
        let known = self.store().read((), |tx, ()| Box::pin(oidc_keys::all(tx))).await?;
        let now = self.now();
        let due = Due::of(&known, now);
        if due == Due::default() {
            return Ok(KeptKeys::default());
        }
        let fresh = match due.next {
            Some(_) => Some(self.fresh_oidc_key().await?),
            None => None,
        };
        let grant: Grant<KeepHouse> = self.system("keep the signing keys", Id::nil())?;
        self.write(&grant, Lane::Normal, fresh, |tx, scene| Box::pin(keep(tx, scene))).await
    }

    /// Makes the first key, unless there is one that signs.
    pub(super) async fn keep_first_oidc_key(&self) -> Result<()> {
        let signing = self.store().read((), |tx, ()| Box::pin(oidc_keys::signing(tx))).await?;
        if signing.is_none() {
            self.keep_oidc_keys().await?;
        }
        Ok(())
    }

    /// A key with its private part sealed. Made beside the runtime, for it takes its time.
    async fn fresh_oidc_key(&self) -> Result<Key> {
        let made = tokio::task::spawn_blocking(SigningKey::generate).await.map_err(Error::internal)?;
        let key = made.map_err(Error::internal)?;
        let id: SigningKeyId = self.fresh_id();
        let sealed = self.keys().seal_signing_key(&key, id, self.entropy()).map_err(Error::internal)?;
        let public = key.public().map_err(Error::internal)?;
        let now = self.now();
        Ok(Key { id, public, sealed: Some(sealed), signs_from: now, published_until: None, created_at: now })
    }

    /// Seals private parts anew that an older key of the ring protects. Answers how many those were.
    pub(crate) async fn reseal_oidc_keys(&self) -> Result<u64> {
        let grant: Grant<KeepHouse> = self.system("move signing keys to the newest key", Id::nil())?;
        self.write(&grant, Lane::Normal, (), |tx, scene| {
            Box::pin(async move {
                let rows = oidc_keys::sealed_by_others(tx, scene.keys.newest()).await?;
                let mut moved = 0;
                for row in rows {
                    let Some(sealed) = row.sealed else { continue };
                    let again = scene.keys.reseal_signing_key(&sealed, row.id, &*scene.entropy);
                    let again = again.map_err(Error::internal)?;
                    moved += u64::from(oidc_keys::reseal(tx, row.id, &again, &sealed.key).await?);
                }
                Ok(moved)
            })
        })
        .await
    }
}

/// What is to be done at a time.
#[derive(Debug, Default, PartialEq, Eq)]
struct Due {
    /// From when on a key is to sign that is to be made now.
    next: Option<Timestamp>,
    /// Those that another has taken over from.
    retire: Vec<SigningKeyId>,
    /// Whether one need not be published any more.
    forget: bool,
}

impl Due {
    /// `known` has the key that signs last first.
    fn of(known: &[Key], now: Timestamp) -> Self {
        let living = || known.iter().filter(|key| key.published_until.is_none());
        let signing = living().find(|key| key.signs_from <= now);
        let next = match (living().next(), signing) {
            (_, None) => Some(now),
            (Some(last), Some(_)) => {
                let over = last.signs_from.plus(SIGNS_FOR);
                let publish = over.minus(PUBLISHED_BEFORE);
                // A server that was off for long still publishes a key for a while before it signs.
                (publish <= now)
                    .then(|| if over < now.plus(PUBLISHED_BEFORE) { now.plus(PUBLISHED_BEFORE) } else { over })
            }
            (None, Some(_)) => None,
        };
        let retire = match signing {
            Some(signing) => {
                living().filter(|key| key.signs_from <= now && key.id != signing.id).map(|key| key.id).collect()
            }
            None => Vec::new(),
        };
        Self { next, retire, forget: known.iter().any(|key| key.published_until.is_some_and(|until| until <= now)) }
    }
}

async fn keep(tx: &mut Tx, scene: &Scene<Option<Key>>) -> Result<KeptKeys> {
    // Of two servers that see the same need one does what is needed, and the other finds it done.
    tx.take_turn(Id::<of::SigningKey>::nil(), Turn::Alone).await?;
    let now = tx.now();
    let due = Due::of(&oidc_keys::all(tx).await?, now);
    let mut kept = KeptKeys::default();
    if let (Some(signs_from), Some(fresh)) = (due.next, &scene.input) {
        oidc_keys::insert(tx, &Key { signs_from, created_at: now, ..fresh.clone() }).await?;
        let detail = json!({ "signs_from": signs_from.to_string() });
        scene.audit(tx, "oidc_key.created", Subject::new("oidc_key", fresh.id, fresh.id.to_string()), detail).await?;
        kept.made = 1;
    }
    for id in due.retire {
        let until = now.plus(PUBLISHED_AFTER);
        if oidc_keys::retire(tx, id, until).await? {
            let detail = json!({ "published_until": until.to_string() });
            scene.audit(tx, "oidc_key.retired", Subject::new("oidc_key", id, id.to_string()), detail).await?;
            kept.retired += 1;
        }
    }
    for id in oidc_keys::forget(tx).await? {
        scene.audit(tx, "oidc_key.forgotten", Subject::new("oidc_key", id, id.to_string()), json!({})).await?;
        kept.forgotten += 1;
    }
    Ok(kept)
}
