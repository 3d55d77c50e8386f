//! Text to tree: YAML, JSON, and texts that mean harm.

use std::time::Duration;

use super::*;

#[test]
fn a_whole_pipeline_in_yaml() {
    let plan = good(
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
    assert_eq!(plan.env, Env::from([("COLOUR".to_owned(), "blue".to_owned())]));
    let [build, test] = plan.steps.as_slice() else { panic!("two steps") };
    assert_eq!(build.key.as_deref(), Some("build"));
    assert_eq!(build.label.as_deref(), Some(":hammer: build"));
    assert_eq!(test.label.as_deref(), Some("test"));
    let (build, test) = (&command_of(build).jobs[0], &command_of(test).jobs[0]);
    assert_eq!((build.command.as_str(), build.queue.as_deref()), ("make", Some("linux")));
    assert_eq!(test.command, "make test\necho \"$HOME ${X:-y} $$\"");
    assert_eq!(test.queue.as_deref(), Some("mac"));
    let env: Vec<(&str, &str)> = test.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let written = [("B", "true"), ("BIG", "1e3"), ("EMPTY", ""), ("N", "1.10"), ("NORWAY", "NO"), ("OCTAL", "0755")];
    assert_eq!(env, written);
}

#[test]
fn a_bare_list_and_blocks_of_text() {
    let plan = good("- command: |\n    one\n    two\n- command: [a, 2]\n");
    assert_eq!(command_of(&plan.steps[0]).jobs[0].command, "one\ntwo\n");
    assert_eq!(command_of(&plan.steps[1]).jobs[0].command, "a\n2");
    assert_eq!(command_of(&plan.steps[0]).jobs[0].queue, None);
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
    let plan = good(
        "{\n\t\"steps\": [{\"command\": \"echo \\ud83d\\ude00 \\/\", \"env\": {\"N\": 12, \"B\": false, \"Z\": null}}]}",
    );
    let job = &command_of(&plan.steps[0]).jobs[0];
    assert_eq!(job.command, "echo 😀 /");
    assert_eq!((job.env["N"].as_str(), job.env["B"].as_str(), job.env["Z"].as_str()), ("12", "false", ""));
    assert!(fault("{\"steps\": [{\"command\": \"x\", \"command\": \"y\"}]}").contains("command"));
    assert!(fault("{\"steps\": [{\"command\": \"x\", \"env\": {\"A\": 1, \"A\": 2}}]}").contains("line 1"));
}

#[test]
fn anchors_and_merge_keys_work() {
    let plan = good(
        "common:\n  - &base\n    command: one\n    env: {A: '1'}\nsteps:\n  - <<: *base\n    command: two\n  - env: {B: '2'}\n    <<: *base\n",
    );
    let (first, second) = (&command_of(&plan.steps[0]).jobs[0], &command_of(&plan.steps[1]).jobs[0]);
    assert_eq!((first.command.as_str(), first.env["A"].as_str()), ("two", "1"));
    assert_eq!(second.env, Env::from([("B".to_owned(), "2".to_owned())]));
}

#[test]
fn a_plan_survives_json() {
    let plan = good(
        "env: {A: b}\nsteps: [{command: x, agents: {queue: q}, matrix: [a], plugins: [p#1: {a: [1, 1.5, ~]}]}, wait]",
    );
    let text = serde_json::to_string(&plan).expect("JSON");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("a plan"), plan);
}

#[test]
fn what_an_agent_uploads_is_read_alike() {
    let json = serde_json::json!({
        "env": {"A": "b"},
        "steps": [{"command": "x", "key": "a", "plugins": [{"github.com/a/b-buildkite-plugin#v1": null}]}, "wait",
            {"wait": null, "continue_on_failure": true}, {"group": null, "steps": [{"command": "y"}]}],
    });
    let pipeline = Pipeline::from_json(&json).expect("a pipeline");
    assert_eq!(pipeline.env()["A"], "b");
    assert_eq!(pipeline.plan(&Situation::default()).expect("a plan").steps.len(), 5);
    for (json, part) in [
        (serde_json::json!({"steps": [{"frobnicate": 1}]}), "Step 1 of the pipeline: has no 'command'"),
        (serde_json::json!({"steps": vec![serde_json::json!({"command": "x"}); MAX_UPLOADED_JOBS + 1]}), "501 jobs"),
        (serde_json::json!({"steps": [{"command": "x", "parallelism": 501}]}), "from 0 to 500"),
        (serde_json::json!({"steps": [{"command": "x".repeat(MAX_TEXT + 1)}]}), "1048576 bytes"),
        (serde_json::json!({"steps": vec![0; MAX_NODES]}), "too large or too deep"),
        (serde_json::json!(null), "neither a map"),
    ] {
        let error = Pipeline::from_json(&json).expect_err("a fault").to_string();
        assert!(error.contains(part), "{error}");
    }
    let deep = |levels: usize| (0..levels).fold(serde_json::json!(0), |inner, _| serde_json::json!([inner]));
    assert!(tree::json::tree(&deep(MAX_DEPTH)).is_ok());
    assert!(tree::json::tree(&deep(MAX_DEPTH + 1)).is_err());
}

/// Ends with an error, in time: as much as the largest text takes, many times over, for tests run unoptimized on busy machines.
/// What multiplies out takes hours.
fn fails_fast(what: &str, text: &str) -> String {
    let (send, done) = std::sync::mpsc::channel();
    let owned = text.to_owned();
    // Half the stack of a server's worker thread: what needs a deeper one could end the process there.
    let work = std::thread::Builder::new().name(what.to_owned()).stack_size(1024 * 1024);
    let thread = work.spawn(move || send.send(fault(&owned)).expect("someone waits")).expect("a thread");
    let said = done.recv_timeout(Duration::from_secs(90)).unwrap_or_else(|_| panic!("{what} took more than 90 s"));
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
    let long = "l".repeat(500_000);
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
        ("many aliases", format!("steps: [{{command: &a x}}]\nenv: [{}]", "*a, ".repeat(MAX_ALIASES + 1))),
        ("long aliases", format!("steps: [{{command: &a {long}}}{}]", ", {command: *a}".repeat(9_000))),
        ("many documents", "---\n- command: x\n".repeat(1_000)),
        ("itself", "steps: &a [*a]".to_owned()),
        ("a long key", format!("? {}\n: x", "k".repeat(900_000))),
        ("quotes without end", "\"".repeat(99_999)),
        ("comments without end", "#\n".repeat(500_000)),
        ("many jobs", "steps: [{command: x, parallelism: 10000}, {command: y}]".to_owned()),
        ("long jobs", format!("steps: [{{command: {}, parallelism: 10000}}]", &long[..5_000])),
        ("long condition", format!("steps: [{{command: x, if: '{}'}}]", "(".repeat(4_000))),
        ("many dependencies", many_dependencies()),
        ("much for all", format!("checkout: {{x: {}}}\nsteps: [{}]", &long[..5_000], "{command: x}, ".repeat(9_000))),
    ] {
        let said = fails_fast(what, &text);
        assert!(said.len() < 600, "{what}: an error is a sentence, not a copy of its cause: {} bytes", said.len());
    }
}

fn many_dependencies() -> String {
    let keys: String = (0..1_000).map(|n| format!("{{command: x, key: k{n}}}, ")).collect();
    let names: String = (0..1_000).map(|n| format!("k{n}, ")).collect();
    format!("steps: [{keys}{{group: g, depends_on: [{names}], steps: [{}]}}]", "{command: x}, ".repeat(1_000))
}

#[test]
fn depth_is_counted_to_its_end() {
    let yaml = |levels: usize| (0..levels - 1).fold("x".to_owned(), |inner, _| format!("{{a: {inner}}}"));
    let json = |levels: usize| (0..levels - 1).fold("0".to_owned(), |inner, _| format!("{{\"a\": {inner}}}"));
    // As deep as it may be, so the fault is the step; one level more, and the fault is the depth.
    for deepest in [yaml(MAX_DEPTH), json(MAX_DEPTH)] {
        let said = fails_fast("deepest", &format!("[{deepest}]"));
        assert!(said.contains("has no 'command'"), "{said}");
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
        assert!(read(text).is_err(), "{text}");
    }
    assert!(read("steps: [*nobody]").is_err());
    assert!(fault("steps:\n\t- command: x").contains("line 2"));
}
