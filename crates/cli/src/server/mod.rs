//! A running server: listening, the routes, what it does in the background, and its end.
//!
//! ```text
//! lock and keys ─► lease ─► listen ─► serve ∥ sweep ∥ flush ∥ key ring ∥ TLS ∥ lease ─► SIGTERM ─► finish calls ─► write what is left
//! ```

mod artifact_config;
mod background;
mod calls;
pub mod config;
mod connection_config;
mod fetch;
mod listen;
mod places;
mod retention_config;
mod sign_in_config;
mod signals;
pub mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

use countersign_control::{Control, Settings};
use countersign_http::{Edge, TrustedProxies};
use countersign_store::Holder;
use tokio::sync::watch;

use crate::{
    Ambient, ambient,
    failure::{Exit, Failure, Outcome},
    instance::Place,
};

pub use config::{File, ServerConfig, ServerFlags};
pub use signals::{Signals, of as signal_of};

/// Files that are open beside connections: the database's, the log's, those of the runtime.
const OTHER_FILES: u64 = 128;

/// Runs a server until it is told to stop.
///
/// # Errors
/// It cannot start: the folder, the database or the port is in use, a key is missing. Or the lease on the database was lost.
pub async fn run(config: ServerConfig, ambient: &Ambient) -> Outcome {
    ambient::forbid_inspection();
    let place = Place::find(&config.instance, &ambient.environment)?;
    // First of all, so that a signal during a slow start ends it in order.
    let signals = Signals::listen()?;
    let tls = config.tls.clone().map(|files| tls::Tls::new(files, ambient.clock.now())).transpose()?;
    let provider = config.provider.as_ref().map(sign_in_config::ProviderConfig::open).transpose()?;
    let calls = provider.is_some().then(fetch::Calls::new).transpose()?;
    let allowed = usize::try_from(ambient::open_files_limit().saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    let (most, of_address) = config.connections.within(allowed);
    // An agent that waits may hold a connection for that and another for its heartbeats.
    let settings = Settings { max_waiting: most / 2, ..config.settings.clone() };
    let control = place.control(ambient, settings).await?;
    let control = match config.artifact_store.open(&place.blobs) {
        Ok(blobs) => control.keeping_blobs(blobs),
        Err(failure) => {
            control.store().close().await;
            return Err(failure);
        }
    };
    let control = match (provider, calls) {
        (Some(provider), Some(calls)) => control.with_provider(provider, Arc::new(calls)),
        _ => control,
    };
    let outcome = serve(&config, ambient, &place, &control, Front { tls, most, of_address, signals }).await;
    control.store().close().await;
    outcome
}

/// What stands towards the outside.
struct Front {
    tls: Option<tls::Tls>,
    /// The most connections at one time.
    most: usize,
    /// The most of them from one address.
    of_address: usize,
    signals: Signals,
}

async fn serve(config: &ServerConfig, ambient: &Ambient, place: &Place, control: &Control, front: Front) -> Outcome {
    let Front { tls, most, of_address, mut signals } = front;
    if !control.is_initialized().await? {
        return Err(Failure::new(Exit::NotFound, "this database has not been set up; run `countersign init` first"));
    }
    let host = ambient.host();
    let note = format!("{}, process {}", host.hostname, host.pid);
    control.store().acquire_lease(Holder { id: ambient.entropy.bytes16(), note }).await?;
    let listener = listen::bind(config.listen).await?;
    let address = listener.local_addr().map_err(Failure::internal)?;

    let proxies = TrustedProxies::new(config.trusted_proxies.clone());
    let edge = Edge::new(control.clone(), ambient.entropy.clone(), proxies.clone())
        .with_nowhere(countersign_pages::nowhere(control.clone()));
    let routes = countersign_buildkite::router(control.clone())
        .merge(countersign_graphql::router(control.clone(), config.allowance))
        .merge(countersign_dagster::router(control.clone()))
        .merge(countersign_pages::router(control.clone()))
        .merge(countersign_pages::development(control.clone(), cfg!(debug_assertions)))
        .merge(edge.operation());
    let routes = edge.layers_with(routes, countersign_buildkite::streams(control.clone()));

    let (stop, stopping) = watch::channel(false);
    let background = background::start(control, place, stopping.clone());
    announce(config, address, control);
    if let Some(tls) = tls.clone() {
        tokio::spawn(tls.watch(ambient.clock.clone(), stopping.clone()));
    }
    let places = places::Places::new(most, of_address, proxies);
    let connections = listen::Connections { routes, clock: ambient.clock.clone(), places, tls, stopping };
    let serving = tokio::spawn(connections.accept(listener));
    let lease = control.store().clone();
    let outcome = tokio::select! {
        name = signals.stop() => {
            tracing::info!(signal = name, "stopping: no new connections; calls that run are finished");
            Ok(Exit::Done)
        }
        lost = lease.keep_lease() => {
            tracing::error!(error = %lost, "stopping: this server no longer has the database for itself");
            Err(lost.into())
        }
    };
    stop.send_replace(true);
    // Streams and held pings end at once; nobody waits for them.
    control.stop_waiting();
    tokio::select! {
        _ = serving => {}
        name = signals.stop() => tracing::warn!(signal = name, "stopping now: calls that run are cut off"),
    }
    background.end(control).await;
    tracing::info!("stopped");
    outcome
}

fn announce(config: &ServerConfig, address: SocketAddr, control: &Control) {
    tracing::info!(
        %address,
        public_url = config.public_url,
        database = control.store().engine_name(),
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    if !address.ip().is_loopback() && config.tls.is_none() && config.public_url.starts_with("http://") {
        tracing::warn!(
            "tokens travel in clear: give the server a certificate (--tls-certificate, --tls-key), or put a proxy with TLS in \
             front and set --public-url to its https address"
        );
    }
}
