//! The native agent and a job that prints its whole environment: neither the processes, nor their files, nor the job's log
//! hold what they should not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use countersign_testkit::harness::installation::Installation;
use countersign_testkit::harness::moment;
use tokio::process::Child;

use crate::hunt::Hunt;

/// How long the job may take until it runs, and to its end.
const PATIENCE: Duration = Duration::from_secs(60);
/// What agent and session tokens begin with: no job ever sees one.
const NOT_FOR_JOBS: [&str; 2] = ["csnat_", "csnst_"];

/// How an agent is given its token.
#[derive(Debug, Clone, Copy)]
enum Given {
    Flag,
    Variable,
}

/// Runs the job once for each way of giving a token.
pub async fn drive(installation: &Installation, hunt: &mut Hunt, folder: &Path) {
    for (number, given) in [Given::Flag, Given::Variable].into_iter().enumerate() {
        let folder = folder.join(format!("agent-{number}"));
        fs::create_dir_all(&folder).expect("a folder for the agent");
        run(installation, hunt, &folder, given).await;
    }
}

async fn run(installation: &Installation, hunt: &mut Hunt, folder: &Path, given: Given) {
    // What the job tells the test lies apart from what is searched.
    let apart = tempfile::Builder::new().prefix("countersign-told-").tempdir().expect("a folder");
    let told = |name: &str| apart.path().join(name);
    let script = format!(
        "printf %s \"$BUILDKITE_AGENT_ACCESS_TOKEN\" > {token}; env; tr '\\0' '\\n' < /proc/self/environ; \
         echo \"again: $BUILDKITE_AGENT_ACCESS_TOKEN\"; echo \"$BUILDKITE_AGENT_ACCESS_TOKEN\" >&2; \
         touch {running}; for i in $(seq 600); do [ -e {go} ] && break; sleep 0.1; done",
        token = told("token").display(),
        running = told("running").display(),
        go = told("go").display(),
    );
    let pipeline = told("pipeline.json");
    fs::write(&pipeline, serde_json::json!({ "steps": [{ "command": script }] }).to_string()).expect("the pipeline");

    let mut agent = start_agent(installation, folder, given);
    let build = start_build(installation, &pipeline);
    until(|| told("running").exists()).await;
    let token = fs::read_to_string(told("token")).expect("the job told its token");
    hunt.canary("jt", &token);
    look_at_processes(hunt, agent.id().expect("the agent runs"), &token);

    fs::write(told("go"), "").expect("the job is told to end");
    let output = tokio::time::timeout(PATIENCE, build.wait_with_output()).await.expect("the build ends");
    let output = output.expect("it can be waited for");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the build failed: {errors}");
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(
        log.contains("again: ") && log.contains("BUILDKITE_JOB_ID"),
        "the job printed its environment: {log}{errors}"
    );
    hunt.said("the job's log", &output.stdout, &[]);
    hunt.said("errors of build create", &output.stderr, &[]);
    let left = tokio::time::timeout(PATIENCE, agent.wait()).await.expect("the agent leaves after its job");
    assert!(left.expect("it can be waited for").success(), "the agent ended badly");
}

fn start_agent(installation: &Installation, folder: &Path, given: Given) -> Child {
    let value = &installation.made.agent_token;
    let endpoint = format!("http://{}/v3", installation.listen);
    let mut arguments: Vec<std::ffi::OsString> =
        ["agent", "start", "--endpoint", &endpoint, "--disconnect-after-job", "--queue", "native", "--log", "trace"]
            .map(Into::into)
            .to_vec();
    arguments.extend(["--build-path".into(), folder.join("builds").into()]);
    if matches!(given, Given::Flag) {
        arguments.extend(["--token".into(), value.into()]);
    }
    let mut command = installation.program.command(&arguments);
    if matches!(given, Given::Variable) {
        command.env("COUNTERSIGN_AGENT_TOKEN", value);
    }
    let log = |name: &str| fs::File::create(folder.join(name)).expect("a log file");
    command.env("HOME", folder).stdin(Stdio::null()).stdout(log("agent.out")).stderr(log("agent.err"));
    command.spawn().expect("the agent starts")
}

fn start_build(installation: &Installation, pipeline: &Path) -> Child {
    let mut arguments: Vec<std::ffi::OsString> =
        ["build", "create", "--wait", "--queue", "native"].map(Into::into).to_vec();
    arguments.extend(["--pipeline".into(), pipeline.into()]);
    let mut command = installation.program.command(&arguments);
    command.env("COUNTERSIGN_SERVER", format!("http://{}", installation.listen));
    command.env("COUNTERSIGN_USER_TOKEN", &installation.made.user_token).env("HOME", &installation.logs);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the build is created")
}

/// Reads what any process of this machine could be asked: arguments and variables of the agent and of everything beneath it.
fn look_at_processes(hunt: &mut Hunt, agent: u32, job_token: &str) {
    let parents = parents();
    let mut seen = 0;
    for process in parents.keys().copied().filter(|process| is_beneath(*process, agent, &parents)) {
        for name in ["cmdline", "environ"] {
            let Ok(bytes) = fs::read(format!("/proc/{process}/{name}")) else { continue };
            // A job's own token stands in its own variables, and nowhere else.
            let is_the_jobs = process != agent && name == "environ";
            let carried: &[&str] = if is_the_jobs { &[job_token] } else { &[] };
            let text = String::from_utf8_lossy(&bytes);
            assert!(
                !NOT_FOR_JOBS.iter().any(|start| text.contains(start)),
                "{name} of a process beneath the agent holds a token"
            );
            hunt.said(&format!("{name} of process {process}"), &bytes, carried);
            seen += 1;
        }
    }
    assert!(seen >= 4, "the agent and its job are processes");
}

/// The parent of each process.
fn parents() -> BTreeMap<u32, u32> {
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let number = |text: &str| text.parse::<u32>().ok();
    let processes = entries.filter_map(|entry| number(&entry.file_name().to_string_lossy()));
    let parent = |process: u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name stands in parentheses and may hold anything.
        number(stat.rsplit_once(')')?.1.split_whitespace().nth(1)?)
    };
    processes.filter_map(|process| Some((process, parent(process)?))).collect()
}

fn is_beneath(process: u32, top: u32, parents: &BTreeMap<u32, u32>) -> bool {
    let mut at = process;
    while at != top {
        match parents.get(&at) {
            Some(parent) if *parent != 0 => at = *parent,
            _ => return false,
        }
    }
    true
}

async fn until(holds: impl Fn() -> bool) {
    let began = moment::now();
    while !holds() {
        assert!(moment::since(began) < PATIENCE, "the job does not run");
        moment::sleep(Duration::from_millis(20)).await;
    }
}
