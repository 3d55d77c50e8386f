//! One job, from its acceptance to its finish.
//!
//! ```text
//! start ─► fit for this agent? ─► folders, environment ─► checkout ─► process ─► leftovers ended ─► last chunks ─► finish
//!       beside it: the Job API answers; the job's state is asked for, and a cancellation ends the process group
//! ```

mod acceptance;
mod artifacts;
mod checkout;
mod environment;
mod folders;
mod log;
mod offspring;
mod outcome;
mod places;
mod process;
mod running;

use std::{sync::Arc, time::Duration};

use countersign_wire::{
    SecretText,
    buildkite::{FinishRequest, Job, StartRequest, signal_reason},
};
use tokio::sync::watch;

pub(crate) use self::{
    environment::REQUEST_HEADER_VARIABLE, offspring::adopt_orphans, places::refuse_unusable, process::signal_named,
};
use self::{log::Log, outcome::Outcome, running::Running};
use crate::{
    Event,
    api::{Api, CallError, Halt, Retry},
    local::{job_api::Place, sockets},
    redaction::AddedSecrets,
    stop::Stop,
    worker::Worker,
};

/// Why a running job is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancel {
    /// The server says so, or its job token is refused.
    Server,
    /// The server says that the job has run for too long.
    TimedOut,
    /// The agent was told to stop now, or its session was refused.
    Agent,
}

impl Cancel {
    /// Ends when the job is cancelled; never, once nobody can cancel it any more.
    async fn comes(cancelled: &watch::Receiver<Option<Self>>) -> Self {
        let mut cancelled = cancelled.clone();
        match cancelled.wait_for(Option::is_some).await.map(|cancel| *cancel) {
            Ok(Some(cancel)) => cancel,
            _ => std::future::pending().await,
        }
    }
}

/// The exit status of a job that did not run, or was ended by a signal.
const NOT_RUN: i32 = -1;

/// What a job needs of the session that it runs in.
pub(crate) struct Surroundings<'a> {
    pub worker: &'a Worker,
    /// The agent's name, as registered.
    pub agent_name: &'a str,
    /// Calls with the session token.
    pub session: &'a Api,
    /// The session token itself, to keep it from the job.
    pub session_token: &'a SecretText,
    pub status_interval: Duration,
    /// Set when the session is refused.
    pub session_refused: &'a watch::Receiver<Option<CallError>>,
}

/// Runs an accepted job and answers its exit status. Failures are told to the server and to people; none of them ends the agent.
pub(crate) async fn run(around: &Surroundings<'_>, job: Job) -> i32 {
    let Some(token) = job.token.clone().filter(|token| !token.reveal().is_empty()) else {
        return refuse_without_token(around, &job).await;
    };
    let api = around.session.with_token(token.clone());
    let worker = around.worker;
    let ambient = worker.ambient();
    let halt = Halt::at(Stop::Now, worker.stop());
    let request = StartRequest { started_at: Some(ambient.rfc3339()) };
    let start = Retry::START.run(ambient, &halt, |error| worker.waiting(error), || api.start(&job.id, &request));
    if let Err(error) = start.await {
        worker.report(&Event::JobRefused { id: job.id, reason: format!("it could not be started: {error}") });
        return NOT_RUN;
    }
    worker.report(&Event::JobStarted { id: job.id.clone(), job_token: crate::worker::public_id(&token) });

    let place = Place::new(&sockets::folder(&worker.agent().config), ambient);
    let running = Running { around, api: &api, job: &job, token: &token, place: &place };
    let environment = running.environment();
    let added = Arc::new(AddedSecrets::default());
    let secrets = running.secrets(&environment);
    let mut log = Log::open(ambient, &api, &job, (&secrets, added.clone()), halt);
    let outcome = Box::pin(running.execute(environment, added, &mut log)).await;
    let chunks_failed_count = log.close().await;
    finish(around, &api, &job.id, outcome, chunks_failed_count).await
}

/// A job without a token of its own is given back: the session token is the agent's and no job ever gets it.
async fn refuse_without_token(around: &Surroundings<'_>, job: &Job) -> i32 {
    let reason = "the server sent no job token".to_owned();
    around.worker.report(&Event::JobRefused { id: job.id.clone(), reason });
    finish(around, around.session, &job.id, Outcome::not_run(signal_reason::AGENT_REFUSED), 0).await
}

/// Tells the server how a job ended. A refusal means that the server holds the job for finished already.
async fn finish(around: &Surroundings<'_>, api: &Api, id: &str, outcome: Outcome, chunks_failed_count: u64) -> i32 {
    let exit_status = outcome.exit_status.parse().unwrap_or(NOT_RUN);
    let worker = around.worker;
    let request = FinishRequest {
        exit_status: outcome.exit_status,
        signal: outcome.signal,
        signal_reason: outcome.signal_reason.map(str::to_owned),
        finished_at: Some(worker.ambient().rfc3339()),
        chunks_failed_count,
        ignore_agent_in_dispatches: worker.agent().config.disconnect_after_job,
    };
    let halt = Halt::at(Stop::Now, worker.stop());
    let call = Retry::FINISH.run(worker.ambient(), &halt, |error| worker.waiting(error), || api.finish(id, &request));
    match call.await {
        Ok(()) => {}
        Err(error) if error.status().is_some() && !error.is_temporary() => {
            tracing::info!(%error, job = id, "the server holds the job for finished");
        }
        Err(error) => {
            worker.report(&Event::JobUnreported { id: id.to_owned(), problem: error.to_string() });
            return exit_status;
        }
    }
    worker.report(&Event::JobFinished { id: id.to_owned(), exit_status: request.exit_status });
    exit_status
}
