//! What a build is made from, as inputs have it.

use async_graphql::{ID, InputObject, SimpleObject};
use countersign_control::builds::NewBuild;
use countersign_control::{Error, Result};
use countersign_domain::pipeline::Env;

use crate::types::build::Build;

/// A word that the jobs of a build share.
#[derive(InputObject)]
pub(crate) struct BuildMetaDataInput {
    /// Its key.
    key: String,
    /// Its value.
    value: String,
}

/// What is to be built, with the steps that the pipeline has.
#[derive(InputObject)]
pub(crate) struct BuildCreateInput {
    /// Its branch; null: the pipeline's default.
    branch: Option<String>,
    /// Comes back with the answer.
    pub client_mutation_id: Option<String>,
    /// Its commit; null: `HEAD`.
    commit: Option<String>,
    /// Its variables, as `NAME=value`; they win over the pipeline's.
    env: Option<Vec<String>>,
    /// What it is for, in words.
    message: Option<String>,
    /// Its first meta-data.
    meta_data: Option<Vec<BuildMetaDataInput>>,
    /// The pipeline's global id.
    #[graphql(name = "pipelineID")]
    pub pipeline_id: ID,
    /// The queue of steps that name none; null: `default`.
    queue: Option<String>,
    /// The name of the deployment that its jobs run in; null: the organization's default.
    deployment: Option<String>,
}

/// What is to be built, with steps of its own.
#[derive(InputObject)]
pub(crate) struct BuildCreateFromDefinitionInput {
    /// Its branch; null: the pipeline's default.
    branch: Option<String>,
    /// Comes back with the answer.
    pub client_mutation_id: Option<String>,
    /// Its commit; null: `HEAD`.
    commit: Option<String>,
    /// Its variables, as `NAME=value`; they win over the pipeline's.
    env: Option<Vec<String>>,
    /// Its first meta-data.
    meta_data: Option<Vec<BuildMetaDataInput>>,
    /// The organization's global id.
    #[graphql(name = "organizationID")]
    pub organization_id: ID,
    /// The pipeline's steps, as YAML or JSON.
    definition: String,
    /// The pipeline's slug; it is made by its first build.
    pipeline: String,
    /// The queue of steps that name none; null: `default`.
    queue: Option<String>,
    /// The name of the deployment that its jobs run in; null: the organization's default.
    deployment: Option<String>,
    /// What it is for, in words.
    message: Option<String>,
}

/// A build that was made.
#[derive(SimpleObject)]
pub(crate) struct BuildCreatePayload {
    /// The build.
    pub build: Option<Build>,
    /// As in the input.
    pub client_mutation_id: Option<String>,
}

/// A build that was made.
#[derive(SimpleObject)]
pub(crate) struct BuildCreateFromDefinitionPayload {
    /// The build.
    pub build: Build,
    /// As in the input.
    pub client_mutation_id: Option<String>,
}

impl BuildCreateInput {
    /// A build of the pipeline with this name in addresses.
    pub(super) fn into_new(self, pipeline: String) -> Result<NewBuild> {
        Ok(NewBuild {
            definition: String::new(),
            pipeline,
            queue: self.queue,
            deployment: self.deployment,
            message: self.message,
            branch: self.branch,
            commit: self.commit,
            env: variables(self.env)?,
            meta_data: pairs(self.meta_data),
        })
    }
}

impl BuildCreateFromDefinitionInput {
    pub(super) fn into_new(self) -> Result<NewBuild> {
        // An empty text would stand for the steps that the pipeline has; who brings a text along means that text.
        if self.definition.trim().is_empty() {
            return Err(Error::invalid("definition", "is empty; write a pipeline with at least one step"));
        }
        Ok(NewBuild {
            definition: self.definition,
            pipeline: self.pipeline,
            queue: self.queue,
            deployment: self.deployment,
            message: self.message,
            branch: self.branch,
            commit: self.commit,
            env: variables(self.env)?,
            meta_data: pairs(self.meta_data),
        })
    }
}

/// Reads `NAME=value`; of two with one name the later one holds. What is wrong is not repeated: it may be a secret.
fn variables(lines: Option<Vec<String>>) -> Result<Env> {
    let mut env = Env::new();
    for (at, line) in lines.unwrap_or_default().into_iter().enumerate() {
        let Some((name, value)) = line.split_once('=') else {
            return Err(Error::invalid("env", format!("has an entry {} without '='; write NAME=value", at + 1)));
        };
        env.insert(name.to_owned(), value.to_owned());
    }
    Ok(env)
}

fn pairs(entries: Option<Vec<BuildMetaDataInput>>) -> Vec<(String, String)> {
    entries.unwrap_or_default().into_iter().map(|it| (it.key, it.value)).collect()
}
