//! Why the agent or a command stopped.

use std::fmt;

/// What kind of end it was; the command line maps each to an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A flag, a variable, a file or an argument is wrong.
    BadInput,
    /// The agent token or the job token was refused.
    TokenRefused,
    /// The credential is good, but the call is not allowed.
    Denied,
    /// What was asked for is not there.
    NotFound,
    /// The server could not be reached, or could not answer, for as long as it was tried.
    Unavailable,
    /// The job that was to be acquired cannot be acquired.
    AcquireRejected,
    /// The job that was to be acquired cannot run yet, for as long as it was tried.
    AcquireLocked,
    /// Something failed on this machine.
    Internal,
}

/// The end of an agent or a command that did not go well. The message is for people and never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentError {
    kind: ErrorKind,
    message: String,
}

impl AgentError {
    /// An error of `kind`; `message` says what is wrong and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Bad input.
    pub(crate) fn bad_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadInput, message)
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AgentError {}
