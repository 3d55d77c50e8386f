//! What a server has acknowledged, written down after its answer was read.
//!
//! What was sent and not acknowledged is nobody's promise: it may be there or not, and is never held against the server.

use std::sync::{Mutex, MutexGuard};

use super::api::Created;
use super::moment::{self, Instant};

/// An agent token and what was asked of it.
#[derive(Debug, Clone)]
pub struct Token {
    /// As its creation answered.
    pub created: Created,
    /// When that answer was read.
    pub created_at: Instant,
    /// When its revocation was sent, if it was.
    pub revoke_sent: Option<Instant>,
    /// When that was acknowledged, if it was.
    pub revoked: Option<Instant>,
}

/// An agent.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its session token.
    pub session: String,
    /// When its registration was acknowledged.
    pub at: Instant,
}

/// Everything that was acknowledged, in the order of the acknowledgements.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// Agent tokens.
    pub tokens: Vec<Token>,
    /// Agents.
    pub agents: Vec<Agent>,
    /// Calls that got no answer.
    pub unanswered: usize,
    /// Calls that were refused although nothing was wrong with them.
    pub refused: Vec<String>,
}

impl Records {
    /// How many changes were acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.tokens.len() + self.agents.len() + self.tokens.iter().filter(|token| token.revoked.is_some()).count()
    }

    /// What of this was acknowledged before a moment. A revocation that had been sent by then stays marked as sent.
    #[must_use]
    pub fn until(&self, moment: Instant) -> Self {
        let mut kept = self.clone();
        kept.tokens.retain(|token| token.created_at < moment);
        kept.agents.retain(|agent| agent.at < moment);
        for token in &mut kept.tokens {
            token.revoked = token.revoked.filter(|at| *at < moment);
        }
        kept
    }

    /// The last `count` of each kind: tokens that stand, tokens that were revoked, agents.
    #[must_use]
    pub fn last(&self, count: usize) -> Self {
        let mut kept = Self::default();
        let standing = self.tokens.iter().rev().filter(|token| token.revoke_sent.is_none()).take(count);
        kept.tokens.extend(standing.cloned());
        let mut revoked: Vec<_> = self.tokens.iter().filter(|token| token.revoked.is_some()).collect();
        revoked.sort_by_key(|token| token.revoked);
        kept.tokens.extend(revoked.into_iter().rev().take(count).cloned());
        kept.agents.extend(self.agents.iter().rev().take(count).cloned());
        kept
    }
}

/// Where writers write down what they were told.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Records>);

impl Journal {
    /// A token was created. Answers its number.
    pub fn created(&self, created: Created, at: Instant) -> usize {
        let mut records = self.records();
        records.tokens.push(Token { created, created_at: at, revoke_sent: None, revoked: None });
        records.tokens.len() - 1
    }

    /// The revocation of a token is about to be sent. Answers the token's global id.
    pub fn revoking(&self, number: usize) -> String {
        let mut records = self.records();
        let token = &mut records.tokens[number];
        token.revoke_sent = Some(moment::now());
        token.created.id.clone()
    }

    /// That was acknowledged.
    pub fn revoked(&self, number: usize, at: Instant) {
        self.records().tokens[number].revoked = Some(at);
    }

    /// An agent was registered.
    pub fn registered(&self, session: String, at: Instant) {
        self.records().agents.push(Agent { session, at });
    }

    /// A call got no answer.
    pub fn unanswered(&self) {
        self.records().unanswered += 1;
    }

    /// A sound call was refused.
    pub fn refused(&self, what: String) {
        self.records().refused.push(what);
    }

    /// The value of a token.
    #[must_use]
    pub fn value(&self, number: usize) -> String {
        self.records().tokens[number].created.value.clone()
    }

    /// The numbers of the last `count` tokens whose revocation was not asked for.
    #[must_use]
    pub fn standing(&self, count: usize) -> Vec<usize> {
        let records = self.records();
        let standing = records.tokens.iter().enumerate().rev().filter(|(_, token)| token.revoke_sent.is_none());
        standing.map(|(number, _)| number).take(count).collect()
    }

    /// How many changes were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.records().acknowledged()
    }

    /// Everything so far.
    #[must_use]
    pub fn snapshot(&self) -> Records {
        self.records().clone()
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().expect("no writer panics while it holds this")
    }
}
