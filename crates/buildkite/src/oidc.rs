//! `POST /jobs/:id/oidc/tokens`, and what whoever verifies such a token reads.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_control::Control;
use countersign_control::access::actions::RequestOidcToken;
use countersign_control::oidc::{Discovery, TokenRequest};
use countersign_http as face;
use countersign_wire::SecretText;
use countersign_wire::buildkite::{OidcTokenRequest, OidcTokenResponse};
use http::header::CACHE_CONTROL;

use crate::{Failure, OnJob};

/// For how long the key set may be kept: far below the time for which a key is published before it signs.
const KEEP_KEY_SET: &str = "public, max-age=3600";

pub(crate) async fn issue(
    State(control): State<Control>,
    OnJob(grant): OnJob<RequestOidcToken>,
    face::Json(request): face::Json<OidcTokenRequest>,
) -> Result<Response, Failure> {
    let asked = TokenRequest {
        audience: request.audience,
        lifetime: request.lifetime,
        claims: request.claims,
        aws_session_tags: request.aws_session_tags,
        subject_claim: request.subject_claim,
    };
    let token = control.request_oidc_token(&grant, asked).await?;
    let body = OidcTokenResponse { token: SecretText::new(token.reveal()) };
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

pub(crate) async fn discovery(State(control): State<Control>) -> Json<Discovery> {
    Json(control.oidc_discovery())
}

pub(crate) async fn key_set(State(control): State<Control>) -> Result<Response, Failure> {
    let keys = control.oidc_key_set().await?;
    Ok(([(CACHE_CONTROL, KEEP_KEY_SET)], Json(keys)).into_response())
}
