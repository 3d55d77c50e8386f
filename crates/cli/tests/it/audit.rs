//! The audit log from outside.

use std::sync::Arc;

use countersign_store::{Options, Sql, Store, StoreError};
use countersign_testkit::{Engine, ManualClock};
use serde_json::Value;

use crate::stand::{Stand, block_on};

/// Somebody with the database in hand changes what was written about them.
const EDIT: Sql = Sql {
    name: "a forgery",
    text: "UPDATE audit_events SET actor_name = 'somebody else' WHERE action = 'user_token.created'",
};

#[test]
fn an_edited_row_is_named() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        stand.run(&["audit", "verify"]).must(0, &["acme", "holds"]);
        let lines = stand.run(&["audit", "export"]);
        let rows: Vec<Value> =
            lines.out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
        assert_eq!(rows.len(), 4, "{lines:#?}");
        assert!(!lines.out.contains(stand.agent_token()) && !lines.out.contains(stand.user_token()));
        let wanted = rows.iter().find(|row| row["action"] == "user_token.created").expect("there")["row"].clone();
        stand
            .run(&["audit", "list", "--organization", "acme"])
            .must(0, &["organization.created", "agent_token.created"]);
        stand.run(&["audit", "list", "--organization", "nobody"]).must(5, &["nobody"]);
        // Of a time: all of these rows are of one, and none is of another.
        let (before, behind) = ("2020-01-01T00:00:00Z", "2120-01-01T00:00:00Z");
        let counted = |more: &[&str]| stand.run(&[&["audit", "export"], more].concat()).out.lines().count();
        assert_eq!(counted(&["--from", before, "--until", behind]), 4);
        assert_eq!((counted(&["--until", before]), counted(&["--from", behind])), (0, 0));
        stand.run(&["audit", "list", "--from", before, "--until", behind]).must(0, &["organization.created"]);
        stand
            .run(&["audit", "list", "--from", behind, "--until", before])
            .must(2, &["until is not after the beginning"]);
        stand.run(&["audit", "export", "--from", "soon"]).must(2, &["--from"]);

        block_on(async {
            let options = Options::new(stand.database.database.clone(), Arc::new(ManualClock::default()));
            let store = Store::open(options).await.expect("the database opens");
            let edited: Result<u64, StoreError> = store
                .transact(countersign_store::Lane::Normal, (), |tx, ()| Box::pin(async { tx.execute(EDIT, &[]).await }))
                .await;
            assert_eq!(edited, Ok(1));
            store.close().await;
        });
        let said = stand.run(&["audit", "verify", "--output", "json"]);
        said.must(6, &["does not hold"]);
        let chains: Value = serde_json::from_str(&said.out).expect("JSON");
        let broken =
            chains.as_array().expect("a list").iter().find(|chain| chain["organization"] == "acme").expect("there");
        assert_eq!((&broken["holds"], &broken["broken"]["row"]), (&Value::Bool(false), &wanted));
    }
}

#[test]
fn it_is_seen_beside_a_running_server() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&["--sweep-interval", "100ms"]);
        stand.ada(&["token", "create", "--description", "seen"]).must(0, &[]);
        stand.run(&["audit", "list"]).must(0, &["agent_token.created", "ada@example.com"]);
        stand.run(&["audit", "verify"]).must(0, &["holds"]);
    }
}
