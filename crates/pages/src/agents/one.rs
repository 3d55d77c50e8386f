//! An agent's own page: what it is, what it does, and what it did.

use askama::Template;
use countersign_control::access::actions::{PauseAgent, StopAgent, ViewAgentTokens, ViewAgents, ViewBuilds};
use countersign_control::agents::Agent;
use countersign_control::jobs::Past;
use countersign_control::{Error, PageRequest};
use countersign_domain::AgentState;
use countersign_domain::id::AgentId;

use crate::brief::Brief;
use crate::builds::entries::job_name;
use crate::builds::states;
use crate::failure::Failure;
use crate::frame::{self, Answer, Frame, Link};
use crate::offers::Offers;
use crate::parts::{Field, Pager, When};
use crate::query::Query;
use crate::settings::audit::Row as EventRow;
use crate::tokens::title;
use crate::visit::Visit;

use super::history;
use super::row::state;

/// The most bytes that the name of its host takes in the page.
const HOST: usize = 500;
/// Jobs of one part.
pub(crate) const ROWS: u32 = 30;

#[derive(Template)]
#[template(path = "agent.html")]
struct Page {
    frame: Frame,
    facts: Facts,
    ways: Ways,
    note: Field,
    job: Option<Row>,
    jobs: Vec<Row>,
    pager: Pager,
    events: Vec<EventRow>,
}

/// What is known of an agent.
#[derive(Debug, Clone)]
struct Facts {
    name: String,
    state: &'static str,
    state_class: &'static str,
    /// Why it takes no jobs; none while it does.
    paused: Option<String>,
    paused_until: Option<When>,
    stop_note: String,
    token: Link,
    deployment: String,
    queue: String,
    tags: Vec<String>,
    version: String,
    host: Brief,
    system: String,
    ip: String,
    pid: String,
    priority: String,
    registered: When,
    connected: Option<When>,
    seen: Option<When>,
    gone: Option<When>,
}

/// What can be done, by whoever may.
#[derive(Debug, Clone, Default)]
struct Ways {
    pause: Option<String>,
    resume: Option<String>,
    stop: Option<String>,
}

/// A job that it has or had.
#[derive(Debug, Clone)]
struct Row {
    name: String,
    href: String,
    /// Its build, for people.
    build: String,
    state: &'static str,
    state_class: &'static str,
    started: Option<When>,
    ran: String,
    exit: String,
}

/// The token that it registered with, named for whoever sees tokens.
async fn token(visit: &Visit, it: &Agent) -> Result<Link, Failure> {
    let path = visit.token_path(it.token, "");
    if !visit.can::<ViewAgentTokens>() {
        return Ok(Link::new(String::new(), path));
    }
    match visit.control().agent_token(&visit.may::<ViewAgentTokens>()?, it.token).await {
        Ok(token) => Ok(Link::new(title(&token), path)),
        Err(Error::NotFound(_)) => Ok(Link::new(String::new(), path)),
        Err(error) => Err(error.into()),
    }
}

async fn facts(visit: &Visit, it: &Agent, offers: &Offers<'_>) -> Result<Facts, Failure> {
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = |number: Option<i64>| number.map(|it| it.to_string()).unwrap_or_default();
    let (state, state_class) = state(it.state);
    let is_paused = it.is_paused(visit.control().now());
    let system = [&it.operating_system, &it.arch].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    Ok(Facts {
        name: it.name.clone(),
        state,
        state_class,
        paused: is_paused.then(|| said(&it.paused_note)),
        paused_until: it.paused_until.filter(|_| is_paused).map(When::new),
        stop_note: said(&it.stop_note),
        token: token(visit, it).await?,
        deployment: offers.name(),
        queue: it.queue.clone(),
        tags: it.tags.clone(),
        version: said(&it.version),
        host: Brief::within(it.hostname.as_deref().unwrap_or_default(), HOST),
        system,
        ip: it.ip.clone(),
        pid: number(it.pid),
        priority: number(it.priority),
        registered: When::new(it.created_at),
        connected: it.connected_at.map(When::new),
        seen: it.last_seen_at.map(When::new),
        gone: it.disconnected_at.or(it.lost_at).map(When::new),
    })
}

fn ways(visit: &Visit, it: &Agent, offers: &Offers<'_>) -> Ways {
    let path = |below| visit.path(&format!("/agents/{}{below}", it.id));
    let is_paused = it.is_paused(visit.control().now());
    let may_pause = offers.can::<PauseAgent>();
    Ways {
        pause: (it.state.is_connected() && !is_paused && may_pause).then(|| path("/pause")),
        resume: (is_paused && may_pause).then(|| path("/resume")),
        stop: (matches!(it.state, AgentState::Connected | AgentState::Stopping) && offers.can::<StopAgent>())
            .then(|| path("/stop")),
    }
}

/// The page.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let control = visit.control();
    let id: AgentId = visit.param("agent").parse().map_err(|_| Error::NotFound("agent"))?;
    let agent = control.agent(&visit.may::<ViewAgents>()?, id).await?;
    let now = control.now();
    let offers = visit.offers_in(agent.deployment).await?;
    let grant = visit.may::<ViewBuilds>()?;
    let page = PageRequest { after: query.after(), limit: ROWS };
    let found = control.agent_past_jobs(&grant, id, page).await?;
    let rows: Vec<Row> = found
        .items
        .iter()
        .map(|Past { job, number, pipeline_slug, pipeline_name }| {
            let stands = states::job(job);
            Row {
                name: job_name(job),
                href: visit.path(&format!("/builds/{pipeline_slug}/{number}/jobs/{}", job.id)),
                build: format!("{pipeline_name} #{number}"),
                state: stands.words,
                state_class: stands.class,
                started: job.started_at.map(When::new),
                ran: states::ran(job, now),
                exit: job.exit_status.clone().unwrap_or_default(),
            }
        })
        .collect();
    let is_now = found.items.first().is_some_and(|it| page.after.is_none() && it.job.state.is_held());
    let job = if is_now { rows.first().cloned() } else { None };
    let path = visit.path(&format!("/agents/{id}"));
    let last = found.items.last().filter(|_| found.has_more).map(|it| it.job.id.to_string());
    frame::show(&Page {
        frame: visit.frame(agent.name.clone()).crumb("Agents", visit.path("/agents")),
        facts: facts(&visit, &agent, &offers).await?,
        ways: ways(&visit, &agent, &offers),
        note: Field::new("note", "Why it is paused"),
        job,
        jobs: rows,
        pager: Pager::new(&path, &[], page.after.is_none(), last),
        events: if page.after.is_none() { history::events(&visit, id.cast()).await? } else { Vec::new() },
    })
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_an_agent_says_of_itself_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let some = || (*text).to_owned();
            let row = Row {
                name: some(),
                href: "/x".to_owned(),
                build: some(),
                state: "Passed",
                state_class: "good",
                started: None,
                ran: some(),
                exit: some(),
            };
            let page = Page {
                frame: Frame::plain(some(), &seen),
                facts: Facts {
                    name: some(),
                    state: "Connected",
                    state_class: "good",
                    paused: Some(some()),
                    paused_until: Some(When::new(Timestamp::EPOCH)),
                    stop_note: some(),
                    token: Link::new(some(), "/x"),
                    deployment: some(),
                    queue: some(),
                    tags: vec![some()],
                    version: some(),
                    host: some().into(),
                    system: some(),
                    ip: some(),
                    pid: some(),
                    priority: some(),
                    registered: When::new(Timestamp::EPOCH),
                    connected: None,
                    seen: None,
                    gone: None,
                },
                ways: Ways { pause: Some("/x".to_owned()), resume: None, stop: Some("/x".to_owned()) },
                note: Field::new("note", "Why it is paused"),
                job: Some(row.clone()),
                jobs: vec![row],
                pager: Pager::new("/", &[], true, None),
                events: Vec::new(),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
