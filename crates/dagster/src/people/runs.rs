//! Runs, as people's commands launch them and look at them.

use std::collections::BTreeMap;

use async_graphql::resolver_utils::EnumType;
use async_graphql::{Enum, InputObject, SimpleObject};
use countersign_control::access::actions::{LaunchDagsterRun, ViewDagsterRuns};
use countersign_control::dagster_runs::{DagsterRun, NewRun};
use countersign_control::{Error, Result};
use countersign_domain::dagster::RunStatus as Status;
use serde_json::Value;

use crate::call::Call;

use super::deployments;
use super::locations::GenericScalar;
use super::problem::results;

results! {
    /// A run that was launched, or why none was.
    LaunchRunResult of LaunchRunSuccess;
    /// A run, or why it is not shown.
    RunOrError of Run or RunNotFoundError;
}

/// What is to be launched.
#[derive(InputObject)]
pub(crate) struct ExecutionParams {
    selector: JobOrPipelineSelector,
    run_config_data: Option<GenericScalar>,
    execution_metadata: Option<ExecutionMetadata>,
}

/// The job.
#[derive(InputObject)]
pub(crate) struct JobOrPipelineSelector {
    repository_location_name: String,
    repository_name: Option<String>,
    job_name: Option<String>,
    pipeline_name: Option<String>,
    asset_selection: Option<Vec<AssetKeyInput>>,
    solid_selection: Option<Vec<String>>,
}

/// An asset.
#[derive(InputObject)]
pub(crate) struct AssetKeyInput {
    path: Vec<String>,
}

/// What is said of the run.
#[derive(InputObject)]
pub(crate) struct ExecutionMetadata {
    tags: Option<Vec<ExecutionTag>>,
}

/// A tag.
#[derive(InputObject)]
pub(crate) struct ExecutionTag {
    key: String,
    value: String,
}

/// A run that was launched.
#[derive(SimpleObject)]
pub(crate) struct LaunchRunSuccess {
    /// The run.
    run: Run,
}

/// A run.
#[derive(SimpleObject)]
pub(crate) struct Run {
    /// Its id.
    id: String,
    /// The same.
    run_id: String,
    /// The job.
    job_name: String,
    /// Where it stands.
    status: RunStatus,
    /// What is said of it.
    tags: Vec<PipelineTag>,
    /// What it is configured with; JSON is YAML.
    run_config_yaml: String,
}

/// A tag of a run.
#[derive(SimpleObject)]
pub(crate) struct PipelineTag {
    /// Its key.
    key: String,
    /// Its value.
    value: String,
}

/// Where a run stands, in the words that Dagster's programs know: one that is lost has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RunStatus {
    /// No agent has taken it.
    NotStarted,
    /// An agent was given it.
    Starting,
    /// Its worker runs.
    Started,
    /// Its worker was told to stop.
    Canceling,
    /// All of it was done.
    Success,
    /// Something of it was not, or nothing more is heard of it.
    Failure,
    /// It was stopped.
    Canceled,
}

impl From<Status> for RunStatus {
    fn from(it: Status) -> Self {
        // All words of Dagster's own are here.
        let found = Self::items().iter().find(|item| item.name == it.of_dagster());
        found.map_or(Self::Failure, |item| item.value)
    }
}

impl From<DagsterRun> for Run {
    fn from(it: DagsterRun) -> Self {
        let tags = it.tags.into_iter().map(|(key, value)| PipelineTag { key, value }).collect();
        Self {
            id: it.id.to_string(),
            run_id: it.id.to_string(),
            job_name: it.job,
            status: it.status.into(),
            tags,
            run_config_yaml: it.config,
        }
    }
}

/// Launches a run in the deployment that the call is about.
pub(crate) async fn launch(call: &Call, asked: ExecutionParams) -> Result<LaunchRunSuccess> {
    // Whoever may not is told so before what is wrong with the input.
    let grant = call.control.grant_own::<LaunchDagsterRun>(&call.caller)?;
    let ExecutionParams { selector, run_config_data, execution_metadata } = asked;
    for (name, is_set) in [
        ("assetSelection", selector.asset_selection.is_some_and(|it| !it.is_empty())),
        ("solidSelection", selector.solid_selection.is_some_and(|it| !it.is_empty())),
    ] {
        if is_set {
            return Err(Error::invalid(name, "is not offered by this server: a job is launched as a whole"));
        }
    }
    let job = selector.job_name.or(selector.pipeline_name).ok_or_else(|| Error::invalid("jobName", "is missing"))?;
    let config = match run_config_data.map(|it| it.0) {
        None | Some(Value::Null) => Value::Object(serde_json::Map::new()),
        // Their web pages send JSON as text.
        Some(Value::String(text)) => {
            serde_json::from_str(&text).map_err(|_| Error::invalid("runConfigData", "must be JSON"))?
        }
        Some(value) => value,
    };
    let tags = execution_metadata.and_then(|it| it.tags).unwrap_or_default();
    let tags: BTreeMap<_, _> = tags.into_iter().map(|it| (it.key, it.value)).collect();
    let deployment = deployments::current(call).await?.id();
    let new = NewRun {
        deployment,
        location: selector.repository_location_name,
        repository: selector.repository_name,
        job,
        config,
        tags,
        key: call.key.clone(),
    };
    Ok(LaunchRunSuccess { run: call.control.launch_run(&grant, new).await?.run.into() })
}

/// One of the organization's runs.
pub(crate) async fn find(call: &Call, id: &str) -> Result<Run> {
    let grant = call.control.grant_own::<ViewDagsterRuns>(&call.caller)?;
    let id = id.parse().map_err(|_| Error::NotFound("run"))?;
    Ok(call.control.dagster_run(&grant, id).await?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_the_word_that_agents_read() {
        for status in Status::ALL {
            let shown = RunStatus::from(status);
            let name = RunStatus::items().iter().find(|item| item.value == shown).map(|item| item.name);
            assert_eq!(name, Some(status.of_dagster()), "{status}");
        }
    }
}
