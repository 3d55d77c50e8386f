//! Dagster's own programs, unmodified, against the real server: the agent, and people's commands with a user token.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_testkit::Engine;
use countersign_testkit::harness::setting;
use serde_json::Value;

use crate::stand::{Process, Said, Stand, http, run, wait_until};

/// What is installed for this, and the agent says of itself.
const VERSION: &str = "1.13.27";
/// The same of the older release.
const OLDER: &str = "1.12.22";

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
pub fn dagster_cloud(stand: &Stand, deployment: &str, token: &str, arguments: &[&str]) -> Said {
    let mut command = program(stand, "dagster-cloud", arguments);
    let url = format!("{}/dagster/{deployment}", stand.address());
    command.env("DAGSTER_CLOUD_URL", url).env("DAGSTER_CLOUD_API_TOKEN", token);
    run(command)
}

fn dg(stand: &Stand, arguments: &[&str]) -> Said {
    run(program(stand, "dg", arguments))
}

/// The turn of one real agent after the other: each starts interpreters enough to keep a small machine busy, and the tests beside them have
/// limits of time.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Dagster's agent for some deployments, as `deployments: [a, b]` has them.
pub fn agent(stand: &Stand, name: &str, deployments: &str, token: &str) -> Process {
    agent_with(stand, name, deployments, token, "")
}

/// The same with something of its launcher's configuration, as YAML in a line.
pub fn agent_with(stand: &Stand, name: &str, deployments: &str, token: &str, launcher: &str) -> Process {
    start(stand, name, agent_command(stand, name, deployments, token, launcher))
}

/// The agent of the older release.
fn older_agent(stand: &Stand, name: &str, deployments: &str, token: &str) -> Process {
    let mut command = agent_command(stand, name, deployments, token, "");
    command.env("PYTHONPATH", setting::dagster_older());
    start(stand, name, command)
}

fn start(stand: &Stand, name: &str, command: Command) -> Process {
    Process::start(command, stand.path(&format!("{name}.log")))
}

fn agent_command(stand: &Stand, name: &str, deployments: &str, token: &str, launcher: &str) -> Command {
    let home = &stand.path(name);
    fs::create_dir_all(home).expect("a folder");
    let settings = format!(
        "instance_class: {{module: dagster_cloud.instance, class: DagsterCloudAgentInstance}}\n\
         dagster_cloud_api:\n  url: {}/dagster\n  agent_token: {{env: DAGSTER_CLOUD_AGENT_TOKEN}}\n  deployments: [{deployments}]\n  \
         agent_label: {name}\n\
         user_code_launcher:\n  module: dagster_cloud.workspace.user_code_launcher\n  class: ProcessUserCodeLauncher\n  \
         config: {{{launcher}}}\n",
        stand.address()
    );
    fs::write(home.join("dagster.yaml"), settings).expect("written");
    let mut command = program(stand, "dagster-cloud", &["agent", "run"]);
    command.env("DAGSTER_HOME", home).env("DAGSTER_CLOUD_AGENT_TOKEN", token).current_dir(home);
    command
}

/// Waits until it is listed as running.
pub fn is_heard(stand: &Stand, agent: &Process, name: &str) {
    wait_until("the agent is heard", || {
        assert!(agent.ended().is_none(), "it ended:\n{}", agent.log());
        stand.ada(&["dagster", "agent", "list", "--running"]).out.contains(name)
    });
}

#[test]
fn unmodified_an_agent_and_peoples_commands_obey() {
    let _turn = turn();
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let agent = agent(&stand, "north", "default", stand.agent_token());

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

    is_heard(&stand, &agent, "north");
    stand.ada(&["dagster", "agent", "list", "--running"]).must(0, &["north", VERSION, "default"]);
    dg(&stand, &["api", "agent", "list"]).must(0, &["north", "RUNNING"]);

    // An agent for builds beside it, with the token that dg made: one organization, one list of tokens.
    let value = made.out.split_whitespace().find(|word| word.contains("csnat_")).expect("dg printed it");
    let native = stand.agent("builder", value.trim_matches(|c: char| !c.is_alphanumeric()), &[]);
    wait_until("both kinds are connected", || {
        assert!(native.ended().is_none() && agent.ended().is_none(), "{}\n{}", native.log(), agent.log());
        let agents = format!("{}/v2/organizations/acme/agents", stand.address());
        let (status, listed) = http("GET", &agents, &format!("Bearer {}", stand.user_token()), &Value::Null);
        status == 200 && listed.contains("builder")
    });
    stand.ada(&["dagster", "agent", "list", "--running"]).must(0, &["north"]);
    stand.ada(&["token", "list"]).must(0, &["from dg", "Default agent registration token"]);

    let token = stand.made["agent_token"]["uuid"].as_str().expect("init printed it");
    stand.ada(&["token", "revoke", token, "--reason", "over"]).must(0, &[]);
    agent.says("This token was revoked");
    stand.ada(&["dagster", "agent", "list"]).must(0, &["north", "token revoked"]);
}

/// Makes the deployments prod and staging, and an agent token for the first: its public id and its value.
fn for_prod_alone(stand: &Stand, description: &str) -> (String, String) {
    for name in ["prod", "staging"] {
        stand.ada(&["deployment", "create", name]).must(0, &[]);
    }
    let create = ["token", "create", "--description", description, "--deployments", "prod", "--output", "json"];
    let made = stand.ada(&create).json();
    let (id, value) = (made["token"]["publicId"].as_str(), made["value"].as_str());
    (id.expect("a public id").to_owned(), value.expect("a value").to_owned())
}

#[test]
fn a_deployment_is_refused_by_name_and_granted_while_the_server_runs() {
    let _turn = turn();
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let (id, value) = for_prod_alone(&stand, "south");
    let (id, value) = (id.as_str(), value.as_str());

    let refused = agent(&stand, "south", "prod, staging", value);
    wait_until("the agent has ended", || refused.ended().is_some());
    let log = refused.log();
    let last = log.lines().rev().find(|line| line.contains("staging")).unwrap_or_else(|| panic!("no reason:\n{log}"));
    assert!(last.contains("does not reach the deployment `staging`"), "{last}");
    assert!(!log.contains(value), "the token's value is in what the agent wrote");
    stand.ada(&["token", "explain", id, "--deployment", "staging"]).must(0, &["Refused", "staging"]);
    stand.ada(&["token", "explain", id, "--deployment", "prod"]).must(0, &["Let in", "prod"]);

    stand.ada(&["token", "permissions", id, "--deployments", "prod,staging"]).must(0, &[]);
    let let_in = agent(&stand, "south", "prod, staging", value);
    is_heard(&stand, &let_in, "south");
    stand.ada(&["dagster", "agent", "list", "--running"]).must(0, &["south", "prod, staging"]);
}

#[test]
fn an_older_release_of_the_agent_obeys_too() {
    let _turn = turn();
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let (id, value) = for_prod_alone(&stand, "west");
    let (id, value) = (id.as_str(), value.as_str());

    let refused = older_agent(&stand, "elsewhere", "staging", value);
    let agent = older_agent(&stand, "west", "prod", value);
    wait_until("the agent for what the token does not reach has ended", || refused.ended().is_some());
    refused.says("does not reach the deployment `staging`");
    is_heard(&stand, &agent, "west");
    stand.ada(&["dagster", "agent", "list", "--running"]).must(0, &["west", OLDER, "prod"]);

    stand.ada(&["token", "revoke", id, "--reason", "over"]).must(0, &[]);
    agent.says("This token was revoked");
    stand.ada(&["dagster", "agent", "list"]).must(0, &["west", "token revoked"]);
}
