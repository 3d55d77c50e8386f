//! An agent token's own page: what it is, who uses it, who was refused, and its value where it was asked for.

use askama::Template;
use countersign_control::access::actions::{ViewAgentTokens, ViewAudit, ViewOrganization};
use countersign_control::agent_tokens::{self, AgentToken, Secret as Value};
use countersign_control::{Error, PageRequest, revealing};
use countersign_domain::Timestamp;
use countersign_domain::id::{TokenId, UserId};
use http::StatusCode;

use crate::brief::Brief;
use crate::chart::Columns;
use crate::failure::Failure;
use crate::frame::{self, Answer, Frame};
use crate::parts::{Secret, When};
use crate::query::address;
use crate::settings::audit::{Row as EventRow, fit};
use crate::visit::{Tab, Visit};
use crate::words::{self, State};

use super::ended::Revoked;
use super::rows::{AgentRow, DagsterRow, RefusalRow, ValueRow};
use super::title;
use super::ways::Ways;

/// How many of its agents the page names, of each protocol.
const AGENTS: u32 = 30;
/// The most bytes of what it says of its permissions; the form has them all.
const PERMISSIONS: usize = 2_000;
/// The length of a date.
const DATE: usize = 10;
/// How many rows of the audit log it shows, and the most bytes that their texts take.
const EVENTS: u32 = 20;
const ROOM: usize = 20_000;

/// What is said of a value that cannot be had again.
pub(crate) const ONCE: &str = "This value is shown once and never again. Keep it where secrets are kept.";

/// What is said of a value that was asked for.
pub(crate) const SEEN: &str = "Revealing it was recorded in the audit log.";

/// What becomes of the value on this page.
#[derive(Debug)]
pub(crate) enum Told<'a> {
    /// It was not asked for.
    Nothing,
    /// The token was created: it is shown now and never again.
    Once(&'a str),
    /// The token was rotated: its new value is shown now and never again.
    Rotated(&'a str),
    /// It is shown, and can be again for a while.
    Again(&'a str),
    /// It was asked for and cannot be shown, for this reason.
    Closed(String),
}

#[derive(Template)]
#[template(path = "token.html")]
struct Page<'a> {
    frame: Frame,
    secret: Option<Secret<'a>>,
    /// What is to be known of the value that is shown, or why none is.
    about_secret: String,
    /// What was done by which there is a value; nothing where it was there before.
    done: &'static str,
    start: Option<Start<'a>>,
    ways: Ways,
    public_id: String,
    permissions: Brief,
    creator: Brief,
    created: When,
    expires: Option<When>,
    is_revoked: bool,
    /// Until when the value can be revealed; empty where no value is good any more.
    policy: &'static str,
    reveal_until: Option<When>,
    last_used: Option<When>,
    last_used_ip: String,
    state: &'static str,
    state_class: &'static str,
    revoked: Option<Revoked>,
    /// Of a revoked token: how many of its agents are still connected. Empty where none is.
    left: String,
    /// How many agents registered with it on each day.
    came: Columns,
    agents_count: usize,
    /// Where all of them are listed.
    agents_path: String,
    agents: Vec<AgentRow>,
    dagster_agents: Vec<DagsterRow>,
    /// How many there are beside.
    more_dagster_agents: usize,
    values: Vec<ValueRow>,
    refusals: Vec<RefusalRow>,
    /// What the audit log says of it, for whoever sees that.
    rows: Vec<EventRow>,
}

/// Ready-made ways to start an agent.
#[derive(Debug, Template)]
#[template(path = "parts/start.html")]
pub(crate) struct Start<'a> {
    url: &'a str,
    value: &'a str,
    deployment: String,
}

impl askama::filters::HtmlSafe for Start<'_> {}

impl Start<'_> {
    /// To look at, with a value that opens nothing.
    pub(crate) fn sample() -> Self {
        let deployment = "production".to_owned();
        Self { url: "https://ci.example", value: "csnat_0000000000_this-value-opens-nothing", deployment }
    }
}

impl Visit {
    /// What somebody is called, with the address that nobody else has.
    pub(crate) async fn name_of(&self, user: Option<UserId>) -> Result<Brief, Failure> {
        let Some(user) = user else { return Ok("the server".into()) };
        match self.control().member(&self.may::<ViewOrganization>()?, user).await {
            Ok(member) => Ok(Brief::of_user(&member.user)),
            Err(Error::NotFound(_)) => Ok("somebody who has left".into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The page of the token in the address.
pub(crate) async fn show(visit: Visit) -> Answer {
    let token = visit.agent_token().await?;
    told(&visit, &token, Told::Nothing).await
}

/// The page of a token, with its value where that was asked for.
pub(crate) async fn told(visit: &Visit, it: &AgentToken, told: Told<'_>) -> Answer {
    page_of(visit, it, StatusCode::OK, told).await
}

/// The same with another status.
pub(super) async fn page_of(visit: &Visit, it: &AgentToken, status: StatusCode, told: Told<'_>) -> Answer {
    let (control, grant) = (visit.control(), visit.may::<ViewAgentTokens>()?);
    let (token, now) = (&it.token, control.now());
    let names = words::names(&visit.deployments().await?);
    let connected = control.agent_token_agents(&grant, token.id, PageRequest::first(AGENTS)).await?;
    let agents_count = control.count_agent_token_agents(&grant, token.id).await?;
    let dagster_agents = control.agent_token_dagster_agents(&grant, token.id).await?;
    let values = control.agent_token_secrets(&grant, token.id).await?;
    let refusals = control.agent_token_refusals(&grant, token.id).await?;
    let state = State::of(token, now);
    let revoked = Revoked::of(visit, token).await?;
    let (value, about_secret, done) = match told {
        Told::Nothing => (None, String::new(), ""),
        Told::Once(value) => (Some(value), ONCE.to_owned(), "The token is created."),
        Told::Rotated(value) => (Some(value), ONCE.to_owned(), "The token has a new value."),
        Told::Again(value) => (Some(value), SEEN.to_owned(), ""),
        Told::Closed(why) => (None, why, ""),
    };
    let of_one = it.scope.deployments.only_one().and_then(|id| names.get(&id).cloned());
    let more_dagster_agents = dagster_agents.len().saturating_sub(AGENTS as usize);
    let dagster_agents = dagster_agents.iter().take(AGENTS as usize);
    let dagster_agents = dagster_agents.map(|it| DagsterRow::new(visit, it, state.is_live(), now));
    // Whoever holds a session, and has not connected yet, is left too.
    let left = match token.revoked_at {
        Some(_) => control.agent_token_situation(&grant, token.id).await?.agents.len(),
        None => 0,
    };
    let mut ways = Ways::of(visit, it, state, values.iter().filter(|it| is_valid(it, now)).count() > 1, left > 0);
    // What is shown already is not offered.
    ways.reveal = ways.reveal.filter(|_| value.is_none());
    let page = Page {
        frame: visit.settings(Tab::AgentTokens, title(it)).crumb("Agent tokens", visit.path("/settings/tokens")),
        secret: value.map(Secret::of_token),
        about_secret,
        done,
        start: value.map(|value| Start {
            url: visit.site.public_url(),
            value,
            deployment: of_one
                .or_else(|| names.get(&visit.organization.default_deployment).cloned())
                .unwrap_or_default(),
        }),
        left: if left > 0 { words::count(left, "agent is", "agents are") } else { String::new() },
        ways,
        public_id: token.public_id.to_string(),
        permissions: Brief::within(&words::permissions(&it.scope, &names), PERMISSIONS),
        // The first one of an organization is made with it.
        creator: match token.created_by {
            Some(user) => visit.name_of(Some(user)).await?,
            None => "the operator".into(),
        },
        created: When::new(token.created_at),
        expires: token.expires_at.map(When::new),
        is_revoked: token.revoked_at.is_some(),
        policy: if token.revoked_at.is_some() { "" } else { words::policy(token.reveal_policy) },
        reveal_until: token.reveal_until.filter(|_| revealing::is_open(token, now)).map(When::new),
        last_used: token.last_used_at.map(|at| When::ago(at, now)),
        last_used_ip: token.last_used_ip.clone().unwrap_or_default(),
        state: state.words(),
        state_class: state.class(),
        revoked,
        came: came(visit, token.id).await?,
        agents_count: usize::try_from(agents_count).unwrap_or_default(),
        agents_path: address(&visit.path("/agents"), &[("show", "all"), ("token", &token.id.to_string())]),
        agents: connected.items.iter().map(|it| AgentRow::new(visit, it, now)).collect(),
        dagster_agents: dagster_agents.collect(),
        more_dagster_agents,
        values: values.iter().map(|it| ValueRow::new(it, state.is_live(), now)).collect(),
        refusals: refusals.iter().map(RefusalRow::new).collect(),
        rows: events(visit, token.id).await?,
    };
    frame::page(status, &page)
}

async fn came(visit: &Visit, id: TokenId) -> Result<Columns, Failure> {
    let days = visit.control().agent_token_registrations(&visit.may::<ViewAgentTokens>()?, id).await?;
    let days = days.into_iter().map(|(day, count)| (day.to_string().chars().take(DATE).collect::<String>(), count));
    let label = format!("Agents that registered with it in the last {} days", agent_tokens::DAYS);
    Ok(Columns::new(label, ["Day (UTC)", "Agents"], days.collect()))
}

async fn events(visit: &Visit, id: TokenId) -> Result<Vec<EventRow>, Failure> {
    if !visit.can::<ViewAudit>() {
        return Ok(Vec::new());
    }
    let page = PageRequest::first(EVENTS);
    let found = visit.control().token_audit_events(&visit.may::<ViewAudit>()?, id, page).await?;
    let mut rows = EventRow::all(&found.items, visit.control().now());
    fit(&mut rows, ROOM);
    Ok(rows)
}

fn is_valid(it: &Value, now: Timestamp) -> bool {
    it.valid_until.is_none_or(|until| now < until)
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn page(text: &str) -> Page<'_> {
        let at = When::new(Timestamp::EPOCH);
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let some = || text.to_owned();
        Page {
            frame: Frame::plain(text, &seen),
            secret: Some(Secret::of_token(text)),
            about_secret: some(),
            done: "The token is created.",
            start: Some(Start { url: text, value: text, deployment: some() }),
            ways: Ways { here: "/x".to_owned(), reveal: Some("/r".to_owned()), ..Ways::default() },
            public_id: "4f9Kd0aZ81b".to_owned(),
            permissions: text.into(),
            creator: text.into(),
            created: at.clone(),
            expires: None,
            is_revoked: false,
            policy: "Never",
            reveal_until: Some(at.clone()),
            last_used: Some(at.clone()),
            last_used_ip: some(),
            state: "Active",
            state_class: "good",
            revoked: Some(Revoked::sample(text)),
            came: Columns::new(text, ["Day (UTC)", "Agents"], vec![(some(), 1)]),
            left: some(),
            agents_count: 1,
            agents_path: "/x".to_owned(),
            agents: vec![AgentRow {
                href: "/x".to_owned(),
                name: text.into(),
                host: text.into(),
                version: text.into(),
                queue: some(),
                seen: Some(at.clone()),
            }],
            dagster_agents: vec![DagsterRow {
                href: "/x".to_owned(),
                name: text.into(),
                state: "Running",
                state_class: "good",
                seen: at.clone(),
            }],
            more_dagster_agents: 1,
            values: vec![ValueRow {
                public_id: some(),
                created: at.clone(),
                until: Some(at.clone()),
                has_ended: false,
                last_used: Some(at.clone()),
                last_used_ip: some(),
            }],
            refusals: vec![RefusalRow { reason: "unknown", ip: some(), count: 1, last: at, public_id: some() }],
            rows: vec![EventRow::sample(text)],
        }
    }

    #[test]
    fn whatever_an_agent_says_of_itself_stays_text() {
        for text in TEXTS {
            assert_inert(&page(text).render().expect("a page"), text);
        }
    }

    #[test]
    fn a_value_that_was_not_asked_for_is_not_in_the_page() {
        let mut page = page("csnat_4f9Kd0aZ81b_secret");
        page.secret = None;
        page.start = None;
        let html = page.render().expect("a page");
        assert!(!html.contains("token-value") && !html.contains("BUILDKITE_AGENT_TOKEN"), "{html}");
    }
}
