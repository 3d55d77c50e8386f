//! What autoscalers read: how much waits in each queue, and how many agents there are for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// In the answer to `GET /metrics`: after how many seconds to ask again at the earliest, a whole number.
pub const POLL_DURATION_HEADER: &str = "Buildkite-Agent-Metrics-Poll-Duration";

/// The answer to `GET /metrics`, with the agent token. An empty slug makes the client fail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricsResponse {
    /// All queues together, and each.
    pub agents: ByQueue<AgentCounts>,
    /// All queues together, and each.
    pub jobs: ByQueue<JobCounts>,
    /// The token's organization.
    pub organization: MetricsOrganization,
    /// The token's cluster; left out when it is for several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<MetricsCluster>,
}

/// The answer to `GET /metrics/queue?name=…`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueueMetricsResponse {
    /// The queue's agents.
    pub agents: AgentCounts,
    /// The queue's jobs.
    pub jobs: JobCounts,
    /// The token's organization.
    pub organization: MetricsOrganization,
    /// The token's cluster; left out when it is for several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<MetricsCluster>,
}

/// The query of `GET /metrics/queue`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueueMetricsQuery {
    /// The queue.
    pub name: String,
}

/// Counts of all queues, with those of each beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ByQueue<T: Default> {
    /// All of them.
    #[serde(flatten)]
    pub total: T,
    /// Each.
    pub queues: BTreeMap<String, T>,
}

/// Agents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentCounts {
    /// Without a job.
    pub idle: i64,
    /// With one.
    pub busy: i64,
    /// Both.
    pub total: i64,
}

/// Jobs that have not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobCounts {
    /// For an agent to take.
    pub scheduled: i64,
    /// With an agent.
    pub running: i64,
    /// For something else to happen first.
    pub waiting: i64,
    /// All of them.
    pub total: i64,
}

/// Whose counts these are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricsOrganization {
    /// Never empty.
    pub slug: String,
}

/// Where they were counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricsCluster {
    /// Its name.
    pub name: String,
}
