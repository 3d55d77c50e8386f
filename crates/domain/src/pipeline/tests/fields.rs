//! Each field: its forms, and what is said about wrong ones.

use super::*;
use crate::plan::{BlockedState, Choice, Concurrency, Field, ManualRetry, Question, RetryRule, SoftFail};

#[test]
fn kinds_are_told_apart() {
    let kind = |text: &str| match only(&format!("steps: [{text}]")).work {
        Work::Command(_) => "command",
        Work::Wait { .. } => "wait",
        Work::Block(_) => "block",
        Work::Input(_) => "input",
        Work::Trigger(_) => "trigger",
        Work::Group => "group",
    };
    for (text, expected) in [
        ("{command: x}", "command"),
        ("{commands: [x, y]}", "command"),
        ("{plugins: [docker#v5]}", "command"),
        ("{type: script, command: x}", "command"),
        ("{type: command, command: x}", "command"),
        ("wait", "wait"),
        ("waiter", "wait"),
        ("{wait: ~}", "wait"),
        ("{waiter: ~, continue_on_failure: true}", "wait"),
        ("{type: wait}", "wait"),
        ("block", "block"),
        ("manual", "block"),
        ("{block: Go?}", "block"),
        ("{manual: Go?}", "block"),
        ("{type: block, label: Go?}", "block"),
        ("input", "input"),
        ("{input: Who?}", "input"),
        ("{trigger: other}", "trigger"),
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
    assert_eq!(good("steps: [{group: ~, label: g, steps: [wait]}]").steps[0].label.as_deref(), Some("g"));
}

#[test]
fn names_and_labels() {
    for field in ["key: k", "id: k", "identifier: k"] {
        assert_eq!(only(&format!("steps: [{{command: a, {field}}}]")).key.as_deref(), Some("k"));
    }
    for text in [
        "{command: a, label: L}",
        "{command: a, name: L}",
        "{block: L}",
        "{block: ~, label: L}",
        "{trigger: t, label: L}",
    ] {
        assert_eq!(only(&format!("steps: [{text}]")).label.as_deref(), Some("L"), "{text}");
    }
    assert_eq!(only("steps: [{command: a, label: ''}]").label, None);
}

#[test]
fn agents_are_rules_and_a_queue() {
    for form in ["{queue: q, os: linux, gpu: '*'}", "['queue=q', 'os=linux', 'gpu=*']"] {
        let job = &command(&format!("agents: {form}")).jobs[0];
        assert_eq!(job.queue.as_deref(), Some("q"));
        assert_eq!(job.rules, Env::from([("gpu".to_owned(), "*".to_owned()), ("os".to_owned(), "linux".to_owned())]));
    }
    let plan = good("agents: {queue: q, os: linux}\nsteps: [{command: x, agents: {os: mac}}]");
    let job = &command_of(&plan.steps[0]).jobs[0];
    assert_eq!((job.queue.as_deref(), job.rules["os"].as_str()), (Some("q"), "mac"));
}

#[test]
fn retries_and_failures() {
    let any = RetryRule { exit_status: None, signal: None, signal_reason: None, limit: 2 };
    for (written, rules) in [
        ("true", vec![any.clone()]),
        ("false", vec![]),
        ("{limit: 3}", vec![RetryRule { limit: 3, ..any.clone() }]),
        ("{exit_status: -1}", vec![RetryRule { exit_status: Some(vec![-1]), ..any.clone() }]),
        (
            "[{exit_status: [1, 2], limit: '0'}]",
            vec![RetryRule { exit_status: Some(vec![1, 2]), limit: 0, ..any.clone() }],
        ),
        ("[{exit_status: '*', signal: '*', signal_reason: '*'}]", vec![any.clone()]),
        (
            "[{signal: term, signal_reason: agent_stop}, {signal: SIGKILL, signal_reason: none}, {signal: none}]",
            vec![
                RetryRule {
                    signal: Some("SIGTERM".to_owned()),
                    signal_reason: Some("agent_stop".to_owned()),
                    ..any.clone()
                },
                RetryRule { signal: Some("SIGKILL".to_owned()), signal_reason: Some("none".to_owned()), ..any.clone() },
                RetryRule { signal: Some("none".to_owned()), ..any },
            ],
        ),
    ] {
        assert_eq!(command(&format!("retry: {{automatic: {written}}}")).automatic_retry, rules, "{written}");
    }
    let manual = |text: &str| command(&format!("retry: {{manual: {text}}}")).manual_retry;
    assert_eq!(manual("false"), ManualRetry { allowed: false, reason: None, permit_on_passed: true });
    let no = ManualRetry { allowed: false, reason: Some("no".to_owned()), permit_on_passed: false };
    assert_eq!(manual("{allowed: false, reason: no, permit_on_passed: false}"), no);
    for (written, expected) in [
        ("true", SoftFail::Always),
        ("false", SoftFail::Never),
        ("[]", SoftFail::Never),
        ("[{exit_status: 1}, {exit_status: [2, 3]}]", SoftFail::On(vec![1, 2, 3])),
        ("[{exit_status: '*'}]", SoftFail::Always),
    ] {
        assert_eq!(command(&format!("soft_fail: {written}")).soft_fail, expected, "{written}");
    }
}

#[test]
fn the_rest_of_a_command() {
    let work = command(
        "priority: -3, timeout: '5', cancel_on_build_failing: 'true', artifact_paths: ['a/*; b', c], concurrency: 1, \
         concurrency_group: g, concurrency_method: eager",
    );
    assert_eq!((work.priority, work.timeout_in_minutes, work.cancel_on_build_failing), (-3, Some(5), true));
    assert_eq!(work.artifact_paths, ["a/*", "b", "c"]);
    assert_eq!(work.concurrency, Some(Concurrency { group: "g".to_owned(), limit: 1, eager: true }));
    assert_eq!(command("artifacts: 'a;b'").artifact_paths, ["a", "b"]);
    assert_eq!(command("timeout_in_minutes: 0").timeout_in_minutes, None);
    assert_eq!(command_of(&good("priority: 4\nsteps: [{command: x}]").steps[0]).priority, 4);
}

#[test]
fn what_is_passed_on_has_one_form() {
    let passed = |field: &str| serde_json::to_string(&command(field).passed_on).expect("JSON");
    for (field, json) in [
        (
            "plugins: [docker#v5: {image: a, n: 1}, ./own]",
            r#"{"plugins":[{"github.com/buildkite-plugins/docker-buildkite-plugin#v5":{"image":"a","n":1}},{"./own":null}]}"#,
        ),
        ("plugins: {acme/x#1: ~}", r#"{"plugins":[{"github.com/acme/x-buildkite-plugin#1":null}]}"#),
        ("plugins: []", "{}"),
        ("secrets: [A]", r#"{"secrets":[{"environment_variable":"A","key":"A"}]}"#),
        ("secrets: {V: k}", r#"{"secrets":[{"environment_variable":"V","key":"k"}]}"#),
        ("cache: a", r#"{"cache":{"paths":["a"]}}"#),
        ("cache: false", r#"{"cache":false}"#),
        ("image: 'i:1'", r#"{"image":"i:1"}"#),
        ("checkout: {depth: 1}", r#"{"checkout":{"depth":1}}"#),
        (
            "signature: {value: s}",
            r#"{"signature":{"value":"s"},"signed_step":{"command":"x","signature":{"value":"s"}}}"#,
        ),
        ("notify: [{email: a}]", r#"{"notify":[{"email":"a"}]}"#),
    ] {
        assert_eq!(passed(field), json, "{field}");
    }
    let plan = good(
        "checkout: {depth: 1, lfs: true}\nsecrets: [A]\nimage: i\nsteps: [{command: x, checkout: {depth: 2}, secrets: [B]}]",
    );
    let passed_on = command_of(&plan.steps[0]).passed_on;
    assert_eq!(passed_on["checkout"], serde_json::json!({"depth": 2, "lfs": true}));
    assert_eq!(passed_on["secrets"].as_array().map(Vec::len), Some(2));
    assert_eq!(passed_on["image"], "i");
}

#[test]
fn questions() {
    let text = "steps: [{block: Go, prompt: P, submit: S, blocked_state: running, fields: [
      {text: Name, key: name, hint: H, required: false, default: ada, format: '[a-z]+'},
      {select: Where, key: where, multiple: true, default: [a, b], options: [{label: A, value: a}, {value: b}]}]}]";
    let field = Field {
        key: "name".to_owned(),
        label: Some("Name".to_owned()),
        hint: Some("H".to_owned()),
        required: false,
        default: Some("ada".to_owned()),
        format: Some("[a-z]+".to_owned()),
        options: vec![],
        multiple: false,
    };
    let options =
        [("A", "a"), ("b", "b")].map(|(label, value)| Choice { label: label.to_owned(), value: value.to_owned() });
    let select = Field {
        key: "where".to_owned(),
        label: Some("Where".to_owned()),
        hint: None,
        required: true,
        default: Some("a\nb".to_owned()),
        format: None,
        options: options.into(),
        multiple: true,
    };
    let question = Question {
        prompt: Some("P".to_owned()),
        submit: Some("S".to_owned()),
        fields: vec![field, select],
        blocked_state: BlockedState::Running,
    };
    assert_eq!(only(text).work, Work::Block(Box::new(question)));
}

#[test]
fn triggers() {
    let step = only(
        "steps: [{trigger: other, async: true, soft_fail: true, build: {message: m, commit: HEAD, branch: b, env: {A: 1}, meta_data: {k: 2}}}]",
    );
    let Work::Trigger(work) = step.work else { panic!("a trigger") };
    assert_eq!((work.pipeline.as_str(), work.is_async, work.soft_fail), ("other", true, SoftFail::Always));
    assert_eq!(
        (work.message.as_deref(), work.commit.as_deref(), work.branch.as_deref()),
        (Some("m"), Some("HEAD"), Some("b"))
    );
    assert_eq!((work.env["A"].as_str(), work.meta_data["k"].as_str()), ("1", "2"));
}

#[test]
fn wrong_fields_are_named_with_their_step_and_line() {
    assert_eq!(
        fault("steps:\n  - command: a\n  - command: b\n    plugin: [docker]\n"),
        "Step 2 of the pipeline (line 4): 'plugin' is not a field that is offered for this kind of step; take it out."
    );
    assert_eq!(
        fault("steps:\n  - command: a\n  - group: g\n    steps:\n      - wait\n      - retry: 1\n        command: x\n"),
        "Step 2 of the pipeline (line 6): member 2 of the group: 'retry' is not a map of 'automatic' and 'manual'."
    );
    for (text, part) in [
        ("", "neither a map with 'steps' nor a list"),
        ("5", "neither a map"),
        ("{}", "has no 'steps'"),
        ("stepz: []", "'stepz' is not a field that is offered at the top"),
        ("steps:", "'steps' is not a list"),
        ("steps: []", "has no step"),
        ("[]", "has no step"),
        ("steps: [[]]", "Step 1 of the pipeline (line 1): is not a map"),
        ("steps: [{}]", "has no 'command'"),
        ("steps: [{comand: x}]", "has no 'command' beside 'comand'"),
        ("steps: [waif]", "'waif' is not a step"),
        ("steps: [{type: foo}]", "'type' is none of"),
        ("steps: [{type: command}]", "has no 'command'"),
        ("steps: [{wait: ~, command: x, if: 'true', branches: a}]", "cannot be used together"),
        ("steps: [{wait: ~, skip: true}]", "'skip' is not a field"),
        ("steps: [{group: g}]", "a group needs 'steps'"),
        ("steps: [{group: g, steps: []}]", "a group needs 'steps'"),
        ("steps: [{group: g, steps: [{group: h, steps: [wait]}]}]", "cannot hold another group"),
        ("steps: [{group: g, label: h, steps: [wait]}]", "'group' and 'label' name it differently"),
        ("steps: [{block: b, allowed_teams: [a]}]", "there are no teams"),
        ("steps: [{block: b, blocked_state: x}]", "'blocked_state' is neither"),
        ("steps: [{block: b, fields: [{key: a}]}]", "either 'text' or 'select'"),
        ("steps: [{block: b, fields: [{text: a}]}]", "has no 'key'"),
        ("steps: [{block: b, fields: [{text: a, key: k}, {text: b, key: k}]}]", "have the key 'k'"),
        ("steps: [{block: b, fields: [{text: a, key: k, format: '('}]}]", "cannot be read"),
        ("steps: [{block: b, fields: [{select: a, key: k}]}]", "has no 'options'"),
        (
            "steps: [{block: b, fields: [{select: a, key: k, options: [{value: v}], default: w}]}]",
            "'w', which is not a value",
        ),
        ("steps: [{block: b, fields: [{select: a, key: k, options: [{value: v}, {value: v}]}]}]", "'v' twice"),
        ("steps: [{trigger: 'A b'}]", "'trigger' holds 'A'"),
        ("steps: [{trigger: }]", "'trigger' is empty"),
        ("steps: [{trigger: a, build: {foo: 1}}]", "'foo' is not a field that is offered in 'build'"),
        ("steps: [{command: ''}]", "'command' is empty"),
        ("steps: [{command: {a: b}}]", "'command' is neither"),
        ("steps: [{command: [[a]]}]", "'command' is neither"),
        ("steps: [{command: a, commands: b}]", "'command' and 'commands' are two names of one field"),
        ("steps: [{command: a, key: k, id: k}]", "'key' and 'id' are two names"),
        ("steps: [{command: a, key: k}, {command: b, key: k}]", "Step 2 of the pipeline (line 1): the key 'k'"),
        ("steps: [{command: a, key: 'a b'}]", "'key' is not 1 to 100"),
        ("steps: [{command: a, key: 0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77}]", "looks like a UUID"),
        ("steps: [{command: a, label: \"a\\u202Eb\"}]", "U+202E"),
        ("steps: [{command: \"a\\0b\"}]", "NUL"),
        ("steps: [{command: a, env: [A]}]", "'env' is not a map"),
        ("steps: [{command: a, env: {1A: b}}]", "'1A' in 'env'"),
        ("steps: [{command: a, env: {A: [b]}}]", "'A' in 'env' is a list or a map"),
        ("steps: [{command: a, env: {BUILDKITE_AGENT_ACCESS_TOKEN: b}}]", "BUILDKITE_"),
        ("env: {COUNTERSIGN_X: b}\nsteps: [{command: a}]", "COUNTERSIGN_"),
        ("steps: [{command: a, agents: linux}]", "'agents' is neither"),
        ("steps: [{command: a, agents: [gpu]}]", "'agents' is neither"),
        ("steps: [{command: a, agents: {queue: '*'}}]", "names a 'queue' that"),
        ("steps: [{command: a, agents: ['queue=a', 'queue=b']}]", "names 'queue' twice"),
        ("steps: [{command: a, parallelism: x}]", "'parallelism' is not a whole number from 0 to 10000"),
        ("steps: [{command: a, parallelism: 2, matrix: [a]}]", "cannot be used together"),
        ("steps: [{command: a, retry: {automatic: {limit: 11}}}]", "from 0 to 10"),
        ("steps: [{command: a, retry: {automatic: {exit_status: x}}}]", "'exit_status' is neither"),
        ("steps: [{command: a, retry: {automatic: {foo: 1}}}]", "'foo' in a rule of 'retry'"),
        ("steps: [{command: a, retry: {auto: true}}]", "'auto' is not a field that is offered in 'retry'"),
        ("steps: [{command: a, soft_fail: [1]}]", "'soft_fail' is neither"),
        ("steps: [{command: a, timeout_in_minutes: -1}]", "from 0 to 527040"),
        ("steps: [{command: a, concurrency: 1}]", "belong together"),
        ("steps: [{command: a, concurrency: 0, concurrency_group: g}]", "from 1 to"),
        ("steps: [{command: a, concurrency_group: g}]", "belong together"),
        ("steps: [{command: a, priority: high}]", "'priority' is not a whole number"),
        ("steps: [{command: a, cancel_on_build_failing: 1}]", "neither true nor false"),
        ("steps: [{command: a, depends_on: {a: b}}]", "'depends_on' is neither"),
        ("steps: [{command: a, depends_on: [{step: a, foo: 1}]}]", "in 'depends_on'"),
        ("steps: [{command: a, plugins: [{a: 1, b: 2}]}]", "more or fewer than one plugin"),
        ("steps: [{command: a, secrets: [{foo: 1}]}]", "'foo' is not a field of a secret"),
        ("steps: [{command: a, cache: true}]", "'cache' is neither"),
        ("steps: [{command: a, if: 'build.foo'}]", "'if' has 'build.foo' at character 1, which is no variable"),
        ("steps: [{command: a, if: 'build.message =~ /(/'}]", "(character 18)"),
        ("steps: [{command: a, matrix: {a: b}}]", "has no 'setup'"),
        ("steps: [{command: a, matrix: []}]", "has 0 values"),
        ("steps: [{command: a, matrix: [x, x]}]", "'x' twice"),
        ("steps: [{command: a, matrix: {setup: {'a b': [x]}}}]", "'a b' in 'matrix'"),
        (
            "steps: [{command: a, matrix: {setup: {a: [x]}, adjustments: [{with: {b: x}}]}}]",
            "'with' does not name each dimension",
        ),
        ("steps: [{command: a, matrix: {setup: [x], adjustments: [{with: x}, {with: x}]}}]", "the same combination"),
        ("steps: [{command: 'a {{matrix.b}}', matrix: [x]}]", "'{{matrix.b}}' names no dimension"),
    ] {
        let said = fault(text);
        assert!(said.contains(part), "{text} said: {said}");
    }
}
