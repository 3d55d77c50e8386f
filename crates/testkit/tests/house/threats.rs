//! Each abuse case of `docs/threats.md` has tests, and each test that is named there is there.

use std::path::Path;

use crate::{read, root};

const PAGE: &str = "docs/threats.md";
/// The cases that must have a row.
const CASES: [&str; 6] = ["A5", "A9", "A10", "A12", "A14", "A16"];

#[test]
fn every_abuse_case_has_tests_that_are_there() {
    let mut faults = Vec::new();
    let page = read(Path::new(PAGE));
    for case in CASES {
        let row = page.lines().find(|line| line.starts_with(&format!("| {case} |")));
        let named = row.map(named_tests).unwrap_or_default();
        if named.is_empty() {
            faults.push(format!("{PAGE}: {case} names no test"));
        }
        for (test, file) in named {
            let path = root().join("docs").join(&file);
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            if !source.contains(&format!("fn {test}(")) {
                faults.push(format!("{PAGE}: {case}: there is no test {test} in {file}"));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Each ``[`TEST`](FILE)`` of a line.
fn named_tests(line: &str) -> Vec<(String, String)> {
    let links = line.split("[`").skip(1);
    links
        .filter_map(|rest| {
            let (test, rest) = rest.split_once("`](")?;
            let (file, _) = rest.split_once(')')?;
            Some((test.to_owned(), file.to_owned()))
        })
        .collect()
}

#[test]
fn the_search_finds_what_a_row_names() {
    let found = named_tests("| A0 | x | [`one`](a.rs), [`two`](../b.rs) [page](c.md) |");
    let wanted = [("one", "a.rs"), ("two", "../b.rs")].map(|(test, file)| (test.to_owned(), file.to_owned()));
    assert_eq!(found, wanted);
}
