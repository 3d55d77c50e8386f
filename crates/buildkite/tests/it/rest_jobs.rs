//! The REST API v2: jobs, and what is shown among them.

use axum::body::Body;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{Method, Request};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::rest_builds::{build, get, pipeline, put};
use crate::server::{Answer, Job, Server};

const OF_BUILD: &str = "/v2/organizations/acme/pipelines/demo/builds/1/jobs";
const JOBS: &str = "/v2/organizations/acme/jobs";

/// A server with a build of some steps, and its jobs.
async fn with(steps: &str) -> (Server, Vec<Value>) {
    let server = Server::new().await;
    pipeline(&server, steps).await;
    let made = build(&server, "{}").await;
    let jobs = made["jobs"].as_array().expect("jobs").clone();
    (server, jobs)
}

fn id(job: &Value) -> &str {
    job["id"].as_str().expect("an id")
}

/// Lets an agent take the next job and start it.
async fn run(server: &Server) -> Job {
    let job = server.accept(&server.agent("3.137.0").await).await;
    assert_eq!(server.put(&format!("/v3/jobs/{}/start", job.id), &job.token, "").await.status, 200);
    job
}

async fn finish(server: &Server, job: &Job, exit_status: &str) {
    let body = json!({ "exit_status": exit_status }).to_string();
    assert_eq!(server.put(&format!("/v3/jobs/{}/finish", job.id), &job.token, &body).await.status, 200);
}

async fn log(server: &Server, job: &Job, sequence: u32, offset: usize, text: &str) {
    let path = format!("/v3/jobs/{}/chunks?sequence={sequence}&offset={offset}&size={}", job.id, text.len());
    let answer = server.post(&path, &job.token, text).await;
    assert!(answer.status.is_success(), "{answer}");
}

async fn ask(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let token = format!("Bearer {}", server.world.acme.user_token());
    let mut request = Request::builder().method(method).uri(path).header(AUTHORIZATION, token);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(Body::empty()).expect("a request"), "127.0.0.1").await
}

#[tokio::test]
async fn a_job_is_found_below_its_build_and_below_the_organization() {
    let steps =
        "steps: [{command: make, label: Make, key: m, artifact_paths: 'a;b', priority: 3, agents: {os: linux}}, wait]";
    let (server, jobs) = with(steps).await;
    let job = get(&server, &format!("{JOBS}/{}", id(&jobs[0]))).await.json();
    assert_eq!(job, jobs[0]);
    assert_eq!(get(&server, &format!("{OF_BUILD}/{}", id(&jobs[0]))).await.json(), job);
    assert_eq!((&job["type"], &job["name"], &job["step_key"]), (&json!("script"), &json!("Make"), &json!("m")));
    assert_eq!((&job["priority"]["number"], &job["artifact_paths"]), (&json!(3), &json!("a;b")));
    assert_eq!(job["agent_query_rules"], json!(["queue=default", "os=linux"]));
    assert_eq!(job["log_url"], format!("http://localhost:8420{OF_BUILD}/{}/log", id(&job)));
    assert_eq!(get(&server, &format!("{JOBS}/{}", id(&jobs[1]))).await.json()["type"], "waiter");
    build(&server, "{}").await;
    let elsewhere = get(&server, &format!("{}/{}", OF_BUILD.replace("/1/", "/2/"), id(&job))).await;
    assert_snapshot!(elsewhere, @r#"404 {"message":"No job found"}"#);
    for wrong in ["x", "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77"] {
        assert_eq!(get(&server, &format!("{JOBS}/{wrong}")).await.body, elsewhere.body);
    }
    let foreign =
        server.get(&format!("/v2/organizations/globex/jobs/{}", id(&job)), server.world.globex.user_token()).await;
    assert_eq!(foreign.body, elsewhere.body);
}

#[tokio::test]
async fn a_job_that_failed_is_run_again_once() {
    let (server, jobs) = with("steps: [{command: make}, wait]").await;
    let address = format!("{JOBS}/{}", id(&jobs[0]));
    let only = r#"400 {"message":"Only failed, timed out or canceled jobs can be retried"}"#;
    assert_eq!(put(&server, &format!("{address}/retry"), "").await.to_string(), only);
    assert_eq!(put(&server, &format!("{JOBS}/{}/retry", id(&jobs[1])), "").await.to_string(), only);
    let job = run(&server).await;
    assert_eq!(get(&server, &address).await.json()["agent"]["name"], "a-1");
    finish(&server, &job, "7").await;
    let ended = get(&server, &address).await.json();
    assert_eq!((&ended["state"], &ended["exit_status"]), (&json!("failed"), &json!(7)));
    let fresh = put(&server, &format!("{OF_BUILD}/{}/retry", job.id), "").await.json();
    assert_eq!(
        (&fresh["state"], &fresh["retries_count"], &fresh["retry_type"]),
        (&json!("scheduled"), &json!(1), &json!("manual"))
    );
    let old = get(&server, &address).await.json();
    assert_eq!((&old["retried"], &old["retried_in_job_id"]), (&json!(true), &fresh["id"]));
    assert_eq!(put(&server, &format!("{address}/retry"), "").await.status, 422);
    let of_build = OF_BUILD.trim_end_matches("/jobs");
    let shown = get(&server, of_build).await.json()["jobs"].as_array().map(Vec::len);
    let all =
        get(&server, &format!("{of_build}?include_retried_jobs=true")).await.json()["jobs"].as_array().map(Vec::len);
    assert_eq!((shown, all), (Some(2), Some(3)));
}

#[tokio::test]
async fn a_block_is_answered_with_its_fields() {
    let steps =
        "steps: [{block: Go, fields: [{text: Name, key: name}, {select: S, key: s, multiple: true, required: false,
        options: [{label: A, value: a}, {label: B, value: b}]}]}, {command: make}]";
    let (server, jobs) = with(steps).await;
    let block = format!("{JOBS}/{}", id(&jobs[0]));
    assert_eq!(
        (&jobs[0]["type"], &jobs[0]["state"], &jobs[0]["unblockable"]),
        (&json!("manual"), &json!("blocked"), &json!(true))
    );
    let unblock = format!("{block}/unblock");
    let missing = put(&server, &unblock, "{}").await;
    assert_eq!((missing.status.as_u16(), &missing.json()["errors"][0]["field"]), (422, &json!("fields.name")));
    let other = r#"{"unblocker":"0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77"}"#;
    assert_eq!(put(&server, &unblock, other).await.json()["errors"][0]["field"], "unblocker");
    assert_snapshot!(
        put(&server, &format!("{JOBS}/{}/unblock", id(&jobs[1])), "{}").await,
        @r#"400 {"message":"This job type cannot be unblocked"}"#
    );
    let answered = put(&server, &unblock, r#"{"fields":{"name":"x","s":["a","b"]}}"#).await;
    assert_eq!(answered.status, 200, "{answered}");
    let answered = answered.json();
    assert_eq!((&answered["state"], &answered["unblocked_by"]["name"]), (&json!("unblocked"), &json!("ada")));
    let build = get(&server, OF_BUILD.trim_end_matches("/jobs")).await.json();
    assert_eq!(build["meta_data"], json!({ "name": "x", "s": "a\nb" }));
    assert_eq!(put(&server, &unblock, r#"{"fields":{"name":"x"}}"#).await.status, 422, "it was answered");
}

#[tokio::test]
async fn a_job_that_waits_is_given_another_priority() {
    let (server, jobs) = with("steps: [{command: make}, wait]").await;
    let address = format!("{JOBS}/{}/reprioritize", id(&jobs[0]));
    assert_eq!(put(&server, &address, r#"{"priority":5}"#).await.json()["priority"]["number"], 5);
    assert_snapshot!(put(&server, &address, r#"{"priority":"5"}"#).await, @r#"422 {"errors":[{"field":"priority","message":"must be a whole number, and is a text"}],"message":"priority must be a whole number, and is a text"}"#);
    assert_eq!(put(&server, &address, "{}").await.json()["errors"][0]["field"], "priority");
    assert_eq!(put(&server, &format!("{JOBS}/{}/reprioritize", id(&jobs[1])), r#"{"priority":5}"#).await.status, 400);
    run(&server).await;
    assert_eq!(put(&server, &address, r#"{"priority":6}"#).await.status, 422);
}

#[tokio::test]
async fn variables_are_an_object_or_lines() {
    let (server, jobs) = with("steps: [{command: make, env: {A: 'b c', D: e}}, wait]").await;
    let address = format!("{OF_BUILD}/{}/env", id(&jobs[0]));
    assert_eq!(get(&server, &address).await.json(), json!({ "env": { "A": "b c", "D": "e" } }));
    let lines = "A=\"b c\"\nD=e\n";
    assert_eq!(get(&server, &format!("{address}.txt")).await.body, lines);
    let asked = ask(&server, Method::GET, &address, &[(ACCEPT.as_str(), "text/plain")]).await;
    assert_eq!(
        (asked.body.as_str(), &asked.headers[CONTENT_TYPE]),
        (lines, &"text/plain; charset=utf-8".parse().expect("a header"))
    );
    assert_eq!(get(&server, &format!("{JOBS}/{}/env", id(&jobs[1]))).await.status, 400);
}

#[tokio::test]
async fn a_log_is_answered_in_three_forms() {
    let (server, jobs) = with("steps: [{command: make}, wait]").await;
    let address = format!("{JOBS}/{}/log", id(&jobs[0]));
    assert_eq!(get(&server, &address).await.json()["content"], "");
    let job = run(&server).await;
    let text = "\u{1b}_bk;t=1700000000123\u{7}--- <b>one</b>\r\n\u{1b}[31m\"two\"\u{1b}[0m\n";
    log(&server, &job, 1, 0, &text[..30]).await;
    log(&server, &job, 2, 30, &text[30..]).await;
    let read = get(&server, &address).await.json();
    assert_eq!((read["content"].as_str(), read["size"].as_u64()), (Some(text), Some(text.len() as u64)));
    assert_eq!(read["header_times"], json!([1_700_000_000_123_000_000_i64]));
    assert_eq!(read["url"], format!("http://localhost:8420{OF_BUILD}/{}/log", job.id));
    for raw in [
        get(&server, &format!("{address}.txt")).await,
        ask(&server, Method::GET, &address, &[(ACCEPT.as_str(), "text/plain")]).await,
    ] {
        assert_eq!((raw.body.as_str(), raw.header(CONTENT_LENGTH)), (text, &*text.len().to_string()));
    }
    let page = get(&server, &format!("{OF_BUILD}/{}/log.html", job.id)).await;
    assert!(page.body.contains("<pre>--- &lt;b&gt;one&lt;/b&gt;\n&quot;two&quot;\n</pre>"), "{}", page.body);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(get(&server, &format!("{JOBS}/{}/log", id(&jobs[1]))).await.status, 400);
}

#[tokio::test]
async fn the_end_of_a_log_is_asked_for_by_a_range() {
    let (server, jobs) = with("steps: [{command: make}]").await;
    let address = format!("{JOBS}/{}/log", id(&jobs[0]));
    let text = (ACCEPT.as_str(), "text/plain");
    let part = async |range: &'static str| ask(&server, Method::GET, &address, &[text, (RANGE.as_str(), range)]).await;
    let empty = part("bytes=-3").await;
    assert_eq!((empty.status.as_u16(), empty.header(CONTENT_RANGE)), (416, "bytes */0"));
    let job = run(&server).await;
    log(&server, &job, 1, 0, "one\ntwo\n").await;
    log(&server, &job, 3, 20, "far\n").await;
    let head = ask(&server, Method::HEAD, &address, &[]).await;
    assert_eq!((head.status.as_u16(), head.header(CONTENT_LENGTH), head.body.as_str()), (200, "8", ""));
    assert_eq!(head.headers["accept-ranges"], "bytes");
    let end = part("bytes=-3").await;
    assert_eq!((end.status.as_u16(), end.body.as_str()), (206, "wo\n"));
    assert_eq!((end.header(CONTENT_RANGE), end.header(CONTENT_LENGTH)), ("bytes 5-7/8", "3"));
    let whole = part("bytes=-99").await;
    assert_eq!((whole.header(CONTENT_RANGE), whole.body.as_str()), ("bytes 0-7/8", "one\ntwo\n"));
    for odd in ["bytes=0-3", "bytes=-0", "bytes=-1,-2", "bytes=-x", "lines=-1", "bytes=3-"] {
        assert_eq!(part(odd).await.status, 400, "{odd}");
    }
    assert_eq!(ask(&server, Method::GET, &address, &[(RANGE.as_str(), "bytes=-3")]).await.status, 400, "only as text");
    finish(&server, &job, "0").await;
    assert_eq!(part("bytes=-6").await.body, "o\nfar\n", "an ended log passes over gaps");
}
