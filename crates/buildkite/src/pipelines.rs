//! `POST /jobs/:id/pipelines`: a job uploads steps to its build. Applied before the answer leaves, so that nobody need ask how it went.

use axum::Json;
use axum::extract::{Path, State};
use countersign_control::access::actions::UploadPipeline;
use countersign_control::builds::Upload;
use countersign_control::{Control, Error};
use countersign_domain::pipeline::MAX_TEXT;
use countersign_http as face;
use countersign_wire::buildkite::{PipelineUpload, PipelineUploadState};

use crate::{Done, Failure, OnJob};

/// The most bytes of the request: JSON is longer than the YAML that it was.
const MAX_REQUEST: usize = 8 * MAX_TEXT;

/// `POST /jobs/:id/pipelines`
pub(crate) async fn upload(
    State(control): State<Control>,
    OnJob(grant): OnJob<UploadPipeline>,
    face::Json(request): face::Json<PipelineUpload, MAX_REQUEST>,
) -> Result<Done, Failure> {
    let PipelineUpload { uuid, pipeline, replace } = request;
    control.upload_pipeline(&grant, Upload { uuid, pipeline, replace }).await?;
    Ok(Done {})
}

/// `GET /jobs/:id/pipelines/:uuid`
pub(crate) async fn state(
    State(control): State<Control>,
    OnJob(grant): OnJob<UploadPipeline>,
    path: Option<Path<(String, String)>>,
) -> Result<Json<PipelineUploadState>, Failure> {
    let Some(Path((_, uuid))) = path else { return Err(Error::NotFound("upload").into()) };
    control.upload_state(&grant, &uuid).await?;
    Ok(Json(PipelineUploadState { state: "applied".to_owned(), message: String::new() }))
}
