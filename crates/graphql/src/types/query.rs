//! The root of queries.

use async_graphql::{Context, ID, Object};
use countersign_control::{Error, Result};

use crate::call::Call;
use crate::global_id::parse_uuid;
use crate::nullable::{Nullable, found};

use super::agent::{self, Agent};
use super::agent_token::{self, AgentToken};
use super::build::{self, Build};
use super::job::{self, Job};
use super::node::{self, Node};
use super::organization::{Organization, own};
use super::pipeline::{self, Pipeline};
use super::slug::own_organization;
use super::viewer::Viewer;

pub(crate) struct Query;

/// What can be asked. What does not exist, and what the caller may not know of, is null.
#[Object]
impl Query {
    /// An agent.
    async fn agent(&self, ctx: &Context<'_>, #[graphql(desc = "`organization/uuid`.")] slug: ID) -> Nullable<Agent> {
        agent::by_slug(Call::of(ctx), &slug).await
    }

    /// An agent token.
    async fn agent_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`organization/uuid`.")] slug: ID,
    ) -> Nullable<AgentToken> {
        agent_token::by_slug(Call::of(ctx), &slug).await
    }

    /// A build, by its slug or by its uuid.
    async fn build(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`organization/pipeline/number`.")] slug: Option<ID>,
        #[graphql(desc = "The uuid.")] uuid: Option<ID>,
    ) -> Nullable<Build> {
        found(build_by(Call::of(ctx), slug, uuid).await)
    }

    /// A job.
    async fn job(&self, ctx: &Context<'_>, uuid: ID) -> Nullable<Job> {
        let id = parse_uuid(&uuid)?;
        found(job::any(Call::of(ctx), id).await.map(Some))
    }

    /// Anything that has a global id.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "The global id.")] id: ID) -> Nullable<Node> {
        found(node::node(Call::of(ctx), &id).await)
    }

    /// An organization, by its slug or by its uuid.
    async fn organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its name in addresses.")] slug: Option<ID>,
        #[graphql(desc = "The uuid.")] uuid: Option<ID>,
    ) -> Nullable<Organization> {
        found(organization_by(Call::of(ctx), slug, uuid).await)
    }

    /// A pipeline, by its slug or by its uuid.
    async fn pipeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`organization/pipeline`.")] slug: Option<ID>,
        #[graphql(desc = "The uuid.")] uuid: Option<ID>,
    ) -> Nullable<Pipeline> {
        found(pipeline_by(Call::of(ctx), slug, uuid).await)
    }

    /// Whoever calls; null for the operator of the instance, who is nobody in an organization.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        Call::of(ctx).caller.user().map(Viewer)
    }
}

fn one_of() -> Error {
    Error::invalid("slug", "or uuid must be given, and only one of them")
}

async fn build_by(call: &Call, slug: Option<ID>, uuid: Option<ID>) -> Result<Option<Build>> {
    match (slug, uuid) {
        (Some(slug), None) => build::by_slug(call, &slug).await,
        (None, Some(uuid)) => match parse_uuid(&uuid) {
            Some(id) => build::by_id(call, id).await.map(Some),
            None => Ok(None),
        },
        _ => Err(one_of()),
    }
}

async fn pipeline_by(call: &Call, slug: Option<ID>, uuid: Option<ID>) -> Result<Option<Pipeline>> {
    match (slug, uuid) {
        (Some(slug), None) => pipeline::by_slug(call, &slug).await,
        (None, Some(uuid)) => match parse_uuid(&uuid) {
            Some(id) => pipeline::by_id(call, id).await.map(Some),
            None => Ok(None),
        },
        _ => Err(one_of()),
    }
}

async fn organization_by(call: &Call, slug: Option<ID>, uuid: Option<ID>) -> Result<Option<Organization>> {
    match (slug, uuid) {
        (Some(slug), None) => Ok(own_organization(call, &slug).await?.map(Organization)),
        (None, Some(uuid)) => {
            let organization = own(call).await?;
            Ok((parse_uuid(&uuid) == Some(organization.0.id)).then_some(organization))
        }
        _ => Err(one_of()),
    }
}
