//! `pipeline upload`: steps that a job adds to its build.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use countersign_wire::buildkite::PipelineUpload;
use serde_json::Value;

use super::JobAccess;
use crate::{
    AgentError,
    api::{CallError, Retry, Uploaded, printable},
};

/// Longest wait before the first look at the state of an upload, whatever the server says.
const LONGEST_FIRST_WAIT: Duration = Duration::from_secs(120);

/// Refuses documents that hold the value of a secret variable: a pipeline is shown to everybody who may see the build.
///
/// # Errors
/// One does; the message says which, not what.
pub fn refuse_secrets(access: &JobAccess, documents: &[Value]) -> Result<(), AgentError> {
    for (index, document) in documents.iter().enumerate() {
        if holds_secret(access, document) {
            return Err(AgentError::bad_input(format!(
                "document {} holds the value of a variable whose name says that it is a secret (--redacted-vars); write $$NAME to have \
                 it filled in when the job runs, or give --allow-secrets",
                index + 1
            )));
        }
    }
    Ok(())
}

/// Strings and keys are looked at as they are: in the text of the document a line break would stand as two characters.
fn holds_secret(access: &JobAccess, value: &Value) -> bool {
    match value {
        Value::String(text) => access.holds_secret(text),
        Value::Array(list) => list.iter().any(|value| holds_secret(access, value)),
        Value::Object(map) => map.iter().any(|(key, value)| access.holds_secret(key) || holds_secret(access, value)),
        Value::Number(number) => access.holds_secret(&number.to_string()),
        Value::Null | Value::Bool(_) => false,
    }
}

/// Sends the documents, one after the other, and waits until each is applied.
///
/// # Errors
/// The server rejects one, and those after it are not sent; or it refuses or cannot be reached.
pub async fn upload(access: &JobAccess, documents: Vec<Value>, replace: bool) -> Result<(), AgentError> {
    let job = access.job()?;
    for (index, pipeline) in documents.into_iter().enumerate() {
        // A second document that replaced would take the first one's steps away.
        let upload = PipelineUpload { uuid: access.fresh_uuid(), pipeline, replace: replace && index == 0 };
        let attempts = AtomicU32::new(0);
        let next = || attempts.fetch_add(1, Ordering::Relaxed);
        let sent = access.call(Retry::PIPELINE, || access.api.upload_pipeline(job, &upload, next())).await;
        match sent.map_err(rejected)? {
            Uploaded::Applied => {}
            Uploaded::Later(wait) => {
                access.ambient.clock.sleep(wait.min(LONGEST_FIRST_WAIT)).await;
                wait_until_applied(access, job, &upload.uuid).await?;
            }
        }
    }
    Ok(())
}

async fn wait_until_applied(access: &JobAccess, job: &str, uuid: &str) -> Result<(), AgentError> {
    let attempts = AtomicU32::new(0);
    let next = || attempts.fetch_add(1, Ordering::Relaxed);
    let state = access.call(Retry::PIPELINE_STATUS, || access.api.pipeline_state(job, uuid, next())).await;
    let state = state.map_err(rejected)?;
    match state.state.as_str() {
        "applied" => Ok(()),
        word => Err(AgentError::bad_input(format!(
            "the server says that the pipeline is {}: {}",
            printable(word),
            printable(&state.message)
        ))),
    }
}

/// What is wrong with a pipeline is the server's message and nothing else.
fn rejected(error: CallError) -> AgentError {
    match &error {
        CallError::Refused(refused) if refused.status == 422 => {
            AgentError::bad_input(format!("the server rejects the pipeline: {}", refused.message))
        }
        _ => error.into(),
    }
}
