//! An agent: one or more workers, each with a session of its own.
//!
//! ```text
//! register (agent token) ─► connect ─► heartbeats ∥ pings ─► job … ─► disconnect
//!      ▲                                          │
//!      └────────────── session refused ───────────┘        agent token refused ─► the end
//! ```

mod acquire;
mod idle;
mod registration;
mod session;

use std::{sync::Arc, time::Duration};

use countersign_domain::{Clock, Entropy, TokenSecret};
use countersign_wire::SecretText;
use tokio::{sync::watch, task::JoinSet};

use self::{idle::IdleWatch, session::Ended};
use crate::{
    AgentError, Config, Environment, ErrorKind, Event, Host, Reporter, Stop, Transport,
    ambient::Ambient,
    api::{Api, CallError},
    job,
    local::{
        health::{self, Health},
        leader, sockets,
    },
    stop,
};

/// A session shorter than this was refused too soon: the next registration waits.
const SHORT_SESSION: Duration = Duration::from_secs(60);

/// Longest wait between two registrations.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Everything that an agent runs on.
pub struct Agent {
    /// What was configured.
    pub config: Config,
    /// The agent token, read once from [`Config::token`].
    pub token: SecretText,
    /// The machine.
    pub host: Host,
    /// The agent's own variables; jobs inherit what is none of Countersign's and Buildkite's.
    pub environment: Environment,
    /// The program's clock.
    pub clock: Arc<dyn Clock>,
    /// The program's randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Who is told what happens.
    pub reporter: Arc<dyn Reporter>,
    /// Raised from signals.
    pub stop: watch::Receiver<Stop>,
}

impl Agent {
    /// Works until it is told to stop, told to leave, or can work no longer. With several workers the others go on when one
    /// ends, and the first error is the answer.
    ///
    /// # Errors
    /// [`ErrorKind::TokenRefused`] with the reason and the token's public id; [`ErrorKind::Unavailable`] when the first
    /// registration found no server in five minutes; [`ErrorKind::BadInput`] when the server takes no such registration, and, before
    /// anything is sent, when no job could use the build path or the shell; [`ErrorKind::AcquireRejected`] and
    /// [`ErrorKind::AcquireLocked`] when the job of [`Config::acquire_job`] did not run.
    pub async fn run(self) -> Result<Finished, AgentError> {
        refuse_inspection();
        job::refuse_unusable(&self.config, &self.host.executable, &self.environment)?;
        job::adopt_orphans();
        let transport = Transport::new(&self.config.endpoint, &self.environment)?;
        let workers = self.config.spawn;
        let ambient = Ambient { clock: self.clock.clone(), entropy: self.entropy.clone() };
        let idle = Arc::new(IdleWatch::new(workers));
        let health = Arc::new(Health::new(workers));
        // Dropped, and with it ended, when the workers have ended.
        let mut beside = JoinSet::new();
        if let Some(address) = self.config.health_check {
            beside.spawn(health::serve(address, health.clone(), ambient.clone()).await?);
        }
        beside.spawn(leader::lead(sockets::folder(&self.config), ambient.clone()));
        let agent = Arc::new(self);
        let mut running = JoinSet::new();
        for number in 1..=workers {
            let api = Api::new(transport.clone(), &agent.config.endpoint, agent.token.clone());
            let worker = Worker {
                agent: agent.clone(),
                ambient: ambient.clone(),
                api,
                number,
                idle: idle.clone(),
                health: health.clone(),
            };
            running.spawn(worker.run());
        }
        let mut first = Ok(Finished::default());
        while let Some(ended) = running.join_next().await {
            let ended = ended.unwrap_or_else(|error| {
                Err(AgentError::new(ErrorKind::Internal, format!("a worker of the agent ended unexpectedly: {error}")))
            });
            first = first.and(ended);
        }
        first
    }
}

/// How an agent ended that was not kept from its work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Finished {
    /// The exit status of the acquired job; -1 when it did not run or was ended by a signal.
    pub acquired: Option<i32>,
}

/// One worker.
pub(crate) struct Worker {
    agent: Arc<Agent>,
    ambient: Ambient,
    /// Calls with the agent token.
    api: Api,
    /// From 1.
    number: u32,
    idle: Arc<IdleWatch>,
    health: Arc<Health>,
}

impl Worker {
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    pub const fn ambient(&self) -> &Ambient {
        &self.ambient
    }

    pub fn stop(&self) -> &watch::Receiver<Stop> {
        &self.agent.stop
    }

    pub fn report(&self, event: &Event) {
        tracing::info!(worker = self.number, "{event}");
        self.health.note(self.number, event);
        self.agent.reporter.report(self.number, event);
    }

    /// Tells people that a call is tried again.
    pub fn waiting(&self, error: &CallError) {
        self.report(&Event::Waiting { problem: error.to_string() });
    }

    async fn run(self) -> Result<Finished, AgentError> {
        let ended = match &self.agent.config.acquire_job {
            Some(job) => self.acquire(job).await.map(|acquired| Finished { acquired }),
            None => self.work().await.map(|()| Finished::default()),
        };
        self.idle.left(self.number);
        if let Err(error) = &ended
            && self.agent.config.spawn > 1
        {
            self.report(&Event::Failed(error.to_string()));
        }
        ended
    }

    /// Registers and serves, again and again while sessions are refused.
    async fn work(&self) -> Result<(), AgentError> {
        let mut short_sessions = 0;
        loop {
            let Some(session) = self.register(short_sessions > 0).await? else { return Ok(()) };
            let since = self.ambient.clock.now();
            let Ended::Refused(error) = session.serve().await else { return Ok(()) };
            self.report(&Event::SessionRefused { problem: error.to_string() });
            let lasted = self.ambient.clock.now().since(since);
            short_sessions = if lasted < SHORT_SESSION { short_sessions + 1 } else { 1 };
            let wait = Duration::from_secs(1 << (short_sessions - 1).min(16)).min(LONGEST_WAIT);
            tokio::select! {
                () = self.ambient.clock.sleep(self.ambient.jitter(wait)) => {}
                () = stop::reached(self.stop(), Stop::AfterJob) => return Ok(()),
            }
        }
    }
}

/// The public id of a token, when its value is one of Countersign's.
pub(crate) fn public_id(token: &SecretText) -> Option<String> {
    TokenSecret::parse(token.reveal()).ok().map(|token| token.public_id().to_string())
}

/// Keeps processes of the same user, such as jobs, from reading the agent's memory and the variables it was started with.
fn refuse_inspection() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user may read the agent's memory");
    }
}
