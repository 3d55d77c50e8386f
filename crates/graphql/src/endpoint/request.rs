//! The body of a request: `query`, `variables`, `operationName`. Other keys are passed over.

use async_graphql::Variables;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use countersign_http::{BadBody, Json, read_body};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;

/// The most bytes of a body: a pipeline of 1 MiB, escaped, and the document around it.
pub(super) const MAX_BODY: usize = 3 * 1024 * 1024;

/// What is asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub query: String,
    pub variables: Variables,
    pub operation: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    query: Option<String>,
    variables: Option<Value>,
    operation_name: Option<String>,
}

/// # Errors
/// A [`Failure`] that names what is wrong and repeats nothing of the body.
pub(super) async fn read(request: Request) -> Result<Asked, Failure> {
    let bytes = read_body(request, MAX_BODY).await.map_err(bad)?;
    if bytes.trim_ascii().first() == Some(&b'[') {
        return Err(malformed("Batches are not supported: send one operation per request, as a JSON object."));
    }
    let Json(wire) = Json::<Wire, MAX_BODY>::from_request(Request::new(Body::from(bytes)), &()).await.map_err(bad)?;
    asked(wire)
}

fn asked(wire: Wire) -> Result<Asked, Failure> {
    let query = wire.query.filter(|query| !query.trim().is_empty());
    let query = query.ok_or_else(|| malformed("The body has no `query`: send {\"query\": \"…\"}."))?;
    let operation = wire.operation_name.filter(|name| !name.is_empty());
    Ok(Asked { query, variables: variables(wire.variables)?, operation })
}

/// An object, null, or a text that holds one of these: Buildkite's own samples send `"variables": "{ }"`.
fn variables(given: Option<Value>) -> Result<Variables, Failure> {
    let wrong = || malformed("`variables` must be a JSON object, or a string that holds one.");
    let value = match given {
        Some(Value::String(text)) if text.trim().is_empty() => Value::Null,
        Some(Value::String(text)) => serde_json::from_str(&text).map_err(|_| wrong())?,
        Some(value) => value,
        None => Value::Null,
    };
    match value {
        Value::Null => Ok(Variables::default()),
        Value::Object(_) => Ok(Variables::from_json(value)),
        _ => Err(wrong()),
    }
}

fn malformed(message: &str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "malformed", message)
}

fn bad(body: BadBody) -> Failure {
    match body {
        BadBody::TooLarge(most) => {
            let message = format!("The body is larger than {most} bytes, the most that this call takes.");
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
        }
        BadBody::TooManyValues(most) => {
            let message = format!("The body holds more than {most} values, the most that this call takes.");
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
        }
        BadBody::CutOff => malformed("The body ended before it was whole; send it again."),
        BadBody::Malformed(what) => malformed(&what),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_variables(given: Value) -> Result<String, String> {
        let read = variables(Some(given)).map_err(|failure| failure.message)?;
        Ok(serde_json::to_string(&read).expect("variables are JSON"))
    }

    #[test]
    fn variables_come_as_an_object_as_null_and_as_text() {
        for nothing in [json!(null), json!(""), json!(" "), json!("{ }"), json!("null"), json!({})] {
            assert_eq!(read_variables(nothing.clone()).as_deref(), Ok("{}"), "{nothing}");
        }
        assert_eq!(read_variables(json!({"a": 1})).as_deref(), Ok("{\"a\":1}"));
        assert_eq!(read_variables(json!("{\"a\": [1]}")).as_deref(), Ok("{\"a\":[1]}"));
        for wrong in [json!(1), json!([]), json!("[]"), json!("{"), json!(true), json!("\"{}\"")] {
            assert!(read_variables(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
