//! Uploads, steps and builds, as a job sees its own.

use insta::assert_snapshot;
use serde_json::json;

use crate::server::Server;

const UUID: &str = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77";

#[tokio::test]
async fn a_job_uploads_steps_once() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let path = format!("/v3/jobs/{}/pipelines", job.id);
    let steps = json!([{ "command": "echo one", "key": "one" }, { "command": "echo two", "depends_on": "one" }]);
    let body = json!({ "uuid": UUID, "pipeline": { "steps": steps } }).to_string();
    for _ in 0..2 {
        assert_eq!(server.post(&format!("{path}?async=true"), &job.token, &body).await.to_string(), "200 {}");
    }
    assert_snapshot!(server.get(&format!("{path}/{UUID}"), &job.token).await, @r#"200 {"state":"applied"}"#);
    let other = UUID.replace('7', "8");
    assert_snapshot!(server.get(&format!("{path}/{other}"), &job.token).await, @r#"404 {"message":"No upload found"}"#);
    let again = json!({ "uuid": other, "pipeline": { "steps": [{ "command": "x", "key": "one" }] } }).to_string();
    let refused = server.post(&path, &job.token, &again).await;
    assert_eq!(refused.status, 422);
    assert!(refused.json()["message"].as_str().is_some_and(|text| text.contains("'one'")), "{refused}");
    let nothing = json!({ "uuid": "x", "pipeline": { "steps": ["wait"] } }).to_string();
    assert_eq!(server.post(&path, &job.token, &nothing).await.status, 422);
    let finish = r#"{"exit_status":"0"}"#;
    assert_eq!(server.put(&format!("/v3/jobs/{}/finish", job.id), &job.token, finish).await.status, 200);
    let agent = server.agent("3.137.0").await;
    let first = server.accept(&agent).await;
    let env = server.put(&format!("/v3/jobs/{}/accept", first.id), &agent.session, "").await.json();
    assert_eq!(env["env"]["BUILDKITE_COMMAND"], "echo one");
}

#[tokio::test]
async fn what_would_need_much_memory_is_refused_before_it_is_read() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let bomb = "{\"\":0},".repeat(100_000);
    let body = format!(r#"{{"uuid":"{UUID}","pipeline":[{bomb}0]}}"#);
    let refused = server.post(&format!("/v3/jobs/{}/pipelines", job.id), &job.token, &body).await;
    assert_snapshot!(refused, @r#"413 {"message":"The body holds more than 250016 values, the most that this call takes; send fewer at a time."}"#);
    let body = format!(r#"{{"id":"{UUID}","artifacts":[{}{{}}]}}"#, "{},".repeat(20_000));
    let refused = server.post(&format!("/v3/jobs/{}/artifacts", job.id), &job.token, &body).await;
    assert_snapshot!(refused, @r#"413 {"message":"The body holds more than 20000 values, the most that this call takes; send fewer at a time."}"#);
    let broken = server.post(&format!("/v3/jobs/{}/pipelines", job.id), &job.token, "{\"uuid\":").await;
    assert_eq!(broken.status, 400, "{broken}");
}

#[tokio::test]
async fn uploads_of_one_job_take_turns() {
    let server = std::sync::Arc::new(Server::new().await);
    let job = server.running_job().await;
    let path = format!("/v3/jobs/{}/pipelines", job.id);
    let uploads = (0..8).map(|number| {
        let uuid = format!("0192f3a1-7c3e-7b21-9f60-{number:012}");
        let body = json!({ "uuid": uuid, "pipeline": { "steps": [{ "command": "x" }] } }).to_string();
        let (server, path, token) = (server.clone(), path.clone(), job.token.clone());
        tokio::spawn(async move { server.post(&path, &token, &body).await.to_string() })
    });
    for upload in uploads.collect::<Vec<_>>() {
        assert_eq!(upload.await.expect("it ends"), "200 {}");
    }
}

#[tokio::test]
async fn a_step_is_read_changed_and_canceled() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let steps = json!([{ "command": "echo one", "key": "a/b.c".replace('/', "-"), "label": "One" }]);
    let body = json!({ "uuid": UUID, "pipeline": { "steps": steps } }).to_string();
    assert_eq!(server.post(&format!("/v3/jobs/{}/pipelines", job.id), &job.token, &body).await.status, 200);
    let step = "/v3/steps/a-b%2Ec";
    let of_build = |more: &str| format!(r#"{{"build_id":"{}"{more}}}"#, job.build);
    let label = of_build(r#","attribute":"label""#);
    assert_snapshot!(server.post(&format!("{step}/export"), &job.token, &label).await, @r#"200 {"output":"One"}"#);
    let change = of_build(r#","attribute":"label","value":" more","append":true,"idempotency_uuid":"u-1""#);
    for _ in 0..2 {
        assert_eq!(server.put(step, &job.token, &change).await.to_string(), "200 {}");
    }
    assert_snapshot!(server.post(&format!("{step}/export"), &job.token, &label).await, @r#"200 {"output":"One more"}"#);
    let whole = server.post(&format!("{step}/export"), &job.token, "{}").await.json();
    let whole: serde_json::Value = serde_json::from_str(whole["output"].as_str().expect("a text")).expect("JSON");
    assert_eq!(
        (&whole["state"], &whole["type"], &whole["command"]),
        (&json!("ready"), &json!("command"), &json!("echo one"))
    );
    let state = of_build(r#","attribute":"state""#);
    assert_snapshot!(server.post(&format!("{step}/cancel"), &job.token, &of_build("")).await, @r#"200 {"uuid":"[uuid]"}"#);
    assert_snapshot!(server.post(&format!("{step}/export"), &job.token, &state).await, @r#"200 {"output":"canceled"}"#);
    let unknown = of_build(r#","attribute":"colour""#);
    assert_eq!(server.post(&format!("{step}/export"), &job.token, &unknown).await.status, 422);
    assert_snapshot!(server.post("/v3/steps/nothing/export", &job.token, "{}").await, @r#"404 {"message":"No step found"}"#);
    let elsewhere = server.build(1).await.id;
    let body = format!(r#"{{"build_id":"{elsewhere}"}}"#);
    assert_snapshot!(server.post(&format!("{step}/export"), &job.token, &body).await, @r#"404 {"message":"No build found"}"#);
}

#[tokio::test]
async fn a_job_cancels_its_build_and_changes_its_own_time() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let path = format!("/v3/jobs/{}", job.id);
    assert_snapshot!(server.put(&path, &job.token, r#"{"timeout_in_minutes":"10"}"#).await, @r#"200 {"id":"[uuid]"}"#);
    for wrong in [r#"{"timeout_in_minutes":"0"}"#, r#"{"colour":"red"}"#, "{}"] {
        assert_eq!(server.put(&path, &job.token, wrong).await.status, 422, "{wrong}");
    }
    let promise = server.put(&format!("{path}/promise_failure"), &job.token, r#"{"exit_status":1}"#).await;
    assert_snapshot!(promise, @r#"404 {"message":"Promising a failure is not offered by this server. The job goes on, and counts when it ends."}"#);
    let cancel = format!("/v3/builds/{}/cancel", job.build);
    assert_snapshot!(server.post(&cancel, &job.token, "").await, @r#"200 {"uuid":"[uuid]"}"#);
    assert_snapshot!(server.get(&path, &job.token).await, @r#"200 {"state":"canceling"}"#);
}
