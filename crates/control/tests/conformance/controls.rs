//! Proof that the suite can fail: planted faults, each of which must be found.

use std::collections::{BTreeMap, BTreeSet};

use countersign_store::IntoValue;
use countersign_testkit::{Engine, World};

use crate::dump::{Dump, TABLES};
use crate::run::{self, Case, Report};
use crate::sight::{self, Seen};
use crate::sql;

async fn passes(_: &World) {}

async fn fails(_: &World) {
    panic!("planted");
}

async fn changes_the_twin(world: &World) {
    let text = "UPDATE tokens SET description = 'changed' WHERE organization_id = $1 AND revoked_at IS NULL";
    sql::change(&world.control, text, vec![world.globex.created.organization.id.into_value()]).await;
}

async fn loses_a_row_of_the_twin(world: &World) {
    let of = world.globex.created.organization.id;
    sql::change(&world.control, "DELETE FROM refusals WHERE organization_id = $1", vec![of.into_value()]).await;
}

async fn shows_the_twin(world: &World) {
    // As a query does that forgets the organization: a name of the twin's stands in a row of acme's.
    let text = "UPDATE tokens SET description = $2 WHERE organization_id = $1";
    let id = world.globex.created.agent_token.id.to_string();
    sql::change(&world.control, text, vec![world.acme.created.organization.id.into_value(), id.into_value()]).await;
}

/// A case that fails is named, and those beside it go on; so are cases that change or show the twin.
///
/// # Panics
/// When one of them passes.
pub async fn of_the_runner() {
    const PLANTED: &[Case] = crate::list::cases!["planted"
        passes, fails, changes_the_twin, loses_a_row_of_the_twin, shows_the_twin
    ];
    // What the planted ones have to say is for nobody's eyes.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcomes = run::each(Engine::Sqlite, PLANTED.to_vec()).await;
    std::panic::set_hook(hook);
    let report = Report::new("controls", outcomes);
    let text = report.text();
    for (name, why) in [
        ("fails", "planted"),
        ("changes_the_twin", "the twin organization has changed"),
        ("loses_a_row_of_the_twin", "the twin organization has changed"),
        ("shows_the_twin", "the twin organization can be seen"),
    ] {
        assert!(text.contains(&format!("planted::{name} FAILED: {why}")), "not named: {name}\n{text}");
    }
    assert!(text.ends_with("conformance: controls: 1 passed, 4 failed\n"), "{text}");
    assert_eq!((report.tried(), report.failed()), (5, 4));
}

fn row(columns: &[(&str, &str)]) -> BTreeMap<String, String> {
    columns.iter().map(|(column, value)| ((*column).to_owned(), (*value).to_owned())).collect()
}

fn dump(tokens: &[BTreeMap<String, String>]) -> Dump {
    Dump { tables: [("tokens", tokens.to_vec())].into() }
}

/// Each way in which rows can differ is a change.
pub fn a_dump_tells_every_change() {
    let (one, two) = (row(&[("id", "1"), ("name", "a")]), row(&[("id", "2"), ("name", "a")]));
    let changed = row(&[("id", "1"), ("name", "b")]);
    let before = dump(&[one.clone(), two.clone()]);
    assert_eq!(before.changes(&dump(&[two.clone(), one.clone()]), &[]), [""; 0], "their order is none");
    for (later, count) in [
        (dump(std::slice::from_ref(&one)), 1),
        (dump(&[one.clone(), two.clone(), two.clone()]), 1),
        (dump(&[changed.clone(), two.clone()]), 2),
        (dump(&[one.clone(), row(&[("id", "2")])]), 2),
        (dump(&[one.clone(), one]), 2),
        (Dump::default(), 2),
    ] {
        assert_eq!(before.changes(&later, &[]).len(), count, "{later:?}");
    }
    let later = dump(&[changed, two]);
    assert_eq!(before.changes(&later, &[("tokens", "name")]), [""; 0], "what is left out does not count");
    assert_eq!(before.changes(&later, &[("agents", "name"), ("tokens", "id")]).len(), 2, "in that table only");
}

/// A table that is made and not watched would hide whatever happens in it.
pub fn every_table_is_watched() {
    /// Tables that hold nothing of an organization's.
    const OF_NOBODY: [&str; 3] = ["server_lease", "instance", "oidc_keys"];
    let schema = include_str!("../../../store/migrations/V1__countersign.sql");
    let made = schema.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split_whitespace().next());
    let made: BTreeSet<&str> = made.collect();
    let watched: BTreeSet<&str> = TABLES.iter().map(|table| table.name).chain(OF_NOBODY).collect();
    assert_eq!(made, watched);
}

/// A mark of the twin's is found wherever it stands.
pub fn a_mark_in_an_answer_is_found() {
    let twin = dump(&[
        row(&[("id", "id:0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77"), ("public_id", "4f9Kd0aZ81b"), ("kind", "at")]),
        row(&[("id", "id:00000000-0000-0000-0000-000000000000"), ("email", "NULL")]),
    ]);
    let marks = twin.marks();
    assert_eq!(marks.len(), 2, "{marks:?}");
    let seen = |text: &str| Seen(vec![("read", text.to_owned())]);
    for text in ["Agent { id: 0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77 }", "[4f9Kd0aZ81b]", "slug: \"globex\""] {
        assert_eq!(sight::found(&seen(text), &marks).len(), 1, "{text}");
    }
    assert_eq!(sight::found(&seen("Agent { id: 0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b78 }"), &marks), [""; 0]);
}
