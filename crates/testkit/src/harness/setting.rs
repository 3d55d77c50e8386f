//! What a run of the tests is told by its environment.

use std::path::PathBuf;

use crate::engine::variable;

/// `small` (the default) or `release`.
pub const SIZE: &str = "COUNTERSIGN_TEST_SIZE";
/// `1` when this run may mount file systems.
pub const MOUNTS: &str = "COUNTERSIGN_TEST_MOUNTS";
/// The folder of `pg_dump` and its like.
pub const POSTGRES_BIN: &str = "COUNTERSIGN_TEST_POSTGRES_BIN";

/// The folder of Dagster's programs: `dagster-cloud`, `dg` and what they start.
pub const DAGSTER_BIN: &str = "COUNTERSIGN_TEST_DAGSTER_BIN";

/// The folder of what drives Chromium: `node_modules` with playwright-core and axe-core.
pub const BROWSER_TOOLS: &str = "COUNTERSIGN_TEST_BROWSER_TOOLS";

/// The folder for screenshots of every page. Without it only a few are taken, and not kept.
pub const SCREENSHOTS: &str = "COUNTERSIGN_TEST_SCREENSHOTS";

/// How much a test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// What every `make test` can afford.
    Small,
    /// What a release must have passed.
    Release,
}

impl Size {
    /// The size that was asked for.
    ///
    /// # Panics
    /// When it is neither.
    #[must_use]
    pub fn asked() -> Self {
        match variable(SIZE).as_deref() {
            None | Some("small") => Self::Small,
            Some("release") => Self::Release,
            Some(other) => panic!("{SIZE} is {other}; it can be `small` or `release`"),
        }
    }

    /// One of two figures.
    pub fn pick<T>(self, small: T, release: T) -> T {
        match self {
            Self::Small => small,
            Self::Release => release,
        }
    }
}

/// Whether this run may mount file systems.
#[must_use]
pub fn may_mount() -> bool {
    variable(MOUNTS).as_deref() == Some("1")
}

/// The folder of Dagster's programs.
///
/// # Panics
/// When none is named.
#[must_use]
pub fn dagster_bin() -> PathBuf {
    let folder = variable(DAGSTER_BIN).unwrap_or_else(|| {
        panic!("{DAGSTER_BIN} names no folder with Dagster's programs. `make test` sets it; scripts/dagster-tools.sh installs them and prints it.")
    });
    PathBuf::from(folder)
}

/// The folder of an older release of Dagster's agent, for Python to look into first.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn dagster_older() -> PathBuf {
    let folder = dagster_bin().join("../../older");
    assert!(folder.is_dir(), "{} is not there: scripts/dagster-tools.sh installs it", folder.display());
    folder
}

/// The folder of what drives Chromium.
///
/// # Panics
/// When none is named.
#[must_use]
pub fn browser_tools() -> PathBuf {
    let folder = variable(BROWSER_TOOLS).unwrap_or_else(|| {
        panic!("{BROWSER_TOOLS} names no folder with what drives Chromium. `make test` sets it; scripts/browser-tools.sh installs it and prints it.")
    });
    PathBuf::from(folder)
}

/// The folder for screenshots of every page, if they are wanted.
#[must_use]
pub fn screenshots() -> Option<PathBuf> {
    variable(SCREENSHOTS).map(PathBuf::from)
}

/// One of PostgreSQL's programs.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn postgres_tool(name: &str) -> PathBuf {
    let folder = variable(POSTGRES_BIN)
        .unwrap_or_else(|| panic!("{POSTGRES_BIN} names no folder with {name} in it. `make test` sets it."));
    let tool = PathBuf::from(folder).join(name);
    assert!(tool.is_file(), "{} is not there: install Debian's package postgresql", tool.display());
    tool
}

/// Names real agents of Buildkite: the paths of one or several binaries, separated by `:`.
pub const BUILDKITE_AGENT: &str = "COUNTERSIGN_TEST_BUILDKITE_AGENT";

/// The real agents that take part, none when nobody named any.
///
/// # Panics
/// When a path that was named is no file.
#[must_use]
pub fn buildkite_agents() -> Vec<PathBuf> {
    let named = variable(BUILDKITE_AGENT).unwrap_or_default();
    let paths: Vec<_> = named.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect();
    for path in &paths {
        assert!(path.is_file(), "{BUILDKITE_AGENT} names {}, which is no file", path.display());
    }
    paths
}
