//! The race of a revocation against the credential's holders.
//!
//! ```text
//! a new credential ── 16 connections use it in a loop ── 4 ms ── revoke ── its answer is read ── 12 ms ── stop
//! ```
//!
//! Two things must hold: no use that *started* after the answer is accepted, and none is *committed* after the revocation
//! was ([`super::witness`]). A cache breaks the first, a look that is overtaken breaks the second.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::moment::{self, Instant};

/// How many use a credential at once.
pub const CONNECTIONS: usize = 16;
/// How long they do before it is revoked.
const HEAD_START: Duration = Duration::from_millis(4);
/// How long they go on after that was answered.
const TAIL: Duration = Duration::from_millis(12);
/// How many unexpected answers are told.
const TOLD: usize = 5;

/// How one use of a credential ended.
#[derive(Debug)]
pub enum Use {
    /// It was accepted.
    Accepted,
    /// It was refused, because the credential is revoked.
    Refused,
    /// Anything else: the race is void.
    Unexpected(String),
}

/// A system whose credentials can be used and revoked.
pub trait Gate: Send + Sync + 'static {
    /// A credential.
    type Key: Send + Sync + 'static;
    /// What one of the sixteen keeps from use to use.
    type Line: Send + 'static;

    /// A new line, ready for use.
    fn line(&self) -> impl Future<Output = Self::Line> + Send;
    /// A new credential.
    fn issue(&self) -> impl Future<Output = Self::Key> + Send;
    /// Uses it once.
    fn enter(&self, line: &mut Self::Line, key: &Self::Key) -> impl Future<Output = Use> + Send;
    /// Revokes it. Answers when the acknowledgement was read.
    fn revoke(&self, key: &Self::Key) -> impl Future<Output = Instant> + Send;
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Tally {
    /// Rounds that were run.
    pub rounds: usize,
    /// Uses that were accepted.
    pub accepted: usize,
    /// Uses that were refused.
    pub refused: usize,
    /// Uses that started after the revocation was answered.
    pub started_after: usize,
    /// Those of them that were accepted: there must be none.
    pub accepted_after: usize,
    /// The longest that a revocation took.
    pub slowest_revoke: Duration,
    /// What was neither.
    pub unexpected: Vec<String>,
}

impl Tally {
    /// # Panics
    /// When the race was not one: an unexpected answer, or nothing on one side of the revocations.
    pub fn must_be_a_race(&self) {
        let some: Vec<_> = self.unexpected.iter().take(TOLD).collect();
        assert!(self.unexpected.is_empty(), "{} unexpected answers: {some:#?}", self.unexpected.len());
        assert!(self.accepted >= self.rounds, "too few uses were accepted for a race: {self:?}");
        assert!(self.started_after >= self.rounds, "too few uses started after the revocations: {self:?}");
    }
}

/// One use: when it started and how it ended.
type Entry = (Instant, Use);

/// Runs `rounds` rounds.
///
/// # Panics
/// When one of the sixteen does.
pub async fn run<G: Gate>(gate: &Arc<G>, rounds: usize) -> Tally {
    let mut tally = Tally::default();
    let mut lines = Vec::new();
    for _ in 0..CONNECTIONS {
        lines.push(gate.line().await);
    }
    for _ in 0..rounds {
        let key = Arc::new(gate.issue().await);
        let stop = Arc::new(AtomicBool::new(false));
        let start = Arc::new(Barrier::new(CONNECTIONS + 1));
        let mut runners = JoinSet::new();
        for line in lines.drain(..) {
            runners.spawn(use_until(Arc::clone(gate), line, Arc::clone(&key), Arc::clone(&start), Arc::clone(&stop)));
        }
        start.wait().await;
        moment::sleep(HEAD_START).await;
        let sent = moment::now();
        let answered = gate.revoke(&key).await;
        moment::sleep(TAIL).await;
        stop.store(true, Ordering::Relaxed);
        tally.rounds += 1;
        tally.slowest_revoke = tally.slowest_revoke.max(answered - sent);
        while let Some(runner) = runners.join_next().await {
            let (line, entries) = runner.expect("none of the sixteen fails");
            lines.push(line);
            tally.count(answered, entries);
        }
    }
    tally
}

impl Tally {
    fn count(&mut self, answered: Instant, entries: Vec<Entry>) {
        for (started, ended) in entries {
            let is_after = started > answered;
            self.started_after += usize::from(is_after);
            match ended {
                Use::Accepted => {
                    self.accepted += 1;
                    self.accepted_after += usize::from(is_after);
                }
                Use::Refused => self.refused += 1,
                Use::Unexpected(what) => self.unexpected.push(what),
            }
        }
    }
}

async fn use_until<G: Gate>(
    gate: Arc<G>,
    mut line: G::Line,
    key: Arc<G::Key>,
    start: Arc<Barrier>,
    stop: Arc<AtomicBool>,
) -> (G::Line, Vec<Entry>) {
    let mut entries = Vec::new();
    start.wait().await;
    while !stop.load(Ordering::Relaxed) {
        let started = moment::now();
        let ended = gate.enter(&mut line, &key).await;
        entries.push((started, ended));
    }
    (line, entries)
}
