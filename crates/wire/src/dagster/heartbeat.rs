//! What an agent says of itself every half minute, once for each deployment that it serves.

use serde::{Deserialize, Serialize};

use super::error::{ErrorInfo, TimestampedError};
use super::serdes::{Member, Unreadable, read};

/// An agent and what it does for one deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "__class__")]
pub struct AgentHeartbeat {
    /// Seconds since the epoch, by the agent's clock.
    pub timestamp: f64,
    /// Made anew by each process.
    pub agent_id: String,
    /// What its operator calls it.
    #[serde(default)]
    pub agent_label: Option<String>,
    /// How it starts code servers, such as `ProcessUserCodeLauncher`.
    #[serde(default)]
    pub agent_type: Option<String>,
    /// The queues that it serves.
    #[serde(default)]
    pub agent_queues_config: Option<AgentQueues>,
    /// Its version, and more that is not read here.
    #[serde(default)]
    pub metadata: AgentMetadata,
    /// The runs that it watches.
    #[serde(default)]
    pub run_worker_statuses: Option<RunWorkers>,
    /// The code servers that it runs.
    #[serde(default)]
    pub code_server_heartbeats: Option<Vec<CodeServer>>,
}

/// The queues that an agent serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "AgentQueuesConfig")]
pub struct AgentQueues {
    /// Whether the queue without a name is one of them.
    pub include_default_queue: bool,
    /// The others.
    #[serde(default)]
    pub additional_queues: Option<Vec<String>>,
}

/// What else an agent says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentMetadata {
    /// The version of its library.
    #[serde(default)]
    pub version: Option<String>,
    /// The image that it was started from.
    #[serde(default)]
    pub image_tag: Option<String>,
}

/// The runs that an agent watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "CloudRunWorkerStatuses")]
pub struct RunWorkers {
    /// Each of them.
    #[serde(default)]
    pub statuses: Vec<RunWorker>,
    /// Whether it can watch runs at all.
    #[serde(default)]
    pub run_worker_monitoring_supported: bool,
}

/// A run that an agent watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "CloudRunWorkerStatus")]
pub struct RunWorker {
    /// The run.
    pub run_id: String,
    /// `RUNNING`, `NOT_FOUND`, `FAILED`, `SUCCESS` or `UNKNOWN`.
    pub status_type: Member,
    /// What is known beyond that.
    #[serde(default)]
    pub message: Option<String>,
    /// Whether it may be another one in a moment.
    #[serde(default)]
    pub transient: Option<bool>,
}

/// A code server that an agent runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "CloudCodeServerHeartbeat")]
pub struct CodeServer {
    /// The code location that it serves.
    pub location_name: String,
    /// `STARTING`, `RUNNING` or `FAILED`.
    pub server_status: Member,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<ErrorInfo>,
}

/// Reads a heartbeat.
///
/// # Errors
/// [`Unreadable`].
pub fn read_heartbeat(text: &str) -> Result<AgentHeartbeat, Unreadable> {
    read("AgentHeartbeat", text)
}

/// Reads an error that is not about a moment: why code could not be loaded.
///
/// # Errors
/// [`Unreadable`].
pub fn read_error_info(text: &str) -> Result<ErrorInfo, Unreadable> {
    read("SerializableErrorInfo", text)
}

/// Reads one of an agent's own errors.
///
/// # Errors
/// [`Unreadable`].
pub fn read_error(text: &str) -> Result<TimestampedError, Unreadable> {
    read("TimestampedError", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAT: &str = r#"{
        "__class__": "AgentHeartbeat", "timestamp": 1767323045.5, "agent_id": "5e6d1c1f-64e4-4c06-9d60-0a3b54cf2f3a",
        "agent_label": "north", "agent_type": "ProcessUserCodeLauncher", "errors": null,
        "agent_queues_config": {"__class__": "AgentQueuesConfig", "include_default_queue": true, "additional_queues": ["gpu"]},
        "metadata": {"version": "1.13.27", "utilization_metrics": {}, "allowed_branch_deployment_locations": []},
        "run_worker_statuses": {"__class__": "CloudRunWorkerStatuses", "run_worker_monitoring_supported": true,
            "run_worker_monitoring_thread_alive": true, "statuses": [{"__class__": "CloudRunWorkerStatus", "run_id": "r1",
                "status_type": {"__enum__": "WorkerStatus.FAILED"}, "message": "exit 137", "transient": null, "run_worker_id": null}]},
        "code_server_heartbeats": [
            {"__class__": "CloudCodeServerHeartbeat", "location_name": "sales", "metadata": {}, "error": null,
                "server_status": {"__enum__": "CloudCodeServerStatus.RUNNING"}},
            {"__class__": "CloudCodeServerHeartbeat", "location_name": "broken", "metadata": {},
                "server_status": {"__enum__": "CloudCodeServerStatus.FAILED"},
                "error": {"__class__": "SerializableErrorInfo", "message": "no module\n", "stack": ["  line\n"],
                    "cls_name": "ImportError", "cause": null, "context": null}}]
    }"#;

    #[test]
    fn a_heartbeat_is_read_whole() {
        let beat = read_heartbeat(BEAT).expect("a heartbeat");
        assert_eq!(beat.agent_label.as_deref(), Some("north"));
        assert_eq!(beat.metadata.version.as_deref(), Some("1.13.27"));
        let queues = beat.agent_queues_config.as_ref().expect("queues");
        assert_eq!(
            (queues.include_default_queue, queues.additional_queues.as_deref()),
            (true, Some(&["gpu".to_owned()][..]))
        );
        let servers = beat.code_server_heartbeats.as_deref().expect("code servers");
        let states: Vec<_> = servers.iter().map(|it| (it.location_name.as_str(), it.server_status.name())).collect();
        assert_eq!(states, [("sales", "RUNNING"), ("broken", "FAILED")]);
        assert_eq!(servers[1].error.as_ref().and_then(|it| it.cls_name.as_deref()), Some("ImportError"));
        let workers = beat.run_worker_statuses.as_ref().expect("run workers");
        assert_eq!((workers.statuses[0].run_id.as_str(), workers.statuses[0].status_type.name()), ("r1", "FAILED"));
        let written = serde_json::to_string(&beat).expect("writes");
        assert!(written.starts_with(r#"{"__class__":"AgentHeartbeat","#), "{written}");
        assert_eq!(read_heartbeat(&written).expect("reads back"), beat);
    }

    #[test]
    fn little_is_needed_and_the_rest_is_empty() {
        let least = r#"{"__class__": "AgentHeartbeat", "timestamp": 1, "agent_id": "x"}"#;
        let beat = read_heartbeat(least).expect("a heartbeat");
        assert_eq!((beat.agent_id.as_str(), beat.metadata, beat.agent_label), ("x", AgentMetadata::default(), None));
        for wrong in [
            r#"{"__class__": "AgentHeartbeat", "timestamp": 1}"#,
            r#"{"__class__": "AgentHeartbeat", "timestamp": 1, "agent_id": 7}"#,
            r#"{"__class__": "TimestampedError", "timestamp": 1, "agent_id": "x"}"#,
        ] {
            assert!(read_heartbeat(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_error_may_be_without_a_time() {
        let text = r#"{"__class__": "TimestampedError", "timestamp": null, "error": {"__class__": "SerializableErrorInfo",
            "message": "m", "stack": [], "cls_name": null, "cause": null, "context": null}}"#;
        let error = read_error(text).expect("an error");
        assert_eq!(error, TimestampedError { timestamp: None, error: ErrorInfo::new("m") });
        assert_eq!(read_error(&serde_json::to_string(&error).expect("writes")).expect("reads back"), error);
    }

    #[test]
    fn a_chain_of_causes_has_an_end() {
        let mut text = r#"{"message":"m"}"#.to_owned();
        for _ in 0..200 {
            text = format!(r#"{{"message":"m","cause":{text}}}"#);
        }
        assert!(read_error(&format!(r#"{{"__class__":"TimestampedError","error":{text}}}"#)).is_err());
    }
}
