//! Deployments: the boundary that work runs inside.

use async_graphql::{Context, ID, Object};
use countersign_control::{Result, organizations};
use countersign_domain::id::DeploymentId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered, found};

use super::code_location::{self, CodeLocation, CodeLocationConnection};
use super::connection::{Count, connection};
use super::dagster_request::{self, DagsterRequest};
use super::date_time::{DateTime, time};
use super::deployment_role::{self, DeploymentRoleGrantConnection};
use super::organization::own;
use super::page_info::Window;
use super::user::{User, person};

pub(crate) struct Deployment(pub organizations::Deployment);

connection! {
    /// Deployments, by name.
    DeploymentConnection, DeploymentEdge of Deployment
}

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

    /// What it is for.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// Whether agents and builds go there that name no deployment.
    async fn is_default(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(own(Call::of(ctx)).await?.0.default_deployment == self.0.id)
    }

    /// The deployment that this branch deployment belongs to; null for one that is no branch deployment.
    async fn parent(&self, ctx: &Context<'_>) -> Nullable<Deployment> {
        match self.0.parent {
            Some(id) => found(by_id(Call::of(ctx), id).await),
            None => None,
        }
    }

    /// Its branch deployments, by name.
    async fn branch_deployments(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<DeploymentConnection> {
        answered(list(Call::of(ctx), Some(self.0.id), &Window { first, last, after, before }).await)
    }

    /// What was given in it, the oldest first; without what is given for all branch deployments.
    async fn roles(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<DeploymentRoleGrantConnection> {
        answered(deployment_role::in_deployment(Call::of(ctx), self.0.id, &Window { first, last, after, before }).await)
    }

    /// Its code locations, by name: at most 100 in a page.
    async fn code_locations(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<CodeLocationConnection> {
        answered(code_location::list(Call::of(ctx), self.0.id, Window { first, last, after, before }).await)
    }

    /// One of them; null when there is none of that name.
    async fn code_location(&self, ctx: &Context<'_>, name: String) -> Nullable<CodeLocation> {
        found(code_location::by_name(Call::of(ctx), self.0.id, &name).await)
    }

    /// What Dagster+ agents were asked to do for it, newest first: at most 500. What has ended is kept for seven days.
    async fn dagster_requests(&self, ctx: &Context<'_>, first: Option<i32>) -> Nullable<Vec<DagsterRequest>> {
        answered(dagster_request::newest(Call::of(ctx), self.0.id, first).await)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// By whom; null for the first one of an organization.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.created_by).await
    }

    /// From when on this branch deployment is removed, with all that it holds; null: it stays.
    async fn expires_at(&self) -> Option<DateTime> {
        time(self.0.expires_at)
    }
}

/// The organization's deployments, or the branch deployments of one.
pub(crate) async fn list(call: &Call, parent: Option<DeploymentId>, window: &Window) -> Result<DeploymentConnection> {
    let mut all = call.control.deployments(&call.may()?).await?;
    all.retain(|it| parent.is_none() || it.parent == parent);
    let count = Count::Known(all.len());
    Ok(DeploymentConnection::new(window.cut(all, |it| it.id)?, Deployment, count))
}

/// One of the organization's deployments.
pub(crate) async fn by_id(call: &Call, id: DeploymentId) -> Result<Option<Deployment>> {
    Ok(call.control.deployment(&call.may()?, id).await?.map(Deployment))
}
