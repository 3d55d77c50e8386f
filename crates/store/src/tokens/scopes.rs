//! What a token reaches: deployments, queues and networks.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::id::{DeploymentId, OrganizationId, TokenId};
use countersign_domain::text::QueueName;
use countersign_domain::{DeploymentScope, Network, QueueScope, Scope};

use crate::many::{self, ids};
use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// The three switches.
    FIND = "SELECT every_deployment, all_branches, any_queue FROM tokens WHERE organization_id = $1 AND id = $2";
    /// The three switches of several tokens.
    FIND_MANY = concat!("SELECT id, every_deployment, all_branches, any_queue FROM tokens WHERE /*plan:filter*/organization_id = $1 AND id IN ", ids!());
    /// Single deployments of several tokens.
    DEPLOYMENTS_OF_MANY = concat!("SELECT m.token_id, m.deployment_id FROM token_deployments m JOIN tokens t ON t.id = m.token_id
           WHERE /*plan:filter*/t.organization_id = $1 AND m.token_id IN ", ids!());
    /// Single queues of several tokens.
    QUEUES_OF_MANY = concat!("SELECT m.token_id, m.queue FROM token_queues m JOIN tokens t ON t.id = m.token_id
           WHERE /*plan:filter*/t.organization_id = $1 AND m.token_id IN ", ids!());
    /// Networks of several tokens, as they were given.
    NETWORKS_OF_MANY = concat!("SELECT m.token_id, m.network FROM token_networks m JOIN tokens t ON t.id = m.token_id
           WHERE /*plan:filter*/t.organization_id = $1 AND m.token_id IN ", ids!(), " ORDER BY m.position");
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

/// What each of several tokens reaches, by one statement per table. What the organization has not is not in it.
pub async fn find_many(
    tx: &mut Tx,
    of: OrganizationId,
    tokens: &[TokenId],
) -> Result<BTreeMap<TokenId, Scope>, StoreError> {
    let mut found = BTreeMap::new();
    for part in tokens.chunks(many::AT_ONCE) {
        let values = many::values(of, part);
        let mut deployments =
            by_token::<DeploymentId>(&tx.all(DEPLOYMENTS_OF_MANY, &values).await?, |row| row.get("deployment_id"))?;
        let mut queues = by_token::<QueueName>(&tx.all(QUEUES_OF_MANY, &values).await?, |row| row.parse("queue"))?;
        let mut networks = by_token::<Network>(&tx.all(NETWORKS_OF_MANY, &values).await?, |row| row.parse("network"))?;
        for row in tx.all(FIND_MANY, &values).await? {
            let id: TokenId = row.get("id")?;
            let single = deployments.remove(&id).unwrap_or_default();
            let named = queues.remove(&id).unwrap_or_default();
            let deployments = if row.get("every_deployment")? {
                DeploymentScope::Every
            } else {
                let deployments = single.into_iter().collect();
                DeploymentScope::Only { deployments, all_branches: row.get("all_branches")? }
            };
            let queues =
                if row.get("any_queue")? { QueueScope::Any } else { QueueScope::Only(named.into_iter().collect()) };
            let networks = networks.remove(&id).unwrap_or_default();
            found.insert(id, Scope { deployments, queues, networks });
        }
    }
    Ok(found)
}

/// What rows say, by the token that they are of, in their order.
fn by_token<T>(
    rows: &[Row],
    one: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<BTreeMap<TokenId, Vec<T>>, StoreError> {
    let mut found = BTreeMap::<TokenId, Vec<T>>::new();
    for row in rows {
        found.entry(row.get("token_id")?).or_default().push(one(row)?);
    }
    Ok(found)
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
