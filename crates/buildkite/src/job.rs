//! One job, from accept to finish.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::{AcceptJob, ReportJob, UpdateJob};
use countersign_control::jobs::{Accepted, Acquired, Finished, MAX_CHUNK, MAX_LOG};
use countersign_control::{Control, Error};
use countersign_domain::text::shown;
use countersign_http as face;
use countersign_wire::SecretText;
use countersign_wire::buildkite::{FinishRequest, Job, JobState, JobUpdated, Positive, StartRequest};
use http::StatusCode;

use crate::{Done, Failure, Granted, NamedJob, OnJob};

/// `PUT /jobs/:id/accept`, with the session token
pub(crate) async fn accept(
    State(control): State<Control>,
    Granted(grant): Granted<AcceptJob>,
    NamedJob(job): NamedJob,
) -> Result<Json<Job>, Failure> {
    Ok(Json(answer(control.accept_job(&grant, job).await?)))
}

fn answer(accepted: Accepted) -> Job {
    let Accepted { job, env, step, secret } = accepted;
    Job {
        id: job.id.to_string(),
        env,
        token: Some(SecretText::new(secret.reveal())),
        chunks_max_size_bytes: Positive::new(u32::try_from(MAX_CHUNK).unwrap_or(u32::MAX)),
        chunks_interval_seconds: Some(Positive::new(1)),
        log_max_size_bytes: u64::try_from(MAX_LOG).ok(),
        step,
        matrix_permutation: job.matrix,
        priority: Some(job.priority),
        runnable_at: job.runnable_at.map(|at| at.to_string()),
        state: Some(job.state.as_str().to_owned()),
    }
}

/// `PUT /jobs/:id/acquire`, with the session token. An agent that was started for one job ends at a 422; at a 423 it tries again later.
pub(crate) async fn acquire(
    State(control): State<Control>,
    Granted(grant): Granted<AcceptJob>,
    NamedJob(job): NamedJob,
) -> Result<Response, Failure> {
    let acquired = match control.acquire_job(&grant, job).await {
        // To the agent, anything but 422 and 423 says that the server has a bad moment.
        Err(Error::NotFound(_)) => return Err(Error::Conflict("There is no such job.".to_owned()).into()),
        other => other?,
    };
    Ok(match acquired {
        Acquired::Taken(accepted) => Json(answer(*accepted)).into_response(),
        Acquired::NotYet => {
            let why = "The job waits for other steps, or for its turn; it cannot be taken yet.";
            countersign_http::message(StatusCode::LOCKED, why)
        }
    })
}

/// `PUT /jobs/:id`: attributes by name, their values as text.
pub(crate) async fn update(
    State(control): State<Control>,
    OnJob(grant): OnJob<UpdateJob>,
    face::Json(attributes): face::Json<BTreeMap<String, String>>,
) -> Result<Json<JobUpdated>, Failure> {
    if let Some(other) = attributes.keys().find(|name| *name != TIMEOUT) {
        return Err(Error::invalid(&shown(other), "is not an attribute that can be changed").into());
    }
    let Some(minutes) = attributes.get(TIMEOUT) else {
        return Err(Error::invalid(TIMEOUT, "is missing; it is the attribute that can be changed").into());
    };
    let id = control.set_job_timeout(&grant, minutes).await?.to_string();
    Ok(Json(JobUpdated { id }))
}

/// The attribute of a job that can be changed.
const TIMEOUT: &str = "timeout_in_minutes";

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
