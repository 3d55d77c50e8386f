//! `GET /dagster/gen_logs_url`, and `PUT` and `GET /dagster/run_logs/:id/bytes`: what steps of runs have written.

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::ReportDagsterRun;
use countersign_control::dagster_runs::NewLog;
use countersign_control::{Control, Error};
use countersign_domain::dagster::MAX_RUN_LOG;
use countersign_http::outgoing::body_of_range;
use countersign_http::read_body;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use serde_json::json;

use crate::failure::Failure;

use super::Named;

/// The most parts of a log's name.
const MAX_PARTS: usize = 20;
/// What a browser may do with it: nothing.
const NOTHING: &str = "default-src 'none'; sandbox";

pub(crate) async fn gen_logs_url(State(control): State<Control>, request: Request) -> Result<Response, Failure> {
    let (Named { call, grant, deployment }, request) = Named::<ReportDagsterRun>::of(control, request).await?;
    let new = asked(&request)?;
    let found = call.control.run_log_address(&grant, deployment, new).await?;
    call.left(found.reached)?;
    let answer = match found.it {
        Some(address) => json!({ "url": address }),
        // Larger than what is kept: nothing is to be sent, and the run goes on.
        None => json!({ "skip_upload": true }),
    };
    Ok(Json(answer).into_response())
}

/// What stands in the query; `log_key` stands there once for each part of the log's name, of which the first is the run.
fn asked(request: &Request) -> Result<NewLog, Failure> {
    let Query(parts) = Query::<Vec<(String, String)>>::try_from_uri(request.uri())
        .map_err(|_| Error::invalid("query", "cannot be read"))?;
    let (mut key, mut stream, mut size, mut method) = (Vec::new(), None, None, None);
    for (name, value) in parts {
        match name.as_str() {
            "log_key" => key.push(value),
            "io_type" => stream = Some(value),
            "size_bytes" => size = value.parse().ok(),
            "method" => method = Some(value),
            _ => {}
        }
    }
    if method.is_some_and(|method| method != "PUT") {
        return Err(Error::invalid("method", "must be PUT").into());
    }
    let missing = |name: &str| Error::invalid(name, "is missing, or is not of its kind");
    let (run, name) = match key.split_first() {
        Some((run, name)) if !name.is_empty() && name.len() < MAX_PARTS => (run.clone(), name.join("/")),
        _ => return Err(missing("log_key").into()),
    };
    Ok(NewLog {
        run,
        name,
        stream: stream.ok_or_else(|| missing("io_type"))?,
        size: size.ok_or_else(|| missing("size_bytes"))?,
    })
}

/// Without a token: whoever shows the address may.
pub(crate) async fn put_run_log(
    State(control): State<Control>,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, Failure> {
    let id = id.parse().map_err(|_| Error::NotFound("log"))?;
    let incoming = control.begin_run_log(id, request.uri().query().unwrap_or_default()).await?;
    let bytes = read_body(request, usize::try_from(MAX_RUN_LOG).unwrap_or(usize::MAX)).await?;
    incoming.finish(bytes).await?;
    Ok(StatusCode::OK)
}

/// Without a token, too.
pub(crate) async fn get_run_log(
    State(control): State<Control>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let id = id.parse().map_err(|_| Error::NotFound("log"))?;
    let log = control.read_run_log(id, request.uri().query().unwrap_or_default()).await?;
    let size = log.size();
    let name = format!("attachment; filename=\"{}.txt\"", log.log().stream);
    let first = log.read(0..size).await?;
    let mut answer = body_of_range(log, first, 0..size, control.clock().clone()).into_response();
    let headers = answer.headers_mut();
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
    for (header, value) in [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, NOTHING),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "private, no-store"),
    ] {
        headers.insert(header, HeaderValue::from_static(value));
    }
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(answer)
}
