//! Code locations told of by agents that send everything inside their calls.

use countersign_control::code_locations::{MAX_MANIFEST, MAX_REPOSITORIES, state};
use countersign_domain::dagster::{LocationState, MAX_SNAPSHOT};
use serde_json::{Value, json};

use crate::locations::{ERROR, REPOSITORY, packed};
use crate::server::{Answer, Server};

const ENTRY: &str = "workspace_entry.tmp";

fn entry(name: &str, data: &Value, error: &Value) -> Value {
    json!({
        "__class__": "DagsterCloudUploadWorkspaceEntry", "location_name": name,
        "deployment_metadata": { "__class__": "CodeDeploymentMetadata", "module_name": "sales" },
        "upload_location_data": data, "serialized_error_info": error,
    })
}

/// A code location of one repository.
fn of_repository(name: &str, repository: &str) -> Value {
    let data = json!({
        "__class__": "DagsterCloudUploadLocationData", "container_image": null, "executable_path": null,
        "dagster_library_versions": { "dagster": "1.13.27" },
        "upload_repository_datas": [{
            "__class__": "DagsterCloudUploadRepositoryData", "repository_name": "__repository__",
            "code_pointer": { "__class__": "ModuleCodePointer", "module": "sales" }, "serialized_repository_data": repository,
        }],
    });
    entry(name, &data, &Value::Null)
}

impl Server {
    async fn upload(&self, entry: &Value) -> Answer {
        self.form("/upload_workspace_entry", ENTRY, &packed(entry.to_string().as_bytes())).await
    }
}

#[tokio::test]
async fn what_is_sent_whole_is_kept_as_what_is_sent_in_parts() {
    let server = Server::new().await;
    server.add("sales").await;
    let whole = of_repository("sales", REPOSITORY);
    let first = server.upload(&whole).await.json();
    assert_eq!(
        (&first["__class__"], &first["updated"]),
        (&json!("DagsterCloudUploadWorkspaceResponse"), &json!(false))
    );
    let selector = json!({
        "__class__": "JobSelector", "location_name": "sales", "repository_name": "__repository__", "job_name": "sell"
    });
    assert_eq!(first["missing_job_snapshots"], json!([selector]));
    let job = r#"{"__class__": "ExternalPipelineData", "name": "sell", "pipeline_snapshot": {}}"#;
    let sent = server.form("/upload_job_snapshot", "job.tmp", &packed(job.as_bytes())).await;
    assert_eq!((sent.status.as_u16(), sent.text.as_str()), (200, ""));
    let second = server.upload(&whole).await.json();
    assert_eq!((&second["updated"], &second["missing_job_snapshots"]), (&json!(true), &Value::Null));
    assert_eq!(state(&server.location("sales").await), LocationState::Loaded);

    // An agent of the other way finds both.
    for (kind, sha1, size) in [
        ("repository", "9d792887ef0425decb0b14c6cf5d7b5ae740e09d", REPOSITORY.len()),
        ("job", "bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f", 2),
    ] {
        let query = format!("type={kind}&sha1={sha1}&size={size}&formats=json.gz");
        let checked = server.own("GET", &format!("/check_snapshot?{query}"), axum::body::Body::empty()).await.json();
        assert_eq!(checked["stored_snapshot"]["sha1"], sha1, "{checked}");
    }
}

#[tokio::test]
async fn why_code_was_not_loaded_is_told_whole() {
    let server = Server::new().await;
    server.add("sales").await;
    let error: Value = serde_json::from_str(ERROR).expect("JSON");
    let told = server.upload(&entry("sales", &Value::Null, &error)).await.json();
    assert_eq!((&told["updated"], &told["missing_job_snapshots"]), (&json!(true), &Value::Null));
    let it = server.location("sales").await;
    assert_eq!((state(&it), it.error.as_deref()), (LocationState::Failed, Some("No module named 'sales'\n  line 1")));
    let mut late = entry("sales", &Value::Null, &error);
    late["deployment_metadata"]["module_name"] = json!("older");
    let told = server.upload(&late).await.json();
    assert_eq!(told["message"], "was changed meanwhile; it is to be loaded again");
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_words() {
    let server = Server::new().await;
    server.add("sales").await;
    let path = "/upload_workspace_entry";
    let neither = entry("sales", &Value::Null, &Value::Null).to_string();
    let gone = of_repository("stock", "{}").to_string();
    for (path, field, content, status, said) in [
        (path, ENTRY, b"hello".to_vec(), 422, "is not a whole zlib stream"),
        (path, ENTRY, packed(b"{}"), 422, "__class__ is another one"),
        (path, "other", packed(b"{}"), 422, "has no field workspace_entry.tmp"),
        (path, ENTRY, packed(neither.as_bytes()), 422, "must have one of"),
        (path, ENTRY, packed(gone.as_bytes()), 404, "No code location found"),
        (path, ENTRY, packed(&vec![b' '; MAX_SNAPSHOT + 1]), 413, "more than 67108864 bytes"),
        (path, ENTRY, vec![0; 9 * 1024 * 1024], 413, ""),
        ("/upload_job_snapshot", "job.tmp", packed(b"{}"), 422, "__class__ is another one"),
        ("/upload_job_snapshot", "job.tmp", packed(b"[]"), 422, "job.tmp"),
        ("/upload_job_snapshot", ENTRY, packed(b"{}"), 422, "has no field job.tmp"),
    ] {
        let answer = server.form(path, field, &content).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.contains(said)),
            (status, true),
            "{path} {said}: {}",
            answer.text
        );
    }
    assert_eq!(state(&server.location("sales").await), LocationState::Waiting);
}

#[tokio::test]
async fn what_is_too_much_to_keep_is_refused_before_any_of_it_is_kept() {
    let server = Server::new().await;
    server.add("sales").await;
    let mut many = of_repository("sales", REPOSITORY);
    let one = many["upload_location_data"]["upload_repository_datas"][0].clone();
    many["upload_location_data"]["upload_repository_datas"] = json!(vec![one; MAX_REPOSITORIES + 1]);
    let answer = server.upload(&many).await;
    assert_eq!((answer.status.as_u16(), answer.text.contains("101 repositories")), (422, true), "{}", answer.text);
    let mut large = of_repository("sales", REPOSITORY);
    large["deployment_metadata"]["image"] = json!("x".repeat(MAX_MANIFEST));
    let answer = server.upload(&large).await;
    assert_eq!((answer.status.as_u16(), answer.text.contains("beside its snapshots")), (413, true), "{}", answer.text);
    let query = format!(
        "type=repository&sha1={}&size={}&formats=json.gz",
        "9d792887ef0425decb0b14c6cf5d7b5ae740e09d",
        REPOSITORY.len()
    );
    let checked = server.own("GET", &format!("/check_snapshot?{query}"), axum::body::Body::empty()).await.json();
    assert_eq!(checked["stored_snapshot"], Value::Null, "{checked}");
}
