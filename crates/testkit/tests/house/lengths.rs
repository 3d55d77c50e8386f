//! One file, one thing: what does not fit into the limit is two things.

use crate::{files, read, root};

/// Lines that a Rust file may have.
const LIMIT: usize = 400;

/// Files that are longer, with their lines today. The list may only shrink: a new entry is refused in review, and an
/// entry that has become too large fails below.
const LONGER: &[(&str, usize)] = &[];

#[test]
fn no_rust_file_is_longer_than_the_limit() {
    let files = files(&root().join("crates"), "rs");
    assert!(files.len() > 10, "the walk found only {} files: it looks in the wrong place", files.len());

    let mut faults = Vec::new();
    for file in &files {
        let name = file.to_str().expect("names are UTF-8");
        let lines = read(file).lines().count();
        let allowed = LONGER.iter().find(|(longer, _)| *longer == name).map_or(LIMIT, |(_, lines)| *lines);
        if lines > allowed {
            faults.push(format!("{name} has {lines} lines, {allowed} are allowed: split it"));
        }
    }
    for (name, listed) in LONGER {
        let lines = if root().join(name).exists() { read(name.as_ref()).lines().count() } else { 0 };
        if lines <= LIMIT {
            faults.push(format!("{name} has {lines} lines now: take it off the list"));
        } else if lines < *listed {
            faults.push(format!("{name} has {lines} lines now: lower its {listed} in the list"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
