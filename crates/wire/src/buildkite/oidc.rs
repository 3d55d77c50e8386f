//! Tokens with which a job proves to another service what it is.

use serde::{Deserialize, Serialize};

use super::lenient;
use crate::SecretText;

/// `POST /jobs/:id/oidc/tokens`. What is empty is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OidcTokenRequest {
    /// Who is to accept the token; the server's choice when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Seconds; the server's choice when absent or 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<i64>,
    /// Claims beyond the standard ones.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// Claims that are repeated as session tags for AWS.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub aws_session_tags: Vec<String>,
    /// The claim whose value is the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_claim: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcTokenResponse {
    /// The token.
    pub token: SecretText,
}
