//! What a server's answer means: data, or the way that a command ends.

use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::failure::{Exit, Failure, Outcome};

/// The parts of an answer that are looked at.
#[derive(Deserialize)]
struct Answer {
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<Fault>,
    /// What is said outside GraphQL.
    message: Option<String>,
}

/// One of the errors.
#[derive(Deserialize)]
struct Fault {
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Extensions {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    #[serde(rename = "requestId", alias = "request_id")]
    request_id: Option<String>,
}

/// Reads the `data` of an answer.
pub(super) fn read<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Outcome<T> {
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        let exit = by_status(status).unwrap_or(Exit::Internal);
        return Err(Failure::new(
            exit,
            format!("answered {status}, and not as a Countersign server does; is the address right?"),
        ));
    };
    if let Some(fault) = answer.errors.first() {
        let exit = by_kind(&fault.extensions).or_else(|| by_status(status)).unwrap_or(Exit::BadInput);
        let request = fault.extensions.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
        return Err(Failure::new(exit, format!("{}{request}", as_flag(&fault.message))));
    }
    if !status.is_success() {
        let mut message = answer.message.unwrap_or_else(|| format!("answered {status}"));
        if status == StatusCode::NOT_FOUND {
            // A thing that is not there is said with 200: this is about the address.
            message.push_str(": no Countersign API is at this address; --server and COUNTERSIGN_SERVER take the server's own, without a path");
        }
        return Err(Failure::new(by_status(status).unwrap_or(Exit::Internal), message));
    }
    let data = answer.data.ok_or_else(|| Failure::internal("answered without data"))?;
    serde_json::from_value(data).map_err(|error| {
        Failure::internal(format!("answered something unexpected ({error}); is the server of another version?"))
    })
}

/// A message about a field, by the name that the command line has for it.
fn as_flag(message: &str) -> String {
    FLAGS
        .iter()
        .find_map(|(field, flag)| Some(format!("{flag}{}", message.strip_prefix(field)?)))
        .unwrap_or_else(|| message.to_owned())
}

/// Fields that the command line calls otherwise.
const FLAGS: [(&str, &str); 1] = [("expiresAt ", "--expires ")];

fn by_kind(extensions: &Extensions) -> Option<Exit> {
    [&extensions.kind, &extensions.code].into_iter().flatten().find_map(|word| {
        Some(match word.to_ascii_lowercase().as_str() {
            "unauthenticated" | "unauthorized" => Exit::Unauthenticated,
            "forbidden" | "denied" => Exit::Denied,
            "not_found" => Exit::NotFound,
            "invalid" | "validation" => Exit::BadInput,
            "conflict" => Exit::Conflict,
            "too_many" | "too_many_requests" => Exit::TooMany,
            "unavailable" | "storage_full" | "read_only" | "database" | "busy" => Exit::Unavailable,
            "internal" => Exit::Internal,
            _ => return None,
        })
    })
}

fn by_status(status: StatusCode) -> Option<Exit> {
    match status.as_u16() {
        401 => Some(Exit::Unauthenticated),
        403 => Some(Exit::Denied),
        404 => Some(Exit::NotFound),
        409 => Some(Exit::Conflict),
        429 => Some(Exit::TooMany),
        400..500 => Some(Exit::BadInput),
        502..=504 => Some(Exit::Unavailable),
        500..600 => Some(Exit::Internal),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(status: u16, body: &str) -> Exit {
        let status = StatusCode::from_u16(status).expect("a status");
        read::<Value>(status, body.as_bytes()).map_or_else(|failure| failure.exit, |_| Exit::Done)
    }

    #[test]
    fn each_kind_of_answer_has_its_exit_code() {
        let fault =
            |kind: &str| format!(r#"{{"data":null,"errors":[{{"message":"m","extensions":{{"type":"{kind}"}}}}]}}"#);
        assert_eq!(exit(200, r#"{"data":{"a":1}}"#), Exit::Done);
        assert_eq!(exit(200, &fault("forbidden")), Exit::Denied);
        assert_eq!(exit(200, &fault("not_found")), Exit::NotFound);
        assert_eq!(exit(200, &fault("conflict")), Exit::Conflict);
        assert_eq!(exit(200, r#"{"errors":[{"message":"no such field"}]}"#), Exit::BadInput);
        assert_eq!(exit(401, r#"{"message":"revoked","reason":"revoked","token":"abc"}"#), Exit::Unauthenticated);
        assert_eq!(exit(503, r#"{"message":"busy"}"#), Exit::Unavailable);
        assert_eq!(exit(503, "<html>"), Exit::Unavailable);
        assert_eq!(exit(200, "<html>"), Exit::Internal);
        assert_eq!(exit(500, r#"{"message":"internal","request_id":"r"}"#), Exit::Internal);
    }
}
