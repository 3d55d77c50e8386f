//! The page of agents.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use countersign_control::PageRequest;
use countersign_control::access::actions::{PauseAgent, StopAgent, ViewAgentTokens, ViewAgents, ViewDeploymentRoles};
use countersign_control::agent_tokens::{Search, Selection};
use countersign_control::agents::{AnyAgent, Standing};
use countersign_control::deployments::Deployment;
use countersign_domain::id::{AgentId, DagsterAgentId, TokenId};

use crate::failure::Failure;
use crate::frame::{self, Answer, Frame, Link};
use crate::parts::{Choice, Pager};
use crate::query::{Query, address};
use crate::tokens::list::Row as TokenRow;
use crate::tokens::title_of;
use crate::visit::Visit;
use crate::words::{self, Names};

use super::narrow::{Narrow, choices};
use super::row::{Beside, Row};

/// Agents of one part.
const ROWS: u32 = 25;
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
    standings: Vec<Choice>,
    kinds: Vec<Choice>,
    deployments: Vec<Choice>,
    queue: String,
    /// The token that all of them came with, where one is chosen, and the list without that choice.
    token: Option<Link>,
    /// Its id, to go on with it.
    token_id: String,
    rows: Vec<Row>,
    pager: Pager,
    /// What it means that there are no rows.
    none: &'static str,
    /// Whether that is so because nothing was started yet that could be seen.
    is_everything: bool,
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

/// What is shown beside the agents of a part.
async fn beside(
    visit: &Visit,
    agents: &[AnyAgent],
    deployments: &[Deployment],
    token: Option<TokenId>,
) -> Result<Beside, Failure> {
    let (control, grant) = (visit.control(), visit.may::<ViewAgents>()?);
    let (mut connected, mut dagster): (Vec<AgentId>, Vec<DagsterAgentId>) = (Vec::new(), Vec::new());
    // Agents share tokens: each is asked for once.
    let mut tokens: BTreeSet<TokenId> = token.into_iter().collect();
    for agent in agents {
        match agent {
            AnyAgent::Registered(it) => {
                tokens.insert(it.token);
                connected.extend(it.state.is_connected().then_some(it.id));
            }
            AnyAgent::Dagster(it) => {
                tokens.insert(it.token);
                dagster.push(it.id);
            }
        }
    }
    let jobs = control.agent_jobs(&grant, connected).await?;
    let called = |label: Option<String>, command: &str| label.unwrap_or_else(|| first_line(command));
    Ok(Beside {
        tokens: tokens_of(visit, tokens.into_iter().collect()).await?,
        branches: deployments.iter().filter(|it| it.parent.is_some()).map(|it| it.id).collect(),
        held: control.own_deployment_roles(&visit.may::<ViewDeploymentRoles>()?).await?,
        may_pause: visit.can::<PauseAgent>(),
        may_stop: visit.can::<StopAgent>(),
        now: control.now(),
        names: words::names(deployments),
        jobs: jobs.into_iter().map(|(id, job)| (id, called(job.label, &job.command))).collect(),
        served: control.dagster_agents_served(&grant, dagster).await?,
    })
}

/// The page.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let (control, grant) = (visit.control(), visit.may::<ViewAgents>()?);
    let asked = Narrow::of(&visit, &query);
    let page = PageRequest { after: query.after(), limit: ROWS };
    let found = control.every_agent(&grant, asked.sought(), asked.kind, page).await?;
    let deployments = visit.deployments().await?;
    let beside = beside(&visit, &found.items, &deployments, asked.token).await?;

    let path = visit.path("/agents");
    let said = asked.said();
    let all: Vec<(&str, &str)> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let is_first = page.after.is_none();
    let next = found.next.map(|it| it.to_string());
    frame::show(&Page {
        frame: visit.frame("Agents"),
        tokens: tokens(&visit, &beside.names).await?,
        tokens_path: visit.path("/settings/tokens"),
        standings: asked.standings(),
        kinds: asked.kinds(),
        none: asked.none(is_first, next.is_some()),
        pager: Pager::new(&path, &all, is_first, next),
        is_everything: !asked.is_anything() && is_first && asked.standing == Standing::There,
        deployments: choices(&deployments, asked.deployment),
        token: asked.token.map(|id| {
            let name = Some(beside.token(id)).filter(|name| !name.is_empty());
            let without = &all[..all.len().saturating_sub(1)];
            Link::new(name.unwrap_or_else(|| "one that is not there".to_owned()), address(&path, without))
        }),
        token_id: asked.token.map(|it| it.to_string()).unwrap_or_default(),
        rows: found.items.iter().map(|it| Row::new(&visit, it, &beside)).collect(),
        path,
        search: asked.text,
        queue: asked.queue,
    })
}

/// What a job is called that has no label.
fn first_line(command: &str) -> String {
    const MOST: usize = 80;
    words::short(command.lines().next().unwrap_or_default(), MOST)
}

#[cfg(test)]
mod tests {
    use countersign_control::agents::Protocol;

    use crate::agents::narrow::MOST;
    use crate::agents::row::tests::row;
    use crate::naughty::{HEAVY, TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn page(text: &str) -> Page {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let some = || text.to_owned();
        Page {
            frame: Frame::plain("Agents", &seen),
            path: "/organizations/acme/agents".to_owned(),
            tokens: None,
            tokens_path: "/x".to_owned(),
            search: some(),
            standings: Vec::new(),
            kinds: Vec::new(),
            deployments: vec![Choice::new(some(), some(), true)],
            queue: some(),
            token: Some(Link::new(some(), "/x")),
            token_id: some(),
            rows: vec![row(text)],
            pager: Pager::new("/", &[], true, None),
            none: "",
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
    fn an_empty_table_says_why_it_is_empty_and_what_to_do() {
        let nothing = || Narrow {
            text: String::new(),
            standing: Standing::There,
            kind: None,
            deployment: None,
            queue: String::new(),
            token: None,
        };
        let said = |asked: &Narrow, next: Option<&str>| {
            let mut page = page("web");
            page.rows.clear();
            page.none = asked.none(true, next.is_some());
            page.pager = Pager::new("/", &[], true, next.map(str::to_owned));
            page.is_everything = !asked.is_anything() && asked.standing == Standing::There;
            page.render().expect("a page")
        };
        let html = said(&nothing(), None);
        assert!(html.contains("No agent is connected, and none runs.") && html.contains("dagster.yaml"), "{html}");
        let html = said(&Narrow { text: "web".to_owned(), ..nothing() }, None);
        assert!(html.contains("connected or runs fits.") && html.contains("Show those that are there."), "{html}");
        let html = said(&Narrow { kind: Some(Protocol::Dagster), standing: Standing::Any, ..nothing() }, None);
        assert!(html.contains("No agent fits."), "{html}");
        let html = said(&Narrow { standing: Standing::Gone, ..nothing() }, Some("1"));
        assert!(html.contains("that were looked at fits.") && html.contains(r#"rel="next""#), "{html}");
    }

    #[test]
    fn a_page_of_agents_is_small() {
        for text in HEAVY {
            let mut page = page("");
            page.rows = vec![row(&text.repeat(1_000)); ROWS as usize];
            let id = "00000000-0000-7000-8000-000000000000";
            page.deployments = vec![Choice::new(id, "d".repeat(100), false); MOST + 1];
            let size = page.render().expect("a page").len();
            // The tokens above the agents, and what stands around each page.
            assert!(size < 80_000, "{size} bytes of {text}");
        }
    }
}
