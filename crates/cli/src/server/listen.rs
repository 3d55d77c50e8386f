//! Accepting connections and serving them, HTTP/1.1 and HTTP/2.
//!
//! Every connection counts against the [limits](super::places), and one that has sent no whole request in time, or does not take its answers,
//! is closed: limits without that could be used up by connections that nobody needs.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use countersign_domain::{Clock, Timestamp};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};
use tower::ServiceExt;

use super::calls::{Calls, Sending};
use super::places::{Place, Places};
use super::tls::Tls;
use crate::failure::{Exit, Failure, Outcome};

/// How long the head of a request may take, from the opening of a connection or from the answer before.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// After how long without a call a connection is closed.
const IDLE_TIME: Duration = Duration::from_secs(75);
/// How often a connection is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How long a connection on which some answers are not taken may go on for the others. It takes no new calls then.
const LEAVING_TIME: Duration = Duration::from_secs(600);
/// How long calls that run may take at the end: a little longer than any call may.
const GRACE: Duration = Duration::from_secs(35);
/// Largest head of a request.
const MAX_HEAD: usize = 64 * 1024;
/// The most calls at one time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 32;
/// How often the log says that connections are turned away.
const TURNED_AWAY_EVERY: Duration = Duration::from_secs(60);
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
    /// How many there may be at one time, and of whom.
    pub places: Arc<Places>,
    /// Certificate and key, when connections are TLS.
    pub tls: Option<Tls>,
    /// Becomes true when no more are to be accepted.
    pub stopping: watch::Receiver<bool>,
}

impl Connections {
    /// Accepts until it is told to stop, and then lets calls that run come to their end.
    pub async fn accept(mut self, listener: TcpListener) {
        let (open, mut all_closed) = mpsc::channel::<()>(1);
        let mut said: Option<Timestamp> = None;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = self.stopping.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, peer)) => match self.places.take(peer.ip()) {
                    Ok(place) => self.serve(stream, peer, Held { _place: place, _open: open.clone() }),
                    Err(full) => {
                        // It is closed; its sender tries again. The log is not to grow with it.
                        let now = self.clock.now();
                        if said.is_none_or(|at| now.since(at) >= TURNED_AWAY_EVERY) {
                            said = Some(now);
                            tracing::warn!(address = %peer.ip(), "connections are turned away: {full}");
                        }
                    }
                },
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    self.clock.sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
        drop((listener, open));
        tokio::select! {
            _ = all_closed.recv() => {}
            () = self.clock.sleep(GRACE) => tracing::warn!("some calls did not end in time and are cut off"),
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, held: Held) {
        // Answers are written whole: waiting for more to send would only delay them.
        stream.set_nodelay(true).ok();
        let (routes, clock, stopping) = (self.routes.clone(), self.clock.clone(), self.stopping.clone());
        let mut served = Served { routes, clock, peer, stopping };
        let tls = self.tls.clone();
        tokio::spawn(async move {
            let _held = held;
            let Some(tls) = tls else { return served.serve(stream).await };
            let shaken = tokio::select! {
                shaken = tls.accept(stream) => shaken,
                () = served.clock.sleep(HEADER_TIME) => return,
                _ = served.stopping.wait_for(|stop| *stop) => return,
            };
            match shaken {
                Ok(stream) => served.serve(stream).await,
                Err(error) => tracing::debug!(%error, "a connection ended during the TLS handshake"),
            }
        });
    }
}

/// What a connection holds until it is closed: its place, and a word to the server that it is open.
struct Held {
    _place: Place,
    _open: mpsc::Sender<()>,
}

/// One connection, from its first byte of HTTP.
struct Served {
    routes: Router,
    clock: Arc<dyn Clock>,
    peer: SocketAddr,
    stopping: watch::Receiver<bool>,
}

impl Served {
    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S) {
        let Self { routes, clock, peer, mut stopping } = self;
        let calls = Arc::new(Calls::default());
        let service = {
            let (calls, clock) = (calls.clone(), clock.clone());
            service_fn(move |request: Request<Incoming>| {
                let under_way = calls.begin();
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                let (answering, clock) = (routes.clone().oneshot(request), clock.clone());
                async move {
                    // A call lasts until its answer has been sent whole: a large one takes longer than a connection may idle.
                    let answer = answering.await;
                    answer.map(|answer| answer.map(|body| Body::new(Sending::new(body, under_way, clock))))
                }
            })
        };
        let connection = builder().serve_connection(TokioIo::new(stream), service).into_owned();
        let mut connection = std::pin::pin!(connection);
        // Since when it takes no new calls.
        let mut leaving: Option<Timestamp> = None;
        let (mut seen, mut used) = (0, clock.now());
        // The library's own limit begins only once it knows the version of HTTP.
        let mut wait = HEADER_TIME;
        loop {
            tokio::select! {
                ended = &mut connection => return log(ended),
                _ = stopping.wait_for(|stop| *stop), if leaving.is_none() => {
                    connection.as_mut().graceful_shutdown();
                    leaving = Some(clock.now());
                    continue;
                }
                () = clock.sleep(wait) => {}
            }
            wait = LOOK_EVERY;
            let (now, look) = (clock.now(), calls.look(clock.now()));
            // From the first call on a connection may stay as long as calls come: one that only answers keep-alives would hold its place for ever.
            if look.begun > seen || look.under_way > 0 {
                (seen, used) = (look.begun, now);
            } else if look.begun == 0 || now.since(used) >= IDLE_TIME {
                return;
            }
            if look.stalled > 0 {
                // One that takes nothing is cut off. A proxy that stands for many clients and has one that takes nothing comes to an end with the others
                // first.
                if look.stalled == look.under_way {
                    tracing::debug!(address = %peer.ip(), "a connection does not take its answers and is closed");
                    return;
                }
                if leaving.is_none() {
                    connection.as_mut().graceful_shutdown();
                    leaving = Some(now);
                }
            }
            if leaving.is_some_and(|since| now.since(since) >= LEAVING_TIME) {
                return;
            }
        }
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

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use countersign_http::TrustedProxies;
    use countersign_testkit::ManualClock;
    use futures_util::stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// How long a connection that has looked at its calls has to write, before the clock goes on.
    const SETTLE: Duration = Duration::from_millis(10);
    /// More than fits into what the system keeps of a connection by itself.
    const LARGE: usize = 64 << 20;

    struct Server {
        clock: Arc<ManualClock>,
        address: SocketAddr,
        places: Arc<Places>,
        /// How many calls the routes have been given so far.
        entered: Arc<watch::Sender<usize>>,
        _stop: watch::Sender<bool>,
    }

    impl Server {
        async fn start() -> Self {
            let routes = Router::new()
                .route("/small", get(async || "hello"))
                .route("/large", get(async || vec![0_u8; LARGE]))
                .route("/waits", get(async || Body::from_stream(stream::pending::<Result<Vec<u8>, io::Error>>())));
            let entered = Arc::new(watch::Sender::new(0));
            let counts = entered.clone();
            let routes = routes.layer(axum::middleware::map_request(move |request: Request<Body>| {
                counts.send_modify(|count| *count += 1);
                std::future::ready(request)
            }));
            let clock = Arc::new(ManualClock::default());
            let (stop, stopping) = watch::channel(false);
            let listener = bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
            let address = listener.local_addr().expect("it has one");
            let places = Places::new(8, 8, TrustedProxies::default());
            let connections = Connections { routes, clock: clock.clone(), places: places.clone(), tls: None, stopping };
            tokio::spawn(connections.accept(listener));
            Self { clock, address, places, entered, _stop: stop }
        }

        /// Connects and sends so many calls; they are being answered when this ends.
        async fn connect(&self, sent: &[u8], calls: usize) -> TcpStream {
            let mut entered = self.entered.subscribe();
            let before = *entered.borrow_and_update();
            let mut stream = TcpStream::connect(self.address).await.expect("connects");
            stream.write_all(sent).await.expect("sent");
            entered.wait_for(|count| *count >= before + calls).await.expect("the routes are there");
            stream
        }

        /// Lets time pass once the connection has looked at its calls; false when there is none any more.
        async fn goes_on(&self) -> bool {
            loop {
                let looked = tokio::time::timeout(SETTLE, self.clock.until_one_sleeps()).await.is_ok();
                tokio::time::timeout(SETTLE, std::future::pending::<()>()).await.expect_err("it has no end");
                if looked {
                    self.clock.advance(LOOK_EVERY);
                    return true;
                }
                if self.places.taken() == 0 {
                    return false;
                }
            }
        }

        /// Takes what comes while time passes; what came, and whether the server has closed the connection.
        async fn passes(&self, stream: &mut TcpStream, time: Duration) -> (Vec<u8>, bool) {
            let (mut came, mut passed) = (Vec::new(), Duration::ZERO);
            while passed < time {
                let mut more = vec![0; 65_536];
                tokio::select! {
                    biased;
                    read = stream.read(&mut more) => match read {
                        Ok(0) | Err(_) => return (came, true),
                        Ok(count) => came.extend(&more[..count]),
                    },
                    true = self.goes_on() => passed += LOOK_EVERY,
                }
            }
            (came, false)
        }
    }

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// The opening of an HTTP/2 connection whose client takes so many bytes of each answer, and calls for these paths.
    fn calls(window: u32, paths: &[&str]) -> Vec<u8> {
        let settings = [&[0, 4][..], &window.to_be_bytes()].concat();
        let mut sent = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &settings)].concat();
        // The connection itself has room for all of them.
        sent.extend(frame(8, 0, 0, &(1_u32 << 20).to_be_bytes()));
        for (stream, path) in (1..).step_by(2).zip(paths) {
            let length = u8::try_from(path.len()).expect("short");
            let head = [&[0x82, 0x86, 0x41, 1, b'x', 0x04, length][..], path.as_bytes()].concat();
            sent.extend(frame(1, 5, stream, &head));
        }
        sent
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_answer_that_is_not_taken_closes_its_connection() {
        let server = Server::start().await;
        for paths in [&["/small"][..], &["/large", "/small"]] {
            let mut stream = server.connect(&calls(0, paths), paths.len()).await;
            assert!(server.passes(&mut stream, Duration::from_secs(300)).await.1, "{paths:?}");
        }
        let mut stream = server.connect(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n", 1).await;
        // It takes nothing.
        let mut looks = 0;
        while server.goes_on().await {
            looks += 1;
            assert!(looks < 20, "it is not cut off");
        }
        let (came, closed) = server.passes(&mut stream, LOOK_EVERY).await;
        assert!(closed && came.len() < LARGE, "{} bytes came", came.len());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_answer_that_is_waited_for_or_taken_slowly_keeps_it() {
        let server = Server::start().await;
        let mut stream = server.connect(&calls(65_535, &["/waits"]), 1).await;
        assert!(!server.passes(&mut stream, Duration::from_secs(3_600)).await.1, "the server has the word");
        let mut stream = server.connect(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n", 1).await;
        let (mut came, mut more) = (0, vec![0; 1 << 20]);
        while came < LARGE {
            let count = stream.read(&mut more).await.expect("it goes on");
            assert!(count > 0, "cut off after {came} bytes");
            came += count;
            server.clock.advance(Duration::from_secs(1));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn beside_an_answer_that_is_not_taken_the_others_come_to_their_end() {
        let server = Server::start().await;
        let mut stream = server.connect(&calls(65_535, &["/large", "/waits"]), 2).await;
        let (came, closed) = server.passes(&mut stream, Duration::from_secs(300)).await;
        let go_away = [0, 0, 8, 7, 0, 0, 0, 0, 0];
        assert!(came.windows(go_away.len()).any(|it| it == go_away), "it is told to go elsewhere");
        assert!(!closed, "while another is answered");
        assert!(server.passes(&mut stream, LEAVING_TIME + LOOK_EVERY * 8).await.1, "but not for ever");
    }
}
