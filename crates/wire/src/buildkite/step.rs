//! Steps, builds and jobs, as a running job reads and changes them.

use serde::{Deserialize, Serialize};

use super::lenient;

/// `POST /steps/:id_or_key/export`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepExportRequest {
    /// Which attribute; absent means the whole step, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// The build that a key belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    /// `json` makes the output a JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// The answer to [`StepExportRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepExport {
    /// Always text.
    pub output: String,
}

/// `PUT /steps/:id_or_key`. The same `idempotency_uuid` is applied once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepUpdate {
    /// Names this change, chosen by the client.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "String::is_empty")]
    pub idempotency_uuid: String,
    /// The build that a key belongs to.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "String::is_empty")]
    pub build_id: String,
    /// Which attribute: `label`, `notify`, `priority`, `parallelism`.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "String::is_empty")]
    pub attribute: String,
    /// Its new value, as text.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Add to the value that is there.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "lenient::is_false")]
    pub append: bool,
}

/// `POST /steps/:id_or_key/cancel`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepCancel {
    /// The build that a key belongs to.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub build_id: String,
    /// Do not wait for agents that do not answer.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub force: bool,
    /// Seconds between the request and the force.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub force_grace_period: u32,
}

/// The answer to the cancelling of a step or a build: what was cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canceled {
    /// Its id.
    pub uuid: String,
}
