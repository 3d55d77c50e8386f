//! Artifacts, as people see them.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::{DeleteArtifact, ViewBuilds};
use countersign_control::artifacts::Artifact;
use countersign_control::builds::Build;
use countersign_control::{Action, Control, Error};
use countersign_domain::id::ArtifactId;
use http::header::LOCATION;
use http::{StatusCode, Uri};
use serde::Serialize;

use super::query::Parameters;
use super::{InOrganization, builds, jobs, page};
use crate::Failure;

const ONLY: &str = "Only jobs of commands have artifacts";

/// An artifact.
#[derive(Serialize)]
pub(crate) struct Shown {
    id: String,
    job_id: String,
    url: String,
    download_url: String,
    state: &'static str,
    path: String,
    dirname: String,
    filename: String,
    mime_type: String,
    file_size: i64,
    glob_path: Option<()>,
    original_path: Option<()>,
    sha1sum: String,
    sha256sum: Option<String>,
}

/// Where an artifact's bytes are.
#[derive(Serialize)]
struct Place {
    url: String,
}

fn shown<A>(it: Artifact, build: &Build, call: &InOrganization<A>) -> Shown {
    let path = format!("/jobs/{}/artifacts/{}", it.job, it.id);
    let url = call.addresses.of_build(&call.organization, build, &path);
    let (dirname, filename) = match it.path.rsplit_once('/') {
        Some((folder, name)) => (folder.to_owned(), name.to_owned()),
        None => (".".to_owned(), it.path.clone()),
    };
    Shown {
        id: it.id.to_string(),
        job_id: it.job.to_string(),
        download_url: format!("{url}/download"),
        url,
        state: it.state.as_str(),
        path: it.path,
        dirname,
        filename,
        mime_type: it.content_type,
        file_size: it.size,
        glob_path: None,
        original_path: None,
        sha1sum: it.sha1,
        sha256sum: it.sha256,
    }
}

/// `GET …/builds/{build}/artifacts`, newest first.
pub(crate) async fn of_build(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
    wanted: page::Wanted,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, Failure> {
    parameters.finish()?;
    let build = builds::named(&control, &call, &call.grant).await?;
    let found = wanted
        .read_from(|asked| control.build_artifacts(&call.grant, build.id, asked), |it: &Artifact| it.id, |_| true)
        .await?;
    answer(&call, &build, &found, "/artifacts", &uri)
}

/// `GET …/jobs/{job}/artifacts`, newest first.
pub(crate) async fn of_job(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
    wanted: page::Wanted,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, Failure> {
    parameters.finish()?;
    let (build, job) = jobs::command(&control, &call, ONLY).await?;
    let found = wanted
        .read_from(|asked| control.job_artifacts(&call.grant, job.id, asked), |it: &Artifact| it.id, |_| true)
        .await?;
    answer(&call, &build, &found, &format!("/jobs/{}/artifacts", job.id), &uri)
}

fn answer(
    call: &InOrganization<ViewBuilds>,
    build: &Build,
    found: &page::Numbered<Artifact>,
    path: &str,
    uri: &Uri,
) -> Result<Response, Failure> {
    let all = found.items.iter().map(|it| shown(it.clone(), build, call)).collect();
    let (organization, pipeline, number) = (&call.organization.slug, &build.pipeline_slug, build.number);
    let path = format!("/organizations/{organization}/pipelines/{pipeline}/builds/{number}{path}");
    Ok(found.answer(all, &call.addresses, &path, &page::filters(uri)))
}

/// `GET …/jobs/{job}/artifacts/{artifact}`
pub(crate) async fn show(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
) -> Result<Json<Shown>, Failure> {
    let (build, artifact, _) = named(&control, &call).await?;
    Ok(Json(shown(artifact, &build, &call)))
}

/// `GET …/jobs/{job}/artifacts/{artifact}/download`: leads to the bytes, by an address that is good for a while and needs no token. What
/// lies at a place of the user's own is named and not led to: a job chose that address, and clients take their token along.
pub(crate) async fn download(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
) -> Result<Response, Failure> {
    let (_, artifact, address) = named(&control, &call).await?;
    let Some(url) = address else {
        let why = format!("The artifact is {}; it has no bytes to download.", artifact.state);
        return Err(Error::Conflict(why).into());
    };
    if artifact.upload_destination.is_some() {
        return Ok(Json(Place { url }).into_response());
    }
    Ok((StatusCode::FOUND, [(LOCATION, url.clone())], Json(Place { url })).into_response())
}

/// `DELETE …/jobs/{job}/artifacts/{artifact}`
pub(crate) async fn remove(
    State(control): State<Control>,
    call: InOrganization<DeleteArtifact>,
) -> Result<StatusCode, Failure> {
    let (_, artifact, _) = named(&control, &call).await?;
    control.delete_artifact(&call.grant, artifact.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The artifact that the address names, of the job that it names.
async fn named<A: Action>(
    control: &Control,
    call: &InOrganization<A>,
) -> Result<(Build, Artifact, Option<String>), Failure> {
    let id: ArtifactId = call.named.id("artifact")?;
    let (build, job) = jobs::command(control, call, ONLY).await?;
    let (artifact, address) = control.artifact(&call.may::<ViewBuilds>()?, id).await?;
    if artifact.job == job.id { Ok((build, artifact, address)) } else { Err(Error::NotFound("artifact").into()) }
}
