//! An agent's stay: register, heartbeat, ping, and how it is told to stop, pause or leave.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Positive, lenient};
use crate::SecretText;

/// `POST /register`, with the agent token. One call per spawned worker. Every field may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegisterRequest {
    /// May be empty, or hold `%hostname`, `%pid` and `%random`, which the server expands; `%spawn` is already a number. Names
    /// need not be unique.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub name: String,
    /// The machine's name.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub hostname: String,
    /// Free text. On Linux real agents send the joined contents of `/etc/*-release`: several lines, several kilobytes.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub os: String,
    /// Go's names: `amd64`, `arm64`, …
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub arch: String,
    /// `false` only with `--no-command-eval`.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub script_eval_enabled: bool,
    /// `true` with `--acquire-job`: ordinary jobs must not be assigned.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub ignore_in_dispatches: bool,
    /// An integer as text, possibly negative; higher is preferred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// For example `3.137.0`. Job tokens are understood from 3.39 on.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub version: String,
    /// The agent's build number.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub build: String,
    /// Tags, `key=value` or a bare `key`; keys may repeat. The queue is the ordinary tag `queue=…`. Real agents send `null`
    /// when there are none.
    #[serde(rename = "meta_data", deserialize_with = "lenient::null_as_default")]
    pub tags: Vec<String>,
    /// The agent's process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i64>,
    /// A hash of the machine's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// Informational: `disconnect-after-job`, `no-plugins`, …; empty or `null` with `--no-feature-reporting`.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub features: Vec<String>,
}

/// The answer to `POST /register`. The three intervals are required; real agents panic when one is zero or absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterResponse {
    /// The agent's id.
    pub id: String,
    /// The final name, with everything expanded.
    pub name: String,
    /// The session token.
    pub access_token: SecretText,
    /// Seconds between pings; an agent adds a random delay below one interval to each.
    pub ping_interval: Positive,
    /// Seconds between looks at the state of the running job.
    pub job_status_interval: Positive,
    /// Seconds between heartbeats; the first comes after one interval.
    pub heartbeat_interval: Positive,
    /// The tags as the server took them; agents only log them.
    #[serde(rename = "meta_data", default, deserialize_with = "lenient::null_as_default")]
    pub tags: Vec<String>,
    /// Another base address, including `/v3`, for all further calls. Best left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Headers to send from now on: absent or `null` keeps what the agent has, `{}` clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_headers: Option<BTreeMap<String, String>>,
}

/// What a ping tells an agent to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PingAction {
    /// Stay connected and run nothing; a job in the same answer is ignored.
    Pause,
    /// Leave. Wins over a job in the same answer.
    Disconnect,
    /// Wait, or run the job in the same answer. Every unknown word and `""` mean this too.
    #[serde(other)]
    Idle,
}

/// The answer to `GET /ping`; `{}` when there is nothing to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PingResponse {
    /// Absent means idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<PingAction>,
    /// Written to the agent's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The assigned job, repeated on each ping until it is accepted or taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<PingJob>,
    /// Another base address to try. Best left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// As in [`RegisterResponse::request_headers`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_headers: Option<BTreeMap<String, String>>,
}

/// The job in a ping. Agents decode it as a whole job but use only the id, so only the id is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingJob {
    /// The job's id, for `PUT /jobs/:id/accept`.
    pub id: String,
}

/// `POST /heartbeat`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeartbeatRequest {
    /// The agent's own clock, RFC 3339 with nanoseconds in its local zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<String>,
}

/// The answer to a heartbeat; it must be JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeartbeatResponse {
    /// What the agent sent, unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<String>,
    /// The server's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<String>,
}

/// The answer to `POST /disconnect`; agents ignore the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisconnectResponse {
    /// The agent's id.
    pub id: String,
    /// `disconnected`.
    pub connection_state: String,
}

/// `POST /stop`, with a job token: the agent that owns the job is to disconnect. `{}` and `{"force":true}` are what agents send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StopRequest {
    /// Also cancel the running job.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "lenient::is_false")]
    pub force: bool,
}

/// `POST /pause`, with a job token (agents from 3.96 on).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PauseRequest {
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Minutes until the pause ends by itself; absent or 0 lasts until `POST /resume`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_in_minutes: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_registration_is_read_and_null_is_empty() {
        let text = r#"{"name":"a-1","hostname":"h","os":"x\ny","arch":"amd64","script_eval_enabled":true,
            "ignore_in_dispatches":false,"version":"3.137.0","build":"12345","meta_data":null,"pid":7,"features":null,"new":{}}"#;
        let read: RegisterRequest = serde_json::from_str(text).expect("reads");
        assert_eq!((read.name.as_str(), read.tags.len(), read.pid), ("a-1", 0, Some(7)));
        assert_eq!(serde_json::from_str::<RegisterRequest>("{}").expect("reads"), RegisterRequest::default());
        assert!(serde_json::from_str::<RegisterRequest>(r#"{"meta_data":"queue=x"}"#).is_err());
    }

    #[test]
    fn a_registration_answer_without_intervals_or_with_zero_is_refused() {
        let text = r#"{"id":"i","name":"n","access_token":"t","ping_interval":1,"job_status_interval":2,"heartbeat_interval":0}"#;
        assert!(serde_json::from_str::<RegisterResponse>(text).is_err());
        let text = text.replace(":0", ":30");
        let read: RegisterResponse = serde_json::from_str(&text).expect("reads");
        assert_eq!(
            serde_json::to_string(&read).expect("writes"),
            r#"{"id":"i","name":"n","access_token":"t","ping_interval":1,"job_status_interval":2,"heartbeat_interval":30,"meta_data":[]}"#
        );
    }

    #[test]
    fn unknown_actions_are_idle_and_idle_is_an_empty_object() {
        for word in [r#""""#, r#""idle""#, r#""dance""#] {
            let read: PingResponse = serde_json::from_str(&format!(r#"{{"action":{word}}}"#)).expect("reads");
            assert_eq!(read.action, Some(PingAction::Idle));
        }
        let read: PingResponse =
            serde_json::from_str(r#"{"action":"pause","job":{"id":"j","env":{}}}"#).expect("reads");
        assert_eq!(read.action, Some(PingAction::Pause));
        assert_eq!(serde_json::to_string(&PingResponse::default()).expect("writes"), "{}");
        let left = PingResponse { action: Some(PingAction::Disconnect), ..PingResponse::default() };
        assert_eq!(serde_json::to_string(&left).expect("writes"), r#"{"action":"disconnect"}"#);
    }
}
