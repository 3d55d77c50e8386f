//! Changing an agent token: description, visibility, expiry, reveal policy, scope.

use countersign_domain::id::AgentId;
use countersign_domain::text::QueueName;
use countersign_domain::{DeploymentScope, Network, QueueScope, RevealPolicy, Scope, Timestamp};
use countersign_store::tokens::scopes::{self, Single};
use countersign_store::tokens::{self, Token, secrets};
use countersign_store::{Tx, agents};
use serde_json::json;

use crate::access::actions::UpdateAgentToken;
use crate::agents::{Reach, is_within, reach};
use crate::issuing::CLUSTER_TOKEN;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, dagster_runs, input, issuing, revealing, shown};

use super::list::with_scope;
use super::permission::{self, Permission};
use super::reference::resolve;
use super::{AgentToken, TokenReference, told};

/// What is to be different. What is `None` stays.
#[derive(Debug)]
pub struct AgentTokenChange {
    /// Which token.
    pub token: TokenReference,
    /// `Some(None)` takes the description away.
    pub description: Option<Option<String>>,
    /// Buildkite's flag.
    pub is_public: Option<bool>,
    /// `Some(None)`: it does not expire.
    pub expires_at: Option<Option<Timestamp>>,
    /// A policy never brings back a value that was destroyed; a tighter one destroys it at once.
    pub reveal_policy: Option<RevealPolicy>,
    /// Replaces the scope as a whole.
    pub scope: Option<Scope>,
    /// Replaces its networks alone, and leaves the rest of the scope as it is. Nothing together with a scope.
    pub networks: Option<Vec<Network>>,
    /// Gives or takes one of Dagster's permissions, and leaves the rest of the scope as it is. Nothing together with a scope or networks.
    pub permission: Option<Permission>,
    /// What becomes of connected agents that the new scope lets in no more.
    pub connected_agents: Reach,
    /// What the token reached when whoever changes it saw it: [`AgentToken::scope_digest`]. When it reaches something else by now, nothing is done.
    /// None changes it whatever it reaches.
    pub expected: Option<String>,
}

impl AgentTokenChange {
    /// A change that changes nothing yet.
    #[must_use]
    pub const fn nothing(token: TokenReference) -> Self {
        Self {
            token,
            description: None,
            is_public: None,
            expires_at: None,
            reveal_policy: None,
            scope: None,
            networks: None,
            permission: None,
            connected_agents: Reach::Keep,
            expected: None,
        }
    }
}

impl AgentTokenChange {
    /// Whether only what is said of the token is to be different, and nothing of what it may, until when, and who sees its value.
    const fn is_of_words_alone(&self) -> bool {
        self.is_public.is_none()
            && self.expires_at.is_none()
            && self.reveal_policy.is_none()
            && self.scope.is_none()
            && self.networks.is_none()
            && self.permission.is_none()
    }
}

/// What a change did.
#[derive(Debug)]
pub struct Changed {
    /// The token as it is now.
    pub token: AgentToken,
    /// Connected agents outside the new scope that were told to leave, or cut off.
    pub touched: Vec<AgentId>,
}

impl AgentToken {
    /// What it reaches as one short text, which is another one once it reaches anything else.
    #[must_use]
    pub fn scope_digest(&self) -> String {
        digest_of(&self.scope)
    }
}

fn digest_of(scope: &Scope) -> String {
    shown::digest(&[&in_words(scope).to_string()])
}

/// A scope for an audit row.
pub(super) fn in_words(scope: &Scope) -> serde_json::Value {
    let deployments = match &scope.deployments {
        DeploymentScope::Every => json!("every"),
        DeploymentScope::Only { deployments, all_branches } => json!({
            "only": deployments.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "all_branch_deployments": all_branches,
        }),
    };
    let queues = match &scope.queues {
        QueueScope::Any => json!("any"),
        QueueScope::Only(queues) => json!(queues.iter().map(QueueName::as_str).collect::<Vec<_>>()),
    };
    json!({ "deployments": deployments, "queues": queues, "networks": scope.network_texts() })
}

impl Control {
    /// Changes an agent token. A narrowed scope applies at once to new work, deployments and networks; what becomes of agents that
    /// it lets in no more is chosen with the change.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a revoked token, for one that reaches something else than `expected`, for the last permission
    /// that is taken away, and for more deployments while a value is valid that somebody knows who is no Organization Admin; [`Error::Invalid`] at
    /// the field.
    pub async fn update_agent_token(
        &self,
        grant: &Grant<UpdateAgentToken>,
        mut change: AgentTokenChange,
    ) -> Result<Changed> {
        if let Some(expires_at) = change.expires_at {
            issuing::check_expiry(expires_at, self.now())?;
        }
        if let Some(description) = &change.description {
            change.description = Some(input::description(description.as_deref())?);
        }
        if let Some(scope) = change.scope.take() {
            change.scope = Some(input::field("scope", scope.checked())?);
        }
        self.write(grant, grant.lane_of_taking(), change, |tx, scene| Box::pin(update(tx, scene))).await
    }
}

async fn update(tx: &mut Tx, scene: &Scene<AgentTokenChange>) -> Result<Changed> {
    let change = &scene.input;
    let before = resolve(tx, scene, &change.token).await?;
    if change.is_of_words_alone() {
        scene.needs_no_proof();
    } else {
        scene.must_be_proved()?;
    }
    if before.revoked_at.is_some() {
        return Err(Error::Conflict("The token is revoked; a revoked token stays as it is.".to_owned()));
    }
    if change.expected.is_some() {
        // The token is kept still: nobody else gives it another scope meanwhile.
        let reached = scopes::find(tx, scene.organization, before.id).await?.ok_or(Error::NotFound("agent token"))?;
        shown::must_be_as_seen(change.expected.as_deref(), || digest_of(&reached), "What the token reaches has")?;
    }
    let now = tx.now();
    let policy = change.reveal_policy.unwrap_or(before.reveal_policy);
    let after = Token {
        description: change.description.clone().unwrap_or_else(|| before.description.clone()),
        is_public: change.is_public.unwrap_or(before.is_public),
        expires_at: change.expires_at.unwrap_or(before.expires_at),
        reveal_policy: policy,
        reveal_until: window(tx, &before, policy).await?,
        ..before.clone()
    };
    tokens::update(tx, &after).await?;
    // What had closed stays closed: no change opens it again.
    if before.data_key.is_some() && !(revealing::is_open(&before, now) && revealing::is_open(&after, now)) {
        revealing::destroy(tx, &after).await?;
    }
    let mut detail = serde_json::Map::new();
    if after.description != before.description {
        detail.insert("description".to_owned(), json!({ "from": before.description, "to": after.description }));
    }
    if after.is_public != before.is_public {
        detail.insert("public".to_owned(), json!(after.is_public));
    }
    if after.expires_at != before.expires_at {
        detail.insert("expires_at".to_owned(), json!(after.expires_at.map(|at| at.to_string())));
    }
    if after.reveal_policy != before.reveal_policy {
        detail.insert("reveal_policy".to_owned(), json!(policy.as_str()));
    }
    let mut touched = Vec::new();
    if let Some((scope, beside)) = &new_scope(tx, scene, &before).await? {
        let had = scopes::find(tx, scene.organization, after.id).await?;
        let had_granted = scopes::granted(tx, scene.organization, after.id).await?;
        scene.may_reach(tx, &scope.deployments).await?;
        told::refuse_wider(tx, scene, &before, &scope.deployments).await?;
        if !scopes::replace_beside(tx, scene.organization, after.id, scope, beside).await? {
            return Err(Error::invalid("scope", "names a deployment that the organization does not have"));
        }
        let outside = outside(tx, scene, &after, scope).await?;
        let note = format!("The agent token {} no longer reaches this deployment or queue.", after.public_id);
        touched = reach::apply(tx, scene, change.connected_agents, outside, &note).await?;
        let lost = dagster_runs::lose_outside(tx, scene, after.id).await?;
        if lost > 0 {
            detail.insert("dagster_runs_lost".to_owned(), json!(lost));
        }
        if let Some(permission) = change.permission {
            detail.insert("permission".to_owned(), permission.in_words());
        }
        // What was granted one by one is kept beside a token for all deployments, and goes with a scope that says nothing of it.
        let is_other =
            had.as_ref() != Some(scope) || had_granted != scopes::granted(tx, scene.organization, after.id).await?;
        if change.permission.is_some() || !touched.is_empty() || is_other {
            detail.insert("scope".to_owned(), in_words(scope));
            detail.insert("connected_agents".to_owned(), json!(change.connected_agents.as_str()));
            detail.insert("agents_touched".to_owned(), json!(touched.len()));
        }
    }
    // Of what is as it was there is nothing to tell.
    if !detail.is_empty() {
        let subject = Subject::new("agent_token", after.id, after.public_id.as_str());
        scene.audit(tx, "agent_token.updated", subject, detail.into()).await?;
    }
    let token = tokens::find(tx, scene.organization, after.id).await?.ok_or(Error::NotFound("agent token"))?;
    Ok(Changed { token: with_scope(tx, scene, token).await?, touched })
}

/// The scope that the token is to have, if it is to be another one, and what stays granted one by one beside every deployment.
async fn new_scope(tx: &mut Tx, scene: &Scene<AgentTokenChange>, token: &Token) -> Result<Option<(Scope, Single)>> {
    let change = &scene.input;
    let (new, beside) = match (&change.scope, change.permission) {
        (None, Some(permission)) => {
            let (scope, beside) = permission::apply(tx, scene, token.id, permission).await?;
            (Some(scope), beside)
        }
        (scope, _) => (scope.clone(), Single::default()),
    };
    if let Some(scope) = new.as_ref().filter(|_| token.family == CLUSTER_TOKEN) {
        let only = scope.deployments.only_one();
        let before = scopes::find(tx, scene.organization, token.id).await?;
        if only.is_none() || only != before.and_then(|scope| scope.deployments.only_one()) {
            return Err(Error::invalid(
                "scope",
                "must name the token's own deployment alone: it is the token of a cluster",
            ));
        }
    }
    match (new, &change.networks) {
        (Some(scope), _) => Ok(Some((scope, beside))),
        (None, Some(networks)) => {
            // The token is kept still: nobody else gives it another scope meanwhile.
            let before = scopes::find(tx, scene.organization, token.id).await?.ok_or(Error::NotFound("agent token"))?;
            let granted = scopes::granted(tx, scene.organization, token.id).await?;
            let scope = Scope { networks: networks.clone(), ..before };
            let beside = granted.map(|(_, single)| single).unwrap_or_default();
            Ok(Some((input::field("networks", scope.checked())?, beside)))
        }
        (None, None) => Ok(None),
    }
}

/// Until when the value may be revealed under a policy: a window is counted from when the newest value was made.
async fn window(tx: &mut Tx, token: &Token, policy: RevealPolicy) -> Result<Option<Timestamp>> {
    if policy == token.reveal_policy || token.data_key.is_none() {
        return Ok(token.reveal_until);
    }
    let newest = secrets::of_token(tx, token.id).await?.into_iter().next();
    Ok(policy.closes_at(newest.map_or(token.created_at, |secret| secret.created_at)))
}

/// Agents with a session that a scope lets in no more, by deployment and queue. Networks are asked on every call.
async fn outside(tx: &mut Tx, scene: &Scene<AgentTokenChange>, token: &Token, scope: &Scope) -> Result<Vec<AgentId>> {
    let mut found = Vec::new();
    let connected = agents::with_session_of_token(tx, scene.organization, token.id).await?;
    // Whoever is being given a job under the old scope is waited for, and found with it.
    reach::hold(tx, &connected).await?;
    for id in connected {
        // Inside or outside now: either way it may be another than before.
        scene.agent_changed(tx, id);
        let Some(agent) = agents::find(tx, scene.organization, id).await? else { continue };
        if !is_within(tx, scope, &agent).await? {
            found.push(id);
        }
    }
    Ok(found)
}
