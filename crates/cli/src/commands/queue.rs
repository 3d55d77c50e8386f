//! `countersign queue`: what waits in each queue, and keeping a queue's jobs back.

use clap::{Args, Subcommand};
use countersign_domain::text::{DeploymentName, QueueName};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Ambient,
    api::{
        Api, build_documents as documents,
        shapes::{self, text},
    },
    failure::{Exit, Failure, Outcome},
    flags::{ServerArgs, variables},
    output::{Printer, Table, harmless, local_time},
};

/// See queues, keep their jobs back, and let them go again
#[derive(Debug, Args)]
pub struct Queue {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List queues: who works there, what runs and what waits. A queue is there from its first job on
    #[command(after_help = "Example:\n  countersign queue list")]
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Keep a queue's jobs back: its agents are given nothing more, and what they have goes on
    #[command(after_help = "Example:\n  countersign queue pause linux --note \"New disks until noon\"")]
    Pause {
        #[command(flatten)]
        named: Named,
        /// Why, in a line
        #[arg(long, env = variables::NOTE)]
        note: Option<String>,
    },
    /// Let a queue's jobs go again
    #[command(after_help = "Example:\n  countersign queue resume linux")]
    Resume(Named),
}

#[derive(Debug, Args)]
struct Named {
    /// The queue
    queue: QueueName,
    /// The deployment that it is in, by name; needed where several have such a queue
    #[arg(long, value_name = "NAME", env = variables::DEPLOYMENT)]
    deployment: Option<DeploymentName>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
struct Listed {
    queues: shapes::Connection<Value>,
}

impl Queue {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::List { server } => {
                let queues = all(&Api::for_user(&server, &ambient.environment)?).await?;
                printer.result(&queues, || table(&queues))?;
            }
            Command::Pause { named, note } => {
                let api = Api::for_user(&named.server, &ambient.environment)?;
                let input = json!({ "id": named.find(&api).await?, "note": note });
                let mut answer: Value = api.call(documents::QUEUE_PAUSE, json!({ "input": input })).await?;
                let queue = shapes::there(Some(answer["clusterQueuePauseDispatch"]["queue"].take()), "queue")?;
                printer.result(&queue, || format!("Queue {} is paused.", text(&queue, "key")))?;
            }
            Command::Resume(named) => {
                let api = Api::for_user(&named.server, &ambient.environment)?;
                let input = json!({ "id": named.find(&api).await? });
                let mut answer: Value = api.call(documents::QUEUE_RESUME, json!({ "input": input })).await?;
                let queue = shapes::there(Some(answer["clusterQueueResumeDispatch"]["queue"].take()), "queue")?;
                printer.result(&queue, || format!("Queue {} goes on.", text(&queue, "key")))?;
            }
        }
        Ok(Exit::Done)
    }
}

impl Named {
    /// The queue's id, as the API has it.
    async fn find(&self, api: &Api) -> Outcome<String> {
        let name = self.queue.as_str();
        let mut found = all(api).await?;
        found.retain(|queue| {
            let deployment = text(&queue["deployment"], "name");
            text(queue, "key") == name && self.deployment.as_ref().is_none_or(|wanted| wanted.as_str() == deployment)
        });
        match found.as_slice() {
            [queue] => Ok(text(queue, "id").to_owned()),
            [] => {
                let why = format!(
                    "no queue {name} found; a queue is there from its first job on: see countersign queue list"
                );
                Err(Failure::new(Exit::NotFound, why))
            }
            several => {
                let names: Vec<String> = several.iter().map(|it| harmless(text(&it["deployment"], "name"))).collect();
                let why = format!("there is a queue {name} in {}; say which with --deployment", names.join(", "));
                Err(Failure::bad_input(why))
            }
        }
    }
}

/// Every queue, by deployment and name.
async fn all(api: &Api) -> Outcome<Vec<Value>> {
    let mut queues: Vec<Value> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let answer: shapes::Viewer<Listed> = api.call(documents::QUEUE_LIST, json!({ "after": after })).await?;
        let page = answer.into_organization()?.queues;
        after = page.next();
        queues.extend(page.into_nodes());
        if after.is_none() {
            break;
        }
    }
    queues.sort_by(|a, b| {
        let key = |it: &Value| (text(&it["deployment"], "name").to_owned(), text(it, "key").to_owned());
        key(a).cmp(&key(b))
    });
    Ok(queues)
}

fn table(queues: &[Value]) -> String {
    let mut table = Table::new(&["deployment", "queue", "agents", "running", "waiting", "paused", "note"]);
    for queue in queues {
        let metrics = &queue["metrics"];
        let paused = if queue["dispatchPaused"] == true {
            local_time(queue["dispatchPausedAt"].as_str())
        } else {
            "-".to_owned()
        };
        table.row([
            text(&queue["deployment"], "name").to_owned(),
            text(queue, "key").to_owned(),
            metrics["connectedAgentsCount"].to_string(),
            metrics["runningJobsCount"].to_string(),
            metrics["waitingJobsCount"].to_string(),
            paused,
            text(queue, "dispatchPausedNote").to_owned(),
        ]);
    }
    table.render()
}
