//! Creating an agent token.

use std::sync::Arc;

use countersign_domain::id::DeploymentId;
use countersign_domain::{DeploymentScope, Kind, RevealPolicy, Scope, Timestamp, TokenSecret};
use countersign_store::tokens::managed;
use countersign_store::{Lane, Tx, deployments, organizations};
use serde_json::json;

use crate::access::actions::CreateAgentToken;
use crate::issuing::{self, AGENT_TOKEN, CLUSTER_TOKEN, Issue};
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::{AgentToken, MAX_TOKENS_BY_OTHERS, told};

/// What a new agent token is to be.
#[derive(Debug, Default)]
pub struct NewAgentToken {
    /// What people will call it; none is allowed, an empty one is not.
    pub description: Option<String>,
    /// Buildkite's flag: whether its agents are shown outside the organization.
    pub is_public: bool,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Until when its value may be revealed; the organization's default when none is given.
    pub reveal_policy: Option<RevealPolicy>,
    /// What it reaches; everything in the organization when none is given.
    pub scope: Option<Scope>,
}

/// A token that was made, with its value: the one time that it is given without asking for it.
#[derive(Debug)]
pub struct Issued {
    /// The token.
    pub token: AgentToken,
    /// Its value.
    pub secret: Arc<TokenSecret>,
}

struct Input {
    issue: Issue,
    policy: Option<RevealPolicy>,
}

impl Control {
    /// Creates an agent token in the grant's organization. Whoever is no Organization Admin creates one that reaches nothing but what they
    /// manage agent tokens of.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `description`, `expiresAt` or `scope`; [`Error::Conflict`] for whoever is no Organization Admin and has made
    /// [`MAX_TOKENS_BY_OTHERS`].
    pub async fn create_agent_token(&self, grant: &Grant<CreateAgentToken>, new: NewAgentToken) -> Result<Issued> {
        self.create_of_family(grant, AGENT_TOKEN, new).await
    }

    /// Creates the agent token of one deployment, which it stays with: Buildkite's token of a cluster. A scope gives its queues and networks.
    ///
    /// # Errors
    /// As [`Control::create_agent_token`]; [`Error::NotFound`] for the deployment.
    pub async fn create_cluster_token(
        &self,
        grant: &Grant<CreateAgentToken>,
        deployment: DeploymentId,
        new: NewAgentToken,
    ) -> Result<Issued> {
        let deployments = DeploymentScope::Only { deployments: [deployment].into(), all_branches: false };
        let scope = Scope { deployments, ..new.scope.unwrap_or_else(Scope::widest) };
        let new = NewAgentToken { scope: Some(scope), ..new };
        self.create_of_family(grant, CLUSTER_TOKEN, new).await
    }

    async fn create_of_family(
        &self,
        grant: &Grant<CreateAgentToken>,
        family: &'static str,
        new: NewAgentToken,
    ) -> Result<Issued> {
        issuing::check_expiry(new.expires_at, self.now())?;
        let mut issue = self.issue(Kind::AgentToken, family, grant.organization());
        issue.description = input::description(new.description.as_deref())?;
        issue.is_public = new.is_public;
        issue.expires_at = new.expires_at;
        issue.scope = match new.scope {
            Some(scope) => input::field("scope", scope.checked())?,
            None => Scope::widest(),
        };
        issue.created_by = Some(grant.user()?.user);
        let secret = issue.secret.clone();
        let input = Input { issue, policy: new.reveal_policy };
        let token = self
            .write(grant, Lane::Normal, input, |tx, scene| {
                Box::pin(async move {
                    let Input { issue, policy } = &scene.input;
                    let Some(organization) = organizations::find(tx, scene.organization).await? else {
                        return Err(Error::NotFound("organization"));
                    };
                    let policy = policy.unwrap_or(organization.default_reveal_policy);
                    let issue = issue.with_policy(policy);
                    if let Some(id) = issue.scope.deployments.only_one().filter(|_| issue.family == CLUSTER_TOKEN) {
                        deployments::enter(tx, scene.organization, id).await?.ok_or(Error::NotFound("cluster"))?;
                    }
                    scene.may_reach(tx, &issue.scope.deployments).await?;
                    must_have_room(tx, scene).await?;
                    let token = issuing::issue(tx, &scene.keys, &*scene.entropy, &issue).await?;
                    told::note(tx, scene, &token.public_id).await?;
                    let detail = json!({
                        "description": token.description,
                        "expires_at": token.expires_at.map(|at| at.to_string()),
                        "reveal_policy": policy.as_str(),
                        "scope": super::update::in_words(&issue.scope),
                    });
                    let subject = Subject::new("agent_token", token.id, token.public_id.as_str());
                    scene.audit(tx, "agent_token.created", subject, detail).await?;
                    Ok(AgentToken { token, scope: issue.scope })
                })
            })
            .await?;
        Ok(Issued { token, secret })
    }
}

/// Whether the caller may have made one more, where they are no Organization Admin.
async fn must_have_room(tx: &mut Tx, scene: &Scene<Input>) -> Result<()> {
    let Some(user) = scene.by_roles_of() else { return Ok(()) };
    if managed::count_made_by(tx, scene.organization, user).await? < MAX_TOKENS_BY_OTHERS {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "You have made {MAX_TOKENS_BY_OTHERS} agent tokens that are still good, the most that somebody has who is no Organization Admin; revoke some, \
         or ask an Organization Admin to."
    )))
}
