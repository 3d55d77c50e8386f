//! Running cases: a few at once, each in a world of its own; one that fails is named and the rest goes on.

use std::any::Any;
use std::future::Future;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use countersign_store::BoxFuture;
use countersign_testkit::{Engine, World};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::dump::Dump;
use crate::sight;
use crate::worlds::Worlds;

/// How many cases run at once.
pub const AT_ONCE: usize = 4;
/// The longest that a case may take: the slowest takes some ten seconds where the disk is quick, and one that waits for ever is to be named too.
const LONGEST: Duration = Duration::from_secs(300);

/// One contract of the system.
#[derive(Clone, Copy)]
pub struct Case {
    /// Module and name.
    pub name: &'static str,
    /// What is tried. Panics when the system does otherwise.
    pub run: for<'a> fn(&'a mut World) -> BoxFuture<'a, ()>,
    /// Columns of the twin's rows that the case changes on purpose: it is the server's own work for every organization.
    pub housekeeping: &'static [(&'static str, &'static str)],
}

/// Whether a name holds one of the words; without words every case is wanted.
pub fn is_wanted(name: &str, words: &[String]) -> bool {
    words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
}

/// A case and, when it failed, why.
pub type Outcome = (&'static str, Result<(), String>);

/// Runs cases on one engine; answers in the order of their names.
pub async fn each(engine: Engine, cases: Vec<Case>) -> Vec<Outcome> {
    if cases.is_empty() {
        return Vec::new();
    }
    let worlds = Arc::new(Worlds::new(engine).await);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for case in cases {
        let (worlds, places) = (Arc::clone(&worlds), Arc::clone(&places));
        running.spawn(async move {
            let _place = places.acquire_owned().await.expect("nobody closes it");
            outcome(case.name, one(worlds, case)).await
        });
    }
    let mut outcomes = running.join_all().await;
    outcomes.sort_unstable_by_key(|(name, _)| *name);
    outcomes
}

/// Runs what needs no engine.
pub fn rules(rules: &[(&'static str, fn())], words: &[String]) -> Vec<Outcome> {
    let wanted = rules.iter().filter(|(name, _)| is_wanted(name, words));
    wanted.map(|(name, rule)| (*name, std::panic::catch_unwind(rule).map_err(words_of))).collect()
}

/// What came of something that panics when it fails.
pub async fn outcome(name: &'static str, trying: impl Future<Output = ()> + Send + 'static) -> Outcome {
    // A task of its own, so that its panic is an answer.
    let outcome = match tokio::spawn(tokio::time::timeout(LONGEST, trying)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(format!("did not end within {} s", LONGEST.as_secs())),
        Err(error) => Err(words_of(error.into_panic())),
    };
    (name, outcome)
}

async fn one(worlds: Arc<Worlds>, case: Case) {
    let mut world = worlds.another().await;
    let id = world.globex.created.organization.id;
    let before = Dump::of(&world.control, id).await;
    (case.run)(&mut world).await;
    let changes = before.changes(&Dump::of(&world.control, id).await, case.housekeeping);
    assert!(changes.is_empty(), "the twin organization has changed:\n{}", changes.join("\n"));
    let seen = sight::of_twin(&world, &before.marks()).await;
    assert!(seen.is_empty(), "the twin organization can be seen:\n{}", seen.join("\n"));
    worlds.take_back(world).await;
}

fn words_of(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast_ref::<&str>().map_or_else(|| "panicked".to_owned(), ToString::to_string),
    }
}

/// What came of the cases on one engine.
pub struct Report {
    engine: &'static str,
    outcomes: Vec<Outcome>,
}

impl Report {
    /// Of these.
    pub fn new(engine: &'static str, outcomes: Vec<Outcome>) -> Self {
        Self { engine, outcomes }
    }

    /// How many cases there were.
    pub fn tried(&self) -> usize {
        self.outcomes.len()
    }

    /// How many of them failed.
    pub fn failed(&self) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| outcome.is_err()).count()
    }

    /// Each failed case with its reason, then the counts.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, outcome) in &self.outcomes {
            if let Err(why) = outcome {
                text.push_str(&format!("conformance: {}: {name} FAILED: {why}\n", self.engine));
            }
        }
        let (failed, passed) = (self.failed(), self.tried() - self.failed());
        text.push_str(&format!("conformance: {}: {passed} passed, {failed} failed\n", self.engine));
        text
    }

    /// Writes it for people.
    pub fn print(&self) {
        let mut out = std::io::stdout().lock();
        // Nobody reads it: the exit status says it too.
        let _ = out.write_all(self.text().as_bytes());
    }
}
