//! This process: what may be read of it, how many files it may open, how it starts itself again.

use std::{ffi::OsStr, io, io::Write, os::unix::process::CommandExt, path::PathBuf, process::Command};

use countersign_agent::{Environment, Host};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Keeps what this process holds in memory out of core files, and away from other processes of the same user.
pub fn forbid_inspection() {
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "a crash may leave a core file, which holds secrets");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user may read this one's memory");
    }
}

/// Raises the number of files that this process may open as far as it is allowed to, and answers it.
#[must_use]
pub fn open_files_limit() -> u64 {
    /// When the system names no limit.
    const PLENTY: u64 = 65_536;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, raised).is_ok() {
        limit.maximum.unwrap_or(PLENTY)
    } else {
        limit.current.unwrap_or(PLENTY)
    }
}

/// Becomes the same program with other arguments and variables, and with `input` to read on its standard input. Answers only
/// when that failed.
pub fn start_again(
    executable: &PathBuf,
    program: &OsStr,
    arguments: &[std::ffi::OsString],
    environment: &Environment,
    input: Option<&str>,
) -> io::Error {
    let mut command = Command::new(executable);
    command.arg0(program).args(arguments).env_clear().envs(environment.iter());
    if let Some(input) = input {
        // A pipe takes this much without a reader: it is far below its 64 KiB.
        let piped = io::pipe().and_then(|(reader, mut writer)| writer.write_all(input.as_bytes()).map(|()| reader));
        match piped {
            Ok(reader) => command.stdin(reader),
            Err(error) => return error,
        };
    }
    command.exec()
}

pub(super) fn host(executable: PathBuf) -> Host {
    let uname = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    Host {
        hostname: text(uname.nodename()),
        os: format!("{} {} {}", text(uname.sysname()), text(uname.release()), text(uname.machine())),
        pid: std::process::id(),
        executable,
    }
}
