//! What a token reaches: deployments, queues and networks.

use std::collections::BTreeSet;

use countersign_domain::id::{OrganizationId, TokenId};
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

/// Replaces what a live token reaches. False when the token is gone, revoked, or a deployment is not the organization's:
/// the caller rolls back then.
pub async fn replace(tx: &mut Tx, of: OrganizationId, token: TokenId, to: &Scope) -> Result<bool, StoreError> {
    let every = matches!(to.deployments, DeploymentScope::Every);
    let branches = match &to.deployments {
        DeploymentScope::Every => true,
        DeploymentScope::Only { all_branches, .. } => *all_branches,
    };
    let any_queue = matches!(to.queues, QueueScope::Any);
    if tx.execute(SET, &params![of, token, every, branches, any_queue]).await? != 1 {
        return Ok(false);
    }
    tx.execute(CLEAR_DEPLOYMENTS, &params![token]).await?;
    tx.execute(CLEAR_QUEUES, &params![token]).await?;
    tx.execute(CLEAR_NETWORKS, &params![token]).await?;
    if let DeploymentScope::Only { deployments, .. } = &to.deployments {
        for deployment in deployments {
            if tx.execute(ADD_DEPLOYMENT, &params![token, of, *deployment]).await? != 1 {
                return Ok(false);
            }
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
