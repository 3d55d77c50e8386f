//! One job, from accept to finish.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Positive, lenient};
use crate::SecretText;

/// The answer to `PUT /jobs/:id/accept` and `…/acquire`. Everything that looks like a number but is written as text here
/// (`exit_status`) is text on the wire; a wrong JSON type breaks the decoding of real agents.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The job's id.
    pub id: String,
    /// The job's environment. What runs is `BUILDKITE_COMMAND`; `step.command` is not executed. `null` values read as `""`.
    #[serde(default, deserialize_with = "lenient::environment")]
    pub env: BTreeMap<String, String>,
    /// The job token. Agents before 3.39 do not know it and use their session token for everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretText>,
    /// Largest log chunk, in uncompressed bytes. Required: without it a real agent starts the job and never finishes it.
    pub chunks_max_size_bytes: Positive,
    /// Seconds between log flushes; agents from 3.110 on, 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks_interval_seconds: Option<Positive>,
    /// The log's size, in bytes, above which the agent warns; 1 GiB when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_max_size_bytes: Option<u64>,
    /// The command step. Agents read `secrets`, `cache` and `signature` of it, and with a signature all that it is over, which they compare
    /// with the job; `{}` is fine, `"secrets": null` is not.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub step: Map<String, Value>,
    /// The values of the step's matrix, for the check of its signature; an anonymous dimension's key is empty.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub matrix_permutation: BTreeMap<String, String>,
    /// Higher runs first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// When the job could first have run, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runnable_at: Option<String>,
    /// The job's state, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

impl fmt::Debug for Job {
    /// Shows names of variables and no value: users put secrets there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("token", &self.token)
            .field("chunks_max_size_bytes", &self.chunks_max_size_bytes)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The answer to `GET /jobs/:id`, with the job token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobState {
    /// `canceling` and `canceled` make the agent cancel; `timing_out` and `timed_out` too, and mark the job as timed out.
    /// Anything else keeps it running.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub state: String,
}

/// The answer to `PUT /jobs/:id`, whose body holds attributes by name, their values as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobUpdated {
    /// The job's id.
    pub id: String,
}

/// `PUT /jobs/:id/start`. Repeated after a lost answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StartRequest {
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
}

/// `PUT /jobs/:id/finish`. Can be the first call after a long silence, and is repeated after a lost answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishRequest {
    /// Decimal text: `"0"` passed; `"-1"` did not run, or was killed by a signal.
    pub exit_status: String,
    /// The signal that ended the process, for example `SIGTERM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// One of [`signal_reason`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal_reason: Option<String>,
    /// RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Log chunks that could not be sent.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub chunks_failed_count: u64,
    /// `true` with `--disconnect-after-job` (agents from 3.97.1 on): give this agent no further job.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "lenient::is_false")]
    pub ignore_agent_in_dispatches: bool,
}

/// The words of [`FinishRequest::signal_reason`] that agents send.
pub mod signal_reason {
    /// The agent's own configuration forbids the job.
    pub const AGENT_REFUSED: &str = "agent_refused";
    /// The agent was stopped while the job ran.
    pub const AGENT_STOP: &str = "agent_stop";
    /// The job was cancelled.
    pub const CANCEL: &str = "cancel";
    /// The job could not be set up or its process could not be started.
    pub const PROCESS_RUN_ERROR: &str = "process_run_error";
    /// The step's signature did not verify.
    pub const SIGNATURE_REJECTED: &str = "signature_rejected";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_job_that_a_real_agent_runs() {
        let job = Job {
            id: "J".to_owned(),
            env: BTreeMap::from([("BUILDKITE_REPO".to_owned(), "none".to_owned())]),
            token: Some(SecretText::new("jobtok")),
            chunks_max_size_bytes: Positive::new(102_400),
            chunks_interval_seconds: None,
            log_max_size_bytes: None,
            step: Map::new(),
            matrix_permutation: BTreeMap::new(),
            priority: None,
            runnable_at: None,
            state: None,
        };
        let text = serde_json::to_string(&job).expect("writes");
        assert_eq!(
            text,
            r#"{"id":"J","env":{"BUILDKITE_REPO":"none"},"token":"jobtok","chunks_max_size_bytes":102400,"step":{}}"#
        );
        assert_eq!(serde_json::from_str::<Job>(&text).expect("reads"), job);
        let shown = format!("{job:?}");
        assert!(!shown.contains("jobtok") && !shown.contains("none"), "{shown}");
    }

    #[test]
    fn null_variables_are_empty_and_numbers_are_refused() {
        let read: Job = serde_json::from_str(r#"{"id":"J","env":{"A":null},"chunks_max_size_bytes":1,"step":null}"#)
            .expect("reads");
        assert_eq!(read.env.get("A").map(String::as_str), Some(""));
        assert!(serde_json::from_str::<Job>(r#"{"id":"J","env":{"A":1},"chunks_max_size_bytes":1}"#).is_err());
        assert!(serde_json::from_str::<Job>(r#"{"id":"J","env":{},"chunks_max_size_bytes":0}"#).is_err());
    }

    #[test]
    fn an_exit_status_is_text_both_ways() {
        let read: FinishRequest = serde_json::from_str(r#"{"exit_status":"-1","signal":"SIGTERM"}"#).expect("reads");
        assert_eq!(read.chunks_failed_count, 0);
        assert_eq!(
            serde_json::to_string(&read).expect("writes"),
            r#"{"exit_status":"-1","signal":"SIGTERM","chunks_failed_count":0}"#
        );
        assert!(serde_json::from_str::<FinishRequest>(r#"{"exit_status":0}"#).is_err());
        assert!(serde_json::from_str::<FinishRequest>("{}").is_err());
    }
}
