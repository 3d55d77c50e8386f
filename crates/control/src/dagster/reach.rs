//! What of the deployments and queues that a call names its token reaches.

use std::fmt::Write as _;

use countersign_domain::id::{DeploymentId, OrganizationId, TokenId};
use countersign_domain::text::{DeploymentName, QueueName};
use countersign_domain::{DeploymentScope, PublicId, QueueScope, Refusal, Scope};
use countersign_store::dagster_requests::Served;
use countersign_store::deployments::{self, Deployment};
use countersign_store::tokens::{self, scopes};
use countersign_store::{StoreError, Tx};

use crate::access::{Action, AgentTokenCaller};
use crate::{Control, Error, Grant, Result};

/// The most deployments that one call may name.
pub const MAX_DEPLOYMENTS: usize = 200;
/// The most queues that one call may name.
pub const MAX_QUEUES: usize = 100;
/// How many names a refusal repeats.
const NAMES_SHOWN: usize = 10;

/// What a call is about.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Names of deployments.
    pub deployments: Vec<String>,
    /// Names of queues, where it is about queues; `None` is the queue without a name, and so is an empty list.
    pub queues: Option<Vec<Option<String>>>,
    /// Whether it is about branch deployments, of whatever name.
    pub branches: bool,
}

/// Why a call is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// The token reaches none of the deployments.
    Deployments,
    /// The token reaches none of the queues.
    Queues,
    /// The token does not reach branch deployments, and the call names no other.
    Branches,
}

/// What of a call's deployments its token reaches.
#[derive(Debug, Clone, Default)]
pub struct Reached {
    /// Those that it reaches, in the order in which they were named.
    pub served: Vec<Deployment>,
    /// The names that it does not reach, and those of no deployment: it is not to be learned which.
    pub refused: Vec<String>,
    /// Set when nothing of the call is left.
    pub withheld: Option<Withheld>,
}

impl Reached {
    /// Why the token with this public id may not do what was asked, for its operator. Names that no deployment can have are not repeated.
    #[must_use]
    pub fn words(&self, token: &PublicId) -> String {
        let advice = "An Organization Admin can widen its scope.";
        match self.withheld {
            Some(Withheld::Queues) => {
                return format!(
                    "The agent token {token} does not reach the queues of this agent (`{}` is the one without a name). {advice}",
                    QueueName::default()
                );
            }
            Some(Withheld::Branches) => {
                return format!("The agent token {token} does not reach branch deployments. {advice}");
            }
            Some(Withheld::Deployments) | None => {}
        }
        let mut names = String::new();
        for name in self.refused.iter().take(NAMES_SHOWN) {
            if !names.is_empty() {
                names.push_str(", ");
            }
            match name.parse::<DeploymentName>() {
                Ok(name) => write!(names, "`{}`", name.as_str()).unwrap_or_default(),
                Err(_) => names.push_str("a name that none can have"),
            }
        }
        if self.refused.len() > NAMES_SHOWN {
            write!(names, " and {} more", self.refused.len() - NAMES_SHOWN).unwrap_or_default();
        }
        let word = if self.refused.len() == 1 { "deployment" } else { "deployments" };
        format!(
            "The agent token {token} does not reach the {word} {names}: outside of its scope, or there is none of that name. {advice} \
             Or change the deployments in dagster.yaml."
        )
    }
}

impl Wanted {
    /// # Errors
    /// [`Error::Invalid`] for more names than there may be.
    pub(super) fn checked(self) -> Result<Self> {
        for (field, count, most) in [
            ("deployments", self.deployments.len(), MAX_DEPLOYMENTS),
            ("agentQueues", self.queues.as_ref().map_or(0, Vec::len), MAX_QUEUES),
        ] {
            if count > most {
                return Err(Error::invalid(
                    field,
                    format!("has {count} names; at most {most} are possible in one call"),
                ));
            }
        }
        Ok(self)
    }
}

/// What of it the token reaches now.
pub(crate) async fn reach(tx: &mut Tx, of: OrganizationId, token: TokenId, wanted: &Wanted) -> Result<Reached> {
    let scope = scopes::find(tx, of, token).await?.ok_or_else(Error::unknown)?;
    within(tx, of, &scope, wanted).await
}

/// What of it this scope reaches.
pub(crate) async fn within(tx: &mut Tx, of: OrganizationId, scope: &Scope, wanted: &Wanted) -> Result<Reached> {
    let mut reached = Reached::default();
    for name in &wanted.deployments {
        let found = match name.parse::<DeploymentName>() {
            Ok(name) => deployments::find_by_name(tx, of, name.as_str()).await?,
            Err(_) => None,
        };
        match found.filter(|it| scope.allows_deployment(it.id, it.parent.is_some())) {
            Some(it) if reached.served.iter().any(|known| known.id == it.id) => {}
            Some(it) => reached.served.push(it),
            None => reached.refused.push(name.clone()),
        }
    }
    let is_about_something = !wanted.deployments.is_empty() || wanted.branches;
    if is_about_something && wanted.queues.as_ref().is_some_and(|queues| !allows_a_queue(scope, queues)) {
        reached.refused.clone_from(&wanted.deployments);
        reached.served.clear();
        reached.withheld = Some(Withheld::Queues);
    } else if reached.served.is_empty() && !reached.refused.is_empty() && !(wanted.branches && reaches_branches(scope))
    {
        reached.withheld = Some(Withheld::Deployments);
    } else if wanted.deployments.is_empty() && wanted.branches && !reaches_branches(scope) {
        reached.withheld = Some(Withheld::Branches);
    }
    Ok(reached)
}

/// Whether the token stands and reaches the deployment, and that is there: asked when bytes come to an address that was signed for the token's
/// holder.
pub(crate) async fn stands(
    tx: &mut Tx,
    of: OrganizationId,
    token: TokenId,
    deployment: DeploymentId,
) -> std::result::Result<bool, StoreError> {
    let Some(deployment) = deployments::find(tx, of, deployment).await? else { return Ok(false) };
    let Some(token) = tokens::find(tx, of, token).await? else { return Ok(false) };
    let Some(scope) = scopes::find(tx, of, token.id).await? else { return Ok(false) };
    let has_expired = token.expires_at.is_some_and(|at| at <= tx.now());
    let reaches = scope.allows_deployment(deployment.id, deployment.parent.is_some());
    Ok(token.revoked_at.is_none() && !has_expired && reaches)
}

/// The queues of a call that are in scope: what is done for one is done for no other.
pub(super) fn served(scope: &Scope, wanted: &Wanted) -> Served {
    let none = [None];
    let named = wanted.queues.as_deref().filter(|queues| !queues.is_empty()).unwrap_or(&none);
    let mut served = Served::default();
    for queue in named.iter().filter(|queue| scope.allows_optional_queue(queue.as_deref())) {
        match queue {
            None => served.default = true,
            Some(name) => served.named.push(name.clone()),
        }
    }
    served
}

/// Whether one of the queues is in scope.
fn allows_a_queue(scope: &Scope, queues: &[Option<String>]) -> bool {
    match (&scope.queues, queues) {
        (QueueScope::Any, _) => true,
        (QueueScope::Only(_), []) => scope.allows_optional_queue(None),
        (QueueScope::Only(_), queues) => queues.iter().any(|queue| scope.allows_optional_queue(queue.as_deref())),
    }
}

/// Whether branch deployments are in scope, whatever their names.
pub(super) const fn reaches_branches(scope: &Scope) -> bool {
    matches!(scope.deployments, DeploymentScope::Every | DeploymentScope::Only { all_branches: true, .. })
}

impl Control {
    /// What of a call's deployments its token reaches. What it does not is counted among the token's refusals.
    pub(super) async fn reached<A: Action>(&self, grant: &Grant<A>, wanted: Wanted) -> Result<Reached> {
        let token = grant.agent_token()?;
        let input = (token.token, wanted.checked()?);
        let reached = self
            .read(grant, input, |tx, scene| {
                let (token, wanted) = &scene.input;
                Box::pin(reach(tx, scene.organization, *token, wanted))
            })
            .await?;
        self.note_refused(token, &reached);
        Ok(reached)
    }

    pub(crate) fn note_refused(&self, token: &AgentTokenCaller, reached: &Reached) {
        if reached.refused.is_empty() && reached.withheld.is_none() {
            return;
        }
        let AgentTokenCaller { organization, token, public_id, origin, .. } = token;
        self.count_refusal(*organization, *token, public_id, Refusal::Scope, origin.ip, self.now());
    }
}
