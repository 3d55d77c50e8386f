//! Rows of the tables on an agent token's own page.

use countersign_control::agent_tokens::{Refused, Secret as Value};
use countersign_control::agents::Agent;
use countersign_control::dagster::AgentName;
use countersign_domain::Timestamp;

use crate::brief::Brief;
use crate::parts::When;
use crate::visit::Visit;
use crate::words;

/// An agent that is connected with the token.
#[derive(Debug, Clone)]
pub(super) struct AgentRow {
    pub href: String,
    pub name: Brief,
    pub host: Brief,
    pub version: Brief,
    pub queue: String,
    pub seen: Option<When>,
}

impl AgentRow {
    pub(super) fn new(visit: &Visit, it: &Agent, now: Timestamp) -> Self {
        Self {
            href: visit.path(&format!("/agents/{}", it.id)),
            name: it.name.as_str().into(),
            host: Brief::of_some(it.hostname.as_ref()),
            version: Brief::of_some(it.version.as_ref()),
            queue: it.queue.clone(),
            seen: it.last_seen_at.map(|at| When::ago(at, now)),
        }
    }
}

/// A Dagster+ agent that runs with it.
#[derive(Debug, Clone)]
pub(super) struct DagsterRow {
    pub href: String,
    pub name: Brief,
    pub state: &'static str,
    pub state_class: &'static str,
    pub seen: When,
}

impl DagsterRow {
    /// One of those that run with a token, which are refused once that has ended.
    pub(super) fn new(visit: &Visit, it: &AgentName, is_live: bool, now: Timestamp) -> Self {
        let (state, state_class) = if is_live { ("Running", "good") } else { ("Refused", "bad") };
        Self {
            href: visit.path(&format!("/agents/dagster/{}", it.id)),
            name: it.label.as_deref().map_or_else(|| it.process.to_string().into(), Brief::of),
            state,
            state_class,
            seen: When::ago(it.heartbeat_at, now),
        }
    }
}

/// One of its values.
#[derive(Debug, Clone)]
pub(super) struct ValueRow {
    pub public_id: String,
    pub created: When,
    /// None while it is good for as long as the token, and where it has ended with it.
    pub until: Option<When>,
    pub has_ended: bool,
    pub last_used: Option<When>,
    pub last_used_ip: String,
}

impl ValueRow {
    /// A value of a token, which is good for no longer than the token itself.
    pub(super) fn new(it: &Value, is_live: bool, now: Timestamp) -> Self {
        let has_ended_before = it.valid_until.is_some_and(|until| until <= now);
        Self {
            public_id: it.public_id.to_string(),
            created: When::new(it.created_at),
            until: it.valid_until.filter(|_| is_live || has_ended_before).map(When::new),
            has_ended: has_ended_before || !is_live,
            last_used: it.last_used_at.map(|at| When::ago(at, now)),
            last_used_ip: it.last_used_ip.clone().unwrap_or_default(),
        }
    }
}

/// Attempts of one address that were refused for one reason.
#[derive(Debug, Clone)]
pub(super) struct RefusalRow {
    pub reason: &'static str,
    pub ip: String,
    pub count: i64,
    pub last: When,
    pub public_id: String,
}

impl RefusalRow {
    pub(super) fn new(it: &Refused) -> Self {
        Self {
            reason: words::refusal(it.reason),
            ip: it.ip.clone(),
            count: it.count,
            last: When::new(it.last_at),
            public_id: it.public_id.to_string(),
        }
    }
}
