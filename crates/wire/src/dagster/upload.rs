//! The older way in which agents send what they have read out of a code location: all of it inside one call.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Deserializer, Value};

use super::error::ErrorInfo;
use super::serdes::{Unreadable, read};
use super::snapshot::{JobSelector, UpdateResponse};

/// What came of loading a code location: one of the two is set.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct UploadEntry {
    /// Its name.
    pub location_name: String,
    /// By which definition, as it is to be kept.
    pub deployment_metadata: Value,
    /// What was loaded.
    #[serde(default)]
    pub upload_location_data: Option<UploadLocation>,
    /// Why it could not be loaded.
    #[serde(default)]
    pub serialized_error_info: Option<ErrorInfo>,
}

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct UploadLocation {
    /// Its repositories.
    pub upload_repository_datas: Vec<UploadRepository>,
    /// The image that the code is in.
    #[serde(default)]
    pub container_image: Option<String>,
    /// The interpreter.
    #[serde(default)]
    pub executable_path: Option<String>,
    /// The versions of Dagster's packages there, by name.
    #[serde(default)]
    pub dagster_library_versions: Option<Value>,
}

/// A repository that was loaded.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct UploadRepository {
    /// Its name.
    pub repository_name: String,
    /// How its code is found, as it is to be kept.
    pub code_pointer: Value,
    /// What is in it: the text of its snapshot.
    pub serialized_repository_data: String,
}

/// What became of what was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "DagsterCloudUploadWorkspaceResponse")]
pub struct UploadResponse {
    /// Whether it was kept.
    pub updated: bool,
    /// For people.
    pub message: String,
    /// The jobs whose snapshots are to be sent before it is told once more; never for one that could not be loaded.
    pub missing_job_snapshots: Option<Vec<JobSelector>>,
}

impl From<UpdateResponse> for UploadResponse {
    fn from(it: UpdateResponse) -> Self {
        Self { updated: it.updated, message: it.message, missing_job_snapshots: it.missing_job_snapshots }
    }
}

/// Reads what came of loading a code location.
///
/// # Errors
/// [`Unreadable`].
pub fn read_upload_entry(text: &str) -> Result<UploadEntry, Unreadable> {
    read("DagsterCloudUploadWorkspaceEntry", text)
}

#[derive(Deserialize)]
struct Job {
    #[serde(rename = "pipeline_snapshot")]
    _snapshot: IgnoredAny,
}

/// The snapshot inside what an agent sends of a job, letter for letter: its hash is its name.
///
/// # Errors
/// [`Unreadable`].
pub fn read_job_snapshot(text: &str) -> Result<&str, Unreadable> {
    let _: Job = read("ExternalPipelineData", text)?;
    // It is an object that has this field once, so it is found.
    Ok(field_of(text, "pipeline_snapshot").unwrap_or_default())
}

/// The text of a field of an object that is known to be well-formed.
fn field_of<'a>(object: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = object.trim_start().strip_prefix('{')?;
    loop {
        let (name, length) = first::<String>(rest)?;
        rest = rest.get(length..)?.trim_start().strip_prefix(':')?.trim_start();
        let (_, length) = first::<IgnoredAny>(rest)?;
        if name == wanted {
            return rest.get(..length);
        }
        rest = rest.get(length..)?.trim_start().strip_prefix(',')?;
    }
}

/// The value that a text begins with, and how many bytes it is with the blanks before it.
fn first<T: DeserializeOwned>(text: &str) -> Option<(T, usize)> {
    let mut values = Deserializer::from_str(text).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_loaded_and_what_was_not_is_read() {
        let loaded = r#"{"__class__": "DagsterCloudUploadWorkspaceEntry", "location_name": "l",
            "deployment_metadata": {"__class__": "CodeDeploymentMetadata", "module_name": "m"}, "serialized_error_info": null,
            "upload_location_data": {"__class__": "DagsterCloudUploadLocationData", "container_image": null, "executable_path": "/python",
            "dagster_library_versions": {"dagster": "1.13.27"}, "upload_repository_datas": [{"__class__": "DagsterCloudUploadRepositoryData",
            "repository_name": "r", "code_pointer": {"__class__": "ModuleCodePointer"}, "serialized_repository_data": "{}"}]}}"#;
        let read = read_upload_entry(loaded).expect("reads");
        assert_eq!((read.location_name.as_str(), read.serialized_error_info), ("l", None));
        assert_eq!(read.deployment_metadata["module_name"], "m");
        let data = read.upload_location_data.expect("it was loaded");
        assert_eq!(data.upload_repository_datas[0].serialized_repository_data, "{}");
        let failed = r#"{"__class__": "DagsterCloudUploadWorkspaceEntry", "location_name": "l", "deployment_metadata": {},
            "upload_location_data": null, "serialized_error_info": {"__class__": "SerializableErrorInfo", "message": "no", "stack": [], "cls_name": null}}"#;
        let read = read_upload_entry(failed).expect("reads");
        assert_eq!(read.serialized_error_info.map(|it| it.message).as_deref(), Some("no"));
        assert!(read_upload_entry("{}").is_err());
    }

    #[test]
    fn a_snapshot_is_taken_out_letter_for_letter() {
        let snapshot = r#"{"__class__": "PipelineSnapshot",  "n": [1.50, "\u00e4 }"]}"#;
        let of = |before: &str, after: &str| {
            format!(r#"{{"__class__": "ExternalPipelineData", {before}"pipeline_snapshot": {snapshot}{after}}}"#)
        };
        for text in [
            of("", ""),
            of(r#""is_job": true, "n": 7,"parent": null , "#, "\n"),
            of(r#""a": [{"pipeline_snapshot": 1}], "#, r#", "z": "pipeline_snapshot""#),
        ] {
            assert_eq!(read_job_snapshot(&text), Ok(snapshot), "{text}");
        }
        for wrong in ["{}", "[]", r#"{"__class__": "ExternalPipelineData"}"#, &of("", "")[1..]] {
            assert!(read_job_snapshot(wrong).is_err(), "{wrong}");
        }
    }
}
