//! Launching and stopping runs of code locations' jobs.

use std::collections::BTreeMap;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::access::actions::LaunchDagsterRun;
use countersign_control::dagster_runs::{NewRun, Termination};
use countersign_control::{Error, Result};

use crate::call::Call;
use crate::global_id::parse_uuid;
use crate::nullable::{Nullable, answered};
use crate::types::dagster_run::{DagsterRun, deployment_named};

/// Something to be said of a run.
#[derive(InputObject)]
pub(crate) struct DagsterRunTagInput {
    /// The key.
    key: String,
    /// The value.
    value: String,
}

/// What is to be launched.
#[derive(InputObject)]
pub(crate) struct DagsterRunLaunchInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The name of the deployment; null for the default one.
    deployment: Option<String>,
    /// The name of the code location.
    location: String,
    /// The name of the repository there; where there is only one, it may be left out.
    repository: Option<String>,
    /// The name of the job.
    job: String,
    /// What it is configured with: a JSON object.
    config: Option<String>,
    /// What is said of it.
    tags: Option<Vec<DagsterRunTagInput>>,
    /// Whoever launches the job with the same key again is answered the same run.
    idempotency_key: Option<String>,
}

/// A run that was launched.
#[derive(SimpleObject)]
pub(crate) struct DagsterRunLaunchPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The run.
    run: DagsterRun,
    /// Whether it is new, and not one that was launched with the same key before.
    is_new: bool,
}

/// What is to be stopped.
#[derive(InputObject)]
pub(crate) struct DagsterRunTerminateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The run's uuid.
    uuid: ID,
    /// Also when nothing is heard of its worker: it ends at once then, whatever that does.
    #[graphql(default_with = "Some(false)")]
    force: Option<bool>,
}

/// A run that is being stopped.
#[derive(SimpleObject)]
pub(crate) struct DagsterRunTerminatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The run.
    run: DagsterRun,
}

#[derive(Default)]
pub(crate) struct DagsterRunMutations;

#[Object]
impl DagsterRunMutations {
    /// Launches a run of a job of a code location: an agent that serves the deployment and the location's queue takes it.
    async fn dagster_run_launch(
        &self,
        ctx: &Context<'_>,
        input: DagsterRunLaunchInput,
    ) -> Nullable<DagsterRunLaunchPayload> {
        answered(launch(Call::of(ctx), input).await)
    }

    /// Stops a run: the agent that took it is asked to, and it is canceled once its worker says so.
    async fn dagster_run_terminate(
        &self,
        ctx: &Context<'_>,
        input: DagsterRunTerminateInput,
    ) -> Nullable<DagsterRunTerminatePayload> {
        answered(terminate(Call::of(ctx), input).await)
    }
}

async fn launch(call: &Call, input: DagsterRunLaunchInput) -> Result<DagsterRunLaunchPayload> {
    // Whoever may not is told so before what is wrong with the input.
    let grant = call.may::<LaunchDagsterRun>()?;
    let config = match &input.config {
        Some(text) => serde_json::from_str(text).map_err(|_| Error::invalid("config", "must be JSON"))?,
        None => serde_json::Value::Object(serde_json::Map::new()),
    };
    let tags: BTreeMap<_, _> = input.tags.into_iter().flatten().map(|it| (it.key, it.value)).collect();
    let new = NewRun {
        deployment: deployment_named(call, input.deployment.as_deref()).await?,
        location: input.location,
        repository: input.repository,
        job: input.job,
        config,
        tags,
        key: input.idempotency_key,
    };
    let launched = call.control.launch_run(&grant, new).await?;
    Ok(DagsterRunLaunchPayload {
        client_mutation_id: input.client_mutation_id,
        run: DagsterRun(launched.run),
        is_new: launched.is_new,
    })
}

async fn terminate(call: &Call, input: DagsterRunTerminateInput) -> Result<DagsterRunTerminatePayload> {
    let grant = call.may()?;
    let run = parse_uuid(&input.uuid).ok_or(Error::NotFound("run"))?;
    let asked = Termination { run, force: input.force.unwrap_or(false) };
    let run = DagsterRun(call.control.terminate_run(&grant, asked).await?);
    Ok(DagsterRunTerminatePayload { client_mutation_id: input.client_mutation_id, run })
}
