//! Agents of both protocols as rows of one table, each with what only it has.

use std::collections::{BTreeMap, BTreeSet};

use countersign_control::Action;
use countersign_control::access::actions::{PauseAgent, StopAgent};
use countersign_control::agents::{Agent, AnyAgent};
use countersign_control::dagster::{DagsterAgent, Served};
use countersign_control::deployment_roles::OwnRoles;
use countersign_domain::dagster::AgentStatus;
use countersign_domain::id::{AgentId, DagsterAgentId, DeploymentId, TokenId};
use countersign_domain::{AgentState, Timestamp};

use crate::brief::Brief;
use crate::parts::When;
use crate::visit::Visit;
use crate::words::{self, Names, short};

/// The most characters that a row shows of one of several names; all of it is on the agent's page.
const NAME: usize = 60;
/// The same of what its token is described as.
const TOKEN: usize = 40;
/// The most bytes of a text of a row.
const ROOM: usize = 80;
/// What the native agent says that it is built as.
const NATIVE: &str = "countersign";
/// What agents say of a code server that does not serve.
pub(super) const FAILED: &str = "FAILED";

/// An agent.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub href: String,
    pub name: Brief,
    /// Which protocol it speaks, and what of it is worth a word.
    pub kind: Brief,
    pub state: &'static str,
    pub state_class: &'static str,
    pub paused: Brief,
    pub token: Brief,
    pub deployment: Brief,
    pub queue: Brief,
    pub version: Brief,
    pub host: Brief,
    pub work: Work,
    pub seen: Option<When>,
    pub pause: Option<String>,
    pub resume: Option<String>,
    pub stop: Option<String>,
}

/// What an agent does: a job, or code locations.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    pub job: Brief,
    pub locations: Brief,
    /// How many of those failed, in words.
    pub failed: String,
    /// How many errors of its own it tells of, in words.
    pub errors: String,
}

/// Where an agent stands, and the name of its colour.
pub(super) const fn state(it: AgentState) -> (&'static str, &'static str) {
    match it {
        AgentState::NeverConnected => ("Registered", "ended"),
        AgentState::Connected => ("Connected", "good"),
        AgentState::Stopping => ("Stopping", "warning"),
        AgentState::Disconnected => ("Disconnected", "ended"),
        AgentState::Stopped => ("Stopped", "ended"),
        AgentState::Lost => ("Lost", "bad"),
    }
}

/// The same of a Dagster+ agent.
pub(super) fn dagster_state(it: &DagsterAgent, now: Timestamp) -> (&'static str, &'static str) {
    match AgentStatus::of(Some(it.heartbeat_at), now) {
        _ if it.token_revoked_at.is_some() => ("Refused", "bad"),
        AgentStatus::Running => ("Running", "good"),
        _ => ("Not running", "ended"),
    }
}

/// What a Dagster+ agent is called.
pub(super) fn name(it: &DagsterAgent) -> String {
    it.label.clone().unwrap_or_else(|| it.process.to_string())
}

/// What is known of everything beside the agents.
pub(super) struct Beside {
    pub names: Names,
    /// Tokens as they are called, for whoever sees tokens.
    pub tokens: BTreeMap<TokenId, String>,
    /// Those of the deployments that are branch deployments.
    pub branches: BTreeSet<DeploymentId>,
    /// What whoever looks holds in which deployment.
    pub held: OwnRoles,
    /// Whether they may in some deployment.
    pub may_pause: bool,
    pub may_stop: bool,
    pub now: Timestamp,
    /// What those that are shown have to do.
    pub jobs: BTreeMap<AgentId, String>,
    pub served: BTreeMap<DagsterAgentId, Vec<Served>>,
}

impl Beside {
    pub(super) fn token(&self, id: TokenId) -> String {
        self.tokens.get(&id).cloned().unwrap_or_default()
    }

    /// Whether whoever looks may do it to this agent.
    fn may<A: Action>(&self, may_somewhere: bool, it: &Agent) -> bool {
        may_somewhere && self.held.are_enough_for::<A>(it.deployment, self.branches.contains(&it.deployment))
    }
}

/// A text in a row that has many.
fn cell(text: &str) -> Brief {
    Brief::within(text, ROOM)
}

/// The same of one that may not be there; empty without one.
fn some(text: Option<&String>) -> Brief {
    text.map(|text| cell(text)).unwrap_or_default()
}

impl Row {
    pub(super) fn new(visit: &Visit, it: &AnyAgent, beside: &Beside) -> Self {
        match it {
            AnyAgent::Registered(it) => Self::of_registered(visit, it, beside),
            AnyAgent::Dagster(it) => Self::of_dagster(visit, it, beside),
        }
    }

    fn of_registered(visit: &Visit, it: &Agent, beside: &Beside) -> Self {
        let (state, state_class) = state(it.state);
        let path = |below| visit.path(&format!("/agents/{}{below}", it.id));
        let is_paused = it.is_paused(beside.now);
        let is_there = it.state.is_connected();
        let may_pause = beside.may::<PauseAgent>(beside.may_pause, it);
        let may_stop = beside.may::<StopAgent>(beside.may_stop, it);
        Self {
            href: path(""),
            name: cell(&it.name),
            kind: if it.build.as_deref() == Some(NATIVE) { "Native" } else { "Buildkite" }.into(),
            state,
            state_class,
            paused: some(it.paused_note.as_ref().filter(|_| is_paused)),
            token: cell(&short(&beside.token(it.token), TOKEN)),
            deployment: some(beside.names.get(&it.deployment)),
            queue: cell(&it.queue),
            version: some(it.version.as_ref()),
            host: some(it.hostname.as_ref()),
            work: Work { job: some(beside.jobs.get(&it.id)), ..Work::default() },
            seen: it.last_seen_at.map(|at| When::ago(at, beside.now)),
            pause: (is_there && !is_paused && may_pause).then(|| path("/pause")),
            resume: (is_paused && may_pause).then(|| path("/resume")),
            stop: (it.state == AgentState::Connected && may_stop).then(|| path("/stop")),
        }
    }

    fn of_dagster(visit: &Visit, it: &DagsterAgent, beside: &Beside) -> Self {
        let (state, state_class) = dagster_state(it, beside.now);
        // Which launcher it is stands before what all are called.
        let launcher =
            it.launcher.as_deref().map(|launcher| launcher.strip_suffix("UserCodeLauncher").unwrap_or(launcher));
        let launcher = launcher.filter(|kind| !kind.is_empty()).map(|kind| format!(", {kind}"));
        let served = beside.served.get(&it.id).map(Vec::as_slice).unwrap_or_default();
        Self {
            href: visit.path(&format!("/agents/dagster/{}", it.id)),
            name: cell(&name(it)),
            kind: cell(&format!("Dagster+{}", launcher.unwrap_or_default())),
            state,
            state_class,
            paused: Brief::default(),
            token: match beside.token(it.token) {
                text if text.is_empty() => cell(it.token_public_id.as_str()),
                text => cell(&short(&text, TOKEN)),
            },
            deployment: cell(&deployments(served, &beside.names)),
            queue: cell(&queues(served)),
            version: some(it.version.as_ref()),
            host: it.ip.as_str().into(),
            work: Work::of(served, it.error_count),
            seen: Some(When::ago(it.heartbeat_at, beside.now)),
            pause: None,
            resume: None,
            stop: None,
        }
    }
}

/// Names in one line; nothing where there are none.
fn listed(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| short(&name, NAME)).collect();
    if names.is_empty() { String::new() } else { words::list(names) }
}

fn deployments(served: &[Served], names: &Names) -> String {
    listed(served.iter().filter_map(|it| names.get(&it.deployment).cloned()))
}

/// The queues that are served in any deployment, the one without a name by what it is called else.
fn queues(served: &[Served]) -> String {
    let of = |it: &Served| {
        let default = it.default_queue.then(|| countersign_domain::text::QueueName::default().as_str().to_owned());
        default.into_iter().chain(it.queues.iter().cloned()).collect::<Vec<_>>()
    };
    listed(served.iter().flat_map(of).collect::<BTreeSet<_>>())
}

impl Work {
    fn of(served: &[Served], errors: i64) -> Self {
        let all = || served.iter().flat_map(|it| &it.locations);
        let (count, failed) = (all().count(), all().filter(|it| it.status == FAILED).count());
        let named = listed(all().map(|it| it.name.clone()));
        Self {
            job: Brief::default(),
            locations: match count {
                0 => Brief::default(),
                1 => cell(&format!("Code location {named}")),
                count => cell(&format!("{count} code locations: {named}")),
            },
            failed: if failed > 0 { format!("{failed} failed") } else { String::new() },
            errors: match usize::try_from(errors) {
                Ok(0) | Err(_) => String::new(),
                Ok(count) => words::count(count, "error", "errors"),
            },
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use countersign_control::dagster::Loaded;

    use super::*;

    /// A row in which everything is said, by the same text.
    pub(in crate::agents) fn row(text: &str) -> Row {
        let some = || cell(text);
        Row {
            href: "/x".to_owned(),
            name: some(),
            kind: some(),
            state: "Connected",
            state_class: "good",
            paused: some(),
            token: some(),
            deployment: some(),
            queue: some(),
            version: some(),
            host: some(),
            work: Work {
                job: some(),
                locations: some(),
                failed: "12 failed".to_owned(),
                errors: "200 errors".to_owned(),
            },
            seen: Some(When::new(Timestamp::EPOCH)),
            pause: Some("/pause".to_owned()),
            resume: None,
            stop: Some("/stop".to_owned()),
        }
    }

    fn served(default_queue: bool, queues: &[&str], locations: &[(&str, &str)]) -> Served {
        Served {
            deployment: DeploymentId::nil(),
            default_queue,
            queues: queues.iter().map(|&it| it.to_owned()).collect(),
            locations: locations
                .iter()
                .map(|(name, status)| Loaded { name: (*name).to_owned(), status: (*status).to_owned() })
                .collect(),
        }
    }

    #[test]
    fn what_a_dagster_agent_does_is_said_in_a_line() {
        let none = Work::of(&[served(true, &[], &[])], 0);
        assert_eq!([&*none.locations, &none.failed, &none.errors], ["", "", ""]);
        let one = Work::of(&[served(true, &[], &[("etl", "RUNNING")])], 1);
        assert_eq!([&*one.locations, &one.failed, &one.errors], ["Code location etl", "", "1 error"]);
        let several = Work::of(&[served(true, &[], &[("a", "RUNNING")]), served(false, &[], &[("b", FAILED)])], 2);
        assert_eq!(
            [&*several.locations, &several.failed, &several.errors],
            ["2 code locations: a and b", "1 failed", "2 errors"]
        );
    }

    #[test]
    fn queues_of_several_deployments_are_said_once() {
        assert_eq!(
            queues(&[served(true, &["gpu"], &[]), served(true, &["fast", "gpu"], &[])]),
            "default, fast and gpu"
        );
        assert_eq!(queues(&[served(false, &[], &[])]), "");
        assert_eq!(deployments(&[served(true, &[], &[])], &Names::default()), "");
    }
}
