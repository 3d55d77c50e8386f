//! The edge of the server: what stands around every route.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use countersign_control::Control;
use countersign_domain::Entropy;
use http_body_util::Limited;
use tower_http::catch_panic::CatchPanicLayer;

use crate::json::{BadBody, declared_length};
use crate::limits::{MAX_ANY_BODY, REQUEST_TIME};
use crate::observe::{Metrics, observe};
use crate::{TrustedProxies, answer, operation};

/// What stands around every route, and what it needs.
#[derive(Clone)]
pub struct Edge {
    pub(crate) control: Control,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) proxies: Arc<TrustedProxies>,
    pub(crate) metrics: Metrics,
    request_time: Duration,
    nowhere: Arc<MethodRouter>,
    pub(crate) last_look: operation::LastLook,
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

impl Edge {
    /// The edge of a server. `entropy` names requests.
    #[must_use]
    pub fn new(control: Control, entropy: Arc<dyn Entropy>, proxies: TrustedProxies) -> Self {
        Self {
            control,
            entropy,
            proxies: Arc::new(proxies),
            metrics: Metrics::default(),
            last_look: operation::LastLook::default(),
            request_time: REQUEST_TIME,
            nowhere: Arc::new(any(answer::not_found)),
        }
    }

    /// The same, with an answer of its own where there is no route, instead of a message for programs.
    #[must_use]
    pub fn with_nowhere(self, nowhere: MethodRouter) -> Self {
        Self { nowhere: Arc::new(nowhere), ..self }
    }

    /// The same, giving up on a request after `time` instead of [`REQUEST_TIME`].
    #[must_use]
    pub fn giving_up_after(self, time: Duration) -> Self {
        Self { request_time: time, ..self }
    }

    /// `/healthz`, `/readyz` and `/metrics`.
    pub fn operation(&self) -> Router {
        operation::router(self.clone())
    }

    /// The whole server: the routes with everything that stands around them. The listener has to put a
    /// `ConnectInfo<SocketAddr>` with the peer's address into each request.
    pub fn layers(&self, routes: Router) -> Router {
        self.layers_with(routes, Router::new())
    }

    /// The same with routes beside them whose bodies may be of any size and take any time: they have limits of their own.
    pub fn layers_with(&self, routes: Router, streams: Router) -> Router {
        routes
            .layer(from_fn(limit_size))
            .layer(from_fn_with_state(self.request_time, limit_time))
            .merge(streams)
            .fallback_service(self.nowhere.as_ref().clone().layer(from_fn_with_state(self.request_time, limit_time)))
            .method_not_allowed_fallback(answer::method_not_allowed)
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn_with_state(self.clone(), observe))
    }
}

async fn limit_size(request: Request, next: Next) -> Response {
    if declared_length(&request).is_some_and(|length| length > MAX_ANY_BODY) {
        return BadBody::TooLarge(MAX_ANY_BODY).into_response();
    }
    next.run(request.map(|body| Body::new(Limited::new(body, MAX_ANY_BODY)))).await
}

async fn limit_time(State(time): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => answer::unavailable("timeout", "The server took too long over this; try again."),
    }
}

/// One request that panics must not take others with it. The panic itself is in the log by the program's panic hook.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("answering a request panicked");
    answer::internal()
}
