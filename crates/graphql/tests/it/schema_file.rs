//! `schema.graphql` at the root of the repository is what the server answers.

use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "the one switch of this test, set by hand")]
fn is_update_wanted() -> bool {
    std::env::var("UPDATE_SCHEMA").is_ok_and(|value| value == "1")
}

#[test]
fn the_committed_schema_is_the_one_that_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema.graphql");
    let served = countersign_graphql::sdl();
    if is_update_wanted() {
        std::fs::write(&path, &served).expect("the schema can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == served,
        "schema.graphql is not the schema that is served. Look at the change, then run\n\
         UPDATE_SCHEMA=1 cargo test -p countersign-graphql the_committed_schema\n\
         and commit the file."
    );
}
