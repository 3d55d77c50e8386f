//! What Countersign can do: one operation, one file.
//!
//! Every operation takes a [`Grant`] and nothing decides access but [`access`]. An operation opens its transaction through
//! `Control::write`, which asks again, inside it, whether the caller's credential still stands, and writes its audit row there too.

pub mod access;
pub mod agent_tokens;
pub mod agents;
pub mod artifacts;
pub mod audit;
mod beside;
pub mod builds;
pub mod code_locations;
mod crowd;
pub mod dagster;
pub mod dagster_runs;
pub mod deployment_roles;
pub mod deployments;
mod error;
mod input;
pub mod invitations;
mod issuing;
pub mod jobs;
pub mod keys;
pub mod maintenance;
pub mod members;
pub mod oidc;
pub mod operator_tokens;
pub mod organizations;
mod origin;
mod page;
pub mod pipelines;
pub mod queue_counts;
pub mod queues;
mod rates;
pub mod revealing;
mod scene;
pub mod service_users;
pub mod settings;
mod shown;
pub mod signing_in;
pub mod steps;
pub mod teams;
mod usage;
pub mod user_tokens;
mod wakeups;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use countersign_domain::id::{AgentId, Id, JobId, TokenId};
use countersign_domain::{Clock, Entropy, KeyRing, Kind, Timestamp, TokenSecret};
use countersign_store::blobs::Blobs;
use countersign_store::{Lane, Store, Tx, members as rows, sign_ins};
use futures_util::future::BoxFuture;

pub use access::{Action, Caller, Grant, Presented};
pub use error::{Error, RETRY_AFTER, Result};
pub use origin::{MAX_USER_AGENT, Origin};
pub use page::{MAX_PAGE, Page, PageRequest, Part, SEARCHED};
pub use settings::{Retention, Settings};

pub(crate) use scene::Scene;

/// The system: a store, a key ring, a clock and a source of randomness, and everything that can be done with them.
#[derive(Clone)]
pub struct Control {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    keys: RwLock<Arc<KeyRing>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: Settings,
    blobs: OnceLock<Blobs>,
    transfers: artifacts::Transfers,
    usage: usage::Usage,
    beside: beside::Beside,
    writers: crowd::Crowd<AgentId>,
    readers: crowd::Crowd<AgentId>,
    uploads: crowd::Crowd<JobId>,
    searches: crowd::Crowd<JobId>,
    calls: rates::Rates<JobId>,
    registrations: rates::Rates<TokenId>,
    invitations: rates::Rates<IpAddr>,
    guesses: signing_in::Guesses,
    hashing: signing_in::Hashing,
    provider: OnceLock<signing_in::Here>,
    counts: maintenance::Counts,
    pace: maintenance::Pace,
    wakeups: wakeups::Wakeups,
    started_at: Timestamp,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

impl Control {
    /// A system over an open store.
    #[must_use]
    pub fn new(
        store: Store,
        keys: KeyRing,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
    ) -> Self {
        let started_at = clock.now();
        let inner = Inner {
            store,
            keys: RwLock::new(Arc::new(keys)),
            clock,
            entropy,
            wakeups: wakeups::Wakeups::new(settings.max_waiting),
            settings,
            blobs: OnceLock::new(),
            transfers: artifacts::Transfers::default(),
            usage: usage::Usage::default(),
            beside: beside::Beside::default(),
            writers: crowd::Crowd::new(crowd::WRITES_AT_ONCE),
            readers: crowd::Crowd::new(crowd::READS_AT_ONCE),
            uploads: crowd::Crowd::new(1),
            searches: crowd::Crowd::new(1),
            calls: rates::Rates::new(rates::OF_JOB),
            registrations: rates::Rates::new(rates::OF_REGISTRATION),
            invitations: rates::Rates::new(rates::OF_INVITATIONS),
            guesses: signing_in::Guesses::default(),
            hashing: signing_in::Hashing::default(),
            provider: OnceLock::new(),
            counts: maintenance::Counts::default(),
            pace: maintenance::Pace::default(),
            started_at,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The store beneath.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Keeps the bytes of artifacts there. To be said once, before anything is served; without it, artifacts are unavailable.
    #[must_use]
    pub fn keeping_blobs(self, blobs: Blobs) -> Self {
        // Whoever says it twice keeps to the first word: nothing that was stored may be looked for elsewhere.
        let _ = self.inner.blobs.set(blobs);
        self
    }

    /// Lets people sign in by a provider of OpenID Connect, which is asked by `fetch`. To be said once, before anything is served.
    #[must_use]
    pub fn with_provider(self, provider: signing_in::Provider, fetch: Arc<dyn signing_in::Fetch>) -> Self {
        // As for artifacts: the first word is kept to.
        let _ = self.inner.provider.set(signing_in::Here::new(provider, fetch));
        self
    }

    /// The provider that people sign in by.
    pub(crate) fn provider_here(&self) -> Result<&signing_in::Here> {
        self.inner.provider.get().ok_or(Error::NotFound("provider to sign in by"))
    }

    /// Where the bytes of artifacts are.
    pub(crate) fn blobs(&self) -> Result<&Blobs> {
        self.inner.blobs.get().ok_or(Error::Unavailable {
            code: "artifact_storage",
            message: "This process keeps no artifacts; ask the server.",
        })
    }

    pub(crate) fn transfers(&self) -> &artifacts::Transfers {
        &self.inner.transfers
    }

    /// The key ring as it is now.
    #[must_use]
    pub fn keys(&self) -> Arc<KeyRing> {
        self.inner.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses another key ring from now on: the file has changed.
    pub fn set_keys(&self, keys: KeyRing) {
        *self.inner.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// How this instance is set.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The program's clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.inner.entropy
    }

    pub(crate) fn usage(&self) -> &usage::Usage {
        &self.inner.usage
    }

    pub(crate) fn wakeups(&self) -> &wakeups::Wakeups {
        &self.inner.wakeups
    }

    /// Where uploads of one job take turns.
    pub(crate) fn uploads(&self) -> &crowd::Crowd<JobId> {
        &self.inner.uploads
    }

    /// Where searches of one job take turns.
    pub(crate) fn searches(&self) -> &crowd::Crowd<JobId> {
        &self.inner.searches
    }

    /// How often agents register with a token.
    pub(crate) fn registrations(&self) -> &rates::Rates<TokenId> {
        &self.inner.registrations
    }

    /// How often invitations, links and passwords are tried from an address.
    pub(crate) fn invitations(&self) -> &rates::Rates<IpAddr> {
        &self.inner.invitations
    }

    /// How often passwords are tried.
    pub(crate) fn guesses(&self) -> &signing_in::Guesses {
        &self.inner.guesses
    }

    /// Where passwords are hashed, a few at a time.
    pub(crate) fn hashing(&self) -> &signing_in::Hashing {
        &self.inner.hashing
    }

    pub(crate) fn started_at(&self) -> Timestamp {
        self.inner.started_at
    }

    pub(crate) fn counts(&self) -> &maintenance::Counts {
        &self.inner.counts
    }

    pub(crate) fn pace(&self) -> &maintenance::Pace {
        &self.inner.pace
    }

    /// A fresh id.
    pub(crate) fn fresh_id<T>(&self) -> Id<T> {
        Id::new(self.now(), self.entropy())
    }

    /// A fresh token value. Shared, because an operation may be run again and the caller needs the value after it.
    pub(crate) fn mint(&self, kind: Kind) -> Arc<TokenSecret> {
        Arc::new(TokenSecret::mint(&self.inner.settings.prefix, kind, self.entropy()))
    }

    fn scene<A: Action, I>(&self, grant: &Grant<A>, input: I) -> Scene<I> {
        Scene {
            input,
            caller: grant.caller().clone(),
            organization: grant.organization(),
            within: access::Within::of::<A>(grant.caller()),
            proving: self.proving::<A>(grant.caller()),
            keys: self.keys(),
            entropy: self.inner.entropy.clone(),
            wakeups: self.inner.wakeups.clone(),
        }
    }

    /// The one way to write: a transaction that first asks whether the caller's credential still stands.
    pub(crate) async fn write<A, I, T, F>(&self, grant: &Grant<A>, lane: Lane, input: I, op: F) -> Result<T>
    where
        A: Action,
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a Scene<I>) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
    {
        self.let_through(grant)?;
        let scene = self.scene(grant, input);
        let _place = match grant.caller() {
            Caller::Session(it) => Some(self.inner.writers.enter(it.agent).await),
            Caller::Job(it) => Some(self.inner.writers.enter(it.agent).await),
            // Registering and heartbeats are small, and a fleet has one token; what is told of code locations is a thousand rows.
            Caller::AgentToken(it) if A::NAME == access::actions::TellCodeLocation::NAME => {
                Some(self.inner.writers.enter(it.token.cast()).await)
            }
            _ => None,
        };
        let outcome = self
            .inner
            .store
            .transact(lane, (scene, op), |tx, (scene, op)| {
                Box::pin(async move {
                    if access::IN_TURN.contains(&A::NAME) {
                        rows::take_turn(tx, scene.organization).await?;
                    }
                    if access::OF_PERSON.contains(&A::NAME)
                        && let Some(user) = scene.caller.user()
                    {
                        sign_ins::take_turn(tx, user).await?;
                    }
                    access::still_stands::<A>(tx, &scene.caller).await?;
                    scene.nothing_was_asked();
                    let done = op(tx, scene).await?;
                    scene.write_was_let()?;
                    scene.proof_was_asked()?;
                    Ok(done)
                })
            })
            .await;
        if let Err(Error::Unauthenticated { reason, .. }) = &outcome {
            tracing::debug!(action = A::NAME, %reason, "the credential ended during the call");
        }
        outcome
    }

    /// Lets a job's call through that leaves a row in the audit log, or says when to come again.
    fn let_through<A: Action>(&self, grant: &Grant<A>) -> Result<()> {
        let Caller::Job(job) = grant.caller() else { return Ok(()) };
        if !access::PACED.contains(&A::NAME) {
            return Ok(());
        }
        self.inner.calls.take(job.job, self.now()).map_err(|retry_after| {
            let (at_once, per_second) = (rates::OF_JOB.at_once, rates::OF_JOB.a_second());
            let what = format!(
                "The job makes too many calls: {at_once} are possible at once, and then {per_second} a second. Send several values in one call."
            );
            Error::TooMany { what, retry_after }
        })
    }

    /// The one way to read for a grant: a snapshot of the organization.
    pub(crate) async fn read<A, I, T, F>(&self, grant: &Grant<A>, input: I, op: F) -> Result<T>
    where
        A: Action,
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a Scene<I>) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
    {
        let scene = self.scene(grant, input);
        let _place = match grant.caller() {
            Caller::Session(it) => Some(self.inner.readers.enter(it.agent).await),
            Caller::Job(it) => Some(self.inner.readers.enter(it.agent).await),
            _ => None,
        };
        self.inner
            .store
            .read((scene, op), |tx, (scene, op)| {
                Box::pin(async move {
                    let found = op(tx, scene).await?;
                    scene.read_was_let()?;
                    Ok(found)
                })
            })
            .await
    }
}
