//! Who is shown what: the table of every page and every role.

/// Set to write the table anew.
const UPDATE: &str = "UPDATE_SNAPSHOTS";

/// The table is as it was.
#[expect(clippy::disallowed_methods, reason = "a developer asks for a new table by the environment")]
pub fn compare(rows: &[String]) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/roles.txt");
    let table = format!("{}\n", rows.join("\n"));
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path, table).expect("the table can be written");
        return;
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    let differ: Vec<_> = table.lines().filter(|line| !known.lines().any(|it| it == *line)).collect();
    assert!(
        known == table,
        "what pages offer to whom has changed; look at each line, then set {UPDATE}=1 to write it anew:\n{}",
        differ.join("\n")
    );
}
