//! The life of an agent.

use std::{fs, time::Duration};

use countersign_testkit::Engine;
use rustix::process::Signal;
use serde_json::json;

use crate::stand::{Stand, command, http, pause, run};

#[test]
fn the_first_signal_lets_the_job_end_and_the_second_cancels_it() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let agent = stand.agent("one", stand.agent_token(), &[]);
    agent.says("Connected");
    let short = stand.pipeline("short.yml", "steps:\n  - command: sleep 3; echo done\n");
    stand.ada(&["build", "create", "--pipeline", &short]).must(0, &[]);
    agent.says("Running job");
    agent.signal(Signal::TERM);
    assert_eq!(agent.end(), 0);
    assert!(agent.log().contains("with exit status 0"), "{}", agent.log());

    let agent = stand.agent("two", stand.agent_token(), &[]);
    agent.says("Connected");
    let long = stand.pipeline("long.yml", "steps:\n  - command: sleep 300\n");
    stand.ada(&["build", "create", "--pipeline", &long]).must(0, &[]);
    agent.says("Running job");
    agent.signal(Signal::INT);
    agent.says("Once more");
    agent.signal(Signal::INT);
    assert_eq!(agent.end(), 0, "{}", agent.log());
    assert!(agent.log().contains("with exit status"), "{}", agent.log());
}

#[test]
fn it_survives_a_restart_of_the_server() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let server = stand.server(&[]);
        let agent = stand.agent("one", stand.agent_token(), &[]);
        agent.says("Connected");
        server.signal(Signal::KILL);
        server.end();
        pause(Duration::from_secs(2));
        let _server = stand.server(&[]);
        let good = stand.pipeline("good.yml", "steps:\n  - command: echo after the restart\n");
        stand.ada(&["build", "create", "--pipeline", &good, "--wait"]).must(0, &["after the restart"]);
        assert_eq!(agent.stop(), 0, "{}", agent.log());
    }
}

#[test]
fn revoking_keeps_or_cuts_off_who_is_connected_and_refuses_who_comes() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&[]);
        let agents = [stand.agent("one", stand.agent_token(), &[]), stand.agent("two", stand.agent_token(), &[])];
        agents.iter().for_each(|agent| agent.says("Connected"));
        let id = stand.agent_token().split('_').nth(1).expect("a public id");
        stand.ada(&["token", "revoke", id, "--reason", "leaked"]).must(0, &["No connected agent was touched"]);

        let third = stand.agent("three", stand.agent_token(), &[]);
        assert_eq!(third.end(), 3);
        assert!(third.log().contains("revoked") && third.log().contains(id), "{}", third.log());
        assert!(!third.log().contains(stand.agent_token()), "the value is never shown");
        let (status, body) = http(
            "POST",
            &format!("{}/v3/register", stand.address()),
            &format!("Token {}", stand.agent_token()),
            &json!({ "name": "four" }),
        );
        assert_eq!(status, 401);
        assert!(body.contains("\"reason\":\"revoked\"") && body.contains(id), "{body}");

        // Both go on: the next build runs.
        let good = stand.pipeline("good.yml", "steps:\n  - command: echo still here\n");
        stand.ada(&["build", "create", "--pipeline", &good, "--wait"]).must(0, &["still here"]);
        assert!(agents.iter().all(|agent| agent.ended().is_none()));

        stand
            .ada(&["token", "revoke", id, "--reason", "leaked", "--connected-agents", "disconnect"])
            .must(0, &["2 connected agents"]);
        for agent in &agents {
            assert_eq!(agent.end(), 3, "{}", agent.log());
            assert!(agent.log().contains("session was refused"), "{}", agent.log());
        }
    }
}

#[test]
fn a_token_given_as_a_flag_or_a_variable_is_out_of_sight() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let token = stand.agent_token().to_owned();
    let in_flag = stand.agent_given("flag", &["--token", &token], &[]);
    let in_variable = stand.agent_given("variable", &[], &[("COUNTERSIGN_AGENT_TOKEN", &token)]);
    let in_theirs = stand.agent_given("theirs", &[], &[("BUILDKITE_AGENT_TOKEN", &token)]);
    for agent in [in_flag, in_variable, in_theirs] {
        agent.says("Connected");
        for file in ["cmdline", "environ"] {
            let seen = fs::read(format!("/proc/{}/{file}", agent.id())).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&seen).contains(&token), "{file}");
        }
        assert_eq!(agent.stop(), 0);
    }
}

#[test]
fn a_configuration_file_is_read_and_a_flag_wins() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let file = stand.path("buildkite-agent.cfg");
    let text = format!("# mine\ntoken=\"{}\"\nname=from-file\ndisconnect-after-idle-timeout=1\n", stand.agent_token());
    fs::write(&file, text).expect("written");
    let agent = stand.agent_given("from-flag", &["--config", file.to_str().expect("UTF-8")], &[]);
    assert_eq!(agent.end(), 0);
    assert!(agent.log().contains("Registered as from-flag"), "{}", agent.log());
}

#[test]
fn what_cannot_be_a_token_or_an_address_is_bad_input() {
    let stand = Stand::new(Engine::Sqlite);
    for (arguments, word) in [
        (vec![], "--token"),
        (vec!["--token", "file:///nowhere/token"], "/nowhere/token"),
        (vec!["--token", "x", "--endpoint", "localhost"], "--endpoint"),
        (vec!["--token", "x", "--spawn", "0"], "--spawn"),
    ] {
        let agent = stand.agent_given("wrong", &arguments, &[]);
        assert_eq!(agent.end(), 2, "{}", agent.log());
        assert!(agent.log().contains(word), "{}", agent.log());
    }
}

#[test]
fn under_its_other_name_it_answers_as_that_agent() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let link = stand.path("buildkite-agent");
    std::os::unix::fs::symlink(crate::stand::PROGRAM, &link).expect("linked");
    let mut start = std::process::Command::new(&link);
    start
        .args(["start", "--name", "theirs", "--disconnect-after-idle-timeout", "1"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", stand.database.folder.path())
        .env("BUILDKITE_AGENT_TOKEN", stand.agent_token())
        .env("BUILDKITE_AGENT_ENDPOINT", format!("{}/v3", stand.address()));
    run(start).must(0, &["Registered as theirs", "Disconnected"]);
    let mut outside = std::process::Command::new(&link);
    outside.args(["meta-data", "get", "key"]).env_clear();
    run(outside).must(1, &["BUILDKITE_AGENT_ACCESS_TOKEN"]);
    let mut wrong = std::process::Command::new(&link);
    wrong.args(["start", "--nonsense"]).env_clear();
    run(wrong).must(1, &["--nonsense"]);
    run(command(&["agent", "start", "--nonsense"])).must(2, &["--nonsense"]);
}
