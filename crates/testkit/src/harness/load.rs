//! Writers: each creates agent tokens, registers agents with them and revokes some, and writes down what was acknowledged.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::api::{self, Outcome};
use super::dice::Dice;
use super::http::Connection;
use super::installation::Installation;
use super::journal::Journal;
use super::moment;

/// How many write at once.
const WRITERS: usize = 4;
/// How many tokens of an earlier load they go on with.
const KNOWN: usize = 100;
/// How long a writer waits after a call that got no answer.
const PAUSE: Duration = Duration::from_millis(5);

/// Writers at work. They stop when this is dropped.
#[derive(Debug)]
pub struct Load {
    writers: JoinSet<()>,
}

impl Load {
    /// Lets the writers work on a server until [`Load::stop`]. They go on with the last tokens of the journal that stand.
    #[must_use]
    pub fn start(installation: &Installation, journal: &Arc<Journal>, seed: u64) -> Self {
        let standing = journal.standing(KNOWN);
        let mut set = JoinSet::new();
        for number in 0..WRITERS {
            let writer = Writer {
                connection: Connection::new(installation.listen),
                user_token: installation.made.user_token.clone(),
                organization: installation.made.organization.clone(),
                journal: Arc::clone(journal),
                dice: Dice::new(seed.wrapping_mul(1_000).wrapping_add(number as u64)),
                standing: standing.iter().copied().skip(number).step_by(WRITERS).collect(),
            };
            set.spawn(writer.work(number));
        }
        Self { writers: set }
    }

    /// Ends the writers where they are: what they wait for counts as not acknowledged.
    pub async fn stop(mut self) {
        self.writers.shutdown().await;
    }
}

struct Writer {
    connection: Connection,
    user_token: String,
    organization: String,
    journal: Arc<Journal>,
    dice: Dice,
    /// The numbers of this writer's own tokens that it has not revoked.
    standing: Vec<usize>,
}

impl Writer {
    async fn work(mut self, number: usize) {
        let mut turn = 0_u64;
        loop {
            turn += 1;
            let was_answered = match self.dice.below(4) {
                0 if !self.standing.is_empty() => self.revoke().await,
                1 | 2 if !self.standing.is_empty() => self.register().await,
                _ => self.create(&format!("load {number}/{turn}")).await,
            };
            if !was_answered {
                self.journal.unanswered();
                moment::sleep(PAUSE).await;
            }
        }
    }

    async fn create(&mut self, description: &str) -> bool {
        let call = api::create_agent_token(&self.user_token, &self.organization, description);
        match api::ask(&mut self.connection, &call, api::created_agent_token).await {
            Outcome::Done((created, at)) => {
                let number = self.journal.created(created, at);
                self.standing.push(number);
            }
            Outcome::Refused(answer) => self.journal.refused(format!("create: {} {}", answer.status, answer.text())),
            Outcome::Lost => return false,
        }
        true
    }

    async fn register(&mut self) -> bool {
        let call = api::register(&self.journal.value(self.any()), "agent-%random");
        match api::ask(&mut self.connection, &call, api::registered).await {
            Outcome::Done((session, at)) => self.journal.registered(session, at),
            Outcome::Refused(answer) => self.journal.refused(format!("register: {} {}", answer.status, answer.text())),
            Outcome::Lost => return false,
        }
        true
    }

    async fn revoke(&mut self) -> bool {
        let number = self.any();
        self.standing.retain(|other| *other != number);
        let call = api::revoke_agent_token(&self.user_token, &self.journal.revoking(number));
        match api::ask(&mut self.connection, &call, |answer| api::is_revoked(answer).then_some(())).await {
            Outcome::Done(((), at)) => self.journal.revoked(number, at),
            Outcome::Refused(answer) => self.journal.refused(format!("revoke: {} {}", answer.status, answer.text())),
            Outcome::Lost => return false,
        }
        true
    }

    fn any(&self) -> usize {
        let at = self.dice.below(self.standing.len() as u64);
        self.standing[usize::try_from(at).expect("a small number")]
    }
}
