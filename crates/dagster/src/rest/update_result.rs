//! `PUT /dagster/code_location_update_result`: what came of loading a code location.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::TellCodeLocation;
use countersign_control::code_locations::{MAX_MANIFEST, MissingJob, Outcome, Told};
use countersign_control::dagster::named;
use countersign_control::{Control, Error, Grant};
use countersign_domain::id::DagsterSnapshotId;
use countersign_domain::text::hidden;
use countersign_http::holds_a_token;
use countersign_wire::dagster::{
    ErrorInfo, JobSelector, RepositoryManifest, StoredSnapshot, UpdateResponse, read_error_info, read_manifest,
    read_update_result,
};
use serde_json::Value;

use crate::call::Call;
use crate::failure::Failure;
use crate::workspace::definition;

use super::{Named, counted, text};

/// The most bytes of what stands beside a manifest.
const BESIDE: usize = 64 * 1024;
/// In the place of words that hold the value of a token.
const LEFT_OUT: &str = "(left out: a token's value stood in it)";

pub(crate) async fn code_location_update_result(
    State(control): State<Control>,
    request: Request,
) -> Result<Response, Failure> {
    let (Named { call, grant, deployment }, request) = Named::<TellCodeLocation>::of(control, request).await?;
    let result =
        read_update_result(&text(request, MAX_MANIFEST + BESIDE).await?).map_err(|why| Error::invalid("body", why))?;
    let (outcome, repositories) = match (result.manifest, result.error_snapshot) {
        (Some(manifest), None) => loaded(&manifest)?,
        (None, Some(snapshot)) => (failed(&call, &grant, &deployment, &snapshot).await?, Vec::new()),
        _ => {
            let why = "must have one of manifest and error_snapshot";
            return Err(Error::invalid("body", why).into());
        }
    };
    let told = Told { deployment, location: result.location_name.clone(), outcome };
    let taken = call.control.tell_code_location(&grant, told).await?;
    call.left(taken.reached)?;
    let answer = answer(&result.location_name, &repositories, taken.is_current, taken.missing);
    Ok(Json(answer).into_response())
}

/// A repository that was loaded, and its snapshot.
pub(super) type Repository = (String, DagsterSnapshotId);

/// What the agent is answered. What is late is no fault of its own; it would give up over it.
pub(super) fn answer(
    location: &str,
    repositories: &[Repository],
    is_current: bool,
    missing: Vec<MissingJob>,
) -> UpdateResponse {
    let message = match (is_current, missing.is_empty()) {
        (true, _) => "kept",
        (false, true) => "was changed meanwhile; it is to be loaded again",
        (false, false) => "is to be told once more, after the snapshots of its jobs",
    };
    let selector = |it: MissingJob| {
        let (name, _) = repositories.iter().find(|(_, id)| *id == it.repository)?;
        let (location_name, repository_name) = (location.to_owned(), name.clone());
        Some(JobSelector { location_name, repository_name, job_name: it.name })
    };
    let missing: Vec<JobSelector> = missing.into_iter().filter_map(selector).collect();
    let updated = missing.is_empty();
    let missing_job_snapshots = (!updated).then_some(missing);
    UpdateResponse { updated, message: message.to_owned(), missing_job_snapshots }
}

pub(super) fn loaded(manifest: &Value) -> Result<(Outcome, Vec<Repository>), Failure> {
    let read = read_manifest(manifest).map_err(|why| Error::invalid("manifest", why))?;
    let kept = manifest.to_string();
    if holds_a_token(&kept) {
        return Err(Error::invalid("manifest", "holds the value of a token").into());
    }
    let repository = |it: RepositoryManifest| -> Result<Repository, Error> {
        let id = named(&it.stored_snapshot.uri)?;
        Ok((it.name, id))
    };
    let repositories: Vec<Repository> = read.repositories.into_iter().map(repository).collect::<Result<_, Error>>()?;
    let snapshots = repositories.iter().map(|(_, id)| *id).collect();
    let definition = Box::new(definition(read.code_location_deploy_data));
    Ok((Outcome::Loaded { definition, manifest: kept, snapshots }, repositories))
}

async fn failed(
    call: &Call,
    grant: &Grant<TellCodeLocation>,
    deployment: &str,
    snapshot: &StoredSnapshot,
) -> Result<Outcome, Failure> {
    let id = named(&snapshot.uri)?;
    let (reached, text) = call.control.dagster_error_snapshot(grant, deployment.to_owned(), id).await?;
    call.left(reached)?;
    let text = text.ok_or(Error::NotFound("snapshot"))?;
    counted("error_snapshot", &text)?;
    let error = read_error_info(&text).map_err(|why| Error::invalid("error_snapshot", why))?;
    Ok(Outcome::Failed { definition: None, error: words(&error) })
}

/// What is kept of an error: its words, and beneath them where it came from.
pub(super) fn words(error: &ErrorInfo) -> String {
    let words = format!("{}\n{}", error.message.trim_end(), error.trace());
    let words: String = words.chars().filter(|c| matches!(c, '\n' | '\t') || hidden(*c).is_none()).collect();
    if holds_a_token(&words) { LEFT_OUT.to_owned() } else { words.trim_end().to_owned() }
}
