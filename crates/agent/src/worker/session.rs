//! One session: connected until told to leave, or until the session is refused.

use std::time::Duration;

use countersign_wire::buildkite::{HeartbeatRequest, PingAction, PingResponse, RegisterResponse};
use tokio::{sync::watch, task::JoinSet};

use super::{Worker, idle};
use crate::{
    Event, Stop,
    ambient::Ambient,
    api::{Api, CallError, Halt, Retry, printable},
    job::{self, Surroundings},
    stop,
};

/// Longest wait between pings while the server is away.
const LONGEST_PING_WAIT: Duration = Duration::from_secs(30);

/// How a session ended.
pub(super) enum Ended {
    /// The agent has left, and that was all.
    Left,
    /// The server knows the session no longer.
    Refused(CallError),
}

/// Why the ping loop ended.
enum Leave {
    Because(&'static str),
    Refused(CallError),
}

pub(super) type RefusedWatch = watch::Receiver<Option<CallError>>;

/// A registered worker.
pub(super) struct Session<'a> {
    worker: &'a Worker,
    /// Calls with the session token.
    api: Api,
    registered: RegisterResponse,
}

impl<'a> Session<'a> {
    pub const fn new(worker: &'a Worker, api: Api, registered: RegisterResponse) -> Self {
        Self { worker, api, registered }
    }

    /// Connects, works, and leaves.
    pub async fn serve(self) -> Ended {
        let left = match self.connect().await {
            Ok(()) => self.connected().await,
            Err(left) => left,
        };
        self.worker.idle.busy(self.worker.number);
        match left {
            Leave::Refused(error) => Ended::Refused(error),
            Leave::Because(reason) => {
                self.disconnect(reason).await;
                Ended::Left
            }
        }
    }

    /// Connects, and sends heartbeats until the set is dropped. `None` when there was no session to work in.
    pub async fn open(&self) -> Option<(JoinSet<()>, RefusedWatch)> {
        match self.connect().await {
            Ok(()) => {}
            Err(Leave::Refused(error)) => {
                self.worker.report(&Event::SessionRefused { problem: error.to_string() });
                return None;
            }
            Err(Leave::Because(reason)) => {
                self.disconnect(reason).await;
                return None;
            }
        }
        self.worker.report(&Event::Connected);
        Some(self.heartbeats())
    }

    /// Leaves, if the server still knows the session.
    pub async fn close(&self, refusal: &RefusedWatch) {
        if refusal.borrow().is_none() {
            self.disconnect("its job is done").await;
        }
    }

    /// The calls with the session token.
    pub const fn api(&self) -> &Api {
        &self.api
    }

    /// What a job needs of this session.
    pub fn around<'s>(&'s self, refusal: &'s RefusedWatch) -> Surroundings<'s> {
        Surroundings {
            worker: self.worker,
            agent_name: &self.registered.name,
            session: &self.api,
            session_token: &self.registered.access_token,
            status_interval: self.registered.job_status_interval.seconds(),
            session_refused: refusal,
        }
    }

    /// Sends heartbeats until what is answered is dropped.
    fn heartbeats(&self) -> (JoinSet<()>, RefusedWatch) {
        let (refused, refusal) = watch::channel(None);
        let mut heartbeats = JoinSet::new();
        heartbeats.spawn(heartbeats_until_refused(
            self.worker.ambient.clone(),
            self.api.clone(),
            self.registered.heartbeat_interval.seconds(),
            refused,
        ));
        (heartbeats, refusal)
    }

    /// Connects, however long the server is away.
    async fn connect(&self) -> Result<(), Leave> {
        let Worker { ambient, .. } = self.worker;
        let halt = Halt::at(Stop::AfterJob, self.worker.stop());
        loop {
            let call = Retry::CONNECT.run(ambient, &halt, |error| self.worker.waiting(error), || self.api.connect());
            match call.await {
                Ok(()) => return Ok(()),
                Err(_) if stop::has_reached(self.worker.stop(), Stop::AfterJob) => {
                    return Err(Leave::Because("asked to stop"));
                }
                Err(error) if error.is_temporary() => self.worker.waiting(&error),
                Err(error) => return Err(Leave::Refused(error)),
            }
        }
    }

    async fn connected(&self) -> Leave {
        self.worker.report(&Event::Connected);
        let (_heartbeats, refusal) = self.heartbeats();
        self.pings(&refusal).await
    }

    /// Pings until it is time to leave.
    async fn pings(&self, refusal: &RefusedWatch) -> Leave {
        let worker = self.worker;
        let interval = self.registered.ping_interval.seconds();
        let mut state = PingState::default();
        let mut wait = worker.ambient.jitter(interval);
        loop {
            let mut asked_at = worker.ambient.clock.now();
            let ping = async {
                worker.ambient.clock.sleep(wait).await;
                asked_at = worker.ambient.clock.now();
                self.api.ping().await
            };
            let answer = tokio::select! {
                answer = ping => answer,
                () = stop::reached(worker.stop(), Stop::AfterJob) => return Leave::Because("asked to stop"),
                error = refused(refusal) => return Leave::Refused(error),
            };
            wait = if idle::was_held(asked_at, worker.ambient.clock.now()) {
                Duration::ZERO
            } else {
                interval.mul_f64(0.75) + worker.ambient.jitter(interval.div_f64(2.0))
            };
            match answer {
                Ok(ping) => {
                    if state.failures > 0 {
                        worker.report(&Event::Connected);
                        state.failures = 0;
                    }
                    match self.obey(ping, &mut state, refusal).await {
                        Next::Leave(leave) => return leave,
                        Next::PingSoon => wait = Duration::ZERO,
                        Next::Ping => {}
                    }
                }
                Err(error) if error.status().is_some() && !error.is_temporary() => return Leave::Refused(error),
                Err(error) => {
                    if state.failures == 0 {
                        worker.waiting(&error);
                    }
                    // A call that ran into its limit was not held: the server may be away.
                    wait = wait.max(interval);
                    wait =
                        (wait * (1 << state.failures.min(5))).min(LONGEST_PING_WAIT) + worker.ambient.jitter(interval);
                    state.failures += 1;
                }
            }
        }
    }

    /// Does what a ping says.
    async fn obey(&self, ping: PingResponse, state: &mut PingState, refusal: &RefusedWatch) -> Next {
        let worker = self.worker;
        self.api.ask_headers(ping.request_headers.as_ref());
        if ping.message != state.message {
            if let Some(message) = &ping.message {
                worker.report(&Event::Message(printable(message)));
            }
            state.message.clone_from(&ping.message);
        }
        let paused = ping.action == Some(PingAction::Pause);
        if paused != state.paused {
            worker.report(if paused { &Event::Paused } else { &Event::Resumed });
            state.paused = paused;
        }
        if ping.action == Some(PingAction::Disconnect) {
            return Next::Leave(Leave::Because("the server asked for it"));
        }
        if paused {
            worker.idle.busy(worker.number);
            return Next::Ping;
        }
        if state.had_job && worker.agent.config.disconnect_after_job {
            return Next::Leave(Leave::Because("its job is done"));
        }
        if let Some(job) = ping.job {
            worker.idle.busy(worker.number);
            return self.take(&job.id, state, refusal).await;
        }
        let now = worker.ambient.clock.now();
        worker.idle.idle(worker.number, now);
        match worker.agent.config.disconnect_after_idle {
            Some(limit) if worker.idle.all_idle_for(limit, now) => Next::Leave(Leave::Because("no job for too long")),
            _ => Next::Ping,
        }
    }

    /// Accepts a job and runs it. One that cannot be accepted is left to the server.
    async fn take(&self, id: &str, state: &mut PingState, refusal: &RefusedWatch) -> Next {
        let worker = self.worker;
        let halt = Halt::at(Stop::AfterJob, worker.stop());
        let accept = Retry::ACCEPT.run(&worker.ambient, &halt, |error| worker.waiting(error), || self.api.accept(id));
        match accept.await {
            Ok(job) => {
                Box::pin(job::run(&self.around(refusal), job)).await;
                state.had_job = true;
                Next::PingSoon
            }
            Err(error) => {
                worker.report(&Event::JobRefused {
                    id: printable(id),
                    reason: format!("it could not be accepted: {error}"),
                });
                Next::Ping
            }
        }
    }

    async fn disconnect(&self, reason: &'static str) {
        let worker = self.worker;
        worker.report(&Event::Disconnecting { reason });
        let halt = Halt::at(Stop::Now, worker.stop());
        let call = Retry::DISCONNECT.run(&worker.ambient, &halt, |_| (), || self.api.disconnect());
        match call.await {
            Ok(()) => worker.report(&Event::Disconnected),
            Err(error) => tracing::warn!(%error, "left without the server's answer"),
        }
    }
}

/// What the ping loop remembers.
#[derive(Default)]
struct PingState {
    /// Pings in a row that found no server.
    failures: u32,
    paused: bool,
    had_job: bool,
    /// The last message, so that each is told once.
    message: Option<String>,
}

enum Next {
    Leave(Leave),
    Ping,
    /// There may be another job at once.
    PingSoon,
}

/// Ends when a heartbeat was refused.
async fn refused(refusal: &RefusedWatch) -> CallError {
    let mut refusal = refusal.clone();
    match refusal.wait_for(Option::is_some).await.map(|error| error.clone()) {
        Ok(Some(error)) => error,
        _ => std::future::pending().await,
    }
}

/// Sends heartbeats, also while a job runs. A server that is away is tried again at the next interval.
async fn heartbeats_until_refused(
    ambient: Ambient,
    api: Api,
    interval: Duration,
    refused: watch::Sender<Option<CallError>>,
) {
    let halt = Halt::never();
    loop {
        // Agents that lost their server at the same moment do not come back at the same moment.
        ambient.clock.sleep(interval.mul_f64(0.9) + ambient.jitter(interval.div_f64(10.0))).await;
        let failed = |error: &CallError| tracing::debug!(%error, "a heartbeat is sent again");
        let send = Retry::HEARTBEAT.run(&ambient, &halt, failed, || async {
            api.heartbeat(&HeartbeatRequest { sent_at: Some(ambient.rfc3339()) }).await
        });
        match send.await {
            Ok(_) => {}
            Err(error) if error.status().is_some() && !error.is_temporary() => {
                refused.send_replace(Some(error));
                return;
            }
            Err(error) => tracing::warn!(%error, "no heartbeat has reached the server"),
        }
    }
}
