//! The REST API v2: pipelines and builds.

use std::time::Duration;

use http::Method;
use http::header::LINK;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::server::{Answer, Server};

const PIPELINES: &str = "/v2/organizations/acme/pipelines";
const BUILDS: &str = "/v2/organizations/acme/pipelines/demo/builds";

/// Makes the pipeline `demo` with steps.
pub async fn pipeline(server: &Server, steps: &str) -> Value {
    let body = json!({ "name": "Demo", "configuration": steps, "repository": "https://git.example/demo.git" });
    let made = server.post(PIPELINES, server.world.acme.user_token(), &body.to_string()).await;
    assert_eq!(made.status, 201, "{made}");
    made.json()
}

/// Builds it.
pub async fn build(server: &Server, body: &str) -> Value {
    server.world.clock.advance(Duration::from_millis(5));
    let made = server.post(BUILDS, server.world.acme.user_token(), body).await;
    assert_eq!(made.status, 201, "{made}");
    made.json()
}

pub async fn get(server: &Server, path: &str) -> Answer {
    server.get(path, server.world.acme.user_token()).await
}

pub async fn put(server: &Server, path: &str, body: &str) -> Answer {
    server.put(path, server.world.acme.user_token(), body).await
}

async fn numbers(server: &Server, query: &str) -> Vec<i64> {
    let answer = get(server, &format!("/v2/builds?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {answer}");
    let list = answer.json();
    list.as_array().expect("a list").iter().map(|it| it["number"].as_i64().expect("a number")).collect()
}

#[tokio::test]
async fn a_pipeline_is_made_seen_and_changed() {
    let server = Server::new().await;
    let token = server.world.acme.user_token();
    let made = pipeline(&server, "steps: [{command: make}]").await;
    assert_eq!((&made["slug"], &made["default_branch"]), (&json!("demo"), &json!("main")));
    assert_eq!(made["url"], "http://localhost:8420/v2/organizations/acme/pipelines/demo");
    assert_eq!(made["builds_url"], format!("http://localhost:8420{BUILDS}"));
    let demo = format!("{PIPELINES}/demo");
    assert_eq!(get(&server, &demo).await.json(), made);
    let change = r#"{"default_branch":"trunk","repository":null,"description":""}"#;
    let changed = server.call(Method::PATCH, &demo, token, change).await.json();
    assert_eq!((&changed["default_branch"], &changed["configuration"]), (&json!("trunk"), &made["configuration"]));
    assert_eq!(changed["repository"], made["repository"]);
    let again = server.post(PIPELINES, token, r#"{"name":"demo"}"#).await;
    assert_snapshot!(again, @r#"422 {"message":"There is a pipeline demo already."}"#);
    // The newest is shown first.
    server.world.clock.advance(Duration::from_millis(1));
    let another = server.post(PIPELINES, token, r#"{"name":"Another"}"#).await;
    assert_eq!(another.status, 201, "{another}");
    let list = get(&server, &format!("{PIPELINES}?per_page=1")).await;
    assert_eq!(list.json()[0]["slug"], "another");
    let link = list.header(LINK);
    assert_eq!(link, format!("<http://localhost:8420{PIPELINES}?page=2&per_page=1>; rel=\"next\""));
    assert_eq!(get(&server, &format!("{PIPELINES}?per_page=1&page=2")).await.json()[0]["slug"], "demo");
    assert_eq!(get(&server, &format!("{PIPELINES}?name=DEM")).await.json().as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_cannot_be_taken_is_named_as_it_was_written() {
    let server = Server::new().await;
    pipeline(&server, "steps: [{command: make}]").await;
    let token = server.world.acme.user_token();
    let refused = async |path: &str, body: &str| {
        let answer = server.post(path, token, body).await;
        assert_eq!(answer.status, 422, "{body}: {answer}");
        answer.json()["errors"][0]["field"].as_str().expect("a field").to_owned()
    };
    for (field, body) in [
        ("name", "{}"),
        ("name", r#"{"name":7}"#),
        ("default_branch", r#"{"name":"x","default_branch":"a\nb"}"#),
        ("configuration", r#"{"name":"x","configuration":"steps: 7"}"#),
        ("cluster_id", r#"{"name":"x","cluster_id":"0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77"}"#),
        ("description", r#"{"name":"x","description":"words"}"#),
        ("visibility", r#"{"name":"x","visibility":"public"}"#),
    ] {
        assert_eq!(refused(PIPELINES, body).await, field, "{body}");
    }
    for (field, body) in [
        ("branch", r#"{"branch":["a"]}"#),
        ("commit", r#"{"commit":"a\u0000"}"#),
        ("env", r#"{"env":{"A B":"c"}}"#),
        ("env.A", r#"{"env":{"A":{}}}"#),
        ("meta_data", r#"{"meta_data":{"":"x"}}"#),
        ("author.name", r#"{"author":{"name":1}}"#),
        ("author.age", r#"{"author":{"age":1}}"#),
        ("clean_checkout", r#"{"clean_checkout":"yes"}"#),
        ("pull_request_id", r#"{"pull_request_id":7}"#),
    ] {
        assert_eq!(refused(BUILDS, body).await, field, "{body}");
    }
    assert_snapshot!(server.post(BUILDS, token, "[]").await, @r#"400 {"message":"The body must be a JSON object."}"#);
    server.post(PIPELINES, token, r#"{"name":"empty"}"#).await;
    assert_eq!(refused(&format!("{PIPELINES}/empty/builds"), "{}").await, "configuration");
    assert_snapshot!(server.post(&format!("{PIPELINES}/none/builds"), token, "{}").await, @r#"404 {"message":"No pipeline found"}"#);
    assert_eq!(get(&server, BUILDS).await.json(), json!([]), "nothing was made");
}

#[tokio::test]
async fn a_build_is_made_seen_canceled_and_repeated() {
    let server = Server::new().await;
    pipeline(&server, "steps: [{command: make, label: Make, key: m}, wait, {block: Go, key: b}]").await;
    let body = r#"{"commit":"abc","branch":"b","message":"hello","env":{"A":1},"meta_data":{"k":"v"},"clean_checkout":true,
        "author":{"name":"Ada","email":"ada@else.example"},"ignore_pipeline_branch_filters":true}"#;
    let made = build(&server, body).await;
    assert_eq!(
        (&made["number"], &made["state"], &made["commit"], &made["branch"]),
        (&json!(1), &json!("scheduled"), &json!("abc"), &json!("b"))
    );
    assert_eq!((&made["meta_data"]["k"], &made["env"]["A"]), (&json!("v"), &json!("1")));
    assert_eq!((&made["env"]["BUILDKITE_CLEAN_CHECKOUT"], &made["creator"]["name"]), (&json!("true"), &json!("ada")));
    assert_eq!(made["pipeline"]["slug"], "demo");
    assert_eq!(made["job_state_counts"], json!({ "total": 1, "states": { "scheduled": 1 } }));
    let types: Vec<_> = made["jobs"].as_array().expect("jobs").iter().map(|it| it["type"].clone()).collect();
    assert_eq!(types, ["script", "waiter", "manual"]);
    let address = format!("{BUILDS}/1");
    assert_eq!(get(&server, &address).await.json(), made);
    assert_eq!(made["url"], format!("http://localhost:8420{address}"));
    let bare =
        get(&server, &format!("{address}?exclude_jobs=true&exclude_pipeline=true&include_more=true")).await.json();
    assert_eq!((bare.get("jobs"), bare.get("pipeline")), (None, None));
    let canceled = put(&server, &format!("{address}/cancel"), "").await;
    assert_eq!((canceled.status.as_u16(), &canceled.json()["state"]), (200, &json!("canceled")));
    assert_eq!(put(&server, &format!("{address}/cancel"), "").await.status, 422);
    let again = put(&server, &format!("{address}/rebuild"), "").await.json();
    assert_eq!((&again["number"], &again["rebuilt_from"]["number"]), (&json!(2), &json!(1)));
    for wrong in ["3", "01", "x", "-1"] {
        let answer = get(&server, &format!("{BUILDS}/{wrong}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["message"]), (404, &json!("No build found")), "{wrong}");
    }
    let globex = server.get(&address, server.world.globex.user_token()).await;
    assert_snapshot!(globex, @r#"404 {"message":"No organization found"}"#);
}

#[tokio::test]
async fn who_wrote_the_commit_is_not_who_made_the_build() {
    let server = Server::new().await;
    pipeline(&server, "steps: [{command: make}]").await;
    build(&server, r#"{"author":{"name":"Grace","email":"grace@else.example"}}"#).await;
    let job = server.accept(&server.agent("3.137.0").await).await;
    let env = get(&server, &format!("/v2/organizations/acme/jobs/{}/env", job.id)).await.json()["env"].clone();
    assert_eq!((&env["BUILDKITE_BUILD_AUTHOR"], &env["BUILDKITE_BUILD_CREATOR"]), (&json!("Grace"), &json!("ada")));
    assert_eq!(env["BUILDKITE_BUILD_AUTHOR_EMAIL"], "grace@else.example");
}

#[tokio::test]
async fn builds_are_filtered_and_come_in_pages() {
    let server = Server::new().await;
    pipeline(&server, "steps: [{command: make}]").await;
    for branch in ["main", "a&b", "main"] {
        build(&server, &json!({ "branch": branch, "commit": format!("c-{branch}") }).to_string()).await;
    }
    put(&server, &format!("{BUILDS}/3/cancel"), "").await;
    assert_eq!(numbers(&server, "").await, [3, 2, 1]);
    assert_eq!(numbers(&server, "branch=main").await, [3, 1]);
    assert_eq!(numbers(&server, "branch[]=a%26b&branch[]=x").await, [2]);
    assert_eq!(numbers(&server, "state[]=canceled&state[]=running").await, [3]);
    assert_eq!(numbers(&server, "state=finished&branch=main").await, [3]);
    assert_eq!(numbers(&server, "commit=c-main&created_from=2026-01-01T00:00:00Z").await, [3, 1]);
    assert_eq!(numbers(&server, "created_to=2026-01-01T00:00:00Z").await, [] as [i64; 0]);
    assert_eq!(numbers(&server, "creator=0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77").await, [] as [i64; 0]);
    let page = get(&server, &format!("{BUILDS}?branch=main&per_page=1&exclude_jobs=1")).await;
    let next = format!("<http://localhost:8420{BUILDS}?page=2&per_page=1&branch=main&exclude_jobs=1>; rel=\"next\"");
    assert_eq!(page.header(LINK), next);
    let of_organization = get(&server, "/v2/organizations/acme/builds?per_page=2").await;
    assert!(of_organization.header(LINK).contains("/v2/organizations/acme/builds?page=2"));
    let jobs = get(&server, "/v2/builds?job_states[]=canceled").await.json();
    let counts: Vec<_> = (0..3).map(|at| jobs[at]["jobs"].as_array().map(Vec::len)).collect();
    assert_eq!(counts, [Some(1), Some(0), Some(0)]);
    for (field, query) in [
        ("state", "state=gone"),
        ("job_states", "job_states[]=finished"),
        ("creator", "creator=ada"),
        ("created_from", "created_from=yesterday"),
        ("exclude_jobs", "exclude_jobs=maybe"),
        ("commit", "commit=a%00"),
        ("meta_data[k]", "meta_data[k]=v"),
    ] {
        let answer = get(&server, &format!("/v2/builds?{query}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["field"]), (422, &json!(field)), "{query}");
    }
    assert_snapshot!(get(&server, &format!("{PIPELINES}/none/builds")).await, @r#"404 {"message":"No pipeline found"}"#);
    assert_eq!(server.get("/v2/builds", server.world.globex.user_token()).await.json(), json!([]));
}
