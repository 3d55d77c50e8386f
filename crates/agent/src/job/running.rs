//! A started job, up to the end of its last process.

use std::{convert::Infallible, ffi::OsString, io, path::PathBuf, sync::Arc, time::Duration};

use countersign_wire::{
    SecretText,
    buildkite::{Job, signal_reason},
};
use tokio::sync::watch;

use super::{
    Cancel, Surroundings, acceptance, artifacts,
    checkout::{Checkout, NoCheckout, Source, Turn, Wanted},
    environment::Ingredients,
    folders,
    log::Log,
    offspring::Marked,
    outcome::Outcome,
    process::{self, Task},
};
use crate::{
    Environment,
    api::{Api, Halt},
    local::job_api::{self, JobApi, Place},
    redaction::{AddedSecrets, secret_values},
    stop::{self, Stop},
};

/// Longest random part of the wait between two looks at the job's state.
const STATUS_JITTER: Duration = Duration::from_secs(1);

/// Where a repository keeps hooks of its own.
const REPOSITORY_HOOKS: &str = ".buildkite/hooks";

/// A started job.
pub(super) struct Running<'a> {
    pub around: &'a Surroundings<'a>,
    pub api: &'a Api,
    pub job: &'a Job,
    pub token: &'a SecretText,
    pub place: &'a Place,
}

/// Why the command did not run.
enum NotRun {
    Ended(Outcome),
    Failed(io::Error),
}

impl From<io::Error> for NotRun {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl Running<'_> {
    /// Runs the job; nothing of it is left when this answers.
    pub async fn execute(&self, environment: Environment, added: Arc<AddedSecrets>, log: &mut Log) -> Outcome {
        if let Some(unfit) = acceptance::unfit(self.job) {
            log.line(&unfit.message).await;
            return Outcome::not_run(unfit.signal_reason);
        }
        let source = match Source::of(&self.job.env) {
            Ok(source) => source,
            Err(problem) => {
                log.line(&format!("There is no checkout: {problem}.")).await;
                return Outcome::not_run(signal_reason::AGENT_REFUSED);
            }
        };
        let marked = Marked::new(format!("{}={}", job_api::SOCKET_VARIABLE, self.place.socket.display()));
        let agent = self.around.worker.agent();
        let job_api = JobApi::open(self.place, &environment, self.folder(), &agent.config.redacted_vars, added);
        let job_api = match job_api {
            Ok(job_api) => Some(job_api),
            Err(error) => {
                log.line(&format!("Note: the Job API is not there, so env, redactor and workdir do not work: {error}"))
                    .await;
                None
            }
        };
        let (tell, cancelled) = watch::channel(None);
        let work = self.work(source.as_ref(), environment, (&cancelled, job_api.as_ref()), log);
        let worked = tokio::select! {
            worked = work => worked,
            never = self.watch_for_cancellation(tell, job_api.as_ref()) => match never {},
        };
        process::end_leftovers(&marked, self.around.worker.ambient()).await;
        match worked {
            Ok(outcome) | Err(NotRun::Ended(outcome)) => outcome,
            Err(NotRun::Failed(error)) => {
                log.line(&format!("The command could not be run: {error}")).await;
                Outcome::not_run(signal_reason::PROCESS_RUN_ERROR)
            }
        }
    }

    async fn work(
        &self,
        source: Option<&Source>,
        mut environment: Environment,
        (cancelled, job_api): (&watch::Receiver<Option<Cancel>>, Option<&JobApi>),
        log: &mut Log,
    ) -> Result<Outcome, NotRun> {
        let folder = self.folder();
        let agent = self.around.worker.agent();
        folders::link_commands(&agent.config.build_path, &agent.host.executable)?;
        // Held until the job has ended.
        let mut turn = None;
        if let Some(source) = source {
            turn = Some(self.take_turn(cancelled, log).await?);
            let commit = self.check_out(source, &environment, cancelled, log).await?;
            if source.wanted == Wanted::Newest {
                environment.set("BUILDKITE_COMMIT", &commit);
            }
            environment.set("BUILDKITE_COMMIT_RESOLVED", "true");
            if let Some(job_api) = job_api {
                job_api.set("BUILDKITE_COMMIT", &commit);
            }
            if folder.join(REPOSITORY_HOOKS).is_dir() {
                log.line(&format!("Note: the hooks in {REPOSITORY_HOOKS} are not run by this agent.")).await;
            }
        } else {
            folders::make(&folder)?;
        }
        let shell = self.shell();
        let (program, arguments) = shell.split_first().ok_or_else(|| io::Error::other("the shell is empty"))?;
        let script = self.job.env.get("BUILDKITE_COMMAND").map_or("", String::as_str);
        let arguments = arguments.iter().map(String::as_str).chain([script]).map(OsString::from).collect();
        let task = Task { program, arguments, ..self.task(&folder, &environment) };
        let ended = process::run(&task, self.around.worker.ambient(), log, Cancel::comes(cancelled)).await?;
        if let Some(cancel) = ended.cancelled {
            log.line(said(cancel)).await;
        }
        let outcome = Outcome::of(ended.status, ended.cancelled);
        let outcome = if ended.cancelled.is_some() { outcome } else { self.upload(outcome, cancelled, log).await };
        drop(turn);
        Ok(outcome)
    }

    /// Uploads what the step names, after a command that passed or failed. A cancellation ends that, too.
    async fn upload(&self, outcome: Outcome, cancelled: &watch::Receiver<Option<Cancel>>, log: &mut Log) -> Outcome {
        let folder = self.folder();
        let uploaded = tokio::select! {
            uploaded = artifacts::upload(self.around.worker, self.api, self.job, &folder, log) => uploaded,
            cancel = Cancel::comes(cancelled) => return Outcome::cancelled_early(cancel),
        };
        if uploaded { outcome } else { outcome.failed() }
    }

    /// How every process of the job is run; program and arguments are still to be named.
    fn task<'t>(&self, folder: &'t std::path::Path, environment: &'t Environment) -> Task<'t> {
        let config = &self.around.worker.agent().config;
        Task {
            program: "",
            arguments: Vec::new(),
            folder,
            environment,
            cancel_signal: config.cancel_signal,
            cancel_grace: config.cancel_grace,
        }
    }

    async fn take_turn(&self, cancelled: &watch::Receiver<Option<Cancel>>, log: &mut Log) -> Result<Turn, NotRun> {
        let folder = self.folder();
        if let Some(turn) = Turn::try_take(&folder)? {
            return Ok(turn);
        }
        log.line("Another agent of this name works in this folder; waiting for its job to end.").await;
        log.flush().await;
        tokio::select! {
            turn = Turn::take(&folder, self.around.worker.ambient()) => Ok(turn?),
            cancel = Cancel::comes(cancelled) => {
                log.line(said(cancel)).await;
                Err(NotRun::Ended(Outcome::cancelled_early(cancel)))
            }
        }
    }

    async fn check_out(
        &self,
        source: &Source,
        environment: &Environment,
        cancelled: &watch::Receiver<Option<Cancel>>,
        log: &mut Log,
    ) -> Result<String, NotRun> {
        let folder = self.folder();
        // A process starts in the folder, so it must be there before git makes a repository of it.
        folders::make(&folder)?;
        let worker = self.around.worker;
        let task = self.task(&folder, environment);
        let checkout = Checkout { source, ambient: worker.ambient(), task: &task, cancelled };
        match checkout.run(log).await {
            Ok(commit) => {
                log.line(&format!("Checked out {commit}")).await;
                if self.job.env.get("BUILDKITE_COMMIT_RESOLVED").is_none_or(|resolved| resolved != "true") {
                    checkout.announce(self.api, &self.job.id, &Halt::at(Stop::Now, worker.stop()), log).await;
                }
                Ok(commit)
            }
            Err(NoCheckout::Cancelled(cancel)) => {
                log.line(said(cancel)).await;
                Err(NotRun::Ended(Outcome::cancelled_early(cancel)))
            }
            Err(NoCheckout::Failed(problem)) => {
                log.line(&format!("There is no checkout: {problem}.")).await;
                Err(NotRun::Ended(Outcome::not_run(signal_reason::PROCESS_RUN_ERROR)))
            }
        }
    }

    /// Tells the job when it is to be cancelled, and why. Never ends by itself.
    async fn watch_for_cancellation(
        &self,
        tell: watch::Sender<Option<Cancel>>,
        job_api: Option<&JobApi>,
    ) -> Infallible {
        let mut refused = self.around.session_refused.clone();
        let cancel = tokio::select! {
            cancel = self.cancelled_by_server() => cancel,
            () = stop::reached(self.around.worker.stop(), Stop::Now) => Cancel::Agent,
            Ok(_) = refused.wait_for(Option::is_some) => Cancel::Agent,
        };
        if let Some(job_api) = job_api {
            job_api.set("BUILDKITE_JOB_CANCELLED", "true");
            if cancel == Cancel::TimedOut {
                job_api.mark_timed_out();
            }
        }
        tell.send_replace(Some(cancel));
        std::future::pending().await
    }

    async fn cancelled_by_server(&self) -> Cancel {
        let ambient = self.around.worker.ambient();
        loop {
            ambient.clock.sleep(self.around.status_interval + ambient.jitter(STATUS_JITTER)).await;
            match self.api.job_state(&self.job.id).await {
                Ok(job) if matches!(job.state.as_str(), "canceling" | "canceled") => return Cancel::Server,
                Ok(job) if matches!(job.state.as_str(), "timing_out" | "timed_out") => return Cancel::TimedOut,
                Err(error) if error.status() == Some(401) => return Cancel::Server,
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, job = self.job.id, "the job's state is not known for now"),
            }
        }
    }

    /// What the job's processes start with.
    pub fn environment(&self) -> Environment {
        let worker = self.around.worker;
        let agent = worker.agent();
        let config = &agent.config;
        let checkout_path = self.folder();
        let links = folders::bin_folder(&config.build_path);
        let beside = agent.host.executable.parent();
        let bin_folders: Vec<_> = beside.into_iter().chain([links.as_path()]).collect();
        let sockets_path = self.place.socket.parent().unwrap_or(&config.build_path);
        Ingredients {
            inherited: &agent.environment,
            job: &self.job.env,
            job_token: self.token,
            kept_from_job: &[agent.token.clone(), self.around.session_token.clone()],
            endpoint: self.api.base(),
            build_path: &config.build_path,
            checkout_path: &checkout_path,
            sockets_path,
            job_api: self.place,
            cancel_signal: process::name_of(config.cancel_signal),
            cancel_grace: config.cancel_grace,
            request_headers: &self.api.asked_headers(),
            bin_folders: &bin_folders,
            shell: &self.shell().join(" "),
            redacted_vars: &config.redacted_vars.join(","),
            agent_pid: agent.host.pid,
        }
        .build()
    }

    /// What must not reach the log.
    pub fn secrets(&self, environment: &Environment) -> Vec<SecretText> {
        let agent = self.around.worker.agent();
        let variables = environment.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
        let mut secrets = secret_values(variables, &agent.config.redacted_vars);
        secrets.extend([self.token.clone(), agent.token.clone(), self.around.session_token.clone()]);
        secrets.push(self.place.token.clone());
        if let Ok(Some(source)) = Source::of(&self.job.env) {
            secrets.extend(source.secrets().into_iter().map(SecretText::from));
        }
        secrets
    }

    fn folder(&self) -> PathBuf {
        folders::checkout_path(&self.around.worker.agent().config.build_path, &self.job.env, self.around.agent_name)
    }

    fn shell(&self) -> Vec<String> {
        self.around.worker.agent().config.shell.clone().unwrap_or_else(process::default_shell)
    }
}

/// What the log says of a cancellation.
const fn said(cancel: Cancel) -> &'static str {
    match cancel {
        Cancel::Server => "The job was cancelled.",
        Cancel::TimedOut => "The job ran for too long and was ended.",
        Cancel::Agent => "The agent was stopped, or lost its session, and ended the job.",
    }
}
