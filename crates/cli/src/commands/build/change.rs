//! `countersign build cancel` and `rebuild`.

use clap::Args;
use serde_json::{Value, json};

use super::{create::made, name::BuildName};
use crate::{
    Ambient,
    api::{
        Api, build_documents as documents,
        shapes::{self, text},
    },
    failure::{Exit, Outcome},
    flags::{ServerArgs, variables},
    output::Printer,
};

/// Cancel a build: jobs that wait end at once, jobs that run are ended by their agents
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign build cancel web/12")]
pub(super) struct Cancel {
    /// The build: its uuid, or its pipeline and number as web/12
    build: BuildName,
    #[command(flatten)]
    server: ServerArgs,
}

/// Create a build from what another was made from: its steps, branch, commit, message and variables
///
/// With --wait as `build create`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign build rebuild web/12 --wait")]
pub(super) struct Rebuild {
    /// The build: its uuid, or its pipeline and number as web/12
    build: BuildName,
    /// Follow the log and wait until the build has ended
    #[arg(long, env = variables::WAIT)]
    wait: bool,
    #[command(flatten)]
    server: ServerArgs,
}

impl Cancel {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let input = json!({ "id": self.build.global(&api).await? });
        let mut answer: Value = api.call(documents::CANCEL, json!({ "input": input })).await?;
        let build = shapes::there(Some(answer["buildCancel"]["build"].take()), "build")?;
        printer.result(&build, || format!("Build {} is {}.", build["number"], text(&build, "state").to_lowercase()))?;
        Ok(Exit::Done)
    }
}

impl Rebuild {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let input = json!({ "id": self.build.global(&api).await? });
        let mut answer: Value = api.call(documents::REBUILD, json!({ "input": input })).await?;
        let build = shapes::there(Some(answer["buildRebuild"]["rebuild"].take()), "build")?;
        made(&api, &build, self.wait, ambient, printer).await
    }
}
