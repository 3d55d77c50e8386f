//! What of runs an agent may see and change: those that its token took, in deployments that the token reaches.

use countersign_domain::id::{DagsterRunId, OrganizationId, TokenId};
use countersign_store::dagster_runs::DagsterRun;
use countersign_store::deployments::Deployment;
use countersign_store::{Tx, dagster_runs};

use crate::dagster::{Reached, Wanted, reach};
use crate::{Error, Result};

/// Something of a deployment that a call names, with what its token reaches of that. Nothing when it reaches nothing.
#[derive(Debug, Clone)]
pub struct Of<T> {
    /// What the token reaches.
    pub reached: Reached,
    /// What was asked for.
    pub it: Option<T>,
}

/// What the token reaches of the deployment of this name, and the deployment.
pub(super) async fn deployment(
    tx: &mut Tx,
    of: OrganizationId,
    token: TokenId,
    name: &str,
) -> Result<(Reached, Option<Deployment>)> {
    let wanted = Wanted { deployments: vec![name.to_owned()], ..Wanted::default() };
    let reached = reach::reach(tx, of, token, &wanted).await?;
    let found = reached.served.first().cloned();
    Ok((reached, found))
}

/// The run, if this token took it in that deployment; nobody else changes it until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`]: of every other run a token knows nothing.
pub(super) async fn locked(
    tx: &mut Tx,
    of: OrganizationId,
    token: TokenId,
    deployment: &Deployment,
    run: DagsterRunId,
) -> Result<DagsterRun> {
    let found = dagster_runs::lock(tx, of, run).await?;
    let found = found.filter(|it| it.deployment == deployment.id && it.taken_by == Some(token));
    found.ok_or(Error::NotFound("run"))
}
