//! An organization at a glance: agents, jobs, queues and their waits, and tokens that somebody should look at.

mod waits;

use askama::Template;
use countersign_control::access::actions::{
    ViewAgentTokens, ViewAgents, ViewBuilds, ViewMemberTokens, ViewOrganization, ViewQueues,
};
use countersign_control::agent_tokens::{Search, Selection, Summed};
use countersign_control::queues::{Standing, Unlisted, Waits};
use countersign_control::{Error, MAX_PAGE, PageRequest};
use countersign_domain::build::BuildState;
use countersign_domain::{Kind, Timestamp};

use crate::brief::Brief;
use crate::builds::states;
use crate::chart::Columns;
use crate::failure::Failure;
use crate::frame::{self, Answer, Frame};
use crate::parts::When;
use crate::query::address;
use crate::tokens::{title, title_of};
use crate::visit::Visit;
use crate::words::{self, Names};

pub(crate) use waits::Bars;
use waits::waits_of;

/// Queues on the page: those that were made last. All of the first [`MAX_PAGE`] are added up.
pub(crate) const QUEUES: usize = 50;
/// Queues of those that agents wait in and no job was put into yet.
const UNLISTED: u32 = 10;
/// Tokens of each list.
const TOKENS: u32 = 5;
/// Refused attempts on the page.
const REFUSED: u32 = 10;

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    numbers: Vec<Number>,
    agents: Columns,
    waits: Option<Bars>,
    queues: Vec<QueueRow>,
    /// Where the deployment is that queues are made in first.
    deployments: String,
    /// None for whoever sees no tokens.
    tokens: Option<Tokens>,
    refused: Option<Vec<RefusalRow>>,
}

/// A number that leads on.
#[derive(Debug, Clone)]
struct Number {
    count: i64,
    words: &'static str,
    href: String,
}

/// A queue.
#[derive(Debug, Clone)]
struct QueueRow {
    name: String,
    deployment: String,
    is_paused: bool,
    idle: i64,
    busy: i64,
    scheduled: i64,
    running: i64,
    waiting: i64,
    p50: String,
    p95: String,
}

/// Tokens that somebody should look at.
#[derive(Debug, Clone)]
struct Tokens {
    expiring: Vec<TokenRow>,
    all_expiring: String,
    unused: Vec<TokenRow>,
    all_unused: String,
}

#[derive(Debug, Clone)]
struct TokenRow {
    href: String,
    description: Brief,
    public_id: String,
    /// When it ends, or was last used.
    at: Option<When>,
}

#[derive(Debug, Clone)]
struct RefusalRow {
    reason: &'static str,
    public_id: String,
    ip: String,
    count: i64,
    last: When,
    /// What the token is described as.
    description: Brief,
    /// Where the token is, while it is there.
    href: Option<String>,
}

/// What stands for a wait where no job waited.
const NONE: &str = "–";

impl QueueRow {
    fn new(it: &Standing, waits: &[Waits], names: &Names) -> Self {
        let (queue, counts) = (&it.queue, &it.counts);
        let waited = waits_of(it, waits);
        Self {
            name: queue.name.clone(),
            deployment: names.get(&queue.deployment).cloned().unwrap_or_default(),
            is_paused: queue.paused_at.is_some(),
            idle: counts.agents_idle,
            busy: counts.agents_busy,
            scheduled: counts.jobs_scheduled,
            running: counts.jobs_running,
            waiting: counts.jobs_waiting,
            p50: waited.map_or_else(|| NONE.to_owned(), |it| states::duration(it.p50)),
            p95: waited.map_or_else(|| NONE.to_owned(), |it| states::duration(it.p95)),
        }
    }
}

impl QueueRow {
    /// A queue of which nothing is known but that agents wait in it.
    fn of_agents(it: Unlisted, names: &Names) -> Self {
        Self {
            name: it.name,
            deployment: names.get(&it.deployment).cloned().unwrap_or_default(),
            is_paused: false,
            idle: it.agents,
            busy: 0,
            scheduled: 0,
            running: 0,
            waiting: 0,
            p50: NONE.to_owned(),
            p95: NONE.to_owned(),
        }
    }
}

async fn tokens_of(visit: &Visit, selection: Selection) -> Result<Vec<TokenRow>, Failure> {
    let search = Search { selection, text: None };
    let page = PageRequest::first(TOKENS);
    let found = visit.control().search_agent_tokens(&visit.may::<ViewAgentTokens>()?, search, page).await?;
    let now = visit.control().now();
    let rows = found.items.iter().map(|it| {
        let token = &it.token.token;
        let at = if selection == Selection::Expiring { token.expires_at } else { token.last_used_at };
        TokenRow {
            href: visit.token_path(token.id, ""),
            description: title(&it.token).into(),
            public_id: token.public_id.to_string(),
            at: at.map(|at| When::ago(at, now)),
        }
    });
    Ok(rows.collect())
}

async fn tokens(visit: &Visit) -> Result<Option<Tokens>, Failure> {
    if !visit.can::<ViewAgentTokens>() {
        return Ok(None);
    }
    let list = visit.path("/settings/tokens");
    Ok(Some(Tokens {
        expiring: tokens_of(visit, Selection::Expiring).await?,
        all_expiring: address(&list, &[("filter", "expiring")]),
        unused: tokens_of(visit, Selection::Unused).await?,
        all_unused: address(&list, &[("filter", "unused")]),
    }))
}

/// Who was refused, for Organization Admins.
async fn refused(visit: &Visit) -> Result<Option<Vec<RefusalRow>>, Failure> {
    if !visit.can::<ViewAgentTokens>() {
        return Ok(None);
    }
    let found = match visit.control().refused_attempts(&visit.may::<ViewAgentTokens>()?, REFUSED).await {
        Ok(found) => found,
        Err(Error::Denied { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let now = visit.control().now();
    let mut rows = Vec::with_capacity(found.len());
    for it in found {
        let href = place_of(visit, &it).await?;
        let refused = it.refused;
        rows.push(RefusalRow {
            reason: words::refusal(refused.reason),
            public_id: refused.public_id.to_string(),
            ip: refused.ip,
            count: refused.count,
            last: When::ago(refused.last_at, now),
            description: title_of(it.description).into(),
            href,
        });
    }
    Ok(Some(rows))
}

/// Where a token is that somebody was refused with: one's own and agent tokens have pages, others are in the list of whose they are.
async fn place_of(visit: &Visit, it: &Summed) -> Result<Option<String>, Failure> {
    match (it.kind, it.owner) {
        (Kind::AgentToken, _) => Ok(Some(visit.token_path(it.refused.token, ""))),
        (Kind::UserToken, Some(owner)) if Some(owner) == visit.user() => {
            Ok(Some(visit.user_token_path(it.refused.token, "")))
        }
        (Kind::UserToken, Some(owner)) if visit.can::<ViewMemberTokens>() => {
            match visit.control().member(&visit.may::<ViewOrganization>()?, owner).await {
                Ok(_) => Ok(Some(address(&visit.path("/settings/user-tokens"), &[("for", &owner.to_string())]))),
                Err(Error::NotFound(_)) => Ok(None),
                Err(error) => Err(error.into()),
            }
        }
        _ => Ok(None),
    }
}

/// A time of day in UTC.
fn clock(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(11..16).map_or_else(|| text.clone(), str::to_owned)
}

/// What all queues have together.
fn sum(queues: &[Standing], of: impl Fn(&Standing) -> i64) -> i64 {
    queues.iter().map(of).sum()
}

async fn numbers(visit: &Visit, queues: &[Standing]) -> Result<Vec<Number>, Failure> {
    let (control, builds) = (visit.control(), visit.path("/builds"));
    let live =
        countersign_control::agents::Wanted { live_only: true, ..countersign_control::agents::Wanted::default() };
    let agents = control.count_agents(&visit.may::<ViewAgents>()?, live).await?;
    let counts = control.count_builds_under_way(&visit.may::<ViewBuilds>()?).await?;
    let count = |states: &[BuildState]| -> i64 {
        counts.iter().filter(|(state, _)| states.contains(state)).map(|(_, count)| count).sum()
    };
    let number = |count, (one, many): (&'static str, &'static str), href| {
        let words = if count == 1 { one } else { many };
        Number { count, words, href }
    };
    Ok(vec![
        number(agents, ("agent connected", "agents connected"), visit.path("/agents")),
        number(
            sum(queues, |it| it.counts.jobs_running),
            ("job running", "jobs running"),
            address(&builds, &[("state", "running")]),
        ),
        number(
            sum(queues, |it| it.counts.jobs_scheduled),
            ("job waiting for an agent", "jobs waiting for an agent"),
            builds.clone(),
        ),
        number(
            count(&[BuildState::Running, BuildState::Failing, BuildState::Canceling]),
            ("build under way", "builds under way"),
            address(&builds, &[("state", "running")]),
        ),
        // One that runs something beside its question is under way.
        number(
            count(&[BuildState::Blocked]),
            ("build waiting only for a person", "builds waiting only for a person"),
            address(&builds, &[("state", "blocked")]),
        ),
    ])
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Answer {
    let (control, names) = (visit.control(), words::names(&visit.deployments().await?));
    let grant = visit.may::<ViewQueues>()?;
    let queues = control.queues(&grant, PageRequest::first(MAX_PAGE)).await?.items;
    let waits = control.queue_waits(&grant).await?;
    let unlisted = control.unlisted_queues(&grant, UNLISTED).await?;
    let listed = queues.iter().take(QUEUES - unlisted.len().min(QUEUES)).map(|it| QueueRow::new(it, &waits, &names));
    let rows = listed.chain(unlisted.into_iter().map(|it| QueueRow::of_agents(it, &names))).collect();
    let moments = control.agents_over_time(&visit.may::<ViewAgents>()?).await?;
    let mut moments: Vec<_> = moments.into_iter().map(|(at, count)| (clock(at), count)).collect();
    if let Some((last, _)) = moments.last_mut() {
        "now".clone_into(last);
    }
    frame::show(&Page {
        frame: visit.frame("Overview"),
        numbers: numbers(&visit, &queues).await?,
        agents: Columns::new("Agents connected in the last 24 hours", ["Time (UTC)", "Agents"], moments),
        waits: Bars::of(&queues, &waits, &names),
        queues: rows,
        deployments: visit.deployment_path(visit.organization.default_deployment, ""),
        tokens: tokens(&visit).await?,
        refused: refused(&visit).await?,
    })
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_queues_and_tokens_are_called_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let some = || (*text).to_owned();
            let token = TokenRow { href: "/x".to_owned(), description: (*text).into(), public_id: some(), at: None };
            let page = Page {
                frame: Frame::plain(some(), &seen),
                numbers: vec![Number { count: 1, words: "agents", href: "/x".to_owned() }],
                agents: Columns::new(some(), ["a", "b"], vec![(some(), 1)]),
                waits: Some(Bars {
                    rows: vec![waits::Bar { name: some(), deployment: some(), p50: 1, p95: 2, words: some() }],
                }),
                deployments: "/x".to_owned(),
                queues: vec![QueueRow {
                    name: some(),
                    deployment: some(),
                    is_paused: true,
                    idle: 1,
                    busy: 1,
                    scheduled: 1,
                    running: 1,
                    waiting: 1,
                    p50: some(),
                    p95: some(),
                }],
                tokens: Some(Tokens {
                    expiring: vec![token.clone()],
                    all_expiring: "/x".to_owned(),
                    unused: vec![token],
                    all_unused: "/x".to_owned(),
                }),
                refused: Some(vec![RefusalRow {
                    reason: "revoked",
                    public_id: some(),
                    ip: some(),
                    count: 1,
                    last: When::new(Timestamp::EPOCH),
                    description: (*text).into(),
                    href: Some("/x".to_owned()),
                }]),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }

    #[test]
    fn the_time_of_day_is_in_utc() {
        assert_eq!(clock("2026-01-02T03:04:05.678Z".parse().expect("a time")), "03:04");
    }
}
