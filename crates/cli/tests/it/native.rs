//! The native agent and the commands of its jobs, with the real server.

use std::{fs, time::Duration};

use countersign_testkit::Engine;
use rustix::process::Signal;
use serde_json::json;

use crate::stand::{Stand, free_port, http, pause, wait_until};

#[test]
fn a_job_goes_on_while_its_server_is_away() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let server = stand.server(&[]);
        let agent = stand.agent("one", stand.agent_token(), &[]);
        agent.says("Connected");
        let text = "steps:\n  - command: |\n      echo before; touch ../../../../started\n      \
                    while [ ! -e ../../../../go-on ]; do sleep 0.1; done\n      echo after\n";
        let pipeline = stand.pipeline("long.yml", text);
        let build = stand.ada(&["build", "create", "--pipeline", &pipeline, "--output", "json"]).json();
        let uuid = build["uuid"].as_str().expect("a uuid").to_owned();
        wait_until("the job runs", || stand.path("started").exists());
        server.signal(Signal::KILL);
        server.end();
        fs::write(stand.path("go-on"), "").expect("written");
        // Long enough for the job to end and its finish to fail.
        pause(Duration::from_secs(3));
        let _server = stand.server(&[]);
        agent.says("Finished job");
        assert!(agent.log().contains("with exit status 0"), "{}", agent.log());
        stand.ada(&["build", "show", &uuid]).must(0, &["passed"]);
        assert_eq!(agent.stop(), 0, "{}", agent.log());
    }
}

#[test]
fn what_a_job_says_to_its_agent() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let agent = stand.agent("one", stand.agent_token(), &[]);
    agent.says("Connected");
    let text = r#"steps:
  - command: |
      printf 'late-%s' secret | buildkite-agent redactor add
      echo "now late-secret is hidden"
      echo '{"A_TOKEN":"token-one","OTHER":"other-two"}' | countersign redactor add --format json --apply-vars-filter
      echo "token-one and other-two"
      buildkite-agent env set GREETING=hello
      buildkite-agent env get GREETING
      countersign env set BUILDKITE_AGENT_PID=1 || echo "protected ends with $?"
      countersign env get NOTHING || echo "missing ends with $?"
      token=$(buildkite-agent lock acquire disk)
      countersign lock acquire disk --lock-wait-timeout 200ms || echo "taken ends with $?"
      buildkite-agent lock release disk "$token"
      echo "first $(buildkite-agent lock do tools)"; buildkite-agent lock done tools
      echo "second $(buildkite-agent lock do tools)"
      mkdir -p sub; countersign workdir set sub
      countersign env dump | grep -c BUILDKITE_JOB_ID
"#;
    let pipeline = stand.pipeline("talk.yml", text);
    let said = stand.ada(&["build", "create", "--pipeline", &pipeline, "--wait"]);
    said.must(
        0,
        &[
            "now [REDACTED] is hidden",
            "[REDACTED] and other-two",
            "Added:\n+ GREETING\nhello\n",
            "protected ends with 1",
            "missing ends with 1",
            "taken ends with 1",
            "first do\nsecond done\n",
            "/sub\n1\n",
        ],
    );
    assert!(!said.out.contains("late-secret") && !said.out.contains("token-one"), "{}", said.out);
    assert_eq!(agent.stop(), 0);
}

#[test]
fn nothing_of_a_cancelled_job_lives_on() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let agent = stand.agent("one", stand.agent_token(), &["--cancel-grace-period", "1"]);
    agent.says("Connected");
    let text = "steps:\n  - command: |\n      setsid sh -c 'trap \"\" TERM HUP; echo $$ > ../../../../daemon; sleep 300' < /dev/null > /dev/null 2>&1 &\n      \
                while [ ! -s ../../../../daemon ]; do sleep 0.05; done\n      touch ../../../../started; sleep 300\n";
    let pipeline = stand.pipeline("daemon.yml", text);
    stand.ada(&["build", "create", "--pipeline", &pipeline]).must(0, &[]);
    wait_until("the job runs", || stand.path("started").exists());
    let daemon = fs::read_to_string(stand.path("daemon")).expect("written");
    let lives =
        || fs::read_to_string(format!("/proc/{}/cmdline", daemon.trim())).is_ok_and(|line| line.contains("sleep"));
    assert!(lives());
    agent.signal(Signal::TERM);
    agent.says("Once more");
    agent.signal(Signal::TERM);
    assert_eq!(agent.end(), 0, "{}", agent.log());
    assert!(!lives(), "the daemon of a job outlived it");
}

#[test]
fn it_says_how_it_is_and_what_of_its_file_it_does_not_have() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let address = format!("127.0.0.1:{}", free_port());
    let file = stand.path("agent.cfg");
    let text = format!(
        "token=\"{}\"\nhooks-path=\"/hooks\"\nno-plugins=true\nhealth-check-addr={address}\n",
        stand.agent_token()
    );
    fs::write(&file, &text).expect("written");
    let config = file.to_str().expect("UTF-8");
    let agent = stand.agent_given("one", &["--config", config], &[]);
    agent.says("Connected");
    assert!(agent.log().contains("this agent does not have hooks-path\n"), "{}", agent.log());
    let (status, body) = http("GET", &format!("http://{address}/status.json"), "none", &json!(null));
    assert_eq!(status, 200);
    assert!(body.contains("\"name\":\"one\",\"state\":\"connected\""), "{body}");
    assert!(!body.contains("csn"), "{body}");
    assert_eq!(agent.stop(), 0);

    fs::write(&file, format!("{text}no-command-eval=true\n")).expect("written");
    let refused = stand.agent_given("two", &["--config", config], &[]);
    assert_eq!(refused.end(), 2);
    assert!(refused.log().contains("no-command-eval"), "{}", refused.log());
}
