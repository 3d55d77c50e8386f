//! The commands about deployments, and what an agent hears when its deployment is deleted.

use countersign_testkit::Engine;
use serde_json::Value;

use crate::stand::Stand;

#[test]
fn deployments_are_made_listed_renamed_and_deleted_by_force() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&[]);
        stand.ada(&["deployment", "create", "prod", "--description", "What customers see"]).must(0, &["prod"]);
        stand.ada(&["deployment", "create", "prod"]).must(6, &["prod already"]);
        stand.ada(&["deployment", "create", "a/b"]).must(2, &[]);
        let expires = ["--expires", "2096-01-31T09:00:00Z"];
        stand.ada(&[&["deployment", "create", "pull-1"][..], &expires].concat()).must(2, &["--branch-of"]);
        stand
            .ada(&[&["deployment", "create", "pull-1", "--branch-of", "prod"][..], &expires].concat())
            .must(0, &["pull-1", "2096-01-31"]);
        stand
            .ada(&["deployment", "create", "pull-2", "--branch-of", "pull-1"])
            .must(2, &["is a branch deployment itself"]);
        let listed = stand.ada(&["deployment", "list", "--output", "json"]).json();
        let names: Vec<_> = listed.as_array().expect("a list").iter().map(|it| it["name"].as_str()).collect();
        assert_eq!(names, [Some("default"), Some("prod"), Some("pull-1")]);
        stand.ada(&["deployment", "list"]).must(0, &["default (default)", "What customers see"]);
        stand.ada(&["deployment", "rename", "prod", "live"]).must(0, &["Deployment prod is called live now."]);
        stand.ada(&["deployment", "rename", "prod", "x"]).must(5, &["no deployment prod found", "live"]);
        stand.ada(&["deployment", "delete", "default", "--force"]).must(6, &["is the organization's default"]);

        let made = stand.ada(&["token", "create", "--deployments", "live", "--output", "json"]).json();
        let value = made["value"].as_str().expect("a value");
        let agent = stand.agent("one", value, &[]);
        agent.says("Connected");
        let long = stand.pipeline("long.yml", "steps:\n  - command: sleep 300\n");
        stand.ada(&["build", "create", "--pipeline", &long, "--deployment", "live"]).must(0, &[]);
        agent.says("Running job");
        stand.ada(&["deployment", "delete", "live"]).must(6, &["1 build that has not ended", "by force"]);
        let told = stand.ada(&["deployment", "delete", "live", "--force"]);
        told.must(0, &["builds cancelled: 1", "agents told to leave: 1", "agent tokens revoked: 1", "pull-1"]);
        assert_eq!(agent.end(), 0, "{}", agent.log());
        assert!(agent.log().contains("The deployment live was deleted."), "{}", agent.log());
        let builds = stand.ada(&["build", "list", "--output", "json"]).json();
        assert_eq!(builds[0]["state"], "CANCELED");
        let late = stand.agent("two", value, &[]);
        assert_ne!(late.end(), 0);
        assert!(late.log().contains("revoked"), "{}", late.log());
        let left = stand.ada(&["deployment", "list", "--output", "json"]).json();
        assert_eq!(left.as_array().map(Vec::len), Some(1));
        assert_eq!(left[0]["parent"], Value::Null);
    }
}
