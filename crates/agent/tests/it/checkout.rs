//! Checkouts of a local repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::stand::{Stand, job};

/// A repository with two commits on `main`, and one on `side`.
struct Repository {
    folder: PathBuf,
    first: String,
    second: String,
    side: String,
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder);
    for name in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"] {
        command.env(name, "Ada");
    }
    for name in ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
        command.env(name, "ada@example.com");
    }
    let output = command.output().expect("git is there");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Repository {
    fn new(base: &Path) -> Self {
        let folder = base.join("origin");
        fs::create_dir(&folder).expect("made");
        git(&folder, &["init", "--quiet", "--initial-branch=main"]);
        let commit = |name: &str| {
            fs::write(folder.join(name), name).expect("written");
            git(&folder, &["add", "--all"]);
            git(&folder, &["commit", "--quiet", "--message", &format!("Adds {name}")]);
            git(&folder, &["rev-parse", "HEAD"])
        };
        let first = commit("one");
        git(&folder, &["checkout", "--quiet", "-b", "side"]);
        let side = commit("side");
        git(&folder, &["checkout", "--quiet", "main"]);
        fs::create_dir_all(folder.join(".buildkite/hooks")).expect("made");
        fs::write(folder.join(".buildkite/hooks/pre-command"), "touch hook-ran").expect("written");
        let second = commit("two");
        Self { folder, first, second, side }
    }

    fn job(&self, id: &str, command: &str, commit: &str, branch: &str) -> Value {
        let mut job = job(id, command);
        job["env"]["BUILDKITE_REPO"] = json!(self.folder);
        job["env"]["BUILDKITE_COMMIT"] = json!(commit);
        job["env"]["BUILDKITE_BRANCH"] = json!(branch);
        job
    }
}

/// What a job looks around for.
const LOOK: &str = "ls; git rev-parse HEAD; echo \"commit $BUILDKITE_COMMIT\"; pwd > \"$BUILDKITE_BUILD_PATH/seen\"; touch left; echo changed > one";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_chosen_commit_is_there_and_the_folder_is_clean() {
    let base = tempfile::tempdir().expect("a folder");
    let origin = Repository::new(base.path());
    let mut stand = Stand::start(&[], |state| {
        state.jobs.push_back(origin.job("j1", LOOK, "HEAD", "main"));
        state.jobs.push_back(origin.job("j2", LOOK, &origin.first, "main"));
        state.jobs.push_back(origin.job("j3", LOOK, "HEAD", "side"));
        state.jobs.push_back(origin.job("j4", LOOK, &origin.side[..10], ""));
    })
    .await;
    stand.until("the jobs are finished", |state| !state.finishes("j4").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    for (id, commit, files, set) in [
        ("j1", &origin.second, "one\ntwo\n", origin.second.as_str()),
        ("j2", &origin.first, "one\n", &origin.first),
        ("j3", &origin.side, "one\nside\n", &origin.side),
        ("j4", &origin.side, "one\nside\n", &origin.side[..10]),
    ] {
        let log = state.log(id);
        assert_eq!(state.finishes(id)[0]["exit_status"], json!("0"), "{log}");
        assert!(log.contains(&format!("Checked out {commit}\n")), "{log}");
        assert!(log.ends_with(&format!("{files}{commit}\ncommit {set}\n")), "{log}");
        assert_eq!(log.contains("hooks in .buildkite/hooks are not run"), id == "j1", "{log}");
    }
    let said = state.named("POST /jobs/j1/data/set")[0].json();
    assert_eq!(said["key"], "buildkite:git:commit");
    let description = said["value"].as_str().expect("text");
    let start = format!("commit {}\nabbrev-commit {}", origin.second, &origin.second[..7]);
    assert!(description.starts_with(&start), "{description}");
    assert!(description.ends_with("\nAuthor: Ada <ada@example.com>\n\n    Adds two"), "{description}");
    assert_eq!(state.count("POST /jobs/j2/data/set"), 0, "the build knows already");
    let seen = fs::read_to_string(stand.folder.path().join("builds/seen")).expect("written");
    assert_eq!(Path::new(seen.trim()), stand.checkout().canonicalize().expect("there"));
    assert!(!stand.checkout().join("hook-ran").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_checked_out_fails_the_job_and_says_why() {
    let base = tempfile::tempdir().expect("a folder");
    let origin = Repository::new(base.path());
    let missing = "0123456789012345678901234567890123456789";
    let mut hostile = origin.job("j3", "touch ran", "HEAD", "main");
    hostile["env"]["BUILDKITE_BRANCH"] = json!("--upload-pack=touch /tmp/countersign-hostile");
    let mut program = origin.job("j4", "touch ran", "HEAD", "main");
    program["env"]["BUILDKITE_REPO"] = json!("ext::sh -c touch% /tmp/countersign-hostile");
    let mut stand = Stand::start(&[], |state| {
        state.jobs.push_back(origin.job("j1", "touch ran", missing, "main"));
        state.jobs.push_back(origin.job("j2", "touch ran", "HEAD", "no-such-branch"));
        state.jobs.push_back(hostile);
        state.jobs.push_back(program);
    })
    .await;
    stand.until("the jobs are finished", |state| !state.finishes("j4").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    for (id, words, reason) in [
        ("j1", "is not in the repository", "process_run_error"),
        ("j2", "3 times in a row", "process_run_error"),
        ("j3", "BUILDKITE_BRANCH begins with a dash", "agent_refused"),
        ("j4", "BUILDKITE_REPO names a program", "agent_refused"),
    ] {
        let (log, finish) = (state.log(id), &state.finishes(id)[0]);
        assert!(log.contains("There is no checkout: ") && log.contains(words), "{id}: {log}");
        assert_eq!((&finish["exit_status"], &finish["signal_reason"]), (&json!("-1"), &json!(reason)), "{id}");
    }
    assert!(!stand.checkout().join("ran").exists() && !Path::new("/tmp/countersign-hostile").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_folder_is_made_anew_and_nothing_in_it_is_run() {
    let base = tempfile::tempdir().expect("a folder");
    let origin = Repository::new(base.path());
    let spoil = "echo broken > .git/index; touch .git/index.lock; printf '#!/bin/sh\\ntouch \"$BUILDKITE_BUILD_PATH/hook-ran\"\\n' \
                 > .git/hooks/post-checkout; chmod +x .git/hooks/post-checkout";
    let mut stand = Stand::start(&[], |state| {
        state.jobs.push_back(origin.job("j1", spoil, "HEAD", "main"));
        state.jobs.push_back(origin.job("j2", "ls", "HEAD", "main"));
    })
    .await;
    stand.until("the jobs are finished", |state| !state.finishes("j2").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    assert_eq!(state.finishes("j2")[0]["exit_status"], json!("0"), "{}", state.log("j2"));
    assert!(state.log("j2").contains("trying again"), "{}", state.log("j2"));
    assert!(!stand.folder.path().join("builds/hook-ran").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_a_job_leaves_do_nothing_to_the_next() {
    let base = tempfile::tempdir().expect("a folder");
    let origin = Repository::new(base.path());
    // Each of these makes git run a program, or work elsewhere, at the next checkout.
    let spoil = "mark=\"touch $BUILDKITE_BUILD_PATH/ran\"; mkdir -p .git/info \"$BUILDKITE_BUILD_PATH/elsewhere\"; \
                 touch \"$BUILDKITE_BUILD_PATH/elsewhere/kept\"; \
                 git config remote.origin.uploadpack \"$mark-uploadpack; git-upload-pack\"; \
                 git config filter.spoil.smudge \"$mark-smudge; cat\"; echo '* filter=spoil' > .git/info/attributes; \
                 git config core.sshCommand \"$mark-ssh\"; git config credential.helper \"!$mark-helper\"; \
                 git config url./nowhere/.insteadOf /; git update-index --skip-worktree one; echo changed > one";
    let elsewhere = "git config core.worktree \"$BUILDKITE_BUILD_PATH/elsewhere\"";
    let mut stand = Stand::start(&[], |state| {
        state.jobs.push_back(origin.job("j1", spoil, "HEAD", "main"));
        state.jobs.push_back(origin.job("j2", &format!("cat one; {elsewhere}"), "HEAD", "main"));
        state.jobs.push_back(origin.job("j3", "ls", &origin.side, "side"));
    })
    .await;
    stand.until("the jobs are finished", |state| !state.finishes("j3").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    for id in ["j1", "j2", "j3"] {
        assert_eq!(state.finishes(id)[0]["exit_status"], json!("0"), "{id}: {}", state.log(id));
    }
    assert!(!state.log("j2").contains("changed"), "{}", state.log("j2"));
    assert!(!state.log("j3").contains("trying again"), "{}", state.log("j3"));
    let builds = stand.folder.path().join("builds");
    let ran: Vec<_> = ["uploadpack", "smudge", "ssh", "helper"]
        .into_iter()
        .filter(|it| builds.join(format!("ran-{it}")).exists())
        .collect();
    assert!(ran.is_empty(), "{ran:?} ran");
    assert!(builds.join("elsewhere/kept").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkout_is_cancelled_like_any_process() {
    let base = tempfile::tempdir().expect("a folder");
    let origin = Repository::new(base.path());
    let mut slow = origin.job("j1", "touch ran", "HEAD", "main");
    // A repository behind a connection that never says anything.
    slow["env"]["BUILDKITE_REPO"] = json!("ssh://host.invalid/x");
    slow["env"]["GIT_SSH_COMMAND"] = json!("sleep 1000 #");
    let mut stand = Stand::start(&[], |state| state.jobs.push_back(slow)).await;
    stand.until("the job runs", |state| state.count("GET /jobs/j1") > 0).await;
    stand.fake.state().job_state = "canceling";
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    assert_eq!(state.finishes("j1")[0]["signal_reason"], json!("cancel"));
    assert!(state.log("j1").contains("The job was cancelled."), "{}", state.log("j1"));
}
