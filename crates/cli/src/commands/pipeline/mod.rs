//! `countersign pipeline`: pipelines with steps of their own, and steps that a job adds to its build.

mod create;
mod list;
mod show;
mod update;
mod upload;

use clap::{Args, Subcommand};
use countersign_domain::text::Slug;
use serde_json::{Value, json};

use crate::{
    Ambient,
    api::{Api, build_documents as documents, organization, shapes::text},
    failure::{Exit, Failure, Outcome},
    output::{Printer, harmless, local_time},
};

/// Create, see and change pipelines; from inside a job, add steps to its build
#[derive(Debug, Args)]
pub struct PipelineCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(create::Create),
    List(list::List),
    Show(show::Show),
    Update(update::Update),
    Upload(upload::Upload),
}

impl PipelineCommand {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Create(it) => it.run(ambient, printer).await,
            Command::List(it) => it.run(ambient, printer).await,
            Command::Show(it) => it.run(ambient, printer).await,
            Command::Update(it) => it.run(ambient, printer).await,
            Command::Upload(it) => it.run(ambient, printer).await,
        }
    }
}

/// A pipeline, asked for by its slug.
async fn find(api: &Api, slug: &Slug, document: &str) -> Outcome<Value> {
    let (_, organization) = organization(api).await?;
    let mut answer: Value = api.call(document, json!({ "slug": format!("{organization}/{}", slug.as_str()) })).await?;
    let found = answer["pipeline"].take();
    if found.is_null() {
        let why = format!("no pipeline {} found; see countersign pipeline list", slug.as_str());
        return Err(Failure::new(Exit::NotFound, why));
    }
    Ok(found)
}

/// The id of a pipeline, as the API has it.
async fn global_id(api: &Api, slug: &Slug) -> Outcome<String> {
    Ok(text(&find(api, slug, documents::PIPELINE_ID).await?, "id").to_owned())
}

/// What there is to say of a pipeline.
fn details(pipeline: &Value) -> String {
    let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { harmless(text) };
    format!(
        "pipeline {}: {}\nuuid        {}\nrepository  {}\nbranch      {}\ncreated     {}\n",
        text(pipeline, "slug"),
        harmless(text(pipeline, "name")),
        text(pipeline, "uuid"),
        or_none(text(&pipeline["repository"], "url")),
        or_none(text(pipeline, "defaultBranch")),
        local_time(pipeline["createdAt"].as_str()),
    )
}
