//! One error for everything that can go wrong; each face renders it once.

use std::time::Duration;

use countersign_domain::text::FieldError;
use countersign_domain::{PublicId, Refusal};
use countersign_store::StoreError;
use countersign_store::blobs::BlobError;

/// What every operation answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation did not happen. Nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The credential is not accepted.
    #[error("{reason}")]
    Unauthenticated {
        /// Why.
        reason: Refusal,
        /// The public id of the credential, when its secret verified.
        token: Option<PublicId>,
    },
    /// The caller is known and may not do this.
    #[error("You may not do this: {action} needs {needs}.")]
    Denied {
        /// What was tried.
        action: &'static str,
        /// Who may.
        needs: &'static str,
    },
    /// The caller is signed in and may do this, but has not proved for a while that it is still them.
    #[error("This needs a proof that it is still you: show again what you sign in by, and go on within 5 minutes.")]
    Unproved,
    /// There is no such thing, or the caller may not know of it.
    #[error("No {0} found")]
    NotFound(&'static str),
    /// What was given cannot be used, field by field.
    #[error("{}", sentences(.0))]
    Invalid(Vec<FieldError>),
    /// It is at odds with what is there.
    #[error("{0}")]
    Conflict(String),
    /// Too often, or too much at once.
    #[error("{what} Try again in {} s.", retry_after.as_secs().max(1))]
    TooMany {
        /// What was too much, and what to do about it: sentences.
        what: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// Nobody can tell now. Never to be rendered as a denial.
    #[error("{message}")]
    Unavailable {
        /// A stable word: `storage_full`, `read_only`, `database`, `busy`, `provider`.
        code: &'static str,
        /// For people.
        message: &'static str,
    },
    /// A fault of ours. The text is for the log, never for the caller.
    #[error("internal error")]
    Internal(String),
}

/// When a caller is told to come back after [`Error::Unavailable`].
pub const RETRY_AFTER: Duration = Duration::from_secs(2);

fn sentences(fields: &[FieldError]) -> String {
    let mut text = String::new();
    for field in fields {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&field.field);
        // Some messages go on from the field's name, others are sentences of their own.
        let is_sentence = field.message.starts_with(char::is_uppercase);
        text.push_str(if is_sentence { ": " } else { " " });
        text.push_str(&field.message);
    }
    text
}

impl Error {
    /// One field that cannot be used.
    pub fn invalid(field: &str, message: impl std::fmt::Display) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    /// A credential whose secret verified, and is refused all the same.
    #[must_use]
    pub const fn refused(reason: Refusal, token: PublicId) -> Self {
        Self::Unauthenticated { reason, token: Some(token) }
    }

    /// A credential that is not known here.
    #[must_use]
    pub const fn unknown() -> Self {
        Self::Unauthenticated { reason: Refusal::Unknown, token: None }
    }

    /// A fault of ours.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }
}

impl From<BlobError> for Error {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Missing => Self::NotFound("artifact"),
            BlobError::NotAsAnnounced(what) => {
                Self::Conflict(format!("The bytes of the artifact are not those that were announced: {what}."))
            }
            BlobError::Busy => Self::Unavailable {
                code: "busy",
                message: "The server is taking in as many artifacts as it can; try again.",
            },
            BlobError::StorageFull => Self::Unavailable {
                code: "storage_full",
                message: "The server has no space left for artifacts; nothing was kept. Its operator must free space.",
            },
            BlobError::Unavailable { why } => {
                tracing::warn!(%why, "the store of artifacts is not available");
                Self::Unavailable {
                    code: "artifact_storage",
                    message: "The store of artifacts is not available now; try again.",
                }
            }
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::StorageFull => Self::Unavailable {
                code: "storage_full",
                message: "The server's disk is full; nothing was changed. Its operator must free space.",
            },
            StoreError::ReadOnly { .. } => Self::Unavailable {
                code: "read_only",
                message: "The server's disk cannot be written to; nothing was changed.",
            },
            StoreError::Unavailable { why } => {
                tracing::warn!(%why, "database not available");
                Self::Unavailable { code: "database", message: "The database is not available now; try again." }
            }
            StoreError::Contended => {
                Self::Unavailable { code: "busy", message: "The database is busy now; try again." }
            }
            StoreError::UniqueViolation => Self::Conflict("It exists already.".to_owned()),
            other => Self::Internal(other.to_string()),
        }
    }
}
