//! A server that gives out scripted jobs, writes down every call, and fails where it was told to.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{ErrorKind, Read},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpSocket, task::JoinSet};

use crate::clock::pause;

/// One call that came in, whether it was answered or not.
#[derive(Debug, Clone)]
pub struct Call {
    /// `POST /register`; without `/v3` and without the query.
    pub name: String,
    pub query: String,
    /// What stood after `Token `.
    pub token: String,
    pub body: Bytes,
}

impl Call {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    fn number(&self, key: &str) -> u64 {
        let value = self.query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        value.and_then(|value| value.parse().ok()).expect("a number in the query")
    }
}

/// How a call goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Answered without being carried out.
    Status(u16, Value),
    /// The same, with a header.
    WithHeader(u16, &'static str, String),
    /// Carried out, and the connection closed without an answer.
    LoseAnswer,
}

/// What the server holds.
#[derive(Default)]
pub struct State {
    pub calls: Vec<Call>,
    /// The end of a call's name, and what happens to the calls that come next.
    faults: Vec<(&'static str, VecDeque<Fault>)>,
    pub jobs: VecDeque<Value>,
    /// What pings say to do.
    pub action: Option<&'static str>,
    pub job_state: &'static str,
    /// What the state of the next upload is, one answer after the other; the upload is then taken for later.
    upload_states: VecDeque<(u16, Value)>,
    registrations: u32,
    data: BTreeMap<String, String>,
}

impl State {
    pub fn named(&self, name: &str) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.name == name).collect()
    }

    pub fn count(&self, name: &str) -> usize {
        self.named(name).len()
    }

    /// Lets the next calls whose name ends with `end` go wrong, one after the other.
    pub fn fail(&mut self, end: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.faults.push((end, faults.into_iter().collect()));
    }

    /// The finishes of a job, as sent.
    pub fn finishes(&self, job: &str) -> Vec<Value> {
        self.named(&format!("PUT /jobs/{job}/finish")).into_iter().map(Call::json).collect()
    }

    /// The log of a job, put together as a server does, without its line stamps.
    pub fn log(&self, job: &str) -> String {
        let mut chunks = BTreeMap::new();
        for call in self.named(&format!("POST /jobs/{job}/chunks")) {
            let mut text = Vec::new();
            GzDecoder::new(&call.body[..]).read_to_end(&mut text).expect("gzip");
            assert_eq!(call.number("size"), text.len() as u64, "the size counts uncompressed bytes");
            let earlier = chunks.insert(call.number("sequence"), (call.number("offset"), text.clone()));
            assert!(earlier.is_none_or(|(_, earlier)| earlier == text), "a repeated chunk is the same chunk");
        }
        let mut log = Vec::new();
        for (index, (sequence, (offset, text))) in chunks.into_iter().enumerate() {
            assert_eq!((sequence, offset), (index as u64 + 1, log.len() as u64), "chunks follow each other");
            log.extend(text);
        }
        let log = String::from_utf8(log).expect("text");
        let mut lines = log.split("\x1b_bk;t=");
        let mut text = lines.next().unwrap_or_default().to_owned();
        for line in lines {
            let (stamp, line) = line.split_once('\x07').expect("a stamp ends");
            assert!(stamp.len() == 13 && stamp.bytes().all(|byte| byte.is_ascii_digit()), "{stamp}");
            text.push_str(line);
        }
        text
    }
}

/// The server. It goes away when dropped, and can come back at the same address.
pub struct Fake {
    pub state: Arc<Mutex<State>>,
    pub address: SocketAddr,
    serving: JoinSet<()>,
    /// Keeps the port while nobody listens at it: it refuses connections, and is given to nobody else.
    kept: Option<TcpSocket>,
}

/// A socket at the address, which does not listen. A process that another test began a moment ago may still have a copy of the one that did.
async fn bound(address: SocketAddr) -> TcpSocket {
    /// How often it is tried, every two milliseconds.
    const TRIES: usize = 5_000;
    for _ in 0..TRIES {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("its option can be set");
        match socket.bind(address) {
            Ok(()) => return socket,
            Err(error) if error.kind() == ErrorKind::AddrInUse => pause(Duration::from_millis(2)).await,
            Err(error) => panic!("{address}: {error}"),
        }
    }
    panic!("{address} stays in use");
}

impl Fake {
    pub async fn start() -> Self {
        let state = State { job_state: "running", ..State::default() };
        let mut fake = Self {
            state: Arc::new(Mutex::new(state)),
            address: ([127, 0, 0, 1], 0).into(),
            serving: JoinSet::new(),
            kept: None,
        };
        fake.come_back().await;
        fake
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}/v3", self.address)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the state")
    }

    /// Lets the next upload of a pipeline be taken for later, and its state be told like this.
    pub fn answer_later(&self, states: impl IntoIterator<Item = (u16, Value)>) {
        self.state().upload_states = states.into_iter().collect();
    }

    /// Closes the port and every connection.
    pub async fn go_away(&mut self) {
        self.serving.shutdown().await;
        self.kept = Some(bound(self.address).await);
    }

    /// Listens again at the same address.
    pub async fn come_back(&mut self) {
        let socket = match self.kept.take() {
            Some(socket) => socket,
            None => bound(self.address).await,
        };
        let listener = socket.listen(1024).expect("nobody else listens");
        self.address = listener.local_addr().expect("bound");
        let state = self.state.clone();
        self.serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let state = state.clone();
                connections.spawn(async move {
                    let service = service_fn(|request| handle(state.clone(), request));
                    // An answer that is lost on purpose ends the connection with an error.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
    }
}

/// The connection ends without an answer.
#[derive(Debug)]
struct Lost;
impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("lost on purpose")
    }
}
impl std::error::Error for Lost {}

async fn handle(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Lost> {
    let path = request.uri().path().strip_prefix("/v3").expect("the base address holds /v3").to_owned();
    let name = format!("{} {path}", request.method());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = header.strip_prefix("Token ").expect("every call is authorized").to_owned();
    let method = request.method().clone();
    let Ok(body) = request.into_body().collect().await else { return Err(Lost) };
    let body = body.to_bytes();

    let mut state = state.lock().expect("no test panics while it holds the state");
    let fault = state.faults.iter_mut().find(|(end, left)| name.ends_with(end) && !left.is_empty());
    let fault = fault.and_then(|(_, left)| left.pop_front());
    state.calls.push(Call { name, query, token, body: body.clone() });
    let mut header = None;
    let later = path.ends_with("/pipelines") && !state.upload_states.is_empty();
    if later {
        let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
        header = Some(("location", format!("{path}/{}", sent["uuid"].as_str().unwrap_or_default())));
    }
    let (status, answer) = match fault {
        Some(Fault::Status(status, answer)) => (status, answer),
        Some(Fault::WithHeader(status, name, value)) => {
            header = Some((name, value));
            (status, json!({}))
        }
        Some(Fault::LoseAnswer) => {
            carry_out(&mut state, &method, &path, &body);
            return Err(Lost);
        }
        None if later => (202, json!({})),
        None => carry_out(&mut state, &method, &path, &body),
    };
    drop(state);
    let answer = Full::new(Bytes::from(answer.to_string()));
    let mut response = Response::builder().status(status);
    if let Some((name, value)) = header {
        response = response.header(name, value);
    }
    Ok(response.body(answer).expect("a response"))
}

fn carry_out(state: &mut State, method: &Method, path: &str, body: &[u8]) -> (u16, Value) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let key = body["key"].as_str().unwrap_or_default().to_owned();
    let action = path.rsplit('/').next().unwrap_or_default();
    match action {
        "register" => {
            state.registrations += 1;
            let name = body["name"].as_str().unwrap_or_default();
            let registered = json!({
                "id": format!("agent-{}", state.registrations), "name": name, "access_token": format!("session-{}", state.registrations),
                "ping_interval": 1, "job_status_interval": 1, "heartbeat_interval": 5, "meta_data": [],
            });
            (200, registered)
        }
        "ping" => match (state.action, state.jobs.front()) {
            (Some(action), _) => (200, json!({ "action": action })),
            (None, Some(job)) => (200, json!({ "job": { "id": job["id"] } })),
            (None, None) => (200, json!({})),
        },
        "accept" | "acquire" => {
            state.jobs.pop_front().map_or((422, json!({ "message": "no such job" })), |job| (200, job))
        }
        "set" => {
            state.data.insert(key, body["value"].as_str().unwrap_or_default().to_owned());
            (200, json!({}))
        }
        "get" => match state.data.get(&key) {
            Some(value) => (200, json!({ "key": key, "value": value })),
            None => (404, json!({ "message": "No such key" })),
        },
        "exists" => (200, json!({ "exists": state.data.contains_key(&key) })),
        "keys" => (200, json!(state.data.keys().collect::<Vec<_>>())),
        "export" => (200, json!({ "output": "passed" })),
        "cancel" => (200, json!({ "uuid": "canceled" })),
        "tokens" => (200, json!({ "token": "header.eyJleHAiOjE4MDAwMDAwMDB9.signature" })),
        "secrets" => (403, json!({ "message": "This server keeps no secrets." })),
        _ if method == Method::PUT && path.starts_with("/jobs/") && action.starts_with('j') => {
            (200, json!({ "id": action }))
        }
        _ if method == Method::GET && path.contains("/pipelines/") => {
            state.upload_states.pop_front().unwrap_or((200, json!({ "state": "applied" })))
        }
        _ if method == Method::GET => (200, json!({ "state": state.job_state })),
        _ => (200, json!({})),
    }
}
