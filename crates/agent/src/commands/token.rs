//! `oidc request-token` and `secret get`: values that a job is given, and that its log must not show.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_wire::{
    SecretText,
    buildkite::{JobSecret, OidcTokenRequest},
};
use serde_json::{Value, json};

use super::{JobAccess, local::JobApi};
use crate::{AgentError, ErrorKind, api::Retry};

/// Asks for an OIDC token. Before it is answered, it is taken out of the job's log by way of `log`.
///
/// # Errors
/// The server refuses or cannot be reached, or the log cannot be told.
pub async fn request_oidc(
    access: &JobAccess,
    request: &OidcTokenRequest,
    log: Option<&JobApi>,
) -> Result<SecretText, AgentError> {
    let job = access.job()?;
    let token = access.call(Retry::OIDC, || access.api.oidc_token(job, request)).await?.token;
    if let Some(log) = log {
        log.redact(token.clone()).await?;
    }
    Ok(token)
}

/// A token as the libraries of Google Cloud read it from a program.
///
/// # Errors
/// The token is no JWT with a time of expiry.
pub fn for_gcp(token: &SecretText) -> Result<Value, AgentError> {
    let claims = token.reveal().split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Value> = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
    let expiry = claims.and_then(|claims| claims.get("exp").and_then(Value::as_i64));
    let expiry = expiry.ok_or_else(|| AgentError::new(ErrorKind::Internal, "the token says nothing of its expiry"))?;
    Ok(json!({
        "version": 1,
        "success": true,
        "token_type": "urn:ietf:params:oauth:token-type:jwt",
        "id_token": token.reveal(),
        "expiration_time": expiry,
    }))
}

/// Asks for secrets. Before they are answered, they are taken out of the job's log by way of `log`.
///
/// # Errors
/// The server has none of this key or refuses, it cannot be reached, or the log cannot be told.
pub async fn secrets(access: &JobAccess, keys: &[String], log: Option<&JobApi>) -> Result<Vec<JobSecret>, AgentError> {
    let job = access.job()?;
    let mut secrets = Vec::new();
    for key in keys {
        let secret = access.call(Retry::SECRET, || access.api.secret(job, key)).await?;
        if let Some(log) = log {
            log.redact(secret.value.clone()).await?;
        }
        secrets.push(secret);
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_for_google_says_when_it_ends() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1800000000}"#);
        let shown = for_gcp(&SecretText::from(format!("h.{claims}.s"))).expect("a JWT");
        assert_eq!(shown["expiration_time"], 1_800_000_000_i64);
        assert!(for_gcp(&SecretText::new("opaque")).is_err());
    }
}
