//! Dagster's own programs, unmodified, against the real server: the agent, and people's commands with a user token.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use countersign_testkit::Engine;
use countersign_testkit::harness::setting;

use crate::stand::{Process, Said, Stand, run, wait_until};

/// What is installed for this, and the agent says of itself.
const VERSION: &str = "1.13.27";

/// One of Dagster's programs, with nothing of this process's environment.
fn program(stand: &Stand, name: &str, arguments: &[&str]) -> Command {
    let bin = setting::dagster_bin();
    let mut command = Command::new(bin.join(name));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("HOME", stand.database.folder.path())
        .env("LC_ALL", "C.UTF-8")
        .env("NO_PROXY", "*")
        .env("DAGSTER_DISABLE_TELEMETRY", "yes")
        .env("DG_CLI_CONFIG", stand.path("dg.toml"))
        .stdin(Stdio::null());
    command
}

/// `dagster-cloud`, in a deployment.
fn dagster_cloud(stand: &Stand, deployment: &str, token: &str, arguments: &[&str]) -> Said {
    let mut command = program(stand, "dagster-cloud", arguments);
    let url = format!("{}/dagster/{deployment}", stand.address());
    command.env("DAGSTER_CLOUD_URL", url).env("DAGSTER_CLOUD_API_TOKEN", token);
    run(command)
}

fn dg(stand: &Stand, arguments: &[&str]) -> Said {
    run(program(stand, "dg", arguments))
}

fn agent(stand: &Stand, home: &Path, token: &str) -> Process {
    fs::create_dir_all(home).expect("a folder");
    let settings = format!(
        "instance_class: {{module: dagster_cloud.instance, class: DagsterCloudAgentInstance}}\n\
         dagster_cloud_api:\n  url: {}/dagster\n  agent_token: {{env: DAGSTER_CLOUD_AGENT_TOKEN}}\n  deployments: [default]\n  \
         agent_label: north\n\
         user_code_launcher:\n  module: dagster_cloud.workspace.user_code_launcher\n  class: ProcessUserCodeLauncher\n",
        stand.address()
    );
    fs::write(home.join("dagster.yaml"), settings).expect("written");
    let mut command = program(stand, "dagster-cloud", &["agent", "run"]);
    command.env("DAGSTER_HOME", home).env("DAGSTER_CLOUD_AGENT_TOKEN", token).current_dir(home);
    Process::start(command, stand.path("dagster-agent.log"))
}

#[test]
fn unmodified_an_agent_and_peoples_commands_obey() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let agent = agent(&stand, &stand.path("dagster-home"), stand.agent_token());

    // While it comes up.
    for (deployment, arguments) in [
        ("default", ["organization", "settings", "get"].as_slice()),
        ("default", ["deployment", "settings", "get"].as_slice()),
        ("acme", ["deployment", "list-locations"].as_slice()),
    ] {
        dagster_cloud(&stand, deployment, stand.user_token(), arguments).must(0, &[]);
    }
    let refused = dagster_cloud(&stand, "default", stand.agent_token(), &["organization", "settings", "get"]);
    refused.must(1, &["use a user token of this server"]);
    let settings = format!(
        "[cli.plus]\nurl = \"{}/dagster\"\norganization = \"acme\"\nuser_token = \"{}\"\n",
        stand.address(),
        stand.user_token()
    );
    fs::write(stand.path("dg.toml"), settings).expect("written");
    dg(&stand, &["api", "deployment", "list"]).must(0, &["default", "PRODUCTION"]);
    let made = dg(&stand, &["plus", "create", "ci-api-token", "--description", "from dg"]);
    made.must(0, &["csnat_"]);
    stand.ada(&["token", "list"]).must(0, &["from dg"]);

    wait_until("the agent is heard", || {
        assert!(agent.ended().is_none(), "it ended:\n{}", agent.log());
        stand.ada(&["dagster", "agent", "list", "--running"]).out.contains("north")
    });
    stand.ada(&["dagster", "agent", "list", "--running"]).must(0, &["north", VERSION, "default"]);
    dg(&stand, &["api", "agent", "list"]).must(0, &["north", "RUNNING"]);

    let token = stand.made["agent_token"]["uuid"].as_str().expect("init printed it");
    stand.ada(&["token", "revoke", token, "--reason", "over"]).must(0, &[]);
    agent.says("This token was revoked");
    stand.ada(&["dagster", "agent", "list"]).must(0, &["north", "token revoked"]);
}
