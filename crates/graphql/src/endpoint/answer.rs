//! Answers: data and errors, the status that they call for, and the headers that say what is left to spend.

use async_graphql::{Name, PathSegment, Pos, Response as Executed, ServerError, Value};
use axum::response::{IntoResponse, Response};
use countersign_control::Error;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::failure::Failure;
use crate::limits::Standing;

/// In the place of a message that would repeat a token value.
const A_VALUE_FOR_A_NAME: &str = "A token value stands in the document where a name belongs.";

/// What was asked for and spent, and what is left of the organization's and of the person's allowance.
pub(super) struct Stats {
    pub requested: u64,
    pub actual: u64,
    pub standing: (Standing, Standing),
}

/// An answer to a document that was executed, or that the schema refused.
pub(super) struct Whole {
    pub executed: Executed,
    pub stats: Stats,
    pub wants_stats: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<StatsBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatsBody {
    requested_complexity: u64,
    actual_complexity: u64,
}

impl Failure {
    /// The same, at a place in the document.
    pub(super) fn at(mut self, place: Pos) -> Self {
        self.location = Some(place);
        self
    }

    fn into_error(self) -> ServerError {
        ServerError { extensions: Some(self.extensions), ..ServerError::new(self.message, self.location) }
    }
}

/// The answer when nothing was executed.
pub(super) fn failed(failure: Failure) -> Response {
    let (status, retry_after) = (failure.status, failure.retry_after);
    let errors = [failure.into_error()];
    let mut answer = (status, axum::Json(Body { data: None, errors: &errors, stats: None })).into_response();
    dress(answer.headers_mut(), status, retry_after);
    answer
}

/// The answer to a document.
pub(super) fn whole(Whole { mut executed, stats, wants_stats }: Whole) -> Response {
    // An error without a path comes before execution: then there is no data, not even null.
    let was_executed = executed.errors.iter().all(|error| !error.path.is_empty()) || executed.data != Value::Null;
    let mut status = StatusCode::OK;
    let mut retry_after = None;
    for error in &mut executed.errors {
        fill_in(&mut executed.data, &error.path);
        let Some(source) = error.source::<Error>() else {
            // The library's own: the document, or a value in it, does not fit the schema. It quotes the name that it met.
            if countersign_http::holds_a_token(&error.message) {
                A_VALUE_FOR_A_NAME.clone_into(&mut error.message);
            }
            error.extensions.get_or_insert_default().set("type", "invalid");
            continue;
        };
        let failure = Failure::of_field(source);
        // The greatest speaks for the whole answer: what may be tried again, a fault of ours, a refusal.
        status = status.max(failure.status);
        retry_after = retry_after.max(failure.retry_after);
        error.message = failure.message;
        error.extensions = Some(failure.extensions);
    }
    let numbers =
        wants_stats.then_some(StatsBody { requested_complexity: stats.requested, actual_complexity: stats.actual });
    let body = Body { data: was_executed.then_some(&executed.data), errors: &executed.errors, stats: numbers };
    let mut answer = (status, axum::Json(body)).into_response();
    dress(answer.headers_mut(), status, retry_after);
    say_what_is_left(answer.headers_mut(), &stats);
    answer
}

/// A field at the top that failed before its resolver began is missing; every one of them may be null.
fn fill_in(data: &mut Value, path: &[PathSegment]) {
    let [PathSegment::Field(name)] = path else { return };
    if *data == Value::Null {
        *data = Value::Object(async_graphql::indexmap::IndexMap::default());
    }
    if let Value::Object(fields) = data {
        fields.entry(Name::new(name)).or_insert(Value::Null);
    }
}

fn dress(headers: &mut HeaderMap, status: StatusCode, retry_after: Option<u64>) {
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// Buildkite's headers.
fn say_what_is_left(headers: &mut HeaderMap, stats: &Stats) {
    let (organization, user) = stats.standing;
    let numbers = [
        ("ratelimit-limit", organization.limit),
        ("ratelimit-remaining", organization.remaining),
        ("ratelimit-reset", organization.reset),
        ("ratelimit-user-limit", user.limit),
        ("ratelimit-user-remaining", user.remaining),
        ("ratelimit-user-reset", user.reset),
        ("ratelimit-complexity-requested", stats.requested),
        ("ratelimit-complexity-actual", stats.actual),
    ];
    for (name, number) in numbers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(number));
    }
}
