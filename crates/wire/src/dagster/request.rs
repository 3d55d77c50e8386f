//! What an agent is asked to do, and what it answers.

use serde::{Deserialize, Serialize};

use super::error::ErrorInfo;
use super::run::SerializedRun;
use super::serdes::{Member, Unreadable, read};

/// What an agent is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "DagsterCloudApiRequest")]
pub struct ApiRequest {
    /// Names it in the answer.
    pub request_id: String,
    /// What is asked: a member of `DagsterCloudApi`.
    pub request_api: Member,
    /// With what; none where nothing more is to be said.
    pub request_args: Option<RequestArgs>,
    /// For which deployment.
    pub deployment_name: String,
    /// Until when it is worth doing, in seconds since the epoch. Agents do not look at it.
    pub expire_at: f64,
    /// Whether the deployment belongs to another one.
    pub is_branch_deployment: bool,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__")]
pub enum RequestArgs {
    /// The code location whose code server is asked for.
    PingLocationArgs {
        /// Its name.
        location_name: String,
    },
    /// The run that is to be started.
    LaunchRunArgs {
        /// The run.
        pipeline_run: Box<SerializedRun>,
    },
    /// The run that is to be stopped.
    TerminateRunArgs {
        /// The run.
        pipeline_run: Box<SerializedRun>,
    },
}

/// The enum whose members are the sorts of requests.
pub const REQUEST_ENUM: &str = "DagsterCloudApi";

/// What an agent answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ApiResponse {
    /// The request.
    pub request_id: String,
    /// What came of it.
    pub response: Response,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Response {
    /// What it is called, such as `DagsterCloudApiSuccess`.
    #[serde(rename = "__class__")]
    pub class: String,
    /// Why it could not be done.
    #[serde(default)]
    pub error_infos: Vec<ErrorInfo>,
}

#[derive(Deserialize)]
struct Batch {
    batch: Vec<ApiResponse>,
}

/// Reads an answer.
///
/// # Errors
/// [`Unreadable`].
pub fn read_response(text: &str) -> Result<ApiResponse, Unreadable> {
    read("DagsterCloudUploadApiResponse", text)
}

/// Reads several answers.
///
/// # Errors
/// [`Unreadable`].
pub fn read_responses(text: &str) -> Result<Vec<ApiResponse>, Unreadable> {
    read::<Batch>("BatchDagsterCloudUploadApiResponse", text).map(|it| it.batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_agents_read_it() {
        let it = ApiRequest {
            request_id: "r1".to_owned(),
            request_api: Member::new(REQUEST_ENUM, "PING_LOCATION"),
            request_args: Some(RequestArgs::PingLocationArgs { location_name: "sales".to_owned() }),
            deployment_name: "prod".to_owned(),
            expire_at: 12.5,
            is_branch_deployment: false,
        };
        let text = serde_json::to_string(&it).expect("writes");
        assert_eq!(
            text,
            r#"{"__class__":"DagsterCloudApiRequest","request_id":"r1","request_api":{"__enum__":"DagsterCloudApi.PING_LOCATION"},"request_args":{"__class__":"PingLocationArgs","location_name":"sales"},"deployment_name":"prod","expire_at":12.5,"is_branch_deployment":false}"#
        );
        let check = ApiRequest { request_args: None, ..it };
        assert!(serde_json::to_string(&check).expect("writes").contains(r#""request_args":null"#));
    }

    #[test]
    fn an_answer_is_read_by_its_class() {
        let ok = r#"{"__class__": "DagsterCloudUploadApiResponse", "request_id": "r1", "request_api": "PING_LOCATION",
            "response": {"__class__": "DagsterCloudApiSuccess", "thread_telemetry": null}}"#;
        let it = read_response(ok).expect("reads");
        assert_eq!((it.request_id.as_str(), it.response.class.as_str()), ("r1", "DagsterCloudApiSuccess"));
        let bad = ok.replace(
            r#""DagsterCloudApiSuccess""#,
            r#""DagsterCloudApiErrorResponse", "error_infos": [{"__class__": "SerializableErrorInfo", "message": "no"}]"#,
        );
        let it = read_response(&bad).expect("reads");
        assert_eq!(it.response.error_infos, [ErrorInfo::new("no")]);
        assert!(read_response("{}").is_err());
        let both = format!(r#"{{"__class__": "BatchDagsterCloudUploadApiResponse", "batch": [{ok}, {bad}]}}"#);
        assert_eq!(read_responses(&both).expect("reads").len(), 2);
        assert!(read_responses(ok).is_err());
    }
}
