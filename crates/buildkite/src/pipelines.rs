//! `POST /jobs/:id/pipelines`: a job uploads steps to its build. Applied before the answer leaves, so that nobody need ask how it went.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::UploadPipeline;
use countersign_control::builds::Upload;
use countersign_control::{Control, Error};
use countersign_domain::pipeline::{MAX_NODES, MAX_TEXT};
use countersign_http::{BadBody, parse_json, read_body};
use countersign_wire::buildkite::{PipelineUpload, PipelineUploadState};

use crate::{Done, Failure, OnJob};

/// The most bytes of the request: JSON is longer than the YAML that it was.
const MAX_REQUEST: usize = 8 * MAX_TEXT;

/// The most values of the request: those of the pipeline, and what stands around it.
const MAX_VALUES: usize = MAX_NODES + 16;

/// Why an upload was not applied.
pub(crate) enum Refused {
    /// Its body cannot be read.
    Body(BadBody),
    /// Anything else.
    Upload(Failure),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Upload(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Body(bad) => bad.into_response(),
            Self::Upload(failure) => failure.into_response(),
        }
    }
}

/// `POST /jobs/:id/pipelines`. A job's uploads take turns, so that of many at once only one is in memory.
pub(crate) async fn upload(
    State(control): State<Control>,
    OnJob(grant): OnJob<UploadPipeline>,
    request: Request,
) -> Result<Done, Refused> {
    let _turn = control.upload_turn(&grant).await?;
    let body = read_body(request, MAX_REQUEST).await.map_err(Refused::Body)?;
    let read = move || -> Result<Upload, Refused> {
        let read: PipelineUpload = parse_json(&body, MAX_VALUES).map_err(Refused::Body)?;
        let PipelineUpload { uuid, pipeline, replace } = read;
        Ok(Upload { uuid, pipeline, replace })
    };
    control.upload_pipeline_with(&grant, read).await?;
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
