//! The Job API of the two jobs: sockets on the agent's machine, where only the token tells one job from another.

use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::Side;

const BASE: &str = "/api/current-job/v0";

/// Tries every call on the other's socket, with the job's own token and with none.
pub async fn tries(own: &Side, other: &Side) {
    let calls = [
        ("GET", "/env", Value::Null),
        ("PATCH", "/env", json!({ "env": { "STOLEN": "yes" } })),
        ("DELETE", "/env", json!({ "keys": ["BUILDKITE_JOB_ID"] })),
        ("POST", "/redactions", json!({ "redact": "said-at-the-end" })),
        ("PUT", "/workdir", json!({ "workdir": "/" })),
        ("POST", "/promise-failure", json!({ "exit_status": 1 })),
    ];
    for (method, path, body) in &calls {
        for token in [own.told.socket_token.as_str(), own.told.token.as_str(), ""] {
            let (status, answer) = send(&other.told.socket, token, method, path, body).await;
            assert!(matches!(status, 401 | 403 | 404), "{method} {path}: {status} {answer}");
            assert!(!answer.contains(&other.told.token), "{method} {path} shows the other's token");
        }
    }
    let (status, answer) = send(&own.told.socket, &own.told.socket_token, "GET", "/env", &Value::Null).await;
    assert!(status == 200 && answer.contains(&own.build.job), "its own answers: {status}");
    let (_, answer) = send(&other.told.socket, &other.told.socket_token, "GET", "/env", &Value::Null).await;
    assert!(!answer.contains("STOLEN"), "the other's variables are as they were");
}

/// One call over a connection of its own: the status, and the rest as it came.
async fn send(socket: &Path, token: &str, method: &str, path: &str, body: &Value) -> (u16, String) {
    let mut stream = UnixStream::connect(socket).await.expect("the agent listens");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let length = body.len();
    let request = format!(
        "{method} {BASE}{path} HTTP/1.1\r\nHost: agent\r\n{authorization}Content-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("the agent reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the agent answers");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status in {answer:?}")), answer)
}
