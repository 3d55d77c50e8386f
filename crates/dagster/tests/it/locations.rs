//! Code locations as an agent meets them: it is told, loads, sends snapshots, tells.

use std::io::Write as _;

use axum::body::Body;
use countersign_control::PageRequest;
use countersign_control::access::actions::{EditCodeLocations, ViewCodeLocations};
use countersign_control::code_locations::{ASKED_AGAIN, CodeLocation, Definition, NewLocation, state};
use countersign_domain::dagster::{LocationState, RequestState};
use flate2::{Compression, write::ZlibEncoder};
use http::Request;
use serde_json::{Value, json};

use crate::server::{Answer, REQUESTS, Server, WORKSPACE};

pub const ERROR: &str = r#"{"__class__":"SerializableErrorInfo","message":"No module named 'sales'\n","stack":["  line 1\n"],"cls_name":"ImportError","cause":null,"context":null}"#;

/// A repository of one job, whose snapshot is `{}`.
pub const REPOSITORY: &str = r#"{"__class__":"ExternalRepositoryData","external_job_refs":[{"__class__":"ExternalJobRef","name":"sell","snapshot_id":"bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f"}]}"#;

pub fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

/// SHA-1 of the texts of these tests, made with another program.
fn sha1(text: &str) -> &'static str {
    match text {
        ERROR => "e32749d0f6767521ae227135a186830d799ca718",
        "{}" => "bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f",
        REPOSITORY => "9d792887ef0425decb0b14c6cf5d7b5ae740e09d",
        other => panic!("the hash of {other} is not known here"),
    }
}

impl Server {
    pub async fn add(&self, name: &str) {
        let definition = Definition { module_name: Some("sales".to_owned()), ..Definition::default() };
        let deployment = self.world.acme.created.organization.default_deployment;
        let new = NewLocation { deployment, name: name.to_owned(), definition, may_exist: true };
        self.world.control.set_code_location(&self.world.admin::<EditCodeLocations>(), new).await.expect("it is set");
    }

    pub async fn location(&self, name: &str) -> CodeLocation {
        let default = self.world.acme.created.organization.default_deployment;
        let grant = self.world.admin::<ViewCodeLocations>();
        self.world.control.code_location(&grant, default, name).await.expect("it is there")
    }

    /// A call of an agent's beside its documents.
    pub async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/dagster{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// The same for the deployment `default`, with acme's first token.
    pub async fn own(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let headers = [
            ("Dagster-Cloud-Api-Token", self.world.acme.agent_token()),
            ("Dagster-Cloud-Deployment", "default"),
            ("Content-Type", "multipart/form-data; boundary=X"),
        ];
        self.call(method, path, &headers, body).await
    }

    async fn answer(&self, field: &str, content: &[u8]) -> Answer {
        self.form("/upload_api_response", field, content).await
    }

    /// A form with one file.
    pub async fn form(&self, path: &str, field: &str, content: &[u8]) -> Answer {
        let head = format!("--X\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{field}\"\r\n\r\n");
        let body = [head.as_bytes(), content, b"\r\n--X--\r\n"].concat();
        self.own("PUT", path, body).await
    }

    async fn check(&self, kind: &str, text: &str) -> Answer {
        let (sha1, size) = (sha1(text), text.len());
        let query = format!("type={kind}&sha1={sha1}&size={size}&formats=json.gz&formats=json");
        self.own("GET", &format!("/check_snapshot?{query}"), Body::empty()).await
    }

    /// Sends a snapshot as an agent does; answers what is told of it afterwards.
    async fn snapshot(&self, kind: &str, text: &str) -> Value {
        let checked = self.check(kind, text).await.json();
        assert_eq!(checked["stored_snapshot"], Value::Null);
        let sent = self.put(&checked, packed(text.as_bytes())).await;
        assert_eq!(sent.status, 200, "{}", sent.text);
        let confirmed = self.own("PUT", "/confirm_upload", checked["upload_data"].to_string()).await;
        assert_eq!(confirmed.status, 200, "{}", confirmed.text);
        let again = self.check(kind, text).await.json();
        assert_eq!(again["stored_snapshot"], confirmed.json()["stored_snapshot"], "it is not sent twice");
        assert_eq!(again["upload_data"], Value::Null);
        confirmed.json()["stored_snapshot"].clone()
    }

    /// Sends bytes to the address that was given, without a token.
    async fn put(&self, checked: &Value, bytes: Vec<u8>) -> Answer {
        self.call("PUT", &address(checked), &[], bytes).await
    }

    async fn told(&self, result: &Value) -> Answer {
        self.own("PUT", "/code_location_update_result", result.to_string()).await
    }
}

/// The address of the bytes, below the face's own.
fn address(checked: &Value) -> String {
    let url = checked["upload_data"]["presigned_put_url"].as_str().expect("an address");
    url.split_once("/dagster").expect("an address of this face").1.to_owned()
}

fn result(name: &str, manifest: &Value, error: &Value) -> Value {
    json!({
        "__class__": "DagsterCloudCodeLocationUpdateResult",
        "location_name": name,
        "manifest": manifest,
        "error_snapshot": error,
    })
}

fn manifest(metadata: &Value, snapshot: &Value) -> Value {
    json!({
        "__class__": "DagsterCloudCodeLocationManifest",
        "repositories": [{ "__class__": "DagsterCloudRepositoryManifest", "name": "__repository__",
            "code_pointer": { "__class__": "ModuleCodePointer", "module": "sales" }, "stored_snapshot": snapshot }],
        "container_image": null, "executable_path": null,
        "dagster_library_versions": { "dagster": "1.13.27" },
        "code_location_deploy_data": metadata,
    })
}

async fn entry(server: &Server) -> Value {
    let wanted =
        json!({ "deploymentNames": ["default"], "includeAllServerlessDeployments": false, "agentQueues": [null] });
    let workspace = server.ask(WORKSPACE, wanted).await.data();
    workspace["deployments"][0]["workspaceEntries"][0].clone()
}

#[tokio::test]
async fn an_agent_is_told_loads_and_tells() {
    let server = Server::new().await;
    server.add("sales").await;
    let told = entry(&server).await;
    assert_eq!((told["locationName"].as_str(), told["hasOutdatedData"].as_bool()), (Some("sales"), Some(true)));
    let metadata: Value =
        serde_json::from_str(told["serializedDeploymentMetadata"].as_str().expect("a text")).expect("JSON");
    assert_eq!(
        (metadata["__class__"].as_str(), metadata["module_name"].as_str()),
        (Some("CodeDeploymentMetadata"), Some("sales"))
    );

    let wanted = json!({ "forBranchDeployments": false, "forFullDeployments": ["default"], "agentQueues": [null] });
    let work = server.ask(REQUESTS, wanted.clone()).await.data();
    let request = work["userCloudAgent"]["popUserCloudAgentRequests"][0].clone();
    assert_eq!(
        (request["requestApi"].as_str(), request["deploymentName"].as_str()),
        (Some("CHECK_FOR_WORKSPACE_UPDATES"), Some("default"))
    );
    let body: Value = serde_json::from_str(request["requestBody"].as_str().expect("a text")).expect("JSON");
    assert_eq!(body["request_id"], request["requestId"]);
    assert_eq!(body["request_api"], json!({ "__enum__": "DagsterCloudApi.CHECK_FOR_WORKSPACE_UPDATES" }));
    assert_eq!(body["request_args"], Value::Null);
    let answered = json!({ "__class__": "DagsterCloudUploadApiResponse", "request_id": request["requestId"],
        "request_api": request["requestApi"], "response": { "__class__": "DagsterCloudApiSuccess", "thread_telemetry": null } });
    let answer = server.answer("api_response.tmp", &packed(answered.to_string().as_bytes())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let grant = server.world.admin::<ViewCodeLocations>();
    let default = server.world.acme.created.organization.default_deployment;
    let asked = server.world.control.dagster_requests(&grant, default, PageRequest::first(9)).await.expect("a read");
    assert_eq!(asked.items[0].state(), RequestState::Answered);

    let snapshot = server.snapshot("repository", "{}").await;
    let answer = server.told(&result("sales", &manifest(&metadata, &snapshot), &Value::Null)).await;
    let said = answer.json();
    assert_eq!((said["updated"].as_bool(), said["missing_job_snapshots"].clone()), (Some(true), Value::Null), "{said}");
    assert_eq!(state(&server.location("sales").await), LocationState::Loaded);
    let told = entry(&server).await;
    assert_eq!((told["hasOutdatedData"].as_bool(), told["hasLoadError"].as_bool()), (Some(false), Some(false)));

    server.add("sales").await;
    let snapshot = server.snapshot("error", ERROR).await;
    let answer = server.told(&result("sales", &Value::Null, &snapshot)).await;
    assert_eq!(answer.json()["updated"], true, "{}", answer.text);
    let it = server.location("sales").await;
    assert_eq!((state(&it), it.error.as_deref()), (LocationState::Failed, Some("No module named 'sales'\n  line 1")));
    let told = entry(&server).await;
    assert_eq!((told["hasOutdatedData"].as_bool(), told["hasLoadError"].as_bool()), (Some(true), Some(true)));
}

#[tokio::test]
async fn snapshots_of_jobs_are_asked_for_once() {
    let server = Server::new().await;
    server.add("sales").await;
    let metadata = json!({ "__class__": "CodeDeploymentMetadata", "module_name": "sales" });
    let repository = server.snapshot("repository", REPOSITORY).await;
    let loaded = result("sales", &manifest(&metadata, &repository), &Value::Null);
    let selector = json!({
        "__class__": "JobSelector", "location_name": "sales", "repository_name": "__repository__", "job_name": "sell"
    });
    let asked = server.told(&loaded).await.json();
    assert_eq!((&asked["updated"], &asked["missing_job_snapshots"]), (&json!(false), &json!([selector])));
    assert_eq!(state(&server.location("sales").await), LocationState::Waiting, "nothing was kept");
    let again = server.told(&loaded).await.json();
    assert_eq!(
        (&again["updated"], &again["missing_job_snapshots"]),
        (&json!(true), &Value::Null),
        "an agent that cannot send them is not held up"
    );
    assert_eq!(state(&server.location("sales").await), LocationState::Loaded);

    server.world.clock.advance(ASKED_AGAIN);
    let asked = server.told(&loaded).await.json();
    assert_eq!(asked["missing_job_snapshots"], json!([selector]));
    server.snapshot("job", "{}").await;
    let kept = server.told(&loaded).await.json();
    assert_eq!((&kept["updated"], &kept["missing_job_snapshots"]), (&json!(true), &Value::Null));
    server.world.clock.advance(ASKED_AGAIN);
    assert_eq!(server.told(&loaded).await.json()["updated"], true, "nothing is missing");
    let error = server.snapshot("error", ERROR).await;
    let failed = server.told(&result("sales", &Value::Null, &error)).await.json();
    assert_eq!((&failed["updated"], &failed["missing_job_snapshots"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn code_is_loaded_without_secrets_and_state() {
    let server = Server::new().await;
    let secrets = "query Secrets($locationName: String) { scopedSecrets(locationName: $locationName) { secretName secretValue locationNames } }";
    let state = "query getLatestDefsStateInfo { latestDefsStateInfo }";
    for (query, answer) in [(secrets, json!({ "scopedSecrets": [] })), (state, json!({ "latestDefsStateInfo": null }))]
    {
        let body = json!({ "query": query, "variables": { "locationName": "sales" } }).to_string();
        let own = ("Dagster-Cloud-Api-Token", server.world.acme.agent_token());
        let asked = server.post(&[own, ("Dagster-Cloud-Deployment", "default")], body.clone()).await;
        assert_eq!(asked.data(), answer);
        let elsewhere = server.post(&[own, ("Dagster-Cloud-Deployment", "nowhere")], body.clone()).await;
        assert_eq!(elsewhere.refused().1, "scope", "{}", elsewhere.text);
        let person = [("Dagster-Cloud-Api-Token", server.world.acme.user_token())];
        assert_eq!(server.post(&person, body).await.refused().1, "kind");
    }
}

#[tokio::test]
async fn answers_that_cannot_be_read_are_refused_with_words() {
    let server = Server::new().await;
    let one = "api_response.tmp";
    for (field, content, status, said) in [
        (one, b"hello".to_vec(), 422, "is not a whole zlib stream"),
        (one, packed(b"{}"), 422, "__class__ is another one"),
        ("other", packed(b"{}"), 422, "has no field api_response.tmp"),
        (one, packed(&vec![b' '; 5 * 1024 * 1024]), 413, "more than 4194304 bytes"),
    ] {
        let answer = server.answer(field, &content).await;
        assert_eq!((answer.status.as_u16(), answer.text.contains(said)), (status, true), "{}", answer.text);
    }
    let answer = server.own("PUT", "/upload_api_response", "no form").await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    let unknown = json!({ "__class__": "BatchDagsterCloudUploadApiResponse", "batch": [{
        "__class__": "DagsterCloudUploadApiResponse", "request_id": "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77",
        "request_api": "PING_LOCATION", "response": { "__class__": "DagsterCloudApiSuccess" } }] });
    let answer = server.answer("api_response_batch.tmp", &packed(unknown.to_string().as_bytes())).await;
    assert_eq!(answer.status, 200, "nobody waits for it: {}", answer.text);
}

#[tokio::test]
async fn a_snapshot_is_what_was_announced_or_is_refused() {
    let server = Server::new().await;
    let checked = server.check("repository", "{}").await.json();
    let early = server.own("PUT", "/confirm_upload", checked["upload_data"].to_string()).await;
    assert_eq!((early.status.as_u16(), early.text.contains("have not come")), (422, true), "{}", early.text);
    for (bytes, said) in [
        (b"{}".to_vec(), "is not a whole zlib stream"),
        (packed(b"[]"), "were announced"),
        (packed(&vec![0; 100 * 1024]), "more than the 2 bytes"),
    ] {
        let answer = server.put(&checked, bytes).await;
        assert_eq!((answer.status.as_u16(), answer.text.contains(said)), (422, true), "{}", answer.text);
    }
    for bytes in [packed(&vec![0; 40 * 1024 * 1024]), vec![0; 8 * 1024 * 1024 + 1]] {
        let answer = server.put(&checked, bytes).await;
        assert_eq!(answer.status, 413, "more than two bytes can be: {}", answer.text);
    }
    let good = address(&checked);
    for bad in [
        good.replace("signature=", "signature=0"),
        good.replace("?", "?x&"),
        good.split('?').next().expect("a path").to_owned(),
    ] {
        let answer = server.call("PUT", &bad, &[], packed(b"{}")).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
    }
    let answer = server.put(&checked, packed(b"{}")).await;
    assert_eq!(answer.status, 200, "after all that: {}", answer.text);
    let other_size =
        "/check_snapshot?type=repository&sha1=bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f&size=3&formats=json.gz";
    let other = server.own("GET", other_size, Body::empty()).await.json();
    assert_ne!(other["upload_data"]["id"], checked["upload_data"]["id"], "whoever lies about a size is asked for that");

    for (query, field) in [
        ("type=x&sha1=bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f&size=2&formats=json.gz", "type"),
        ("type=job&sha1=BF21&size=2&formats=json.gz", "sha1"),
        ("type=job&sha1=bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f&size=-2&formats=json.gz", "size"),
        ("type=job&sha1=bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f&size=999999999999&formats=json.gz", "size"),
        ("type=job&sha1=bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f&size=2&formats=json", "formats"),
        ("", "formats"),
    ] {
        let answer = server.own("GET", &format!("/check_snapshot?{query}"), Body::empty()).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.text);
        assert!(answer.json()["message"].as_str().is_some_and(|it| it.starts_with(field)), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_is_told_must_fit_what_is_there() {
    let server = Server::new().await;
    server.add("sales").await;
    let metadata = json!({ "__class__": "CodeDeploymentMetadata", "module_name": "sales" });
    let stored = server.snapshot("repository", "{}").await;
    let mut missing = stored.clone();
    missing["uri"] = json!("snapshots/0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77");
    for (name, manifest_, error, status, said) in [
        ("sales", Value::Null, Value::Null, 422, "one of manifest and error_snapshot"),
        ("sales", manifest(&metadata, &stored), stored.clone(), 422, "one of manifest and error_snapshot"),
        ("sales", manifest(&metadata, &missing), Value::Null, 422, "is not stored here"),
        ("sales", Value::Null, stored.clone(), 422, "snapshot of a repository"),
        ("sales", Value::Null, missing.clone(), 404, "No snapshot found"),
        ("stock", manifest(&metadata, &stored), Value::Null, 404, "No code location found"),
        ("sales", json!({ "__class__": "x" }), Value::Null, 422, "manifest"),
    ] {
        let answer = server.told(&result(name, &manifest_, &error)).await;
        assert_eq!((answer.status.as_u16(), answer.text.contains(said)), (status, true), "{}", answer.text);
    }
    assert_eq!(state(&server.location("sales").await), LocationState::Waiting);
    let other = json!({ "__class__": "CodeDeploymentMetadata", "module_name": "before" });
    let answer = server.told(&result("sales", &manifest(&other, &stored), &Value::Null)).await;
    assert!(answer.text.contains("changed meanwhile"), "{}", answer.text);
    assert_eq!(state(&server.location("sales").await), LocationState::Waiting);
}

#[tokio::test]
async fn each_call_is_for_who_reaches_the_deployment() {
    let server = Server::new().await;
    let narrow = server.narrow_token().await;
    let token = |value: &str| ("Dagster-Cloud-Api-Token", value.to_owned());
    for (method, path) in [
        ("PUT", "/upload_api_response"),
        ("GET", "/check_snapshot"),
        ("PUT", "/confirm_upload"),
        ("PUT", "/code_location_update_result"),
        ("PUT", "/upload_workspace_entry"),
        ("PUT", "/upload_job_snapshot"),
    ] {
        let person = token(server.world.acme.user_token());
        let answer = server.call(method, path, &[(person.0, &person.1)], Body::empty()).await;
        assert_eq!((answer.status.as_u16(), answer.refused().1.as_str()), (401, "kind"), "{path}");
        let nobody = server.call(method, path, &[], Body::empty()).await;
        assert_eq!(nobody.status, 401, "{path}");
        let agent = token(&narrow);
        let unnamed = server.call(method, path, &[(agent.0, &agent.1)], Body::empty()).await;
        assert_eq!(
            (unnamed.status.as_u16(), unnamed.text.contains("Dagster-Cloud-Deployment is missing")),
            (422, true),
            "{}",
            unnamed.text
        );
    }
    let headers = [("Dagster-Cloud-Api-Token", narrow.as_str()), ("Dagster-Cloud-Deployment", "staging")];
    let query = "type=job&sha1=bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f&size=2&formats=json.gz";
    let answer = server.call("GET", &format!("/check_snapshot?{query}"), &headers, Body::empty()).await;
    let (status, reason, words) = answer.refused();
    assert_eq!((status, reason.as_str(), words.contains("`staging`")), (403, "scope", true), "{words}");
    let told = result(
        "sales",
        &Value::Null,
        &json!({ "sha1": "a", "format": "json.gz", "uri": "snapshots/0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77", "decompressed_size": 1 }),
    );
    let answer = server.call("PUT", "/code_location_update_result", &headers, told.to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.refused().1.as_str()), (403, "scope"));
}
