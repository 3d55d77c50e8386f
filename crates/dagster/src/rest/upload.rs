//! `PUT /dagster/upload_workspace_entry` and `PUT /dagster/upload_job_snapshot`: what came of loading code from agents that send it whole, inside
//! their calls.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::TellCodeLocation;
use countersign_control::code_locations::{Definition, MAX_MANIFEST, MAX_REPOSITORIES, Outcome, Told};
use countersign_control::dagster::{Room, Whole};
use countersign_control::{Control, Error, Grant};
use countersign_domain::dagster::{MAX_SNAPSHOT, MAX_SNAPSHOT_PACKED, SnapshotKind};
use countersign_wire::dagster::{
    StoredSnapshot, UploadEntry, UploadLocation, UploadResponse, read_job_snapshot, read_metadata, read_upload_entry,
};
use serde_json::{Value, json};

use crate::call::Call;
use crate::failure::Failure;
use crate::workspace::definition;

use super::snapshots::stored;
use super::update_result::{answer, loaded, words};
use super::{Named, form};

/// The field of what came of loading a code location.
const ENTRY: &str = "workspace_entry.tmp";
/// The field of a job.
const JOB: &str = "job.tmp";
/// The most bytes of what a form has beside its file.
const FORM: usize = 16 * 1024;

pub(crate) async fn upload_workspace_entry(
    State(control): State<Control>,
    request: Request,
) -> Result<Response, Failure> {
    let (Named { call, grant, deployment }, request) = Named::<TellCodeLocation>::of(control, request).await?;
    let room = call.control.room_for_dagster_snapshots(&grant).await?;
    let (location_name, came) = read(request, &room, ENTRY, came).await?;
    let (outcome, repositories) = match came {
        Came::Loaded { data, metadata } => {
            let sending = Sending { call: &call, grant: &grant, room: &room, deployment: &deployment };
            loaded(&sending.manifest(data, &metadata).await?)?
        }
        Came::Failed { definition, error } => (Outcome::Failed { definition, error }, Vec::new()),
    };
    let told = Told { deployment, location: location_name.clone(), outcome };
    let taken = call.control.tell_code_location(&grant, told).await?;
    call.left(taken.reached)?;
    let answer = answer(&location_name, &repositories, taken.is_current, taken.missing);
    Ok(Json(UploadResponse::from(answer)).into_response())
}

/// What came of loading a code location, with no more of it than may be kept.
enum Came {
    Loaded { data: UploadLocation, metadata: Value },
    Failed { definition: Option<Box<Definition>>, error: String },
}

fn came(text: &str) -> Result<(String, Came), Failure> {
    let invalid = |why: String| Failure::from(Error::invalid(ENTRY, why));
    let entry = read_upload_entry(text).map_err(|why| invalid(why.to_string()))?;
    let UploadEntry { location_name, deployment_metadata: metadata, upload_location_data, serialized_error_info } =
        entry;
    match (upload_location_data, serialized_error_info) {
        (Some(data), None) => {
            let count = data.upload_repository_datas.len();
            if count > MAX_REPOSITORIES {
                return Err(invalid(format!("has {count} repositories; at most {MAX_REPOSITORIES} are taken")));
            }
            let of_repositories =
                data.upload_repository_datas.iter().map(|it| it.repository_name.len() + length(&it.code_pointer));
            let others = [&data.container_image, &data.executable_path].map(|it| it.as_ref().map_or(0, String::len));
            let versions = data.dagster_library_versions.as_ref().map_or(0, length);
            let size = length(&metadata) + versions + others.iter().sum::<usize>() + of_repositories.sum::<usize>();
            if size > MAX_MANIFEST {
                return Err(Failure::TooLarge(format!(
                    "The field {ENTRY} has {size} bytes beside its snapshots; at most {MAX_MANIFEST} are taken."
                )));
            }
            Ok((location_name, Came::Loaded { data, metadata }))
        }
        (None, Some(error)) => {
            // Why it failed is told in any case; what cannot be read names no definition.
            let definition = read_metadata(&metadata.to_string()).ok().map(|it| Box::new(definition(it)));
            Ok((location_name, Came::Failed { definition, error: words(&error) }))
        }
        _ => Err(invalid("must have one of upload_location_data and serialized_error_info".to_owned())),
    }
}

/// How many bytes a value is as text.
fn length(value: &Value) -> usize {
    value.to_string().len()
}

pub(crate) async fn upload_job_snapshot(State(control): State<Control>, request: Request) -> Result<Response, Failure> {
    let (Named { call, grant, deployment }, request) = Named::<TellCodeLocation>::of(control, request).await?;
    let room = call.control.room_for_dagster_snapshots(&grant).await?;
    let snapshot = read(request, &room, JOB, job).await?;
    let sending = Sending { call: &call, grant: &grant, room: &room, deployment: &deployment };
    sending.keep(SnapshotKind::Job, snapshot).await?;
    Ok("".into_response())
}

fn job(text: &str) -> Result<String, Failure> {
    Ok(read_job_snapshot(text).map_err(|why| Error::invalid(JOB, why))?.to_owned())
}

/// What a file of a form holds, once it is unpacked. That may take a while, so nobody else waits for it.
async fn read<T: Send + 'static>(
    request: Request,
    room: &Room,
    field: &'static str,
    how: fn(&str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (field, packed) = form::file(request, MAX_SNAPSHOT_PACKED + FORM, &[field]).await?;
    let room = room.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let read = form::unpacked(field, &packed, MAX_SNAPSHOT).and_then(|text| how(&text));
        drop(room);
        read
    });
    reading.await.map_err(|_| Error::internal("what was sent was not read to its end"))?
}

/// Who sends snapshots, and for which deployment.
struct Sending<'a> {
    call: &'a Call,
    grant: &'a Grant<TellCodeLocation>,
    room: &'a Room,
    deployment: &'a str,
}

impl Sending<'_> {
    async fn keep(&self, kind: SnapshotKind, text: String) -> Result<StoredSnapshot, Failure> {
        let whole = Whole { deployment: self.deployment.to_owned(), kind, text };
        let kept = self.call.control.keep_dagster_snapshot(self.grant, self.room, whole).await?;
        self.call.left(kept.reached)?;
        Ok(stored(&kept.snapshot.ok_or(Error::NotFound("snapshot"))?))
    }

    /// What an agent of the other way would tell, once its snapshots are kept.
    async fn manifest(&self, data: UploadLocation, metadata: &Value) -> Result<Value, Failure> {
        let mut repositories = Vec::new();
        for it in data.upload_repository_datas {
            let snapshot = self.keep(SnapshotKind::Repository, it.serialized_repository_data).await?;
            repositories.push(json!({
                "__class__": "DagsterCloudRepositoryManifest",
                "name": it.repository_name,
                "code_pointer": it.code_pointer,
                "stored_snapshot": snapshot,
            }));
        }
        Ok(json!({
            "__class__": "DagsterCloudCodeLocationManifest",
            "repositories": repositories,
            "container_image": data.container_image,
            "executable_path": data.executable_path,
            "dagster_library_versions": data.dagster_library_versions,
            "code_location_deploy_data": metadata,
        }))
    }
}
