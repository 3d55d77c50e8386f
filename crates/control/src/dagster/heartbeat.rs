//! What an agent says of itself, every half minute.

use countersign_domain::dagster::RUNNING_FOR;
use countersign_domain::id::{DagsterAgentId, DagsterProcessId, DeploymentId};
use countersign_domain::text::{QueueName, hidden};
use countersign_store::dagster_agents::{self, CodeServer, Heard, RunWorker, Serving, Trouble};
use countersign_store::deployments::Deployment;
use countersign_store::tokens::scopes;
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::DagsterHeartbeat;
use crate::agents::register;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, dagster_runs, input};

use super::reach::{self, Reached, Wanted};

/// The most characters of a label, a version, a code location, a queue and other names that are kept; the rest is cut off.
pub const MAX_NAME: usize = 255;
/// The most of an agent's own errors that are kept, newest first; it sends no more.
pub const MAX_ERRORS: usize = 25;
/// The most bytes that are kept of a message, and of a stack trace.
pub const MAX_TEXT: usize = 8 * 1024;
/// The most bytes that are kept of one heartbeat: of all its texts together, names too.
pub const MAX_TEXTS: usize = 64 * 1024;
/// The most code servers of one heartbeat.
pub const MAX_CODE_SERVERS: usize = 1_000;
/// The most watched runs of one heartbeat.
pub const MAX_RUN_WORKERS: usize = 5_000;

/// What an agent calls a worker that ended otherwise than it should.
const FAILED: &str = "FAILED";

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
            label: room.name(new.label),
            launcher: room.name(new.launcher),
            version: room.name(new.version),
            image_tag: room.name(new.image_tag),
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
    let scope = scopes::find(tx, scene.organization, heard.token).await?.ok_or_else(Error::unknown)?;
    let reached = reach::within(tx, scene.organization, &scope, wanted).await?;
    if reached.served.is_empty() {
        return Ok(reached);
    }
    if !dagster_agents::knows(tx, heard.token, heard.process).await? {
        // Of several that come at once on PostgreSQL each may count without the others: the limit is against thousands.
        let since = tx.now().minus(RUNNING_FOR);
        let is_full = dagster_agents::count_of_token(tx, heard.token).await? >= i64::from(*most);
        if is_full && !dagster_agents::remove_silent_of_token(tx, heard.token, since).await? {
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
    let serving = |deployment: &Deployment| {
        // The last word counts of one that is named twice.
        let task = tasks.iter().rev().find(|task| task.deployment == deployment.name)?;
        Some(Serving {
            deployment: deployment.id,
            // It is not shown to serve what it is given nothing of.
            default_queue: task.default_queue && scope.allows_queue(&QueueName::default()),
            queues: task.queues.iter().filter(|queue| scope.allows_queue_named(queue)).cloned().collect(),
            code_servers: task.code_servers.clone(),
            run_workers: task.run_workers.clone(),
        })
    };
    let serving: Vec<Serving> = reached.served.iter().filter_map(serving).collect();
    dagster_agents::hear(tx, heard, &serving).await?;
    let failed = |it: &&RunWorker| it.status == FAILED;
    let mut workers: Vec<(DeploymentId, &RunWorker)> = Vec::new();
    for served in &serving {
        workers.extend(served.run_workers.iter().filter(failed).map(|it| (served.deployment, it)));
    }
    // In the order in which runs are locked.
    workers.sort_by(|(_, one), (_, other)| one.run.cmp(&other.run));
    for (deployment, worker) in workers {
        dagster_runs::worker_failed(tx, scene, heard, deployment, worker).await?;
    }
    Ok(reached)
}

/// A name as it is kept: what cannot be seen is left out.
fn name(text: Option<String>) -> Option<String> {
    text.map(|text| one_line(&text)).filter(|text| !text.is_empty())
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| hidden(*c).is_none()).take(MAX_NAME).collect()
}

/// How many bytes may still be kept. Whatever an agent sends is charged, so that a row has an end however it is filled.
struct Room(usize);

impl Room {
    /// A text of several lines. Characters that move a cursor are left out; they would also be kept as six bytes each.
    fn text(&mut self, text: &str) -> String {
        let most = MAX_TEXT.min(self.0);
        let mut kept = String::new();
        for c in text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()) {
            if kept.len() + c.len_utf8() > most {
                break;
            }
            kept.push(c);
        }
        self.0 -= kept.len();
        kept
    }

    /// A name; none when there is no room for it.
    fn line(&mut self, text: &str) -> Option<String> {
        let kept = one_line(text);
        self.0 = self.0.checked_sub(kept.len())?;
        Some(kept)
    }

    fn name(&mut self, text: Option<String>) -> Option<String> {
        name(text).and_then(|text| self.line(&text))
    }

    /// An entry of a list takes room even when nothing stands in it.
    fn entry(&mut self) -> Option<()> {
        /// About what an entry without texts is kept as.
        const ENTRY: usize = 64;
        self.0 = self.0.checked_sub(ENTRY)?;
        Some(())
    }

    fn trouble(&mut self, it: Trouble) -> Trouble {
        let Trouble { at, class, message, trace } = it;
        Trouble { at, class: self.name(class), message: self.text(&message), trace: self.text(&trace) }
    }

    /// Entries for which there is no room are left out.
    fn task(&mut self, it: Task) -> Task {
        let mut kept = Task { deployment: it.deployment, default_queue: it.default_queue, ..Task::default() };
        for queue in it.queues {
            kept.queues.extend(self.line(&queue));
        }
        for server in it.code_servers {
            let one = |room: &mut Self| {
                room.entry()?;
                let (location, status) = (room.line(&server.location)?, room.line(&server.status)?);
                Some(CodeServer { location, status, error: server.error.map(|error| room.trouble(error)) })
            };
            kept.code_servers.extend(one(self));
        }
        for worker in it.run_workers {
            let one = |room: &mut Self| {
                room.entry()?;
                let (run, status) = (room.line(&worker.run)?, room.line(&worker.status)?);
                Some(RunWorker { run, status, message: worker.message.map(|message| room.text(&message)) })
            };
            kept.run_workers.extend(one(self));
        }
        kept
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

    #[test]
    fn whatever_is_sent_takes_room() {
        let server = |_| CodeServer { location: "ä".repeat(MAX_NAME), status: "RUNNING".to_owned(), error: None };
        let worker = |_| RunWorker { run: String::new(), status: String::new(), message: Some("\0".repeat(MAX_TEXT)) };
        let task = Task {
            queues: vec!["q".repeat(MAX_NAME); reach::MAX_QUEUES],
            code_servers: (0..MAX_CODE_SERVERS).map(server).collect(),
            run_workers: (0..MAX_RUN_WORKERS).map(worker).collect(),
            ..Task::default()
        };
        let kept = Room(MAX_TEXTS).task(task);
        assert_eq!(kept.queues.len(), reach::MAX_QUEUES);
        let written = serde_json::to_string(&(&kept.code_servers, &kept.run_workers)).expect("JSON");
        assert!(!kept.code_servers.is_empty() && written.len() < MAX_TEXTS * 3 / 2, "{}", written.len());
        assert_eq!(Room(MAX_TEXTS).text("a\u{1b}[2J\n\tb"), "a[2J\n\tb");
    }
}
