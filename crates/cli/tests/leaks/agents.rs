//! Sessions and job tokens through the Agent API: everything that an agent and its jobs call.

use countersign_testkit::harness::api;
use countersign_testkit::harness::http::{Call, Connection};
use countersign_testkit::harness::installation::Installation;
use hyper::Method;
use serde_json::json;

use crate::hunt::{Client, Hunt};

/// How many agents register.
const SESSIONS: usize = 320;
/// How many of them run a job.
const JOBS: usize = 120;

/// Registers agents and runs jobs.
pub async fn drive(installation: &Installation, hunt: &mut Hunt) {
    let made = &installation.made;
    let mut client = Client { connection: Connection::new(installation.listen), hunt };
    let steps: Vec<_> = (0..JOBS).map(|number| json!({ "command": format!("echo {number}") })).collect();
    let query = "mutation($organization: ID!, $definition: String!) {
        buildCreateFromDefinition(input: {organizationID: $organization, pipeline: \"canary\", definition: $definition}) {
            build { id } } }";
    let definition = json!({ "steps": steps }).to_string();
    let variables = json!({ "organization": made.organization, "definition": definition });
    let answer = client.ask("a build", &api::graphql(&made.user_token, query, &variables)).await;
    assert!(answer.text().contains("\"id\""), "{} {}", answer.status, answer.text());

    for number in 0..SESSIONS {
        let call = api::register(&made.agent_token, &format!("canary-{number}"));
        let (session, _) = client.obtain("st", "register", &call, "/access_token").await;
        let connect = Call::new(Method::POST, "/v3/connect").token(&session);
        client.ask("connect", &connect).await;
        let ping = client.ask("ping", &api::ping(&session)).await;
        if let Some(job) = ping.json()["job"]["id"].as_str() {
            run(&mut client, &session, job).await;
        }
        let heartbeat = Call::post("/v3/heartbeat", &json!({ "sent_at": "2026-01-02T03:04:05Z" })).token(&session);
        client.ask("heartbeat", &heartbeat).await;
        if number % 2 == 0 {
            let disconnect = Call::new(Method::POST, "/v3/disconnect").token(&session);
            client.ask("disconnect", &disconnect).await;
            client.ask("ping, disconnected", &api::ping(&session)).await;
        }
    }
    let jobs = client.hunt.values("jt").len();
    assert_eq!(jobs, JOBS, "every job was taken");
}

async fn run(client: &mut Client<'_>, session: &str, job: &str) {
    let at = |verb: &str| format!("/v3/jobs/{job}/{verb}");
    let accept = Call::new(Method::PUT, &at("accept")).token(session);
    let (token, _) = client.obtain("jt", "accept", &accept, "/token").await;
    let bodies = [
        (Method::PUT, "start", json!({ "started_at": "2026-01-02T03:04:05Z" })),
        (Method::POST, "data/set", json!({ "key": "release", "value": "1" })),
        (Method::POST, "data/get", json!({ "key": "release" })),
        (Method::POST, "data/exists", json!({ "key": "none" })),
        (Method::POST, "data/keys", json!({})),
        (Method::POST, "annotations", json!({ "body": "done", "context": "canary", "style": "info" })),
    ];
    for (method, verb, body) in bodies {
        client.ask(verb, &Call::new(method, &at(verb)).json(&body).token(&token)).await;
    }
    let mut chunk = Call::new(Method::POST, &format!("{}?sequence=1&offset=0&size=6", at("chunks"))).token(&token);
    chunk.body = "hello\n".into();
    client.ask("chunks", &chunk.header("content-type", "text/plain")).await;
    client.ask("the job's state", &Call::get(&format!("/v3/jobs/{job}")).token(&token)).await;
    let finish = json!({
        "started_at": "2026-01-02T03:04:05Z", "finished_at": "2026-01-02T03:04:06Z", "exit_status": "0", "chunks_failed_count": 0,
    });
    client.ask("finish", &Call::new(Method::PUT, &at("finish")).json(&finish).token(&token)).await;
    client.ask("data/keys, finished", &Call::post(&at("data/keys"), &json!({})).token(&token)).await;
    client.ask("pause, finished", &Call::post("/v3/pause", &json!({})).token(&token)).await;
}
