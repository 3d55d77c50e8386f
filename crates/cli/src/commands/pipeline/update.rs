//! `countersign pipeline update`.

use std::path::PathBuf;

use clap::Args;
use countersign_domain::text::Slug;
use serde_json::{Value, json};

use super::{details, global_id};
use crate::{
    Ambient,
    api::{Api, build_documents as documents, shapes},
    commands::build::read_steps,
    failure::{Exit, Failure, Outcome},
    flags::ServerArgs,
    output::Printer,
};

/// Change a pipeline; builds that there are stay as they are
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign pipeline update web --steps examples/pipeline.yml")]
pub(super) struct Update {
    /// The pipeline's slug, which stays
    pipeline: Slug,
    /// Its name for people
    #[arg(long)]
    name: Option<String>,
    /// Where its source is; empty for nowhere
    #[arg(long, value_name = "ADDRESS")]
    repository: Option<String>,
    /// The branch of builds that name none
    #[arg(long, value_name = "NAME")]
    default_branch: Option<String>,
    /// The steps of builds that bring none: a file, YAML or JSON; - is standard input
    #[arg(long, value_name = "FILE")]
    steps: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

impl Update {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let steps = self.steps.as_deref().map(read_steps).transpose()?;
        let mut input = json!({});
        if let Some(name) = self.name {
            input["name"] = json!(name);
        }
        if let Some(address) = self.repository {
            input["repository"] = json!({ "url": address });
        }
        if let Some(branch) = self.default_branch {
            input["defaultBranch"] = json!(branch);
        }
        if let Some(steps) = steps {
            input["steps"] = json!({ "yaml": steps });
        }
        if input.as_object().is_some_and(serde_json::Map::is_empty) {
            let why = "nothing is to be changed; give --name, --repository, --default-branch or --steps";
            return Err(Failure::bad_input(why));
        }
        let api = Api::for_user(&self.server, &ambient.environment)?;
        input["id"] = json!(global_id(&api, &self.pipeline).await?);
        let mut answer: Value = api.call(documents::PIPELINE_UPDATE, json!({ "input": input })).await?;
        let changed = shapes::there(Some(answer["pipelineUpdate"]["pipeline"].take()), "pipeline")?;
        printer.result(&changed, || details(&changed))?;
        Ok(Exit::Done)
    }
}
