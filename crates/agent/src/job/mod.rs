//! One job, from its acceptance to its finish.
//!
//! ```text
//! start ─► fit for this agent? ─► folders, environment ─► process ─► last chunks ─► finish
//!                    beside it: the job's state is asked for, and a cancellation ends the process group
//! ```

mod acceptance;
mod artifacts;
mod environment;
mod folders;
mod log;
mod outcome;
mod places;
mod process;

use std::{io, path::PathBuf, time::Duration};

use countersign_wire::{
    SecretText,
    buildkite::{FinishRequest, Job, StartRequest, signal_reason},
};
use tokio::sync::watch;

pub(crate) use self::places::refuse_unusable;
use self::{environment::Ingredients, log::Log, outcome::Outcome, process::Task};
use crate::{
    Environment, Event,
    api::{Api, CallError, Halt, Retry},
    redaction::secret_values,
    stop::{self, Stop},
    worker::Worker,
};

/// Longest random part of the wait between two looks at the job's state.
const STATUS_JITTER: Duration = Duration::from_secs(1);

/// Why a running job is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancel {
    /// The server says so, or its job token is refused.
    Server,
    /// The agent was told to stop now, or its session was refused.
    Agent,
}

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

/// Runs an accepted job. Failures are told to the server and to people; none of them ends the agent.
pub(crate) async fn run(around: &Surroundings<'_>, job: Job) {
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
        return;
    }
    worker.report(&Event::JobStarted { id: job.id.clone(), job_token: crate::worker::public_id(&token) });

    let mut running = Running { around, api: &api, job: &job, token: &token };
    let environment = running.environment();
    let mut log = Log::open(ambient, &api, &job, &running.secrets(&environment), halt);
    let outcome = running.execute(&environment, &mut log).await;
    let chunks_failed_count = log.close().await;
    finish(around, &api, &job.id, outcome, chunks_failed_count).await;
}

/// A job without a token of its own is given back: the session token is the agent's and no job ever gets it.
async fn refuse_without_token(around: &Surroundings<'_>, job: &Job) {
    let reason = "the server sent no job token".to_owned();
    around.worker.report(&Event::JobRefused { id: job.id.clone(), reason });
    finish(around, around.session, &job.id, Outcome::not_run(signal_reason::AGENT_REFUSED), 0).await;
}

/// Tells the server how a job ended. A refusal means that the server holds the job for finished already.
async fn finish(around: &Surroundings<'_>, api: &Api, id: &str, outcome: Outcome, chunks_failed_count: u64) {
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
        Err(error) => return worker.waiting(&error),
    }
    worker.report(&Event::JobFinished { id: id.to_owned(), exit_status: request.exit_status });
}

/// A started job.
struct Running<'a> {
    around: &'a Surroundings<'a>,
    api: &'a Api,
    job: &'a Job,
    token: &'a SecretText,
}

impl Running<'_> {
    async fn execute(&mut self, environment: &Environment, log: &mut Log) -> Outcome {
        if let Some(unfit) = acceptance::unfit(self.job) {
            log.line(unfit.message).await;
            return Outcome::not_run(unfit.signal_reason);
        }
        match self.run_process(environment, log).await {
            Ok(outcome) => outcome,
            Err(error) => {
                log.line(&format!("The command could not be run: {error}")).await;
                Outcome::not_run(signal_reason::PROCESS_RUN_ERROR)
            }
        }
    }

    async fn run_process(&self, environment: &Environment, log: &mut Log) -> io::Result<Outcome> {
        let folder = self.checkout_path();
        folders::make(&folder)?;
        let agent = self.around.worker.agent();
        folders::link_commands(&agent.config.build_path, &agent.host.executable)?;
        let shell = self.shell();
        let task = Task {
            shell: &shell,
            script: self.job.env.get("BUILDKITE_COMMAND").map_or("", String::as_str),
            folder: &folder,
            environment,
            cancel_grace: agent.config.cancel_grace,
        };
        let ended = process::run(&task, self.around.worker.ambient(), log, self.cancelled()).await?;
        let outcome = Outcome::of(ended.status, ended.cancelled);
        let uploaded = artifacts::upload(self.around.worker, self.api, self.job, &folder, log).await;
        Ok(if uploaded { outcome } else { outcome.failed() })
    }

    /// Ends when the job is to be cancelled.
    async fn cancelled(&self) -> Cancel {
        let mut refused = self.around.session_refused.clone();
        tokio::select! {
            () = self.cancelled_by_server() => Cancel::Server,
            () = stop::reached(self.around.worker.stop(), Stop::Now) => Cancel::Agent,
            Ok(_) = refused.wait_for(Option::is_some) => Cancel::Agent,
        }
    }

    async fn cancelled_by_server(&self) {
        let ambient = self.around.worker.ambient();
        loop {
            ambient.clock.sleep(self.around.status_interval + ambient.jitter(STATUS_JITTER)).await;
            match self.api.job_state(&self.job.id).await {
                Ok(job) if matches!(job.state.as_str(), "canceling" | "canceled" | "timing_out" | "timed_out") => {
                    return;
                }
                Err(error) if error.status() == Some(401) => return,
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, job = self.job.id, "the job's state is not known for now"),
            }
        }
    }

    fn environment(&self) -> Environment {
        let worker = self.around.worker;
        let agent = worker.agent();
        let checkout_path = self.checkout_path();
        let links = folders::bin_folder(&agent.config.build_path);
        let beside = agent.host.executable.parent();
        let bin_folders: Vec<_> = beside.into_iter().chain([links.as_path()]).collect();
        Ingredients {
            inherited: &agent.environment,
            job: &self.job.env,
            job_token: self.token,
            kept_from_job: &[agent.token.clone(), self.around.session_token.clone()],
            endpoint: self.api.base(),
            build_path: &agent.config.build_path,
            checkout_path: &checkout_path,
            bin_folders: &bin_folders,
            shell: &self.shell().join(" "),
            redacted_vars: &agent.config.redacted_vars.join(","),
            agent_pid: agent.host.pid,
        }
        .build()
    }

    /// What must not reach the log.
    fn secrets(&self, environment: &Environment) -> Vec<SecretText> {
        let agent = self.around.worker.agent();
        let variables = environment.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
        let mut secrets = secret_values(variables, &agent.config.redacted_vars);
        secrets.extend([self.token.clone(), agent.token.clone(), self.around.session_token.clone()]);
        secrets
    }

    fn checkout_path(&self) -> PathBuf {
        folders::checkout_path(&self.around.worker.agent().config.build_path, &self.job.env, self.around.agent_name)
    }

    fn shell(&self) -> Vec<String> {
        self.around.worker.agent().config.shell.clone().unwrap_or_else(process::default_shell)
    }
}
