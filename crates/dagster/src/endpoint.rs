//! `POST /dagster/graphql`: one document for each call.

use std::sync::Arc;

use async_graphql::{EmptySubscription, Response as Executed, Schema};
use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use countersign_control::{Control, Error};
use countersign_http::{Json, limits};
use countersign_wire::dagster::DEPLOYMENT_HEADER;
use http::{HeaderMap, HeaderValue};

use crate::call::Call;
use crate::document::{self, Asked, MAX_DEPTH, MAX_DIRECTIVES, MAX_FIELDS};
use crate::failure::Failure;
use crate::mutation::Mutation;
use crate::query::Query;
use crate::token;

/// The most bytes of a body: a heartbeat with all that an agent sends of errors and code servers is smaller. Beyond it, an agent leaves its stack
/// traces out.
pub const MAX_BODY: usize = 2 * 1024 * 1024;

/// In the place of a message that would repeat a token value.
const A_VALUE_FOR_A_NAME: &str = "A token value stands in the document where a name belongs.";

/// What answering needs.
struct Face {
    control: Control,
    schema: Schema<Query, Mutation, EmptySubscription>,
}

fn build() -> Schema<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription)
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_FIELDS)
        .limit_directives(MAX_DIRECTIVES)
        .disable_introspection()
        .disable_suggestions()
        .finish()
}

/// The schema as text. Nobody can ask the server for it, for no agent does.
#[must_use]
pub fn sdl() -> String {
    build().sdl()
}

/// The routes of this face, to stand behind `countersign_http::Edge::layers`.
pub fn router(control: Control) -> Router {
    Router::new().route("/dagster/graphql", post(execute)).with_state(Arc::new(Face { control, schema: build() }))
}

async fn execute(State(face): State<Arc<Face>>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let caller = token::holder(&face.control, &parts).await?;
    let deployment = named(&parts.headers)?;
    let call = Call { control: face.control.clone(), caller, deployment };
    let request = Request::from_parts(parts, body);
    let Json(asked) = Json::<Asked, MAX_BODY, { limits::MAX_VALUES }>::from_request(request, &()).await?;
    answer(face.schema.execute(document::read(asked)?.data(call)).await)
}

/// The deployment that a header names. One that cannot be read is not taken for none: the default one would stand in for it.
fn named(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let mut lines = headers.get_all(DEPLOYMENT_HEADER).iter();
    match (lines.next().map(HeaderValue::to_str), lines.next()) {
        (None, _) => Ok(None),
        (Some(Ok(name)), None) => Ok(Some(name.to_owned())),
        _ => Err(Error::invalid(DEPLOYMENT_HEADER, "must be one header with a deployment's name").into()),
    }
}

/// The answer to a document. What an operation refused is refused as a whole; the library's own errors are about the document.
fn answer(mut executed: Executed) -> Result<Response, Failure> {
    for error in &mut executed.errors {
        if let Some(failure) = error.source::<Failure>() {
            return Err(failure.clone());
        }
        if countersign_http::holds_a_token(&error.message) {
            A_VALUE_FOR_A_NAME.clone_into(&mut error.message);
        }
    }
    Ok(axum::Json(executed).into_response())
}
