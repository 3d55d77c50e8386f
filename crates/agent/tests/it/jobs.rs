//! Jobs that run, and jobs that are refused.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::json;

use crate::stand::{JOB_TOKEN, Stand, job, kept_from_jobs};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_runs_with_its_own_token_and_no_other() {
    let command = "env > environment; tr '\\0' '\\n' < /proc/$PPID/cmdline > parent; pwd; echo to stderr >&2; \
                   echo token: $BUILDKITE_AGENT_ACCESS_TOKEN; buildkite-agent linked; exit 3";
    let mut stand = Stand::start(&[], |state| state.jobs.push_back(job("j1", command))).await;
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;

    let state = stand.fake.state();
    let folder = stand.checkout();
    let shown = folder.canonicalize().expect("the folder stays");
    assert_eq!(state.log("j1"), format!("{}\nto stderr\ntoken: [REDACTED]\nlinked\n", shown.display()));
    let finish = &state.finishes("j1")[0];
    assert_eq!(
        (&finish["exit_status"], &finish["chunks_failed_count"], finish.get("signal")),
        (&json!("3"), &json!(0), None)
    );
    assert_eq!(fs::metadata(&folder).expect("made").permissions().mode() & 0o777, 0o700);

    let environment = fs::read_to_string(folder.join("environment")).expect("written by the job");
    let parent = fs::read_to_string(folder.join("parent")).expect("written by the job");
    assert!(
        environment.lines().any(|line| line == format!("BUILDKITE_AGENT_ACCESS_TOKEN={JOB_TOKEN}")),
        "{environment}"
    );
    assert!(environment.lines().any(|line| line == format!("BUILDKITE_AGENT_ENDPOINT={}", stand.fake.endpoint())));
    for secret in kept_from_jobs(&stand) {
        assert!(!environment.contains(secret.reveal()) && !parent.contains(secret.reveal()), "{environment}{parent}");
    }

    let token_of = |name: &str| state.named(name)[0].token.clone();
    assert_eq!(token_of("POST /register"), stand.token);
    for call in ["POST /connect", "GET /ping", "PUT /jobs/j1/accept", "POST /disconnect"] {
        assert_eq!(token_of(call), "session-1", "{call}");
    }
    for call in ["PUT /jobs/j1/start", "POST /jobs/j1/chunks", "PUT /jobs/j1/finish"] {
        assert_eq!(token_of(call), JOB_TOKEN, "{call}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_without_a_token_is_given_back_and_nothing_runs() {
    let mut without = job("j1", "touch ran");
    without.as_object_mut().expect("an object").remove("token");
    let mut stand = Stand::start(&[], |state| state.jobs.push_back(without)).await;
    stand.until("the job is given back", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    assert_eq!(state.finishes("j1")[0]["exit_status"], "-1");
    assert_eq!(state.finishes("j1")[0]["signal_reason"], "agent_refused");
    assert_eq!((state.count("PUT /jobs/j1/start"), state.count("POST /jobs/j1/chunks")), (0, 0));
    assert!(!stand.checkout().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_asks_for_what_this_agent_lacks_fails_with_that_word() {
    let asking = |id: &str, variable: &str, value: &str| {
        let mut asking = job(id, "touch ran");
        asking["env"][variable] = json!(value);
        asking
    };
    let mut signed = job("j4", "touch ran");
    signed["step"] = json!({ "signature": { "value": "x" } });
    let mut stand = Stand::start(&[], |state| {
        state.jobs.push_back(asking("j1", "BUILDKITE_PLUGINS", r#"[{"docker#v5":null}]"#));
        state.jobs.push_back(asking("j2", "BUILDKITE_SECRETS_CONFIG", r#"[{"key":"A"}]"#));
        state.jobs.push_back(asking("j3", "BUILDKITE_IMAGE", "alpine"));
        state.jobs.push_back(signed);
    })
    .await;
    stand.until("the jobs are finished", |state| !state.finishes("j4").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    for (id, word, reason) in [
        ("j1", "plugins", "agent_refused"),
        ("j2", "secrets", "agent_refused"),
        ("j3", "docker image", "agent_refused"),
        ("j4", "signature", "signature_rejected"),
    ] {
        let log = state.log(id);
        assert!(log.contains(word) && log.contains("Buildkite agent"), "{log}");
        let finish = &state.finishes(id)[0];
        assert_eq!((&finish["exit_status"], &finish["signal_reason"]), (&json!("-1"), &json!(reason)), "{id}");
    }
    assert!(!stand.checkout().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_cannot_start_says_so_in_the_log() {
    // Counted from the folder of the job: that it is not there shows only then.
    let settings = [(countersign_agent::Setting::Shell, "./nowhere/shell -c")];
    let mut stand = Stand::start(&settings, |state| state.jobs.push_back(job("j1", "true"))).await;
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    assert!(state.log("j1").contains("could not be run"), "{}", state.log("j1"));
    assert_eq!(state.finishes("j1")[0]["signal_reason"], "process_run_error");
}

#[tokio::test]
async fn a_shell_that_is_not_there_is_refused_before_any_call() {
    let settings = [(countersign_agent::Setting::Shell, "/nowhere/shell -c")];
    let mut stand = Stand::start(&settings, |_| {}).await;
    let error = stand.ended().await.expect_err("no such shell");
    assert_eq!(error.kind(), countersign_agent::ErrorKind::BadInput);
    assert!(error.to_string().starts_with("--shell /nowhere/shell: "), "{error}");
    assert!(stand.fake.state().calls.is_empty());
}
