//! Creating, changing and deleting clusters: deployments under Buildkite's name.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use countersign_control::deployments::{Deletion, DeploymentChange, NewDeployment};
use countersign_control::{Error, Result};

use crate::call::Call;
use crate::global_id::{self, Sort, expect};
use crate::nullable::{Nullable, answered};
use crate::types::cluster::{Cluster, read_id};

use super::agent_tokens::given;

/// A cluster that is to be made. It has no queue and no token of its own at first.
#[derive(InputObject)]
pub(crate) struct ClusterCreateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// Its colour, such as `#0B79CE`.
    color: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// What stands before its name.
    emoji: Option<String>,
    /// Its name, unique in the organization.
    name: String,
    /// The organization's global id.
    organization_id: ID,
}

/// A cluster that was made.
#[derive(SimpleObject)]
pub(crate) struct ClusterCreatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The cluster.
    cluster: Cluster,
}

/// What is to be different about a cluster. What is left out stays; null takes it away.
#[derive(InputObject)]
pub(crate) struct ClusterUpdateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// Its colour.
    color: MaybeUndefined<String>,
    /// The global id of the queue that people are to call its default.
    default_queue_id: MaybeUndefined<ID>,
    /// What it is for.
    description: MaybeUndefined<String>,
    /// What stands before its name.
    emoji: MaybeUndefined<String>,
    /// The cluster's global id.
    id: ID,
    /// Another name; null: it stays.
    name: Option<String>,
    /// The organization's global id.
    organization_id: ID,
}

/// A cluster that was changed.
#[derive(SimpleObject)]
pub(crate) struct ClusterUpdatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The cluster.
    cluster: Cluster,
}

/// Which cluster is to go. One that holds work stays: see `deploymentDelete`, which can be told to end it.
#[derive(InputObject)]
pub(crate) struct ClusterDeleteInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The cluster's global id.
    id: ID,
    /// The organization's global id.
    organization_id: ID,
}

/// A cluster that is gone.
#[derive(SimpleObject)]
pub(crate) struct ClusterDeletePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The global id that it had.
    deleted_cluster_id: ID,
}

#[derive(Default)]
pub(crate) struct ClusterMutations;

#[Object]
impl ClusterMutations {
    /// Creates a cluster.
    async fn cluster_create(&self, ctx: &Context<'_>, input: ClusterCreateInput) -> Nullable<ClusterCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Changes a cluster.
    async fn cluster_update(&self, ctx: &Context<'_>, input: ClusterUpdateInput) -> Nullable<ClusterUpdatePayload> {
        answered(update(Call::of(ctx), input).await)
    }

    /// Deletes a cluster that holds no work, with its queues.
    async fn cluster_delete(&self, ctx: &Context<'_>, input: ClusterDeleteInput) -> Nullable<ClusterDeletePayload> {
        answered(delete(Call::of(ctx), input).await)
    }
}

async fn create(call: &Call, input: ClusterCreateInput) -> Result<ClusterCreatePayload> {
    let grant = call.may_in(&input.organization_id)?;
    let new = NewDeployment {
        name: input.name,
        description: input.description,
        emoji: input.emoji,
        color: input.color,
        ..NewDeployment::default()
    };
    let cluster = Cluster(call.control.create_deployment(&grant, new).await?);
    Ok(ClusterCreatePayload { client_mutation_id: input.client_mutation_id, cluster })
}

async fn update(call: &Call, input: ClusterUpdateInput) -> Result<ClusterUpdatePayload> {
    let grant = call.may_in(&input.organization_id)?;
    let default_queue = match given(input.default_queue_id) {
        Some(Some(id)) => {
            let wrong = |_| Error::invalid("defaultQueueId", "is no id of a queue; take one from the cluster's queues");
            Some(Some(expect(&id, Sort::ClusterQueue).map_err(wrong)?))
        }
        Some(None) => Some(None),
        None => None,
    };
    let change = DeploymentChange {
        name: input.name,
        description: given(input.description),
        emoji: given(input.emoji),
        color: given(input.color),
        default_queue,
        ..DeploymentChange::of(read_id(&input.id)?)
    };
    let cluster = Cluster(call.control.update_deployment(&grant, change).await.map_err(as_cluster)?);
    Ok(ClusterUpdatePayload { client_mutation_id: input.client_mutation_id, cluster })
}

async fn delete(call: &Call, input: ClusterDeleteInput) -> Result<ClusterDeletePayload> {
    let grant = call.may_in(&input.organization_id)?;
    let deletion = Deletion { deployment: read_id(&input.id)?, force: false };
    let deleted = call.control.delete_deployment(&grant, deletion).await.map_err(as_cluster)?;
    Ok(ClusterDeletePayload {
        client_mutation_id: input.client_mutation_id,
        deleted_cluster_id: global_id::encode(Sort::Cluster, deleted.deployment.id),
    })
}

/// What is not there is named as it was asked for.
fn as_cluster(error: Error) -> Error {
    match error {
        Error::NotFound("deployment") => Error::NotFound("cluster"),
        other => other,
    }
}
