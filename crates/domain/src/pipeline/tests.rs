use std::time::Duration;

use super::*;

fn parse(text: &str) -> Result<Pipeline, PipelineError> {
    Pipeline::parse(text)
}

fn good(text: &str) -> Pipeline {
    parse(text).expect("a pipeline")
}

fn fault(text: &str) -> String {
    parse(text).expect_err("a fault").to_string()
}

#[test]
fn a_whole_pipeline_in_yaml() {
    let pipeline = good(
        r#"
# a comment
env:
  COLOUR: blue
agents:
  queue: linux
steps:
  - label: ":hammer: build"
    key: build
    command: make
  - name: test
    commands:
      - make test
      - echo "$HOME ${X:-y} $$"
    env: { EMPTY: , N: 1.10, B: true, NORWAY: NO, OCTAL: 0755, BIG: 1e3 }
    agents: ["queue=mac"]
"#,
    );
    assert_eq!(pipeline.env, Env::from([("COLOUR".to_owned(), "blue".to_owned())]));
    let [build, test] = pipeline.steps.as_slice() else { panic!("two steps") };
    assert_eq!(build.key.as_deref(), Some("build"));
    assert_eq!(build.label.as_deref(), Some(":hammer: build"));
    assert_eq!(build.command, "make");
    assert_eq!(build.queue.as_ref().map(QueueName::as_str), Some("linux"));
    assert_eq!(test.label.as_deref(), Some("test"));
    assert_eq!(test.command, "make test\necho \"$HOME ${X:-y} $$\"");
    assert_eq!(test.queue.as_ref().map(QueueName::as_str), Some("mac"));
    let env: Vec<(&str, &str)> = test.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let written = [("B", "true"), ("BIG", "1e3"), ("EMPTY", ""), ("N", "1.10"), ("NORWAY", "NO"), ("OCTAL", "0755")];
    assert_eq!(env, written);
}

#[test]
fn a_bare_list_and_blocks_of_text() {
    let pipeline = good("- command: |\n    one\n    two\n- command: [a, 2]\n");
    assert_eq!(pipeline.steps[0].command, "one\ntwo\n");
    assert_eq!(pipeline.steps[1].command, "a\n2");
    assert_eq!(pipeline.steps[0].queue, None);
}

#[test]
fn numbers_keep_their_characters_wherever_they_stand() {
    // What comes before shifts bytes against characters: a byte order mark, another alphabet, two-byte line ends.
    let before = "\u{FEFF}env:\r\n  A: é # ü\r\n  N: 1.10 # 2\r\nsteps:\r\n  - command: x\r\n";
    assert_eq!(good(before).env["N"], "1.10");
    assert_eq!(good("env: {A: \"\\u00e9\", N: -0x1F }\nsteps: [{command: 0o17}]").env["N"], "-0x1F");
    let aliased = good("env: {M: &n 1.10, N: *n}\nsteps: [{command: x}]");
    assert_eq!((aliased.env["M"].as_str(), aliased.env["N"].as_str()), ("1.10", "1.10"));
}

#[test]
fn words_are_no_booleans() {
    let Value::List(nodes) = tree::read("[NO, on, y, 'true', true, 5]").expect("a list").value else {
        panic!("a list")
    };
    let texts: Vec<bool> = nodes.iter().map(|node| matches!(node.value, Value::Text(_))).collect();
    assert_eq!(texts, [true, true, true, true, false, false]);
}

#[test]
fn json_is_read_as_json() {
    let pipeline = good(
        "{\n\t\"steps\": [{\"command\": \"echo \\ud83d\\ude00 \\/\", \"env\": {\"N\": 12, \"B\": false, \"Z\": null}}]}",
    );
    let step = &pipeline.steps[0];
    assert_eq!(step.command, "echo 😀 /");
    assert_eq!((step.env["N"].as_str(), step.env["B"].as_str(), step.env["Z"].as_str()), ("12", "false", ""));
    assert!(fault("{\"steps\": [{\"command\": \"x\", \"command\": \"y\"}]}").contains("command"));
    assert!(fault("{\"steps\": [{\"command\": \"x\", \"env\": {\"A\": 1, \"A\": 2}}]}").contains("line 1"));
}

#[test]
fn anchors_and_merge_keys_work() {
    let pipeline = good(
        "steps:\n  - &base\n    command: one\n    env: {A: '1'}\n  - <<: *base\n    command: two\n  - env: {B: '2'}\n    <<: *base\n",
    );
    assert_eq!(pipeline.steps[1].command, "two");
    assert_eq!(pipeline.steps[1].env["A"], "1");
    assert_eq!(pipeline.steps[2].env, Env::from([("B".to_owned(), "2".to_owned())]));
}

#[test]
fn a_pipeline_survives_json() {
    let pipeline = good("env: {A: b}\nsteps: [{command: x, agents: {queue: q}}]");
    let text = serde_json::to_string(&pipeline).expect("JSON");
    assert_eq!(serde_json::from_str::<Pipeline>(&text).expect("a pipeline"), pipeline);
}

#[test]
fn what_is_not_offered_is_named_with_its_step_and_line() {
    assert_eq!(
        fault("steps:\n  - command: a\n  - command: b\n    plugins: [docker]\n"),
        "Step 2 of the pipeline (line 4): 'plugins' is not a field that is offered yet; take it out."
    );
    assert_eq!(
        fault("steps:\n  - command: a\n  - wait\n"),
        "Step 2 of the pipeline (line 3): 'wait' is not a kind of step that is offered yet; only steps with a 'command' are."
    );
    for kind in ["wait: ~", "block: Go?", "input: x", "trigger: other", "group: g"] {
        let error = parse(&format!("steps: [{{{kind}}}]")).expect_err("not offered");
        assert_eq!(error.step, Some(1));
        assert!(error.problem.contains("kind of step"), "{error}");
    }
    for field in ["parallelism: 2", "matrix: [a]", "retry: {}", "if: 'true'", "depends_on: a", "x: &a 1"] {
        let error = parse(&format!("steps: [{{command: a, {field}}}]")).expect_err("not offered");
        assert!(error.problem.contains("not a field that is offered yet"), "{error}");
    }
    assert!(fault("notify: []\nsteps: [{command: a}]").contains("'notify'"));
}

#[test]
fn wrong_shapes_are_named() {
    for (text, part) in [
        ("", "neither a map with 'steps' nor a list"),
        ("5", "neither a map"),
        ("{}", "has no 'steps'"),
        ("steps:", "'steps' is not a list"),
        ("steps: []", "has no step"),
        ("[]", "has no step"),
        ("steps: [[]]", "Step 1 of the pipeline (line 1): is not a map"),
        ("steps: [{}]", "has no 'command'"),
        ("steps: [{label: x}]", "has no 'command'"),
        ("steps: [{command: ''}]", "'command' is empty"),
        ("steps: [{command: {a: b}}]", "'command' is neither"),
        ("steps: [{command: [[a]]}]", "'command' is neither"),
        ("steps: [{command: a, commands: b}]", "'command' is given twice"),
        ("steps: [{command: a, key: k, id: k}]", "'key' is given twice"),
        ("steps: [{command: a, key: k}, {command: b, key: k}]", "Step 2 of the pipeline (line 1): the key 'k'"),
        ("steps: [{command: a, key: 'a b'}]", "'key' is not 1 to 100"),
        ("steps: [{command: a, key: 0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77}]", "looks like a UUID"),
        ("steps: [{command: a, label: \"a\\u202Eb\"}]", "U+202E"),
        ("steps: [{command: \"a\\0b\"}]", "NUL"),
        ("steps: [{command: a, env: [A]}]", "'env' is not a map"),
        ("steps: [{command: a, env: {1A: b}}]", "'1A' in 'env'"),
        ("steps: [{command: a, env: {\"A=B\": b}}]", "'A=B' in 'env'"),
        ("steps: [{command: a, env: {\"\": b}}]", "'' in 'env'"),
        ("steps: [{command: a, env: {A: [b]}}]", "'A' in 'env' is a list or a map"),
        ("steps: [{command: a, env: {A: \"\\0\"}}]", "NUL"),
        ("steps: [{command: a, env: {BUILDKITE_AGENT_ACCESS_TOKEN: b}}]", "BUILDKITE_"),
        ("env: {COUNTERSIGN_X: b}\nsteps: [{command: a}]", "COUNTERSIGN_"),
        ("steps: [{command: a, agents: linux}]", "'agents' is neither"),
        ("steps: [{command: a, agents: [gpu]}]", "'agents' is neither"),
        ("steps: [{command: a, agents: {os: linux}}]", "'os' in 'agents'"),
        ("steps: [{command: a, agents: {queue: '*'}}]", "'queue' in 'agents'"),
        ("steps: [{command: a, agents: ['queue=a', 'queue=b']}]", "two queues"),
    ] {
        let said = fault(text);
        assert!(said.contains(part), "{text} said: {said}");
    }
}

#[test]
fn limits_hold_at_their_ends() {
    let steps = |n: usize| "- command: x\n".repeat(n);
    assert_eq!(good(&steps(MAX_STEPS)).steps.len(), MAX_STEPS);
    assert!(fault(&steps(MAX_STEPS + 1)).contains("501 steps"));
    let value = |n: usize| format!("env: {{A: {}}}\nsteps: [{{command: x}}]", "a".repeat(n));
    assert_eq!(good(&value(MAX_ENV_VALUE)).env["A"].len(), MAX_ENV_VALUE);
    assert!(fault(&value(MAX_ENV_VALUE + 1)).contains("65,536"));
    let variables =
        |n: usize| (0..n).fold("steps: [{command: x}]\nenv:\n".to_owned(), |text, i| text + &format!("  V{i}: x\n"));
    assert_eq!(good(&variables(MAX_ENV)).env.len(), MAX_ENV);
    assert!(fault(&variables(MAX_ENV + 1)).contains("1001 variables"));
    let aliases = |n: usize| {
        format!("steps: [{{command: &a x}}]\nenv: {{{}}}", (0..n).map(|i| format!("V{i}: *a, ")).collect::<String>())
    };
    assert_eq!(good(&aliases(MAX_ALIASES)).env["V99"], "x");
    assert!(fault(&aliases(MAX_ALIASES + 1)).contains("100 anchors and aliases"));
    let command = |n: usize| format!("- command: {}", "x".repeat(n - "- command: ".len()));
    assert!(parse(&command(MAX_TEXT)).is_ok());
    assert!(fault(&command(MAX_TEXT + 1)).contains("1048577 bytes"));
}

#[test]
fn the_example_is_a_pipeline() {
    let pipeline = good(include_str!("../../../../examples/pipeline.yml"));
    assert!(pipeline.steps.len() >= 3 && pipeline.steps.iter().all(|step| step.key.is_some()));
}

/// Ends with an error, in time. The limit is wide because tests run unoptimized on a busy machine.
fn fails_fast(what: &str, text: &str) -> String {
    let (send, done) = std::sync::mpsc::channel();
    let owned = text.to_owned();
    // Half the stack of a server's worker thread: what needs a deeper one could end the process there.
    let work = std::thread::Builder::new().name(what.to_owned()).stack_size(1024 * 1024);
    let thread = work.spawn(move || send.send(fault(&owned)).expect("someone waits")).expect("a thread");
    let said = done.recv_timeout(Duration::from_secs(5)).unwrap_or_else(|_| panic!("{what} took more than 5 s"));
    thread.join().expect("no panic");
    said
}

#[test]
fn texts_that_explode_end_fast_with_an_error() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for n in 1..=9 {
        let before = format!("*a{}, ", n - 1).repeat(9);
        laughs += &format!("a{n}: &a{n} [{}]\n", before.trim_end_matches(", "));
    }
    let said = fails_fast("billion laughs", &(laughs + "steps: *a9\n"));
    assert!(said.contains("too large or too deep"), "{said}");
    // Each anchor wraps ten lists around the one before: no line is deep, what they stand for is.
    let wrapped = |n: usize| format!("a{n}: &a{n} {}*a{}{}\n", "[".repeat(10), n - 1, "]".repeat(10));
    let deep_by_alias = "a0: &a0 x\n".to_owned() + &(1..=90).map(wrapped).collect::<String>();
    for (what, text) in [
        ("deep by alias", deep_by_alias),
        ("deep lists", "[".repeat(100_000)),
        ("deep lists, closed", "[".repeat(100_000) + &"]".repeat(100_000)),
        ("deep maps", "{a: ".repeat(100_000)),
        ("deep JSON maps", "{\"a\": ".repeat(100_000)),
        ("deep blocks", (0..1_000).map(|n| " ".repeat(n) + "a:\n").collect()),
        ("dashes", "- ".repeat(100_000)),
        ("many keys", (0..100_000).map(|n| format!("k{n}: v\n")).collect()),
        ("many JSON values", format!("[{}0]", "0,".repeat(300_000))),
        ("many aliases", format!("steps: [{{command: &a x}}]\nenv: [{}]", "*a, ".repeat(101))),
        ("many documents", "---\n- command: x\n".repeat(1_000)),
        ("itself", "steps: &a [*a]".to_owned()),
        ("a long key", format!("? {}\n: x", "k".repeat(900_000))),
        ("quotes without end", "\"".repeat(99_999)),
        ("comments without end", "#\n".repeat(500_000)),
    ] {
        let said = fails_fast(what, &text);
        assert!(said.len() < 600, "{what}: an error is a sentence, not a copy of its cause: {} bytes", said.len());
    }
}

#[test]
fn depth_is_counted_to_its_end() {
    let yaml = |levels: usize| (0..levels - 1).fold("x".to_owned(), |inner, _| format!("{{a: {inner}}}"));
    let json = |levels: usize| (0..levels - 1).fold("0".to_owned(), |inner, _| format!("{{\"a\": {inner}}}"));
    // As deep as it may be, so the fault is the field; one level more, and the fault is the depth.
    for deepest in [yaml(MAX_DEPTH), json(MAX_DEPTH)] {
        let said = fails_fast("deepest", &format!("[{deepest}]"));
        assert!(said.contains("'a' is not a field"), "{said}");
        let said = fails_fast("too deep", &format!("[[{deepest}]]"));
        assert!(said.contains("too large or too deep"), "{said}");
    }
}

#[test]
fn keys_given_twice_tags_and_unknown_anchors_are_refused() {
    assert!(fault("steps: [{command: a, command: b}]").contains("command"));
    assert!(fault("steps:\n  - command: a\nsteps:\n  - command: b\n").contains("steps"));
    for text in [
        "steps: [{command: !ruby/object x}]",
        "steps: !!python/tuple [{command: x}]",
        "steps: [{command: !include /etc/passwd}]",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert!(parse("steps: [*nobody]").is_err());
    assert!(fault("steps:\n\t- command: x").contains("line 2"));
}
