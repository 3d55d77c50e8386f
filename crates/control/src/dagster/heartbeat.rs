//! What an agent says of itself, every half minute.

use countersign_domain::dagster::RUNNING_FOR;
use countersign_domain::id::{DagsterAgentId, DagsterProcessId};
use countersign_domain::text::hidden;
use countersign_store::dagster_agents::{self, CodeServer, Heard, RunWorker, Serving, Trouble};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::DagsterHeartbeat;
use crate::agents::register;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::reach::{self, Reached, Wanted};

/// The most characters of a label, a version, a code location, a queue and other names that are kept; the rest is cut off.
pub const MAX_NAME: usize = 255;
/// The most of an agent's own errors that are kept, newest first; it sends no more.
pub const MAX_ERRORS: usize = 25;
/// The most bytes that are kept of a message, and of a stack trace.
pub const MAX_TEXT: usize = 8 * 1024;
/// The most bytes that are kept of all such texts of one heartbeat.
pub const MAX_TEXTS: usize = 128 * 1024;
/// The most code servers of one heartbeat.
pub const MAX_CODE_SERVERS: usize = 1_000;
/// The most watched runs of one heartbeat.
pub const MAX_RUN_WORKERS: usize = 5_000;

/// What an agent says of itself.
#[derive(Debug, Clone, Default)]
pub struct Heartbeat {
    /// What its process calls itself: a UUID.
    pub process: String,
    /// What its operator calls it.
    pub label: Option<String>,
    /// How it starts code servers.
    pub launcher: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The image that it was started from.
    pub image_tag: Option<String>,
    /// Its own errors, newest first: all of them, each time.
    pub errors: Vec<Trouble>,
    /// What it does for each deployment.
    pub tasks: Vec<Task>,
}

/// What an agent does for one deployment.
#[derive(Debug, Clone, Default)]
pub struct Task {
    /// The deployment's name.
    pub deployment: String,
    /// Whether it serves the queue without a name.
    pub default_queue: bool,
    /// The other queues that it serves.
    pub queues: Vec<String>,
    /// The code servers that it runs.
    pub code_servers: Vec<CodeServer>,
    /// The runs that it watches.
    pub run_workers: Vec<RunWorker>,
}

struct Input {
    fresh: DagsterAgentId,
    heard: Heard,
    wanted: Wanted,
    tasks: Vec<Task>,
    most: u32,
}

impl Control {
    /// Keeps what an agent says of itself, in the place of what it said before. What it says of deployments that its token does not reach is passed
    /// over; when that is all of it, nothing is kept. A process is known by its token and the id that it gives itself, so it can take no
    /// other token's place; two processes of one token that give themselves one id are one agent.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `agent_id`, or at what there is too much of. For an agent that is not known yet as [`Control::register_agent`]:
    /// with `rate` when too many came with its token in a short time, and [`Error::TooMany`] for a token that has
    /// [as many agents as it may have](crate::Settings::max_agents_per_token).
    pub async fn dagster_heartbeat(&self, grant: &Grant<DagsterHeartbeat>, new: Heartbeat) -> Result<Reached> {
        let token = grant.agent_token()?;
        let process: DagsterProcessId = input::field("agent_id", new.process.parse())?;
        let few_enough = |field, count: usize, most: usize| {
            let why = format!("are {count}; at most {most} are possible in one heartbeat");
            if count > most { Err(Error::invalid(field, why)) } else { Ok(()) }
        };
        few_enough("code_server_heartbeats", new.tasks.iter().map(|it| it.code_servers.len()).sum(), MAX_CODE_SERVERS)?;
        few_enough("run_worker_statuses", new.tasks.iter().map(|it| it.run_workers.len()).sum(), MAX_RUN_WORKERS)?;
        for task in &new.tasks {
            few_enough("additional_queues", task.queues.len(), reach::MAX_QUEUES)?;
        }
        let names = new.tasks.iter().map(|it| it.deployment.clone()).collect();
        let wanted = Wanted { deployments: names, ..Wanted::default() }.checked()?;

        let asked = (token.token, process, wanted.clone());
        let (reached, is_known) = self
            .read(grant, asked, |tx, scene| {
                Box::pin(async move {
                    let (token, process, wanted) = &scene.input;
                    let reached = reach::reach(tx, scene.organization, *token, wanted).await?;
                    Ok((reached, dagster_agents::knows(tx, *token, *process).await?))
                })
            })
            .await?;
        self.note_refused(token, &reached);
        if reached.served.is_empty() {
            return Ok(reached);
        }
        if !is_known {
            self.take_registration(token)?;
        }
        let mut room = Room(MAX_TEXTS);
        let heard = Heard {
            organization: grant.organization(),
            token: token.token,
            process,
            label: name(new.label),
            launcher: name(new.launcher),
            version: name(new.version),
            image_tag: name(new.image_tag),
            ip: token.origin.ip.to_string(),
            errors: new.errors.into_iter().take(MAX_ERRORS).map(|it| room.trouble(it)).collect(),
        };
        let tasks = new.tasks.into_iter().map(|it| room.task(it)).collect();
        let most = self.settings().max_agents_per_token;
        let input = Input { fresh: self.fresh_id(), heard, wanted, tasks, most };
        self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(hear(tx, scene))).await
    }
}

async fn hear(tx: &mut Tx, scene: &Scene<Input>) -> Result<Reached> {
    let Input { fresh, heard, wanted, tasks, most } = &scene.input;
    let reached = reach::reach(tx, scene.organization, heard.token, wanted).await?;
    if reached.served.is_empty() {
        return Ok(reached);
    }
    if !dagster_agents::knows(tx, heard.token, heard.process).await? {
        // Of several that come at once on PostgreSQL each may count without the others: the limit is against thousands.
        let since = tx.now().minus(RUNNING_FOR);
        if dagster_agents::count_heard_of_token(tx, heard.token, since).await? >= i64::from(*most) {
            return Err(register::no_room(*most));
        }
        if dagster_agents::insert(tx, *fresh, heard).await? {
            let name = heard.label.clone().unwrap_or_else(|| heard.process.to_string());
            let subject = Subject::new::<countersign_domain::id::of::DagsterAgent>("dagster_agent", *fresh, name);
            let detail = json!({
                "process": heard.process.to_string(),
                "version": heard.version,
                "deployments": reached.served.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
            });
            scene.audit(tx, "dagster_agent.registered", subject, detail).await?;
        }
    }
    let serving = |deployment: &countersign_store::organizations::Deployment| {
        // The last word counts of one that is named twice.
        let task = tasks.iter().rev().find(|task| task.deployment == deployment.name)?;
        Some(Serving {
            deployment: deployment.id,
            default_queue: task.default_queue,
            queues: task.queues.clone(),
            code_servers: task.code_servers.clone(),
            run_workers: task.run_workers.clone(),
        })
    };
    let serving: Vec<Serving> = reached.served.iter().filter_map(serving).collect();
    dagster_agents::hear(tx, heard, &serving).await?;
    Ok(reached)
}

/// A name as it is kept: what cannot be seen is left out.
fn name(text: Option<String>) -> Option<String> {
    text.map(|text| one_line(&text)).filter(|text| !text.is_empty())
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| hidden(*c).is_none()).take(MAX_NAME).collect()
}

/// How many bytes of texts may still be kept.
struct Room(usize);

impl Room {
    fn text(&mut self, mut text: String) -> String {
        let most = MAX_TEXT.min(self.0);
        if text.len() > most {
            let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
        }
        self.0 -= text.len();
        text
    }

    fn trouble(&mut self, it: Trouble) -> Trouble {
        let Trouble { at, class, message, trace } = it;
        Trouble { at, class: name(class), message: self.text(message), trace: self.text(trace) }
    }

    fn task(&mut self, it: Task) -> Task {
        let code_server = |it: CodeServer, room: &mut Self| CodeServer {
            location: one_line(&it.location),
            status: one_line(&it.status),
            error: it.error.map(|error| room.trouble(error)),
        };
        let run_worker = |it: RunWorker, room: &mut Self| RunWorker {
            run: one_line(&it.run),
            status: one_line(&it.status),
            message: it.message.map(|message| room.text(message)),
        };
        Task {
            queues: it.queues.iter().map(|queue| one_line(queue)).collect(),
            code_servers: it.code_servers.into_iter().map(|it| code_server(it, self)).collect(),
            run_workers: it.run_workers.into_iter().map(|it| run_worker(it, self)).collect(),
            ..it
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lines_and_have_an_end() {
        assert_eq!(name(Some("north\u{202E}\n1".to_owned())).as_deref(), Some("north1"));
        assert_eq!(name(Some("\0".to_owned())), None);
        assert_eq!(name(Some("ä".repeat(1_000))).map(|it| it.chars().count()), Some(MAX_NAME));
    }

    #[test]
    fn texts_are_cut_one_by_one_and_together() {
        let long = Trouble { message: "ä".repeat(MAX_TEXT), trace: "t".repeat(MAX_TEXT + 1), ..Trouble::default() };
        let mut room = Room(MAX_TEXTS);
        let kept: Vec<Trouble> = (0..MAX_ERRORS).map(|_| room.trouble(long.clone())).collect();
        assert_eq!((kept[0].message.len(), kept[0].trace.len()), (MAX_TEXT, MAX_TEXT));
        let all: usize = kept.iter().map(|it| it.message.len() + it.trace.len()).sum();
        assert!(all <= MAX_TEXTS && all > MAX_TEXTS - 4, "{all}");
        assert!(kept[MAX_ERRORS - 1].message.is_empty());
    }
}
