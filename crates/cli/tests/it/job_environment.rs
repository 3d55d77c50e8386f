//! A job sees its job token and no other secret, and that token ends with the job.

use std::{collections::BTreeSet, fs, path::Path};

use countersign_testkit::Engine;
use serde_json::json;

use crate::stand::{Stand, bytes, http, wait_until};

/// Writes down what the job sees of itself and of its agent, and waits to be looked at.
const LOOK_AROUND: &str = r#"steps:
  - command: |
      env > seen-env
      tr '\0' '\n' < /proc/$PPID/environ > seen-parent-env 2>/dev/null || true
      tr '\0' ' ' < /proc/$PPID/cmdline > seen-parent-cmdline || true
      ls -l /proc/self/fd > seen-descriptors
      countersign meta-data set greeting hello
      countersign meta-data get greeting
      buildkite-agent meta-data get greeting
      countersign meta-data exists greeting
      countersign meta-data exists nothing || echo "missing ends with $?"
      countersign annotate "All **good**" --style success --context it
      for try in $(seq 600); do test -e ../../../../go-on && break; sleep 0.1; done
"#;

#[test]
fn the_job_token_and_nothing_else() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&[]);
        // Worst case: the token is given in the open, and the operator's other secrets are in the agent's environment too.
        let variables =
            [("COUNTERSIGN_AGENT_TOKEN", stand.agent_token()), ("COUNTERSIGN_USER_TOKEN", stand.user_token())];
        let agent = stand.agent_given("one", &[], &variables);
        agent.says("Connected");
        let pipeline = stand.pipeline("look.yml", LOOK_AROUND);
        let build = stand.ada(&["build", "create", "--pipeline", &pipeline, "--output", "json"]).json();
        let uuid = build["uuid"].as_str().expect("a uuid").to_owned();
        wait_until("the job has looked around", || find(&stand.path("builds"), "seen-descriptors").is_some());
        wait_until("the job has annotated", || {
            !stand.ada(&["build", "show", &uuid, "--output", "json"]).json()["annotations"]
                .as_array()
                .expect("a list")
                .is_empty()
        });

        let seen = fs::read_to_string(find(&stand.path("builds"), "seen-env").expect("written")).expect("text");
        let variable = |name: &str| {
            let lines = seen.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
            lines.unwrap_or_else(|| panic!("{name} is not set:\n{seen}")).to_owned()
        };
        let job_token = variable("BUILDKITE_AGENT_ACCESS_TOKEN");
        let job = variable("BUILDKITE_JOB_ID");
        assert!(job_token.starts_with("csnjt_"), "the job has a job token");
        assert_eq!(variable("BUILDKITE_REPO"), "none");

        // In what the job saw, in its files, and in every process below the agent.
        let mut looked_at = 0;
        let mut allowed: BTreeSet<String> = BTreeSet::new();
        let mut look = |what: &str, content: &[u8]| {
            looked_at += 1;
            let text = String::from_utf8_lossy(content);
            assert!(!text.contains(stand.agent_token()), "{what} holds the agent token");
            assert!(!text.contains(stand.user_token()), "{what} holds the user token");
            assert!(!text.contains("csnst_"), "{what} holds a session token");
            for value in
                text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("csn"))
            {
                allowed.insert(value.to_owned());
            }
        };
        each_file(&stand.path("builds"), &mut |path| look(&path.display().to_string(), &bytes(path)));
        let processes = below(agent.id());
        assert!(!processes.is_empty(), "the job runs");
        for process in &processes {
            for file in ["environ", "cmdline"] {
                look(&format!("{process}/{file}"), &bytes(Path::new(&format!("/proc/{process}/{file}"))));
            }
        }
        look("the agent's cmdline", &bytes(Path::new(&format!("/proc/{}/cmdline", agent.id()))));
        look("the agent's environ", &bytes(Path::new(&format!("/proc/{}/environ", agent.id()))));
        assert!(looked_at > 6, "only {looked_at} places were looked at");
        assert_eq!(allowed, BTreeSet::from([job_token.clone()]), "no other secret of ours is anywhere");

        let exists = |value: &str| {
            let url = format!("{}/v3/jobs/{job}/data/exists", stand.address());
            http("POST", &url, &format!("Token {value}"), &json!({ "key": "greeting" }))
        };
        assert_eq!(exists(&job_token).0, 200, "while the job runs");
        fs::write(stand.path("go-on"), "").expect("written");
        agent.says("Finished job");
        let (status, body) = exists(&job_token);
        assert_eq!(status, 401, "{body}");
        assert!(body.contains("expired"), "{body}");

        let shown = stand.ada(&["build", "show", &uuid]);
        shown.must(0, &["passed", "greeting", "hello", "All **good**"]);
        assert_eq!(agent.stop(), 0);
    }
}

/// Every process whose ancestor this one is.
fn below(root: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").expect("Linux").flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name may hold anything, so what follows its bracket counts.
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (id, parent)));
    }
    let mut found = vec![root];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
        at += 1;
    }
    found.split_off(1)
}

fn each_file(folder: &Path, then: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            each_file(&path, then);
        } else if kind.is_file() {
            then(&path);
        }
    }
}

fn find(folder: &Path, name: &str) -> Option<std::path::PathBuf> {
    let mut found = None;
    each_file(folder, &mut |path| {
        if path.file_name().is_some_and(|it| it == name) {
            found = Some(path.to_owned());
        }
    });
    found
}
