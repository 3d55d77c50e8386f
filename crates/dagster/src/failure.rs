//! How this face says what went wrong: a status, and words that an agent shows its operator.

use std::fmt;

use async_graphql::{ErrorExtensionValues, Response as Executed, ServerError};
use axum::Json;
use axum::response::{IntoResponse, Response};
use countersign_control::Error;
use countersign_domain::{PublicId, Refusal};
use countersign_http::BadBody;
use countersign_wire::dagster::{RefusalBody, TOKEN_HEADER};
use http::StatusCode;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};

/// What a caller is told to do about it whose credential is not known, or is none of an agent where an agent asks.
const HOW: &str = "An agent takes an agent token of this server, as `agent_token` under `dagster_cloud_api` in dagster.yaml; people's commands take a \
                   user token, as DAGSTER_CLOUD_API_TOKEN.";
/// The same for one that is no person's, where a person asks.
const HOW_FOR_PEOPLE: &str = "This is for people and their programs: use a user token of this server (`countersign user token create`), as DAGSTER_CLOUD_API_TOKEN.";

/// Why nothing was done.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// What an operation said.
    Of(Error),
    /// What an operation for people said. What concerns one field is an error at that field.
    Person(Error),
    /// A field of the query or the mutation that there is none of here.
    NotOffered {
        /// The operation's name in the document; empty without one.
        operation: String,
        /// The field.
        field: String,
    },
    /// The token reaches nothing, or not all, of what the call names.
    Withheld {
        /// What it does not reach.
        words: String,
        /// Its public id.
        token: PublicId,
    },
    /// A part of the body is too large. The agent sends a heartbeat once more without stack traces then.
    TooLarge(String),
    /// A document that is not taken here.
    Document(String),
    /// The body is not one of a call.
    Body(BadBody),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Of(error)
    }
}

impl From<BadBody> for Failure {
    fn from(body: BadBody) -> Self {
        Self::Body(body)
    }
}

/// For the library, which asks for words of its errors; what is answered is made below.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(error) => error.fmt(f),
            Self::Person(error) => f.write_str(&words_for_people(error)),
            Self::NotOffered { operation, field } => {
                if !operation.is_empty() {
                    write!(f, "{operation}: ")?;
                }
                write!(f, "`{field}` is not offered by this server; docs/dagster.md lists what is.")
            }
            Self::Withheld { words, .. } | Self::TooLarge(words) | Self::Document(words) => f.write_str(words),
            Self::Body(_) => f.write_str("the body cannot be read"),
        }
    }
}

/// What went wrong, for people.
pub(crate) fn words_for_people(error: &Error) -> String {
    match error {
        Error::Unauthenticated { reason: Refusal::Kind, .. } => format!("{error} {HOW_FOR_PEOPLE}"),
        Error::NotFound(_) => format!("{error}."),
        _ => error.to_string(),
    }
}

impl Failure {
    /// What is said of it beside the words, when it is an error of GraphQL's and not an answer of its own.
    pub(crate) fn of_field(&self) -> Option<ErrorExtensionValues> {
        let mut said = ErrorExtensionValues::default();
        match self {
            Self::NotOffered { operation, field } => {
                said.set("type", "not_offered");
                said.set("operation", operation.as_str());
                said.set("field", field.as_str());
            }
            Self::Person(error) => said.set(
                "type",
                match error {
                    Error::Denied { .. } => "forbidden",
                    Error::Unauthenticated { reason: Refusal::Kind, .. } => "kind",
                    Error::NotFound(_) => "not_found",
                    Error::Invalid(_) => "invalid",
                    Error::Conflict(_) => "conflict",
                    _ => return None,
                },
            ),
            _ => return None,
        }
        Some(said)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Some(said) = self.of_field() {
            let error = ServerError { extensions: Some(said), ..ServerError::new(self.to_string(), None) };
            return Json(Executed::from_errors(vec![error])).into_response();
        }
        match self {
            Self::Of(error) | Self::Person(error) => of_operation(error),
            Self::Withheld { words, token } => refusal(Refusal::Scope, words, Some(token)),
            Self::TooLarge(words) => countersign_http::message(StatusCode::PAYLOAD_TOO_LARGE, &words),
            it @ (Self::Document(_) | Self::NotOffered { .. }) => {
                countersign_http::message(StatusCode::BAD_REQUEST, &it.to_string())
            }
            Self::Body(body) => body.into_response(),
        }
    }
}

fn of_operation(error: Error) -> Response {
    let text = error.to_string();
    match error {
        Error::Unauthenticated { reason: reason @ (Refusal::Unknown | Refusal::Kind), token } => {
            refusal(reason, format!("{text} {HOW}"), token)
        }
        Error::Unauthenticated { reason, token } => refusal(reason, text, token),
        Error::Denied { .. } | Error::Unproved => countersign_http::message(StatusCode::FORBIDDEN, &text),
        Error::NotFound(_) => countersign_http::message(StatusCode::NOT_FOUND, &text),
        // An agent tries a 409 six times again, and stands still meanwhile.
        Error::Invalid(_) | Error::Conflict(_) => countersign_http::message(StatusCode::UNPROCESSABLE_ENTITY, &text),
        // What does not pass by itself. A 429 would be tried six times again, and the agent stands still meanwhile.
        Error::TooMany { .. } => countersign_http::message(StatusCode::FORBIDDEN, &text),
        Error::Unavailable { code, message } => countersign_http::unavailable(code, message),
        Error::Internal(what) => {
            tracing::error!(%what, "internal error");
            countersign_http::internal()
        }
    }
}

fn refusal(reason: Refusal, message: String, token: Option<PublicId>) -> Response {
    let body = RefusalBody { message, reason: Some(reason.as_str().to_owned()), token: token.map(|id| id.to_string()) };
    match reason {
        Refusal::Unknown | Refusal::Revoked | Refusal::Rotated | Refusal::Expired | Refusal::Kind => {
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, TOKEN_HEADER)], Json(body)).into_response()
        }
        Refusal::Network | Refusal::Scope => (StatusCode::FORBIDDEN, Json(body)).into_response(),
        Refusal::Rate => {
            let seconds = countersign_control::RETRY_AFTER.as_secs().to_string();
            (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds)], Json(body)).into_response()
        }
    }
}
