//! `lock acquire|do|done|get|release`: taking turns among the jobs of one machine and build path.

use std::{path::PathBuf, sync::Arc, time::Duration};

use countersign_domain::{Clock, Entropy};
use reqwest::Method;

use crate::{
    AgentError, Environment, ErrorKind,
    ambient::Ambient,
    local::{
        client::Local,
        leader::{self, Swap, Swapped},
    },
};

/// The folder of the agent's sockets.
const SOCKETS_VARIABLE: &str = "BUILDKITE_SOCKETS_PATH";

/// How often a taken lock is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long a leader that does not answer is waited for: another agent may be about to take over.
const LEADER_PATIENCE: Duration = Duration::from_secs(10);

/// What `lock do` sets while somebody does the work, and afterwards.
const DOING: &str = "doing";
const DONE: &str = "done";

/// The locks of this machine and build path.
pub struct Locks {
    leader: Local,
    ambient: Ambient,
}

/// What to do after `lock do`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Do the work, then say `lock done`.
    Do,
    /// Somebody has done it.
    Done,
}

impl Locks {
    /// `sockets_path` is the folder of the agent's sockets; else the variable that the agent sets.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn new(
        sockets_path: Option<PathBuf>,
        environment: &Environment,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, AgentError> {
        let folder =
            sockets_path.or_else(|| environment.get(SOCKETS_VARIABLE).map(PathBuf::from)).ok_or_else(|| {
                AgentError::bad_input(format!(
                    "{SOCKETS_VARIABLE} is not set; this command works inside a job, or with --sockets-path"
                ))
            })?;
        let leader = Local::new(&folder.join(leader::SOCKET), leader::BASE, None, "the agent that keeps the locks")?;
        Ok(Self { leader, ambient: Ambient { clock, entropy } })
    }

    /// The value of a lock; empty when nobody has it.
    ///
    /// # Errors
    /// No agent answers.
    pub async fn get(&self, key: &str) -> Result<String, AgentError> {
        let path = path(key)?;
        let none: Option<&()> = None;
        self.patiently(async || Ok(self.leader.call::<Swapped>(Method::GET, &path, none).await?.value)).await
    }

    /// Waits for a lock and answers the token that releases it. `patience` bounds the wait.
    ///
    /// # Errors
    /// It was not free in time, or no agent answers.
    pub async fn acquire(&self, key: &str, patience: Option<Duration>) -> Result<String, AgentError> {
        let token = format!("acquired({})", self.ambient.entropy.base62(22));
        self.until(key, patience, async || Ok(self.swap(key, "", &token).await?.swapped.then(|| token.clone()))).await
    }

    /// Gives a lock back.
    ///
    /// # Errors
    /// The token is not the one that it was acquired with, or no agent answers.
    pub async fn release(&self, key: &str, token: &str) -> Result<(), AgentError> {
        if token.is_empty() {
            return Err(AgentError::bad_input("the token is empty; give the one that lock acquire printed"));
        }
        if self.swap(key, token, "").await?.swapped {
            return Ok(());
        }
        Err(AgentError::bad_input(format!("the lock {key:?} is not held with this token")))
    }

    /// The first to ask does the work; the others wait until it is done.
    ///
    /// # Errors
    /// It was not done in time, the lock is used in another way, or no agent answers.
    pub async fn turn(&self, key: &str, patience: Option<Duration>) -> Result<Turn, AgentError> {
        self.until(key, patience, async || {
            let swapped = self.swap(key, "", DOING).await?;
            match swapped.value.as_str() {
                DOING if swapped.swapped => Ok(Some(Turn::Do)),
                DOING => Ok(None),
                DONE => Ok(Some(Turn::Done)),
                _ => Err(AgentError::bad_input(format!("the lock {key:?} is held by lock acquire"))),
            }
        })
        .await
    }

    /// Says that the work is done.
    ///
    /// # Errors
    /// Nobody is doing it, or no agent answers.
    pub async fn done(&self, key: &str) -> Result<(), AgentError> {
        if self.swap(key, DOING, DONE).await?.swapped {
            return Ok(());
        }
        Err(AgentError::bad_input(format!("nobody does the work of the lock {key:?}; say lock do first")))
    }

    async fn swap(&self, key: &str, old: &str, new: &str) -> Result<Swapped, AgentError> {
        let path = path(key)?;
        let swap = Swap { old: old.to_owned(), new: new.to_owned() };
        self.patiently(async || self.leader.call(Method::PATCH, &path, Some(&swap)).await).await
    }

    /// Tries until there is something, or patience ends.
    async fn until<T>(
        &self,
        key: &str,
        patience: Option<Duration>,
        attempt: impl AsyncFn() -> Result<Option<T>, AgentError>,
    ) -> Result<T, AgentError> {
        let deadline = patience.map(|patience| self.ambient.clock.now().plus(patience));
        loop {
            if let Some(found) = attempt().await? {
                return Ok(found);
            }
            if deadline.is_some_and(|deadline| self.ambient.clock.now() >= deadline) {
                return Err(AgentError::new(ErrorKind::Unavailable, format!("the lock {key:?} was not free in time")));
            }
            self.ambient.clock.sleep(LOOK_AGAIN + self.ambient.jitter(LOOK_AGAIN)).await;
        }
    }

    /// Calls the leader, also while one agent takes over from another.
    async fn patiently<T>(&self, call: impl AsyncFn() -> Result<T, AgentError>) -> Result<T, AgentError> {
        let deadline = self.ambient.clock.now().plus(LEADER_PATIENCE);
        loop {
            match call().await {
                Err(error) if error.kind() == ErrorKind::Unavailable && self.ambient.clock.now() < deadline => {
                    self.ambient.clock.sleep(LOOK_AGAIN).await;
                }
                answer => return answer,
            }
        }
    }
}

fn path(key: &str) -> Result<String, AgentError> {
    if key.is_empty() || key.len() > 1024 {
        return Err(AgentError::bad_input("the key of a lock has 1 to 1024 bytes"));
    }
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("key", key).finish();
    Ok(format!("/lock?{query}"))
}
