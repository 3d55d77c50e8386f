//! The number of a request: in the log, in the answer's `X-Request-Id`, in audit rows, in the text of an internal error.

use std::future::Future;

use countersign_domain::{Entropy, Id, Timestamp};
use http::HeaderName;

/// Where the answer says it. What a client sends under this name is passed over.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that this task answers; none outside of one.
#[must_use]
pub fn request_id() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// What only names the type of the id.
struct Request;

pub(crate) fn fresh(now: Timestamp, entropy: &dyn Entropy) -> String {
    Id::<Request>::new(now, entropy).to_string()
}

/// Answers one request under its id.
pub(crate) async fn within<F: Future>(id: String, answering: F) -> F::Output {
    CURRENT.scope(id, answering).await
}
