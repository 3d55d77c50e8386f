//! Builds, and how waiting for one ends.

use std::thread;

use countersign_testkit::Engine;

use crate::stand::{Stand, wait_until};

#[test]
fn waiting_follows_the_log_and_tells_the_result() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&[]);
        let agent = stand.agent("one", stand.agent_token(), &[]);
        agent.says("Connected");
        let good = stand.pipeline(
            "good.yml",
            "steps:\n  - label: First\n    command: echo one; sleep 1; echo two\n  \
         - command: printf 'last '; echo $((40 + 2))\n",
        );
        let said = stand.ada(&["build", "create", "--pipeline", &good, "--wait"]);
        said.must(0, &["--- First", "passed"]);
        assert_eq!(said.out.replace('\r', ""), "one\ntwo\nlast 42\n", "standard output is the log and nothing else");

        let bad = stand.pipeline("bad.yml", "steps:\n  - command: echo before; exit 7\n");
        stand.ada(&["build", "create", "--pipeline", &bad, "--wait"]).must(10, &["before", "failed"]);
        let json = stand.ada(&["build", "create", "--pipeline", &bad, "--wait", "--output", "json"]);
        json.must(10, &["\"FAILED\""]);

        let begun = stand.path("begun");
        let steps =
            format!("steps:\n  - command: echo begun; touch {}; sleep 300\n  - command: echo never\n", begun.display());
        let slow = stand.pipeline("slow.yml", &steps);
        let said = thread::scope(|scope| {
            let waiting = scope.spawn(|| stand.ada(&["build", "create", "--pipeline", &slow, "--wait"]));
            wait_until("the slow build", || {
                stand.ada(&["build", "create", "--pipeline", &good, "--output", "json"]).exit == 0
            });
            agent.says("Running job");
            let listed = running(&stand);
            wait_until("the job has said something", || begun.exists());
            stand.ada(&["build", "cancel", &listed]).must(0, &[]);
            waiting.join().expect("it ends")
        });
        said.must(11, &["begun", "canceled"]);
        assert!(!said.out.contains("never"));
    }
}

/// The uuid of the build that `slow.yml` made.
fn running(stand: &Stand) -> String {
    let query =
        "{ organization(slug: \"acme\") { builds(first: 50) { edges { node { uuid state pipeline { slug } } } } } }";
    let mut found = None;
    wait_until("the build runs", || {
        let bearer = format!("Bearer {}", stand.user_token());
        let address = format!("{}/graphql", stand.address());
        let (_, body) = crate::stand::http("POST", &address, &bearer, &serde_json::json!({ "query": query }));
        let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let edges = answer.pointer("/data/organization/builds/edges").and_then(|it| it.as_array()).cloned();
        found = edges
            .unwrap_or_default()
            .into_iter()
            .map(|edge| edge["node"].clone())
            .find(|node| node["state"] == "RUNNING" && node["pipeline"]["slug"] == "slow");
        found.is_some()
    });
    found.expect("found")["uuid"].as_str().expect("a uuid").to_owned()
}

#[test]
fn a_bad_pipeline_is_refused_with_its_name() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    for (name, text, word) in [
        ("empty.yml", "", "empty.yml"),
        ("steps.yml", "steps: 5\n", "steps"),
        ("unknown.yml", "steps:\n  - comand: echo\n", "comand"),
        ("bomb.yml", &bomb(), "bomb.yml"),
    ] {
        let path = stand.pipeline(name, text);
        stand.ada(&["build", "create", "--pipeline", &path]).must(2, &[word]);
    }
    stand.ada(&["build", "create", "--pipeline", "/nowhere/pipeline.yml"]).must(2, &["/nowhere/pipeline.yml"]);
    stand.ada(&["build", "show", "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77"]).must(5, &["build"]);
    stand.ada(&["build", "cancel", "nonsense"]).must(2, &[]);
}

/// Anchors that would become a billion nodes.
fn bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", ")));
    }
    text + "steps:\n  - command: echo\n"
}
