//! Why something was not done, as the results of their API have it.

use async_graphql::SimpleObject;
use countersign_control::Error;
use countersign_control::dagster::Trouble;
use countersign_domain::Refusal;

use crate::failure::{Failure, words_for_people};

/// The caller may not do it.
#[derive(Debug, SimpleObject)]
pub(crate) struct UnauthorizedError {
    /// Who may.
    message: String,
}

/// There is no such token in the organization.
#[derive(Debug, SimpleObject)]
pub(crate) struct DagsterCloudTokenNotFoundError {
    /// What was not found.
    message: String,
}

/// There is no such deployment in the organization.
#[derive(Debug, SimpleObject)]
pub(crate) struct DeploymentNotFoundError {
    /// What was not found.
    message: String,
}

/// There is no such run in the organization.
#[derive(Debug, SimpleObject)]
pub(crate) struct RunNotFoundError {
    /// What was not found.
    message: String,
}

/// Something else that went wrong, here or in an agent.
#[derive(Debug, SimpleObject)]
pub(crate) struct PythonError {
    /// What, and what to do about it.
    message: String,
    /// Its class.
    class_name: Option<String>,
    /// Where in the program of an agent; nothing of this server.
    stack: Vec<String>,
    /// What it came from: nothing, for it stands in the words.
    error_chain: Vec<ErrorChainLink>,
}

/// An error that another one came from.
#[derive(Debug, SimpleObject)]
pub(crate) struct ErrorChainLink {
    /// Whether it was raised from it, and not just after it.
    is_explicit_link: bool,
    /// The error.
    error: PythonError,
}

impl From<Trouble> for PythonError {
    fn from(it: Trouble) -> Self {
        let stack = it.trace.lines().map(|line| format!("{line}\n")).collect();
        Self { message: it.message, class_name: it.class, stack, error_chain: Vec::new() }
    }
}

/// Why an operation for people was not done.
pub(crate) enum Problem {
    Unauthorized(UnauthorizedError),
    /// With the words for it.
    NotFound(String),
    Python(PythonError),
}

impl Problem {
    pub(crate) fn python(message: String, class: &str) -> PythonError {
        PythonError { message, class_name: Some(class.to_owned()), stack: Vec::new(), error_chain: Vec::new() }
    }

    /// # Errors
    /// What concerns the whole call, such as a token that was revoked meanwhile.
    pub(crate) fn of(error: Error) -> Result<Self, Failure> {
        let message = words_for_people(&error);
        Ok(match error {
            Error::Denied { .. } | Error::Unauthenticated { reason: Refusal::Kind, .. } => {
                Self::Unauthorized(UnauthorizedError { message })
            }
            Error::NotFound(_) => Self::NotFound(message),
            Error::Invalid(_) => Self::Python(Self::python(message, "Invalid")),
            Error::Conflict(_) => Self::Python(Self::python(message, "Conflict")),
            whole => return Err(Failure::Person(whole)),
        })
    }
}

/// A union of an object with what can go wrong, made from the outcome of an operation. What is not found is a [`PythonError`] unless the union
/// has a type of its own for it.
macro_rules! results {
    ($($(#[$doc:meta])+ $name:ident of $object:ident $(or $missing:ident)?;)+) => {$(
        $(#[$doc])+
        #[derive(async_graphql::Union)]
        pub(crate) enum $name {
            $object($object),
            $($missing($crate::people::problem::$missing),)?
            UnauthorizedError($crate::people::problem::UnauthorizedError),
            PythonError($crate::people::problem::PythonError),
        }

        impl $name {
            pub(crate) fn of(outcome: countersign_control::Result<$object>) -> async_graphql::Result<Self> {
                use $crate::people::problem::Problem;
                let error = match outcome {
                    Ok(it) => return Ok(Self::$object(it)),
                    Err(error) => error,
                };
                Ok(match Problem::of(error)? {
                    Problem::Unauthorized(it) => Self::UnauthorizedError(it),
                    Problem::Python(it) => Self::PythonError(it),
                    Problem::NotFound(message) => $crate::people::problem::missing!(message $(, $missing)?),
                })
            }
        }
    )+};
}

macro_rules! missing {
    ($message:ident) => {
        Self::PythonError($crate::people::problem::Problem::python($message, "NotFound"))
    };
    ($message:ident, $missing:ident) => {
        Self::$missing($crate::people::problem::$missing::of($message))
    };
}

impl DagsterCloudTokenNotFoundError {
    pub(crate) const fn of(message: String) -> Self {
        Self { message }
    }
}

impl RunNotFoundError {
    pub(crate) const fn of(message: String) -> Self {
        Self { message }
    }
}

impl DeploymentNotFoundError {
    pub(crate) const fn of(message: String) -> Self {
        Self { message }
    }
}

pub(crate) use {missing, results};
