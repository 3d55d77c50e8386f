//! The streaming call over a real connection: HTTP/1.1 with chunked trailers, which agents use where there is no TLS.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use countersign_testkit::Engine;
use serde_json::{Value, json};

use crate::stand::{Stand, http, wait_until};

/// An open stream, with everything that has come on it.
struct Stream {
    socket: TcpStream,
    came: Vec<u8>,
}

impl Stream {
    fn open(stand: &Stand, agent: &Value) -> Self {
        let id = agent["id"].as_str().expect("an id");
        let session = agent["access_token"].as_str().expect("a token");
        let mut socket = TcpStream::connect(("127.0.0.1", stand.port)).expect("connects");
        socket.set_read_timeout(Some(Duration::from_millis(25))).expect("set");
        let head = format!(
            "POST /agentedge.v1.AgentEdgeService/StreamPings HTTP/1.1\r\nHost: x\r\nAuthorization: Token {session}\r\n\
             Content-Type: application/grpc\r\nTE: trailers\r\nContent-Length: 43\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).expect("sent");
        socket.write_all(&[&b"\0\0\0\0\x26\x0a\x24"[..], id.as_bytes()].concat()).expect("sent");
        Self { socket, came: Vec::new() }
    }

    /// Waits for bytes.
    fn brings(&mut self, wanted: &[u8]) {
        wait_until("bytes of a stream", || {
            let mut more = [0; 4096];
            if let Ok(count) = self.socket.read(&mut more) {
                self.came.extend(&more[..count]);
            }
            self.came.windows(wanted.len()).any(|window| window == wanted)
        });
    }
}

fn agent(stand: &Stand) -> Value {
    let token = format!("Token {}", stand.agent_token());
    let body = json!({ "name": "a", "version": "3.137.0", "meta_data": ["queue=default"] });
    let (status, body) = http("POST", &format!("{}/v3/register", stand.address()), &token, &body);
    assert_eq!(status, 200, "{body}");
    let agent: Value = serde_json::from_str(&body).expect("JSON");
    let session = format!("Token {}", agent["access_token"].as_str().expect("a token"));
    assert_eq!(http("POST", &format!("{}/v3/connect", stand.address()), &session, &json!({})).0, 200);
    agent
}

#[test]
fn a_job_comes_on_the_stream_and_the_server_ends_without_waiting_for_it() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let server = stand.server(&[]);
        let agent = agent(&stand);
        let mut stream = Stream::open(&stand, &agent);
        stream.brings(b"\0\0\0\0\x02\x12\0");
        let pipeline = stand.pipeline("one.yml", "steps: [{command: echo one}]");
        stand.ada(&["build", "create", "--pipeline", &pipeline]).must(0, &[]);
        stream.brings(b"\0\0\0\0\x2a\x2a\x28\x0a\x26\x0a\x24");
        server.signal(rustix::process::Signal::TERM);
        stream.brings(b"\r\n0\r\ngrpc-status: 14\r\ngrpc-message: The server stops\r\n\r\n");
        assert_eq!(server.end(), 0);
    }
}

#[test]
fn a_stream_that_is_switched_off_is_not_found() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&["--streaming-pings", "false"]);
    let agent = agent(&stand);
    Stream::open(&stand, &agent).brings(b"HTTP/1.1 404 Not Found");
}

#[test]
fn an_agent_that_polls_is_told_while_its_ping_is_held() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&["--ping-hold", "20s"]);
    let agent = agent(&stand);
    let session = format!("Token {}", agent["access_token"].as_str().expect("a token"));
    let address = stand.address();
    let asking = std::thread::spawn(move || http("GET", &format!("{address}/v3/ping"), &session, &json!({})));
    // Long before its time is up: it would answer `{}` then.
    let pipeline = stand.pipeline("one.yml", "steps: [{command: echo one}]");
    stand.ada(&["build", "create", "--pipeline", &pipeline]).must(0, &[]);
    let (status, body) = asking.join().expect("it asks");
    assert!(status == 200 && body.contains("\"job\""), "{body}");
}
