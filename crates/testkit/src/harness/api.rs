//! The calls that the tests load a server with.

use serde_json::{Value, json};

use super::http::{Answer, Call, Connection};
use super::moment::Instant;

/// What became of a call that changes something.
#[derive(Debug)]
pub enum Outcome<T> {
    /// It was acknowledged.
    Done(T),
    /// It was refused.
    Refused(Answer),
    /// There was no answer: it may have happened or not.
    Lost,
}

/// A token as its creation answered it.
#[derive(Debug, Clone)]
pub struct Created {
    /// Its global id.
    pub id: String,
    /// Its value.
    pub value: String,
}

impl Created {
    /// The public id, which is part of the value.
    #[must_use]
    pub fn public_id(&self) -> &str {
        public_id(&self.value)
    }
}

/// The public part of a token value.
#[must_use]
pub fn public_id(value: &str) -> &str {
    value.split('_').nth(1).unwrap_or_default()
}

/// The secret part of a token value: what nobody may find anywhere.
#[must_use]
pub fn secret_part(value: &str) -> &str {
    value.split('_').nth(2).unwrap_or_default()
}

/// A GraphQL document with its variables.
#[must_use]
pub fn graphql(user_token: &str, query: &str, variables: &Value) -> Call {
    Call::post("/graphql", &json!({ "query": query, "variables": variables })).bearer(user_token)
}

/// Creates an agent token.
#[must_use]
pub fn create_agent_token(user_token: &str, organization: &str, description: &str) -> Call {
    let query = "mutation($organization: ID!, $description: String) {
        agentTokenCreate(input: {organizationID: $organization, description: $description}) {
            tokenValue agentTokenEdge { node { id } } } }";
    graphql(user_token, query, &json!({ "organization": organization, "description": description }))
}

/// What [`create_agent_token`] answered.
#[must_use]
pub fn created_agent_token(answer: &Answer) -> Option<Created> {
    created(answer, "/data/agentTokenCreate/tokenValue", "/data/agentTokenCreate/agentTokenEdge/node/id")
}

/// Revokes an agent token.
#[must_use]
pub fn revoke_agent_token(user_token: &str, id: &str) -> Call {
    let query = "mutation($id: ID!) {
        agentTokenRevoke(input: {id: $id, reason: \"test\"}) { agentToken { revokedAt } } }";
    graphql(user_token, query, &json!({ "id": id }))
}

/// Whether [`revoke_agent_token`] was acknowledged.
#[must_use]
pub fn is_revoked(answer: &Answer) -> bool {
    answer.is_success()
        && answer.json().pointer("/data/agentTokenRevoke/agentToken/revokedAt").is_some_and(Value::is_string)
}

/// Creates a user token for its caller.
#[must_use]
pub fn create_user_token(user_token: &str, description: &str) -> Call {
    let query = "mutation($description: String) {
        userTokenCreate(input: {description: $description}) { tokenValue userToken { id } } }";
    graphql(user_token, query, &json!({ "description": description }))
}

/// What [`create_user_token`] answered.
#[must_use]
pub fn created_user_token(answer: &Answer) -> Option<Created> {
    created(answer, "/data/userTokenCreate/tokenValue", "/data/userTokenCreate/userToken/id")
}

/// Revokes one of the caller's own user tokens.
#[must_use]
pub fn revoke_user_token(user_token: &str, id: &str) -> Call {
    let query =
        "mutation($id: ID!) { userTokenRevoke(input: {id: $id, reason: \"test\"}) { userToken { revokedAt } } }";
    graphql(user_token, query, &json!({ "id": id }))
}

/// Whether [`revoke_user_token`] was acknowledged.
#[must_use]
pub fn is_user_token_revoked(answer: &Answer) -> bool {
    answer.is_success()
        && answer.json().pointer("/data/userTokenRevoke/userToken/revokedAt").is_some_and(Value::is_string)
}

/// Registers an agent.
#[must_use]
pub fn register(agent_token: &str, name: &str) -> Call {
    let body = json!({
        "name": name, "hostname": "host", "os": "linux", "arch": "amd64", "version": "3.137.0", "build": "1",
        "meta_data": ["queue=default"], "pid": 1, "features": [],
    });
    Call::post("/v3/register", &body).token(agent_token)
}

/// The session token that [`register`] answered.
#[must_use]
pub fn registered(answer: &Answer) -> Option<String> {
    let session = || Some(answer.json().get("access_token")?.as_str()?.to_owned());
    if answer.is_success() { session() } else { None }
}

/// Asks what an agent token stands for, which changes nothing.
#[must_use]
pub fn identify(agent_token: &str) -> Call {
    Call::get("/v3/token").token(agent_token)
}

/// Asks what there is to do, as an agent.
#[must_use]
pub fn ping(session: &str) -> Call {
    Call::get("/v3/ping").token(session)
}

/// The typed reason of a refusal.
#[must_use]
pub fn reason(answer: &Answer) -> String {
    answer.json().get("reason").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Sends a call once and reads its acknowledgement, and when that was read.
pub async fn ask<T>(
    connection: &mut Connection,
    call: &Call,
    acknowledged: impl Fn(&Answer) -> Option<T>,
) -> Outcome<(T, Instant)> {
    match connection.call(call).await {
        Err(_) => Outcome::Lost,
        Ok(answer) => match acknowledged(&answer) {
            Some(what) => Outcome::Done((what, answer.at)),
            None => Outcome::Refused(answer),
        },
    }
}

fn created(answer: &Answer, value: &str, id: &str) -> Option<Created> {
    let body = answer.json();
    let text = |pointer: &str| Some(body.pointer(pointer)?.as_str()?.to_owned());
    if answer.is_success() { Some(Created { id: text(id)?, value: text(value)? }) } else { None }
}
