//! A Dagster+ agent's own page: what it is, what it serves, and what went wrong.

use askama::Template;
use countersign_control::Error;
use countersign_control::access::actions::{ViewAgentTokens, ViewAgents};
use countersign_control::dagster::{DagsterAgent, Serving, Trouble};
use countersign_domain::Timestamp;
use countersign_domain::id::DagsterAgentId;
use countersign_domain::text::QueueName;

use crate::failure::Failure;
use crate::frame::{self, Answer, Frame, Link};
use crate::parts::When;
use crate::settings::audit::Row as EventRow;
use crate::tokens::title;
use crate::visit::Visit;
use crate::weight;
use crate::words::{self, Names};

use super::history;
use super::row::{FAILED, dagster_state, name};

/// The most bytes that a list of the page takes. What there is no room for is counted.
const ROOM: usize = 20_000;
/// About what a row takes beside its texts.
const ROW: usize = 250;
/// The most bytes of a message, and of a stack trace.
const MESSAGE: usize = 1_000;
const TRACE: usize = 4_000;

#[derive(Template)]
#[template(path = "agent_dagster.html")]
struct Page {
    frame: Frame,
    facts: Facts,
    places: List<Place>,
    locations: List<Location>,
    errors: List<Fault>,
    events: Vec<EventRow>,
}

/// What is known of an agent.
#[derive(Debug, Clone)]
struct Facts {
    name: String,
    state: &'static str,
    state_class: &'static str,
    /// Its token; no words but the public id for whoever does not see tokens, and no way there.
    token: Link,
    leads_to_token: bool,
    launcher: String,
    version: String,
    image: String,
    ip: String,
    process: String,
    first_heard: When,
    heartbeat: When,
}

/// What there is room for.
#[derive(Debug, Clone)]
struct List<T> {
    shown: Vec<T>,
    /// How many there are beside.
    more: usize,
}

impl<T> List<T> {
    fn of(all: impl IntoIterator<Item = T>, texts: impl Fn(&T) -> usize) -> Self {
        let (mut left, mut list) = (ROOM, Self { shown: Vec::new(), more: 0 });
        for it in all {
            match left.checked_sub(texts(&it) + ROW) {
                Some(rest) if list.more == 0 => {
                    left = rest;
                    list.shown.push(it);
                }
                _ => list.more += 1,
            }
        }
        list
    }
}

/// A deployment that it serves.
#[derive(Debug, Clone)]
struct Place {
    deployment: String,
    queues: String,
    locations: usize,
    runs: usize,
}

/// A code location that it runs a code server for.
#[derive(Debug, Clone)]
struct Location {
    name: String,
    deployment: String,
    state: String,
    state_class: &'static str,
    /// Why it does not serve.
    error: Option<Fault>,
}

/// Something that went wrong.
#[derive(Debug, Clone)]
struct Fault {
    at: Option<When>,
    class: String,
    message: String,
    trace: String,
}

impl Fault {
    fn new(it: &Trouble) -> Self {
        Self {
            at: it.at.map(|micros| When::new(Timestamp::from_micros(micros))),
            class: it.class.clone().unwrap_or_default(),
            message: weight::cut(&it.message, MESSAGE),
            trace: weight::cut(&it.trace, TRACE),
        }
    }

    /// What went wrong, in one line.
    fn said(&self) -> String {
        if self.class.is_empty() { self.message.clone() } else { format!("{}: {}", self.class, self.message) }
    }

    fn weight(&self) -> usize {
        [&self.class, &self.message, &self.trace].into_iter().map(|text| weight::of(text)).sum()
    }
}

impl Place {
    fn new(it: &Serving, names: &Names) -> Self {
        let default = it.default_queue.then(|| QueueName::default().as_str().to_owned());
        let queues: Vec<String> = default.into_iter().chain(it.queues.iter().cloned()).collect();
        Self {
            deployment: names.get(&it.deployment).cloned().unwrap_or_default(),
            queues: if queues.is_empty() { "None".to_owned() } else { words::list(queues) },
            locations: it.code_servers.len(),
            runs: it.run_workers.len(),
        }
    }
}

/// What an agent says of a code server, for people, and the name of its colour.
fn server_state(status: &str) -> (String, &'static str) {
    match status {
        "STARTING" => ("Starting".to_owned(), "active"),
        "RUNNING" => ("Running".to_owned(), "good"),
        FAILED => ("Failed".to_owned(), "bad"),
        other => (other.to_owned(), "ended"),
    }
}

/// Code locations of all deployments, those that failed first.
fn locations(serving: &[Serving], names: &Names) -> List<Location> {
    let of = |it: &Serving| {
        let deployment = names.get(&it.deployment).cloned().unwrap_or_default();
        let one = |server: &countersign_control::dagster::CodeServer| {
            let (state, state_class) = server_state(&server.status);
            Location {
                name: server.location.clone(),
                deployment: deployment.clone(),
                state,
                state_class,
                error: server.error.as_ref().map(Fault::new),
            }
        };
        it.code_servers.iter().map(one).collect::<Vec<_>>()
    };
    let mut all: Vec<Location> = serving.iter().flat_map(of).collect();
    all.sort_by_key(|it| it.state_class != "bad");
    List::of(all, |it| {
        let names = [&it.name, &it.deployment, &it.state].into_iter().map(|text| weight::of(text)).sum::<usize>();
        names + it.error.as_ref().map_or(0, Fault::weight)
    })
}

async fn facts(visit: &Visit, it: &DagsterAgent) -> Result<Facts, Failure> {
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let (state, state_class) = dagster_state(it, visit.control().now());
    let mut called = it.token_public_id.to_string();
    let mut leads_to_token = false;
    if visit.can::<ViewAgentTokens>() {
        match visit.control().agent_token(&visit.may::<ViewAgentTokens>()?, it.token).await {
            Ok(token) => (called, leads_to_token) = (title(&token), true),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Facts {
        name: name(it),
        state,
        state_class,
        token: Link::new(called, visit.token_path(it.token, "")),
        leads_to_token,
        launcher: said(&it.launcher),
        version: said(&it.version),
        image: said(&it.image_tag),
        ip: it.ip.clone(),
        process: it.process.to_string(),
        first_heard: When::new(it.created_at),
        heartbeat: When::new(it.heartbeat_at),
    })
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Answer {
    let (control, grant) = (visit.control(), visit.may::<ViewAgents>()?);
    let id: DagsterAgentId = visit.param("dagster_agent").parse().map_err(|_| Error::NotFound("agent"))?;
    let agent = control.dagster_agent(&grant, id).await?;
    let serving = control.dagster_agent_serving(&grant, id).await?;
    let errors = control.dagster_agent_errors(&grant, id).await?;
    let names = words::names(&visit.deployments().await?);
    frame::show(&Page {
        frame: visit.frame(name(&agent)).crumb("Agents", visit.path("/agents")),
        facts: facts(&visit, &agent).await?,
        places: List::of(serving.iter().map(|it| Place::new(it, &names)), |it| {
            weight::of(&it.deployment) + weight::of(&it.queues)
        }),
        locations: locations(&serving, &names),
        errors: List::of(errors.iter().map(Fault::new), Fault::weight),
        events: history::events(&visit, id.cast()).await?,
    })
}

#[cfg(test)]
mod tests {
    use countersign_control::dagster::CodeServer;
    use countersign_domain::id::DeploymentId;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn trouble(text: &str) -> Trouble {
        Trouble { at: Some(0), class: Some(text.to_owned()), message: text.to_owned(), trace: text.to_owned() }
    }

    fn page(text: &str, serving: &[Serving], errors: &[Trouble]) -> String {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let some = || text.to_owned();
        let names = Names::from([(DeploymentId::nil(), some())]);
        let page = Page {
            frame: Frame::plain(some(), &seen),
            facts: Facts {
                name: some(),
                state: "Running",
                state_class: "good",
                token: Link::new(some(), "/x"),
                leads_to_token: true,
                launcher: some(),
                version: some(),
                image: some(),
                ip: some(),
                process: some(),
                first_heard: When::new(Timestamp::EPOCH),
                heartbeat: When::new(Timestamp::EPOCH),
            },
            places: List::of(serving.iter().map(|it| Place::new(it, &names)), |it| weight::of(&it.queues)),
            locations: locations(serving, &names),
            errors: List::of(errors.iter().map(Fault::new), Fault::weight),
            events: Vec::new(),
        };
        page.render().expect("a page")
    }

    fn serving(text: &str, count: usize) -> Serving {
        let server = |status: &str| CodeServer {
            location: text.to_owned(),
            status: status.to_owned(),
            error: Some(trouble(text)),
        };
        Serving {
            deployment: DeploymentId::nil(),
            default_queue: true,
            queues: vec![text.to_owned()],
            code_servers: vec![server("RUNNING"); count].into_iter().chain([server(FAILED)]).collect(),
            run_workers: Vec::new(),
        }
    }

    #[test]
    fn whatever_an_agent_says_of_itself_stays_text() {
        for text in TEXTS {
            assert_inert(&page(text, &[serving(text, 1)], &[trouble(text)]), text);
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_counted_and_what_failed_stands_first() {
        let long = "<".repeat(8_000);
        let html = page("web", &[serving("etl", 2_000)], &vec![trouble(&long); 25]);
        assert!(html.len() < 80_000, "{} bytes", html.len());
        let (failed, running) = (html.find("Failed"), html.find(">Running</span></td>"));
        assert!(failed < running && failed.is_some(), "{failed:?} {running:?}");
        assert!(html.contains("more are in the API"), "{html}");
        let few = page("web", &[serving("etl", 1)], &[trouble("lost")]);
        assert!(!few.contains("more are in the API") && few.contains("lost"), "{few}");
    }
}
