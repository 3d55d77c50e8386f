//! The caller's own credential, and who they are.

use axum::Json;
use axum::extract::State;
use countersign_control::access::actions::{RevokeUserToken, ViewOrganization, ViewUserTokens};
use countersign_control::user_tokens::UserTokenReference;
use countersign_control::{Action, Caller, Control, Error, Grant};
use http::StatusCode;
use serde::Serialize;

use super::shapes::{Person, Time};
use crate::{Failure, Granted};

/// What a user token of this server may do: what its holder's role may. These are the words for it that Buildkite's clients look for.
const SCOPES: &[&str] = &[
    "read_agents",
    "write_agents",
    "read_artifacts",
    "write_artifacts",
    "read_builds",
    "write_builds",
    "read_build_logs",
    "read_job_env",
    "read_organizations",
    "read_pipelines",
    "write_pipelines",
    "read_user",
    "graphql",
];

#[derive(Serialize)]
pub(crate) struct Shown {
    uuid: String,
    scopes: &'static [&'static str],
    description: Option<String>,
    created_at: Time,
    expires_at: Option<Time>,
    user: Holder,
}

#[derive(Serialize)]
struct Holder {
    email: String,
    name: String,
}

/// The token that the call is made with.
fn own<A: Action>(grant: &Grant<A>) -> Result<UserTokenReference, Error> {
    match grant.caller() {
        Caller::User(user) => user.token().map(UserTokenReference::Id).ok_or(Error::NotFound("user token")),
        _ => Err(Error::internal("a user token's action was granted to no person")),
    }
}

/// `GET /v2/access-token`
pub(crate) async fn show(
    State(control): State<Control>,
    Granted(grant): Granted<ViewUserTokens>,
) -> Result<Json<Shown>, Failure> {
    let token = control.user_token(&grant, own(&grant)?).await?;
    let Caller::User(user) = grant.caller() else {
        return Err(Error::internal("a user token's action was granted to no person").into());
    };
    Ok(Json(Shown {
        uuid: token.id.to_string(),
        scopes: SCOPES,
        description: token.description,
        created_at: Time(token.created_at),
        expires_at: token.expires_at.map(Time),
        user: Holder { email: user.email.clone(), name: user.name.clone() },
    }))
}

/// `DELETE /v2/access-token`: whoever holds a leaked token can take it back with nothing but itself.
pub(crate) async fn revoke(
    State(control): State<Control>,
    Granted(grant): Granted<RevokeUserToken>,
) -> Result<StatusCode, Failure> {
    control.revoke_user_token(&grant, own(&grant)?, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v2/user`
pub(crate) async fn user(
    State(control): State<Control>,
    Granted(grant): Granted<ViewOrganization>,
) -> Result<Json<Person>, Failure> {
    let Some(id) = grant.caller().user() else {
        return Err(Error::internal("a person's action was granted to no person").into());
    };
    Ok(Json(control.member(&grant, id).await?.user.into()))
}
