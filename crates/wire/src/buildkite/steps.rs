//! Uploads, steps and builds: `POST /jobs/:id/pipelines`, `/steps/:id_or_key/…`, `POST /builds/:id/cancel`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lenient;

/// `POST /jobs/:id/pipelines`. Sent again under the same uuid after a lost answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadRequest {
    /// Names the upload.
    pub uuid: String,
    /// An object with `steps`.
    pub pipeline: Value,
    /// Whether steps of the build that have not begun give way.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "lenient::is_false")]
    pub replace: bool,
}

/// The answer to `GET /jobs/:id/pipelines/:uuid`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadState {
    /// `applied`, `pending`, `processing`, `rejected` or `failed`.
    pub state: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `POST /steps/:id_or_key/export`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepExport {
    /// One attribute; the whole step when there is none.
    pub attribute: Option<String>,
    /// The build; needed upstream where the step is named by its key.
    pub build_id: Option<String>,
    /// `json`: the answer's text is JSON.
    pub format: Option<String>,
}

/// The answer to it: always a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOutput {
    /// The text.
    pub output: String,
}

/// `PUT /steps/:id_or_key`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepUpdate {
    /// Names the change.
    pub idempotency_uuid: Option<String>,
    /// The build.
    pub build_id: Option<String>,
    /// What is changed.
    pub attribute: String,
    /// What it is to be.
    pub value: String,
    /// Whether the value is added to what is there.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub append: bool,
}

/// `POST /steps/:id_or_key/cancel`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepCancel {
    /// The build.
    pub build_id: Option<String>,
    /// Whether its jobs are not to be waited for.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub force: bool,
    /// Seconds after which they are not waited for.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub force_grace_period: i64,
}

/// An answer that names what was canceled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uuid {
    /// The step or build.
    pub uuid: String,
}
