//! Creating, changing and deleting queues.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::queues::{NewQueue, QueueChange, check_affinity};

use crate::call::Call;
use crate::global_id::{Sort, expect};
use crate::nullable::{Nullable, answered};
use crate::types::cluster::read_id;
use crate::types::hosted::{self, HostedAgentsQueueSettingsCreateInput, HostedAgentsQueueSettingsUpdateInput};
use crate::types::queue::{self, ClusterQueue};

use super::agent_tokens::given;

/// A queue that is to be made.
#[derive(InputObject)]
pub(crate) struct ClusterQueueCreateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The global id of the cluster that it is in.
    cluster_id: ID,
    /// What it is for.
    description: Option<String>,
    /// Agents that somebody else runs: not to be had.
    hosted_agents: Option<HostedAgentsQueueSettingsCreateInput>,
    /// Its name, unique in its cluster.
    key: String,
    /// The organization's global id.
    organization_id: ID,
    /// Which agent is given a job that is run again: `prefer-warmest` alone is possible.
    retry_agent_affinity: Option<String>,
}

/// A queue that was made.
#[derive(SimpleObject)]
pub(crate) struct ClusterQueueCreatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The queue.
    cluster_queue: ClusterQueue,
}

/// What is to be different about a queue.
#[derive(InputObject)]
pub(crate) struct ClusterQueueUpdateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// What it is for; null takes that away, left out it stays.
    description: MaybeUndefined<String>,
    /// Agents that somebody else runs: not to be had.
    hosted_agents: Option<HostedAgentsQueueSettingsUpdateInput>,
    /// The queue's global id.
    id: ID,
    /// The organization's global id.
    organization_id: ID,
    /// Which agent is given a job that is run again: `prefer-warmest` alone is possible.
    retry_agent_affinity: Option<String>,
}

/// A queue that was changed.
#[derive(SimpleObject)]
pub(crate) struct ClusterQueueUpdatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The queue.
    cluster_queue: ClusterQueue,
}

/// Which queue is to go. One that holds work stays.
#[derive(InputObject)]
pub(crate) struct ClusterQueueDeleteInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The queue's global id.
    id: ID,
    /// The organization's global id.
    organization_id: ID,
}

/// A queue that is gone.
#[derive(SimpleObject)]
pub(crate) struct ClusterQueueDeletePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The global id that it had.
    deleted_cluster_queue_id: ID,
}

#[derive(Default)]
pub(crate) struct ClusterQueueMutations;

#[Object]
impl ClusterQueueMutations {
    /// Creates a queue.
    async fn cluster_queue_create(
        &self,
        ctx: &Context<'_>,
        input: ClusterQueueCreateInput,
    ) -> Nullable<ClusterQueueCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Changes a queue.
    async fn cluster_queue_update(
        &self,
        ctx: &Context<'_>,
        input: ClusterQueueUpdateInput,
    ) -> Nullable<ClusterQueueUpdatePayload> {
        answered(update(Call::of(ctx), input).await)
    }

    /// Deletes a queue that holds no work. Its next use makes it anew.
    async fn cluster_queue_delete(
        &self,
        ctx: &Context<'_>,
        input: ClusterQueueDeleteInput,
    ) -> Nullable<ClusterQueueDeletePayload> {
        answered(delete(Call::of(ctx), input).await)
    }
}

async fn create(call: &Call, input: ClusterQueueCreateInput) -> Result<ClusterQueueCreatePayload> {
    let grant = call.may_in(&input.organization_id)?;
    check_affinity("retryAgentAffinity", input.retry_agent_affinity.as_deref())?;
    hosted::refuse(input.hosted_agents.as_ref())?;
    let new = NewQueue { deployment: read_id(&input.cluster_id)?, key: input.key, description: input.description };
    let made = call.control.create_queue(&grant, new).await?;
    let cluster_queue = queue::by_id(call, made.id).await?;
    Ok(ClusterQueueCreatePayload { client_mutation_id: input.client_mutation_id, cluster_queue })
}

async fn update(call: &Call, input: ClusterQueueUpdateInput) -> Result<ClusterQueueUpdatePayload> {
    let grant = call.may_in(&input.organization_id)?;
    check_affinity("retryAgentAffinity", input.retry_agent_affinity.as_deref())?;
    hosted::refuse(input.hosted_agents.as_ref())?;
    let change = QueueChange { queue: expect(&input.id, Sort::ClusterQueue)?, description: given(input.description) };
    let changed = call.control.update_queue(&grant, change).await?;
    let cluster_queue = queue::by_id(call, changed.id).await?;
    Ok(ClusterQueueUpdatePayload { client_mutation_id: input.client_mutation_id, cluster_queue })
}

async fn delete(call: &Call, input: ClusterQueueDeleteInput) -> Result<ClusterQueueDeletePayload> {
    let grant = call.may_in(&input.organization_id)?;
    call.control.delete_queue(&grant, expect(&input.id, Sort::ClusterQueue)?).await?;
    Ok(ClusterQueueDeletePayload { client_mutation_id: input.client_mutation_id, deleted_cluster_queue_id: input.id })
}
