//! `/graphql` and `/v1`: one document per POST. GET answers a browser with the console and executes nothing.

mod answer;
mod order;
mod request;

use std::sync::{Arc, LazyLock};

use async_graphql::{Request as Execution, Response as Executed};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use countersign_control::{Caller, Control, Error};
use countersign_domain::Refusal;
use http::StatusCode;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};

use crate::call::Call;
use crate::console;
use crate::failure::Failure;
use crate::limits::{self, Allowance, Budget, Cost, Exhausted, Shapes, Spender, Spent, Unfit};
use crate::schema::{self, Schema};

use answer::{Stats, Whole};
use order::Order;
use request::Asked;

/// What answering needs.
struct Face {
    control: Control,
    schema: Schema,
    shapes: &'static Shapes,
    budget: Budget,
}

/// What the schema's fields cost. Read once in a process, as the schema is made once.
static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Shapes::of(&schema::sdl()));

/// The routes of this face, to stand behind `countersign_http::Edge::layers`.
pub fn router(control: Control, allowance: Allowance) -> Router {
    let face = Face { control, schema: schema::shared(), shapes: &SHAPES, budget: Budget::new(allowance) };
    let endpoint = get(look).post(execute);
    Router::new()
        .route("/graphql", endpoint.clone())
        .route("/v1", endpoint)
        .with_state(Arc::new(face))
        .merge(console::assets())
}

/// A browser gets the console. Whatever else asks by GET gets words: a link must not be able to do anything.
async fn look(request: Request) -> Response {
    let accepts = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if accepts.into_iter().any(|value| value.contains("text/html")) {
        return console::page();
    }
    let message =
        "Send the query in the body of a POST, as JSON: {\"query\": \"…\"}. GET shows a console to browsers only.";
    let mut answer = answer::failed(Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message));
    answer.headers_mut().insert(ALLOW, http::HeaderValue::from_static("GET, HEAD, POST"));
    answer
}

async fn execute(State(face): State<Arc<Face>>, request: Request) -> Response {
    match answer_to(&face, request).await {
        Ok(answer) => answer,
        Err(failure) => answer::failed(failure),
    }
}

async fn answer_to(face: &Face, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let caller = countersign_http::authenticate(&face.control, &parts).await;
    let caller = caller.and_then(person).map_err(|error| Failure::of_request(&error))?;
    let is_json = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_json);
    if !is_json {
        let message = "The body must be JSON: send it with `Content-Type: application/json`.";
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message));
    }
    let wants_stats = parts.headers.get("buildkite-include-query-stats").is_some_and(|value| value == "true");
    let asked = request::read(Request::from_parts(parts, body)).await?;
    let who = spender(&caller);
    face.budget
        .check(who, face.control.now())
        .map_err(|Exhausted { message, retry_after }| Failure::exhausted(message, retry_after))?;
    let (executed, requested) = match run(face, caller, asked).await {
        Ok(executed) => executed,
        Err(failure) => return Ok(answer::failed(failure)),
    };
    let actual = limits::actual(&executed.data).min(requested);
    let standing = face.budget.charge(who, actual, face.control.now());
    let stats = Stats { requested, actual, standing };
    Ok(answer::whole(Whole { executed, stats, wants_stats }))
}

/// Executes a document, if it is fit to be. Answers with what it asked for in points.
async fn run(face: &Face, caller: Caller, asked: Asked) -> Result<(Executed, u64), Failure> {
    let limit = |message: String| Failure::new(StatusCode::OK, "limit", message);
    let document = limits::read(&asked.query).map_err(|unfit| match unfit {
        Unfit::TooMuch(why) => limit(why.0),
        Unfit::Syntax(words, place) => {
            let failure = Failure::new(StatusCode::OK, "syntax", words);
            match place {
                Some(at) => failure.at(at),
                None => failure,
            }
        }
    })?;
    let operation = asked.operation.as_deref();
    let cost = Cost::of(&document, operation, &asked.variables, face.shapes).map_err(|why| limit(why.0))?;
    let order = Order::of(&document, operation);
    let call = Call { control: face.control.clone(), caller, told: Arc::default() };
    let mut execution = Execution::new(asked.query).variables(asked.variables).data(call);
    if let Some(operation) = asked.operation {
        execution = execution.operation_name(operation);
    }
    execution.set_parsed_query(document);
    tokio::select! {
        biased;
        // What is ready is told, however late it is.
        mut executed = face.schema.execute(execution) => {
            executed.data = order.put(executed.data);
            Ok((executed, cost.points))
        }
        () = face.control.clock().sleep(limits::EXECUTION_TIME) => {
            let error = Error::Unavailable {
                code: "timeout",
                message: "The answer took too long; ask for less at once. A change that was under way may have been made.",
            };
            Err(Failure::of_request(&error))
        }
    }
}

/// People and the operator may ask, and whoever holds an invitation may become one of them; every other credential is of the wrong kind, and
/// none is no credential.
fn person(caller: Caller) -> countersign_control::Result<Caller> {
    match &caller {
        Caller::User(_) | Caller::Operator(_) | Caller::Invitation(_) => Ok(caller),
        other => Err(match other.public_id() {
            Some(token) => Error::refused(Refusal::Kind, token),
            None => Error::unknown(),
        }),
    }
}

fn is_json(value: &str) -> bool {
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || essence.eq_ignore_ascii_case("application/graphql-response+json")
}

fn spender(caller: &Caller) -> Spent {
    let organization = caller.organization().map(|id| id.uuid()).unwrap_or_default();
    let by = match caller {
        Caller::User(it) => Spender::Member(organization, it.user.uuid()),
        Caller::Invitation(it) => Spender::Invitation(it.invitation.uuid()),
        _ => Spender::Operator,
    };
    Spent { organization, by }
}
