//! What calls about runs carry, by the names that agents have for it.

use async_graphql::{Enum, InputObject, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use serde::Serialize;

/// Text that is JSON.
pub(super) struct JsonString(pub String);

#[Scalar(name = "JSONString")]
impl ScalarType for JsonString {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            _ => Err(InputValueError::custom("must be a text")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// Which runs are asked for. What is not looked at here is refused where it is set.
#[derive(InputObject, Default)]
pub(super) struct RunsFilter {
    pub run_ids: Option<Vec<String>>,
    pub pipeline_name: Option<String>,
    pub statuses: Option<Vec<String>>,
    pub tags: Option<Vec<TagFilter>>,
    pub snapshot_id: Option<String>,
    pub updated_after: Option<f64>,
    pub updated_before: Option<f64>,
    pub created_after: Option<f64>,
    pub created_before: Option<f64>,
}

impl RunsFilter {
    /// The first thing that is set and not looked at.
    pub(super) fn beyond(&self) -> Option<&'static str> {
        [
            ("tags", self.tags.as_ref().is_some_and(|tags| !tags.is_empty())),
            ("snapshotId", self.snapshot_id.is_some()),
            ("updatedAfter", self.updated_after.is_some()),
            ("updatedBefore", self.updated_before.is_some()),
            ("createdAfter", self.created_after.is_some()),
            ("createdBefore", self.created_before.is_some()),
        ]
        .into_iter()
        .find_map(|(name, is_set)| is_set.then_some(name))
    }
}

/// A tag that runs must have.
#[derive(InputObject)]
pub(super) struct TagFilter {
    pub key: String,
    pub value: Option<String>,
    pub values: Option<Vec<String>>,
}

/// By what runs are put together.
#[derive(InputObject)]
pub(super) struct RunBucket {
    pub bucket_type: Option<BucketType>,
    pub tag_key: Option<String>,
    pub values: Option<Vec<String>>,
    pub bucket_limit: Option<i32>,
}

/// By what runs are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum BucketType {
    Job,
    Tag,
}

/// What the worker of a run tells.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventLogEntryInput {
    pub error_info: Option<ErrorInfoInput>,
    pub level: i64,
    pub user_message: Option<String>,
    pub run_id: String,
    pub timestamp: f64,
    pub step_key: Option<String>,
    pub pipeline_name: Option<String>,
    pub dagster_event: Option<DagsterEventInput>,
}

/// An exception, with what it came from.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorInfoInput {
    pub message: Option<String>,
    pub stack: Option<Vec<String>>,
    pub cls_name: Option<String>,
    pub cause: Option<Box<ErrorInfoInput>>,
}

/// What happened, where it is more than a line that the code logged.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DagsterEventInput {
    pub event_type_value: String,
    pub pipeline_name: Option<String>,
    pub step_handle_key: Option<String>,
    pub solid_handle_id: Option<String>,
    pub step_kind_value: Option<String>,
    pub logging_tags: Option<String>,
    pub event_specific_data: Option<String>,
    pub message: Option<String>,
    pub pid: Option<i64>,
    pub step_key: Option<String>,
}
