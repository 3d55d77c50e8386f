//! What agents and the workers of runs read and write of runs: the part of Dagster's storage that is offered here.
//!
//! Each call names its deployment in a header, and is about runs that its token took.

mod events;
mod input;
mod runs;

use countersign_control::Error;
use countersign_wire::dagster::DEPLOYMENT_HEADER;

use crate::call::Call;
use crate::failure::Failure;

pub(crate) use events::{EventLogs, EventLogsByAgents};
pub(crate) use runs::{Runs, RunsByAgents, serialized};

/// The deployment that a call is about.
fn deployment(call: &Call) -> Result<String, Failure> {
    let why = "is missing; it names the deployment that the call is about";
    call.deployment.clone().ok_or_else(|| Error::invalid(DEPLOYMENT_HEADER, why).into())
}
