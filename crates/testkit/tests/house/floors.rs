//! The floors of `ARCHITECTURE.md`: an arrow between two crates is a decision, made visible in this table.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::root;

/// Crate, floor, and the crates it knows. Exact: a new arrow fails, and so does one that is no longer there.
/// Arrows point down; crates on one floor do not know each other. `cli` is the package `countersign`.
const FLOORS: &[(&str, u8, &[&str])] = &[
    ("domain", 0, &[]),
    ("wire", 0, &[]),
    ("store", 1, &["domain"]),
    ("agent", 1, &["domain", "wire"]),
    ("control", 2, &["domain", "store"]),
    ("http", 3, &["control", "domain"]),
    ("buildkite", 4, &["control", "domain", "http", "wire"]),
    ("graphql", 4, &["control", "domain", "http"]),
    ("dagster", 4, &["control", "domain", "http", "wire"]),
    ("pages", 4, &["control", "domain", "http"]),
    ("cli", 5, &["agent", "buildkite", "control", "dagster", "domain", "graphql", "http", "pages", "store"]),
    ("testkit", TESTS, &["control", "domain", "store"]),
];

/// Above every floor: tests may know everything, and only a dev-dependency may know the test kit.
const TESTS: u8 = u8::MAX;

/// Libraries that belong to some crates only, because they are what the floor keeps from the others.
const KEPT: &[(&str, &[&str])] = &[
    // The test kit looks at rows past the store: what the store says of itself is what it tests.
    ("rusqlite", &["store", "testkit"]),
    ("tokio-postgres", &["store", "testkit"]),
    ("deadpool-postgres", &["store"]),
    ("refinery", &["store"]),
    ("object_store", &["store"]),
    ("async-graphql", &["dagster", "graphql"]),
    ("clap", &["cli"]),
    ("ammonia", &["pages"]),
    ("askama", &["pages"]),
    ("axum", &["buildkite", "cli", "dagster", "graphql", "http", "pages"]),
    ("reqwest", &["agent", "cli", "testkit"]),
    // `domain` and `wire` do no input and output, so they need no runtime.
    ("tokio", &["agent", "buildkite", "cli", "control", "dagster", "graphql", "http", "pages", "store", "testkit"]),
];

/// What one crate depends on.
#[derive(Default)]
struct Dependencies {
    /// Crates of the workspace.
    inside: BTreeSet<String>,
    /// Crates of the workspace, for tests only.
    inside_for_tests: BTreeSet<String>,
    /// Libraries, by their package name.
    outside: BTreeSet<String>,
}

#[test]
fn crates_know_exactly_what_the_table_says() {
    let workspace = workspace();
    let listed: BTreeSet<&str> = FLOORS.iter().map(|(name, ..)| *name).collect();
    let present: BTreeSet<&str> = workspace.keys().map(String::as_str).collect();
    assert_eq!(present, listed, "crates of the workspace (left) and of the table (right)");

    let mut faults = Vec::new();
    for (name, _, known) in FLOORS {
        let known: BTreeSet<String> = known.iter().map(|it| (*it).to_owned()).collect();
        let found = &workspace[*name];
        for new in found.inside.difference(&known) {
            faults.push(format!("{name} depends on {new}, which is not in the table"));
        }
        for gone in known.difference(&found.inside) {
            faults.push(format!("{name} no longer depends on {gone}: take it off the table"));
        }
        for extra in found.inside_for_tests.difference(&known) {
            if extra != "testkit" {
                faults.push(format!("{name} knows {extra} in its tests: let testkit bring it"));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn arrows_of_the_table_point_down() {
    let floors: BTreeMap<&str, u8> = FLOORS.iter().map(|(name, floor, _)| (*name, *floor)).collect();
    for (name, floor, known) in FLOORS {
        for other in *known {
            assert!(floors[other] < *floor, "{name} (floor {floor}) may not know {other} (floor {})", floors[other]);
        }
    }
}

#[test]
fn libraries_stay_on_their_floors() {
    let mut faults = Vec::new();
    for (name, dependencies) in workspace() {
        for (library, homes) in KEPT {
            if dependencies.outside.contains(*library) && !homes.contains(&name.as_str()) {
                faults.push(format!("{name} depends on {library}, which belongs to {}", homes.join(", ")));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The crates of the workspace by folder name, as cargo sees them.
fn workspace() -> BTreeMap<String, Dependencies> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo answers JSON");

    let mut workspace = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let mut found = Dependencies::default();
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let name = dependency["name"].as_str().expect("a dependency has a name");
            let for_tests = dependency["kind"] == "dev";
            match (dependency["path"].is_string(), for_tests) {
                (true, false) => found.inside.insert(folder(name)),
                (true, true) => found.inside_for_tests.insert(folder(name)),
                (false, false) => found.outside.insert(name.to_owned()),
                (false, true) => continue,
            };
        }
        workspace.insert(folder(package["name"].as_str().expect("a package has a name")), found);
    }
    workspace
}

/// The folder below `crates/` of a package.
fn folder(package: &str) -> String {
    match package {
        "countersign" => "cli".to_owned(),
        other => other.strip_prefix("countersign-").unwrap_or(other).to_owned(),
    }
}
