//! What a job tells its agent while it runs.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use countersign_agent::{
    Environment,
    commands::{JobApi, Locks, SecretText, Turn},
};
use countersign_domain::Entropy;

use crate::{
    clock::{FastClock, Seeded, pause},
    stand::{Stand, job},
};

/// Writes its variables down, and waits for a file before it goes on.
const WAITING: &str = "env > seen.part; mv seen.part seen; while [ ! -e go ]; do sleep 0.02; done; \
                       printf 'late-sec'; sleep 0.1; echo ret-value; cat key; ls \"$BUILDKITE_AGENT_JOB_TIMEOUT_FILE\" || true";

fn seen(stand: &Stand) -> Environment {
    let text = fs::read_to_string(stand.checkout().join("seen")).expect("written by the job");
    text.lines().filter_map(|line| line.split_once('=')).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_that_are_added_while_a_job_runs_do_not_reach_its_log() {
    let mut stand = Stand::start(&[], |state| state.jobs.push_back(job("j1", WAITING))).await;
    let at = stand.checkout().join("seen");
    stand.until("the job waits", |_| at.exists()).await;
    let environment = seen(&stand);
    let socket = environment.get("BUILDKITE_AGENT_JOB_API_SOCKET").expect("set").to_owned();
    let folder = Path::new(&socket).parent().expect("a folder");
    assert_eq!(fs::metadata(folder).expect("there").permissions().mode() & 0o777, 0o700);

    let job_api = JobApi::new(&environment).expect("a job");
    job_api.redact(SecretText::new("late-secret-value")).await.expect("added");
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----";
    job_api.redact(SecretText::new(key)).await.expect("added");
    fs::write(stand.checkout().join("key"), format!("> MIIEvQIBADANBg\n{key}\n")).expect("written");
    let set = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let changed = job_api.set_env(set("GREETING", "hello")).await.expect("set");
    assert_eq!(changed.added, ["GREETING"]);
    assert_eq!(job_api.env().await.expect("answers")["GREETING"], "hello");
    assert_eq!(job_api.unset_env(vec!["GREETING".to_owned()]).await.expect("unset"), ["GREETING"]);
    assert!(job_api.set_env(set("BUILDKITE_AGENT_ACCESS_TOKEN", "x")).await.is_err());
    assert!(job_api.set_workdir(".").await.expect("a folder").ends_with("acme/demo"));

    let mut wrong = environment.clone();
    wrong.set("BUILDKITE_AGENT_JOB_API_TOKEN", "wrong");
    let refused = JobApi::new(&wrong).expect("a job").env().await.expect_err("refused");
    assert_eq!(refused.kind(), countersign_agent::ErrorKind::TokenRefused);

    fs::write(stand.checkout().join("go"), "").expect("written");
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;
    let log = stand.fake.state().log("j1");
    assert!(log.starts_with("[REDACTED]\n> [REDACTED]\n[REDACTED]\n"), "{log}");
    assert!(!Path::new(&socket).exists(), "the socket ends with its job");
    assert!(job_api.env().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_one_build_path_take_turns() {
    let mut stand = Stand::start(&[], |_| ()).await;
    stand.until("it pings", |state| state.count("GET /ping") > 0).await;
    let sockets = stand.folder.path().join("builds/.sockets");
    let locks = |seed| {
        let entropy: Arc<dyn Entropy> = Arc::new(Seeded::new(seed));
        Locks::new(Some(sockets.clone()), &Environment::default(), Arc::new(FastClock::start()), entropy)
            .expect("a folder")
    };
    let (one, other) = (locks(1), locks(2));
    let token = one.acquire("disk", None).await.expect("free");
    assert_eq!(one.get("disk").await.expect("answers"), token);
    let late = other.acquire("disk", Some(Duration::from_secs(2))).await.expect_err("taken");
    assert!(late.to_string().contains("not free in time"), "{late}");
    assert!(other.release("disk", "acquired(x)").await.is_err());
    let release = async {
        pause(Duration::from_millis(50)).await;
        assert_eq!(one.get("disk").await.expect("answers"), token, "it is still held");
        one.release("disk", &token).await.expect("held");
    };
    let (taken, ()) = tokio::join!(other.acquire("disk", None), release);
    assert_ne!(taken.expect("free again"), token);

    assert_eq!(one.turn("tools", None).await.expect("first"), Turn::Do);
    let done = async {
        pause(Duration::from_millis(50)).await;
        assert_eq!(one.get("tools").await.expect("answers"), "doing");
        one.done("tools").await.expect("doing");
    };
    let (second, ()) = tokio::join!(other.turn("tools", None), done);
    assert_eq!(second.expect("done"), Turn::Done);
    assert!(one.done("tools").await.is_err());
    stand.stop().await;
}
