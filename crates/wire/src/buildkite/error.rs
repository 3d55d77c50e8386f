//! What every refused call answers.

use serde::{Deserialize, Serialize};

/// The body of every status that is not 2xx. Real agents read `message` only and decide on the status alone; `reason` and `token`
/// are additions that the native agent shows to people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    /// For people.
    pub message: String,
    /// Why a credential was refused, as one word: `unknown`, `revoked`, `rotated`, `expired`, `network`, `scope`, `kind`, `rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The refused token's public id, never its value. Only for a value whose secret verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_refusal_is_only_a_message() {
        let body = ErrorBody { message: "Not found".to_owned(), ..ErrorBody::default() };
        assert_eq!(serde_json::to_string(&body).expect("writes"), r#"{"message":"Not found"}"#);
        let read: ErrorBody =
            serde_json::from_str(r#"{"message":"m","reason":"revoked","token":"4f9Kd0aZ81b"}"#).expect("reads");
        assert_eq!((read.reason.as_deref(), read.token.as_deref()), (Some("revoked"), Some("4f9Kd0aZ81b")));
    }
}
