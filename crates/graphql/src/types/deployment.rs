//! Deployments: the boundary that work runs inside.

use async_graphql::{Context, ID, Object};
use countersign_control::{Result, organizations};
use countersign_domain::id::DeploymentId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, found};

pub(crate) struct Deployment(pub organizations::Deployment);

/// The boundary that work runs inside.
#[Object]
impl Deployment {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::Deployment, self.0.id)
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.id)
    }

    /// Its name, unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The deployment that this branch deployment belongs to; null for one that is no branch deployment.
    async fn parent(&self, ctx: &Context<'_>) -> Nullable<Deployment> {
        match self.0.parent {
            Some(id) => found(by_id(Call::of(ctx), id).await),
            None => None,
        }
    }
}

/// One of the organization's deployments.
pub(crate) async fn by_id(call: &Call, id: DeploymentId) -> Result<Option<Deployment>> {
    let all = call.control.deployments(&call.may()?).await?;
    Ok(all.into_iter().find(|it| it.id == id).map(Deployment))
}
