//! Artifacts: announcing them, where their bytes go, how that ended, and finding them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lenient;

/// What agents put in the place of a path in the values of [`UploadInstructions::data`].
pub const PATH_PLACEHOLDER: &str = "${artifact:path}";

/// `POST /jobs/:id/artifacts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArtifactBatch {
    /// Made by the agent, and the same when it tries again: the answer has the same ids then.
    pub id: String,
    /// 1 to 30 files.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub artifacts: Vec<NewArtifact>,
    /// Empty: the server's own store. Else the user's own, and no bytes come to the server.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub upload_destination: String,
    /// Whether the agent follows [`UploadInstructions::actions`].
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "lenient::is_false")]
    pub multipart_supported: bool,
}

/// A file that is to come. Agents send more fields, which say nothing yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewArtifact {
    /// Relative, `/` between names.
    pub path: String,
    /// Where it is on the agent's machine.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub absolute_path: String,
    /// Bytes.
    pub file_size: i64,
    /// Hexadecimal.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub sha1sum: String,
    /// Hexadecimal; older agents leave it out.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub sha256sum: String,
    /// Where it will be, with a destination of the user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its type.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "String::is_empty")]
    pub content_type: String,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArtifactBatchAnswer {
    /// The batch's id.
    pub id: String,
    /// One id for each file, in the order in which they were sent.
    pub artifact_ids: Vec<String>,
    /// How the bytes of each are sent, unless it has instructions of its own. Agents need it for the server's own store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_instructions: Option<UploadInstructions>,
    /// By artifact id: instructions of its own (agents from 3.83 on).
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub per_artifact_instructions: BTreeMap<String, UploadInstructions>,
}

/// How bytes are sent: as a form, or, where there are `actions`, as parts by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UploadInstructions {
    /// The form's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<FormAction>,
    /// Consecutive parts, each as the body of a request.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<PartAction>,
    /// Form fields; [`PATH_PLACEHOLDER`] stands for the artifact's path.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
}

/// Where a form goes: `url` with its path replaced by `path`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FormAction {
    /// Absolute.
    pub url: String,
    /// `POST`.
    pub method: String,
    /// Not escaped.
    pub path: String,
    /// The name of the field with the file, which comes last.
    pub file_input: String,
}

/// Where a part goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartAction {
    /// Absolute and signed.
    pub url: String,
    /// `PUT`.
    pub method: String,
    /// From 1.
    pub part_number: u32,
}

/// `PUT /jobs/:id/artifacts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArtifactStates {
    /// How uploads ended.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub artifacts: Vec<ArtifactState>,
}

/// How an upload ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArtifactState {
    /// Which.
    pub id: String,
    /// `finished` or `error`.
    pub state: String,
    /// Whether there was more than one part.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "lenient::is_false")]
    pub multipart: bool,
    /// What each part was answered with.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub multipart_etags: Vec<PartTag>,
}

/// What a part was answered with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartTag {
    /// From 1.
    pub part_number: u32,
    /// With its quotes.
    pub etag: String,
}

/// The query of `GET /builds/:id/artifacts/search`. What is empty or false is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArtifactQuery {
    /// A path or a pattern in which `*` also stands for `/`.
    pub query: String,
    /// A step's key or label, or a job's id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// `finished` from the commands.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// Also of jobs that were retried.
    #[serde(skip_serializing_if = "lenient::is_false")]
    pub include_retried_jobs: bool,
    /// Every artifact of a path, not only the newest.
    #[serde(skip_serializing_if = "lenient::is_false")]
    pub include_duplicates: bool,
}

/// An artifact that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Artifact {
    /// Its id.
    pub id: String,
    /// The job that left it.
    pub job_id: String,
    /// Relative, `/` between names.
    pub path: String,
    /// Where it was on the agent's machine.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "String::is_empty")]
    pub absolute_path: String,
    /// Bytes.
    pub file_size: i64,
    /// Hexadecimal.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub sha1sum: String,
    /// Hexadecimal.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub sha256sum: String,
    /// RFC 3339; agents fail on anything else.
    pub created_at: String,
    /// Where its bytes are: absolute and signed, for the server's own store.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub url: String,
    /// The user's own place, where it went to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_destination: Option<String>,
    /// Its type.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "String::is_empty")]
    pub content_type: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_sends_is_read() {
        let sent = r#"{"id":"b","artifacts":[{"id":"","path":"a.txt","absolute_path":"/w/a.txt","glob_path":"","file_size":3,"sha1sum":"aa",
            "sha256sum":"bb","created_at":"0001-01-01T00:00:00Z","job_id":""}],"upload_destination":"","multipart_supported":true}"#;
        let read: ArtifactBatch = serde_json::from_str(sent).expect("reads");
        assert!(read.multipart_supported);
        assert_eq!((read.artifacts[0].path.as_str(), read.artifacts[0].file_size), ("a.txt", 3));
        let old = r#"{"id":"b","artifacts":null}"#;
        assert_eq!(serde_json::from_str::<ArtifactBatch>(old).expect("reads").artifacts, []);
    }

    #[test]
    fn instructions_have_no_empty_parts() {
        let form = UploadInstructions {
            action: Some(FormAction { url: "http://c/".to_owned(), ..FormAction::default() }),
            ..UploadInstructions::default()
        };
        let text = serde_json::to_string(&form).expect("writes");
        assert_eq!(text, r#"{"action":{"url":"http://c/","method":"","path":"","file_input":""}}"#);
    }
}
