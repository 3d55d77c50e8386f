//! Tables that are printed beside the tests, so that a change of who may do or see something is read by whoever makes it.

use std::path::Path;

/// Set to write tables anew.
const UPDATE: &str = "UPDATE_SNAPSHOTS";

/// The table is as it was printed; with `UPDATE_SNAPSHOTS` it is printed anew.
///
/// # Panics
/// With the lines that are new, and `what` has changed, when it is another; when it cannot be written.
#[expect(clippy::disallowed_methods, reason = "a developer asks for a new table by the environment")]
pub fn must_be_as_printed(path: impl AsRef<Path>, table: &str, what: &str) {
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path, table).expect("the table can be written");
        return;
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    let differ: Vec<_> = table.lines().filter(|line| !known.lines().any(|it| it == *line)).collect();
    assert!(
        known == table,
        "{what} has changed; look at each line, then set {UPDATE}=1 to write it anew:\n{}",
        differ.join("\n")
    );
}
