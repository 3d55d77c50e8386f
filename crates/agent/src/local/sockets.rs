//! The folder of the unix sockets: of one user, for one build path.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use crate::{AgentError, Config};

/// Its name inside the build folder. No agent's name begins with a dot, so none can meet it.
const FOLDER: &str = ".sockets";

/// What the names of jobs' sockets begin with.
const JOB_PREFIX: &str = "job-";

/// Longest name of a socket inside the folder, in bytes.
const LONGEST_NAME: usize = 20;

/// Longest path that a unix socket can have, in bytes, on the system that allows least.
const LONGEST_PATH: usize = 103;

/// Only the agent's user may look into the folder: whoever reaches a socket in it may speak to it.
const MODE: u32 = 0o700;

/// The folder, whether it is there or not: the configured one, else one inside the build folder, else, where that path is too long for
/// a socket, one below `/tmp` that is named for the user and the build path.
pub(crate) fn folder(config: &Config) -> PathBuf {
    if let Some(folder) = &config.sockets_path {
        return folder.clone();
    }
    let build_path = fs::canonicalize(&config.build_path).unwrap_or_else(|_| config.build_path.clone());
    let inside = build_path.join(FOLDER);
    if fits(&inside) {
        return inside;
    }
    let user = rustix::process::geteuid().as_raw();
    PathBuf::from(format!("/tmp/countersign-{user}-{:016x}", fingerprint(build_path.as_os_str().as_bytes())))
}

/// Makes the folder, and makes sure that it is this user's alone.
///
/// # Errors
/// It cannot be made, is somebody else's, is open to others, or its path is too long for a socket. The message names it.
pub(crate) fn prepare(config: &Config) -> Result<PathBuf, AgentError> {
    let folder = folder(config);
    let wrong = |problem: String| {
        let shown = folder.display();
        AgentError::bad_input(format!(
            "the folder for sockets, {shown}: {problem}; name another one with --sockets-path"
        ))
    };
    if !fits(&folder) {
        return Err(wrong("its path is too long for a unix socket".to_owned()));
    }
    DirBuilder::new().recursive(true).mode(MODE).create(&folder).map_err(|error| wrong(error.to_string()))?;
    // Not through a link: below /tmp anybody could have made one.
    let found = fs::symlink_metadata(&folder).map_err(|error| wrong(error.to_string()))?;
    if !found.is_dir() {
        return Err(wrong("it is not a folder".to_owned()));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(wrong("it belongs to another user".to_owned()));
    }
    if found.mode() & 0o077 != 0 {
        return Err(wrong("other users may enter it (chmod 700 makes it private)".to_owned()));
    }
    Ok(folder)
}

/// The socket of a job; `name` makes it unique and has at most 14 characters.
pub(crate) fn of_job(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{JOB_PREFIX}{name}"))
}

/// Takes away sockets of jobs whose agent ended without doing so.
pub(crate) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_job = entry.file_name().to_str().is_some_and(|name| name.starts_with(JOB_PREFIX));
        // Beside the socket there may be the file that says that the job ran out of time; both end together.
        let socket = entry.path().with_extension("");
        let nobody =
            |error: &io::Error| matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound);
        if is_job && UnixStream::connect(socket).is_err_and(|error| nobody(&error)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn fits(folder: &Path) -> bool {
    folder.as_os_str().len() + 1 + LONGEST_NAME <= LONGEST_PATH
}

/// FNV-1a: the same in every version of the program, so that agents of one build path meet.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::PermissionsExt, net::UnixListener};

    use super::*;
    use crate::{Environment, Layers, Setting};

    fn config(build_path: &Path, sockets: Option<&Path>) -> Config {
        let mut layers = Layers::default();
        layers.flags.set_flag(Setting::Token, "t");
        layers.flags.set_flag(Setting::BuildPath, build_path.display().to_string());
        if let Some(sockets) = sockets {
            layers.flags.set_flag(Setting::SocketsPath, sockets.display().to_string());
        }
        Config::resolve(&layers, &Environment::default()).expect("good")
    }

    #[test]
    fn a_long_build_path_has_a_short_folder_of_its_own() {
        let base = tempfile::tempdir().expect("a folder");
        let short = base.path().join("b");
        assert_eq!(prepare(&config(&short, None)).expect("made"), short.join(FOLDER));
        let long = PathBuf::from(format!("/nowhere/{}", "x".repeat(100)));
        let (one, other) = (folder(&config(&long, None)), folder(&config(&long.join("y"), None)));
        assert!(one.starts_with("/tmp") && fits(&one) && one != other, "{one:?}");
        let error = prepare(&config(&short, Some(&long))).expect_err("too long");
        assert!(error.to_string().contains("--sockets-path"), "{error}");
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let base = tempfile::tempdir().expect("a folder");
        let open = base.path().join("open");
        fs::create_dir(&open).expect("made");
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).expect("set");
        assert!(prepare(&config(base.path(), Some(&open))).expect_err("open").to_string().contains("chmod 700"));
        let link = base.path().join("link");
        std::os::unix::fs::symlink("/tmp", &link).expect("linked");
        assert!(prepare(&config(base.path(), Some(&link))).is_err());
    }

    #[test]
    fn only_sockets_that_nobody_serves_are_swept() {
        let base = tempfile::tempdir().expect("a folder");
        let served = UnixListener::bind(of_job(base.path(), "served")).expect("bound");
        drop(UnixListener::bind(of_job(base.path(), "stale")).expect("bound"));
        for name in ["served.t", "stale.t", "gone.t"] {
            fs::write(of_job(base.path(), name), "").expect("written");
        }
        drop(UnixListener::bind(base.path().join("agent-leader")).expect("bound"));
        sweep(base.path());
        let mut left: Vec<_> =
            fs::read_dir(base.path()).expect("reads").flatten().map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, ["agent-leader", "job-served", "job-served.t"]);
        drop(served);
    }
}
