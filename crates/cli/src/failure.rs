//! How a command ends: the one mapping from errors to exit codes.

use std::{fmt, process::ExitCode};

use countersign_agent::{AgentError, ErrorKind};
use countersign_control::Error;
use countersign_store::StoreError;

/// How a command ended. The numbers are part of the command line's promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It was done.
    Done,
    /// A fault of the program or the machine.
    Internal,
    /// What was given cannot be used.
    BadInput,
    /// The credential is missing or not accepted.
    Unauthenticated,
    /// The credential is good and may not do this.
    Denied,
    /// There is no such thing.
    NotFound,
    /// It is at odds with what is there, or somebody else works on it.
    Conflict,
    /// A limit was met.
    TooMany,
    /// Nobody can tell now; trying again may help.
    Unavailable,
    /// The build failed.
    BuildFailed,
    /// The build was cancelled.
    BuildCanceled,
    /// `agent start --acquire-job`: the job cannot be acquired.
    AcquireRejected,
    /// `agent start --acquire-job`: the job cannot run yet.
    AcquireLocked,
    /// `meta-data exists`: the key is not set.
    MetaDataMissing,
    /// Ctrl-C ended the following of a build, which goes on: 128 and the number of SIGINT, as shells count.
    Interrupted,
    /// `agent start --reflect-exit-status`: what the acquired job ended with.
    OfJob(u8),
}

impl Exit {
    /// Every way to end, with what it means.
    pub const MEANINGS: [(Self, &'static str); 15] = [
        (Self::Done, "done"),
        (Self::Internal, "internal error"),
        (Self::BadInput, "bad input"),
        (Self::Unauthenticated, "unauthenticated"),
        (Self::Denied, "denied"),
        (Self::NotFound, "not found"),
        (Self::Conflict, "conflict"),
        (Self::TooMany, "too many"),
        (Self::Unavailable, "unavailable"),
        (Self::BuildFailed, "the build failed"),
        (Self::BuildCanceled, "the build was cancelled"),
        (Self::AcquireRejected, "`agent start --acquire-job`: the job cannot be acquired"),
        (Self::AcquireLocked, "`agent start --acquire-job`: the job cannot run yet"),
        (Self::MetaDataMissing, "`meta-data exists`: the key is not set"),
        (Self::Interrupted, "following a build: Ctrl-C; the build goes on"),
    ];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Internal => 1,
            Self::BadInput => 2,
            Self::Unauthenticated => 3,
            Self::Denied => 4,
            Self::NotFound => 5,
            Self::Conflict => 6,
            Self::TooMany => 7,
            Self::Unavailable => 8,
            Self::BuildFailed => 10,
            Self::BuildCanceled => 11,
            Self::AcquireRejected => 27,
            Self::AcquireLocked => 28,
            Self::MetaDataMissing => 100,
            Self::Interrupted => 130,
            Self::OfJob(status) => status,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not do what it was asked. The message is for people and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong and what to do.
    pub message: String,
}

/// What every command answers.
pub type Outcome<T = Exit> = Result<T, Failure>;

impl Failure {
    /// A failure of any sort.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string() }
    }

    /// What was given cannot be used.
    pub fn bad_input(message: impl fmt::Display) -> Self {
        Self::new(Exit::BadInput, message)
    }

    /// A fault of the program or the machine.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(Exit::Internal, message)
    }

    /// It is at odds with what is there.
    pub fn conflict(message: impl fmt::Display) -> Self {
        Self::new(Exit::Conflict, message)
    }

    /// Nobody can tell now.
    pub fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(Exit::Unavailable, message)
    }

    /// With more said before the message.
    #[must_use]
    pub fn about(self, what: impl fmt::Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match &error {
            Error::Unauthenticated { .. } => Exit::Unauthenticated,
            Error::Denied { .. } | Error::Unproved => Exit::Denied,
            Error::NotFound(_) => Exit::NotFound,
            Error::Invalid(_) => Exit::BadInput,
            Error::Conflict(_) => Exit::Conflict,
            Error::TooMany { .. } => Exit::TooMany,
            Error::Unavailable { .. } => Exit::Unavailable,
            // On the operator's own machine there is nobody to keep the cause from.
            Error::Internal(cause) => return Self::internal(cause),
        };
        Self::new(exit, error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match &error {
            StoreError::NotSetUp { .. } => Exit::NotFound,
            StoreError::UniqueViolation
            | StoreError::ForeignKey
            | StoreError::NewerSchema { .. }
            | StoreError::DivergentSchema { .. }
            | StoreError::FolderInUse { .. }
            | StoreError::LeaseHeld { .. }
            | StoreError::LeaseLost => Exit::Conflict,
            StoreError::StorageFull
            | StoreError::ReadOnly { .. }
            | StoreError::Unavailable { .. }
            | StoreError::Contended => Exit::Unavailable,
            _ => Exit::Internal,
        };
        Self::new(exit, error)
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        let exit = match error.kind() {
            ErrorKind::BadInput => Exit::BadInput,
            ErrorKind::TokenRefused => Exit::Unauthenticated,
            ErrorKind::Denied => Exit::Denied,
            ErrorKind::NotFound => Exit::NotFound,
            ErrorKind::Unavailable => Exit::Unavailable,
            ErrorKind::AcquireRejected => Exit::AcquireRejected,
            ErrorKind::AcquireLocked => Exit::AcquireLocked,
            ErrorKind::Internal => Exit::Internal,
        };
        Self::new(exit, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_promised_once() {
        let mut numbers: Vec<u8> = Exit::MEANINGS.iter().map(|(exit, _)| exit.code()).collect();
        numbers.dedup();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 27, 28, 100, 130]);
    }

    #[test]
    fn what_cannot_be_told_is_never_a_denial() {
        let cannot_tell = [
            Failure::from(StoreError::StorageFull),
            Failure::from(StoreError::Unavailable { why: "gone".to_owned() }),
            Failure::from(Error::Unavailable { code: "database", message: "gone" }),
        ];
        assert!(cannot_tell.iter().all(|failure| failure.exit == Exit::Unavailable));
    }
}
