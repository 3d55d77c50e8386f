//! `YAML`: a text.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// A text in YAML, of which JSON is a part.
#[derive(Debug, Clone)]
pub(crate) struct Yaml(pub String);

#[Scalar(name = "YAML")]
impl ScalarType for Yaml {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}
