//! Waiting for something to do: what stands behind a stream and a held ping.
//!
//! ```text
//! place ─► look ─► something new? ── yes ─► told
//!            ▲          │ no
//!            └── woken, or after a while by itself ── wait
//! ```
//!
//! While nothing happens nothing is read but for a look now and then, and no row is written. The grant is made anew before each look.

use std::time::Duration;

use countersign_domain::Timestamp;
use countersign_domain::id::JobId;
use countersign_store::agents;
use countersign_store::{Tx, jobs};

use crate::access::SessionCaller;
use crate::access::actions::Ping;
use crate::settings::MAX_PING_HOLD;
use crate::wakeups::{Line, Place, Profile, Woken};
use crate::{Control, Grant, Result};

use super::{Instruction, may_work};

/// After how long an agent that waits is looked at without having been woken, and by how much longer at the most: so that they do not all look at
/// once. A wake-up that never came costs no more than this.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

/// How long a stream lasts, and by how much longer at the most: agents end a call after 60 s, and those that came at once are not to come back at
/// once.
const STREAM_TIME: (Duration, Duration) = (Duration::from_secs(40), Duration::from_secs(12));

/// For how long a job that was taken and has not started is not offered again on a new stream: its agent is about to start it.
const ABOUT_TO_START: Duration = Duration::from_secs(15);

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is time to [look](Waiting::look).
    Look,
    /// The time is up.
    TimeUp,
    /// The same agent waits elsewhere, later than here; or its place is needed for an organization that has fewer.
    Replaced,
    /// The server stops.
    Stopping,
}

/// An agent that waits. Its place goes when this is dropped.
pub struct Waiting {
    control: Control,
    grant: Grant<Ping>,
    place: Place,
    until: Timestamp,
    is_fresh: bool,
    standing: Option<Standing>,
    is_idle: bool,
}

/// Whether an agent could take a job now, and what it is like.
struct Standing {
    may_take: bool,
    profile: Profile,
    /// When this will be different by itself: a pause ends.
    until: Option<Timestamp>,
}

impl Control {
    /// Waits for an agent that listens to a stream. `None` when there is no room for it, or the server stops.
    ///
    /// # Errors
    /// Only those of the grant.
    pub fn wait_on_stream(&self, grant: Grant<Ping>) -> Result<Option<Waiting>> {
        let lasts = self.about(STREAM_TIME);
        Ok(self.wait(grant, lasts)?.ok())
    }

    /// What the agent is to do. While there is nothing, and it could take a job, the answer waits for one, for the time that is
    /// [set](crate::Settings::ping_hold).
    ///
    /// # Errors
    /// As [`Control::ping`], also when the session ends meanwhile.
    pub async fn held_ping(&self, grant: Grant<Ping>) -> Result<Instruction> {
        let hold = self.settings().ping_hold.min(MAX_PING_HOLD);
        if hold.is_zero() {
            return self.ping(&grant).await;
        }
        let mut waiting = match self.wait(grant, hold)? {
            Ok(waiting) => waiting,
            Err(grant) => return self.ping(&grant).await,
        };
        loop {
            let told = waiting.look().await?;
            if told != Instruction::Idle || !waiting.is_idle || waiting.next().await != Next::Look {
                return Ok(told);
            }
        }
    }

    /// Ends every wait, and lets nobody wait any more: the server stops.
    pub fn stop_waiting(&self) {
        self.wakeups().close();
    }

    /// How many agents wait on this server, by stream or held ping.
    #[must_use]
    pub fn agents_waiting(&self) -> usize {
        self.wakeups().waiting()
    }

    fn wait(&self, grant: Grant<Ping>, lasts: Duration) -> Result<std::result::Result<Waiting, Grant<Ping>>> {
        let session = grant.session()?;
        let (organization, deployment) = (session.organization, session.deployment);
        let line = Line { organization, deployment, queue: session.queue.clone() };
        let Some(place) = self.wakeups().take_place(session.agent, line) else { return Ok(Err(grant)) };
        Ok(Ok(Waiting {
            control: self.clone(),
            grant,
            place,
            until: self.now().plus(lasts),
            is_fresh: true,
            standing: None,
            is_idle: false,
        }))
    }

    /// A time, and a random part of more.
    fn about(&self, (time, more): (Duration, Duration)) -> Duration {
        let part = f64::from(u16::from_le_bytes([self.entropy().bytes16()[0], self.entropy().bytes16()[1]]));
        time + more.mul_f64(part / f64::from(u16::MAX))
    }
}

impl Waiting {
    /// What the agent is to do now.
    ///
    /// # Errors
    /// As [`Control::ping`]; [`crate::Error::Unauthenticated`] too when the session has ended since the last look.
    pub async fn look(&mut self) -> Result<Instruction> {
        self.place.about_to_look();
        let is_first = std::mem::take(&mut self.is_fresh);
        if !is_first {
            self.grant = self.control.renew(&self.grant).await?;
        }
        let told = self.control.ping(&self.grant).await?;
        match told {
            Instruction::Idle => self.settle().await?,
            Instruction::TakeJob(_) => self.place.busy(true),
            Instruction::Pause(_) => {
                self.place.busy(false);
                // When the pause ends is what is waited for.
                self.settle().await?;
            }
            Instruction::Disconnect(_) => self.place.busy(false),
        }
        Ok(told)
    }

    /// Whether a job that is offered was taken a moment ago: the agent has heard of it, and its start is on the way.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn is_about_to_start(&self, job: JobId) -> Result<bool> {
        let since = self.control.now().minus(ABOUT_TO_START);
        let read = self.control.read(&self.grant, job, |tx, scene| {
            Box::pin(async move { Ok(jobs::find(tx, scene.organization, scene.input).await?) })
        });
        Ok(read.await?.and_then(|job| job.accepted_at).is_some_and(|at| at > since))
    }

    /// Waits until there is a reason to look, or the wait is over.
    pub async fn next(&mut self) -> Next {
        let now = self.control.now();
        let left = self.until.since(now);
        if left.is_zero() {
            return Next::TimeUp;
        }
        let mut look = self.control.about(LOOK_EVERY);
        if let Some(until) = self.standing.as_ref().and_then(|standing| standing.until) {
            look = look.min(until.since(now));
        }
        tokio::select! {
            biased;
            woken = self.place.woken() => match woken {
                Woken::ByJob => Next::Look,
                Woken::ByAgent => {
                    self.standing = None;
                    Next::Look
                }
                Woken::Replaced => Next::Replaced,
                Woken::Closed => Next::Stopping,
            },
            () = self.control.clock().sleep(look.min(left)) => {
                if left <= look { return Next::TimeUp }
                self.standing = None;
                Next::Look
            }
        }
    }

    /// Stands in the line, or does not, as the agent could take a job or not.
    async fn settle(&mut self) -> Result<()> {
        if self.standing.is_none() {
            let session = self.grant.session()?.clone();
            let read = self.control.read(&self.grant, session, |tx, scene| Box::pin(standing(tx, &scene.input)));
            self.standing = Some(read.await?);
        }
        self.is_idle = self.standing.as_ref().is_some_and(|standing| standing.may_take);
        match &self.standing {
            Some(standing) if standing.may_take => self.place.idle(&standing.profile),
            _ => self.place.busy(false),
        }
        Ok(())
    }
}

async fn standing(tx: &mut Tx, session: &SessionCaller) -> Result<Standing> {
    let now = tx.now();
    let nothing = Standing { may_take: false, profile: Profile::default(), until: None };
    let Some(agent) = agents::find(tx, session.organization, session.agent).await? else { return Ok(nothing) };
    let until = agent.paused_until.filter(|_| agent.is_paused(now));
    let profile = Profile { priority: agent.priority.unwrap_or_default(), tags: Some(agent.tags.clone()) };
    let is_free = agent.state.is_connected()
        && agent.state != countersign_domain::AgentState::Stopping
        && !agent.is_paused(now)
        && !agent.ignore_in_dispatches
        && jobs::of_agent(tx, session.organization, agent.id).await?.is_none();
    Ok(Standing { may_take: is_free && may_work(tx, &agent).await?, profile, until })
}
