//! What people are told while the agent works.

use std::fmt;

/// Receives what people should see. Called from several workers at once; must not block for long.
pub trait Reporter: Send + Sync + 'static {
    /// One thing has happened. `worker` counts from 1 to `--spawn`.
    fn report(&self, worker: u32, event: &Event);
}

/// Reports to nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _worker: u32, _event: &Event) {}
}

/// One thing that happened to a worker. `Display` is a sentence for people; no field is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The agent token was traded for a session token.
    Registered {
        /// The agent's id.
        id: String,
        /// Its final name.
        name: String,
        /// Public id of the agent token, when its value has one.
        agent_token: Option<String>,
        /// Public id of the session token, when its value has one.
        session_token: Option<String>,
    },
    /// The agent waits for jobs.
    Connected,
    /// A call failed and is tried again.
    Waiting {
        /// The call, and how it failed.
        problem: String,
    },
    /// The server has a message.
    Message(String),
    /// The server told the agent to run nothing for now.
    Paused,
    /// The pause has ended.
    Resumed,
    /// A job was accepted and is about to run.
    JobStarted {
        /// The job's id.
        id: String,
        /// Public id of the job token, when its value has one.
        job_token: Option<String>,
    },
    /// A job was given back without running.
    JobRefused {
        /// The job's id.
        id: String,
        /// Why.
        reason: String,
    },
    /// A job has ended and the server knows.
    JobFinished {
        /// The job's id.
        id: String,
        /// Decimal; -1 when it did not run or was ended by a signal.
        exit_status: String,
    },
    /// A job has ended and the server could not be told.
    JobUnreported {
        /// The job's id.
        id: String,
        /// The last failure.
        problem: String,
    },
    /// The session was refused; the agent registers again.
    SessionRefused {
        /// What the server said.
        problem: String,
    },
    /// The agent leaves.
    Disconnecting {
        /// Why.
        reason: &'static str,
    },
    /// The agent has left.
    Disconnected,
    /// The worker has ended with an error; the others go on.
    Failed(String),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registered { id, name, agent_token, session_token } => {
                write!(f, "Registered as {name} ({id})")?;
                if let Some(token) = agent_token {
                    write!(f, " with agent token {token}")?;
                }
                if let Some(token) = session_token {
                    write!(f, "; session token {token}")?;
                }
                Ok(())
            }
            Self::Connected => f.write_str("Connected, waiting for jobs"),
            Self::Waiting { problem } => write!(f, "{problem}; trying again"),
            Self::Message(message) => write!(f, "The server says: {message}"),
            Self::Paused => f.write_str("Paused by the server; staying connected and running nothing"),
            Self::Resumed => f.write_str("No longer paused"),
            Self::JobStarted { id, job_token } => {
                write!(f, "Running job {id}")?;
                job_token.as_ref().map_or(Ok(()), |token| write!(f, " with job token {token}"))
            }
            Self::JobRefused { id, reason } => write!(f, "Refused job {id}: {reason}"),
            Self::JobFinished { id, exit_status } => write!(f, "Finished job {id} with exit status {exit_status}"),
            Self::JobUnreported { id, problem } => {
                write!(f, "Job {id} has ended and the server was not told: {problem}")
            }
            Self::SessionRefused { problem } => write!(f, "The session was refused ({problem}); registering again"),
            Self::Disconnecting { reason } => write!(f, "Disconnecting: {reason}"),
            Self::Disconnected => f.write_str("Disconnected"),
            Self::Failed(problem) => f.write_str(problem),
        }
    }
}
