//! What of runs an agent may see and change: those that its token took, in deployments that the token reaches.

use countersign_domain::Scope;
use countersign_domain::id::{DagsterRunId, DeploymentId, OrganizationId, TokenId};
use countersign_store::dagster_runs::DagsterRun;
use countersign_store::tokens::scopes;
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

/// Where a token may read and write runs: one of its deployments, in its queues.
pub(super) struct Place {
    /// The deployment.
    pub id: DeploymentId,
    token: TokenId,
    scope: Scope,
}

impl Place {
    /// Whether a run is there, and the token's.
    pub(super) fn has(&self, run: &DagsterRun) -> bool {
        let is_its_queue = self.scope.allows_optional_queue(run.queue.as_deref());
        run.deployment == self.id && run.taken_by == Some(self.token) && is_its_queue
    }
}

/// What the token reaches of the deployment of this name, and the place that it has there.
pub(super) async fn deployment(
    tx: &mut Tx,
    of: OrganizationId,
    token: TokenId,
    name: &str,
) -> Result<(Reached, Option<Place>)> {
    let wanted = Wanted { deployments: vec![name.to_owned()], ..Wanted::default() };
    let scope = scopes::find(tx, of, token).await?.ok_or_else(Error::unknown)?;
    let reached = reach::within(tx, of, &scope, &wanted).await?;
    let found = reached.served.first().map(|it| Place { id: it.id, token, scope });
    Ok((reached, found))
}

/// The run, if this token took it there; nobody else changes it until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`]: of every other run a token knows nothing.
pub(super) async fn locked(tx: &mut Tx, of: OrganizationId, place: &Place, run: DagsterRunId) -> Result<DagsterRun> {
    let found = dagster_runs::lock(tx, of, run).await?;
    found.filter(|it| place.has(it)).ok_or(Error::NotFound("run"))
}
