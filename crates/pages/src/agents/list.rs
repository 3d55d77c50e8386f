//! The page of agents.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use countersign_control::access::actions::{PauseAgent, StopAgent, ViewAgentTokens, ViewAgents, ViewDeploymentRoles};
use countersign_control::agent_tokens::{Search, Selection};
use countersign_control::agents::{Agent, Wanted};
use countersign_control::dagster::DagsterAgent;
use countersign_control::deployment_roles::OwnRoles;
use countersign_control::{Action, PageRequest};
use countersign_domain::id::{AgentId, DagsterAgentId, DeploymentId, TokenId};
use countersign_domain::{AgentState, Timestamp};

use crate::failure::Failure;
use crate::frame::{self, Answer, Frame, Link};
use crate::parts::{Choice, Pager, When};
use crate::query::{Query, address};
use crate::tokens::list::Row as TokenRow;
use crate::tokens::title_of;
use crate::visit::Visit;
use crate::words::{self, Names};

use super::narrow::{Narrow, choices, none, none_of_dagster};

/// Agents of one part.
const ROWS: u32 = 40;
/// Tokens that stand above the agents; the rest is in the settings.
const TOKENS: u32 = 10;

#[derive(Template)]
#[template(path = "agents.html")]
struct Page {
    frame: Frame,
    path: String,
    /// The newest live tokens, for whoever sees tokens.
    tokens: Option<Vec<TokenRow>>,
    tokens_path: String,
    search: String,
    states: Vec<Choice>,
    deployments: Vec<Choice>,
    queue: String,
    /// The token that all of them came with, where one is chosen, and the list without that choice.
    token: Option<Link>,
    /// Its id, to go on with it.
    token_id: String,
    /// Whether something is asked for that leaves Dagster+ agents as they are.
    is_narrowed: bool,
    rows: Vec<Row>,
    pager: Pager,
    dagster: Vec<DagsterRow>,
    dagster_pager: Pager,
    /// What it means that a table has no rows.
    none: &'static str,
    none_of_dagster: &'static str,
    /// Whether that is so because nothing was started yet that could be seen.
    is_everything: bool,
}

#[derive(Debug, Clone)]
struct Row {
    href: String,
    name: String,
    state: &'static str,
    state_class: &'static str,
    paused: String,
    token: String,
    deployment: String,
    queue: String,
    version: String,
    host: String,
    job: String,
    seen: Option<When>,
    pause: Option<String>,
    resume: Option<String>,
    stop: Option<String>,
}

#[derive(Debug, Clone)]
struct DagsterRow {
    name: String,
    is_running: bool,
    token: String,
    launcher: String,
    version: String,
    ip: String,
    errors: i64,
    heartbeat: When,
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

/// What is known of everything beside the agents.
struct Beside {
    names: Names,
    /// Tokens as they are called, for whoever sees tokens.
    tokens: BTreeMap<TokenId, String>,
    /// Those of the deployments that are branch deployments.
    branches: BTreeSet<DeploymentId>,
    /// What whoever looks holds in which deployment.
    held: OwnRoles,
    /// Whether they may in some deployment.
    may_pause: bool,
    may_stop: bool,
    now: Timestamp,
}

impl Beside {
    fn token(&self, id: TokenId) -> String {
        self.tokens.get(&id).cloned().unwrap_or_default()
    }

    /// Whether whoever looks may do it to this agent.
    fn may<A: Action>(&self, may_somewhere: bool, it: &Agent) -> bool {
        may_somewhere && self.held.are_enough_for::<A>(it.deployment, self.branches.contains(&it.deployment))
    }
}

impl Row {
    fn new(visit: &Visit, it: &Agent, job: String, beside: &Beside) -> Self {
        let (state, state_class) = state(it.state);
        let path = |below| visit.path(&format!("/agents/{}{below}", it.id));
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        let is_paused = it.is_paused(beside.now);
        let is_there = it.state.is_connected();
        let may_pause = beside.may::<PauseAgent>(beside.may_pause, it);
        let may_stop = beside.may::<StopAgent>(beside.may_stop, it);
        Self {
            href: path(""),
            name: it.name.clone(),
            state,
            state_class,
            paused: if is_paused { said(&it.paused_note) } else { String::new() },
            token: beside.token(it.token),
            deployment: beside.names.get(&it.deployment).cloned().unwrap_or_default(),
            queue: it.queue.clone(),
            version: said(&it.version),
            host: said(&it.hostname),
            job,
            seen: it.last_seen_at.map(|at| When::ago(at, beside.now)),
            pause: (is_there && !is_paused && may_pause).then(|| path("/pause")),
            resume: (is_paused && may_pause).then(|| path("/resume")),
            stop: (it.state == AgentState::Connected && may_stop).then(|| path("/stop")),
        }
    }
}

impl DagsterRow {
    fn new(it: &DagsterAgent, beside: &Beside) -> Self {
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        let is_heard = beside.now.since(it.heartbeat_at) < countersign_domain::dagster::RUNNING_FOR;
        Self {
            name: it.label.clone().unwrap_or_else(|| it.process.to_string()),
            is_running: it.token_revoked_at.is_none() && is_heard,
            token: match beside.token(it.token) {
                text if text.is_empty() => it.token_public_id.to_string(),
                text => text,
            },
            launcher: said(&it.launcher),
            version: said(&it.version),
            ip: it.ip.clone(),
            errors: it.error_count,
            heartbeat: When::ago(it.heartbeat_at, beside.now),
        }
    }
}

/// What tokens are called, of those that whoever looks may see.
async fn tokens_of(visit: &Visit, ids: Vec<TokenId>) -> Result<BTreeMap<TokenId, String>, Failure> {
    if !visit.can::<ViewAgentTokens>() {
        return Ok(BTreeMap::new());
    }
    let found = visit.control().agent_token_descriptions(&visit.may::<ViewAgentTokens>()?, ids).await?;
    Ok(found.into_iter().map(|(id, description)| (id, title_of(description))).collect())
}

/// The newest live tokens, for whoever sees tokens.
async fn tokens(visit: &Visit, names: &Names) -> Result<Option<Vec<TokenRow>>, Failure> {
    if !visit.can::<ViewAgentTokens>() {
        return Ok(None);
    }
    let control = visit.control();
    let search = Search { selection: Selection::Live, text: None };
    let found =
        control.search_agent_tokens(&visit.may::<ViewAgentTokens>()?, search, PageRequest::first(TOKENS)).await?;
    let now = control.now();
    Ok(Some(found.items.iter().map(|it| TokenRow::new(visit, it, names, now)).collect()))
}

/// The page.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let (control, grant) = (visit.control(), visit.may::<ViewAgents>()?);
    let text = query.said("search").unwrap_or_default().to_owned();
    let is_all = query.said("show") == Some("all");
    let after: Option<AgentId> = query.after();
    let asked = Narrow::of(&visit, &query);
    let wanted = Wanted {
        live_only: !is_all,
        search: Some(text.clone()).filter(|text| !text.is_empty()),
        deployment: asked.deployment,
        queue: Some(asked.queue.clone()).filter(|queue| !queue.is_empty()),
        token: asked.token,
    };
    let is_narrowed = !text.is_empty() || asked.is_anything();
    let found = control.search_agents(&grant, wanted, PageRequest { after, limit: ROWS }).await?;
    let dagster_after: Option<DagsterAgentId> = query.said("dagster").and_then(|id| id.parse().ok());
    let page = PageRequest { after: dagster_after, limit: ROWS };
    let dagster = control.dagster_agents(&grant, !is_all, page).await?;

    let deployments = visit.deployments().await?;
    let names = words::names(&deployments);
    let ids = found.items.iter().map(|it| it.token).chain(dagster.items.iter().map(|it| it.token)).chain(asked.token);
    // Agents share tokens: each is asked for once.
    let ids: BTreeSet<_> = ids.collect();
    let beside = Beside {
        tokens: tokens_of(&visit, ids.into_iter().collect()).await?,
        branches: deployments.iter().filter(|it| it.parent.is_some()).map(|it| it.id).collect(),
        held: control.own_deployment_roles(&visit.may::<ViewDeploymentRoles>()?).await?,
        may_pause: visit.can::<PauseAgent>(),
        may_stop: visit.can::<StopAgent>(),
        now: control.now(),
        names,
    };
    let connected = found.items.iter().filter(|it| it.state.is_connected()).map(|it| it.id);
    let mut jobs = control.agent_jobs(&grant, connected.collect()).await?;
    let rows = found.items.iter().map(|agent| {
        let job = jobs.remove(&agent.id).map(|job| job.label.unwrap_or_else(|| first_line(&job.command)));
        Row::new(&visit, agent, job.unwrap_or_default(), &beside)
    });
    let rows: Vec<_> = rows.collect();

    let path = visit.path("/agents");
    let shown = if is_all { "all" } else { "" };
    let said = |id: Option<String>| id.unwrap_or_default();
    let (deployment, token) =
        (said(asked.deployment.map(|id| id.to_string())), said(asked.token.map(|id| id.to_string())));
    let all = [
        ("search", text.as_str()),
        ("show", shown),
        ("deployment", &deployment),
        ("queue", asked.queue.as_str()),
        ("token", &token),
    ];
    let mut next_of_dagster = all.to_vec();
    let last = found.next.map(|it| it.to_string());
    let dagster_last = dagster.items.last().filter(|_| dagster.has_more).map(|it| it.id.to_string());
    frame::show(&Page {
        frame: visit.frame("Agents"),
        tokens: tokens(&visit, &beside.names).await?,
        tokens_path: visit.path("/settings/tokens"),
        states: vec![Choice::new("", "Connected", !is_all), Choice::new("all", "All, those that are gone too", is_all)],
        pager: Pager::new(&path, &all, after.is_none(), last),
        dagster: dagster.items.iter().map(|it| DagsterRow::new(it, &beside)).collect(),
        dagster_pager: Pager {
            first: dagster_after.is_some().then(|| address(&path, &all)),
            next: dagster_last.as_deref().map(|last| {
                next_of_dagster.push(("dagster", last));
                address(&path, &next_of_dagster)
            }),
        },
        none: none(is_all, is_narrowed, after.is_none(), found.next.is_some()),
        none_of_dagster: none_of_dagster(is_all, dagster_after.is_none()),
        is_everything: !is_narrowed && after.is_none() && !is_all,
        deployments: choices(&deployments, asked.deployment),
        queue: asked.queue.clone(),
        token: asked.token.map(|id| {
            let name = Some(beside.token(id)).filter(|name| !name.is_empty());
            Link::new(name.unwrap_or_else(|| "one that is not there".to_owned()), address(&path, &all[..4]))
        }),
        token_id: token.clone(),
        is_narrowed,
        path,
        search: text,
        rows,
    })
}

/// What a job is called that has no label.
fn first_line(command: &str) -> String {
    const MOST: usize = 80;
    crate::words::short(command.lines().next().unwrap_or_default(), MOST)
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn page(text: &str) -> Page {
        let at = When::new(Timestamp::EPOCH);
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let some = || text.to_owned();
        Page {
            frame: Frame::plain("Agents", &seen),
            path: "/organizations/acme/agents".to_owned(),
            tokens: None,
            tokens_path: "/x".to_owned(),
            search: some(),
            states: Vec::new(),
            deployments: vec![Choice::new(some(), some(), true)],
            queue: some(),
            token: Some(Link::new(some(), "/x")),
            token_id: some(),
            is_narrowed: true,
            rows: vec![Row {
                href: "/x".to_owned(),
                name: some(),
                state: "Connected",
                state_class: "good",
                paused: some(),
                token: some(),
                deployment: some(),
                queue: some(),
                version: some(),
                host: some(),
                job: some(),
                seen: Some(at.clone()),
                pause: Some("/pause".to_owned()),
                resume: None,
                stop: Some("/stop".to_owned()),
            }],
            pager: Pager::new("/", &[], true, None),
            dagster: vec![DagsterRow {
                name: some(),
                is_running: true,
                token: some(),
                launcher: some(),
                version: some(),
                ip: some(),
                errors: 1,
                heartbeat: at,
            }],
            dagster_pager: Pager::new("/", &[], true, None),
            none: "",
            none_of_dagster: "",
            is_everything: false,
        }
    }

    #[test]
    fn whatever_an_agent_is_called_stays_text() {
        for text in TEXTS {
            assert_inert(&page(text).render().expect("a page"), text);
        }
    }

    #[test]
    fn an_empty_table_says_why_it_is_empty() {
        let said = |is_all, is_searched| {
            let mut page = page("web");
            page.rows.clear();
            page.dagster.clear();
            page.none = none(is_all, is_searched, true, false);
            page.none_of_dagster = none_of_dagster(is_all, true);
            page.render().expect("a page")
        };
        assert!(said(false, false).contains("No agent is connected.") && said(false, false).contains("agent runs."));
        assert!(said(true, false).contains("No agent is known.") && !said(true, false).contains("is connected."));
        assert!(
            said(true, false).contains("No Dagster+ agent is known.") && said(true, true).contains("fits the search.")
        );
        // Whoever searches where there is much is led on.
        let mut part = page("web");
        part.rows.clear();
        part.none = none(true, true, true, true);
        part.pager = Pager::new("/", &[("search", "web")], true, Some("1".to_owned()));
        let html = part.render().expect("a page");
        assert!(html.contains("that were looked at fits.") && html.contains(r#"rel="next""#), "{html}");
        // Whoever searches is told what was not searched.
        let mut searched = page("web");
        searched.is_narrowed = false;
        assert!(!searched.render().expect("a page").contains("leaves Dagster+ agents as they are"));
        searched.is_narrowed = true;
        assert!(searched.render().expect("a page").contains("What is searched for leaves Dagster+ agents as they are"));
    }

    #[test]
    fn a_page_of_agents_is_small() {
        let mut page = page("build-host-17.example");
        page.rows = vec![page.rows[0].clone(); ROWS as usize];
        page.dagster = vec![page.dagster[0].clone(); ROWS as usize];
        let size = page.render().expect("a page").len();
        assert!(size < 100_000, "{size} bytes");
    }
}
