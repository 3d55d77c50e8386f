//! `GET /dagster/check_snapshot`, `PUT /dagster/snapshots/:id/bytes` and `PUT /dagster/confirm_upload`: a snapshot is asked for, sent, confirmed.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::TellCodeLocation;
use countersign_control::dagster::{NewSnapshot, Snapshot, named, uri};
use countersign_control::{Control, Error};
use countersign_http::read_body;
use countersign_wire::dagster::{
    CheckSnapshotResult, ConfirmUploadResult, SNAPSHOT_FORMAT, SnapshotUploadData, StoredSnapshot, read_upload_data,
};
use http::StatusCode;

use crate::failure::Failure;

use super::{Named, text};
use crate::endpoint::MAX_BODY;

pub(crate) async fn check_snapshot(State(control): State<Control>, request: Request) -> Result<Response, Failure> {
    let (Named { call, grant, deployment }, request) = Named::<TellCodeLocation>::of(control, request).await?;
    let new = asked(deployment, request.uri().query().unwrap_or_default())?;
    let checked = call.control.check_dagster_snapshot(&grant, new).await?;
    call.left(checked.reached)?;
    let snapshot = checked.snapshot.ok_or_else(|| Error::internal("a snapshot that was asked for is not there"))?;
    let answer = match checked.address {
        None => CheckSnapshotResult { stored_snapshot: Some(stored(&snapshot)), upload_data: None },
        Some(address) => CheckSnapshotResult { stored_snapshot: None, upload_data: Some(to_send(&snapshot, address)) },
    };
    Ok(Json(answer).into_response())
}

/// What stands in the query; `formats` may stand there several times.
fn asked(deployment: String, query: &str) -> Result<NewSnapshot, Failure> {
    let (mut kind, mut sha1, mut size, mut fits) = (None, None, None, false);
    for part in query.split('&') {
        match part.split_once('=') {
            Some(("type", value)) => kind = Some(value.to_owned()),
            Some(("sha1", value)) => sha1 = Some(value.to_owned()),
            Some(("size", value)) => size = value.parse().ok(),
            Some(("formats", value)) => fits |= value == SNAPSHOT_FORMAT,
            _ => {}
        }
    }
    if !fits {
        return Err(Error::invalid("formats", format!("must have {SNAPSHOT_FORMAT} among them")).into());
    }
    let missing = |name: &str| Error::invalid(name, "is missing, or is not of its kind");
    Ok(NewSnapshot {
        deployment,
        kind: kind.ok_or_else(|| missing("type"))?,
        sha1: sha1.ok_or_else(|| missing("sha1"))?,
        size: size.ok_or_else(|| missing("size"))?,
    })
}

/// Without a token: whoever shows the address may.
pub(crate) async fn put_snapshot(
    State(control): State<Control>,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, Failure> {
    let id = id.parse().map_err(|_| Error::NotFound("snapshot"))?;
    if let Some(incoming) = control.begin_dagster_snapshot(id, request.uri().query().unwrap_or_default()).await? {
        let packed = read_body(request, incoming.most()).await?;
        incoming.finish(packed).await?;
    }
    Ok(StatusCode::OK)
}

pub(crate) async fn confirm_upload(State(control): State<Control>, request: Request) -> Result<Response, Failure> {
    let (Named { call, grant, deployment }, request) = Named::<TellCodeLocation>::of(control, request).await?;
    let data = read_upload_data(&text(request, MAX_BODY).await?).map_err(|why| Error::invalid("body", why))?;
    let checked = call.control.confirm_dagster_snapshot(&grant, deployment, named(&data.uri)?).await?;
    call.left(checked.reached)?;
    let snapshot = checked.snapshot.ok_or(Error::NotFound("snapshot"))?;
    Ok(Json(ConfirmUploadResult { stored_snapshot: stored(&snapshot) }).into_response())
}

pub(super) fn stored(it: &Snapshot) -> StoredSnapshot {
    StoredSnapshot {
        sha1: it.sha1.clone(),
        format: SNAPSHOT_FORMAT.to_owned(),
        uri: uri(it.id),
        decompressed_size: it.size,
    }
}

fn to_send(it: &Snapshot, address: String) -> SnapshotUploadData {
    SnapshotUploadData {
        sha1: it.sha1.clone(),
        format: SNAPSHOT_FORMAT.to_owned(),
        uri: uri(it.id),
        presigned_put_url: address,
        id: it.id.to_string(),
        kind: it.kind.to_string(),
    }
}
