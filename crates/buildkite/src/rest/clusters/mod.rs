//! Clusters: deployments under Buildkite's name.

pub(crate) mod queues;
pub(crate) mod tokens;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::{CreateDeployment, DeleteDeployment, UpdateDeployment, ViewOrganization};
use countersign_control::deployments::{Deletion, Deployment, DeploymentChange, NewDeployment};
use countersign_control::{Action, Control, Error};
use countersign_domain::Id;
use countersign_domain::id::{DeploymentId, UserId};
use countersign_http::global_id::Sort;
use http::{StatusCode, Uri};
use serde::Serialize;

use super::body::{Fields, renamed};
use super::query::Parameters;
use super::shapes::{Head, Person, Time};
use super::{InOrganization, page};
use crate::Failure;

/// What operations call a field that this API calls otherwise.
const NAMES: &[(&str, &str)] = &[("defaultQueueId", "default_queue_id"), ("expiresAt", "expires_at")];

/// A cluster. Nobody maintains one but the organization's admins.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    head: Head,
    name: String,
    description: Option<String>,
    emoji: Option<String>,
    color: Option<String>,
    default_queue_id: Option<String>,
    default_queue_url: Option<String>,
    queues_url: String,
    maintainers: Maintainers,
    created_at: Time,
    created_by: Option<Person>,
}

#[derive(Default, Serialize)]
struct Maintainers {
    users: [(); 0],
    teams: [(); 0],
}

/// The people in an answer, each asked for once.
#[derive(Default)]
struct People(HashMap<UserId, Option<countersign_control::organizations::User>>);

impl People {
    /// None for nobody, and for somebody who has left.
    async fn find<A: Action>(
        &mut self,
        control: &Control,
        call: &InOrganization<A>,
        id: Option<UserId>,
    ) -> Result<Option<Person>, Error> {
        let Some(id) = id else { return Ok(None) };
        let known = match self.0.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(match control.member(&call.may::<ViewOrganization>()?, id).await {
                Ok(member) => Some(member.user),
                Err(Error::NotFound(_)) => None,
                Err(error) => return Err(error),
            }),
        };
        Ok(known.clone().map(Person::from))
    }
}

/// The path of a cluster below its organization.
fn path(id: DeploymentId) -> String {
    format!("/clusters/{id}")
}

async fn shown<A: Action>(
    control: &Control,
    call: &InOrganization<A>,
    people: &mut People,
    it: Deployment,
) -> Result<Shown, Error> {
    let url = |below: &str| call.addresses.of(&call.organization, &format!("{}{below}", path(it.id)));
    let page = call.addresses.page(&format!("/organizations/{}{}", call.organization.slug, path(it.id)));
    Ok(Shown {
        head: Head::new(Sort::Cluster, it.id, url(""), page),
        default_queue_id: it.default_queue.map(|id| id.to_string()),
        default_queue_url: it.default_queue.map(|id| url(&format!("/queues/{id}"))),
        queues_url: url("/queues"),
        maintainers: Maintainers::default(),
        created_at: Time(it.created_at),
        created_by: people.find(control, call, it.created_by).await?,
        name: it.name,
        description: it.description,
        emoji: it.emoji,
        color: it.color,
    })
}

/// The cluster that the address names.
async fn named<A: Action>(control: &Control, call: &InOrganization<A>) -> Result<Deployment, Error> {
    let id: DeploymentId = call.named.id("cluster")?;
    control.deployment(&call.may::<ViewOrganization>()?, id).await?.ok_or(Error::NotFound("cluster"))
}

fn as_cluster(error: Error) -> Failure {
    match error {
        Error::NotFound("deployment") => Error::NotFound("cluster").into(),
        other => renamed(other, NAMES),
    }
}

/// `GET …/clusters`, by name. Branch deployments, which Buildkite does not know, are none of them.
pub(crate) async fn list(
    State(control): State<Control>,
    call: InOrganization<ViewOrganization>,
    wanted: page::Wanted,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, Failure> {
    parameters.finish()?;
    let mut all = control.deployments(&call.grant).await?;
    all.retain(|it| it.parent.is_none());
    let found = wanted.cut(all);
    let (mut people, mut answer) = (People::default(), Vec::new());
    for it in &found.items {
        answer.push(shown(&control, &call, &mut people, it.clone()).await?);
    }
    let path = format!("/organizations/{}/clusters", call.organization.slug);
    Ok(found.answer(answer, &call.addresses, &path, &page::filters(&uri)))
}

/// `GET …/clusters/{cluster}`
pub(crate) async fn show(
    State(control): State<Control>,
    call: InOrganization<ViewOrganization>,
) -> Result<Json<Shown>, Failure> {
    let found = named(&control, &call).await?;
    Ok(Json(shown(&control, &call, &mut People::default(), found).await?))
}

/// `POST …/clusters`
pub(crate) async fn create(
    State(control): State<Control>,
    call: InOrganization<CreateDeployment>,
    mut fields: Fields,
) -> Result<Response, Failure> {
    let name = fields.text("name")?.ok_or_else(|| Error::invalid("name", "is missing; a cluster needs one"))?;
    let new = NewDeployment {
        name,
        description: fields.text("description")?,
        emoji: fields.text("emoji")?,
        color: fields.text("color")?,
        ..NewDeployment::default()
    };
    fields.finish()?;
    let made = control.create_deployment(&call.grant, new).await.map_err(as_cluster)?;
    let answer = shown(&control, &call, &mut People::default(), made).await?;
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `PUT` and `PATCH …/clusters/{cluster}`: what is not named stays, and null takes away what can be taken away.
pub(crate) async fn update(
    State(control): State<Control>,
    call: InOrganization<UpdateDeployment>,
    mut fields: Fields,
) -> Result<Json<Shown>, Failure> {
    let wrong = |_| Error::invalid("default_queue_id", "is no id of a queue; take one from the cluster's queues");
    let default_queue = match fields.text_or_null("default_queue_id")? {
        Some(Some(text)) => Some(Some(text.parse::<Id<_>>().map_err(wrong)?)),
        Some(None) => Some(None),
        None => None,
    };
    let change = DeploymentChange {
        name: fields.text("name")?,
        description: fields.text_or_null("description")?,
        emoji: fields.text_or_null("emoji")?,
        color: fields.text_or_null("color")?,
        default_queue,
        ..DeploymentChange::of(call.named.id("cluster")?)
    };
    fields.finish()?;
    let changed = control.update_deployment(&call.grant, change).await.map_err(as_cluster)?;
    Ok(Json(shown(&control, &call, &mut People::default(), changed).await?))
}

/// `DELETE …/clusters/{cluster}`: one that holds work stays.
pub(crate) async fn delete(
    State(control): State<Control>,
    call: InOrganization<DeleteDeployment>,
) -> Result<StatusCode, Failure> {
    let deletion = Deletion { deployment: call.named.id("cluster")?, force: false };
    control.delete_deployment(&call.grant, deletion).await.map_err(as_cluster)?;
    Ok(StatusCode::NO_CONTENT)
}
