//! Code locations: what Dagster+ agents load for a deployment.
//!
//! ```text
//! set ── a row, and a request to look again ──> an agent takes it, loads, uploads ── tell ──> loaded or failed
//! ```
//!
//! An agent that runs looks at a location again only when it is asked to, so whatever changes one asks in the same transaction.

mod list;
mod ping;
mod reload;
mod remove;
mod set;
mod tell;

use countersign_domain::dagster::{LocationState, RequestKind};
use countersign_domain::id::{DagsterRequestId, DeploymentId, OrganizationId, UserId};
use countersign_store::dagster_requests::{self, NewRequest};
use countersign_store::deployments::{self, Deployment};
use countersign_store::{StoreError, Tx};

use crate::{Error, Result};

pub use countersign_domain::dagster::Definition;
pub use countersign_store::code_locations::{CodeLocation, Entry};
pub use countersign_store::dagster_requests::DagsterRequest;
pub use set::{NewLocation, Set};
pub use tell::{ASKED_AGAIN, CALM, MAX_ERROR, MAX_MANIFEST, MAX_REPOSITORIES, MissingJob, Outcome, Taken, Told};

/// Most code locations of one deployment: an agent starts a process for each.
pub const MAX_LOCATIONS: i64 = 500;

/// Most bytes that the definitions of one deployment's code locations are together, as they are kept: each of its agents reads them every five
/// seconds.
pub const MAX_DEFINITIONS: i64 = 4 * 1024 * 1024;

/// Where a code location stands.
#[must_use]
pub fn state(it: &CodeLocation) -> LocationState {
    LocationState::of(it.changed_at, it.told_at, it.error.is_some())
}

/// A deployment that is there.
async fn deployment(tx: &mut Tx, of: OrganizationId, id: DeploymentId) -> Result<Deployment> {
    deployments::find(tx, of, id).await?.ok_or(Error::NotFound("deployment"))
}

/// Asks the agents of a queue to look again at what a deployment has. One that waits already does for this change too.
async fn ask_to_check(
    tx: &mut Tx,
    of: OrganizationId,
    fresh: DagsterRequestId,
    deployment: &Deployment,
    queue: Option<&str>,
    by: UserId,
) -> std::result::Result<(), StoreError> {
    let kind = RequestKind::Check;
    if !dagster_requests::waits(tx, of, deployment.id, kind, queue).await? {
        let new = NewRequest {
            id: fresh,
            deployment: deployment.id,
            kind,
            location: None,
            queue,
            by: Some(by),
            run: None,
            only_for: None,
        };
        dagster_requests::insert(tx, of, &new).await?;
    }
    Ok(())
}

/// For a branch deployment an agent starts a code server only once it is asked for that location; for any other there is nothing to ask.
async fn ask_to_start(
    tx: &mut Tx,
    of: OrganizationId,
    fresh: DagsterRequestId,
    deployment: &Deployment,
    (name, queue): (&str, Option<&str>),
    by: UserId,
) -> std::result::Result<(), StoreError> {
    if deployment.parent.is_none() {
        return Ok(());
    }
    let (kind, location) = (RequestKind::Ping, Some(name));
    let by = Some(by);
    let new = NewRequest { id: fresh, deployment: deployment.id, kind, location, queue, by, run: None, only_for: None };
    dagster_requests::insert(tx, of, &new).await
}
