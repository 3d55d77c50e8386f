use serde_json::json;

use super::*;
use crate::{pipeline::Pipeline, plan::Situation};

fn around(name: &str) -> Option<String> {
    (name == "WHO").then(|| "ada".to_owned())
}

fn one_document(text: &str) -> Json {
    let mut all = documents(text, &around).expect("documents");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn each_field_gets_its_one_form() {
    let document = one_document(
        "env: {A: 1.10, B: ~, C: true}
agents: {queue: q}
priority: 3
notify: [{email: a}]
steps:
  - commands: [a, b]
    name: L
    id: k
    env: {N: 1}
    plugins: [docker#v5, {acme/x#1: {n: 1}}]
    secrets: [S]
    cache: p
    matrix: {setup: {v: [1, 1.10]}, adjustments: [{with: {v: 1}, skip: true}]}
    parallelism: 2
  - plugins: {a#1: ~}
  - wait
  - {wait: ~, continue_on_failure: true}
  - {block: B, name: x}
  - {trigger: t, id: i}
  - {label: G, identifier: g, steps: [{command: m}, wait], group: ~}
  - {frobnicate: 1}
",
    );
    let expected = json!({
        "env": {"A": "1.10", "B": "", "C": "true"},
        "agents": {"queue": "q"},
        "priority": 3,
        "notify": [{"email": "a"}],
        "steps": [
            {"command": "a\nb", "label": "L", "key": "k", "env": {"N": "1"}, "parallelism": 2,
             "plugins": [{"github.com/buildkite-plugins/docker-buildkite-plugin#v5": null}, {"github.com/acme/x-buildkite-plugin#1": {"n": 1}}],
             "secrets": [{"key": "S", "environment_variable": "S"}], "cache": {"paths": ["p"]},
             "matrix": {"setup": {"v": ["1", "1.10"]}, "adjustments": [{"with": {"v": "1"}, "skip": true}]}},
            {"command": "", "plugins": [{"github.com/buildkite-plugins/a-buildkite-plugin#1": null}]},
            "wait",
            {"wait": null, "continue_on_failure": true},
            {"block": "B", "name": "x"},
            {"trigger": "t", "id": "i"},
            {"group": "G", "key": "g", "steps": [{"command": "m"}, "wait"]},
            {"frobnicate": 1},
        ],
    });
    assert_eq!(document, expected);
}

#[test]
fn variables_are_filled_in_from_the_pipeline_first() {
    let document = one_document(
        "env: {WHO: $WHO and co, GREET: hi $WHO}\nsteps: [{command: '$GREET $NOBODY $$WHO', env: {X_$WHOM: '1'}}]\n$WHO: {a: 1}\n",
    );
    assert_eq!(document["env"], json!({"WHO": "ada and co", "GREET": "hi ada and co"}));
    assert_eq!(document["steps"][0]["command"], "hi ada and co  $WHO");
    assert_eq!(document["steps"][0]["env"], json!({"X_": "1"}));
    assert_eq!(document["ada and co"], json!({"a": 1}));
    let raw = documents_with("[{command: $WHO}]", &around, Options { interpolate: false }).expect("documents");
    assert_eq!(raw[0]["steps"][0]["command"], "$WHO");
}

#[test]
fn documents_stand_apart() {
    let all =
        documents("env: {A: x}\nsteps: [{command: $A}]\n---\n- command: é $A 1.10\n- command: 1.10\n---\n", &around)
            .expect("documents");
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["steps"][0]["command"], "x");
    assert_eq!(all[1]["steps"][0]["command"], "é  1.10");
    assert_eq!(all[1]["steps"][1]["command"], "1.10");
    assert_eq!(one_document("{\"steps\": null, \"x\": 1}"), json!({"steps": [], "x": 1}));
}

#[test]
fn faults_are_named() {
    for (text, part) in [
        ("", "is empty"),
        ("# nothing", "is empty"),
        ("just words", "neither a map"),
        ("steps: 1", "'steps' is not a list"),
        ("steps:\n  - command: ${X?set it}", "line 2): needs the variable 'X': set it"),
        ("steps: [{command: [[x]]}]", "Step 1 of the pipeline (line 1): 'command' is neither"),
        ("steps: [{command: a, commands: b}]", "gives 'command' a second time"),
        ("steps: [{command: a, env: {$WHO: 1, ada: 2}}]", "'ada' stands there twice"),
        ("steps: [{command: a, plugins: 1.5: }]", "cannot be read"),
    ] {
        let said = documents(text, &around).expect_err(text).to_string();
        assert!(said.contains(part), "{text} said: {said}");
    }
}

#[test]
fn what_is_sent_is_taken_and_reads_the_same_again() {
    let text = include_str!("../../../../../docs/pipelines.md");
    for example in text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        let without = documents_with(example, &around, Options { interpolate: false }).expect("documents");
        let plan = |pipeline: Pipeline| pipeline.plan(&Situation::default());
        let direct = Pipeline::parse(example).expect("a pipeline");
        let sent = Pipeline::from_json(&without[0]).expect("taken");
        assert_eq!(plan(sent).map_err(|it| it.problem), plan(direct).map_err(|it| it.problem), "{example}");
        let yaml = to_yaml(&without[0]).expect("YAML");
        let again = documents_with(&yaml, &around, Options { interpolate: false }).expect("documents");
        assert_eq!(again, without, "{yaml}");
    }
}
