//! Two jobs of different builds, one after the other on one agent: neither reaches anything of the other.

use std::time::Duration;

use countersign_testkit::harness::http::Call;
use countersign_testkit::harness::moment;
use serde_json::{Value, json};

use crate::stage::{Build, Stage};

/// The routes of the agents' face, as its router has them.
const ROUTES: &str = include_str!("../../../buildkite/src/lib.rs");
/// A job that tells its token in its own log, bit by bit, so that no agent takes it out; then it waits to be told to end.
const TELLS_ITS_TOKEN: &str = r#"
echo "token: $(printf %s "$BUILDKITE_AGENT_ACCESS_TOKEN" | sed 's/./& /g')"
buildkite-agent meta-data set mine secret-of-the-first
buildkite-agent annotate "of the first" --context mine
while [ "$(buildkite-agent meta-data get go --default no)" = no ]; do sleep 0.2; done
"#;

pub async fn story(stage: Stage) {
    let mut agents = [stage.agent("one"), stage.agent("two")];
    let first = stage.build(TELLS_ITS_TOKEN).await;
    let first_token = token(&stage, &first, &agents).await;
    let second = stage.build(TELLS_ITS_TOKEN).await;
    let second_token = token(&stage, &second, &agents).await;

    for (token, other) in [(&first_token, &second), (&second_token, &first)] {
        let before = stage.look(other).await;
        for (method, path, body) in calls(other) {
            let mut call = Call::new(method.parse().expect("a method"), &path).token(token);
            if !body.is_null() {
                call = call.json(&body);
            }
            let answer = stage.call(&call).await;
            assert!(matches!(answer.status, 401 | 404), "{method} {path}: {} {}", answer.status, answer.text());
            assert!(!answer.text().contains("secret-of-the-first"), "{method} {path}: {}", answer.text());
        }
        assert_eq!(stage.look(other).await, before, "nothing of it has changed");
    }
    // Their own is open to them.
    for (build, token) in [(&first, &first_token), (&second, &second_token)] {
        let path = format!("/v3/jobs/{}/data/set", build.job);
        let answer = stage.call(&Call::post(&path, &json!({ "key": "go", "value": "yes" })).token(token)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    stage.until(&first, "PASSED", &agents[0]).await;
    stage.until(&second, "PASSED", &agents[0]).await;

    // A job's token dies with it, for its own job too.
    for (build, token) in [(&first, &first_token), (&second, &second_token)] {
        for (method, path, body) in calls(build) {
            let mut call = Call::new(method.parse().expect("a method"), &path).token(token);
            if !body.is_null() {
                call = call.json(&body);
            }
            let answer = stage.call(&call).await;
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        }
    }
    for agent in &mut agents {
        agent.ask_to_leave();
        assert_eq!(agent.left().await, 0, "{}", agent.log());
    }
}

/// The token that a job tells in its log.
async fn token(stage: &Stage, build: &Build, agents: &[crate::agents::Agent]) -> String {
    stage.until_log(build, "token: ", &agents[0]).await;
    loop {
        let log = stage.log(build).await;
        let told = log.lines().find_map(|line| line.strip_prefix("token: "));
        let token: String = told.unwrap_or_default().split_whitespace().collect();
        if token.starts_with("csnjt_") && log.lines().last() != Some(&format!("token: {token}")) {
            return token;
        }
        moment::sleep(Duration::from_millis(100)).await;
    }
}

/// Every route that names a job or a build, with another's ids in it and a body that would do for whoever may.
fn calls(of: &Build) -> Vec<(&'static str, String, Value)> {
    let mut found = Vec::new();
    for route in ROUTES.split(".route(\"").skip(1) {
        let (path, rest) = route.split_once("\", ").expect("a path and a method");
        let method = match rest.split_once('(').expect("a method").0 {
            "get" => "GET",
            "post" => "POST",
            "put" => "PUT",
            "delete" => "DELETE",
            _ => continue,
        };
        let id = if path.starts_with("/jobs/{id}") {
            &of.job
        } else if path.starts_with("/builds/{id}") {
            &of.uuid
        } else {
            continue;
        };
        let path = format!("/v3{}", path.replace("{id}", id).replace("{context}", "mine"));
        let query = if path.ends_with("/chunks") { "?sequence=99&offset=0&size=2" } else { "" };
        let body = if method == "GET" {
            Value::Null
        } else {
            json!({ "key": "mine", "value": "stolen", "body": "x",
            "exit_status": "0", "started_at": "2026-01-02T03:04:05Z", "items": [], "header_times": {} })
        };
        found.push((method, format!("{path}{query}"), body));
    }
    assert!(found.len() > 15, "the router of the Agent API is not written as it was");
    found
}
