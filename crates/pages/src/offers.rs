//! What whoever looks is offered in one deployment: what a role elsewhere is enough for is not enough here, and no button is to say no.

use countersign_control::access::actions::{ViewDeploymentRoles, ViewOrganization};
use countersign_control::deployment_roles::OwnRoles;
use countersign_control::deployments::Deployment;
use countersign_control::{Action, Error};
use countersign_domain::id::DeploymentId;

use crate::failure::Failure;
use crate::visit::Visit;

/// A deployment, and what whoever looks holds there.
#[derive(Debug)]
pub(crate) struct Offers<'a> {
    visit: &'a Visit,
    id: DeploymentId,
    /// None for one that is gone.
    deployment: Option<Deployment>,
    held: OwnRoles,
}

impl Visit {
    /// What is offered in a deployment.
    pub(crate) async fn offers_in(&self, id: DeploymentId) -> Result<Offers<'_>, Failure> {
        let deployment = self.control().deployment(&self.may::<ViewOrganization>()?, id).await?;
        let held = self.control().own_deployment_roles(&self.may::<ViewDeploymentRoles>()?).await?;
        Ok(Offers { visit: self, id, deployment, held })
    }
}

impl Offers<'_> {
    /// What the deployment is called; empty for one that is gone.
    pub(crate) fn name(&self) -> String {
        self.deployment.as_ref().map(|it| it.name.clone()).unwrap_or_default()
    }

    /// Whether they may do it here.
    pub(crate) fn can<A: Action>(&self) -> bool {
        let is_branch = self.deployment.as_ref().is_some_and(|it| it.parent.is_some());
        self.visit.can::<A>() && self.held.are_enough_for::<A>(self.id, is_branch)
    }

    /// Goes on only for whoever may do it here.
    pub(crate) fn must<A: Action>(&self) -> Result<(), Failure> {
        self.visit.may::<A>()?;
        let needs = A::WITHIN.map_or("another role", |need| need.words_of_refusal());
        if self.can::<A>() { Ok(()) } else { Err(Error::Denied { action: A::NAME, needs }.into()) }
    }
}
