//! `countersign dagster`: the Dagster+ agents of the organization, the code that they load, and what they run.

mod definition;
mod location;
mod run;

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Ambient,
    api::{
        Api, documents,
        shapes::{self, text},
    },
    failure::{Exit, Failure, Outcome},
    flags::{ServerArgs, variables},
    output::{Printer, Table, harmless, local_time},
};

/// See Dagster+ agents, which run, what they serve and what went wrong, say which code they load, and run its jobs
#[derive(Debug, Args)]
pub struct Dagster {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Dagster+ agents
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Code locations: what Dagster+ agents load for a deployment
    #[command(subcommand)]
    Location(Box<location::LocationCommand>),
    /// Runs of code locations' jobs
    #[command(subcommand)]
    Run(run::RunCommand),
}

#[derive(Debug, Subcommand)]
enum AgentCommand {
    /// List Dagster+ agents, the newest first: each process is one
    #[command(after_help = "Example:\n  countersign dagster agent list --running")]
    List {
        /// Only those that were heard within five minutes
        #[arg(long, env = variables::RUNNING)]
        running: bool,
        /// The most that are listed
        #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500), env = variables::LIMIT)]
        limit: u32,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show a Dagster+ agent: its deployments, code servers and watched runs, and its own errors
    #[command(after_help = "Example:\n  countersign dagster agent show north")]
    Show {
        /// The agent's label, or its id as Dagster shows it; of several with one label the newest
        agent: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Organization {
    dagster_agents: shapes::Connection<Value>,
}

impl Dagster {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let command = match self.command {
            Command::Agent(command) => command,
            Command::Location(command) => {
                command.run(ambient, printer).await?;
                return Ok(Exit::Done);
            }
            Command::Run(command) => return command.run(ambient, printer).await,
        };
        match command {
            AgentCommand::List { running, limit, server } => {
                let api = Api::for_user(&server, &ambient.environment)?;
                let page = page(&api, documents::DAGSTER_AGENT_LIST, running, limit, None).await?;
                let has_more = page.has_more();
                let agents = page.into_nodes();
                printer.result(&agents, || table(&agents))?;
                if has_more {
                    printer.say(format_args!("There are more than these {}; see more with --limit.", agents.len()));
                }
            }
            AgentCommand::Show { agent, server } => {
                let api = Api::for_user(&server, &ambient.environment)?;
                let found = find(&api, &agent).await?;
                printer.result(&found, || page_of(&found))?;
            }
        }
        Ok(Exit::Done)
    }
}

async fn page(
    api: &Api,
    document: &str,
    running: bool,
    first: u32,
    after: Option<String>,
) -> Outcome<shapes::Connection<Value>> {
    let variables = json!({ "running": running, "first": first, "after": after });
    let answer: shapes::Viewer<Organization> = api.call(document, variables).await?;
    Ok(answer.into_organization()?.dagster_agents)
}

/// How many agents are looked at in one call for one that is to be shown: each comes with all that is known of it.
const LOOKED_AT: u32 = 20;

/// The newest agent with this label or id.
async fn find(api: &Api, wanted: &str) -> Outcome<Value> {
    let mut after = None;
    loop {
        let page = page(api, documents::DAGSTER_AGENT_SHOW, false, LOOKED_AT, after).await?;
        after = page.next();
        let is_wanted = |it: &Value| ["label", "process", "uuid"].iter().any(|field| text(it, field) == wanted);
        if let Some(found) = page.into_nodes().into_iter().find(is_wanted) {
            return Ok(found);
        }
        if after.is_none() {
            let why = format!("no Dagster+ agent {wanted} found; see countersign dagster agent list");
            return Err(Failure::new(Exit::NotFound, why));
        }
    }
}

/// Whether an agent runs, for people.
fn status(agent: &Value) -> &'static str {
    match (agent["agentTokenRevokedAt"].is_null(), text(agent, "status")) {
        (false, _) => "token revoked",
        (true, "RUNNING") => "running",
        (true, _) => "not running",
    }
}

fn table(agents: &[Value]) -> String {
    let mut table = Table::new(&["label", "id", "status", "version", "last heard", "deployments", "errors"]);
    for agent in agents {
        let names: Vec<&str> =
            agent["deployments"].as_array().into_iter().flatten().map(|it| text(&it["deployment"], "name")).collect();
        table.row([
            text(agent, "label").to_owned(),
            text(agent, "process").to_owned(),
            status(agent).to_owned(),
            text(agent, "version").to_owned(),
            local_time(agent["lastHeartbeatAt"].as_str()),
            names.join(", "),
            agent["errorCount"].to_string(),
        ]);
    }
    table.render()
}

/// Everything about an agent.
fn page_of(agent: &Value) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            writeln!(out, "{name:<12} {}", harmless(value)).unwrap_or_default();
        }
    };
    line("label", text(agent, "label"));
    line("id", text(agent, "process"));
    line("status", status(agent));
    line("version", text(agent, "version"));
    line("launcher", text(agent, "launcher"));
    line("image", text(agent, "imageTag"));
    line("address", text(agent, "ipAddress"));
    line("token", text(agent, "agentTokenPublicId"));
    if let Some(at) = agent["agentTokenRevokedAt"].as_str() {
        line("revoked", &local_time(Some(at)));
    }
    line("first heard", &local_time(agent["createdAt"].as_str()));
    line("last heard", &local_time(agent["lastHeartbeatAt"].as_str()));
    for it in agent["deployments"].as_array().into_iter().flatten() {
        let mut queues: Vec<&str> = it["queues"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if it["servesDefaultQueue"] == true {
            queues.insert(0, "(default)");
        }
        line("deployment", &format!("{}: queues {}", text(&it["deployment"], "name"), queues.join(", ")));
        for server in it["codeServers"].as_array().into_iter().flatten() {
            let why = server["error"]["message"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
            line("  code", &format!("{} {}{why}", text(server, "locationName"), text(server, "status")));
        }
        for run in it["runWorkers"].as_array().into_iter().flatten() {
            line("  run", &format!("{} {} {}", text(run, "runId"), text(run, "status"), text(run, "message")));
        }
    }
    for error in agent["errors"].as_array().into_iter().flatten() {
        let what = format!("{} {} {}", local_time(error["at"].as_str()), text(error, "class"), text(error, "message"));
        line("error", &what);
    }
    out
}
