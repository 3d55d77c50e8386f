//! The folders that a job sees.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, symlink},
    path::{Path, PathBuf},
};

/// Only the agent's user may look into a job's folder.
const MODE: u32 = 0o700;

/// The names that jobs may call the agent's binary by.
const COMMAND_NAMES: [&str; 2] = ["countersign", "buildkite-agent"];

/// The folder, inside the build folder, that holds [`COMMAND_NAMES`]. No agent's name begins with a dot, so none can meet it.
const BIN_FOLDER: &str = ".countersign-bin";

/// `<build path>/<agent name>/<organization>/<pipeline>`: kept from job to job of one agent and pipeline.
pub(super) fn checkout_path(build_path: &Path, env: &BTreeMap<String, String>, agent_name: &str) -> PathBuf {
    let part = |name: &str| env.get(name).map_or("unknown", String::as_str);
    build_path
        .join(plain(env.get("BUILDKITE_AGENT_NAME").map_or(agent_name, String::as_str)))
        .join(plain(part("BUILDKITE_ORGANIZATION_SLUG")))
        .join(plain(part("BUILDKITE_PIPELINE_SLUG")))
}

/// Makes a folder and those above it, for the agent's user alone.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(MODE).create(folder)
}

/// The folder that [`link_commands`] fills.
pub(super) fn bin_folder(build_path: &Path) -> PathBuf {
    build_path.join(BIN_FOLDER)
}

/// Makes links to the agent's binary under each of its names.
pub(super) fn link_commands(build_path: &Path, executable: &Path) -> io::Result<()> {
    let folder = bin_folder(build_path);
    make(&folder)?;
    for name in COMMAND_NAMES {
        let link = folder.join(name);
        if fs::read_link(&link).is_ok_and(|target| target == executable) {
            continue;
        }
        // Workers and other agents do this at the same time, each under a name of its own; a rename puts a whole link in the place of
        // whatever is there.
        let fresh = folder.join(format!(".{name}-{}-{:?}", std::process::id(), std::thread::current().id()));
        let _ = fs::remove_file(&fresh);
        symlink(executable, &fresh)?;
        fs::rename(&fresh, &link)?;
    }
    Ok(())
}

/// A name that is one part of a path: everything but letters, digits and `_` becomes `-`.
fn plain(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    if plain.is_empty() { "-".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn no_name_leads_out_of_the_build_folder() {
        let env = |organization: &str, pipeline: &str| {
            let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            BTreeMap::from([
                pair("BUILDKITE_ORGANIZATION_SLUG", organization),
                pair("BUILDKITE_PIPELINE_SLUG", pipeline),
            ])
        };
        let path = |name: &str, env| checkout_path(Path::new("/b"), &env, name);
        assert_eq!(path("host.example-1", env("acme", "my_app")), Path::new("/b/host-example-1/acme/my_app"));
        assert_eq!(path("..", env("../../etc", "")), Path::new("/b/--/------etc/-"));
        assert_eq!(path("a", BTreeMap::new()), Path::new("/b/a/unknown/unknown"));
    }

    #[test]
    fn folders_are_private_and_links_are_renewed() {
        let folder = tempfile::tempdir().expect("a folder");
        let builds = folder.path().join("builds");
        link_commands(&builds, Path::new("/old/countersign")).expect("links");
        link_commands(&builds, Path::new("/new/countersign")).expect("links");
        let bin = bin_folder(&builds);
        for name in COMMAND_NAMES {
            assert_eq!(fs::read_link(bin.join(name)).expect("a link"), Path::new("/new/countersign"));
        }
        assert_eq!(fs::metadata(&builds).expect("made").permissions().mode() & 0o777, MODE);
        assert_eq!(fs::read_dir(&bin).expect("reads").count(), COMMAND_NAMES.len());
    }
}
