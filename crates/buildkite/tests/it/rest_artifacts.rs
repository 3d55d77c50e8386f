//! The REST API v2: artifacts.

use axum::body::Body;
use http::header::LOCATION;
use http::{Method, Request};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::rest_builds::get;
use crate::server::{Answer, Job, Server};

const SHA1: &str = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";
const PUBLIC: &str = "http://localhost:8420";

/// Leaves a file behind that says `hello`; answers its id.
async fn leave(server: &Server, job: &Job, batch: &str, path: &str, elsewhere: Option<&str>) -> String {
    let file = json!({ "path": path, "absolute_path": "/w", "file_size": 5, "sha1sum": SHA1, "content_type": "text/html", "url": elsewhere });
    let destination = if elsewhere.is_some() { "s3://bucket/x" } else { "" };
    let body =
        json!({ "id": batch, "artifacts": [file], "upload_destination": destination, "multipart_supported": true });
    let announced = server.post(&format!("/v3/jobs/{}/artifacts", job.id), &job.token, &body.to_string()).await.json();
    let id = announced["artifact_ids"][0].as_str().expect("an id").to_owned();
    if elsewhere.is_none() {
        let to = announced["per_artifact_instructions"][&id]["actions"][0]["url"].as_str().expect("an address");
        let request = Request::builder().method(Method::PUT).uri(to.strip_prefix(PUBLIC).expect("the public address"));
        let sent = server.send(request.body(Body::from("hello")).expect("a request"), "127.0.0.1").await;
        assert_eq!(sent.status, 200, "{sent}");
    }
    let body = json!({ "artifacts": [{ "id": id, "state": "finished" }] });
    server.put(&format!("/v3/jobs/{}/artifacts", job.id), &job.token, &body.to_string()).await;
    id
}

fn names(answer: &Answer) -> Vec<Value> {
    answer.json().as_array().expect("a list").iter().map(|it| it["path"].clone()).collect()
}

#[tokio::test]
async fn artifacts_are_listed_shown_downloaded_and_deleted() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let first = leave(&server, &job, "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77", "pkg/a.html", None).await;
    leave(&server, &job, "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b78", "b.txt", None).await;
    let of_build = "/v2/organizations/acme/pipelines/demo/builds/1";
    let of_job = format!("/v2/organizations/acme/jobs/{}/artifacts", job.id);
    for list in [format!("{of_build}/artifacts"), format!("{of_build}/jobs/{}/artifacts", job.id), of_job.clone()] {
        let mut all = names(&get(&server, &list).await);
        all.sort_by_key(ToString::to_string);
        assert_eq!(all, ["b.txt", "pkg/a.html"], "{list}");
    }
    let page = get(&server, &format!("{of_job}?per_page=1")).await;
    assert!(page.header("link").contains("/artifacts?page=2&per_page=1"));
    let address = format!("{of_job}/{first}");
    let shown = get(&server, &address).await.json();
    assert_eq!(
        (&shown["dirname"], &shown["filename"], &shown["mime_type"]),
        (&json!("pkg"), &json!("a.html"), &json!("text/html"))
    );
    assert_eq!(
        (&shown["file_size"], &shown["sha1sum"], &shown["state"]),
        (&json!(5), &json!(SHA1), &json!("finished"))
    );
    assert_eq!(shown["url"], format!("{PUBLIC}{of_build}/jobs/{}/artifacts/{first}", job.id));
    let to = get(&server, &format!("{address}/download")).await;
    assert_eq!(to.status, 302, "{to}");
    let place = to.header(LOCATION).to_owned();
    assert_eq!(to.json(), json!({ "url": place }));
    let path = place.strip_prefix(PUBLIC).expect("the public address").to_owned();
    assert_eq!(server.get(&path, "").await.body, "hello");
    let delete = async || server.call(Method::DELETE, &address, server.world.acme.user_token(), "").await;
    let foreign = server.call(Method::DELETE, &address, server.world.globex.user_token(), "").await;
    assert_eq!(foreign.status, 404);
    assert_eq!(delete().await.status, 204);
    assert_snapshot!(delete().await, @r#"404 {"message":"No artifact found"}"#);
    assert_eq!(get(&server, &address).await.status, 404);
    assert_eq!(server.get(&path, "").await.status, 404, "a signed address is good for nothing more");
    assert_eq!(names(&get(&server, &of_job).await), ["b.txt"]);
}

#[tokio::test]
async fn an_artifact_is_its_own_jobs() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let id = leave(&server, &job, "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77", "a", None).await;
    let other = server.running_job().await;
    let answer = get(&server, &format!("/v2/organizations/acme/jobs/{}/artifacts/{id}", other.id)).await;
    assert_snapshot!(answer, @r#"404 {"message":"No artifact found"}"#);
    let other_build = format!("/v2/organizations/acme/pipelines/demo/builds/2/jobs/{}/artifacts/{id}", job.id);
    assert_snapshot!(get(&server, &other_build).await, @r#"404 {"message":"No job found"}"#);
}

#[tokio::test]
async fn what_lies_elsewhere_is_named_and_not_led_to() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let url = "https://bucket.example/a.txt";
    let id = leave(&server, &job, "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77", "a.txt", Some(url)).await;
    let answer = get(&server, &format!("/v2/organizations/acme/jobs/{}/artifacts/{id}/download", job.id)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json(), answer.headers.get(LOCATION)),
        (200, json!({ "url": url }), None)
    );
}
