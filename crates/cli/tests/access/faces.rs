//! Every face of one system, in process.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use countersign_http::{Edge, TrustedProxies};
use countersign_testkit::{SeededEntropy, World};
use http::{Request, StatusCode};
use tower::ServiceExt;

/// Their routes, as a server has them.
pub fn of(world: &World) -> Router {
    let edge = Edge::new(world.control.clone(), Arc::new(SeededEntropy::new(11)), TrustedProxies::default())
        .with_nowhere(countersign_pages::nowhere(world.control.clone()));
    let routes = countersign_buildkite::router(world.control.clone())
        .merge(countersign_graphql::router(world.control.clone(), countersign_graphql::Allowance::default()))
        .merge(countersign_dagster::router(world.control.clone()))
        .merge(countersign_pages::router(world.control.clone()))
        .merge(edge.operation());
    edge.layers_with(routes, countersign_buildkite::streams(world.control.clone()))
}

/// What a call from an address is answered.
pub async fn answer(routes: &Router, mut request: Request<Body>, from: IpAddr) -> (StatusCode, String) {
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(from, 4_000)));
    let answer = routes.clone().oneshot(request).await.expect("never fails");
    let status = answer.status();
    let bytes = to_bytes(answer.into_body(), 4 << 20).await.expect("a body");
    (status, String::from_utf8_lossy(&bytes).into_owned())
}
