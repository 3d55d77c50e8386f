//! What every job needs of this machine, looked at once before the agent registers: a job that nobody could run is then never taken.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::folders;
use crate::{AgentError, Config, Environment, local::sockets};

/// Where programs are looked for when the agent has no `PATH`, as the system does it.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Any of the bits that let a file be run.
const MAY_RUN: u32 = 0o111;

/// Makes the folders for builds, with the agent's commands in it, and for sockets, and looks for the shell's program.
///
/// # Errors
/// The folder cannot be made or written to, or there is no such program; the message names the flag and the path.
pub(crate) fn refuse_unusable(config: &Config, executable: &Path, environment: &Environment) -> Result<(), AgentError> {
    let folder = &config.build_path;
    folders::link_commands(folder, executable).map_err(|error| {
        let problem = match fs::metadata(folder) {
            Ok(found) if !found.is_dir() => "it is not a folder".to_owned(),
            _ => error.to_string(),
        };
        AgentError::bad_input(format!(
            "--build-path {}: builds cannot happen there ({problem}); name a folder that this user can make or write to",
            folder.display()
        ))
    })?;
    sockets::prepare(config)?;
    let Some(program) = config.shell.as_ref().and_then(|shell| shell.first()) else { return Ok(()) };
    find(program, environment).map_err(|error| {
        AgentError::bad_input(format!(
            "--shell {program}: the program cannot be started ({error}); name one that is there, for example /bin/sh -e -c"
        ))
    })
}

/// Looks for a program where the system would: by its path, else in the folders of `PATH`.
fn find(program: &str, environment: &Environment) -> io::Result<()> {
    if Path::new(program).is_absolute() {
        return may_run(Path::new(program));
    }
    if program.contains('/') {
        // Counted from the folder of a job, which is not there yet.
        return Ok(());
    }
    let folders = environment.get("PATH").unwrap_or(DEFAULT_PATH).split(':').map(PathBuf::from);
    let mut candidates = folders.map(|folder| folder.join(program));
    if candidates.any(|candidate| may_run(&candidate).is_ok()) {
        Ok(())
    } else {
        Err(io::Error::other("there is none of this name in PATH"))
    }
}

fn may_run(path: &Path) -> io::Result<()> {
    let found = fs::metadata(path)?;
    if found.is_file() && found.permissions().mode() & MAY_RUN != 0 {
        Ok(())
    } else {
        Err(io::Error::other("it is no file that may be run"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layers, Setting};

    fn check(build_path: &Path, shell: &str) -> Result<(), AgentError> {
        let environment: Environment = [("PATH", "/nowhere:/bin:/usr/bin")].into_iter().collect();
        let mut layers = Layers::default();
        layers.flags.set_flag(Setting::Token, "t");
        layers.flags.set_flag(Setting::BuildPath, build_path.display().to_string());
        layers.flags.set_flag(Setting::Shell, shell);
        refuse_unusable(&Config::resolve(&layers, &environment)?, Path::new("/bin/true"), &environment)
    }

    #[test]
    fn what_no_job_could_use_is_refused_with_flag_and_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let builds = folder.path().join("a/b");
        for good in ["/bin/sh -e -c", "sh -c", "./own-shell -c"] {
            check(&builds, good).expect(good);
        }
        let file = folder.path().join("file");
        fs::write(&file, "").expect("writes");
        let below = file.join("below");
        for (place, shell, expected) in [
            (file.as_path(), "/bin/sh -c", format!("--build-path {}: ", file.display())),
            (below.as_path(), "/bin/sh -c", format!("--build-path {}: ", below.display())),
            (builds.as_path(), "/bin/no-such-shell -c", "--shell /bin/no-such-shell: ".to_owned()),
            (builds.as_path(), "no-such-shell -c", "--shell no-such-shell: ".to_owned()),
            (builds.as_path(), "/bin -c", "--shell /bin: ".to_owned()),
        ] {
            let error = check(place, shell).expect_err(&expected);
            assert!(error.to_string().starts_with(&expected), "{error}");
            assert_eq!(error.kind(), crate::ErrorKind::BadInput);
        }
    }
}
