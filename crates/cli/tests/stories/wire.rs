//! Artifacts over the wire, as an agent's command sends them, for tests that send what no agent would.

use countersign_testkit::harness::http::{Answer, Call, Connection};
use hyper::Method;
use serde_json::{Value, json};

use crate::stage::text;

/// The content of every file here.
pub const HELLO: &str = "hello";
const SHA1: &str = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";
const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// Announces files with these paths, in the name of a job.
pub async fn announce(line: &mut Connection, job: &str, token: &str, batch: u32, paths: &[&str]) -> Answer {
    line.call(&announcing(job, token, batch, paths)).await.expect("the server answers")
}

/// The call of [`announce`].
pub fn announcing(job: &str, token: &str, batch: u32, paths: &[&str]) -> Call {
    let file = |path: &&str| {
        json!({ "id": "", "job_id": "", "path": path, "absolute_path": format!("/x/{path}"), "glob_path": "",
            "file_size": HELLO.len(), "sha1sum": SHA1, "sha256sum": SHA256, "created_at": "0001-01-01T00:00:00Z" })
    };
    let files: Vec<Value> = paths.iter().map(file).collect();
    let body = json!({ "id": format!("0198f3a1-7c3e-7b21-9f60-{batch:012x}"), "artifacts": files,
        "upload_destination": "", "multipart_supported": true });
    Call::post(&format!("/v3/jobs/{job}/artifacts"), &body).token(token)
}

/// Brings what was announced, and says so. Answers the id of each file.
pub async fn bring(line: &mut Connection, job: &str, token: &str, announced: &Answer) -> Vec<String> {
    assert_eq!(announced.status, 201, "{}", announced.text());
    let announced = announced.json();
    let ids: Vec<String> = announced["artifact_ids"].as_array().expect("a list").iter().map(text).collect();
    for id in &ids {
        let mut call = Call::new(Method::PUT, &upload_address(&announced, id));
        call.body = HELLO.into();
        let sent = line.call(&call).await.expect("the server answers");
        assert_eq!(sent.status, 200, "{}", sent.text());
    }
    let states: Vec<Value> = ids.iter().map(|id| json!({ "id": id, "state": "finished" })).collect();
    let path = format!("/v3/jobs/{job}/artifacts");
    let ended = Call::new(Method::PUT, &path).json(&json!({ "artifacts": states })).token(token);
    let ended = line.call(&ended).await.expect("the server answers");
    assert_eq!(ended.status, 200, "{}", ended.text());
    ids
}

/// Where the bytes of a file go, without the server's own address.
pub fn upload_address(announced: &Value, id: &str) -> String {
    local(&text(&announced["per_artifact_instructions"][id]["actions"][0]["url"]))
}

/// What the artifacts of a build are, to one of its jobs.
pub async fn found(line: &mut Connection, build: &str, token: &str, query: &str) -> Vec<Value> {
    let path = format!("/v3/builds/{build}/artifacts/search?query={}&state=finished", encoded(query));
    let answer = line.call(&Call::get(&path).token(token)).await.expect("the server answers");
    assert_eq!(answer.status, 200, "{query:?}: {}", answer.text());
    answer.json().as_array().expect("a list").clone()
}

/// An absolute address as this server's own path.
pub fn local(address: &str) -> String {
    address[address.find("/v3/").expect("a path of the agent protocol")..].to_owned()
}

/// A text as a part of an address, with everything percent-encoded that may be.
pub fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
