//! Making organizations, for the operator of the instance; and changing one's own.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::agent_tokens::AgentToken as Token;
use countersign_control::organizations::{NewOrganization, OrganizationChange};
use countersign_domain::Scope;

use crate::call::Call;
use crate::nullable::{Nullable, answered};
use crate::types::agent_token::{AgentToken, RevealPolicy};
use crate::types::organization::Organization;
use crate::types::user::User;
use crate::types::user_token::UserToken;

/// What a new organization is to be.
#[derive(InputObject)]
pub(crate) struct OrganizationCreateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// Its name in addresses.
    slug: String,
    /// Its name for people; null: the slug.
    name: Option<String>,
    /// The e-mail address of its first Organization Admin.
    admin: String,
    /// The reveal policy of tokens that name none; null: `WINDOW`.
    reveal_policy: Option<RevealPolicy>,
}

/// An organization that was made, with the values that are shown now.
#[derive(SimpleObject)]
pub(crate) struct OrganizationCreatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The organization.
    organization: Organization,
    /// Its first Organization Admin.
    admin: User,
    /// That person's user token.
    user_token: UserToken,
    /// Its value.
    user_token_value: String,
    /// The organization's default agent token.
    agent_token: AgentToken,
    /// Its value.
    agent_token_value: String,
}

/// What is to be different about the organization. What is left out, or null, stays as it is.
#[derive(InputObject)]
pub(crate) struct OrganizationUpdateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The organization's global id.
    #[graphql(name = "organizationID")]
    organization_id: ID,
    /// Another name for people.
    name: Option<String>,
    /// Another name in addresses. The one that is left stays the organization's own: no other one is given it.
    slug: Option<String>,
    /// The reveal policy of new tokens that name none.
    default_reveal_policy: Option<RevealPolicy>,
}

/// An organization that was changed.
#[derive(SimpleObject)]
pub(crate) struct OrganizationUpdatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The organization as it is now.
    organization: Organization,
}

#[derive(Default)]
pub(crate) struct OrganizationMutations;

#[Object]
impl OrganizationMutations {
    /// Makes an organization with its default deployment, its first Organization Admin and its default agent token. Needs an operator
    /// token.
    async fn organization_create(
        &self,
        ctx: &Context<'_>,
        input: OrganizationCreateInput,
    ) -> Nullable<OrganizationCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Changes the organization's name, its slug, or the reveal policy of new tokens that name none.
    async fn organization_update(
        &self,
        ctx: &Context<'_>,
        input: OrganizationUpdateInput,
    ) -> Nullable<OrganizationUpdatePayload> {
        answered(update(Call::of(ctx), input).await)
    }
}

async fn update(call: &Call, input: OrganizationUpdateInput) -> Result<OrganizationUpdatePayload> {
    let grant = call.may_in(&input.organization_id)?;
    let change = OrganizationChange {
        name: input.name,
        slug: input.slug,
        default_reveal_policy: input.default_reveal_policy.map(Into::into),
        expected: None,
    };
    let organization = Organization(call.control.update_organization(&grant, change).await?);
    Ok(OrganizationUpdatePayload { client_mutation_id: input.client_mutation_id, organization })
}

async fn create(call: &Call, input: OrganizationCreateInput) -> Result<OrganizationCreatePayload> {
    let new = NewOrganization {
        slug: input.slug,
        name: input.name,
        admin: input.admin,
        reveal_policy: input.reveal_policy.map(Into::into),
    };
    let created = call.control.create_organization(&call.may()?, new).await?;
    Ok(OrganizationCreatePayload {
        client_mutation_id: input.client_mutation_id,
        organization: Organization(created.organization),
        admin: User(created.admin),
        user_token: UserToken(created.user_token),
        user_token_value: created.user_secret.reveal().to_owned(),
        // The default token is made with the widest scope.
        agent_token: AgentToken(Token { token: created.agent_token, scope: Scope::widest() }),
        agent_token_value: created.agent_secret.reveal().to_owned(),
    })
}
