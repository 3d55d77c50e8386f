//! The console that a browser gets: a page of our own, so that it works without the internet and under a strict policy.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};

/// Nothing but this server's own files; no inline code, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// A new server has new files under the same names.
const ALWAYS_ASK: &str = "no-cache";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The page.
pub(crate) fn page() -> Response {
    file(HTML, include_str!("console.html"))
}

/// What the page loads.
pub(crate) fn assets() -> Router {
    let assets = [
        ("console.css", STYLE, include_str!("console.css")),
        ("console.js", SCRIPT, include_str!("console.js")),
        ("examples.js", SCRIPT, include_str!("examples.js")),
        ("explorer.js", SCRIPT, include_str!("explorer.js")),
        ("introspection.js", SCRIPT, include_str!("introspection.js")),
        ("prettify.js", SCRIPT, include_str!("prettify.js")),
    ];
    let route = |router: Router, (name, kind, text): (&str, &'static str, &'static str)| {
        router.route(&format!("/graphql/assets/{name}"), get(async move || file(kind, text)))
    };
    assets.into_iter().fold(Router::new(), route)
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, ALWAYS_ASK),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    (headers, text).into_response()
}
