//! What people do with builds, pipelines and queues.

use countersign_testkit::Engine;
use rustix::process::Signal;
use serde_json::Value;

use crate::stand::{Stand, wait_until};

const STEPS: &str = r#"steps:
  - label: First
    key: first
    command: |
      printf '\033[31mred\033[0m \033]0;title\007plain\n'
      echo "$RELEASE on $BUILDKITE_BRANCH because $(countersign meta-data get reason)"
  - block: Go
    key: go
    fields:
      - { select: Where, key: where, multiple: true, options: [{ value: oslo }, { value: rome }] }
      - { text: Why, key: why, required: false }
  - { label: Last, command: "echo last; exit 7" }
"#;

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

/// The uuid of a job, by its label.
fn job(build: &Value, label: &str) -> String {
    let edges = build["jobs"]["edges"].as_array().cloned().unwrap_or_default();
    let found = edges.into_iter().map(|edge| edge["node"].clone()).find(|job| job["label"] == label);
    text(&found.unwrap_or_else(|| panic!("no job {label} in {build}")), "uuid")
}

#[test]
fn a_build_from_its_making_to_its_repetition() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&[]);
        let agent = stand.agent("one", stand.agent_token(), &[]);
        agent.says("Connected");
        let steps = stand.pipeline("web.yml", STEPS);
        let made = stand.ada(&["pipeline", "create", "Web site", "--slug", "web", "--steps", &steps]);
        made.must(0, &["pipeline web: Web site", "main"]);
        let words = ["--branch", "dev", "--env", "RELEASE=yes", "--meta-data", "reason=nightly", "--message", "hello"];
        let create = ["build", "create", "--pipeline", "web", "--output", "json"];
        let build = stand.ada(&[&create[..], &words[..]].concat()).json();
        assert_eq!((&build["number"], text(&build, "branch").as_str()), (&Value::from(1), "dev"));

        let watching = stand.ada_stays("watch", &["build", "watch", "web/1"]);
        watching.says("Go waits for somebody");
        let shown = stand.ada(&["build", "show", "web/1", "--output", "json"]).json();
        let block = job(&shown, "Go");
        stand.ada(&["build", "show", "web#1"]).must(0, &["It waits for somebody", &block, "reason", "nightly"]);
        stand
            .ada(&["build", "unblock", &block])
            .must(2, &["fields.where", "--field where=oslo|rome", "--field why=TEXT"]);
        stand.ada(&["build", "unblock", &block, "--field", "where=atlantis"]).must(2, &["fields.where"]);
        stand.ada(&["build", "unblock", &job(&shown, "First")]).must(6, &["asks nobody"]);
        let answer = ["build", "unblock", &block, "--field", "where=oslo", "--field", "where=rome"];
        stand.ada(&answer).must(0, &["Go is unblocked."]);
        stand.ada(&answer).must(6, &["does not ask any more"]);
        assert_eq!(watching.end(), 10, "{}", watching.log());
        let watched = watching.log();
        for words in ["First on one", "blocked", "unblocked", "Last on one, exit 7", "Build 1 failed"] {
            assert!(watched.contains(words), "no {words} in:\n{watched}");
        }

        let log = stand.ada(&["build", "log", "web/1"]);
        log.must(0, &["--- First on one", "--- Last on one", "yes on dev because nightly", "last"]);
        assert!(log.out.contains("\u{1b}[31mred\u{1b}[0m plain") && !log.out.contains("title"), "{log:#?}");
        let raw = stand.ada(&["build", "log", "web/1", "--job", "first", "--raw"]);
        assert!(raw.out.contains("\u{1b}]0;title\u{7}") && !raw.out.contains("last"), "{raw:#?}");
        let followed = stand.ada(&["build", "log", "web/1", "--job", "Last", "--follow"]);
        assert_eq!((followed.exit, followed.out.replace('\r', "").as_str()), (0, "last\n"));
        let listed = stand.ada(&["build", "log", "web/1", "--output", "json"]).json();
        assert!(text(&listed[0], "log").contains("yes on dev") && listed[1]["name"] == "Last", "{listed}");

        let shown = stand.ada(&["build", "show", "web/1", "--output", "json"]).json();
        let last = job(&shown, "Last");
        stand.ada(&["build", "retry", &last]).must(0, &["Last runs again: "]);
        stand.ada(&["build", "retry", &last]).must(6, &["again already"]);
        stand.ada(&["build", "watch", "web/1"]).must(10, &["Build 1 failed"]);

        let again = stand.ada(&["build", "rebuild", "web/1", "--output", "json"]).json();
        assert_eq!((&again["number"], text(&again, "branch").as_str()), (&Value::from(2), "dev"));
        stand.ada(&["build", "cancel", "web/2"]).must(0, &["Build 2 is cancel"]);
        stand.ada(&["build", "watch", "web/2", "--output", "json"]).must(11, &["\"CANCELED\""]);
        stand.ada(&["build", "cancel", "web/2"]).must(6, &["has ended"]);
        let one = stand.ada(&["build", "list", "--pipeline", "web", "--limit", "1"]);
        one.must(0, &["web/2", "canceled", "hello", "ada@example.com", "There are more than these 1"]);
        stand.ada(&["build", "list", "--state", "passed,not_run"]).must(0, &[]);
        stand.ada(&["pipeline", "show", "web"]).must(0, &["label: First", "web/1", "web/2"]);
    }
}

#[test]
fn a_pipeline_is_seen_and_changed() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    stand.ada(&["pipeline", "create", "Deploy app"]).must(0, &["pipeline deploy-app"]);
    stand.ada(&["pipeline", "create", "Deploy app"]).must(6, &["deploy-app already"]);
    stand.ada(&["pipeline", "show", "deploy-app"]).must(0, &["no steps of its own"]);
    stand.ada(&["build", "create", "--pipeline", "deploy-app"]).must(2, &["has no steps of its own"]);
    let steps = stand.pipeline("steps.yml", "steps: [{ command: make }]\n");
    let change = [
        "pipeline",
        "update",
        "deploy-app",
        "--name",
        "App",
        "--steps",
        &steps,
        "--repository",
        "https://git.example/a.git",
    ];
    stand.ada(&change).must(0, &["pipeline deploy-app: App", "https://git.example/a.git"]);
    stand.ada(&["pipeline", "list", "--search", "APP"]).must(0, &["deploy-app", "App"]);
    assert!(!stand.ada(&["pipeline", "list", "--search", "web"]).out.contains("deploy-app"));
    stand.ada(&["build", "create", "--pipeline", "deploy-app"]).must(0, &["Build 1: "]);
    let file = ["build", "create", "--pipeline", &steps, "--slug", "deploy-app", "--commit", "abc"];
    stand.ada(&file).must(0, &["Build 2: "]);
    stand.ada(&["build", "list", "--pipeline", "deploy-app"]).must(0, &["deploy-app/2", "abc", "deploy-app/1", "HEAD"]);
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let nobody = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77";
    let bad = stand.pipeline("bad.yml", "steps:\n  - comand: make\n");
    let good = stand.pipeline("good.yml", "steps: [{ command: make }]\n");
    for (exit, word, arguments) in [
        (5, "pipeline list", &["build", "create", "--pipeline", "nothing"][..]),
        (2, "A_B", &["build", "create", "--pipeline", "A_B"]),
        (2, "--slug is for", &["build", "create", "--pipeline", "web", "--slug", "x"]),
        (2, "NAME=VALUE", &["build", "create", "--pipeline", &good, "--env", "NOTHING"]),
        (2, "env", &["build", "create", "--pipeline", &good, "--env", "1A=x"]),
        (2, "branch", &["build", "create", "--pipeline", &good, "--branch", "a\u{7}b"]),
        (2, "not_run", &["build", "list", "--state", "nonsense"]),
        (5, "pipeline list", &["build", "list", "--pipeline", "nothing"]),
        (2, "web/12", &["build", "watch", "nonsense"]),
        (5, "no build found", &["build", "watch", "web/1"]),
        (5, "no build found", &["build", "log", nobody]),
        (2, "--follow", &["build", "log", nobody, "--follow", "--raw"]),
        (5, "build", &["build", "rebuild", nobody]),
        (5, "job", &["build", "retry", nobody]),
        (5, "no job found", &["build", "unblock", nobody]),
        (2, "comand", &["pipeline", "create", "x", "--steps", &bad]),
        (2, "bad.yml", &["pipeline", "update", "x", "--steps", &bad]),
        (2, "--steps", &["pipeline", "update", "x"]),
        (5, "pipeline list", &["pipeline", "show", "nothing"]),
        (5, "queue list", &["queue", "pause", "nothing"]),
    ] {
        stand.ada(arguments).must(exit, &[word]);
    }
    stand.with_token("csnut_nonsense", &["build", "list"]).must(3, &[]);
    let made = stand.ada(&["build", "create", "--pipeline", &good, "--output", "json"]).json();
    stand.ada(&["build", "log", &text(&made, "uuid"), "--job", "nothing"]).must(5, &["build show"]);
    stand.ada(&["build", "log", "good/1"]).must(0, &[]);
}

#[test]
fn a_queue_is_paused_and_resumed() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let steps = stand.pipeline("steps.yml", "steps: [{ command: make, agents: { queue: linux } }]\n");
    stand.ada(&["build", "create", "--pipeline", &steps]).must(0, &[]);
    stand.ada(&["queue", "list"]).must(0, &["linux"]);
    stand.ada(&["queue", "pause", "linux", "--note", "New disks"]).must(0, &["Queue linux is paused."]);
    stand.ada(&["queue", "list"]).must(0, &["New disks"]);
    stand.ada(&["queue", "resume", "linux", "--deployment", "nowhere"]).must(5, &["no queue linux"]);
    stand.ada(&["queue", "resume", "linux"]).must(0, &["Queue linux goes on."]);
    let listed = stand.ada(&["queue", "list", "--output", "json"]).json();
    assert_eq!((&listed[0]["dispatchPaused"], &listed[0]["metrics"]["waitingJobsCount"]), (&false.into(), &1.into()));
}

#[test]
fn whoever_stops_watching_leaves_the_build_alone() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let steps = stand.pipeline("slow.yml", "steps: [{ label: Slow, command: make }]\n");
    let made = stand.ada(&["build", "create", "--pipeline", &steps, "--output", "json"]).json();
    let uuid = text(&made, "uuid");
    for arguments in
        [&["build", "watch", &uuid][..], &["build", "log", &uuid, "--follow"], &["build", "rebuild", &uuid, "--wait"]]
    {
        let watching = stand.ada_stays("watch", arguments);
        // With nothing to print yet, it is known by its handler of the signal alone.
        wait_until("it hears signals", || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", watching.id())).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
            u64::from_str_radix(caught.trim(), 16).is_ok_and(|mask| mask & 0b10 != 0)
        });
        watching.signal(Signal::INT);
        assert_eq!(watching.end(), 130, "{arguments:?}: {}", watching.log());
        assert!(watching.log().contains("goes on"), "{}", watching.log());
    }
    stand.ada(&["build", "show", &uuid]).must(0, &["scheduled"]);
}
