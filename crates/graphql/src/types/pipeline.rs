//! Pipelines: so far a name that builds are counted under.

use async_graphql::{Context, ID, Object};
use countersign_control::builds;
use countersign_domain::Id;

use crate::call::Call;
use crate::global_id::{self, Sort};

use super::organization::{Organization, own};

pub(crate) struct Pipeline {
    pub id: Id<builds::Pipeline>,
    pub slug: String,
    pub name: String,
}

/// What builds are runs of. It is made by its first build.
#[Object]
impl Pipeline {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::Pipeline, self.id)
    }

    /// Its name for people.
    async fn name(&self) -> &str {
        &self.name
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> async_graphql::Result<Organization> {
        Ok(own(Call::of(ctx)).await?)
    }

    /// Its name in addresses.
    async fn slug(&self) -> &str {
        &self.slug
    }

    /// The uuid.
    async fn uuid(&self) -> String {
        self.id.to_string()
    }
}
