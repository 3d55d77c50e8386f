//! The outermost layer: the request's id and origin, its span and figures, and headers of every answer.
//!
//! The log has the matched route and never the path, the query, a header or a body: any of them may hold a secret.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use tracing::Instrument;
use tracing::field::Empty;

use crate::request_id::{self, X_REQUEST_ID};
use crate::secrets_in_text::query_holds_a_token;
use crate::{Edge, answer, message, origin};

/// Upper ends of the classes of duration, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Figures of requests, by route and status.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub requests: Family<Labels, Counter>,
    pub duration: Family<Labels, Histogram>,
}

/// What requests are told apart by. A closed set: nothing that a client can choose.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Labels {
    pub method: &'static str,
    pub route: String,
    pub status: u16,
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        Self { requests: Family::default(), duration: Family::new_with_constructor(histogram) }
    }
}

pub(crate) async fn observe(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let started = edge.control.now();
    let id = request_id::fresh(started, &*edge.entropy);
    let method = word(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", request_id = %id, method, route, caller = Empty, credential = Empty);
    let answering = async {
        let mut answer = match admit(&edge, request, &id) {
            Ok(request) => next.run(request).await,
            Err(why) => why.into_response(),
        };
        dress(&mut answer, &id);
        let took = edge.control.now().since(started);
        let status = answer.status();
        log(status, took.as_micros());
        let labels = Labels { method, route, status: status.as_u16() };
        edge.metrics.requests.get_or_create(&labels).inc();
        edge.metrics.duration.get_or_create(&labels).observe(took.as_secs_f64());
        answer
    };
    request_id::within(id.clone(), answering.instrument(span)).await
}

/// Why a request does not reach any route.
enum Inadmissible {
    TokenInAddress,
    NoPeer,
}

impl IntoResponse for Inadmissible {
    fn into_response(self) -> Response {
        match self {
            Self::TokenInAddress => message(
                StatusCode::BAD_REQUEST,
                "A token value stands in the address, where logs and proxies see it. Send it in the Authorization header, and \
                 rotate this token.",
            ),
            Self::NoPeer => {
                tracing::error!("the listener does not say who the peer is");
                answer::internal()
            }
        }
    }
}

/// Lets a request in with its origin, unless it shows a secret where others can see it.
fn admit(edge: &Edge, mut request: Request, id: &str) -> Result<Request, Inadmissible> {
    if request.uri().query().is_some_and(query_holds_a_token) {
        return Err(Inadmissible::TokenInAddress);
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().copied();
    let ConnectInfo(peer) = peer.ok_or(Inadmissible::NoPeer)?;
    let origin = origin::of(peer, request.headers(), &edge.proxies, id);
    request.extensions_mut().insert(origin);
    Ok(request)
}

/// What stands on a refusal that is no page, for whoever opens it in a browser: nothing in it runs, is framed or is told to anybody. What says so itself,
/// as pages do, is left as it is.
const REFUSED: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

fn dress(answer: &mut Response, id: &str) {
    let is_refused = answer.status().is_client_error() || answer.status().is_server_error();
    let headers = answer.headers_mut();
    for (name, value) in REFUSED.into_iter().filter(|_| is_refused) {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, id);
    }
}

/// Answers as expected are for those who look for them: a thousand agents ping day and night.
fn log(status: StatusCode, micros: u128) {
    let code = status.as_u16();
    if status.is_server_error() {
        tracing::warn!(status = code, micros, "answered");
    } else if status.is_client_error() {
        tracing::info!(status = code, micros, "answered");
    } else {
        tracing::debug!(status = code, micros, "answered");
    }
}

/// The method, if it is one of the usual: the others are the client's own words.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
