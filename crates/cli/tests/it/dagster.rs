//! Dagster+ agents from the command line.

use std::io::{Read, Write};
use std::net::TcpStream;

use countersign_testkit::Engine;
use serde_json::{Value, json};

use crate::stand::Stand;

const PROCESS: &str = "5e6d1c1f-64e4-4c06-9d60-0a3b54cf2f3a";
const HEARTBEATS: &str = "mutation($all: [AgentHeartbeatInput!], $errors: [String!]) { userCloudAgent { \
     addAgentHeartbeats(serializedAgentHeartbeats: $all, serializedErrors: $errors) { ok } } }";

/// What an agent says of itself, and the answer to it.
fn heartbeat(stand: &Stand) -> String {
    let error = |text: &str| json!({ "__class__": "SerializableErrorInfo", "message": text, "stack": [], "cls_name": "OSError" });
    let server = json!({
        "__class__": "CloudCodeServerHeartbeat", "location_name": "sales", "error": error("no module"),
        "server_status": { "__enum__": "CloudCodeServerStatus.FAILED" }
    });
    let beat = json!({
        "__class__": "AgentHeartbeat", "timestamp": 1, "agent_id": PROCESS, "agent_label": "north",
        "metadata": { "version": "1.13.27" }, "code_server_heartbeats": [server]
    });
    let met = json!({ "__class__": "TimestampedError", "timestamp": 1, "error": error("no route\u{1b}[2J") });
    let variables = json!({
        "all": [{ "deploymentName": "default", "serializedAgentHeartbeat": beat.to_string() }],
        "errors": [met.to_string()]
    });
    let body = json!({ "query": HEARTBEATS, "variables": variables }).to_string();
    let mut socket = TcpStream::connect(("127.0.0.1", stand.port)).expect("connects");
    let head = format!(
        "POST /dagster/graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nDagster-Cloud-Api-Token: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        stand.agent_token(),
        body.len()
    );
    socket.write_all(head.as_bytes()).expect("sent");
    socket.write_all(body.as_bytes()).expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn an_agent_is_listed_and_shown() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&[]);
        assert_eq!(stand.ada(&["dagster", "agent", "list", "--output", "json"]).json(), json!([]));
        let answer = heartbeat(&stand);
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#"{"ok":true}"#), "{answer}");
        stand.ada(&["dagster", "agent", "list", "--running"]).must(0, &["north", "running", "1.13.27", "default"]);
        let listed: Value = stand.ada(&["dagster", "agent", "list", "--output", "json"]).json();
        assert_eq!((&listed[0]["process"], &listed[0]["status"]), (&json!(PROCESS), &json!("RUNNING")));
        for name in ["north", PROCESS] {
            let shown = stand.ada(&["dagster", "agent", "show", name]);
            shown.must(0, &["sales FAILED: no module", "OSError no route", "queues (default)"]);
            assert!(!shown.out.contains('\u{1b}'), "what an agent says moves no cursor: {}", shown.out);
        }
        stand.ada(&["dagster", "agent", "show", "south"]).must(5, &["no Dagster+ agent south"]);
        let token = stand.ada(&["token", "list", "--output", "json"]).json()[0]["publicId"].as_str().map(str::to_owned);
        stand
            .ada(&["token", "revoke", &token.expect("a token"), "--reason", "over"])
            .must(0, &["1 Dagster+ agent with this token will be refused at the next call: north"]);
        assert!(heartbeat(&stand).starts_with("HTTP/1.1 401"));
        stand.ada(&["dagster", "agent", "list"]).must(0, &["token revoked"]);
    }
}
