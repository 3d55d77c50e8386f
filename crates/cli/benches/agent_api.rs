//! What the Agent API costs, beside its floors in the same run: a bare axum route, and registrations written straight through the store.
//!
//! The client is a process of its own, so that the processor time counted is the server's alone. Each line is the median of its slices.
//! Compare ratios of one run, not figures of two.

#![expect(clippy::print_stdout, reason = "a measurement's result is what it prints")]
#![expect(clippy::disallowed_methods, reason = "a measurement takes real time")]
#![expect(clippy::expect_used, reason = "a failed measurement stops the run")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::routing::get;
use countersign_control::access::actions::RegisterAgent;
use countersign_control::agents::Registration;
use countersign_http::{Edge, TrustedProxies};
use countersign_testkit::{Engine, SeededEntropy, World};

/// Slices per line; odd, so that there is a middle one.
const SLICES: usize = 7;
/// Connections of the client.
const CONNECTIONS: usize = 8;
/// Calls per connection and slice.
const CALLS: usize = 4_000;
/// Registrations that wait at one time, and how many each of them makes per slice.
const WAITING: usize = 64;
const REGISTRATIONS: usize = 20;
/// Ticks of `/proc/self/stat` per second, on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, role, address, request] = arguments.as_slice()
        && role == "client"
    {
        let address: SocketAddr = address.parse().expect("an address");
        return client(address, request);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure());
}

/// Sends the same request again and again on some connections.
fn client(address: SocketAddr, request: &str) {
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(move || {
                let mut stream = TcpStream::connect(address).expect("the server listens");
                stream.set_nodelay(true).expect("a socket option");
                let mut buffer = vec![0; 16 * 1024];
                for _ in 0..CALLS {
                    stream.write_all(request.as_bytes()).expect("the server reads");
                    let mut filled = 0;
                    while !is_whole(&buffer[..filled]) {
                        let more = stream.read(&mut buffer[filled..]).expect("the server answers");
                        assert!(more > 0, "the server closed the connection");
                        filled += more;
                    }
                    assert!(buffer.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&buffer[..filled]));
                }
            });
        }
    });
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.trim().parse().expect("a number"));
    body.len() >= length
}

/// Processor time of this process, in seconds.
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<f64>().ok()).expect("a number");
    (ticks() + ticks()) / TICKS
}

async fn serve(routes: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// The middle slice: microseconds of the server's processor time per call, and calls per second.
async fn slices(address: SocketAddr, request: String) -> (f64, f64) {
    let mut found = Vec::new();
    for _ in 0..SLICES {
        let (before, began) = (processor_time(), Instant::now());
        let client = tokio::process::Command::new(std::env::current_exe().expect("this program"))
            .args(["client", &address.to_string(), &request])
            .status()
            .await
            .expect("the client runs");
        assert!(client.success(), "the client failed");
        let calls = (CONNECTIONS * CALLS) as f64;
        found.push(((processor_time() - before) * 1e6 / calls, calls / began.elapsed().as_secs_f64()));
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found[SLICES / 2]
}

fn request(method: &str, path: &str, token: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {token}\r\nContent-Length: 0\r\n\r\n")
}

async fn measure() {
    let bare = serve(Router::new().route("/", get(async || http::StatusCode::NO_CONTENT))).await;
    println!("{:<44} {:>12} {:>12} {:>9}", "agent API, one call", "us of CPU", "calls/s", "x floor");
    let floor = slices(bare, request("GET", "/", "none")).await;
    println!("{:<44} {:>12.1} {:>12.0} {:>9.2}", "bare axum, 204", floor.0, floor.1, 1.0);
    for engine in Engine::all() {
        let world = World::new(engine).await;
        let registered = register(&world).await;
        let edge = Edge::new(world.control.clone(), Arc::new(SeededEntropy::new(9)), TrustedProxies::default());
        let address = serve(edge.layers(countersign_buildkite::router(world.control.clone()))).await;
        for (method, path) in [("POST", "/v3/heartbeat"), ("GET", "/v3/ping")] {
            let (cpu, rate) = slices(address, request(method, path, registered.session.reveal())).await;
            let name = format!("{path}, {}", engine.name());
            println!("{name:<44} {cpu:>12.1} {rate:>12.0} {:>9.2}", cpu / floor.0);
        }
        registrations(&world, engine).await;
    }
}

async fn register(world: &World) -> countersign_control::agents::Registered {
    let caller = world.authenticate(world.acme.agent_token()).await.expect("a live token");
    let grant = world.control.grant_own::<RegisterAgent>(&caller).expect("it may register");
    let new = Registration { name: "bench".to_owned(), hostname: Some("host".to_owned()), ..Registration::default() };
    world.control.register_agent(&grant, new).await.expect("it registers")
}

/// Durable registrations with many waiting at once: look-up of the token, agent, session and audit row, one commit for the group.
async fn registrations(world: &World, engine: Engine) {
    let mut found = Vec::new();
    for _ in 0..SLICES {
        let (before, began) = (processor_time(), Instant::now());
        let waiting = (0..WAITING).map(|_| async {
            for _ in 0..REGISTRATIONS {
                register(world).await;
            }
        });
        futures_util::future::join_all(waiting).await;
        let calls = (WAITING * REGISTRATIONS) as f64;
        found.push(((processor_time() - before) * 1e6 / calls, calls / began.elapsed().as_secs_f64()));
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (cpu, rate) = found[SLICES / 2];
    let name = format!("registration, {WAITING} waiting, {}", engine.name());
    println!("{name:<44} {cpu:>12.1} {rate:>12.0} {:>9}", "-");
}
