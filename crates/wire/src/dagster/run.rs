//! A run, as agents and its worker read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::serdes::Member;

/// The enum whose members say where a run stands.
pub const STATUS_ENUM: &str = "PipelineRunStatus";

/// What a worker is started with, so that it finds Dagster: the same as where nothing is said.
const ENTRY_POINT: &str = "dagster";

/// A run. What is not here is what Dagster takes for it where nothing is said: nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "PipelineRun")]
pub struct SerializedRun {
    /// The job.
    pub pipeline_name: String,
    /// Its id.
    pub run_id: String,
    /// What it is configured with.
    pub run_config: Value,
    /// What is said of it.
    pub tags: BTreeMap<String, String>,
    /// Where it stands.
    pub status: Member,
    /// By what names its job is found.
    pub external_pipeline_origin: JobOrigin,
    /// Where its worker finds the code.
    pub pipeline_code_origin: CodeOrigin,
}

/// By what names a job is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "ExternalPipelineOrigin")]
pub struct JobOrigin {
    external_repository_origin: RepositoryOrigin,
    pipeline_name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "ExternalRepositoryOrigin")]
struct RepositoryOrigin {
    repository_location_origin: LocationOrigin,
    repository_name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "RegisteredRepositoryLocationOrigin")]
struct LocationOrigin {
    location_name: String,
}

impl JobOrigin {
    /// The job of this name in a repository of a code location.
    #[must_use]
    pub fn new(location: &str, repository: &str, job: &str) -> Self {
        Self {
            external_repository_origin: RepositoryOrigin {
                repository_location_origin: LocationOrigin { location_name: location.to_owned() },
                repository_name: repository.to_owned(),
            },
            pipeline_name: job.to_owned(),
        }
    }
}

/// Where the worker of a run finds the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "PipelinePythonOrigin")]
pub struct CodeOrigin {
    pipeline_name: String,
    repository_origin: PythonOrigin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "RepositoryPythonOrigin")]
struct PythonOrigin {
    executable_path: Option<String>,
    code_pointer: Value,
    container_image: Option<String>,
    entry_point: Vec<String>,
    container_context: Value,
}

/// Where an agent said that the code is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CodePlace {
    /// The interpreter.
    pub executable_path: Option<String>,
    /// The repository in the code, as the agent told it.
    pub code_pointer: Value,
    /// The image that the code is in.
    pub container_image: Option<String>,
    /// What the container of the worker is to be like: an object.
    pub container_context: Value,
}

impl CodeOrigin {
    /// A job at this place.
    #[must_use]
    pub fn new(job: &str, place: CodePlace) -> Self {
        let CodePlace { executable_path, code_pointer, container_image, container_context } = place;
        let entry_point = vec![ENTRY_POINT.to_owned()];
        let repository_origin =
            PythonOrigin { executable_path, code_pointer, container_image, entry_point, container_context };
        Self { pipeline_name: job.to_owned(), repository_origin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_written_as_workers_read_it() {
        let place = r#"{"code_pointer": {"__class__": "FileCodePointer", "python_file": "a.py"}, "executable_path": "/bin/python",
            "container_image": null, "container_context": {}}"#;
        let place: CodePlace = serde_json::from_str(place).expect("reads");
        let it = SerializedRun {
            pipeline_name: "sell".to_owned(),
            run_id: "r1".to_owned(),
            run_config: Value::Object(serde_json::Map::new()),
            tags: BTreeMap::from([("team".to_owned(), "a".to_owned())]),
            status: Member::new(STATUS_ENUM, "STARTING"),
            external_pipeline_origin: JobOrigin::new("sales", "__repository__", "sell"),
            pipeline_code_origin: CodeOrigin::new("sell", place),
        };
        let text = serde_json::to_string(&it).expect("writes");
        for part in [
            r#"{"__class__":"PipelineRun","pipeline_name":"sell","run_id":"r1","run_config":{},"tags":{"team":"a"}"#,
            r#""status":{"__enum__":"PipelineRunStatus.STARTING"}"#,
            r#""external_pipeline_origin":{"__class__":"ExternalPipelineOrigin","external_repository_origin":{"__class__":"ExternalRepositoryOrigin""#,
            r#""repository_location_origin":{"__class__":"RegisteredRepositoryLocationOrigin","location_name":"sales"}"#,
            r#""pipeline_code_origin":{"__class__":"PipelinePythonOrigin","pipeline_name":"sell","repository_origin":{"__class__":"RepositoryPythonOrigin""#,
            r#""entry_point":["dagster"]"#,
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(serde_json::from_str::<SerializedRun>(&text).expect("reads back"), it);
    }
}
