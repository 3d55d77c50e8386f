//! `countersign pipeline list`.

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Ambient,
    api::{
        Api, build_documents as documents,
        shapes::{self, text},
    },
    failure::{Exit, Outcome},
    flags::{ServerArgs, variables},
    output::{Printer, Table, local_time},
};

/// List pipelines, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign pipeline list --search web")]
pub(super) struct List {
    /// Only pipelines whose names hold this text, in any case of letters
    #[arg(long, value_name = "TEXT", env = variables::SEARCH)]
    search: Option<String>,
    /// The most that are listed
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500), env = variables::LIMIT)]
    limit: u32,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
struct Listed {
    pipelines: shapes::Connection<Value>,
}

impl List {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let answer: shapes::Viewer<Listed> =
            api.call(documents::PIPELINE_LIST, json!({ "first": self.limit, "search": self.search })).await?;
        let pipelines = answer.into_organization()?.pipelines;
        let has_more = pipelines.has_more();
        let pipelines = pipelines.into_nodes();
        printer.result(&pipelines, || {
            let mut table = Table::new(&["pipeline", "name", "branch", "repository", "created"]);
            for it in &pipelines {
                table.row([
                    text(it, "slug").to_owned(),
                    text(it, "name").to_owned(),
                    text(it, "defaultBranch").to_owned(),
                    text(&it["repository"], "url").to_owned(),
                    local_time(it["createdAt"].as_str()),
                ]);
            }
            table.render()
        })?;
        if has_more {
            printer.say(format_args!("There are more than these {}; see more with --limit.", pipelines.len()));
        }
        Ok(Exit::Done)
    }
}
