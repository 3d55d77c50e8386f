//! Members, invitations and service users by the command line.

use std::fs;

use countersign_testkit::Engine;

use crate::stand::{Stand, command, run};

#[test]
fn a_team_from_its_first_invitation_to_its_last_token() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&[]);
        let made = stand.ada(&["invitation", "create", "bob@example.com", "--output", "json"]).json();
        let value = made["value"].as_str().expect("a value");
        let public = made["invitation"]["publicId"].as_str().expect("an id");
        stand.ada(&["invitation", "list"]).must(0, &[public, "bob@example.com", "pending"]);
        let file = stand.path("invitation");
        fs::write(&file, value).expect("written");
        let from = format!("file://{}", file.display());
        let accept = ["invitation", "accept", "--server", &stand.address(), "--invitation", &from, "--name", "Bob"];
        let joined = run(command(&[&accept[..], &["--output", "json"]].concat())).json();
        let bob = joined["value"].as_str().expect("a value").to_owned();
        assert_eq!((&joined["email"], &joined["role"]), (&"bob@example.com".into(), &"member".into()));
        run(command(&accept)).must(3, &["expired"]);
        assert_eq!(stand.ada(&["invitation", "list", "--output", "json"]).json(), serde_json::json!([]));
        stand.ada(&["invitation", "list", "--ended"]).must(0, &["accepted"]);

        stand.with_token(&bob, &["member", "list"]).must(0, &["ada@example.com", "Bob", "person"]);
        stand.with_token(&bob, &["member", "remove", "ada@example.com"]).must(4, &["Organization Admin"]);
        stand.ada(&["member", "role", "ada@example.com", "member"]).must(6, &["the last Organization Admin"]);
        stand.ada(&["member", "role", "bob@example.com", "admin", "--keep-tokens"]).must(2, &["leave it out"]);
        stand.ada(&["member", "role", "bob@example.com", "admin"]).must(0, &["has the role admin now"]);
        stand.with_token(&bob, &["invitation", "create", "eve@example.com"]).must(0, &["csniv_"]);
        stand
            .ada(&["member", "role", "bob@example.com", "member", "--keep-tokens"])
            .must(0, &["has the role member now", "invitations withdrawn: 1"]);

        let listed = stand.ada(&["user", "token", "list", "--member", "bob@example.com", "--output", "json"]).json();
        let token = listed[0]["publicId"].as_str().expect("an id");
        stand.ada(&["user", "token", "reveal", token]).must(5, &["No user token found"]);
        stand.ada(&["user", "token", "revoke", token]).must(5, &["No user token found"]);
        stand
            .ada(&["user", "token", "revoke", token, "--member", "bob@example.com", "--reason", "lost"])
            .must(0, &[token]);
        stand.with_token(&bob, &["member", "list"]).must(3, &["revoked"]);
        stand.ada(&["member", "remove", "bob@example.com"]).must(0, &["bob@example.com is no member any more."]);
        stand.ada(&["member", "show", "bob@example.com"]).must(5, &["no member found"]);
    }
}

#[test]
fn a_service_user_and_its_tokens() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    stand
        .ada(&["service-user", "create", "deployer", "--description", "Deploys"])
        .must(0, &["deployer", "service user"]);
    for arguments in [["service-user", "remove"].as_slice(), &["service-user", "token", "list"]] {
        stand.ada(&[arguments, &["ada@example.com"]].concat()).must(2, &["this is a person"]);
    }
    stand.ada(&["service-user", "create", "deployer"]).must(6, &["choose another name"]);
    let made = stand.ada(&["service-user", "token", "create", "deployer", "--output", "json"]).json();
    let (value, public) =
        (made["value"].as_str().expect("a value"), made["token"]["publicId"].as_str().expect("an id"));
    assert_eq!(stand.ada(&["service-user", "token", "reveal", "deployer", public]).out.trim(), value);
    stand.with_token(value, &["member", "list"]).must(0, &["deployer"]);
    stand.with_token(value, &["user", "token", "create"]).must(4, &["needs a person"]);
    stand.ada(&["service-user", "edit", "deployer", "--name", "releaser"]).must(0, &["releaser", "Deploys"]);
    stand.ada(&["service-user", "edit", "releaser"]).must(2, &["--description"]);
    stand.ada(&["service-user", "list"]).must(0, &["releaser"]);
    stand.ada(&["service-user", "token", "list", "releaser"]).must(0, &[public, "active"]);
    stand.ada(&["service-user", "token", "revoke", "releaser", public]).must(0, &[public]);
    stand.with_token(value, &["member", "list"]).must(3, &["revoked"]);
    stand.ada(&["service-user", "remove", "releaser"]).must(0, &["releaser is no member any more."]);
}

#[test]
fn what_cannot_be_taken_says_what_to_do() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    for (exit, word, arguments) in [
        (2, "ada@example.com", &["invitation", "create", "bob"][..]),
        (2, "admin or member", &["invitation", "create", "bob@example.com", "--role", "owner"]),
        (2, "30 days", &["invitation", "create", "bob@example.com", "--expires", "2999-01-01T00:00:00Z"]),
        (2, "passed", &["invitation", "create", "bob@example.com", "--expires", "2001-01-01T00:00:00Z"]),
        (6, "is a member already", &["invitation", "create", "ada@example.com"]),
        (5, "invitation", &["invitation", "withdraw", "4f9Kd0aZ81b"]),
        (5, "member", &["member", "role", "nobody@example.com", "admin"]),
        (5, "member", &["member", "remove", "nonsense"]),
        (2, "letters, digits", &["service-user", "create", "a b"]),
        (5, "service user", &["service-user", "token", "create", "ada@example.com"]),
        (5, "member", &["user", "token", "list", "--member", "nobody@example.com"]),
    ] {
        stand.ada(arguments).must(exit, &[word]);
    }
    let accept =
        |value: &str| run(command(&["invitation", "accept", "--server", &stand.address(), "--invitation", value]));
    accept("csniv_nonsense").must(3, &[]);
    accept(stand.user_token()).must(4, &["another kind"]);
}
