//! `POST /dagster/graphql`, and the same below a deployment or the organization: one document for each call.

use std::sync::{Arc, LazyLock};

use async_graphql::{EmptySubscription, Response as Executed, Schema};
use axum::Router;
use axum::extract::{FromRequest, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use countersign_control::Control;
use countersign_http::{Json, limits};

use crate::call::{Call, key};
use crate::document::{self, Asked, Known, MAX_DEPTH, MAX_DIRECTIVES, MAX_FIELDS};
use crate::failure::Failure;
use crate::mutation::Mutation;
use crate::place::Place;
use crate::query::Query;
use crate::{rest, token};

/// The most bytes of a body: a heartbeat with all that an agent sends of errors and code servers is smaller. Beyond it, an agent leaves its stack
/// traces out.
pub const MAX_BODY: usize = 2 * 1024 * 1024;

/// In the place of a message that would repeat a token value.
const A_VALUE_FOR_A_NAME: &str = "A token value stands in the document where a name belongs.";

/// What answering needs.
struct Face {
    control: Control,
    schema: OneSchema,
    known: &'static Known,
}

type OneSchema = Schema<Query, Mutation, EmptySubscription>;

/// Made once in a process: it holds nothing of the server that it stands in.
static SCHEMA: LazyLock<OneSchema> = LazyLock::new(build);

static KNOWN: LazyLock<Known> = LazyLock::new(|| Known::of(&sdl()));

fn build() -> OneSchema {
    // Looking at the schema is refused with all else that is not offered; the library would leave `__typename` out as well.
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_FIELDS)
        .limit_directives(MAX_DIRECTIVES)
        .disable_suggestions()
        .finish()
}

/// The schema as text. Nobody can ask the server for it, for no program of Dagster's does.
#[must_use]
pub fn sdl() -> String {
    SCHEMA.sdl()
}

/// The routes of this face, to stand behind `countersign_http::Edge::layers`.
pub fn router(control: Control) -> Router {
    let beside = Router::new()
        .route("/dagster/upload_api_response", put(rest::upload_api_response))
        .route("/dagster/check_snapshot", get(rest::check_snapshot))
        .route("/dagster/snapshots/{id}/bytes", put(rest::put_snapshot))
        .route("/dagster/confirm_upload", put(rest::confirm_upload))
        .route("/dagster/code_location_update_result", put(rest::code_location_update_result))
        .route("/dagster/upload_workspace_entry", put(rest::upload_workspace_entry))
        .route("/dagster/upload_job_snapshot", put(rest::upload_job_snapshot))
        .route("/dagster/gen_logs_url", get(rest::gen_logs_url))
        .route("/dagster/run_logs/{id}/bytes", put(rest::put_run_log))
        .route("/dagster/run_logs/{id}/bytes", get(rest::get_run_log))
        .with_state(control.clone());
    let face = Face { control, schema: SCHEMA.clone(), known: &KNOWN };
    Router::new()
        .route("/dagster/graphql", post(execute))
        .route("/dagster/{first}/graphql", post(execute_at))
        .with_state(Arc::new(face))
        .merge(beside)
}

async fn execute(State(face): State<Arc<Face>>, request: Request) -> Result<Response, Failure> {
    answer_to(&face, request, None).await
}

async fn execute_at(
    State(face): State<Arc<Face>>,
    Path(first): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    answer_to(&face, request, Some(first)).await
}

async fn answer_to(face: &Face, request: Request, first: Option<String>) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let caller = token::holder(&face.control, &parts).await?;
    let deployment = Place::of(&parts.headers, first)?.deployment(&face.control, &caller).await?;
    let call = Call { control: face.control.clone(), caller, deployment, key: key(&parts.headers) };
    let request = Request::from_parts(parts, body);
    let Json(asked) = Json::<Asked, MAX_BODY, { limits::MAX_VALUES }>::from_request(request, &()).await?;
    answer(face.schema.execute(document::read(asked, face.known)?.data(call)).await)
}

/// The answer to a document. What an operation for agents refused is refused as a whole; what one for people refused stands at its field; the
/// library's own errors are about the document.
fn answer(mut executed: Executed) -> Result<Response, Failure> {
    for error in &mut executed.errors {
        if let Some(failure) = error.source::<Failure>() {
            let Some(said) = failure.of_field() else { return Err(failure.clone()) };
            error.message = failure.to_string();
            error.extensions = Some(said);
        }
        if countersign_http::holds_a_token(&error.message) {
            A_VALUE_FOR_A_NAME.clone_into(&mut error.message);
        }
    }
    Ok(axum::Json(executed).into_response())
}
