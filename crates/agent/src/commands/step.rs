//! `step get|update|cancel`, `build cancel`, `job update`: what a job reads and changes of its build.

use countersign_wire::buildkite::{StepCancel, StepExportRequest, StepUpdate};

use super::JobAccess;
use crate::{AgentError, api::Retry};

/// Which step, and of which build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepName {
    /// Its id or key: `--step`, `BUILDKITE_STEP_ID`.
    pub step: Option<String>,
    /// The build that a key belongs to: `--build`, `BUILDKITE_BUILD_ID`.
    pub build: Option<String>,
}

impl StepName {
    fn step(&self) -> Result<&str, AgentError> {
        self.step
            .as_deref()
            .ok_or_else(|| AgentError::bad_input("BUILDKITE_STEP_ID is not set; give the step with --step"))
    }
}

/// An attribute of a step, or the whole step as JSON.
///
/// # Errors
/// There is no such step or attribute, or the server refuses or cannot be reached.
pub async fn get(
    access: &JobAccess,
    name: &StepName,
    attribute: Option<&str>,
    format: Option<&str>,
) -> Result<String, AgentError> {
    let step = name.step()?;
    let request = StepExportRequest {
        attribute: attribute.map(str::to_owned),
        build_id: name.build.clone(),
        format: format.map(str::to_owned),
    };
    Ok(access.call(Retry::DATA_READ, || access.api.step_export(step, &request)).await?.output)
}

/// Changes an attribute of a step, or adds to it. Values of secret variables are taken out first.
///
/// # Errors
/// The attribute or its value is not taken, or the server refuses or cannot be reached.
pub async fn update(
    access: &JobAccess,
    name: &StepName,
    attribute: &str,
    value: &str,
    append: bool,
) -> Result<(), AgentError> {
    let step = name.step()?;
    let request = StepUpdate {
        idempotency_uuid: access.fresh_uuid(),
        build_id: name.build.clone().unwrap_or_default(),
        attribute: attribute.to_owned(),
        value: access.redact(value),
        append,
    };
    Ok(access.call(Retry::DATA_READ, || access.api.step_update(step, &request)).await?)
}

/// Cancels the jobs of a step. Answers the step's id.
///
/// # Errors
/// There is no such step, or the server refuses or cannot be reached.
pub async fn cancel(
    access: &JobAccess,
    name: &StepName,
    force: bool,
    force_grace_period: u32,
) -> Result<String, AgentError> {
    let step = name.step()?;
    let request = StepCancel { build_id: name.build.clone().unwrap_or_default(), force, force_grace_period };
    Ok(access.call(Retry::DATA_READ, || access.api.step_cancel(step, &request)).await?.uuid)
}

/// Cancels a build. Answers its id.
///
/// # Errors
/// There is no such build, or the server refuses or cannot be reached.
pub async fn cancel_build(access: &JobAccess, build: Option<&str>) -> Result<String, AgentError> {
    let build =
        build.ok_or_else(|| AgentError::bad_input("BUILDKITE_BUILD_ID is not set; give the build with --build"))?;
    Ok(access.call(Retry::ANNOTATE, || access.api.build_cancel(build)).await?.uuid)
}

/// Changes an attribute of the job, such as `timeout_in_minutes`.
///
/// # Errors
/// The attribute or its value is not taken, or the server refuses or cannot be reached.
pub async fn update_job(access: &JobAccess, attribute: &str, value: &str) -> Result<(), AgentError> {
    let job = access.job()?;
    let value = access.redact(value);
    access.call(Retry::DATA_SET, || access.api.job_update(job, attribute, &value)).await?;
    Ok(())
}
