//! Deployments, as people see them.

use async_graphql::{Enum, Object};
use countersign_control::access::actions::ViewOrganization;
use countersign_control::organizations::Deployment;
use countersign_control::{Error, Result};
use countersign_domain::id::DeploymentId;

use crate::call::Call;

use super::problem::results;
use super::user::int;

results! {
    /// A deployment, or why it is not shown.
    DeploymentOrError of DagsterCloudDeployment or DeploymentNotFoundError;
}

/// Whether a deployment is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum DeploymentStatus {
    /// It is.
    Active,
    /// It is about to go. No deployment here is: one that was deleted is gone.
    PendingDeletion,
}

/// Whose agents work in a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum DeploymentAgentType {
    /// Those of the organization.
    Hybrid,
    /// Those of the server, which has none.
    Serverless,
}

/// Whether a deployment stands by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum DagsterCloudDeploymentType {
    /// It does.
    Production,
    /// It belongs to another one.
    Branch,
}

/// A deployment of the organization.
pub(crate) struct DagsterCloudDeployment {
    deployment: Box<Deployment>,
    number: i32,
    organization: String,
}

#[Object]
impl DagsterCloudDeployment {
    /// Its number in the organization.
    async fn deployment_id(&self) -> i32 {
        self.number
    }

    /// Its name.
    async fn deployment_name(&self) -> &str {
        &self.deployment.name
    }

    /// Whether it is there.
    async fn deployment_status(&self) -> DeploymentStatus {
        DeploymentStatus::Active
    }

    /// Whether it stands by itself.
    async fn deployment_type(&self) -> DagsterCloudDeploymentType {
        match self.deployment.parent {
            Some(_) => DagsterCloudDeploymentType::Branch,
            None => DagsterCloudDeploymentType::Production,
        }
    }

    /// Whether it belongs to another one.
    async fn is_branch_deployment(&self) -> bool {
        self.deployment.parent.is_some()
    }

    /// Whose agents work in it.
    async fn agent_type(&self) -> DeploymentAgentType {
        DeploymentAgentType::Hybrid
    }

    /// The organization's name in addresses.
    async fn organization_name(&self) -> &str {
        &self.organization
    }
}

impl DagsterCloudDeployment {
    /// Its id.
    pub(super) const fn id(&self) -> DeploymentId {
        self.deployment.id
    }
}

/// The organization's full deployments, by name.
pub(crate) async fn full(call: &Call) -> Result<Vec<DagsterCloudDeployment>> {
    let grant = call.control.grant_own::<ViewOrganization>(&call.caller)?;
    let mut all = call.control.deployments(&grant).await?;
    all.retain(|it| it.parent.is_none());
    shown(call, all).await
}

/// The deployment of this name.
pub(crate) async fn named(call: &Call, name: &str) -> Result<DagsterCloudDeployment> {
    one(call, |it, _| it.name == name).await
}

/// The deployment that the call is about: the one that it names, or the organization's default one.
pub(crate) async fn current(call: &Call) -> Result<DagsterCloudDeployment> {
    match &call.deployment {
        Some(name) => named(call, name).await,
        None => one(call, |it, default| it.id == default).await,
    }
}

async fn one(call: &Call, is_it: impl Fn(&Deployment, DeploymentId) -> bool) -> Result<DagsterCloudDeployment> {
    let grant = call.control.grant_own::<ViewOrganization>(&call.caller)?;
    let default = call.control.organization(&grant).await?.default_deployment;
    let mut all = call.control.deployments(&grant).await?;
    all.retain(|it| is_it(it, default));
    shown(call, all).await?.pop().ok_or(Error::NotFound("deployment"))
}

async fn shown(call: &Call, all: Vec<Deployment>) -> Result<Vec<DagsterCloudDeployment>> {
    let grant = call.control.grant_own::<ViewOrganization>(&call.caller)?;
    let organization = call.control.organization(&grant).await?.slug;
    let numbers = call.control.numbers(&grant, all.iter().map(|it| it.id).collect()).await?;
    let one = |deployment: Deployment| {
        let number = numbers.get(&deployment.id).copied();
        let number = int(number.ok_or_else(|| Error::internal("a deployment has no number"))?)?;
        Ok(DagsterCloudDeployment { deployment: Box::new(deployment), number, organization: organization.clone() })
    };
    all.into_iter().map(one).collect()
}
