//! Holding a server to what it has acknowledged.

use std::net::SocketAddr;

use tokio::task::JoinSet;

use super::api;
use super::http::{Answer, Call, Connection};
use super::journal::Records;

/// How many connections ask at once.
const ASKERS: usize = 4;
/// How many findings of a kind are told in words.
const TOLD: usize = 5;

/// Draws the consequence of an answer about the token or session with a public id.
type Judge = fn(&mut Verdict, &str, &Answer);

/// What a check found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How many acknowledged changes were looked for.
    pub checked: usize,
    /// Acknowledged changes that are not there.
    pub lost: Vec<String>,
    /// Revoked tokens that are accepted.
    pub revived: Vec<String>,
}

impl Verdict {
    /// Adds another check's findings.
    pub fn add(&mut self, other: Self) {
        self.checked += other.checked;
        self.lost.extend(other.lost);
        self.revived.extend(other.revived);
    }

    /// Whether nothing was lost or accepted again.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.revived.is_empty()
    }

    /// # Panics
    /// When anything was lost or accepted again.
    pub fn must_be_clean(&self, when: &str) {
        let some = |findings: &[String]| findings.iter().take(TOLD).cloned().collect::<Vec<_>>().join("\n  ");
        assert!(
            self.is_clean(),
            "{when}: of {} acknowledged changes {} are lost and {} revoked tokens are accepted\n  {}\n  {}",
            self.checked,
            self.lost.len(),
            self.revived.len(),
            some(&self.lost),
            some(&self.revived),
        );
    }

    fn token_stands(&mut self, public_id: &str, answer: &Answer) {
        self.checked += 1;
        if !answer.is_success() {
            self.lost.push(format!("creation of {public_id}: {} {}", answer.status, answer.text()));
        }
    }

    fn token_is_revoked(&mut self, public_id: &str, answer: &Answer) {
        // Both its creation and its revocation were acknowledged: whoever holds the value is told the true reason.
        self.checked += 2;
        if answer.is_success() {
            self.revived.push(format!("{public_id}: {} {}", answer.status, answer.text()));
        } else if answer.status != 401 || api::reason(answer) != "revoked" {
            self.lost.push(format!("revocation of {public_id}: {} {}", answer.status, answer.text()));
        }
    }

    fn agent_is_there(&mut self, public_id: &str, answer: &Answer) {
        self.checked += 1;
        // An agent that nobody heard for three minutes was given up; that its session is known to have expired shows that it was kept.
        let was_given_up = answer.status == 401 && api::reason(answer) == "expired";
        if !answer.is_success() && !was_given_up {
            self.lost.push(format!("registration with session {public_id}: {} {}", answer.status, answer.text()));
        }
    }
}

/// Asks a server for everything in `records`. A token whose revocation was sent and never acknowledged may be either way.
///
/// # Panics
/// When the server does not answer.
pub async fn check(server: SocketAddr, records: &Records) -> Verdict {
    let mut questions: Vec<(Call, String, Judge)> = Vec::new();
    for token in &records.tokens {
        let judge: Judge = match (token.revoked, token.revoke_sent) {
            (Some(_), _) => Verdict::token_is_revoked,
            (None, None) => Verdict::token_stands,
            (None, Some(_)) => continue,
        };
        questions.push((api::identify(&token.created.value), token.created.public_id().to_owned(), judge));
    }
    for agent in &records.agents {
        let public_id = api::public_id(&agent.session).to_owned();
        questions.push((api::ping(&agent.session), public_id, Verdict::agent_is_there));
    }
    let share = questions.len().div_ceil(ASKERS).max(1);
    let mut askers = JoinSet::new();
    for part in questions.chunks(share) {
        let part = part.to_vec();
        askers.spawn(async move {
            let mut connection = Connection::new(server);
            let mut verdict = Verdict::default();
            for (call, public_id, judge) in part {
                let answer = connection.call(&call).await.expect("a server that is not being killed answers");
                judge(&mut verdict, &public_id, &answer);
            }
            verdict
        });
    }
    let mut verdict = Verdict::default();
    while let Some(part) = askers.join_next().await {
        verdict.add(part.expect("an asker does not fail"));
    }
    verdict
}
