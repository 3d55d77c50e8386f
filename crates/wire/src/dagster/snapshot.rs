//! Snapshots of code locations, and what is told of one that was loaded.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::location::LocationMetadata;
use super::serdes::{Unreadable, read};

/// The format of a snapshot that is taken here: JSON as a zlib stream (RFC 1950), whatever its name says.
pub const SNAPSHOT_FORMAT: &str = "json.gz";

/// A snapshot that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__")]
pub struct StoredSnapshot {
    /// SHA-1 before it is packed.
    pub sha1: String,
    /// How it is packed.
    pub format: String,
    /// How the server names it.
    pub uri: String,
    /// Bytes before it is packed.
    pub decompressed_size: i64,
}

/// Where a snapshot is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__")]
pub struct SnapshotUploadData {
    /// SHA-1 before it is packed.
    pub sha1: String,
    /// How it is to be packed.
    pub format: String,
    /// How the server names it.
    pub uri: String,
    /// The address for its bytes.
    pub presigned_put_url: String,
    /// Its id.
    pub id: String,
    /// What it is of.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Whether a snapshot is there: one of the two is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__")]
pub struct CheckSnapshotResult {
    /// It is.
    pub stored_snapshot: Option<StoredSnapshot>,
    /// It is not.
    pub upload_data: Option<SnapshotUploadData>,
}

/// A snapshot has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__")]
pub struct ConfirmUploadResult {
    /// The snapshot.
    pub stored_snapshot: StoredSnapshot,
}

/// What came of loading a code location: one of the two is set.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct UpdateResult {
    /// Its name.
    pub location_name: String,
    /// What was loaded, as it is to be kept.
    #[serde(default)]
    pub manifest: Option<Value>,
    /// Why it could not be loaded.
    #[serde(default)]
    pub error_snapshot: Option<StoredSnapshot>,
}

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Manifest {
    /// Its repositories.
    pub repositories: Vec<RepositoryManifest>,
    /// By which definition.
    pub code_location_deploy_data: LocationMetadata,
}

/// A repository that was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RepositoryManifest {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub stored_snapshot: StoredSnapshot,
}

/// What became of what was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "DagsterCloudCodeLocationUpdateResponse")]
pub struct UpdateResponse {
    /// Whether it was kept.
    pub updated: bool,
    /// For people.
    pub message: String,
    /// The jobs whose snapshots are to be sent before it is told once more; never for one that could not be loaded.
    pub missing_job_snapshots: Option<Vec<JobSelector>>,
}

/// A job, as agents find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__")]
pub struct JobSelector {
    /// Its code location.
    pub location_name: String,
    /// Its repository there.
    pub repository_name: String,
    /// Its name.
    pub job_name: String,
}

/// Reads what came of loading a code location.
///
/// # Errors
/// [`Unreadable`].
pub fn read_update_result(text: &str) -> Result<UpdateResult, Unreadable> {
    read("DagsterCloudCodeLocationUpdateResult", text)
}

/// Reads what was loaded.
///
/// # Errors
/// [`Unreadable`].
pub fn read_manifest(manifest: &Value) -> Result<Manifest, Unreadable> {
    read("DagsterCloudCodeLocationManifest", &manifest.to_string())
}

/// Reads where a snapshot was sent.
///
/// # Errors
/// [`Unreadable`].
pub fn read_upload_data(text: &str) -> Result<SnapshotUploadData, Unreadable> {
    read("SnapshotUploadData", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str =
        r#"{"__class__":"StoredSnapshot","sha1":"aa","format":"json.gz","uri":"snapshots/1","decompressed_size":2}"#;

    #[test]
    fn answers_are_written_as_agents_read_them() {
        let stored: StoredSnapshot = serde_json::from_str(STORED).expect("reads");
        let found = CheckSnapshotResult { stored_snapshot: Some(stored.clone()), upload_data: None };
        let text = serde_json::to_string(&found).expect("writes");
        let wanted = format!(r#"{{"__class__":"CheckSnapshotResult","stored_snapshot":{STORED},"upload_data":null}}"#);
        assert_eq!(text, wanted);
        let confirmed = serde_json::to_string(&ConfirmUploadResult { stored_snapshot: stored }).expect("writes");
        assert_eq!(confirmed, format!(r#"{{"__class__":"ConfirmUploadResult","stored_snapshot":{STORED}}}"#));
        let response = UpdateResponse { updated: true, message: "kept".to_owned(), missing_job_snapshots: None };
        assert_eq!(
            serde_json::to_string(&response).expect("writes"),
            r#"{"__class__":"DagsterCloudCodeLocationUpdateResponse","updated":true,"message":"kept","missing_job_snapshots":null}"#
        );
        let data = r#"{"__class__":"SnapshotUploadData","sha1":"aa","format":"json.gz","uri":"u","presigned_put_url":"p","id":"i","type":"job"}"#;
        let read = read_upload_data(data).expect("reads");
        assert_eq!(serde_json::to_string(&read).expect("writes"), data);
    }

    #[test]
    fn what_was_loaded_is_read_and_kept_as_it_came() {
        let manifest = format!(
            r#"{{"__class__":"DagsterCloudCodeLocationManifest","repositories":[{{"__class__":"DagsterCloudRepositoryManifest",
                "name":"r","code_pointer":{{"__class__":"ModuleCodePointer"}},"stored_snapshot":{STORED}}}],
                "container_image":null,"executable_path":null,"dagster_library_versions":{{"dagster":"1.13.27"}},
                "code_location_deploy_data":{{"__class__":"CodeDeploymentMetadata","module_name":"sales"}}}}"#
        );
        let text = format!(
            r#"{{"__class__":"DagsterCloudCodeLocationUpdateResult","location_name":"l","manifest":{manifest},"error_snapshot":null}}"#
        );
        let result = read_update_result(&text).expect("reads");
        let kept = result.manifest.expect("a manifest");
        assert_eq!(kept["dagster_library_versions"]["dagster"], "1.13.27");
        let read = read_manifest(&kept).expect("reads");
        assert_eq!(
            (read.repositories.len(), read.code_location_deploy_data.module_name.as_deref()),
            (1, Some("sales"))
        );
        assert!(read_update_result(&manifest).is_err());
        assert!(read_manifest(&Value::Null).is_err());
    }
}
