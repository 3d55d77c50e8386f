//! What a token reaches: deployments, queues and networks.

use std::collections::BTreeSet;

use countersign_domain::id::{DeploymentId, OrganizationId, TokenId};
use countersign_domain::{DeploymentScope, Network, QueueScope, Scope};

use crate::{StoreError, Tx, params, statements};

statements! {
    /// The three switches.
    FIND = "SELECT every_deployment, all_branches, any_queue FROM tokens WHERE organization_id = $1 AND id = $2";
    /// Sets the three switches; the generation grows.
    SET = "UPDATE tokens SET every_deployment = $3, all_branches = $4, any_queue = $5, generation = generation + 1
           WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
    /// Single deployments.
    DEPLOYMENTS = "SELECT deployment_id FROM token_deployments WHERE token_id = $1";
    /// The organization's deployments among them that are there.
    SINGLE = "SELECT m.deployment_id FROM token_deployments m JOIN deployments d ON d.id = m.deployment_id
           WHERE m.token_id = $1 AND d.organization_id = $2 AND d.deleted_at IS NULL";
    /// Forgets them.
    CLEAR_DEPLOYMENTS = "DELETE FROM token_deployments WHERE token_id = $1";
    /// Adds one of the organization's deployments, which stays until the transaction ends; a foreign one, and one that was deleted, select
    /// no row.
    ADD_DEPLOYMENT = "INSERT INTO token_deployments (token_id, deployment_id)
           SELECT $1, id FROM deployments WHERE organization_id = $2 AND id = $3 AND deleted_at IS NULL /*lock:share*/";
    /// Single queues.
    QUEUES = "SELECT queue FROM token_queues WHERE token_id = $1 ORDER BY queue";
    /// Forgets them.
    CLEAR_QUEUES = "DELETE FROM token_queues WHERE token_id = $1";
    /// Adds one.
    ADD_QUEUE = "INSERT INTO token_queues (token_id, queue) VALUES ($1, $2)";
    /// Networks, as they were given.
    NETWORKS = "SELECT network FROM token_networks WHERE token_id = $1 ORDER BY position";
    /// Forgets them.
    CLEAR_NETWORKS = "DELETE FROM token_networks WHERE token_id = $1";
    /// Adds one.
    ADD_NETWORK = "INSERT INTO token_networks (token_id, position, network) VALUES ($1, $2, $3)";
}

/// What a token reaches. None when the organization has no such token.
pub async fn find(tx: &mut Tx, of: OrganizationId, token: TokenId) -> Result<Option<Scope>, StoreError> {
    let Some(row) = tx.maybe(FIND, &params![of, token]).await? else { return Ok(None) };
    let deployments = if row.get("every_deployment")? {
        DeploymentScope::Every
    } else {
        let rows = tx.all(DEPLOYMENTS, &params![token]).await?;
        let deployments = rows.iter().map(|row| row.get("deployment_id")).collect::<Result<BTreeSet<_>, _>>()?;
        DeploymentScope::Only { deployments, all_branches: row.get("all_branches")? }
    };
    let queues = if row.get("any_queue")? {
        QueueScope::Any
    } else {
        let rows = tx.all(QUEUES, &params![token]).await?;
        QueueScope::Only(rows.iter().map(|row| row.parse("queue")).collect::<Result<_, _>>()?)
    };
    let rows = tx.all(NETWORKS, &params![token]).await?;
    let networks = rows.iter().map(|row| row.parse("network")).collect::<Result<_, _>>()?;
    Ok(Some(Scope { deployments, queues, networks }))
}

/// What is granted to a token one by one. It is kept also while the token reaches every deployment, and counts again once it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Single {
    /// Deployments, without those that were deleted.
    pub deployments: BTreeSet<DeploymentId>,
    /// All branch deployments.
    pub all_branches: bool,
}

/// What is granted to a token one by one, and whether it reaches every deployment besides. None when the organization has no such token.
pub async fn granted(tx: &mut Tx, of: OrganizationId, token: TokenId) -> Result<Option<(bool, Single)>, StoreError> {
    let Some(row) = tx.maybe(FIND, &params![of, token]).await? else { return Ok(None) };
    let rows = tx.all(SINGLE, &params![token, of]).await?;
    let deployments = rows.iter().map(|row| row.get("deployment_id")).collect::<Result<_, _>>()?;
    Ok(Some((row.get("every_deployment")?, Single { deployments, all_branches: row.get("all_branches")? })))
}

/// Replaces what a live token reaches; one that reaches every deployment has nothing granted one by one then. False when the token is gone, revoked, or a deployment is not the organization's:
/// the caller rolls back then.
pub async fn replace(tx: &mut Tx, of: OrganizationId, token: TokenId, to: &Scope) -> Result<bool, StoreError> {
    replace_beside(tx, of, token, to, &Single::default()).await
}

/// The same, with what is granted one by one beside every deployment; for a scope that names deployments that is what it names.
pub async fn replace_beside(
    tx: &mut Tx,
    of: OrganizationId,
    token: TokenId,
    to: &Scope,
    beside: &Single,
) -> Result<bool, StoreError> {
    let (every, single, branches) = match &to.deployments {
        DeploymentScope::Every => (true, &beside.deployments, beside.all_branches),
        DeploymentScope::Only { deployments, all_branches } => (false, deployments, *all_branches),
    };
    let any_queue = matches!(to.queues, QueueScope::Any);
    if tx.execute(SET, &params![of, token, every, branches, any_queue]).await? != 1 {
        return Ok(false);
    }
    tx.execute(CLEAR_DEPLOYMENTS, &params![token]).await?;
    tx.execute(CLEAR_QUEUES, &params![token]).await?;
    tx.execute(CLEAR_NETWORKS, &params![token]).await?;
    for deployment in single {
        if tx.execute(ADD_DEPLOYMENT, &params![token, of, *deployment]).await? != 1 {
            return Ok(false);
        }
    }
    if let QueueScope::Only(queues) = &to.queues {
        for queue in queues {
            tx.execute(ADD_QUEUE, &params![token, queue.as_str()]).await?;
        }
    }
    for (position, network) in (0_i64..).zip(&to.networks) {
        tx.execute(ADD_NETWORK, &params![token, position, network.to_string()]).await?;
    }
    Ok(true)
}

/// Only the networks that a token may be used from; none means any. Across organizations, for the check of a credential.
pub async fn networks(tx: &mut Tx, token: TokenId) -> Result<Vec<Network>, StoreError> {
    tx.all(NETWORKS, &params![token]).await?.iter().map(|row| row.parse("network")).collect()
}
