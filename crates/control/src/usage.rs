//! What changes on every call, kept in memory and written behind.
//!
//! When a token was last used, when an agent was last heard, what was refused: no call writes a row to say that it was there.
//! [`crate::Control::flush_usage`] writes what has gathered, coalesced, in slices. What a crash takes away is seconds of it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_domain::id::{AgentId, JobId, OrganizationId, SecretId, SessionId, TokenId};
use countersign_domain::{KeyId, PublicId, Refusal, Timestamp, TokenDigest};
use countersign_store::refusals::Refused;

/// The most entries of one sort that are kept between two flushes; what comes beyond is dropped and counted in the log.
pub const MAX_PENDING: usize = 100_000;

/// A row that holds a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Digested {
    /// A secret of a token.
    Secret(SecretId),
    /// A session.
    Session(SessionId),
    /// A job.
    Job(JobId),
}

/// A digest under the newest key, for a row that has it under an older one.
#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub to: TokenDigest,
    pub from: KeyId,
}

/// When an agent was heard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    pub seen: Timestamp,
    pub heartbeat: Option<Timestamp>,
}

/// What has gathered since the last flush.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub tokens: HashMap<TokenId, (Timestamp, IpAddr)>,
    pub secrets: HashMap<SecretId, (Timestamp, IpAddr)>,
    pub agents: HashMap<AgentId, Heard>,
    pub refusals: HashMap<(OrganizationId, PublicId, Refusal, IpAddr), Refused>,
    pub moves: HashMap<Digested, Move>,
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
            && self.secrets.is_empty()
            && self.agents.is_empty()
            && self.refusals.is_empty()
            && self.moves.is_empty()
    }
}

/// Where it gathers.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pending: Mutex<Pending>,
}

impl Usage {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn token_used(&self, token: TokenId, secret: SecretId, ip: IpAddr, at: Timestamp) {
        let mut pending = self.pending();
        if pending.tokens.len() < MAX_PENDING {
            pending.tokens.insert(token, (at, ip));
            pending.secrets.insert(secret, (at, ip));
        }
    }

    pub(crate) fn agent_seen(&self, agent: AgentId, at: Timestamp) {
        let mut pending = self.pending();
        if pending.agents.len() < MAX_PENDING {
            pending.agents.entry(agent).and_modify(|heard| heard.seen = at).or_insert(Heard { seen: at, heartbeat: None });
        }
    }

    pub(crate) fn heartbeat(&self, agent: AgentId, at: Timestamp) {
        let mut pending = self.pending();
        if pending.agents.len() < MAX_PENDING {
            pending.agents.insert(agent, Heard { seen: at, heartbeat: Some(at) });
        }
    }

    pub(crate) fn refused(&self, of: OrganizationId, new: Refused, ip: IpAddr) {
        let mut pending = self.pending();
        let key = (of, new.public_id.clone(), new.reason, ip);
        if let Some(known) = pending.refusals.get_mut(&key) {
            known.count += new.count;
            known.last_at = known.last_at.max(new.last_at);
        } else if pending.refusals.len() < MAX_PENDING {
            pending.refusals.insert(key, new);
        } else {
            tracing::warn!("too many refusals between two flushes; some are not counted");
        }
    }

    pub(crate) fn moved(&self, row: Digested, to: TokenDigest, from: KeyId) {
        let mut pending = self.pending();
        if pending.moves.len() < MAX_PENDING {
            pending.moves.insert(row, Move { to, from });
        }
    }

    /// When an agent was heard, if that is not written yet.
    pub(crate) fn heard(&self, agent: AgentId) -> Option<Heard> {
        self.pending().agents.get(&agent).copied()
    }

    /// When and from where a token was used, if that is not written yet.
    pub(crate) fn used(&self, token: TokenId) -> Option<(Timestamp, IpAddr)> {
        self.pending().tokens.get(&token).copied()
    }

    /// When and from where a secret was used, if that is not written yet.
    pub(crate) fn secret_used(&self, secret: SecretId) -> Option<(Timestamp, IpAddr)> {
        self.pending().secrets.get(&secret).copied()
    }

    /// Takes what has gathered.
    pub(crate) fn take(&self) -> Pending {
        std::mem::take(&mut *self.pending())
    }

    /// Gives back what could not be written. What has gathered since is newer and stays.
    pub(crate) fn give_back(&self, unwritten: Pending) {
        let mut pending = self.pending();
        for (key, value) in unwritten.tokens {
            pending.tokens.entry(key).or_insert(value);
        }
        for (key, value) in unwritten.secrets {
            pending.secrets.entry(key).or_insert(value);
        }
        for (key, value) in unwritten.agents {
            let heard = pending.agents.entry(key).or_insert(value);
            heard.heartbeat = heard.heartbeat.or(value.heartbeat);
        }
        for (key, value) in unwritten.refusals {
            match pending.refusals.get_mut(&key) {
                Some(known) => {
                    known.count += value.count;
                    known.first_at = known.first_at.min(value.first_at);
                }
                None => {
                    pending.refusals.insert(key, value);
                }
            }
        }
        for (key, value) in unwritten.moves {
            pending.moves.entry(key).or_insert(value);
        }
    }
}
