//! Artifacts over the wire: announced with a job token, moved by signed addresses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_RANGE, RANGE};
use http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::server::{Answer, Job, Server};

const SHA1: &str = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";
const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const PUBLIC: &str = "http://localhost:8420";

fn file(path: &str) -> Value {
    json!({ "id": "", "path": path, "absolute_path": format!("/w/{path}"), "glob_path": "", "file_size": 5, "sha1sum": SHA1,
        "sha256sum": SHA256, "created_at": "0001-01-01T00:00:00Z", "job_id": "", "content_type": "text/html" })
}

async fn announce(server: &Server, job: &Job, files: Vec<Value>, by_parts: bool) -> Answer {
    let body = json!({ "id": "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77", "artifacts": files, "upload_destination": "",
        "multipart_supported": by_parts });
    server.post(&format!("/v3/jobs/{}/artifacts", job.id), &job.token, &body.to_string()).await
}

/// Asks an address of the server's own, without a token.
async fn ask(server: &Server, method: Method, address: &str, headers: &[(&str, &str)], body: Body) -> Answer {
    let mut request = Request::builder().method(method).uri(address.strip_prefix(PUBLIC).expect("the public address"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(body).expect("a request"), "127.0.0.1").await
}

fn address(answer: &Answer, index: usize) -> String {
    let read = answer.json();
    let id = read["artifact_ids"][index].as_str().expect("an id");
    let action = &read["per_artifact_instructions"][id]["actions"][0];
    assert_eq!((&action["method"], &action["part_number"]), (&json!("PUT"), &json!(1)));
    action["url"].as_str().expect("an address").to_owned()
}

async fn end(server: &Server, job: &Job, id: &Value, state: &str) -> Answer {
    let body = json!({ "artifacts": [{ "id": id, "state": state, "multipart_etags": [{ "part_number": 1, "etag": "\"x\"" }] }] });
    server.put(&format!("/v3/jobs/{}/artifacts", job.id), &job.token, &body.to_string()).await
}

async fn search(server: &Server, job: &Job, query: &str) -> Vec<Value> {
    let path = format!("/v3/builds/{}/artifacts/search?{query}&state=finished", job.build);
    let answer = server.get(&path, &job.token).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.json().as_array().expect("an array").clone()
}

#[tokio::test]
async fn a_file_travels_by_signed_addresses() {
    let server = Server::new().await;
    let job = server.running_job().await;
    assert_eq!(search(&server, &job, "query=*").await, [] as [Value; 0]);
    let announced = announce(&server, &job, vec![file("pkg/a \"b\".html")], true).await;
    assert_eq!(announced.status, 201, "{announced}");
    let to = address(&announced, 0);
    let sent = ask(&server, Method::PUT, &to, &[], Body::from("hello")).await;
    assert_eq!(sent.status, 200, "{sent}");
    assert_eq!(sent.headers[ETAG], format!("\"{SHA1}\""));
    assert_eq!(end(&server, &job, &announced.json()["artifact_ids"][0], "finished").await.status, 200);
    let found = search(&server, &job, "query=pkg%2F*").await;
    let [found] = &found[..] else { panic!("one is found: {found:?}") };
    assert_eq!((&found["file_size"], &found["sha256sum"]), (&json!(5), &json!(SHA256)));
    let from = found["url"].as_str().expect("an address");
    let got = ask(&server, Method::GET, from, &[], Body::empty()).await;
    assert_eq!((got.status.as_u16(), got.body.as_str()), (200, "hello"));
    let header = |name: &str| got.headers[name].to_str().expect("a text");
    assert_eq!(header("content-type"), "text/html");
    assert_eq!(header("content-length"), "5");
    assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("accept-ranges"), "bytes");
    assert!(
        got.headers[CONTENT_DISPOSITION].to_str().expect("a text").starts_with("attachment; filename=\"a _b_.html\"")
    );
    let tag = header("etag").to_owned();
    let part =
        ask(&server, Method::GET, from, &[(RANGE.as_str(), "bytes=3-"), (IF_RANGE.as_str(), &tag)], Body::empty())
            .await;
    assert_eq!((part.status.as_u16(), part.body.as_str()), (206, "lo"));
    assert_eq!(part.headers["content-range"], "bytes 3-4/5");
    assert_eq!(ask(&server, Method::GET, from, &[(RANGE.as_str(), "bytes=5-")], Body::empty()).await.status, 416);
    let head = ask(&server, Method::HEAD, from, &[], Body::empty()).await;
    assert_eq!(
        (head.status.as_u16(), head.body.as_str(), &head.headers[CONTENT_LENGTH]),
        (200, "", &"5".parse().expect("a header"))
    );
}

fn form(fields: &[(String, String)], bytes: &str) -> (String, String) {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    body.push_str("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a/b.txt\"\r\nContent-Type: application/octet-stream\r\n\r\n");
    body.push_str(&format!("{bytes}\r\n--B--\r\n"));
    ("multipart/form-data; boundary=B".to_owned(), body)
}

#[tokio::test]
async fn an_older_agent_sends_a_form() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let announced = announce(&server, &job, vec![file("a.txt"), file("b.txt")], false).await;
    let read = announced.json();
    assert_eq!(read.get("per_artifact_instructions"), None);
    let instructions = &read["upload_instructions"];
    assert_eq!(
        instructions["action"],
        json!({ "url": PUBLIC, "method": "POST", "path": "/v3/artifact-form", "file_input": "file" })
    );
    let data = instructions["data"].as_object().expect("fields");
    let fields = |path: &str| -> Vec<(String, String)> {
        let fill = |value: &Value| value.as_str().expect("a text").replace("${artifact:path}", path);
        data.iter().map(|(name, value)| (name.clone(), fill(value))).collect()
    };
    let post = async |fields: &[(String, String)], bytes: &str| {
        let (kind, body) = form(fields, bytes);
        ask(
            &server,
            Method::POST,
            &format!("{PUBLIC}/v3/artifact-form"),
            &[(CONTENT_TYPE.as_str(), &kind)],
            Body::from(body),
        )
        .await
    };
    let lie = post(&fields("b.txt"), "hellO").await;
    insta::assert_snapshot!(lie, @r#"422 {"message":"The bytes of the artifact are not those that were announced: the SHA-1 of the bytes is 568a752b7f6b5007e86d5b38be599931dfe87d50, but aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d was announced."}"#);
    let mut backwards = fields("b.txt");
    backwards.reverse();
    assert_eq!(post(&backwards, "hello").await.status, 200);
    assert_eq!(end(&server, &job, &read["artifact_ids"][1], "finished").await.status, 200);
    assert_eq!(end(&server, &job, &read["artifact_ids"][0], "finished").await.status, 422);
    assert_eq!(post(&fields("c.txt"), "hello").await.status, 422);
    assert_eq!(post(&fields("a.txt")[1..], "hello").await.status, 403);
    let twice: Vec<_> = fields("a.txt").into_iter().chain(fields("a.txt")).collect();
    assert_eq!(post(&twice, "hello").await.status, 422);
    let more: Vec<_> = fields("a.txt").into_iter().chain([("extra".to_owned(), "x".to_owned())]).collect();
    assert_eq!(post(&more, "hello").await.status, 422);
    let long: Vec<_> = fields(&"a".repeat(10_000));
    assert_eq!(post(&long, "hello").await.status, 422);
    for (kind, body) in [
        ("text/plain", "x"),
        ("multipart/form-data; boundary=B", "x"),
        ("multipart/form-data; boundary=B", "--B--\r\n"),
    ] {
        let answer = ask(
            &server,
            Method::POST,
            &format!("{PUBLIC}/v3/artifact-form"),
            &[(CONTENT_TYPE.as_str(), kind)],
            Body::from(body),
        )
        .await;
        assert_eq!(answer.status, 422, "{kind} {body:?} {answer}");
    }
}

#[tokio::test]
async fn a_sender_that_lies_or_stops_gets_no_further() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let announced = announce(&server, &job, vec![file("a.txt")], true).await;
    let to = address(&announced, 0);
    let large = ask(&server, Method::PUT, &to, &[(CONTENT_LENGTH.as_str(), "10737418240")], Body::empty()).await;
    assert_eq!(large.status, 413, "before anything is read");
    for lie in ["hell", "hello!", "hellO", ""] {
        assert_eq!(ask(&server, Method::PUT, &to, &[], Body::from(lie)).await.status, 422, "{lie:?}");
    }
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[0; 65_536])));
    assert_eq!(ask(&server, Method::PUT, &to, &[], Body::from_stream(endless)).await.status, 422);
    let cut = stream::iter([Ok(bytes::Bytes::from_static(b"he")), Err(std::io::Error::other("gone"))]);
    assert_eq!(ask(&server, Method::PUT, &to, &[], Body::from_stream(cut)).await.status, 422);
    let clock = server.world.clock.clone();
    let silent = stream::once(async move {
        // By the time that somebody waits for it, a minute has passed.
        clock.advance(Duration::from_secs(61));
        std::future::pending::<Result<bytes::Bytes, std::io::Error>>().await
    });
    assert_eq!(ask(&server, Method::PUT, &to, &[], Body::from_stream(silent)).await.status, 422);
    assert_eq!(server.world.database.blobs().names().await.expect("the names of blobs"), [""; 0]);
    assert_eq!(ask(&server, Method::PUT, &to, &[], Body::from("hello")).await.status, 200);
}

#[tokio::test]
async fn an_address_is_refused_with_any_character_changed() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let to = address(&announce(&server, &job, vec![file("a.txt")], true).await, 0);
    let refused = |answer: &Answer| matches!(answer.status.as_u16(), 400 | 403 | 404 | 405);
    let start = to.find("/v3/artifacts/").expect("a path") + "/v3/artifacts/".len();
    for at in start..to.len() {
        for other in ['0', '7', 'a', 'F'] {
            let mut changed: Vec<char> = to.chars().collect();
            if changed[at] == other {
                continue;
            }
            changed[at] = other;
            let changed: String = changed.into_iter().collect();
            let answer = ask(&server, Method::PUT, &changed, &[], Body::from("hello")).await;
            assert!(refused(&answer), "{changed}: {answer}");
        }
    }
    assert!(refused(&ask(&server, Method::GET, &to, &[], Body::empty()).await), "it is for sending only");
    // The token is of no use there, and the address is of no use with it.
    let bare = to.split_once('?').expect("a query").0.strip_prefix(PUBLIC).expect("the public address");
    assert_eq!(server.get(bare, &job.token).await.status, 403);
}

#[tokio::test]
async fn no_path_that_leads_elsewhere_is_announced() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let mut tried = 0;
    for up in [
        "..",
        ".",
        "",
        "..\\..",
        ".. ",
        "...",
        "C:",
        "c:..",
        "NUL",
        "con.txt",
        "com1",
        "\u{202e}..",
        "a\0",
        "\\\\x",
        "~\\",
    ] {
        for around in [
            "{}",
            "{}/x",
            "x/{}",
            "x/{}/y",
            "x/{}/../y",
            "/{}",
            "//{}",
            "./{}",
            "{}\\x",
            "x\\{}",
            "{}/",
            "/x/{}",
            "x//{}",
            "{}/.",
            "{}/..",
        ] {
            let path = around.replace("{}", up);
            // What is left when a name is put into a frame may be good: `.../x` is refused, `x` alone is not.
            if countersign_domain::artifact::ArtifactPath::parse(&path).is_err() {
                let answer = announce(&server, &job, vec![file(&path)], true).await;
                assert_eq!(answer.status, 422, "{path:?}: {answer}");
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
    let many: Vec<Value> = (0..30_000).map(|number| file(&number.to_string())).collect();
    assert_eq!(announce(&server, &job, many, true).await.status, 413, "before it is read");
    assert_eq!(search(&server, &job, "query=*").await, [] as [Value; 0]);
}

/// A megabyte of `a`.
fn large() -> Value {
    let mut large = file("large.bin");
    large["file_size"] = json!(1 << 20);
    large["sha1sum"] = json!("454027d64e3b855735552d42230eea1cbd645fa0");
    large["sha256sum"] = json!("9bc1b2a288b26af7257a36277ae3816a7d4f16e89c1e7e77d0a5c48bad62b360");
    large
}

/// The form for one artifact that was announced.
fn form_of(announced: &Answer, path: &str, bytes: &str) -> (String, String) {
    let read = announced.json();
    let data = read["upload_instructions"]["data"].as_object().expect("fields").clone();
    let fill = |value: &Value| value.as_str().expect("a text").replace("${artifact:path}", path);
    let fields: Vec<(String, String)> = data.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
    form(&fields, bytes)
}

async fn post(server: &Server, kind: &str, body: Body) -> Answer {
    ask(server, Method::POST, &format!("{PUBLIC}/v3/artifact-form"), &[(CONTENT_TYPE.as_str(), kind)], body).await
}

#[tokio::test]
async fn little_of_a_form_is_read_before_it_is_known_who_sends_it() {
    let server = Server::new().await;
    let kind = "multipart/form-data; boundary=B";
    let head = "--B\r\nContent-Disposition: form-data; name=\"path\"\r\n";
    for (start, piece) in [("", "a"), (head, "X-More: a\r\n"), ("--B", " "), ("", "--"), (head, "\r")] {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let piece = piece.repeat(32 * 1024 / piece.len());
        let endless = stream::repeat_with(move || {
            count.fetch_add(piece.len(), Ordering::Relaxed);
            Ok::<_, std::io::Error>(bytes::Bytes::from(piece.clone()))
        });
        let start = stream::iter([Ok(bytes::Bytes::from(start.to_owned()))]);
        let body = Body::from_stream(futures_util::StreamExt::chain(start, endless));
        let answer = post(&server, kind, body).await;
        assert_eq!(answer.status, 422, "{answer}");
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken <= 128 * 1024, "{taken} bytes were read: {answer}");
    }
    let clock = server.world.clock.clone();
    let silent = stream::once(async move {
        // By the time that somebody waits for it, eleven seconds have passed.
        clock.advance(Duration::from_secs(11));
        std::future::pending::<Result<bytes::Bytes, std::io::Error>>().await
    });
    let answer = post(&server, kind, Body::from_stream(silent)).await;
    assert!(answer.status == 422 && answer.body.contains("10 s"), "{answer}");
}

#[tokio::test]
async fn a_form_that_comes_in_one_piece_is_taken_and_a_slow_download_is_cut() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let mut long = large();
    long["path"] = json!(format!("{}/{}", "d".repeat(200), "e".repeat(200)));
    let announced = announce(&server, &job, vec![long.clone()], true).await;
    let (kind, body) = form_of(&announced, long["path"].as_str().expect("a text"), &"a".repeat(1 << 20));
    let answer = post(&server, &kind, Body::from(body)).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(end(&server, &job, &announced.json()["artifact_ids"][0], "finished").await.status, 200);
    let from = search(&server, &job, "query=*").await[0]["url"].as_str().expect("an address").to_owned();
    let whole = ask(&server, Method::GET, &from, &[], Body::empty()).await;
    assert!(whole.status == 200 && whole.body.len() == 1 << 20);
    let request = Request::get(from.strip_prefix(PUBLIC).expect("the public address")).body(Body::empty());
    let mut body = server.open(request.expect("a request"), "127.0.0.1").await.into_body();
    let first = body.frame().await.expect("a piece").expect("it is read").into_data().expect("bytes");
    assert_eq!(first.len(), 64 * 1024, "little is held of what nobody takes");
    server.world.clock.advance(Duration::from_secs(60));
    assert!(body.frame().await.expect("a piece").is_ok(), "16 KiB a second and a minute");
    server.world.clock.advance(Duration::from_secs(60));
    assert!(body.frame().await.expect("a piece").is_err(), "it only drips");
}
