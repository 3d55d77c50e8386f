//! `DateTime`: ISO 8601 in UTC.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use countersign_domain::Timestamp;

/// A point in time, ISO 8601 in UTC, such as `2026-01-02T03:04:05Z`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DateTime(pub Timestamp);

#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text.parse().map(Self).map_err(InputValueError::custom),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A column's time as a field's.
pub(crate) fn time(at: Option<Timestamp>) -> Option<DateTime> {
    at.map(DateTime)
}
