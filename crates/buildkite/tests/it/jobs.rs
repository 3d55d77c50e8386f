//! A job under its own token.

use countersign_control::access::actions::CancelBuild;
use http::Method;
use insta::assert_snapshot;

use crate::server::Server;

const FINISH: &str = r#"{"exit_status":"0","finished_at":"2026-01-02T03:04:06Z","chunks_failed_count":0}"#;

#[tokio::test]
async fn a_job_runs_to_its_end() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    server.build(1).await;
    let id = server.get("/v3/ping", &agent.session).await.json()["job"]["id"].as_str().expect("a job").to_owned();
    let accepted = server.put(&format!("/v3/jobs/{id}/accept"), &agent.session, "").await;
    let mut read = accepted.json();
    let env = read["env"].take();
    assert_snapshot!(read.to_string().replace(&id, "[job]").replace(read["runnable_at"].as_str().expect("a time"), "[time]").replace(read["token"].as_str().expect("a token"), "[token]"), @r#"{"chunks_interval_seconds":1,"chunks_max_size_bytes":102400,"env":null,"id":"[job]","log_max_size_bytes":67108864,"priority":0,"runnable_at":"[time]","state":"accepted","step":{},"token":"[token]"}"#);
    assert!(!env.to_string().contains("csn"), "no token value is in the environment: {env}");
    for (name, value) in [
        ("BUILDKITE_JOB_ID", id.as_str()),
        ("BUILDKITE_REPO", "none"),
        ("BUILDKITE_COMMAND", "echo hello"),
        ("BUILDKITE_AGENT_NAME", "a-1"),
        ("BUILDKITE_ORGANIZATION_SLUG", "acme"),
        ("BUILDKITE_PIPELINE_SLUG", "demo"),
        ("BUILDKITE_PULL_REQUEST", "false"),
        ("BUILDKITE_SKIP_CHECKOUT", "true"),
    ] {
        assert_eq!(env[name], value, "{name}");
    }
    let token = read["token"].as_str().expect("a token");
    let job = format!("/v3/jobs/{id}");
    assert_snapshot!(server.put(&format!("{job}/start"), token, r#"{"started_at":"2026-01-02T03:04:05Z"}"#).await, @"200 {}");
    assert_snapshot!(server.put(&format!("{job}/start"), token, "{}").await, @"200 {}");
    assert_snapshot!(server.get(&job, token).await, @r#"200 {"state":"running"}"#);
    assert_snapshot!(server.post(&format!("{job}/header_times"), token, r#"{"header_times":{"0":"x"}}"#).await, @"200 {}");
    assert_snapshot!(server.put(&format!("{job}/finish"), token, FINISH).await, @"200 {}");
    // An agent takes this for "already finished".
    assert_snapshot!(server.put(&format!("{job}/finish"), token, FINISH).await, @r#"401 {"message":"This token has expired, or what it was for has ended. An agent registers again; anyone else asks an administrator for another one.","reason":"expired","token":"[public id]"}"#);
    for (method, path) in [(Method::GET, job.clone()), (Method::POST, format!("{job}/data/keys"))] {
        assert_eq!(server.call(method, &path, token, "").await.json()["reason"], "expired", "{path}");
    }
    assert_snapshot!(server.get("/v3/ping", &agent.session).await, @"200 {}");
}

#[tokio::test]
async fn a_job_that_is_not_offered_cannot_be_taken() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let other = server.agent("3.137.0").await;
    server.build(1).await;
    let job = server.accept(&agent).await;
    let accept = format!("/v3/jobs/{}/accept", job.id);
    assert_snapshot!(server.put(&accept, &other.session, "").await, @r#"422 {"message":"The job is not offered to this agent, or not any more."}"#);
    let nowhere = "/v3/jobs/0198f3a0-0000-7000-8000-000000000000";
    assert_snapshot!(server.put(&format!("{nowhere}/accept"), &agent.session, "").await, @r#"404 {"message":"No job found"}"#);
    assert_snapshot!(server.put("/v3/jobs/x/accept", &agent.session, "").await, @r#"404 {"message":"No job found"}"#);
    assert_snapshot!(server.put(&format!("{nowhere}/acquire"), &agent.session, "").await, @r#"422 {"message":"There is no such job."}"#);
}

#[tokio::test]
async fn an_accept_whose_answer_got_lost_can_be_repeated_until_the_job_starts() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    server.build(1).await;
    let first = server.accept(&agent).await;
    let second = server.accept(&agent).await;
    assert_eq!(second.id, first.id);
    let start = format!("/v3/jobs/{}/start", first.id);
    assert_eq!(server.put(&start, &first.token, "{}").await.json()["reason"], "unknown");
    assert_eq!(server.put(&start, &second.token, "{}").await.status, 200);
    let accept = format!("/v3/jobs/{}/accept", first.id);
    assert_snapshot!(server.put(&accept, &agent.session, "").await, @r#"422 {"message":"The job is not offered to this agent, or not any more."}"#);
}

#[tokio::test]
async fn a_job_does_not_reach_another_one() {
    let server = Server::new().await;
    server.build(2).await;
    let one = server.accept(&server.agent("3.137.0").await).await;
    let two = server.accept(&server.agent("3.137.0").await).await;
    let calls = [
        (Method::GET, String::new(), ""),
        (Method::PUT, "/start".to_owned(), "{}"),
        (Method::PUT, "/finish".to_owned(), FINISH),
        (Method::POST, "/chunks?sequence=1&offset=0&size=0".to_owned(), ""),
        (Method::POST, "/header_times".to_owned(), ""),
        (Method::POST, "/annotations".to_owned(), r#"{"body":"x"}"#),
        (Method::POST, "/data/set".to_owned(), r#"{"key":"k","value":"v"}"#),
        (Method::POST, "/data/set-batch".to_owned(), r#"{"items":[]}"#),
        (Method::POST, "/data/get".to_owned(), r#"{"key":"k"}"#),
        (Method::POST, "/data/exists".to_owned(), r#"{"key":"k"}"#),
        (Method::POST, "/data/keys".to_owned(), ""),
        (Method::PUT, String::new(), r#"{"timeout_in_minutes":"5"}"#),
        (Method::PUT, "/promise_failure".to_owned(), r#"{"exit_status":1}"#),
        (
            Method::POST,
            "/pipelines".to_owned(),
            r#"{"uuid":"0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77","pipeline":{"steps":["wait"]}}"#,
        ),
        (Method::GET, "/pipelines/0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".to_owned(), ""),
    ];
    for (method, rest, body) in calls {
        let answer = server.call(method, &format!("/v3/jobs/{}{rest}", two.id), &one.token, body).await;
        assert_eq!(answer.to_string(), r#"404 {"message":"No job found"}"#, "{rest}");
    }
    let other_build = server.build(1).await.id;
    let answer = server.post(&format!("/v3/builds/{other_build}/data/keys"), &one.token, "").await;
    assert_snapshot!(answer, @r#"404 {"message":"No build found"}"#);
    let answer = server.post(&format!("/v3/builds/{other_build}/cancel"), &one.token, "").await;
    assert_snapshot!(answer, @r#"404 {"message":"No build found"}"#);
}

#[tokio::test]
async fn a_session_stands_in_only_for_agents_older_than_job_tokens() {
    let server = Server::new().await;
    server.build(2).await;
    let new = server.agent("3.39.0").await;
    let job = server.accept(&new).await;
    assert_snapshot!(server.put(&format!("/v3/jobs/{}/start", job.id), &new.session, "{}").await, @r#"401 {"message":"This is a token of another kind than this call asks for. Check which token was configured.","reason":"kind","token":"[public id]"}"#);
    let old = server.agent("3.38.0").await;
    let own = server.accept(&old).await;
    assert_snapshot!(server.put(&format!("/v3/jobs/{}/start", own.id), &old.session, "{}").await, @"200 {}");
    assert_snapshot!(server.post(&format!("/v3/jobs/{}/data/keys", own.id), &old.session, "").await, @"200 []");
    assert_snapshot!(server.get(&format!("/v3/jobs/{}", job.id), &old.session).await, @r#"404 {"message":"No job found"}"#);
    assert_snapshot!(server.put(&format!("/v3/jobs/{}/finish", own.id), &old.session, FINISH).await, @"200 {}");
    assert_snapshot!(server.get(&format!("/v3/jobs/{}", own.id), &old.session).await, @r#"404 {"message":"No job found"}"#);
}

#[tokio::test]
async fn a_canceled_job_learns_of_it() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let grant = server.world.admin::<CancelBuild>();
    server.world.control.cancel_build(&grant, job.build.parse().expect("an id")).await.expect("canceled");
    assert_snapshot!(server.get(&format!("/v3/jobs/{}", job.id), &job.token).await, @r#"200 {"state":"canceling"}"#);
    let how = r#"{"exit_status":"-1","signal":"SIGTERM","signal_reason":"cancel"}"#;
    assert_snapshot!(server.put(&format!("/v3/jobs/{}/finish", job.id), &job.token, how).await, @"200 {}");
}

#[tokio::test]
async fn an_end_that_cannot_be_read_changes_nothing() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let finish = format!("/v3/jobs/{}/finish", job.id);
    assert_snapshot!(server.put(&finish, &job.token, r#"{"exit_status":0}"#).await, @r#"400 {"message":"The body does not fit: expected a string (line 1, column 16)."}"#);
    assert_snapshot!(server.put(&finish, &job.token, r#"{"exit_status":"zero"}"#).await, @r#"422 {"errors":[{"field":"exit_status","message":"is not a whole number written as text"}],"message":"exit_status is not a whole number written as text"}"#);
    assert_snapshot!(server.put(&finish, &job.token, "").await, @r#"400 {"message":"The body does not fit: missing field `exit_status` (line 1, column 2)."}"#);
    assert_snapshot!(server.get(&format!("/v3/jobs/{}", job.id), &job.token).await, @r#"200 {"state":"running"}"#);
}

#[tokio::test]
async fn a_job_pauses_and_resumes_its_agent() {
    let server = Server::new().await;
    server.build(2).await;
    let agent = server.agent("3.137.0").await;
    for (resumes, afterwards) in
        [(true, r#"200 {"job":{"id":"[uuid]"}}"#), (false, r#"200 {"action":"pause","message":"Disk"}"#)]
    {
        let job = server.accept(&agent).await;
        let paused = server.post("/v3/pause", &job.token, r#"{"note":"Disk","timeout_in_minutes":0}"#).await;
        assert_eq!(paused.to_string(), "200 {}");
        if resumes {
            assert_eq!(server.post("/v3/resume", &job.token, "").await.to_string(), "200 {}");
        }
        assert_eq!(server.put(&format!("/v3/jobs/{}/finish", job.id), &job.token, FINISH).await.status, 200);
        assert_eq!(server.get("/v3/ping", &agent.session).await.to_string(), afterwards);
    }
}

#[tokio::test]
async fn a_job_stops_its_agent() {
    let server = Server::new().await;
    server.build(1).await;
    let agent = server.agent("3.137.0").await;
    let job = server.accept(&agent).await;
    assert_snapshot!(server.post("/v3/stop", &job.token, r#"{"force":true}"#).await, @"200 {}");
    assert_snapshot!(server.get("/v3/ping", &agent.session).await, @r#"200 {"action":"disconnect","message":"The agent was stopped."}"#);
    assert_snapshot!(server.get(&format!("/v3/jobs/{}", job.id), &job.token).await, @r#"200 {"state":"canceling"}"#);
    assert_snapshot!(server.post("/v3/stop", &agent.session, "").await, @r#"401 {"message":"This is a token of another kind than this call asks for. Check which token was configured.","reason":"kind","token":"[public id]"}"#);
}
