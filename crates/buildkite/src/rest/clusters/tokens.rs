//! The agent tokens of a cluster. A value is in the answer that makes it, and in no other.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::{CreateAgentToken, RevokeAgentToken, UpdateAgentToken, ViewAgentTokens};
use countersign_control::agent_tokens::{AgentToken, AgentTokenChange, NewAgentToken, Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::{Action, Control, Error};
use countersign_domain::id::TokenId;
use countersign_domain::{Network, Scope, Timestamp};
use countersign_http::global_id::Sort;
use http::{StatusCode, Uri};
use serde::Serialize;

use super::super::body::{Fields, renamed};
use super::super::query::Parameters;
use super::super::shapes::{Head, Person, Time};
use super::super::{InOrganization, page};
use super::{NAMES, People, as_cluster, named, path};
use crate::Failure;

/// Why a token was revoked: this call has no place for a reason.
const REASON: &str = "Revoked over the REST API, which takes no reason.";

/// A token of a cluster.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    head: Head,
    description: Option<String>,
    allowed_ip_addresses: String,
    expires_at: Option<Time>,
    cluster_url: Option<String>,
    created_at: Time,
    created_by: Option<Person>,
    last_used_at: Option<Time>,
    last_used_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

async fn shown<A: Action>(
    control: &Control,
    call: &InOrganization<A>,
    people: &mut People,
    it: AgentToken,
) -> Result<Shown, Error> {
    let cluster = it.cluster();
    let of = cluster.map(path).unwrap_or_default();
    let below = format!("{of}/tokens/{}", it.token.id);
    let page = call.addresses.page(&format!("/organizations/{}{below}", call.organization.slug));
    Ok(Shown {
        head: Head::new(Sort::ClusterToken, it.token.id, call.addresses.of(&call.organization, &below), page),
        description: it.token.description,
        allowed_ip_addresses: it.scope.network_texts().join(" "),
        expires_at: it.token.expires_at.map(Time),
        cluster_url: cluster.map(|id| call.addresses.of(&call.organization, &path(id))),
        created_at: Time(it.token.created_at),
        created_by: people.find(control, call, it.token.created_by).await?,
        last_used_at: it.token.last_used_at.map(Time),
        last_used_ip: it.token.last_used_ip,
        token: None,
    })
}

/// The token that the address names. One that was revoked is found only where `revoked` says so: revoking again is no fault.
async fn found<A: Action>(control: &Control, call: &InOrganization<A>, revoked: bool) -> Result<AgentToken, Error> {
    let cluster = named(control, call).await?;
    let id: TokenId = call.named.id("token")?;
    let token = control.cluster_token(&call.may::<ViewAgentTokens>()?, id).await?;
    if token.cluster() == Some(cluster.id) && (revoked || token.token.revoked_at.is_none()) {
        Ok(token)
    } else {
        Err(Error::NotFound("cluster agent token"))
    }
}

/// Networks with blanks between, as clients write them.
fn networks(fields: &mut Fields) -> Result<Option<Vec<Network>>, Error> {
    const FIELD: &str = "allowed_ip_addresses";
    let Some(text) = fields.text(FIELD)? else { return Ok(None) };
    let read = |text: &str| text.parse().map_err(|why| Error::invalid(FIELD, why));
    text.split_whitespace().map(read).collect::<Result<_, _>>().map(Some)
}

fn expiry(fields: &mut Fields) -> Result<Option<Timestamp>, Error> {
    let Some(text) = fields.text("expires_at")? else { return Ok(None) };
    text.parse().map(Some).map_err(|why| Error::invalid("expires_at", why))
}

/// `GET …/clusters/{cluster}/tokens`, newest first.
pub(crate) async fn list(
    State(control): State<Control>,
    call: InOrganization<ViewAgentTokens>,
    wanted: page::Wanted,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, Failure> {
    parameters.finish()?;
    let cluster = named(&control, &call).await?;
    let found = wanted
        .read_from(
            |asked| control.cluster_tokens(&call.grant, cluster.id, asked),
            |it: &AgentToken| it.token.id,
            |_| true,
        )
        .await?;
    let (mut people, mut answer) = (People::default(), Vec::new());
    for it in &found.items {
        answer.push(shown(&control, &call, &mut people, it.clone()).await?);
    }
    let path = format!("/organizations/{}{}/tokens", call.organization.slug, path(cluster.id));
    Ok(found.answer(answer, &call.addresses, &path, &page::filters(&uri)))
}

/// `GET …/tokens/{token}`
pub(crate) async fn show(
    State(control): State<Control>,
    call: InOrganization<ViewAgentTokens>,
) -> Result<Json<Shown>, Failure> {
    let token = found(&control, &call, false).await?;
    Ok(Json(shown(&control, &call, &mut People::default(), token).await?))
}

/// `POST …/tokens`
pub(crate) async fn create(
    State(control): State<Control>,
    call: InOrganization<CreateAgentToken>,
    mut fields: Fields,
) -> Result<Response, Failure> {
    let description = fields.text("description")?;
    let description =
        description.ok_or_else(|| Error::invalid("description", "is missing; say what the token is for"))?;
    let new = NewAgentToken {
        description: Some(description),
        expires_at: expiry(&mut fields)?,
        scope: Some(Scope { networks: networks(&mut fields)?.unwrap_or_default(), ..Scope::widest() }),
        ..NewAgentToken::default()
    };
    fields.finish()?;
    let issued = control.create_cluster_token(&call.grant, call.named.id("cluster")?, new).await.map_err(as_cluster)?;
    let mut answer = shown(&control, &call, &mut People::default(), issued.token).await?;
    answer.token = Some(issued.secret.reveal().to_owned());
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `PUT` and `PATCH …/tokens/{token}`: what is not named stays. An expiry cannot be changed here.
pub(crate) async fn update(
    State(control): State<Control>,
    call: InOrganization<UpdateAgentToken>,
    mut fields: Fields,
) -> Result<Json<Shown>, Failure> {
    let before = found(&control, &call, false).await?;
    if expiry(&mut fields)?.is_some_and(|at| Some(at) != before.token.expires_at) {
        let why = "cannot be changed by this call; leave it out, or use agentTokenUpdate of the GraphQL API";
        return Err(Error::invalid("expires_at", why).into());
    }
    let change = AgentTokenChange {
        description: fields.text("description")?.map(Some),
        networks: networks(&mut fields)?,
        ..AgentTokenChange::nothing(TokenReference::Id(before.token.id))
    };
    fields.finish()?;
    let names = [NAMES, &[("networks", "allowed_ip_addresses")]].concat();
    let changed = control.update_agent_token(&call.grant, change).await.map_err(|error| renamed(error, &names))?;
    Ok(Json(shown(&control, &call, &mut People::default(), changed.token).await?))
}

/// `DELETE …/tokens/{token}`: takes it back. Agents that are connected with it stay.
pub(crate) async fn revoke(
    State(control): State<Control>,
    call: InOrganization<RevokeAgentToken>,
) -> Result<StatusCode, Failure> {
    let token = found(&control, &call, true).await?;
    let revocation = Revocation {
        token: TokenReference::Id(token.token.id),
        reason: REASON.to_owned(),
        connected_agents: Reach::Keep,
        expected: None,
    };
    control.revoke_agent_token(&call.grant, revocation).await?;
    Ok(StatusCode::NO_CONTENT)
}
