//! Two jobs of different builds, side by side on one agent: neither reaches anything of the other, by any call that the server has.
//!
//! Each job tells the test what it knows, and the test does with one's token what could be done to the other. The calls come from the
//! routers, so a new one that has no try in [`tries`] fails here.

mod job_api;
mod tries;

use std::fs;

use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::http::{Call, Connection};
use countersign_testkit::routes;
use serde_json::{Value, json};

use crate::agents::Agent;
use crate::stage::{Build, Stage};
use crate::told::{self, Told};
use crate::wire;
use tries::{Expect, Try};

/// What each job does before it tells what it knows; `NAME` stands for its own.
const BEFORE: &str = r#"
echo "log of NAME: words-of-NAME"
buildkite-agent meta-data set mine-NAME words-of-NAME
buildkite-agent annotate "words-of-NAME" --context mine
echo "$((40 + 2)) of NAME"
"#;
/// And afterwards: what the other one did to the agent's redactor must not be seen here.
const AFTER: &str = "echo said-at-the-end";

/// One of the two.
pub struct Side {
    name: &'static str,
    build: Build,
    told: Told,
    /// An artifact with its bytes.
    artifact: String,
    /// What came back when another was announced whose bytes are to come.
    announced: Value,
    /// An upload of a pipeline.
    upload: String,
}

impl Side {
    /// A word that nobody else may read.
    pub fn words(&self) -> String {
        format!("words-of-{}", self.name)
    }
}

pub async fn story(stage: Stage) {
    let mut agent = stage.agent_with("both-%spawn", &["--spawn", "2"]);
    let sides = [begin(&stage, &agent, "adam").await, begin(&stage, &agent, "eve").await];
    assert_ne!(sides[0].told.agent, sides[1].told.agent, "two workers of one agent");

    let mut count = 0;
    for (own, other) in [(&sides[0], &sides[1]), (&sides[1], &sides[0])] {
        let before = everything(&stage, other).await;
        for tried in all(own, other) {
            let answer = stage.call(&tried.call).await;
            let what = format!("{}: {} {} {}", tried.what, tried.call.method, tried.call.path, answer.status);
            tried.expect.hold(answer.status, &answer.text(), &what);
            assert!(!answer.text().contains(&other.words()), "{what}: {}", answer.text());
            count += 1;
        }
        job_api::tries(own, other).await;
        assert_eq!(everything(&stage, other).await, before, "nothing of {} has changed", other.name);
    }
    // Asked by its own job, its agent leaves when that job has ended; the other one stays.
    let stop = Call::post("/v3/stop", &json!({})).token(&sides[0].told.token);
    assert_eq!(stage.call(&stop).await.status, 200);
    assert!(stage.agent_seen(&sides[1].told.agent_name).await["stoppedGracefullyAt"].is_null());

    for side in &sides {
        told::go_on(stage.folder(), side.name);
    }
    for side in &sides {
        stage.until(&side.build, "PASSED", &agent).await;
        let log = stage.log(&side.build).await;
        assert!(log.lines().any(|line| line == "said-at-the-end"), "{log}");
    }
    assert_eq!(stage.agent_state(&sides[1].told.agent_name).await, "connected");

    // A job's token dies with it, for its own job too.
    for side in &sides {
        for tried in all(side, side) {
            let answer = stage.call(&tried.call).await;
            let what = format!("ended: {} {} {}", tried.call.method, tried.call.path, answer.status);
            // Pieces of its own log come for a minute after the end: the last of them may be late.
            let is_late_log = tried.call.path.starts_with(&format!("/v3/jobs/{}/chunks", side.build.job));
            let due = if is_late_log && answer.status != 401 { Expect::Is(200) } else { tried.expect.dead() };
            due.hold(answer.status, &answer.text(), &what);
            count += 1;
        }
    }
    tell(format_args!("stories: strangers: {count} calls tried"));
    agent.leaves_well().await;
}

/// Starts a job and learns all that it knows. It keeps running.
async fn begin(stage: &Stage, agent: &Agent, name: &'static str) -> Side {
    let command = BEFORE.replace("NAME", name) + &told::command(stage.folder(), name, AFTER);
    let build = stage.build_of(&json!({ "steps": [{ "key": format!("step-of-{name}"), "command": command }] })).await;
    let told = told::told(stage, name, agent).await;
    let mut line = Connection::new(stage.installation.listen);
    let announced = wire::announce(&mut line, &build.job, &told.token, 1, &[&format!("words-of-{name}.txt")]).await;
    let artifact = wire::bring(&mut line, &build.job, &told.token, &announced).await.remove(0);
    let announced = wire::announce(&mut line, &build.job, &told.token, 2, &["to/come.txt"]).await.json();
    let upload = match name {
        "adam" => "0198f3a1-7c3e-7b21-9f60-00000000000a",
        _ => "0198f3a1-7c3e-7b21-9f60-00000000000e",
    };
    let body = json!({ "uuid": upload, "pipeline": { "steps": [{ "command": "echo uploaded" }] } });
    let sent = stage.call(&Call::post(&format!("/v3/jobs/{}/pipelines", build.job), &body).token(&told.token)).await;
    assert_eq!(sent.status, 200, "{}", sent.text());
    // What the shell works out does not stand in the command, which the agent may print first.
    stage.until_log(&build, &format!("42 of {name}"), agent).await;
    Side { name, build, told, artifact, announced, upload: upload.to_owned() }
}

/// All that is known of a side: to people, to its own job, and on its agent.
async fn everything(stage: &Stage, side: &Side) -> Value {
    let mut line = Connection::new(stage.installation.listen);
    let mut artifacts = wire::found(&mut line, &side.build.uuid, &side.told.token, "*").await;
    for artifact in &mut artifacts {
        // An address is made for each who asks.
        artifact["url"] = Value::Null;
    }
    let export = Call::post(&format!("/v3/steps/{}/export", side.told.step), &json!({})).token(&side.told.token);
    let step = line.call(&export).await.expect("the server answers");
    assert_eq!(step.status, 200, "a job reads its own step: {}", step.text());
    let state = Call::get(&format!("/v3/jobs/{}", side.build.job)).token(&side.told.token);
    let state = line.call(&state).await.expect("the server answers");
    assert_eq!(state.json(), json!({ "state": "running" }));
    assert!(fs::exists(&side.told.socket).expect("it can be looked for"), "its Job API is there");
    json!({
        "build": stage.look(&side.build).await,
        "jobs": stage.jobs(&side.build).await.len(),
        "log": stage.log(&side.build).await,
        "artifacts": artifacts,
        "step": step.json(),
        "agent": stage.agent_seen(&side.told.agent_name).await,
    })
}

/// Every try, for every route of every face.
fn all(own: &Side, other: &Side) -> Vec<Try> {
    let mut all = Vec::new();
    for route in routes::agent_api() {
        all.extend(tries::of_agent_api(route, own, other));
    }
    for route in routes::beside_agent_api() {
        all.extend(tries::beside(route, own, other));
    }
    for (below, routes) in [("/v2", routes::rest()), ("", routes::operation()), ("", routes::well_known())] {
        all.extend(routes.into_iter().map(|route| tries::of_people(below, route, own, other)));
    }
    for path in ["/graphql", "/v1"] {
        let query = "query($uuid: ID!) { build(uuid: $uuid) { uuid metaData { value } } }";
        let body = json!({ "query": query, "variables": { "uuid": other.build.uuid } });
        let call = Call::post(path, &body);
        for call in [call.clone().token(&own.told.token), call.bearer(&own.told.token)] {
            all.push(Try { what: "the public API", call, expect: Expect::Is(401) });
        }
    }
    for route in routes::dagster() {
        // Whoever has the signed address of a snapshot may send its bytes; without a signature nobody may.
        let is_signed = route.path.ends_with("/bytes");
        let refused = if is_signed { 403 } else { 401 };
        let body = json!({ "query": "{ agents { id } }" });
        let method = route.method.parse().expect("a method");
        let call = Call::new(method, &route.path.replace("{id}", &other.artifact)).json(&body);
        for call in
            [call.clone().token(&own.told.token), call.header("dagster-cloud-api-token", own.told.token.as_str())]
        {
            all.push(Try { what: "the API of Dagster+ agents", call, expect: Expect::Is(refused) });
        }
    }
    assert!(all.len() > 70, "{} tries: the routers are not written as they were", all.len());
    all
}
