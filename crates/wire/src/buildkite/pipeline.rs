//! `pipeline upload`: steps that a running job adds to its build.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lenient;

/// `POST /jobs/:id/pipelines?async=true`, once per document. Repeated with the same `uuid` after a lost answer: applied once.
///
/// Answered with 2xx when it is applied, with 202 and a `Location` when it will be, with 422 and a message when it cannot be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PipelineUpload {
    /// Names this upload, chosen by the client.
    pub uuid: String,
    /// The document: an object with `steps`.
    pub pipeline: Value,
    /// Put these steps in the place of those that have not started.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "lenient::is_false")]
    pub replace: bool,
}

/// The answer to `GET /jobs/:id/pipelines/:uuid`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PipelineUploadState {
    /// `applied`; `pending` or `processing`, which is asked for again; `rejected` or `failed`, which is final like every other word.
    pub state: String,
    /// Why, for people.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "String::is_empty")]
    pub message: String,
}
