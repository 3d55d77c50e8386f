//! Words that jobs leave: meta-data and annotations.

use countersign_control::access::actions::ViewBuilds;
use insta::assert_snapshot;
use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn meta_data_is_set_and_read() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let data = format!("/v3/jobs/{}/data", job.id);
    let post = async |call: &str, body: &str| server.post(&format!("{data}/{call}"), &job.token, body).await;
    assert_snapshot!(post("keys", "").await, @"200 []");
    assert_snapshot!(post("set", r#"{"key":"release","value":"1 < 2"}"#).await, @"200 {}");
    assert_snapshot!(post("get", r#"{"key":"release"}"#).await, @r#"200 {"key":"release","value":"1 < 2"}"#);
    assert_snapshot!(post("get", r#"{"key":"none"}"#).await, @r#"404 {"message":"No meta-data key found"}"#);
    assert_snapshot!(post("exists", r#"{"key":"release"}"#).await, @r#"200 {"exists":true}"#);
    assert_snapshot!(post("exists", r#"{"key":"none"}"#).await, @r#"200 {"exists":false}"#);
    assert_snapshot!(post("exists", r#"{"key":"\u0000"}"#).await, @r#"200 {"exists":false}"#);
    assert_snapshot!(post("set-batch", r#"{"items":[{"key":"b","value":""},{"key":"a","value":"1"}]}"#).await, @"200 {}");
    assert_snapshot!(post("keys", "").await, @r#"200 ["a","b","release"]"#);
    let build = format!("/v3/builds/{}/data", job.build);
    assert_snapshot!(server.post(&format!("{build}/get"), &job.token, r#"{"key":"a"}"#).await, @r#"200 {"key":"a","value":"1"}"#);
    assert_snapshot!(server.post(&format!("{build}/exists"), &job.token, r#"{"key":"b"}"#).await, @r#"200 {"exists":true}"#);
    assert_snapshot!(server.post(&format!("{build}/keys"), &job.token, "").await, @r#"200 ["a","b","release"]"#);
}

#[tokio::test]
async fn a_batch_is_taken_as_a_whole_or_not_at_all() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let data = format!("/v3/jobs/{}/data", job.id);
    let items = json!({ "items": [
        { "key": "good", "value": "1" },
        { "key": " ", "value": "2" },
        { "key": "buildkite:x", "value": "a\u{0}" },
    ] });
    assert_snapshot!(server.post(&format!("{data}/set-batch"), &job.token, &items.to_string()).await, @r#"422 {"errors":[{"field":"items[1].key","message":"is empty; write at least one character that can be seen"},{"field":"items[2].key","message":"begins with 'buildkite:', which is kept for the system; choose another name"},{"field":"items[2].value","message":"holds a NUL character; remove it"}],"message":"items[1].key is empty; write at least one character that can be seen; items[2].key begins with 'buildkite:', which is kept for the system; choose another name; items[2].value holds a NUL character; remove it"}"#);
    assert_snapshot!(server.post(&format!("{data}/keys"), &job.token, "").await, @"200 []");
}

#[tokio::test]
async fn limits_of_meta_data() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let set = format!("/v3/jobs/{}/data/set", job.id);
    let most = json!({ "key": "k", "value": "<".repeat(100_000) }).to_string().replace('<', "\\u003c");
    assert_eq!(server.post(&set, &job.token, &most).await.status, 200);
    let more = json!({ "key": "k", "value": "v".repeat(100_001) }).to_string();
    assert_snapshot!(server.post(&set, &job.token, &more).await, @r#"422 {"errors":[{"field":"value","message":"has more than 100,000 bytes; store it elsewhere and keep only where it is"}],"message":"value has more than 100,000 bytes; store it elsewhere and keep only where it is"}"#);
    assert_snapshot!(server.post(&set, &job.token, r#"{"key":"k"}"#).await, @r#"400 {"message":"The body does not fit: missing field `value` (line 1, column 11)."}"#);
    assert_snapshot!(server.post(&set, &job.token, r#"["k","v"]"#).await, @r#"400 {"message":"The body must be a JSON object."}"#);
}

#[tokio::test]
async fn annotations_are_written() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let path = format!("/v3/jobs/{}/annotations", job.id);
    assert_snapshot!(server.post(&path, &job.token, r#"{"body":"one ","style":"info","context":"c"}"#).await, @"201 {}");
    assert_snapshot!(server.post(&path, &job.token, r#"{"body":"two","append":true,"context":"c","priority":10}"#).await, @"201 {}");
    assert_snapshot!(server.post(&path, &job.token, r#"{"style":"danger"}"#).await, @r#"422 {"errors":[{"field":"style","message":"is not a style: success, info, warning or error"}],"message":"style is not a style: success, info, warning or error"}"#);
    assert_snapshot!(server.post(&path, &job.token, r#"{"priority":11}"#).await, @r#"422 {"errors":[{"field":"priority","message":"is not a priority: a whole number from 1 to 10"}],"message":"priority is not a priority: a whole number from 1 to 10"}"#);
    let most = json!({ "body": "<".repeat(1024 * 1024), "context": "long" }).to_string().replace('<', "\\u003c");
    assert_eq!(server.post(&path, &job.token, &most).await.status, 201);
    let build = job.build.parse().expect("an id");
    let written =
        server.world.control.build_annotations(&server.world.admin::<ViewBuilds>(), build).await.expect("read");
    let shown: Vec<_> =
        written.iter().map(|it| (it.context.as_str(), it.content.body.len(), it.content.priority)).collect();
    assert_snapshot!(format!("{shown:?}"), @r#"[("c", 7, 10), ("long", 1048576, 3)]"#);
}
