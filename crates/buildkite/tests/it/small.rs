//! The smaller calls: annotations taken away, tokens for other services, counts for autoscalers, and what is not offered.

use axum::body::Body;
use countersign_control::access::actions::ViewBuilds;
use countersign_control::jobs::LATE_CHUNKS;
use http::header::{AUTHORIZATION, CONTENT_ENCODING};
use http::{Method, Request};
use insta::assert_snapshot;
use serde_json::Value;

use crate::server::{Job, Server};

async fn contexts(server: &Server, job: &Job) -> Vec<String> {
    let build = job.build.parse().expect("an id");
    let all = server.world.control.build_annotations(&server.world.admin::<ViewBuilds>(), build).await;
    all.expect("annotations").into_iter().map(|it| format!("{} {}", it.scope, it.context)).collect()
}

#[tokio::test]
async fn an_annotation_is_taken_away_by_its_encoded_context() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let path = format!("/v3/jobs/{}/annotations", job.id);
    for scope in ["build", "job"] {
        let body = format!(r#"{{"body":"x","context":"ctx.a/b 100%","scope":"{scope}"}}"#);
        assert_eq!(server.post(&path, &job.token, &body).await.status, 201);
    }
    let remove = async |what: &str| server.call(Method::DELETE, &format!("{path}/{what}"), &job.token, "").await;
    assert_snapshot!(remove("ctx%2Ea%2Fb%20100%25?scope=step").await, @r#"422 {"errors":[{"field":"scope","message":"must be build or job"}],"message":"scope must be build or job"}"#);
    assert_snapshot!(remove("ctx%2Ea%2Fb%20100%25?scope=job&scope=build").await, @r#"422 {"errors":[{"field":"scope","message":"must stand in the query once, as build or job"}],"message":"scope must stand in the query once, as build or job"}"#);
    assert_snapshot!(remove("ctx%2Ea?scope=build").await, @r#"404 {"message":"No annotation found"}"#);
    assert_eq!(remove("%FF").await.status, 404, "no text");
    assert_snapshot!(remove("ctx%2Ea%2Fb%20100%25?scope=job").await, @"200 {}");
    assert_eq!(contexts(&server, &job).await, ["build ctx.a/b 100%"]);
    assert_snapshot!(remove("ctx%2Ea%2Fb%20100%25").await, @"200 {}");
    assert_snapshot!(remove("ctx%2Ea%2Fb%20100%25").await, @r#"404 {"message":"No annotation found"}"#);
}

#[tokio::test]
async fn a_token_is_issued_and_its_key_is_there_for_anyone() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let path = format!("/v3/jobs/{}/oidc/tokens", job.id);
    let answer =
        server.post(&path, &job.token, r#"{"audience":"sts.amazonaws.com","lifetime":600,"claims":null}"#).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["cache-control"]),
        (200, &"no-store".parse().expect("a value"))
    );
    assert_eq!(answer.json()["token"].as_str().expect("a token").split('.').count(), 3);
    assert_snapshot!(server.post(&path, &job.token, r#"{"lifetime":7201}"#).await, @r#"422 {"errors":[{"field":"lifetime","message":"must be 0 to 7200 seconds"}],"message":"lifetime must be 0 to 7200 seconds"}"#);
    let anonymous =
        async |path: &str| server.send(Request::get(path).body(Body::empty()).expect("a request"), "192.0.2.1").await;
    let keys = anonymous("/.well-known/jwks").await;
    assert_eq!(keys.headers["cache-control"], "public, max-age=3600");
    assert_eq!(keys.json()["keys"].as_array().map(Vec::len), Some(1));
    let discovery = anonymous("/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["jwks_uri"], "http://localhost:8420/.well-known/jwks");
}

#[tokio::test]
async fn agents_and_jobs_are_counted() {
    let server = Server::new().await;
    server.build(2).await;
    let agent = server.agent("3.137.0").await;
    server.accept(&agent).await;
    let token = server.world.acme.agent_token();
    let answer = server.get("/v3/metrics", token).await;
    assert_eq!(answer.headers["buildkite-agent-metrics-poll-duration"], "10");
    assert_snapshot!(answer, @r#"200 {"agents":{"busy":1,"idle":0,"queues":{"default":{"busy":1,"idle":0,"total":1}},"total":1},"jobs":{"queues":{"default":{"running":1,"scheduled":1,"total":2,"waiting":0}},"running":1,"scheduled":1,"total":2,"waiting":0},"organization":{"slug":"acme"}}"#);
    assert_snapshot!(server.get("/v3/metrics/queue?name=default", token).await, @r#"200 {"agents":{"busy":1,"idle":0,"total":1},"jobs":{"running":1,"scheduled":1,"total":2,"waiting":0},"organization":{"slug":"acme"}}"#);
    assert_snapshot!(server.get("/v3/metrics/queue?name=none", token).await, @r#"200 {"agents":{"busy":0,"idle":0,"total":0},"jobs":{"running":0,"scheduled":0,"total":0,"waiting":0},"organization":{"slug":"acme"}}"#);
    assert_snapshot!(server.get("/v3/metrics/queue", token).await, @r#"422 {"errors":[{"field":"name","message":"must stand in the query once: the queue to count"}],"message":"name must stand in the query once: the queue to count"}"#);
}

#[tokio::test]
async fn what_is_not_offered_says_so() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let of_job = |what: &str| format!("/v3/jobs/{}/{what}", job.id);
    assert_snapshot!(server.get(&of_job("secrets?key=K"), &job.token).await, @r#"404 {"message":"Secrets are not kept by this server. Fetch them in an agent hook, or from a vault with `oidc request-token`."}"#);
    for what in ["repository_access_token", "github_code_access_token"] {
        let answer = server.post(&of_job(what), &job.token, r#"{"repo_url":"u"}"#).await;
        let said = "Repository credentials are not issued by this server. Give the agent's host a deploy key or a credential helper.";
        assert_eq!((answer.status.as_u16(), &answer.json()["message"]), (404, &Value::from(said)));
    }
    assert_snapshot!(server.put(&of_job("promise_failure"), &job.token, r#"{"exit_status":1}"#).await, @r#"404 {"message":"Promising a failure is not offered by this server. The job goes on, and counts when it ends."}"#);
    assert_snapshot!(server.get("/v3/cache_registries/~", &job.token).await, @r#"404 {"message":"Cache registry not found"}"#);
    assert_snapshot!(server.put("/v3/cache_registries/~/store", &job.token, "{}").await, @r#"404 {"message":"Cache registry not found"}"#);
    let token = server.world.acme.agent_token();
    assert_snapshot!(server.post("/v3/stacks/register", token, "{}").await, @r#"404 {"message":"Stacks are not offered by this server. Run agents in the cluster, and scale them by GET /v3/metrics."}"#);
    // Whoever may not ask at all is told so first.
    assert_eq!(server.get("/v3/cache_registries/~", token).await.json()["reason"], "kind");
    assert_eq!(server.get(&of_job("secrets?key=K"), "garbage").await.json()["reason"], "unknown");
}

#[tokio::test]
async fn a_piece_with_another_encoding_or_another_place_and_a_clock_a_day_off() {
    let server = Server::new().await;
    server.build(1).await;
    let job = server.accept(&server.agent("3.137.0").await).await;
    let of_job = |what: &str| format!("/v3/jobs/{}/{what}", job.id);
    let late = r#"{"started_at":"2026-01-03T03:04:05.000000001+02:00"}"#;
    assert_eq!(server.put(&of_job("start"), &job.token, late).await.status, 200);
    assert_eq!(server.put(&of_job("start"), &job.token, late).await.status, 200, "its answer can get lost");
    let encoded = |encoding: &str| {
        let path = of_job("chunks?sequence=1&offset=0&size=4");
        let request = Request::post(path).header(AUTHORIZATION, format!("Token {}", job.token));
        request.header(CONTENT_ENCODING, encoding).body(Body::from("four")).expect("a request")
    };
    for encoding in ["br", "gzip, gzip", "zstd"] {
        let answer = server.send(encoded(encoding), "127.0.0.1").await;
        let said = "Content-Encoding must be gzip, or left out";
        assert_eq!((answer.status.as_u16(), &answer.json()["message"]), (422, &Value::from(said)));
    }
    assert_eq!(server.send(encoded("identity"), "127.0.0.1").await.status, 200);
    // Beyond the most that a log may have: the agent counts it as lost, and goes on.
    let beyond = of_job("chunks?sequence=2&offset=9223372036854775807&size=4");
    assert_snapshot!(server.post(&beyond, &job.token, "four").await, @r#"422 {"message":"The log has 67108864 bytes, the most that is kept of one job; the job goes on without this piece."}"#);
    let early = r#"{"exit_status":"0","finished_at":"2026-01-01T03:04:05Z","chunks_failed_count":0}"#;
    assert_eq!(server.put(&of_job("finish"), &job.token, early).await.status, 200);
    let id = job.id.parse().expect("an id");
    let ended = server.world.control.job(&server.world.admin::<ViewBuilds>(), id).await.expect("the job");
    let now = server.world.control.now();
    assert_eq!((ended.started_at, ended.finished_at), (Some(now), Some(now)), "the server's clock counts");
    let part = server.world.control.job_log(&server.world.admin::<ViewBuilds>(), id, 0).await.expect("a log");
    assert_eq!((part.content.as_slice(), part.is_complete), (&b"four"[..], true));
    // The token died with the job, but for pieces that were under way.
    let late = async || server.post(&of_job("chunks?sequence=3&offset=4&size=4"), &job.token, "late").await;
    assert_eq!(late().await.status, 200);
    for path in ["header_times", "oidc/tokens", "data/keys"] {
        let answer = server.post(&of_job(path), &job.token, "{}").await;
        assert_eq!((answer.status.as_u16(), &answer.json()["reason"]), (401, &Value::from("expired")), "{path}");
    }
    server.world.clock.advance(LATE_CHUNKS);
    let answer = late().await;
    assert_eq!((answer.status.as_u16(), &answer.json()["reason"]), (401, &Value::from("expired")));
}
