//! OIDC tokens and secrets, which a running job asks for.

use serde::{Deserialize, Serialize};

use super::lenient;
use crate::SecretText;

/// `POST /jobs/:id/oidc/tokens`. Empty fields are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OidcTokenRequest {
    /// Whom the token is shown to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Seconds; absent lets the server choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
    /// Optional claims to add.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// Claims to add as tags of an AWS session.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub aws_session_tags: Vec<String>,
    /// The claim that becomes the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_claim: Option<String>,
}

/// The answer: a JWT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcToken {
    /// The token.
    pub token: SecretText,
}

/// The answer to `GET /jobs/:id/secrets?key=…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSecret {
    /// The key asked for.
    pub key: String,
    /// Its value.
    pub value: SecretText,
    /// The secret's id.
    #[serde(default)]
    pub uuid: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_are_left_out_and_values_are_not_shown() {
        assert_eq!(serde_json::to_string(&OidcTokenRequest::default()).expect("writes"), "{}");
        let secret: JobSecret = serde_json::from_str(r#"{"key":"K","value":"hunter2"}"#).expect("reads");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
