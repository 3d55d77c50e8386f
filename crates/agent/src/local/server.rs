//! A small HTTP server: bounded bodies, bounded time, bounded connections.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
    task::JoinSet,
};

/// Largest body that is read, in bytes. An environment is the largest thing that comes.
const MAX_BODY: usize = 1024 * 1024;

/// Most connections at one time; the next ones wait.
const MAX_CONNECTIONS: usize = 64;

/// Longest life of a connection.
const CONNECTION_TIME: Duration = Duration::from_secs(60);

/// Longest time for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// A request whose body has come in whole.
pub(crate) struct Request {
    pub method: Method,
    pub path: String,
    /// The value of `key` in the query.
    pub key: Option<String>,
    /// What stood after `Bearer `.
    pub bearer: Option<String>,
    pub body: Bytes,
}

/// Status and body.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body }
    }

    /// `{"error": …}`.
    pub fn error(status: StatusCode, problem: &str) -> Self {
        Self { status, body: json!({ "error": problem }) }
    }

    pub fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "not found")
    }
}

/// What a server does. Answers at once: nothing here waits for anything.
pub(crate) trait Service: Send + Sync + 'static {
    fn answer(&self, request: &Request) -> Answer;
}

/// Serves the connections of one listener. They end when it is dropped.
pub(crate) struct Connections {
    service: Arc<dyn Service>,
    free: Arc<Semaphore>,
    open: JoinSet<()>,
}

impl Connections {
    pub fn new(service: Arc<dyn Service>) -> Self {
        Self { service, free: Arc::new(Semaphore::new(MAX_CONNECTIONS)), open: JoinSet::new() }
    }

    /// Serves one connection beside the others; waits while there are too many.
    pub async fn take(&mut self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Ok(place) = self.free.clone().acquire_owned().await else { return };
        while self.open.try_join_next().is_some() {}
        let service = self.service.clone();
        self.open.spawn(async move {
            let serve = service_fn(|request| respond(service.clone(), request));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .serve_connection(TokioIo::new(stream), serve);
            // Whoever is slow or leaves early has no answer.
            let _ = tokio::time::timeout(CONNECTION_TIME, connection).await;
            drop(place);
        });
    }
}

async fn respond(
    service: Arc<dyn Service>,
    request: http::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, http::Error> {
    let (head, body) = request.into_parts();
    let key = head.uri.query().and_then(|query| {
        url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "key").map(|(_, value)| value.into())
    });
    let authorization = head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    let answer = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => {
            let path = head.uri.path().to_owned();
            service.answer(&Request { method: head.method, path, key, bearer, body: body.to_bytes() })
        }
        Err(_) => Answer::error(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or ended early"),
    };
    Response::builder()
        .status(answer.status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(format!("{}\n", answer.body))))
}
