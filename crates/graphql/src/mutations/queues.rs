//! Keeping a queue's jobs back, and letting them go again.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::queues::{Queue, QueueReference};
use countersign_control::{Error, Result};
use countersign_domain::Id;

use crate::call::Call;
use crate::global_id::{Sort, expect};
use crate::nullable::{Nullable, answered};
use crate::types::deployment;
use crate::types::queue::{self, ClusterQueue};

/// Which queue's jobs are to be kept back.
#[derive(InputObject)]
pub(crate) struct ClusterQueuePauseDispatchInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The queue's global id.
    id: ID,
    /// Why.
    note: Option<String>,
}

/// A queue whose jobs are kept back.
#[derive(SimpleObject)]
pub(crate) struct ClusterQueuePauseDispatchPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The queue.
    queue: ClusterQueue,
}

/// Which queue's jobs are to be let go.
#[derive(InputObject)]
pub(crate) struct ClusterQueueResumeDispatchInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The queue's global id.
    id: ID,
}

/// A queue whose jobs are let go.
#[derive(SimpleObject)]
pub(crate) struct ClusterQueueResumeDispatchPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The queue.
    queue: ClusterQueue,
}

#[derive(Default)]
pub(crate) struct QueueMutations;

#[Object]
impl QueueMutations {
    /// Keeps a queue's jobs back: its agents are given nothing more. What they have goes on.
    async fn cluster_queue_pause_dispatch(
        &self,
        ctx: &Context<'_>,
        input: ClusterQueuePauseDispatchInput,
    ) -> Nullable<ClusterQueuePauseDispatchPayload> {
        answered(pause(Call::of(ctx), input).await)
    }

    /// Lets a queue's jobs go again.
    async fn cluster_queue_resume_dispatch(
        &self,
        ctx: &Context<'_>,
        input: ClusterQueueResumeDispatchInput,
    ) -> Nullable<ClusterQueueResumeDispatchPayload> {
        answered(resume(Call::of(ctx), input).await)
    }
}

async fn pause(call: &Call, input: ClusterQueuePauseDispatchInput) -> Result<ClusterQueuePauseDispatchPayload> {
    let grant = call.may()?;
    let (id, reference) = reference(call, &input.id).await?;
    call.control.pause_queue_dispatch(&grant, reference, input.note).await?;
    let queue = queue::by_id(call, id).await?;
    Ok(ClusterQueuePauseDispatchPayload { client_mutation_id: input.client_mutation_id, queue })
}

async fn resume(call: &Call, input: ClusterQueueResumeDispatchInput) -> Result<ClusterQueueResumeDispatchPayload> {
    let grant = call.may()?;
    let (id, reference) = reference(call, &input.id).await?;
    call.control.resume_queue_dispatch(&grant, reference).await?;
    let queue = queue::by_id(call, id).await?;
    Ok(ClusterQueueResumeDispatchPayload { client_mutation_id: input.client_mutation_id, queue })
}

/// A queue by the names that it is known by.
async fn reference(call: &Call, id: &ID) -> Result<(Id<Queue>, QueueReference)> {
    let id = expect(id, Sort::ClusterQueue)?;
    let queue = call.control.queue(&call.may()?, id).await?.queue;
    let deployment = deployment::by_id(call, queue.deployment).await?.ok_or(Error::NotFound("deployment"))?;
    Ok((id, QueueReference { deployment: Some(deployment.0.name), queue: queue.name }))
}
