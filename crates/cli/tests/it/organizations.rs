//! The operator's commands, and two organizations that know nothing of each other.

use countersign_testkit::Engine;
use serde_json::json;

use crate::stand::{Stand, command, http, run};

#[test]
fn a_token_of_one_organization_is_unknown_to_the_other() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let operator =
            stand.run(&["operator-token", "create", "--description", "Provisioning", "--output", "json"]).json();
        let operator_token = operator["value"].as_str().expect("a value").to_owned();
        let globex = stand
            .run(&[
                "organization",
                "create",
                "--organization",
                "globex",
                "--admin",
                "hank@example.com",
                "--output",
                "json",
            ])
            .json();
        assert_eq!(globex["organization"]["slug"], "globex");
        stand
            .run(&["organization", "create", "--organization", "globex", "--admin", "hank@example.com"])
            .must(6, &["globex"]);

        let server = stand.server(&[]);
        let through = |token: &str, slug: &str| {
            let mut command = command(&[
                "organization",
                "create",
                "--organization",
                slug,
                "--admin",
                "ida@example.com",
                "--output",
                "json",
            ]);
            command.env("COUNTERSIGN_SERVER", stand.address()).env("COUNTERSIGN_OPERATOR_TOKEN", token);
            run(command)
        };
        let initech = through(&operator_token, "initech").json();
        for made in [&globex, &initech] {
            let fields: Vec<&String> = made.as_object().expect("an object").keys().collect();
            assert_eq!(fields, ["admin", "agent_token", "organization", "user_token"]);
        }
        through(&operator_token, "initech").must(6, &[]);
        let refused = through(stand.user_token(), "umbrella");
        assert!([3, 4].contains(&refused.exit), "{refused:#?}");

        let hank = globex["user_token"].as_str().expect("a value");
        let acme_token = stand.made["agent_token"]["id"].as_str().expect("an id");
        let acme_value = stand.agent_token();
        stand.with_token(hank, &["token", "show", acme_token]).must(5, &[]);
        stand.with_token(hank, &["token", "revoke", acme_token, "--reason", "mine now"]).must(5, &[]);
        stand.with_token(hank, &["token", "revoke", acme_value, "--reason", "mine now"]).must(5, &[]);
        let listed = stand.with_token(hank, &["token", "list", "--output", "json"]).json();
        assert_eq!(listed.as_array().map(Vec::len), Some(1));
        // And it still registers at home.
        let url = format!("{}/v3/register", stand.address());
        assert_eq!(http("POST", &url, &format!("Token {acme_value}"), &json!({ "name": "a" })).0, 200);

        if engine == Engine::Sqlite {
            // The folder is the server's now.
            stand
                .run(&["organization", "create", "--organization", "late", "--admin", "x@example.com"])
                .must(6, &["in use", "--operator-token"]);
            stand.run(&["operator-token", "create", "--description", "late"]).must(6, &["in use"]);
        }
        stand.run(&["operator-token", "list"]).must(0, &["Provisioning"]);
        assert_eq!(server.stop(), 0);
        let id = operator["id"].as_str().expect("an id");
        stand.run(&["operator-token", "revoke", id, "--reason", "done"]).must(0, &[id]);
        let _server = stand.server(&[]);
        through(&operator_token, "umbrella").must(3, &["revoked"]);
    }
}
