//! Agent tokens from the command line.

use countersign_testkit::Engine;
use serde_json::Value;

use crate::stand::{Stand, command, run};

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

#[test]
fn the_life_of_a_token() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&[]);
        let made = stand
            .ada(&[
                "token",
                "create",
                "--description",
                "Oslo",
                "--queues",
                "default,deploy",
                "--networks",
                "127.0.0.1",
                "--output",
                "json",
            ])
            .json();
        let (id, public_id) = (text(&made, "/token/id").to_owned(), text(&made, "/token/publicId").to_owned());
        assert!(text(&made, "/value").contains(&public_id));
        assert_eq!(made.pointer("/token/scope/queues").expect("there"), &serde_json::json!(["default", "deploy"]));

        // By each of its names.
        let uuid = text(&made, "/token/uuid").to_owned();
        for name in [&id, &uuid, &public_id] {
            let shown = stand.ada(&["token", "show", name, "--output", "json"]).json();
            assert_eq!(text(&shown, "/id"), id);
        }
        stand.ada(&["token", "show", &public_id]).must(0, &["Oslo", "queues default, deploy", "No agent is connected"]);
        assert_eq!(stand.ada(&["token", "reveal", &public_id]).out.trim(), text(&made, "/value"));

        let listed = stand.ada(&["token", "list", "--output", "json"]).json();
        assert_eq!(listed.as_array().map(Vec::len), Some(2));
        stand.ada(&["token", "list"]).must(0, &["Oslo", "Default agent registration token", "active"]);

        let edited = stand
            .ada(&[
                "token",
                "edit",
                &id,
                "--description",
                "Bergen",
                "--expires",
                "2199-01-31T09:00:00Z",
                "--output",
                "json",
            ])
            .json();
        assert_eq!((text(&edited, "/description"), text(&edited, "/expiresAt")), ("Bergen", "2199-01-31T09:00:00Z"));
        let edited = stand.ada(&["token", "edit", &id, "--expires", "never", "--output", "json"]).json();
        assert!(edited["expiresAt"].is_null());

        // One part of the scope is changed, the others stay.
        stand
            .ada(&["token", "permissions", &id])
            .must(0, &["every deployment; queues default, deploy; from 127.0.0.1"]);
        let scope = stand
            .ada(&["token", "permissions", &id, "--any-queue", "--deployments", "default", "--output", "json"])
            .json();
        let scope = &scope["agentToken"]["scope"];
        assert_eq!((&scope["anyQueue"], &scope["everyDeployment"]), (&Value::Bool(true), &Value::Bool(false)));
        stand.ada(&["token", "permissions", &id]).must(0, &["default; any queue; from 127.0.0.1"]);
        stand.ada(&["token", "permissions", &id, "--deployments", "nowhere"]).must(5, &["no deployment nowhere"]);

        let rotated = stand.ada(&["token", "rotate", &id, "--overlap", "30m", "--output", "json"]).json();
        assert_ne!(text(&rotated, "/value"), text(&made, "/value"));
        let revoked =
            stand.ada(&["token", "revoke", &public_id, "--reason", "no longer used", "--output", "json"]).json();
        assert_eq!(text(&revoked, "/agentToken/revokedReason"), "no longer used");
        stand.ada(&["token", "reveal", &id]).must(6, &[]);
        assert_eq!(stand.ada(&["token", "list", "--output", "json"]).json().as_array().map(Vec::len), Some(1));
        stand.ada(&["token", "list", "--revoked"]).must(0, &["Bergen", "revoked"]);
    }
}

#[test]
fn each_fault_has_its_exit_code() {
    let stand = Stand::new(Engine::Sqlite);
    let server = stand.server(&[]);
    let unknown = "csnut_AAAAAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    stand.with_token(unknown, &["token", "list"]).must(3, &[]);
    stand.with_token("nonsense", &["token", "list"]).must(3, &[]);
    // A good token of the wrong kind.
    stand.with_token(stand.agent_token(), &["token", "list"]).must(3, &[]);
    stand.ada(&["token", "show", "AAAAAAAAAAA"]).must(5, &["agent token"]);
    stand.ada(&["token", "show", "not-an-id"]).must(5, &[]);
    stand.ada(&["token", "revoke", "AAAAAAAAAAA", "--reason", "x"]).must(5, &["agent token"]);
    stand.ada(&["token", "revoke", "AAAAAAAAAAA", "--reason", ""]).must(2, &["reason"]);
    let long = "x".repeat(10_000);
    for description in ["", "a\u{202e}b", "a\u{7}b", long.as_str()] {
        stand.ada(&["token", "create", "--description", description]).must(2, &["description"]);
    }
    stand.ada(&["token", "create", "--expires", "2001-01-31T09:00:00Z"]).must(2, &["--expires has passed"]);
    stand.ada(&["token", "create", "--expires", "tomorrow"]).must(2, &["RFC 3339"]);
    stand.ada(&["token", "create", "--networks", "300.1.1.1"]).must(2, &["networks"]);
    stand.ada(&["token", "edit", "AAAAAAAAAAA"]).must(2, &["nothing to change"]);
    server.stop();
    stand.ada(&["token", "list"]).must(8, &["cannot be reached"]);
    let mut nobody = command(&["token", "list"]);
    nobody.env("COUNTERSIGN_SERVER", stand.address());
    run(nobody).must(3, &["countersign login"]);
}
