//! Accepting connections and serving them, HTTP/1.1 and HTTP/2.
//!
//! Every connection counts against one limit, and one that has sent no whole request in time is closed: a limit without that
//! time could be used up by silent connections.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use countersign_domain::Clock;
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tower::ServiceExt;

use super::tls::Tls;
use crate::failure::{Exit, Failure, Outcome};

/// How long the head of a request may take, from the opening of a connection or from the answer before.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// After how long without a call a connection is closed.
const IDLE_TIME: Duration = Duration::from_secs(75);
/// How long calls that run may take at the end: a little longer than any call may.
const GRACE: Duration = Duration::from_secs(35);
/// Largest head of a request.
const MAX_HEAD: usize = 64 * 1024;
/// The most calls at one time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// How long to wait before accepting again when the system has nothing left to accept with.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(200);

/// Takes the port.
///
/// # Errors
/// It is in use, or may not be taken; the message says what to do.
pub async fn bind(address: SocketAddr) -> Outcome<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Failure::unavailable(format!(
            "port {} of {} is in use by another program; stop that program, or choose another port with --listen \
             {}:PORT",
            address.port(),
            address.ip(),
            address.ip(),
        )),
        io::ErrorKind::PermissionDenied => Failure::new(
            Exit::Denied,
            format!("this user may not listen on port {}; choose one of 1024 or above with --listen", address.port()),
        ),
        io::ErrorKind::AddrNotAvailable => Failure::bad_input(format!(
            "{} is no address of this machine; choose one that is, or 0.0.0.0 for all, with --listen",
            address.ip()
        )),
        _ => Failure::unavailable(format!("cannot listen on {address}: {error}")),
    })
}

/// What connections are served with.
pub struct Connections {
    /// Everything that is answered.
    pub routes: Router,
    /// The program's clock.
    pub clock: Arc<dyn Clock>,
    /// The most at one time.
    pub most: usize,
    /// Certificate and key, when connections are TLS.
    pub tls: Option<Tls>,
    /// Becomes true when no more are to be accepted.
    pub stopping: watch::Receiver<bool>,
}

impl Connections {
    /// Accepts until it is told to stop, and then lets calls that run come to their end.
    pub async fn accept(mut self, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(self.most.min(Semaphore::MAX_PERMITS)));
        let graceful = GracefulShutdown::new();
        loop {
            let place = tokio::select! {
                place = places.clone().acquire_owned() => place,
                _ = self.stopping.wait_for(|stop| *stop) => break,
            };
            let Ok(place) = place else { break };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = self.stopping.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, peer)) => self.serve(stream, peer, place, &graceful),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    self.clock.sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
        drop(listener);
        tokio::select! {
            () = graceful.shutdown() => {}
            () = self.clock.sleep(GRACE) => tracing::warn!("some calls did not end in time and are cut off"),
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit, graceful: &GracefulShutdown) {
        // Answers are written whole: waiting for more to send would only delay them.
        stream.set_nodelay(true).ok();
        let served =
            Served { routes: self.routes.clone(), clock: self.clock.clone(), peer, watcher: graceful.watcher() };
        let (tls, mut stopping) = (self.tls.clone(), self.stopping.clone());
        tokio::spawn(async move {
            let _place = place;
            let Some(tls) = tls else { return served.serve(stream).await };
            let shaken = tokio::select! {
                shaken = tls.accept(stream) => shaken,
                () = served.clock.sleep(HEADER_TIME) => return,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            match shaken {
                Ok(stream) => served.serve(stream).await,
                Err(error) => tracing::debug!(%error, "a connection ended during the TLS handshake"),
            }
        });
    }
}

/// One connection, from its first byte of HTTP.
struct Served {
    routes: Router,
    clock: Arc<dyn Clock>,
    peer: SocketAddr,
    watcher: Watcher,
}

impl Served {
    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S) {
        let Self { routes, clock, peer, watcher } = self;
        let calls = Arc::new(Calls::default());
        let service = {
            let calls = calls.clone();
            service_fn(move |request: Request<Incoming>| {
                let under_way = Calls::begin(&calls);
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                let answering = routes.clone().oneshot(request);
                async move {
                    let answer = answering.await;
                    drop(under_way);
                    answer
                }
            })
        };
        let connection = watcher.watch(builder().serve_connection(TokioIo::new(stream), service).into_owned());
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = &mut connection => return log(ended),
            // The library's own limit begins only once it knows the version of HTTP.
            () = clock.sleep(HEADER_TIME) => {}
        }
        // From here on a connection may stay as long as calls come: one that only answers keep-alives would hold its place for ever. A stream
        // is shorter than this time, so none is cut off by it.
        let mut seen = calls.begun.load(Ordering::Relaxed);
        while seen > 0 {
            tokio::select! {
                ended = &mut connection => return log(ended),
                () = clock.sleep(IDLE_TIME) => {}
            }
            let begun = calls.begun.load(Ordering::Relaxed);
            if begun == seen && calls.under_way.load(Ordering::Relaxed) == 0 {
                return;
            }
            seen = begun;
        }
    }
}

/// What a connection is used for.
#[derive(Default)]
struct Calls {
    begun: AtomicU64,
    under_way: AtomicUsize,
}

/// A call that is being answered.
struct UnderWay(Arc<Calls>);

impl Calls {
    fn begin(calls: &Arc<Self>) -> UnderWay {
        calls.begun.fetch_add(1, Ordering::Relaxed);
        calls.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(calls.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD.try_into().unwrap_or(u32::MAX))
        .keep_alive_interval(Some(HEADER_TIME))
        .keep_alive_timeout(HEADER_TIME);
    builder
}

/// Faults of one connection are the other side's; people look for them only at `debug`.
fn log(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
