//! Figures in the text format of OpenMetrics. No name and no id of anything in an organization.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::ViewInstance;
use countersign_control::maintenance::Gauges;
use countersign_control::{Error, Origin};
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::failure::Failure;
use crate::{Edge, authenticate, origin};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    kind: &'static str,
}

/// Answers this machine, and the holder of an operator token from elsewhere.
pub(super) async fn metrics(State(edge): State<Edge>, request: Request) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    let is_local = parts.extensions.get::<Origin>().is_some_and(|it| origin::is_local(it, &parts.headers));
    if !is_local {
        let caller = authenticate(&edge.control, &parts).await?;
        edge.control.grant_own::<ViewInstance>(&caller)?;
    }
    // Figures of requests are wanted most when the database is away.
    let gauges = match edge.control.gauges().await {
        Ok(gauges) => Some(gauges),
        Err(Error::Unavailable { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let mut text = String::new();
    encode(&mut text, &registry(&edge, gauges)).map_err(Error::internal)?;
    Ok(([(CONTENT_TYPE, OPENMETRICS)], text).into_response())
}

/// Everything that is shown, as it is now.
fn registry(edge: &Edge, gauges: Option<Gauges>) -> Registry {
    let mut registry = Registry::with_prefix("countersign");
    registry.register("build", "The running program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    registry.register("http_requests", "Answered requests", edge.metrics.requests.clone());
    registry.register(
        "http_request_duration_seconds",
        "How long answers took, in seconds",
        edge.metrics.duration.clone(),
    );
    let up: Gauge = Gauge::default();
    up.set(i64::from(gauges.is_some()));
    registry.register("database_up", "Whether the database answers", up);
    if let Some(gauges) = gauges {
        registry.register("agents", "Agents by state, of those that are not gone", by_state(gauges.agents));
        registry.register("jobs", "Jobs by state, of those that have not ended", by_state(gauges.jobs));
        let refusals = Family::<Reason, Counter>::default();
        for (reason, count) in gauges.refusals {
            refusals.get_or_create(&Reason { reason: reason.as_str() }).inc_by(count);
        }
        let unsealed: Gauge = Gauge::default();
        unsealed.set(gauges.audit_unsealed);
        registry.register("audit_unsealed", "Rows of the audit log that are not sealed yet", unsealed);
        registry.register("refusals", "Refused credentials by reason, since the start", refusals);
        let collisions = Counter::<u64>::default();
        collisions.inc_by(gauges.collisions);
        registry.register(
            "database_collisions",
            "Attempts at operations that were undone because two waited for each other in the database, since the start",
            collisions,
        );
        let removed = Family::<OfKind, Counter>::default();
        for (kind, count) in gauges.removed {
            removed.get_or_create(&OfKind { kind }).inc_by(count);
        }
        registry.register("removed", "What was kept long enough and was removed, by kind, since the start", removed);
    }
    registry
}

fn by_state(counts: Vec<(String, i64)>) -> Family<InState, Gauge> {
    let family = Family::<InState, Gauge>::default();
    for (state, count) in counts {
        family.get_or_create(&InState { state }).set(count);
    }
    family
}
