//! `countersign pipeline show`.

use clap::Args;
use countersign_domain::text::Slug;
use serde_json::Value;

use super::{details, find};
use crate::{
    Ambient,
    api::{Api, build_documents as documents, shapes::text},
    commands::build::table,
    failure::{Exit, Outcome},
    flags::ServerArgs,
    output::{Printer, harmless},
};

/// Show a pipeline: its steps and its newest builds
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign pipeline show web")]
pub(super) struct Show {
    /// The pipeline's slug
    pipeline: Slug,
    #[command(flatten)]
    server: ServerArgs,
}

impl Show {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let pipeline = find(&api, &self.pipeline, documents::PIPELINE_SHOW).await?;
        printer.result(&pipeline, || {
            let edges = pipeline["builds"]["edges"].as_array().into_iter().flatten();
            let builds: Vec<Value> = edges.map(|edge| edge["node"].clone()).collect();
            let builds = if builds.is_empty() { String::new() } else { format!("\n{}", table(&builds)) };
            let steps = match text(&pipeline["steps"], "yaml") {
                "" => "\nIt has no steps of its own: each build brings its own.\n".to_owned(),
                steps => format!("\n{}\n", harmless(steps).trim_end()),
            };
            format!("{}{steps}{builds}", details(&pipeline))
        })?;
        Ok(Exit::Done)
    }
}
