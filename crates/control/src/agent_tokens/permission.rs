//! Dagster's way to say what an agent token reaches: one permission at a time, the whole organization being one of them.

use countersign_domain::id::TokenId;
use countersign_domain::{DeploymentScope, Scope};
use countersign_store::tokens::scopes::{self, Single};
use countersign_store::{Tx, deployments, numbers};
use serde_json::json;

use crate::access::actions::ViewAgentTokens;
use crate::{Control, Error, Grant, Result, Scene, input};

/// What a permission is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaching {
    /// Every deployment of the organization, branch deployments too: *Org Agent*.
    Organization,
    /// All branch deployments.
    AllBranches,
    /// One deployment, by its number.
    Deployment(i64),
}

/// A permission that is given or taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// What it is for.
    pub reaching: Reaching,
    /// Whether the token is to have it.
    pub is_given: bool,
}

impl Permission {
    /// For an audit row.
    pub(super) fn in_words(self) -> serde_json::Value {
        let given = if self.is_given { "given" } else { "taken" };
        match self.reaching {
            Reaching::Organization => json!({ given: "organization" }),
            Reaching::AllBranches => json!({ given: "all_branch_deployments" }),
            Reaching::Deployment(number) => json!({ given: "deployment", "number": number }),
        }
    }
}

/// The permissions of a token. Those for single deployments are kept beside the one for the organization, and count once that is taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// Whether it reaches every deployment.
    pub organization: bool,
    /// Whether it reaches all branch deployments.
    pub all_branches: bool,
    /// The numbers of single deployments that it reaches, the lowest first.
    pub deployments: Vec<i64>,
}

impl Control {
    /// The permissions of one of the organization's agent tokens.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn agent_token_permissions(&self, grant: &Grant<ViewAgentTokens>, id: TokenId) -> Result<Permissions> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                let (organization, single) = granted(tx, scene, scene.input).await?;
                let single_ids: Vec<_> = single.deployments.iter().copied().collect();
                let mut deployments: Vec<i64> = numbers::of(tx, of, &single_ids).await?.into_values().collect();
                deployments.sort_unstable();
                Ok(Permissions { organization, all_branches: single.all_branches, deployments })
            })
        })
        .await
    }
}

async fn granted<I: Sync>(tx: &mut Tx, scene: &Scene<I>, id: TokenId) -> Result<(bool, Single)> {
    scopes::granted(tx, scene.organization, id).await?.ok_or(Error::NotFound("agent token"))
}

/// The scope that a token has with a permission more or less, and what stays granted beside it. The token is kept still.
pub(super) async fn apply<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    id: TokenId,
    permission: Permission,
) -> Result<(Scope, Single)> {
    let of = scene.organization;
    let (mut every, mut single) = granted(tx, scene, id).await?;
    let Permission { reaching, is_given } = permission;
    match reaching {
        Reaching::Organization => every = is_given,
        Reaching::AllBranches => single.all_branches = is_given,
        Reaching::Deployment(number) => {
            let id = numbers::subject(tx, of, number).await?;
            let found = match id {
                Some(id) => deployments::find(tx, of, id).await?,
                None => None,
            };
            let id = found.ok_or(Error::NotFound("deployment"))?.id;
            let _: bool = if is_given { single.deployments.insert(id) } else { single.deployments.remove(&id) };
        }
    }
    if !every && single == Single::default() {
        let why = "This is the last permission of the token, and without one it could be used for nothing. Give it another one first, or \
                   revoke the token.";
        return Err(Error::Conflict(why.to_owned()));
    }
    let before = scopes::find(tx, of, id).await?.ok_or(Error::NotFound("agent token"))?;
    let Single { deployments, all_branches } = single.clone();
    let narrow = Scope { deployments: DeploymentScope::Only { deployments, all_branches }, ..before };
    if single != Single::default() {
        // Also beside the whole organization, so that taking that away does not fail for their number.
        input::field("scope", narrow.clone().checked())?;
    }
    let scope = if every { Scope { deployments: DeploymentScope::Every, ..narrow } } else { narrow };
    Ok((scope, single))
}
