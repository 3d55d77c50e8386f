//! Artifacts: announcing, ending and searching with a job token; the bytes with signed addresses.

mod download;
mod form;
mod progress;
mod upload;

use axum::Json;
use axum::extract::{Query, State};
use countersign_control::access::actions::{ReadArtifacts, UploadArtifacts};
use countersign_control::artifacts::{Announced, Ended, NewArtifact, NewBatch, Search};
use countersign_control::{Control, Error};
use countersign_http as face;
use countersign_wire::buildkite::{
    Artifact, ArtifactBatch, ArtifactBatchAnswer, ArtifactQuery, ArtifactStates, FormAction, PATH_PLACEHOLDER,
    PartAction, UploadInstructions,
};
use http::StatusCode;
use http::request::Parts;

use crate::{Done, Failure, OnBuild, OnJob};

pub(crate) use download::download;
pub(crate) use form::form;
pub(crate) use upload::upload;

/// Where forms go.
pub(crate) const FORM_PATH: &str = "/v3/artifact-form";
/// Where one artifact's bytes are.
pub(crate) const BYTES_PATH: &str = "/v3/artifacts/{id}";
/// The name of the form's last field, with the bytes.
const FILE_FIELD: &str = "file";
/// The form's field with the artifact's path.
const PATH_FIELD: &str = "path";
/// The most bytes of a batch: every path may be as long as paths get, with every byte written as `\u003c`.
const MAX_REQUEST: usize = 4 * 1024 * 1024;
/// The most values of a batch: agents say some 25 of each artifact, and of a batch that is too large the number is to be told.
const MAX_REQUEST_VALUES: usize = 20_000;

/// `POST /jobs/:id/artifacts`
pub(crate) async fn announce(
    State(control): State<Control>,
    OnJob(grant): OnJob<UploadArtifacts>,
    face::Json(request): face::Json<ArtifactBatch, MAX_REQUEST, MAX_REQUEST_VALUES>,
) -> Result<(StatusCode, Json<ArtifactBatchAnswer>), Failure> {
    let artifacts = request.artifacts.into_iter().map(|it| NewArtifact {
        path: it.path,
        absolute_path: it.absolute_path,
        size: it.file_size,
        sha1: it.sha1sum,
        sha256: it.sha256sum,
        content_type: it.content_type,
        url: it.url,
    });
    let batch = NewBatch {
        id: request.id.clone(),
        upload_destination: request.upload_destination,
        artifacts: artifacts.collect(),
    };
    let announced = control.announce_artifacts(&grant, batch).await?;
    Ok((StatusCode::CREATED, Json(answer(&control, request.id, announced, request.multipart_supported))))
}

/// Every agent can send a form; the newer ones are told to send each file by itself.
fn answer(control: &Control, id: String, announced: Announced, by_parts: bool) -> ArtifactBatchAnswer {
    let artifact_ids: Vec<String> = announced.ids.iter().map(ToString::to_string).collect();
    let mut data: std::collections::BTreeMap<String, String> =
        announced.form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let instructions = (!data.is_empty()).then(|| {
        data.insert(PATH_FIELD.to_owned(), PATH_PLACEHOLDER.to_owned());
        let url = control.settings().public_url.clone();
        // Agents replace the address's path, so a path of the public address has to be in both.
        let prefix = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
        let path = format!("{}{FORM_PATH}", prefix.unwrap_or_default());
        let action = FormAction { url, method: "POST".to_owned(), path, file_input: FILE_FIELD.to_owned() };
        UploadInstructions { action: Some(action), actions: Vec::new(), data }
    });
    let part = |url| PartAction { url, method: "PUT".to_owned(), part_number: 1 };
    let own = artifact_ids.iter().cloned().zip(announced.addresses).filter(|_| by_parts).map(|(id, address)| {
        (id, UploadInstructions { actions: vec![part(address)], ..UploadInstructions::default() })
    });
    ArtifactBatchAnswer {
        id,
        per_artifact_instructions: own.collect(),
        artifact_ids,
        upload_instructions: instructions,
    }
}

/// `PUT /jobs/:id/artifacts`
pub(crate) async fn ended(
    State(control): State<Control>,
    OnJob(grant): OnJob<UploadArtifacts>,
    face::Json(request): face::Json<ArtifactStates>,
) -> Result<Done, Failure> {
    let mut ended = Vec::with_capacity(request.artifacts.len());
    for it in request.artifacts {
        let how = match it.state.as_str() {
            "finished" => Ended::Finished,
            "error" => Ended::Failed,
            _ => return Err(Error::invalid("state", "must be finished or error").into()),
        };
        ended.push((it.id.parse().map_err(|_| Error::NotFound("artifact"))?, how));
    }
    control.end_artifacts(&grant, ended).await?;
    Ok(Done {})
}

/// `GET /builds/:id/artifacts/search`
pub(crate) async fn search(
    State(control): State<Control>,
    OnBuild(grant): OnBuild<ReadArtifacts>,
    asked: Result<Query<ArtifactQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Vec<Artifact>>, Failure> {
    let Query(asked) = asked.map_err(|_| Error::invalid("query", "cannot be read; give query, scope and state"))?;
    let search = Search {
        query: asked.query,
        scope: asked.scope,
        state: asked.state,
        include_duplicates: asked.include_duplicates,
        include_retried_jobs: asked.include_retried_jobs,
    };
    let found = control.search_artifacts(&grant, search).await?;
    Ok(Json(found.into_iter().map(|(artifact, address)| shape(artifact, address)).collect()))
}

fn shape(artifact: countersign_control::artifacts::Artifact, address: Option<String>) -> Artifact {
    Artifact {
        id: artifact.id.to_string(),
        job_id: artifact.job.to_string(),
        path: artifact.path,
        absolute_path: artifact.absolute_path,
        file_size: artifact.size,
        sha1sum: artifact.sha1,
        sha256sum: artifact.sha256.unwrap_or_default(),
        created_at: artifact.created_at.to_string(),
        url: address.unwrap_or_default(),
        upload_destination: artifact.upload_destination,
        content_type: artifact.content_type,
    }
}

/// The artifact that an address names, in its one spelling, and the address's query.
fn addressed(parts: &Parts) -> Option<(countersign_domain::id::ArtifactId, &str)> {
    let segment = parts.uri.path().rsplit('/').next()?;
    let id: countersign_domain::id::ArtifactId = segment.parse().ok()?;
    (id.to_string() == segment).then(|| (id, parts.uri.query().unwrap_or_default()))
}
