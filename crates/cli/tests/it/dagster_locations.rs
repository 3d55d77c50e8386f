//! Code locations: the commands about them, and Dagster's own agent that loads them.

use std::fs;
use std::path::Path;

use countersign_testkit::Engine;
use serde_json::{Value, json};

use crate::dagster_tools::{agent, agent_with, dagster_cloud, turn};
use crate::stand::{Process, Stand, wait_until};

/// A module with a job, and one that cannot be read.
const SALES: &str = "import dagster\n\n@dagster.op\ndef one():\n    return 1\n\n@dagster.job\ndef sell():\n    one()\n\n\
     defs = dagster.Definitions(jobs=[sell])\n";
const BROKEN: &str = "raise RuntimeError('no stock today')\n";

/// `countersign dagster location …`, as an admin.
macro_rules! location {
    ($stand:expr, $($argument:expr),+) => { $stand.ada(&["dagster", "location", $($argument),+]) };
}

#[test]
fn code_locations_are_added_updated_listed_shown_and_removed() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&[]);
        stand.ada(&["deployment", "create", "prod"]).must(0, &[]);
        assert_eq!(location!(stand, "list", "--output", "json").json(), json!([]));
        let added =
            location!(stand, "add", "sales", "--module-name", "sales", "--image", "sales:1", "--agent-queue", "gpu");
        added.must(0, &["Code location sales is added to default, and waits for an agent"]);
        location!(stand, "add", "sales", "--module-name", "other").must(6, &["sales already"]);
        location!(stand, "add", "stock").must(2, &["definition.moduleName", "name exactly one"]);
        location!(stand, "add", "stock", "--module-name", "m", "--python-file", "a.py").must(2, &["names 2 of"]);
        location!(stand, "add", "sales", "--module-name", "m", "--deployment", "prod").must(0, &["added to prod"]);
        location!(stand, "add", "sales", "--module-name", "m", "--deployment", "pro").must(5, &["no deployment pro"]);

        location!(stand, "list").must(0, &["code location", "waiting", "sales:1", "gpu"]);
        location!(stand, "update", "sales", "--commit-hash", "0a1b", "--image", "").must(0, &["changed in default"]);
        location!(stand, "update", "sales").must(2, &["nothing to change"]);
        location!(stand, "update", "stock", "--image", "a").must(5, &["no code location stock"]);
        let shown: Value = location!(stand, "show", "sales", "--output", "json").json();
        let definition = &shown["definition"];
        assert_eq!((&definition["moduleName"], &definition["image"]), (&json!("sales"), &Value::Null));
        assert_eq!((&definition["commitHash"], &definition["queue"]), (&json!("0a1b"), &json!("gpu")));
        location!(stand, "update", "sales", "--python-file", "a.py").must(0, &[]);
        location!(stand, "show", "sales").must(
            0,
            &[
                "file          a.py",
                "commit        0a1b",
                "added by      ada@example.com",
                "CHECK_FOR_WORKSPACE_UPDATES: no agent has taken it yet",
            ],
        );
        location!(stand, "reload", "sales").must(0, &["loaded again in default"]);
        location!(stand, "remove", "sales").must(0, &["Code location sales is removed from default"]);
        location!(stand, "remove", "sales").must(5, &["No code location found"]);
        location!(stand, "show", "sales").must(5, &["no code location sales"]);
        location!(stand, "list", "--deployment", "prod").must(0, &["sales"]);
    }
}

/// Waits until a code location stands so.
fn comes_to(stand: &Stand, agent: &Process, name: &str, state: &str) {
    wait_until(&format!("{name} is {state}"), || {
        assert!(agent.ended().is_none(), "it ended:\n{}", agent.log());
        location!(stand, "show", name, "--output", "json").json()["state"] == state
    });
}

#[test]
fn unmodified_an_agent_loads_code_and_tells() {
    let _turn = turn();
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let agent = agent(&stand, "north", "default", stand.agent_token());
    let (sales, broken) = (stand.path("sales.py"), stand.path("broken.py"));
    fs::write(&sales, SALES).expect("written");
    fs::write(&broken, BROKEN).expect("written");
    let add = |name: &str, file: &Path| {
        location!(stand, "add", name, "--python-file", file.to_str().expect("a path")).must(0, &[]);
    };
    add("sales", &sales);
    add("broken", &broken);
    let is = |name: &str, state: &str| comes_to(&stand, &agent, name, state);
    is("sales", "LOADED");
    is("broken", "FAILED");
    location!(stand, "show", "broken").must(0, &["no stock today", "told by token"]);
    let shown = location!(stand, "show", "sales", "--output", "json").json();
    assert!(shown["loadedAt"].is_string() && shown["toldByAgentTokenPublicId"].is_string(), "{shown}");

    // Its code is mended, and what is there is loaded again.
    fs::write(&broken, SALES).expect("written");
    location!(stand, "reload", "broken").must(0, &[]);
    is("broken", "LOADED");

    // The same by Dagster's own command, which waits for the agent.
    let file = sales.to_str().expect("a path");
    let arguments = ["deployment", "add-location", "stock", "--python-file", file, "--location-load-timeout", "150"];
    let arguments = [&arguments[..], &["--agent-heartbeat-timeout", "150"]].concat();
    let added = dagster_cloud(&stand, "default", stand.user_token(), &arguments);
    added.must(0, &["Agent synced changes to stock"]);

    location!(stand, "remove", "sales").must(0, &[]);
    agent.says("Removing server for default:sales");
}

#[test]
fn unmodified_an_agent_that_sends_all_in_its_calls_is_understood() {
    let _turn = turn();
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    for (name, text) in [("sales", SALES), ("broken", BROKEN)] {
        let file = stand.path(&format!("{name}.py"));
        fs::write(&file, text).expect("written");
        location!(stand, "add", name, "--python-file", file.to_str().expect("a path")).must(0, &[]);
    }
    let agent = agent_with(&stand, "south", "default", stand.agent_token(), "direct_snapshot_uploads: false");
    comes_to(&stand, &agent, "sales", "LOADED");
    comes_to(&stand, &agent, "broken", "FAILED");
    agent.says("Successfully uploaded job snapshot");
    location!(stand, "show", "broken").must(0, &["no stock today"]);
}
