use super::*;

fn layers(flags: &[(Setting, &str)], variables: &[(&str, &str)], file: &str) -> Layers {
    let mut layer = Layer::default();
    for (setting, text) in flags {
        layer.set_flag(*setting, *text);
    }
    Layers {
        flags: layer,
        environment: Layer::from_environment(&variables.iter().copied().collect()),
        file: Layer::from_file(&ConfigFile::parse(file, "agent.cfg").expect("parses"), "agent.cfg"),
    }
}

fn resolve(flags: &[(Setting, &str)], variables: &[(&str, &str)], file: &str) -> Result<Config, AgentError> {
    let home: Environment = [("HOME", "/home/ada")].into_iter().collect();
    Config::resolve(&layers(flags, variables, file), &home)
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let file = "token=from-file\nname=from-file\nspawn=4\nunknown=1\n";
    let variables = [("BUILDKITE_AGENT_NAME", "theirs"), ("COUNTERSIGN_AGENT_NAME", "ours")];
    let config = resolve(&[], &[], file).expect("resolves");
    assert_eq!((config.name.as_str(), config.spawn), ("from-file-%spawn", 4));
    let config = resolve(&[(Setting::Spawn, "1")], &variables, file).expect("resolves");
    assert_eq!((config.name.as_str(), config.spawn), ("ours", 1));
    let config = resolve(&[(Setting::Name, "flag"), (Setting::Spawn, "1")], &variables, file).expect("resolves");
    assert_eq!(config.name, "flag");
    let config = resolve(&[(Setting::Token, "t")], &[], "").expect("resolves");
    assert_eq!((config.name.as_str(), config.endpoint.as_str()), (DEFAULT_NAME, DEFAULT_ENDPOINT));
    assert_eq!(config.build_path, std::path::Path::new("/home/ada/.countersign/builds"));
}

#[test]
fn an_agent_that_is_told_nothing_else_calls_the_server_of_every_command() {
    let endpoint = |flags: &[(Setting, &str)], server: &str| {
        let environment: Environment = [("HOME", "/home/ada"), ("COUNTERSIGN_SERVER", server)].into_iter().collect();
        Config::resolve(&layers(flags, &[], ""), &environment).map(|config| config.endpoint)
    };
    let only = [(Setting::Token, "t")];
    assert_eq!(endpoint(&only, "http://ci.example:8080/").expect("resolves"), "http://ci.example:8080/v3");
    assert_eq!(endpoint(&only, "").expect("resolves"), DEFAULT_ENDPOINT);
    let told = [(Setting::Token, "t"), (Setting::Endpoint, "http://agents.example/v3")];
    assert_eq!(endpoint(&told, "http://ci.example:8080").expect("resolves"), "http://agents.example/v3");
    let wrong = endpoint(&only, "ci.example").expect_err("no address");
    assert!(wrong.to_string().contains("COUNTERSIGN_SERVER"), "{wrong}");
}

#[test]
fn an_empty_variable_is_no_variable() {
    let config =
        resolve(&[(Setting::Token, "t")], &[("COUNTERSIGN_AGENT_NAME", ""), ("BUILDKITE_AGENT_NAME", "b")], "");
    assert_eq!(config.expect("resolves").name, "b");
}

#[test]
fn the_queue_is_a_tag_and_replaces_the_one_among_the_tags() {
    let flags = [(Setting::Token, "t"), (Setting::Tags, "os=linux, queue=a,,gpu"), (Setting::Queue, "b")];
    assert_eq!(resolve(&flags, &[], "").expect("resolves").tags, ["os=linux", "gpu", "queue=b"]);
}

#[test]
fn wrong_values_name_their_origin_and_not_the_token() {
    for (flags, variables, file, expected) in [
        (&[][..], &[][..], "", "no agent token"),
        (&[(Setting::Token, "qq zz")][..], &[][..], "", "--token"),
        (&[], &[("COUNTERSIGN_AGENT_SPAWN", "many")], "token=t", "COUNTERSIGN_AGENT_SPAWN"),
        (&[], &[], "token=t\nspawn=0", "spawn in agent.cfg"),
        (&[], &[], "token=t\ndisconnect-after-job=maybe", "disconnect-after-job in agent.cfg"),
        (&[(Setting::Endpoint, "127.0.0.1:8420")], &[], "token=t", "--endpoint"),
        (&[(Setting::Endpoint, "ftp://h/v3")], &[], "token=t", "http://"),
        (&[(Setting::Endpoint, "http://u:p@h/v3")], &[], "token=t", "user or a password"),
        (&[(Setting::Shell, "'/bin/sh -c")], &[], "token=t", "--shell"),
        (&[(Setting::DisconnectAfterIdleTimeout, "-1")], &[], "token=t", "--disconnect-after-idle-timeout"),
    ] {
        let error = resolve(flags, variables, file).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("qq zz") && !error.contains("u:p"), "{error}");
    }
}

#[test]
fn seconds_shells_and_endpoints_are_read() {
    let flags = [
        (Setting::Token, "t"),
        (Setting::DisconnectAfterIdleTimeout, "0"),
        (Setting::CancelGracePeriod, "3s"),
        (Setting::Shell, "/bin/sh -c 'x y'"),
        (Setting::Endpoint, "https://h/v3/"),
        (Setting::DisconnectAfterJob, "1"),
    ];
    let config = resolve(&flags, &[], "").expect("resolves");
    assert_eq!((config.disconnect_after_idle, config.cancel_grace), (None, Duration::from_secs(3)));
    assert_eq!(config.shell.expect("a shell"), ["/bin/sh", "-c", "x y"]);
    assert_eq!((config.endpoint.as_str(), config.disconnect_after_job), ("https://h/v3", true));
}

#[test]
fn a_health_address_without_a_host_is_this_machine_alone() {
    let address = |text: &str| {
        let flags = [(Setting::Token, "t"), (Setting::HealthCheckAddr, text)];
        resolve(&flags, &[], "").map(|config| config.health_check.expect("given").to_string())
    };
    assert_eq!(address(":3901").expect("good"), "127.0.0.1:3901");
    assert_eq!(address("localhost:3901").expect("good"), "127.0.0.1:3901");
    assert_eq!(address("0.0.0.0:3901").expect("good"), "0.0.0.0:3901");
    assert_eq!(address("[::1]:3901").expect("good"), "[::1]:3901");
    for wrong in ["3901", ":", "host:1", ":99999"] {
        assert!(address(wrong).expect_err(wrong).to_string().contains("--health-check-addr"));
    }
}

#[test]
fn one_job_is_acquired_by_one_worker_and_signals_have_names() {
    let flags = [(Setting::Token, "t"), (Setting::AcquireJob, "j"), (Setting::CancelSignal, "SIGINT")];
    let config = resolve(&flags, &[], "").expect("good");
    assert_eq!(config.acquire_job.as_deref(), Some("j"));
    assert_eq!(config.cancel_signal, rustix::process::Signal::INT);
    let several = [(Setting::Token, "t"), (Setting::AcquireJob, "j"), (Setting::Spawn, "2")];
    assert!(resolve(&several, &[], "").is_err());
    assert!(resolve(&[(Setting::Token, "t"), (Setting::CancelSignal, "INT")], &[], "").is_err());
}

#[test]
fn every_key_is_its_own_setting() {
    for setting in Setting::ALL {
        assert_eq!(Setting::from_key(setting.key()), Some(setting));
    }
}
