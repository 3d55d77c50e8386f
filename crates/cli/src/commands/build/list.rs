//! `countersign build list`.

use clap::Args;
use countersign_domain::{build::BuildState, text::Slug};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Ambient,
    api::{
        Api, build_documents as documents, organization,
        shapes::{self, text},
    },
    failure::{Exit, Failure, Outcome},
    flags::{ServerArgs, variables},
    output::{Printer, Table, local_time},
};

/// List builds, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign build list --pipeline web --state running,blocked --limit 10")]
pub(super) struct List {
    /// Only builds in these states, separated by commas: scheduled, running, blocked, failing, passed, failed, canceling, canceled,
    /// skipped, not_run
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = state, env = variables::STATE)]
    state: Vec<BuildState>,
    /// Only builds of this pipeline, by its slug
    #[arg(long, value_name = "SLUG", env = variables::PIPELINE)]
    pipeline: Option<Slug>,
    /// Only builds on this branch; may be given several times
    #[arg(long, value_name = "NAME", env = variables::BRANCH)]
    branch: Vec<String>,
    /// The most that are listed
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500), env = variables::LIMIT)]
    limit: u32,
    #[command(flatten)]
    server: ServerArgs,
}

fn state(text: &str) -> Result<BuildState, String> {
    text.parse().map_err(|_| {
        let known: Vec<&str> = BuildState::ALL.iter().map(|state| state.as_str()).collect();
        format!("is none of {}", known.join(", "))
    })
}

#[derive(Deserialize)]
struct Listed {
    builds: shapes::Connection<Value>,
}

impl List {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let states: Vec<String> = self.state.iter().map(|state| state.as_str().to_uppercase()).collect();
        let mut asked = json!({ "first": self.limit });
        if !states.is_empty() {
            asked["state"] = json!(states);
        }
        if !self.branch.is_empty() {
            asked["branch"] = json!(self.branch);
        }
        let listed: Listed = match &self.pipeline {
            None => {
                let answer: shapes::Viewer<Listed> = api.call(documents::LIST, asked).await?;
                answer.into_organization()?
            }
            Some(pipeline) => {
                let (_, organization) = organization(&api).await?;
                asked["slug"] = json!(format!("{organization}/{}", pipeline.as_str()));
                let mut answer: Value = api.call(documents::LIST_OF_PIPELINE, asked).await?;
                let found = answer["pipeline"].take();
                if found.is_null() {
                    let why = format!("no pipeline {} found; see countersign pipeline list", pipeline.as_str());
                    return Err(Failure::new(Exit::NotFound, why));
                }
                serde_json::from_value(found).map_err(Failure::internal)?
            }
        };
        let has_more = listed.builds.has_more();
        let builds = listed.builds.into_nodes();
        printer.result(&builds, || table(&builds))?;
        if has_more {
            printer.say(format_args!("There are more than these {}; see more with --limit.", builds.len()));
        }
        Ok(Exit::Done)
    }
}

/// Builds for people.
pub(in crate::commands) fn table(builds: &[Value]) -> String {
    /// The most characters of a message.
    const MESSAGE: usize = 50;
    let mut table = Table::new(&["build", "state", "branch", "commit", "created", "by", "message"]);
    for build in builds {
        let message = text(build, "message");
        let mut short: String = message.chars().take(MESSAGE).collect();
        if short.len() < message.len() {
            short.push('…');
        }
        table.row([
            format!("{}/{}", text(&build["pipeline"], "slug"), build["number"]),
            text(build, "state").to_lowercase(),
            text(build, "branch").to_owned(),
            text(build, "commit").chars().take(12).collect(),
            local_time(build["createdAt"].as_str()),
            text(&build["createdBy"], "email").to_owned(),
            short,
        ]);
    }
    table.render()
}
