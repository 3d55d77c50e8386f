//! `GET /metrics` and `GET /metrics/queue`, for autoscalers, with an agent token.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::CountQueues;
use countersign_control::queue_counts::{Counts, QueueCounts};
use countersign_control::{Control, Error};
use countersign_wire::buildkite::{
    AgentCounts, ByQueue, JobCounts, MetricsCluster, MetricsOrganization, MetricsResponse, POLL_DURATION_HEADER,
    QueueMetricsQuery, QueueMetricsResponse,
};
use serde::Serialize;

use crate::{Failure, Granted};

/// How long an autoscaler is to wait between two calls.
const POLL: Duration = Duration::from_secs(10);

/// `GET /metrics`
pub(crate) async fn all(
    State(control): State<Control>,
    Granted(grant): Granted<CountQueues>,
) -> Result<Response, Failure> {
    let counts = control.count_queues(&grant).await?;
    let total = counts.total();
    let (organization, cluster) = whose(&counts);
    Ok(answer(MetricsResponse {
        agents: ByQueue { total: agents(&total), queues: by_queue(&counts, agents) },
        jobs: ByQueue { total: jobs(&total), queues: by_queue(&counts, jobs) },
        organization,
        cluster,
    }))
}

/// `GET /metrics/queue?name=…`: a queue without agents and jobs counts nothing, as one that does not exist.
pub(crate) async fn of_queue(
    State(control): State<Control>,
    Granted(grant): Granted<CountQueues>,
    query: Result<Query<QueueMetricsQuery>, QueryRejection>,
) -> Result<Response, Failure> {
    let name = query.map(|Query(QueueMetricsQuery { name })| name).ok().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Error::invalid("name", "must stand in the query once: the queue to count"))?;
    let counts = control.count_queues(&grant).await?;
    let of = counts.queues.get(&name).copied().unwrap_or_default();
    let (organization, cluster) = whose(&counts);
    Ok(answer(QueueMetricsResponse { agents: agents(&of), jobs: jobs(&of), organization, cluster }))
}

fn answer(body: impl Serialize) -> Response {
    ([(POLL_DURATION_HEADER, POLL.as_secs().to_string())], Json(body)).into_response()
}

fn by_queue<T>(counts: &QueueCounts, of: fn(&Counts) -> T) -> BTreeMap<String, T> {
    counts.queues.iter().map(|(queue, it)| (queue.clone(), of(it))).collect()
}

fn agents(of: &Counts) -> AgentCounts {
    AgentCounts { idle: of.agents_idle, busy: of.agents_busy, total: of.agents_idle + of.agents_busy }
}

fn jobs(of: &Counts) -> JobCounts {
    let Counts { jobs_scheduled: scheduled, jobs_running: running, jobs_waiting: waiting, .. } = *of;
    JobCounts { scheduled, running, waiting, total: scheduled + running + waiting }
}

fn whose(counts: &QueueCounts) -> (MetricsOrganization, Option<MetricsCluster>) {
    let cluster = counts.deployment.as_ref().map(|it| MetricsCluster { name: it.name.clone() });
    (MetricsOrganization { slug: counts.organization.slug.clone() }, cluster)
}
