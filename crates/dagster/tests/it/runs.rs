//! A run as its agent, its worker and people meet it.

use axum::body::Body;
use countersign_control::access::actions::{EditCodeLocations, TellCodeLocation};
use countersign_control::code_locations::{Definition, NewLocation, Outcome, Told};
use countersign_control::{Origin, Presented};
use http::Request;
use serde_json::{Value, json};

use crate::server::{Answer, REQUESTS, Server};

const STORE: &str = "mutation StoreEvent($eventRecord: EventLogEntryInput!) { eventLogs { StoreEvent(eventRecord: $eventRecord) { ok } } }";
const TAGS: &str = "mutation addRunTagsMutation($runId: String!, $jsonNewTags: JSONString!) { runs { addRunTags(runId: $runId, jsonNewTags: $jsonNewTags) { ok } } }";
// As agents send it: with a fragment, and before the query.
const RECORDS: &str = "fragment runRecordFragment on RunRecord { storageId serializedPipelineRun createTimestamp updateTimestamp startTime endTime } \
     query getRunRecordsQuery($filters: RunsFilter, $limit: Int, $orderBy: String, $ascending: Boolean, $cursor: String, $bucketBy: RunBucket) \
     { runs { getRunRecords(filters: $filters, limit: $limit, orderBy: $orderBy, ascending: $ascending, cursor: $cursor, bucketBy: $bucketBy) \
     { ...runRecordFragment } } }";
const POOLS: &str =
    "query getPoolConfig { eventLogs { getPoolConfig { poolGranularity defaultPoolLimit opGranularityRunBuffer } } }";
const LAUNCH: &str = "mutation CliLaunchRun($executionParams: ExecutionParams!) { launchRun(executionParams: $executionParams) { __typename \
     ... on LaunchRunSuccess { run { runId tags { key value } status runConfigYaml } } ... on PythonError { message stack } } }";
const STATUS: &str =
    "query CliGetRunStatus($runId: ID!) { runOrError(runId: $runId) { __typename ... on Run { id status } } }";

impl Server {
    /// A code location that an agent has loaded.
    async fn loaded(&self, name: &str) {
        let control = &self.world.control;
        let definition = Definition { module_name: Some("sales".to_owned()), ..Definition::default() };
        let deployment = self.world.acme.created.organization.default_deployment;
        let new = NewLocation { deployment, name: name.to_owned(), definition: definition.clone(), may_exist: true };
        control.set_code_location(&self.world.admin::<EditCodeLocations>(), new).await.expect("it is set");
        let presented = Presented { value: Some(self.world.acme.agent_token()), origin: Origin::local() };
        let agent = control.authenticate(presented).await.expect("an agent");
        let manifest = json!({
            "repositories": [{ "name": "__repository__", "code_pointer": { "__class__": "ModuleCodePointer", "module": "sales", "fn_name": "defs" },
                "stored_snapshot": { "uri": "snapshots/0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77" } }],
            "executable_path": "/bin/python",
        });
        let outcome =
            Outcome::Loaded { definition: Box::new(definition), manifest: manifest.to_string(), snapshots: Vec::new() };
        let told = Told { deployment: "default".to_owned(), location: name.to_owned(), outcome };
        let grant = control.grant_own::<TellCodeLocation>(&agent).expect("it may");
        control.tell_code_location(&grant, told).await.expect("told");
    }

    /// A call of an agent's, for its deployment.
    async fn scoped(&self, key: Option<&str>, query: &str, variables: Value) -> Answer {
        let mut headers =
            vec![("Dagster-Cloud-Api-Token", self.world.acme.agent_token()), ("Dagster-Cloud-Deployment", "default")];
        headers.extend(key.map(|key| ("Idempotency-Key", key)));
        self.post(&headers, json!({ "query": query, "variables": variables }).to_string()).await
    }

    async fn launch(&self, job: &str, key: &str) -> Value {
        let params = json!({
            "selector": { "repositoryLocationName": "sales", "repositoryName": "__repository__", "jobName": job },
            "runConfigData": { "ops": {} },
            "executionMetadata": { "tags": [{ "key": "team", "value": "a" }] },
        });
        let headers = [("Dagster-Cloud-Api-Token", self.world.acme.user_token()), ("Idempotency-Key", key)];
        let body = json!({ "query": LAUNCH, "variables": { "executionParams": params } }).to_string();
        self.post(&headers, body).await.data()["launchRun"].clone()
    }

    async fn status(&self, run: &str) -> Value {
        self.person(STATUS, json!({ "runId": run })).await["runOrError"].clone()
    }

    /// What is given to an agent, without what is asked of code locations.
    async fn given(&self) -> Vec<Value> {
        let wanted = json!({ "forBranchDeployments": false, "forFullDeployments": ["default"], "agentQueues": [null] });
        let work = self.ask(REQUESTS, wanted).await.data();
        let all = work["userCloudAgent"]["popUserCloudAgentRequests"].as_array().expect("a list").clone();
        all.into_iter().filter(|it| it["requestApi"] != "CHECK_FOR_WORKSPACE_UPDATES").collect()
    }

    async fn at(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Dagster-Cloud-Api-Token", self.world.acme.agent_token())
            .header("Dagster-Cloud-Deployment", "default");
        self.send(request.body(body.into()).expect("a request")).await
    }
}

fn event(run: &str, kind: &str) -> Value {
    json!({ "eventRecord": {
        "errorInfo": null, "level": 10, "userMessage": "", "runId": run, "timestamp": 1.5, "stepKey": null, "pipelineName": "sell",
        "dagsterEvent": { "eventTypeValue": kind, "pipelineName": "sell", "stepHandleKey": null, "solidHandleId": null,
            "stepKindValue": null, "loggingTags": null, "eventSpecificData": null, "message": "it says", "pid": 17, "stepKey": null },
    } })
}

#[tokio::test]
async fn a_run_is_taken_told_of_and_seen() {
    let server = Server::new().await;
    server.loaded("sales").await;
    let launched = server.launch("sell", "k1").await;
    assert_eq!(launched["__typename"], "LaunchRunSuccess", "{launched}");
    assert_eq!(launched["run"]["status"], "NOT_STARTED");
    assert_eq!(launched["run"]["tags"], json!([{ "key": "team", "value": "a" }]));
    let run = launched["run"]["runId"].as_str().expect("an id");
    assert_eq!(server.launch("sell", "k1").await["run"]["runId"], run, "sent again, launched once");

    let given = server.given().await;
    let [request] = &given[..] else { panic!("{given:?}") };
    assert_eq!(request["requestApi"], "LAUNCH_RUN");
    let body: Value = serde_json::from_str(request["requestBody"].as_str().expect("a text")).expect("JSON");
    assert_eq!(body["request_args"]["__class__"], "LaunchRunArgs");
    let told = &body["request_args"]["pipeline_run"];
    assert_eq!((&told["__class__"], &told["run_id"]), (&json!("PipelineRun"), &json!(run)));
    assert_eq!(told["pipeline_code_origin"]["repository_origin"]["executable_path"], "/bin/python");
    assert_eq!(told["run_config"], json!({ "ops": {} }));

    for (key, kind) in [("e1", "ENGINE_EVENT"), ("e1", "ENGINE_EVENT"), ("e2", "PIPELINE_START")] {
        let stored = server.scoped(Some(key), STORE, event(run, kind)).await.data();
        assert_eq!(stored["eventLogs"]["StoreEvent"]["ok"], true);
    }
    assert_eq!(server.status(run).await["status"], "STARTED");
    let tagged = server.scoped(None, TAGS, json!({ "runId": run, "jsonNewTags": "{\"process/pid\": \"17\"}" })).await;
    assert_eq!(tagged.data()["runs"]["addRunTags"]["ok"], true);
    let wanted = json!({ "filters": { "runIds": [run], "pipelineName": null, "statuses": [], "tags": [], "snapshotId": null,
        "updatedAfter": null, "updatedBefore": null, "createdAfter": null, "createdBefore": null }, "limit": 1, "ascending": false });
    let records = server.scoped(None, RECORDS, wanted).await.data();
    let record = &records["runs"]["getRunRecords"][0];
    assert!(record["storageId"].is_i64() && record["startTime"].is_f64() && record["endTime"].is_null(), "{record}");
    let read: Value = serde_json::from_str(record["serializedPipelineRun"].as_str().expect("a text")).expect("JSON");
    assert_eq!(read["status"], json!({ "__enum__": "PipelineRunStatus.STARTED" }));
    assert_eq!(read["tags"], json!({ "process/pid": "17", "team": "a" }));
    let pools = server.scoped(None, POOLS, json!({})).await.data();
    assert_eq!(pools["eventLogs"]["getPoolConfig"]["defaultPoolLimit"], Value::Null);

    let query = format!(
        "log_key={run}&log_key=compute_logs&log_key=a%5B1%5D&io_type=stdout&size_bytes=5&run_id={run}&key=a&method=PUT"
    );
    let address = server.at("GET", &format!("/dagster/gen_logs_url?{query}"), Body::empty()).await.json();
    let address =
        address["url"].as_str().expect("an address").split_once("/dagster").expect("of this face").1.to_owned();
    assert_eq!(server.at("PUT", &format!("/dagster{address}"), "hello").await.status, 200);
    assert_eq!(server.at("GET", &format!("/dagster{address}"), Body::empty()).await.status, 403, "it is for sending");
    let large = query.replace("size_bytes=5", "size_bytes=999999999");
    let skipped = server.at("GET", &format!("/dagster/gen_logs_url?{large}"), Body::empty()).await.json();
    assert_eq!(skipped, json!({ "skip_upload": true }));
    let bad = server.at("GET", "/dagster/gen_logs_url?io_type=stdout&size_bytes=5", Body::empty()).await;
    assert_eq!(bad.refused().0, 422, "{}", bad.text);

    server.scoped(None, STORE, event(run, "PIPELINE_SUCCESS")).await.data();
    assert_eq!(server.status(run).await, json!({ "__typename": "Run", "id": run, "status": "SUCCESS" }));
}

#[tokio::test]
async fn what_is_not_ones_own_is_refused() {
    let server = Server::new().await;
    server.loaded("sales").await;
    let launched = server.launch("sell", "k1").await;
    let run = launched["run"]["runId"].as_str().expect("an id");
    let early = server.scoped(None, STORE, event(run, "PIPELINE_SUCCESS")).await;
    assert_eq!(early.refused().0, 404, "nobody has taken it");
    let body = json!({ "query": STORE, "variables": event(run, "PIPELINE_SUCCESS") }).to_string();
    let own = ("Dagster-Cloud-Api-Token", server.world.acme.agent_token());
    assert_eq!(server.post(&[own], body.clone()).await.refused().0, 422, "it names no deployment");
    let elsewhere = server.post(&[own, ("Dagster-Cloud-Deployment", "nowhere")], body.clone()).await;
    assert_eq!(elsewhere.refused().1, "scope");
    let person = ("Dagster-Cloud-Api-Token", server.world.acme.user_token());
    assert_eq!(server.post(&[person, ("Dagster-Cloud-Deployment", "default")], body).await.refused().1, "kind");
    let none = server.status("0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77").await;
    assert_eq!(none["__typename"], "RunNotFoundError");
    let wanted = json!({ "filters": { "tags": [{ "key": "a", "value": "b" }] } });
    let beyond = server.scoped(None, RECORDS, wanted).await.json();
    assert_eq!(beyond["errors"][0]["extensions"]["type"], "not_offered", "{beyond}");
    for (job, location, said) in [("", "sales", "job"), ("sell", "nothing", "code location")] {
        let params = json!({ "selector": { "repositoryLocationName": location, "jobName": job } });
        let refused = server.person(LAUNCH, json!({ "executionParams": params })).await["launchRun"].clone();
        assert_eq!(refused["__typename"], "PythonError");
        assert!(refused["message"].as_str().is_some_and(|it| it.contains(said)), "{refused}");
    }
    let params = json!({ "selector": { "repositoryLocationName": "sales", "jobName": "sell",
        "assetSelection": [{ "path": ["a"] }] } });
    let refused = server.person(LAUNCH, json!({ "executionParams": params })).await["launchRun"].clone();
    assert!(refused["message"].as_str().is_some_and(|it| it.contains("as a whole")), "{refused}");
}
