//! What changes on every call, kept in memory and written behind.
//!
//! When a token was last used, when an agent was last heard, what was refused: no call writes a row to say that it was there.
//! [`crate::Control::flush_usage`] writes what has gathered, coalesced, in slices, and forgets it only when it is written: so a reader finds
//! it here or there, never nowhere. What a crash takes away is seconds of it.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_domain::id::{AgentId, JobId, OrganizationId, SecretId, SessionId, SignInId, TokenId};
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
    /// A sign-in.
    SignIn(SignInId),
}

/// A digest under the newest key, for a row that has it under an older one.
#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub to: TokenDigest,
    pub from: KeyId,
}

/// When an agent was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    pub seen: Timestamp,
    pub heartbeat: Option<Timestamp>,
}

/// When and from where a sign-in was used, and in which organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub at: Timestamp,
    pub ip: IpAddr,
    pub organization: OrganizationId,
}

/// Something that is to be written.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// When and from where a token was used.
    Token(TokenId, Timestamp, IpAddr),
    /// The same for one of its secrets.
    Secret(SecretId, Timestamp, IpAddr),
    /// When an agent was heard.
    Agent(AgentId, Heard),
    /// When and from where a sign-in was used.
    SignIn(SignInId, Seen),
    /// Refused attempts, by token, reason and address.
    Refusal(OrganizationId, IpAddr, Refused),
    /// A digest under the newest key.
    Moved(Digested, Move),
}

/// What has gathered and is not written.
#[derive(Debug, Default)]
struct Pending {
    tokens: HashMap<TokenId, (Timestamp, IpAddr)>,
    secrets: HashMap<SecretId, (Timestamp, IpAddr)>,
    agents: HashMap<AgentId, Heard>,
    sign_ins: HashMap<SignInId, Seen>,
    refusals: HashMap<(OrganizationId, PublicId, Refusal, IpAddr), Refused>,
    moves: HashMap<Digested, Move>,
}

/// Where it gathers.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pending: Mutex<Pending>,
    /// Held while what has gathered is written: of two writers at once, both would add the same counts.
    pub(crate) writing: tokio::sync::Mutex<()>,
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
            pending
                .agents
                .entry(agent)
                .and_modify(|heard| heard.seen = at)
                .or_insert(Heard { seen: at, heartbeat: None });
        }
    }

    pub(crate) fn heartbeat(&self, agent: AgentId, at: Timestamp) {
        let mut pending = self.pending();
        if pending.agents.len() < MAX_PENDING {
            pending.agents.insert(agent, Heard { seen: at, heartbeat: Some(at) });
        }
    }

    pub(crate) fn sign_in_used(&self, id: SignInId, seen: Seen) {
        let mut pending = self.pending();
        if pending.sign_ins.len() < MAX_PENDING {
            pending.sign_ins.insert(id, seen);
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

    /// When and from where a sign-in was used, if that is not written yet.
    pub(crate) fn sign_in_seen(&self, id: SignInId) -> Option<Seen> {
        self.pending().sign_ins.get(&id).copied()
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

    /// What is to be written. It stays here until [`Usage::written`].
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let pending = self.pending();
        // By id, and tokens before secrets before agents: the order in which a revoke takes them, so that nobody waits in a circle.
        let tokens = sorted(&pending.tokens).into_iter().map(|(id, (at, ip))| Entry::Token(id, at, ip));
        let secrets = sorted(&pending.secrets).into_iter().map(|(id, (at, ip))| Entry::Secret(id, at, ip));
        let agents = sorted(&pending.agents).into_iter().map(|(id, heard)| Entry::Agent(id, heard));
        let sign_ins = sorted(&pending.sign_ins).into_iter().map(|(id, seen)| Entry::SignIn(id, seen));
        let refusals = pending.refusals.iter().map(|((of, _, _, ip), it)| Entry::Refusal(*of, *ip, it.clone()));
        let moves = pending.moves.iter().map(|(row, to)| Entry::Moved(*row, to.clone()));
        tokens.chain(secrets).chain(agents).chain(sign_ins).chain(refusals).chain(moves).collect()
    }

    /// Forgets what was written, unless it has changed since.
    pub(crate) fn written(&self, entries: &[Entry]) {
        let mut pending = self.pending();
        for entry in entries {
            match entry {
                Entry::Token(id, at, ip) => forget(&mut pending.tokens, id, |now| *now == (*at, *ip)),
                Entry::Secret(id, at, ip) => forget(&mut pending.secrets, id, |now| *now == (*at, *ip)),
                Entry::Agent(id, heard) => forget(&mut pending.agents, id, |now| now == heard),
                Entry::SignIn(id, seen) => forget(&mut pending.sign_ins, id, |now| now == seen),
                Entry::Refusal(of, ip, written) => {
                    let key = (*of, written.public_id.clone(), written.reason, *ip);
                    if let Some(now) = pending.refusals.get_mut(&key) {
                        now.count -= written.count;
                    }
                    forget(&mut pending.refusals, &key, |now| now.count <= 0);
                }
                Entry::Moved(row, _) => forget(&mut pending.moves, row, |_| true),
            }
        }
    }
}

/// The entries of a map by their keys.
fn sorted<K: Copy + Ord, V: Copy>(of: &HashMap<K, V>) -> Vec<(K, V)> {
    let mut entries: Vec<(K, V)> = of.iter().map(|(key, value)| (*key, *value)).collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries
}

/// Takes an entry out if it is still as it was.
fn forget<K: Eq + Hash, V>(of: &mut HashMap<K, V>, key: &K, is_as_written: impl FnOnce(&V) -> bool) {
    if of.get(key).is_some_and(is_as_written) {
        of.remove(key);
    }
}
