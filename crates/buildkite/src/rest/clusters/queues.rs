//! The queues of a cluster.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::{CreateQueue, DeleteQueue, PauseQueue, UpdateQueue, ViewQueues};
use countersign_control::deployments::Deployment;
use countersign_control::queues::{self, NewQueue, Queue, QueueChange, QueueReference, RETRY_AGENT_AFFINITY};
use countersign_control::{Action, Control, Error};
use countersign_http::global_id::Sort;
use http::{StatusCode, Uri};
use serde::Serialize;

use super::super::body::Fields;
use super::super::query::Parameters;
use super::super::shapes::{Head, Person, Time};
use super::super::{InOrganization, page};
use super::{People, as_cluster, named, path};
use crate::Failure;

/// A queue.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    head: Head,
    key: String,
    description: Option<String>,
    cluster_url: String,
    retry_agent_affinity: &'static str,
    dispatch_paused: bool,
    dispatch_paused_by: Option<Person>,
    dispatch_paused_at: Option<Time>,
    dispatch_paused_note: Option<String>,
    created_at: Time,
    created_by: Option<Person>,
}

async fn shown<A: Action>(
    control: &Control,
    call: &InOrganization<A>,
    people: &mut People,
    it: Queue,
) -> Result<Shown, Error> {
    let below = format!("{}/queues/{}", path(it.deployment), it.id);
    let page = call.addresses.page(&format!("/organizations/{}{below}", call.organization.slug));
    Ok(Shown {
        head: Head::new(Sort::ClusterQueue, it.id, call.addresses.of(&call.organization, &below), page),
        key: it.name,
        description: it.description,
        cluster_url: call.addresses.of(&call.organization, &path(it.deployment)),
        retry_agent_affinity: RETRY_AGENT_AFFINITY,
        dispatch_paused: it.paused_at.is_some(),
        dispatch_paused_by: people.find(control, call, it.paused_by).await?,
        dispatch_paused_at: it.paused_at.map(Time),
        dispatch_paused_note: it.paused_note,
        created_at: Time(it.created_at),
        created_by: people.find(control, call, it.created_by).await?,
    })
}

async fn answer<A: Action>(control: &Control, call: &InOrganization<A>, it: Queue) -> Result<Json<Shown>, Failure> {
    Ok(Json(shown(control, call, &mut People::default(), it).await?))
}

/// The queue that the address names, with its cluster.
async fn found<A: Action>(control: &Control, call: &InOrganization<A>) -> Result<(Deployment, Queue), Error> {
    let cluster = named(control, call).await?;
    let queue = control.queue(&call.may::<ViewQueues>()?, call.named.id("queue")?).await?.queue;
    if queue.deployment == cluster.id { Ok((cluster, queue)) } else { Err(Error::NotFound("queue")) }
}

fn check_affinity(fields: &mut Fields) -> Result<(), Error> {
    const FIELD: &str = "retry_agent_affinity";
    queues::check_affinity(FIELD, fields.text(FIELD)?.as_deref())
}

/// `GET …/clusters/{cluster}/queues`, by name.
pub(crate) async fn list(
    State(control): State<Control>,
    call: InOrganization<ViewQueues>,
    wanted: page::Wanted,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, Failure> {
    parameters.finish()?;
    let cluster = named(&control, &call).await?;
    let found = wanted.cut(control.queues_of(&call.grant, cluster.id).await?);
    let (mut people, mut answer) = (People::default(), Vec::new());
    for it in &found.items {
        answer.push(shown(&control, &call, &mut people, it.queue.clone()).await?);
    }
    let path = format!("/organizations/{}{}/queues", call.organization.slug, path(cluster.id));
    Ok(found.answer(answer, &call.addresses, &path, &page::filters(&uri)))
}

/// `GET …/queues/{queue}`
pub(crate) async fn show(
    State(control): State<Control>,
    call: InOrganization<ViewQueues>,
) -> Result<Json<Shown>, Failure> {
    let (_, queue) = found(&control, &call).await?;
    answer(&control, &call, queue).await
}

/// `POST …/queues`
pub(crate) async fn create(
    State(control): State<Control>,
    call: InOrganization<CreateQueue>,
    mut fields: Fields,
) -> Result<Response, Failure> {
    check_affinity(&mut fields)?;
    let new = NewQueue {
        deployment: call.named.id("cluster")?,
        key: fields.text("key")?.ok_or_else(|| Error::invalid("key", "is missing; a queue needs one"))?,
        description: fields.text("description")?,
    };
    fields.finish()?;
    let made = control.create_queue(&call.grant, new).await.map_err(as_cluster)?;
    Ok((StatusCode::CREATED, answer(&control, &call, made).await?).into_response())
}

/// `PUT` and `PATCH …/queues/{queue}`: what is not named stays.
pub(crate) async fn update(
    State(control): State<Control>,
    call: InOrganization<UpdateQueue>,
    mut fields: Fields,
) -> Result<Json<Shown>, Failure> {
    let (_, queue) = found(&control, &call).await?;
    check_affinity(&mut fields)?;
    let change = QueueChange { queue: queue.id, description: fields.text_or_null("description")? };
    fields.finish()?;
    let changed = control.update_queue(&call.grant, change).await?;
    answer(&control, &call, changed).await
}

/// `DELETE …/queues/{queue}`: one that holds work stays.
pub(crate) async fn delete(
    State(control): State<Control>,
    call: InOrganization<DeleteQueue>,
) -> Result<StatusCode, Failure> {
    let (_, queue) = found(&control, &call).await?;
    control.delete_queue(&call.grant, queue.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST …/queues/{queue}/pause_dispatch`. The note has two names: Buildkite's documentation has one, and its clients send the other.
pub(crate) async fn pause(
    State(control): State<Control>,
    call: InOrganization<PauseQueue>,
    mut fields: Fields,
) -> Result<Json<Shown>, Failure> {
    let (cluster, queue) = found(&control, &call).await?;
    let note = match (fields.text("note")?, fields.text("dispatch_paused_note")?) {
        (Some(_), Some(_)) => return Err(Error::invalid("note", "stands there twice; give one of the two").into()),
        (note, other) => note.or(other),
    };
    fields.finish()?;
    if queue.paused_at.is_some() {
        return Err(Error::Conflict("Cluster queue is already paused".to_owned()).into());
    }
    let reference = QueueReference { deployment: Some(cluster.name), queue: queue.name };
    let paused = control.pause_queue_dispatch(&call.grant, reference, note).await?;
    answer(&control, &call, paused).await
}

/// `POST …/queues/{queue}/resume_dispatch`
pub(crate) async fn resume(
    State(control): State<Control>,
    call: InOrganization<PauseQueue>,
) -> Result<Json<Shown>, Failure> {
    let (cluster, queue) = found(&control, &call).await?;
    if queue.paused_at.is_none() {
        return Err(Error::Conflict("Cluster queue is not paused".to_owned()).into());
    }
    let reference = QueueReference { deployment: Some(cluster.name), queue: queue.name };
    let resumed = control.resume_queue_dispatch(&call.grant, reference).await?;
    answer(&control, &call, resumed).await
}
