//! One job, from accept to finish.

use axum::Json;
use axum::extract::State;
use countersign_control::access::actions::{AcceptJob, ReportJob};
use countersign_control::jobs::{Finished, MAX_CHUNK, MAX_LOG};
use countersign_control::{Control, Error};
use countersign_http as face;
use countersign_wire::SecretText;
use countersign_wire::buildkite::{FinishRequest, Job, JobState, Positive, StartRequest};

use crate::{Done, Failure, Granted, NamedJob, OnJob};

/// `PUT /jobs/:id/accept`, with the session token
pub(crate) async fn accept(
    State(control): State<Control>,
    Granted(grant): Granted<AcceptJob>,
    NamedJob(job): NamedJob,
) -> Result<Json<Job>, Failure> {
    let accepted = control.accept_job(&grant, job).await?;
    Ok(Json(Job {
        id: accepted.job.id.to_string(),
        env: accepted.env,
        token: Some(SecretText::new(accepted.secret.reveal())),
        chunks_max_size_bytes: Positive::new(u32::try_from(MAX_CHUNK).unwrap_or(u32::MAX)),
        chunks_interval_seconds: Some(Positive::new(1)),
        log_max_size_bytes: u64::try_from(MAX_LOG).ok(),
        step: Default::default(),
        priority: None,
        runnable_at: None,
        state: Some(accepted.job.state.as_str().to_owned()),
    }))
}

/// `PUT /jobs/:id/acquire`, with the session token. An agent that was started for one job ends at a 422, and idles at any other
/// refusal.
pub(crate) async fn acquire(Granted(_): Granted<AcceptJob>) -> Failure {
    Failure(Error::Conflict("This server does not offer taking a job by its id yet.".to_owned()))
}

/// `PUT /jobs/:id/start`. The agent's own time is not used: the server's clock counts.
pub(crate) async fn start(
    State(control): State<Control>,
    OnJob(grant): OnJob<ReportJob>,
    face::Json(StartRequest { .. }): face::Json<StartRequest>,
) -> Result<Done, Failure> {
    control.start_job(&grant).await?;
    Ok(Done {})
}

/// `GET /jobs/:id`
pub(crate) async fn state(
    State(control): State<Control>,
    OnJob(grant): OnJob<ReportJob>,
) -> Result<Json<JobState>, Failure> {
    let job = control.job_state(&grant).await?;
    Ok(Json(JobState { state: job.state.as_str().to_owned() }))
}

/// `PUT /jobs/:id/finish`
pub(crate) async fn finish(
    State(control): State<Control>,
    OnJob(grant): OnJob<ReportJob>,
    face::Json(request): face::Json<FinishRequest>,
) -> Result<Done, Failure> {
    let how = Finished {
        exit_status: request.exit_status,
        signal: request.signal,
        signal_reason: request.signal_reason,
        chunks_failed: i64::try_from(request.chunks_failed_count).unwrap_or(i64::MAX),
        ignore_agent_in_dispatches: request.ignore_agent_in_dispatches,
    };
    control.finish_job(&grant, how).await?;
    Ok(Done {})
}

/// `POST /jobs/:id/header_times`: older agents send when each group of the log began; newer ones write it into the log itself.
pub(crate) async fn header_times(OnJob(_): OnJob<ReportJob>) -> Done {
    Done {}
}
