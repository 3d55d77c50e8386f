//! `countersign pipeline create`.

use std::path::PathBuf;

use clap::Args;
use countersign_domain::text::Slug;
use serde_json::{Value, json};

use super::details;
use crate::{
    Ambient,
    api::{Api, build_documents as documents, organization, shapes},
    commands::build::read_steps,
    failure::{Exit, Outcome},
    flags::ServerArgs,
    output::Printer,
};

/// Create a pipeline
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  countersign pipeline create \"Deploy web\" --slug web --repository https://git.example.com/web.git --steps examples/pipeline.yml"
)]
pub(super) struct Create {
    /// Its name for people
    name: String,
    /// Its name in addresses [default: made from its name]
    #[arg(long)]
    slug: Option<Slug>,
    /// Where its source is [default: nowhere; its jobs check nothing out]
    #[arg(long, value_name = "ADDRESS")]
    repository: Option<String>,
    /// The branch of builds that name none [default: main]
    #[arg(long, value_name = "NAME")]
    default_branch: Option<String>,
    /// The steps of builds that bring none: a file, YAML or JSON; - is standard input
    #[arg(long, value_name = "FILE")]
    steps: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

impl Create {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let steps = self.steps.as_deref().map(read_steps).transpose()?;
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let (organization, _) = organization(&api).await?;
        let mut input = json!({
            "organizationId": organization,
            "name": self.name,
            "slug": self.slug.as_ref().map(Slug::as_str),
            "repository": { "url": self.repository.unwrap_or_default() },
        });
        if let Some(branch) = self.default_branch {
            input["defaultBranch"] = json!(branch);
        }
        if let Some(steps) = steps {
            input["steps"] = json!({ "yaml": steps });
        }
        let mut answer: Value = api.call(documents::PIPELINE_CREATE, json!({ "input": input })).await?;
        let made = shapes::there(Some(answer["pipelineCreate"]["pipeline"].take()), "pipeline")?;
        printer.result(&made, || details(&made))?;
        Ok(Exit::Done)
    }
}
