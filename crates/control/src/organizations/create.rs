//! Making an organization: with its default deployment, its first Organization Admin and its default agent token.

use std::sync::Arc;

use countersign_domain::id::{DeploymentId, OrganizationId, UserId};
use countersign_domain::text::{Email, OrganizationName, Slug};
use countersign_domain::{Kind, RevealPolicy, Role, TokenSecret};
use countersign_store::organizations::{self, Deployment, Organization};
use countersign_store::tokens::Token;
use countersign_store::users::{self, User};
use countersign_store::{Lane, Tx, sign_ins};
use serde_json::json;

use crate::access::actions::CreateOrganization;
use crate::issuing::{self, AGENT_TOKEN, FIRST_USER_TOKEN, Issue, USER_TOKEN};
use crate::scene::Subject;
use crate::signing_in::take_ways_in;
use crate::{Control, Grant, Result, Scene, audit, input};

use super::taken;

/// The description of the agent token that each organization begins with.
pub const DEFAULT_TOKEN: &str = "Default agent registration token";
/// The name of the deployment that each organization begins with.
pub const DEFAULT_DEPLOYMENT: &str = "default";

/// What a new organization is to be.
#[derive(Debug)]
pub struct NewOrganization {
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people; the slug when none is given.
    pub name: Option<String>,
    /// The address of its first Organization Admin.
    pub admin: String,
    /// Until when its tokens may be revealed, unless they say otherwise.
    pub reveal_policy: Option<RevealPolicy>,
}

/// An organization that was made, with the values that are shown once.
#[derive(Debug)]
pub struct Created {
    /// The organization.
    pub organization: Organization,
    /// Its first Organization Admin.
    pub admin: User,
    /// That person's user token.
    pub user_token: Token,
    /// Its value.
    pub user_secret: Arc<TokenSecret>,
    /// The default agent token.
    pub agent_token: Token,
    /// Its value.
    pub agent_secret: Arc<TokenSecret>,
}

/// Everything that is chosen before the transaction.
pub(super) struct Plan {
    organization: OrganizationId,
    deployment: DeploymentId,
    user: UserId,
    slug: Slug,
    name: String,
    email: Email,
    policy: RevealPolicy,
    agent_token: Issue,
    user_token: Issue,
}

pub(super) struct Made {
    organization: Organization,
    admin: User,
    agent_token: Token,
    user_token: Token,
}

impl Control {
    /// Makes an organization. An admin who is known already loses their password, links and sign-ins: they set a new one by a link.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `slug`, `name` or `admin`; [`crate::Error::Conflict`] when the slug is another organization's, or was.
    pub async fn create_organization(
        &self,
        grant: &Grant<CreateOrganization>,
        new: NewOrganization,
    ) -> Result<Created> {
        let plan = self.plan(&new)?;
        let secrets = (plan.user_token.secret.clone(), plan.agent_token.secret.clone());
        let made = self.write(grant, Lane::Normal, plan, |tx, scene| Box::pin(make(tx, scene, &scene.input))).await?;
        Ok(made.with(secrets))
    }

    pub(super) fn plan(&self, new: &NewOrganization) -> Result<Plan> {
        let slug: Slug = input::field("slug", Slug::parse(&new.slug))?;
        let name = match &new.name {
            Some(name) => input::field("name", OrganizationName::parse(name))?.as_str().to_owned(),
            None => slug.as_str().to_owned(),
        };
        let email = input::field("admin", Email::parse(&new.admin))?;
        let organization: OrganizationId = self.fresh_id();
        let user: UserId = self.fresh_id();
        let policy = new.reveal_policy.unwrap_or_default();
        let mut agent_token = self.issue(Kind::AgentToken, AGENT_TOKEN, organization);
        agent_token.description = Some(DEFAULT_TOKEN.to_owned());
        agent_token.reveal_policy = policy;
        let mut user_token = self.issue(Kind::UserToken, USER_TOKEN, organization);
        user_token.description = Some(FIRST_USER_TOKEN.to_owned());
        user_token.reveal_policy = policy;
        let deployment = self.fresh_id();
        Ok(Plan { organization, deployment, user, slug, name, email, policy, agent_token, user_token })
    }
}

impl Made {
    pub(super) fn with(self, (user_secret, agent_secret): (Arc<TokenSecret>, Arc<TokenSecret>)) -> Created {
        Created {
            organization: self.organization,
            admin: self.admin,
            user_token: self.user_token,
            user_secret,
            agent_token: self.agent_token,
            agent_secret,
        }
    }
}

impl Plan {
    pub(super) fn secrets(&self) -> (Arc<TokenSecret>, Arc<TokenSecret>) {
        (self.user_token.secret.clone(), self.agent_token.secret.clone())
    }
}

/// The rows of a new organization, and their audit rows in its own log.
pub(super) async fn make<I: Sync>(tx: &mut Tx, scene: &Scene<I>, plan: &Plan) -> Result<Made> {
    if organizations::owner_of_slug(tx, plan.slug.as_str()).await?.is_some() {
        return Err(taken(plan.slug.as_str()));
    }
    let now = tx.now();
    let organization = Organization {
        id: plan.organization,
        slug: plan.slug.as_str().to_owned(),
        name: plan.name.clone(),
        default_deployment: plan.deployment,
        default_reveal_policy: plan.policy,
        created_at: now,
    };
    organizations::insert(tx, &organization).await?;
    audit::seal::begin(tx, scene, organization.id).await?;
    let deployment = Deployment::named(plan.deployment, DEFAULT_DEPLOYMENT.to_owned(), now);
    organizations::insert_deployment(tx, organization.id, &deployment).await?;
    let admin = match users::find_by_email(tx, plan.email.as_str()).await? {
        // Whoever set their password, elsewhere, need not be they: what is theirs from now on is not to be had by it.
        Some(known) => {
            sign_ins::take_turn(tx, known.id).await?;
            take_ways_in(tx, scene, organization.id, &known).await?;
            known
        }
        None => {
            let email = plan.email.as_str().to_lowercase();
            let name = email.split('@').next().unwrap_or_default().to_owned();
            let user = User { id: plan.user, email, name, is_service: false, description: None, created_at: now };
            users::insert(tx, &user).await?;
            user
        }
    };
    users::insert_member(tx, organization.id, admin.id, Role::Admin).await?;
    let mut user_token = plan.user_token.with_policy(plan.policy);
    user_token.user = Some(admin.id);
    user_token.created_by = Some(admin.id);
    let user_token = issuing::issue(tx, &scene.keys, &*scene.entropy, &user_token).await?;
    let agent_token = issuing::issue(tx, &scene.keys, &*scene.entropy, &plan.agent_token).await?;
    let id = organization.id;
    let subject = Subject::new("organization", id, organization.slug.as_str());
    scene.audit_in(tx, id, "organization.created", subject, json!({ "admin": admin.email })).await?;
    let subject = Subject::new("agent_token", agent_token.id, agent_token.public_id.as_str());
    scene.audit_in(tx, id, "agent_token.created", subject, json!({ "description": DEFAULT_TOKEN })).await?;
    let subject = Subject::new("user_token", user_token.id, user_token.public_id.as_str());
    scene.audit_in(tx, id, "user_token.created", subject, json!({ "owner": admin.email })).await?;
    Ok(Made { organization, admin, agent_token, user_token })
}
