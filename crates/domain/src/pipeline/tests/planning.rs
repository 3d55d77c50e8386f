//! From steps to a plan.

use super::*;
use crate::plan::SoftFail;

#[test]
fn conditions_branches_and_skips_decide_what_takes_part() {
    let fate = |field: &str| {
        let plan = read_in(&format!("steps: [{{command: x, {field}}}]"), &situation()).expect("a plan");
        plan.steps[0].fate.clone()
    };
    for (field, expected) in [
        ("if: build.branch == 'main'", Fate::Run),
        ("if: build.branch == 'other'", Fate::Omitted),
        ("if: build.env('DEPLOY') == 'yes'", Fate::Run),
        ("if: true", Fate::Run),
        ("branches: main", Fate::Run),
        ("branches: ['release/*', '!main']", Fate::Omitted),
        ("skip: true", Fate::Skipped(String::new())),
        ("skip: not today", Fate::Skipped("not today".to_owned())),
        ("skip: ''", Fate::Run),
        ("skip: false", Fate::Run),
        ("skip: true, if: 'false'", Fate::Omitted),
        ("parallelism: 0", Fate::Skipped("'parallelism' is 0".to_owned())),
    ] {
        assert_eq!(fate(field), expected, "{field}");
    }
    let plan = read_in("steps: [{command: x, if: build.branch == 'main'}]", &situation()).expect("a plan");
    assert_eq!(plan.steps[0].condition.as_deref(), Some("build.branch == 'main'"));
    let error = read_in("steps:\n  - command: x\n    if: build.number", &situation()).expect_err("no truth");
    assert_eq!((error.step, error.line), (Some(1), Some(2)));
    assert!(error.problem.contains("a number ('build.number' at character 1)"), "{error}");
    let from_pipeline =
        "env: {DEPLOY: no, OWN: o}\nsteps: [{command: x, if: build.env('DEPLOY') == 'yes' && build.env('OWN') == 'o'}]";
    assert_eq!(read_in(from_pipeline, &situation()).expect("a plan").steps[0].fate, Fate::Run);
}

#[test]
fn parallel_jobs_are_numbered() {
    let step = only("steps: [{command: x, label: 'part %N of %t (%n)', parallelism: 3}]");
    let work = command_of(&step);
    let labels: Vec<_> = work.jobs.iter().map(|job| job.label.as_deref().unwrap_or_default()).collect();
    assert_eq!(labels, ["part 1 of 3 (0)", "part 2 of 3 (1)", "part 3 of 3 (2)"]);
    assert_eq!(work.jobs[2].parallel, Some((2, 3)));
    assert_eq!(step.label.as_deref(), Some("part %N of %t (%n)"));
    let alone = command_of(&only("steps: [{command: x, label: '100%n'}]"));
    assert_eq!((alone.jobs[0].label.as_deref(), alone.jobs[0].parallel), (Some("100%n"), None));
}

#[test]
fn a_matrix_is_multiplied_out() {
    let work = command_of(&only(
        "steps:
  - label: '{{matrix.os}} {{ matrix.v }}'
    command: test {{matrix.os}}-{{matrix.v}} {{other}}
    env: {V: '{{matrix.v}}'}
    agents: {queue: '{{matrix.os}}', os: '{{matrix.os}}'}
    plugins: [{'docker#{{matrix.v}}': {image: ['{{matrix.os}}']}}]
    matrix:
      setup: {os: [linux, mac], v: [1, 2]}
      adjustments:
        - with: {os: mac, v: 1}
          skip: no such mac
        - with: {os: mac, v: 2}
          soft_fail: true
        - with: {os: win, v: 3}
",
    ));
    let commands: Vec<&str> = work.jobs.iter().map(|job| job.command.as_str()).collect();
    let all = ["linux-1", "linux-2", "mac-1", "mac-2", "win-3"].map(|name| format!("test {name} {{{{other}}}}"));
    assert_eq!(commands, all);
    let (mac, win) = (&work.jobs[3], &work.jobs[4]);
    assert_eq!(work.jobs[2].skip.as_deref(), Some("no such mac"));
    assert_eq!((mac.soft_fail.clone(), mac.skip.clone()), (Some(SoftFail::Always), None));
    assert_eq!(
        (win.label.as_deref(), win.queue.as_deref(), win.rules["os"].as_str()),
        (Some("win 3"), Some("win"), "win")
    );
    assert_eq!(win.env["V"], "3");
    assert_eq!(win.matrix["os"], "win");
    let plugins = serde_json::json!([{"github.com/buildkite-plugins/docker-buildkite-plugin#3": {"image": ["win"]}}]);
    assert_eq!(win.plugins, Some(plugins));
    let anonymous = command_of(&only("steps: [{command: 'echo {{matrix}}', matrix: [a, 1.10]}]"));
    assert_eq!((anonymous.jobs[1].command.as_str(), anonymous.jobs[1].matrix[""].as_str()), ("echo 1.10", "1.10"));
    assert!(fault("steps: [{command: x, agents: {queue: '{{matrix}}'}, matrix: ['a b']}]").contains("'queue'"));
}

#[test]
fn limits_hold_at_their_ends() {
    let steps = |n: usize| "- command: x\n".repeat(n);
    assert_eq!(good(&steps(MAX_STEPS)).steps.len(), MAX_STEPS);
    assert!(fault(&steps(MAX_STEPS + 1)).contains("10001 steps; at most 10000"));
    let jobs = |n: usize| format!("steps: [{{command: x, parallelism: 9990}}, {{command: x, parallelism: {n}}}]");
    assert!(read(&jobs(10)).is_ok());
    assert!(fault(&jobs(11)).contains("10001 jobs; at most 10000"));
    let value = |n: usize| format!("env: {{A: {}}}\nsteps: [{{command: x}}]", "a".repeat(n));
    assert_eq!(good(&value(MAX_ENV_VALUE)).env["A"].len(), MAX_ENV_VALUE);
    assert!(fault(&value(MAX_ENV_VALUE + 1)).contains("65537 bytes; at most 65536"));
    let variables =
        |n: usize| (0..n).fold("steps: [{command: x}]\nenv:\n".to_owned(), |text, i| text + &format!("  V{i}: x\n"));
    assert_eq!(good(&variables(MAX_ENV)).env.len(), MAX_ENV);
    assert!(fault(&variables(MAX_ENV + 1)).contains("1001 variables"));
    let command = |n: usize| format!("- command: {}", "x".repeat(n - "- command: ".len()));
    assert!(read(&command(MAX_TEXT)).is_ok());
    assert!(fault(&command(MAX_TEXT + 1)).contains("1048577 bytes"));
    let list = |n: usize| (0..n).map(|i| format!("{i}, ")).collect::<String>();
    let matrix = |setup: &str| format!("steps: [{{command: x, matrix: {{setup: {setup}}}}}]");
    assert_eq!(command_of(&only(&matrix(&format!("[{}]", list(25))))).jobs.len(), 25);
    assert!(fault(&matrix(&format!("[{}]", list(26)))).contains("26 values"));
    assert_eq!(command_of(&only(&matrix(&format!("{{a: [{}], b: [1, 2]}}", list(25))))).jobs.len(), 50);
    assert!(fault(&matrix(&format!("{{a: [{}], b: [1, 2, 3]}}", list(17)))).contains("more than 50 jobs"));
    let six = "a: [1], b: [1], c: [1], d: [1], e: [1], f: [1]";
    assert!(read(&matrix(&format!("{{{six}}}"))).is_ok());
    assert!(fault(&matrix(&format!("{{{six}, g: [1]}}"))).contains("7 dimensions"));
    let all = ["a", "b", "c", "d", "e", "f"].map(|name| format!("{name}: [{}]", list(25))).join(", ");
    assert!(fault(&matrix(&format!("{{{all}}}"))).contains("more than 50 jobs"));
    assert!(read(&format!("steps: [{{command: x, matrix: [{}]}}]", "v".repeat(MAX_MATRIX_VALUE))).is_ok());
    assert!(
        fault(&format!("steps: [{{command: x, matrix: [{}]}}]", "v".repeat(MAX_MATRIX_VALUE + 1)))
            .contains("128 bytes")
    );
    let adjusted = |n: usize| {
        let with: String = (0..n).map(|i| format!("{{with: w{i}}}, ")).collect();
        format!("steps: [{{command: x, matrix: {{setup: [a], adjustments: [{with}]}}}}]")
    };
    assert_eq!(command_of(&only(&adjusted(MAX_ADJUSTMENTS))).jobs.len(), 13);
    assert!(fault(&adjusted(MAX_ADJUSTMENTS + 1)).contains("13 items"));
    let expressions =
        |n: usize| (0..n).map(|i| format!("- command: x\n  if: build.message =~ /a{i}/\n")).collect::<String>();
    assert!(read(&expressions(MAX_REGEXES)).is_ok());
    assert!(fault(&expressions(MAX_REGEXES + 1)).contains("one regular expression too many"));
}

#[test]
fn dependencies_take_each_form() {
    let after = |field: &str| {
        let plan = good(&format!("steps: [{{command: a, key: a}}, {{command: b, key: b}}, {{command: c{field}}}]"));
        plan.steps[2].depends_on.clone()
    };
    assert_eq!(after(""), None);
    assert_eq!(after(", depends_on: ~"), Some(vec![]));
    assert_eq!(after(", depends_on: []"), Some(vec![]));
    assert_eq!(after(", depends_on: a"), Some(vec![on("a")]));
    assert_eq!(after(", depends_on: [b, a, b]"), Some(vec![on("b"), on("a")]));
    let allowed = Dependency { allow_failure: true, ..on("a") };
    assert_eq!(
        after(", depends_on: [{step: a, allow_failure: true}, {step: b}]"),
        Some(vec![allowed.clone(), on("b")])
    );
    assert_eq!(after(", depends_on: {step: a, allow_failure: true}"), Some(vec![allowed]));
    assert_eq!(after(", depends_on: [{step: a, allow_failure: true}, a]"), Some(vec![on("a")]));
    let earlier = read_in("steps: [{command: x, depends_on: earlier}]", &situation());
    assert_eq!(earlier.expect("a plan").steps[0].depends_on, Some(vec![on("earlier")]));
}

#[test]
fn what_is_named_must_be_there_and_be_one() {
    assert_eq!(
        fault("steps:\n  - command: a\n  - command: b\n    depends_on: [bulid]\n"),
        "Step 2 of the pipeline (line 3): 'depends_on' names 'bulid', which is the key of no step or group."
    );
    let taken = read_in("steps: [{command: x, key: earlier}]", &situation()).expect_err("taken").to_string();
    assert!(taken.contains("'earlier' belongs to a step that is in the build already"), "{taken}");
    assert!(fault("steps: [{command: x, key: k}, {group: g, key: k, steps: [wait]}]").contains("Step 2"));
}

#[test]
fn steps_that_wait_for_themselves_are_named() {
    for (text, part) in [
        ("[{command: x, key: a, depends_on: a}]", "waits for itself: 'a' → 'a'"),
        (
            "[{command: x, key: a, depends_on: c}, {command: x, key: b, depends_on: a}, {command: x, key: c, depends_on: b}]",
            "waits for itself: 'a' → 'c' → 'b' → 'a'",
        ),
        ("[{group: g, key: g, steps: [{command: x, key: m, depends_on: g}]}]", "'g' → 'm' → 'g'"),
        ("[{group: g, key: g, depends_on: m, steps: [{command: x, key: m}]}]", "'m' → 'm'"),
        ("[{command: x, key: a, depends_on: b}, wait, {command: x, key: b}]", "'a' → 'b' → the wait of line 1 → 'a'"),
        ("[{command: x, key: a, depends_on: b}, {block: ok, key: b}]", "'a' → 'b' → 'a'"),
    ] {
        let said = fault(&format!("steps: {text}"));
        assert!(said.contains(part), "{text} said: {said}");
    }
    for text in [
        "[{command: x, key: a, depends_on: b}, {command: x, key: b}]",
        "[{command: x, key: a, depends_on: b}, {wait: ~, if: 'false'}, {command: x, key: b}]",
        "[{command: x, key: a, depends_on: b}, wait, {command: x, key: b, depends_on: []}]",
        "[{command: x, key: a, depends_on: b}, {input: who, key: b}]",
        "[{group: g, key: g, steps: [{command: x}, wait, {command: y}]}, {command: z, depends_on: g}]",
    ] {
        good(&format!("steps: {text}"));
    }
    let chain: String =
        (0..9_000).map(|n| format!("{{command: x, key: k{n}, depends_on: k{}}}, ", (n + 1) % 9_000)).collect();
    let said = fault(&format!("steps: [{chain}]"));
    assert!(said.contains("8990 more") && said.len() < 300, "{said}");
}

#[test]
fn a_group_hands_on_what_it_says() {
    let plan = good(
        "steps: [{command: x, key: a}, {command: y, key: b},
          {group: G, key: g, depends_on: a, skip: later, allow_dependency_failure: true, if: 'true', steps: [
            {command: m1}, {command: m2, depends_on: b, skip: own}, wait, {command: m3}, {command: m4, depends_on: b}]}]",
    );
    let [_, _, group, first, second, wait, third, fourth] = plan.steps.as_slice() else { panic!("eight steps") };
    assert_eq!((&group.work, group.group, group.depends_on.clone()), (&Work::Group, None, Some(vec![on("a")])));
    assert_eq!((first.group, first.depends_on.clone()), (Some(2), Some(vec![on("a")])));
    assert_eq!(second.depends_on, Some(vec![on("b"), on("a")]));
    // What stands behind the wait waits for it, and so for what the group waits for.
    assert_eq!((wait.depends_on.clone(), third.depends_on.clone()), (None, None));
    assert_eq!(fourth.depends_on, Some(vec![on("b"), on("a")]));
    assert_eq!((&first.fate, &second.fate), (&Fate::Skipped("later".to_owned()), &Fate::Skipped("own".to_owned())));
    assert!(first.allow_dependency_failure);
    assert_eq!(first.condition.as_deref(), Some("true"));
    let omitted = good("steps: [{group: G, if: 'false', steps: [{command: m, if: build.number}]}]");
    assert!(omitted.steps.iter().all(|step| step.fate == Fate::Omitted));
    let at_once = good("steps: [{group: G, depends_on: [], steps: [{command: m}]}]");
    assert_eq!(at_once.steps[1].depends_on, Some(vec![]));
    let wait_first = good("steps: [{command: x, key: a}, {group: G, depends_on: a, steps: [wait, {command: m}]}]");
    assert_eq!(
        (wait_first.steps[2].depends_on.clone(), wait_first.steps[3].depends_on.clone()),
        (Some(vec![on("a")]), None)
    );
}

#[test]
fn ten_thousand_steps_in_a_graph() {
    let mut text = "steps:\n".to_owned();
    for n in 0..MAX_STEPS {
        text += &format!("  - key: s{n}\n    command: echo {n}\n");
        if n > 1 {
            text += &format!("    depends_on: [s{}, s{}]\n", n - 1, n / 2);
        }
    }
    let plan = good(&text);
    assert_eq!(plan.steps.len(), MAX_STEPS);
    assert_eq!(plan.steps.last().and_then(|step| step.depends_on.as_ref()).map(Vec::len), Some(2));
}

#[test]
fn the_example_is_a_pipeline() {
    let plan = good(include_str!("../../../../../examples/pipeline.yml"));
    assert!(plan.steps.len() >= 3 && plan.steps.iter().all(|step| step.key.is_some()));
}
