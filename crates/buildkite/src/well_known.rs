//! What anyone may read, without a credential.

use axum::Router;
use axum::routing::get;
use countersign_control::Control;

use crate::oidc;

pub(crate) fn router() -> Router<Control> {
    Router::new()
        .route("/.well-known/openid-configuration", get(oidc::discovery))
        .route("/.well-known/jwks", get(oidc::key_set))
}
