//! `POST /jobs/:id/annotations` and `DELETE /jobs/:id/annotations/:context`

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use countersign_control::Control;
use countersign_control::Error;
use countersign_control::access::actions::Annotate;
use countersign_control::builds::NewAnnotation;
use countersign_domain::annotation::MAX_BODY;
use countersign_http as face;
use countersign_wire::buildkite::{AnnotationQuery, AnnotationRequest};
use http::StatusCode;

use crate::{Done, Failure, OnJob};

/// The most bytes of the request: every byte of the longest body may be written as `\u003c`, and there is something around it.
const MAX_REQUEST: usize = 6 * MAX_BODY + 64 * 1024;

pub(crate) async fn annotate(
    State(control): State<Control>,
    OnJob(grant): OnJob<Annotate>,
    face::Json(request): face::Json<AnnotationRequest, MAX_REQUEST>,
) -> Result<(StatusCode, Done), Failure> {
    let new = NewAnnotation {
        body: request.body,
        context: request.context,
        style: request.style,
        append: request.append,
        priority: request.priority.map(i64::from),
        scope: request.scope,
    };
    control.annotate(&grant, new).await?;
    Ok((StatusCode::CREATED, Done {}))
}

/// The context comes percent-encoded, `/` and `.` too, and is decoded after the route was found.
pub(crate) async fn remove(
    State(control): State<Control>,
    OnJob(grant): OnJob<Annotate>,
    Path((_, context)): Path<(String, String)>,
    query: Result<Query<AnnotationQuery>, QueryRejection>,
) -> Result<Done, Failure> {
    let Ok(Query(AnnotationQuery { scope })) = query else {
        return Err(Error::invalid("scope", "must stand in the query once, as build or job").into());
    };
    control.remove_annotation(&grant, &context, scope.as_deref()).await?;
    Ok(Done {})
}
