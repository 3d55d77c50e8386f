//! Fields that may be null: an error at such a field leaves null in its place and the rest of the answer whole.
//!
//! The library drops a field whose resolver fails. Wrapped so, the error is reported and the field is there, as the GraphQL
//! specification has it.

use countersign_control::{Error, Result};

/// What the resolver of a field that may be null answers.
pub(crate) type Nullable<T> = Option<async_graphql::Result<T>>;

/// For queries: what is absent, and what the caller may not know of, is null without an error.
pub(crate) fn found<T>(answer: Result<Option<T>>) -> Nullable<T> {
    match answer {
        Ok(Some(value)) => Some(Ok(value)),
        Ok(None) | Err(Error::NotFound(_)) => None,
        Err(error) => Some(Err(error.into())),
    }
}

/// For fields that are null only when something goes wrong, mutations among them.
pub(crate) fn answered<T>(answer: Result<T>) -> Nullable<T> {
    Some(answer.map_err(Into::into))
}
