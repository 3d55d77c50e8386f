//! `pipeline upload`, as far as it goes without a server: what is read, and what would be sent.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::stand::{Said, command, run};

fn upload(folder: &Path, arguments: &[&str], more: &[(&str, &str)]) -> Said {
    run(prepared(folder, arguments, more))
}

fn prepared(folder: &Path, arguments: &[&str], more: &[(&str, &str)]) -> Command {
    let mut command = command(&["pipeline", "upload"]);
    command.args(arguments).current_dir(folder).envs(more.iter().copied());
    command
}

#[test]
fn a_pipeline_is_found_read_and_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    upload(folder.path(), &["--dry-run"], &[]).must(1, &["there is no pipeline", ".buildkite/pipeline.yml"]);
    fs::create_dir(folder.path().join(".buildkite")).expect("made");
    let file = folder.path().join(".buildkite/pipeline.yml");
    fs::write(&file, "- command: echo $GREETING $$LATER\n- wait\n").expect("written");
    let variables = [("GREETING", "hello")];
    let printed = upload(folder.path(), &["--dry-run"], &variables).json();
    assert_eq!(printed, json!({ "steps": [{ "command": "echo hello $LATER" }, "wait"] }));
    let printed = upload(folder.path(), &["--dry-run", "--no-interpolation"], &variables).json();
    assert_eq!(printed["steps"][0]["command"], "echo $GREETING $$LATER");
    upload(folder.path(), &["--dry-run", "--format", "yaml"], &variables).must(0, &["command: echo hello $LATER"]);
    fs::write(folder.path().join("buildkite.json"), "[]").expect("written");
    upload(folder.path(), &["--dry-run"], &[]).must(1, &["more than one pipeline"]);
}

#[test]
fn several_files_documents_and_standard_input_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.yml"), "steps: [{command: a}]\n---\nsteps: [{command: b}]\n").expect("written");
    fs::write(folder.path().join("c.json"), r#"{"steps":[{"command":"c"}]}"#).expect("written");
    let said = upload(folder.path(), &["--dry-run", "a.yml", "c.json"], &[]);
    said.must(0, &[]);
    let printed: Vec<Value> =
        serde_json::Deserializer::from_str(&said.out).into_iter().collect::<Result<_, _>>().expect("JSON");
    let commands: Vec<_> = printed.iter().map(|document| document["steps"][0]["command"].clone()).collect();
    assert_eq!(commands, ["a", "b", "c"]);

    let mut piped = prepared(folder.path(), &["--dry-run"], &[]);
    let mut child = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    child.stdin.take().expect("piped").write_all(b"steps: [{command: piped}]").expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"piped\""));
}

#[test]
fn what_cannot_be_sent_is_refused_before_anything_is() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("bad.yml"), "steps: [").expect("written");
    upload(folder.path(), &["--dry-run", "bad.yml"], &[]).must(1, &["bad.yml"]);
    upload(folder.path(), &["--dry-run", "missing.yml"], &[]).must(1, &["missing.yml"]);
    fs::write(folder.path().join("good.yml"), "steps: [{command: echo $MY_TOKEN}]").expect("written");
    let job = [
        ("BUILDKITE_AGENT_ACCESS_TOKEN", "t"),
        ("BUILDKITE_AGENT_ENDPOINT", "http://127.0.0.1:1/v3"),
        ("BUILDKITE_JOB_ID", "j"),
        ("MY_TOKEN", "hunter2-hunter2"),
    ];
    let refused = upload(folder.path(), &["good.yml"], &job);
    refused.must(1, &["document 1", "--allow-secrets"]);
    assert!(!refused.talk.contains("hunter2"), "{refused:?}");
    upload(folder.path(), &["good.yml"], &[]).must(1, &["BUILDKITE_AGENT_ACCESS_TOKEN"]);
}

fn git(folder: &Path, arguments: &[&str]) {
    let settings = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").args(settings).args(arguments).current_dir(folder).output().expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn steps_that_no_changed_file_concerns_are_skipped() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let text = "steps: [{command: a, if_changed: 'src/**'}, {command: b, if_changed: '*.md'}, {command: c}]";
    fs::write(at.join("p.yml"), text).expect("written");
    let skipped = |arguments: &[&str], variables: &[(&str, &str)]| -> Vec<bool> {
        let printed = upload(at, &[&["--dry-run", "p.yml"], arguments].concat(), variables).json();
        assert!(!printed.to_string().contains("if_changed:") && printed["steps"][0].get("if_changed").is_none());
        printed["steps"].as_array().expect("steps").iter().map(|step| step.get("skip").is_some()).collect()
    };
    // No repository: nothing is known, and nothing is skipped.
    let ceiling = [("GIT_CEILING_DIRECTORIES", "/")];
    assert_eq!(skipped(&[], &ceiling), [false, false, false]);
    git(at, &["init", "--quiet"]);
    git(at, &["add", "p.yml"]);
    git(at, &["commit", "--quiet", "-m", "one"]);
    git(at, &["branch", "base"]);
    fs::create_dir(at.join("src")).expect("made");
    fs::write(at.join("src/\u{e4} b.rs"), "x").expect("written");
    git(at, &["add", "src"]);
    git(at, &["commit", "--quiet", "-m", "two"]);
    assert_eq!(skipped(&["--git-diff-base", "base"], &[]), [false, true, false]);
    // The same commit: its own change counts.
    assert_eq!(skipped(&["--git-diff-base", "main"], &[]), [false, true, false]);
    assert_eq!(skipped(&[], &[("BUILDKITE_GIT_DIFF_BASE", "base")]), [false, true, false]);
    // A commit that is not there, and the choice not to decide.
    assert_eq!(skipped(&["--git-diff-base", "nowhere"], &[]), [false, false, false]);
    assert_eq!(skipped(&["--git-diff-base", "base", "--apply-if-changed=false"], &[]), [false, false, false]);
    fs::write(at.join("changed"), "README.md\n").expect("written");
    assert_eq!(skipped(&["--changed-files-path", "changed"], &[]), [true, false, false]);
}
