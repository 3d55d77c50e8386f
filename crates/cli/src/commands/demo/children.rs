//! The processes of the demonstration: this same program, started as a person would start it.

use std::{path::Path, process::Stdio, time::Duration};

use countersign_agent::Environment;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::{
    Ambient,
    failure::{Failure, Outcome},
};

/// How long a process has to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(15);

/// What one command said, and how it ended.
pub(super) struct Said {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub talk: String,
    /// The exit code; -1 after a signal.
    pub exit: i32,
}

/// A command of this program, without variables that would lead it elsewhere. It gets no signal from the terminal: the demonstration
/// ends its processes in order.
pub(super) fn command(ambient: &Ambient, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(&ambient.executable);
    command
        .args(arguments)
        .env_clear()
        .envs(plain(&ambient.environment).iter())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    command
}

fn plain(environment: &Environment) -> Environment {
    let is_ours = |name: &str| name.starts_with("COUNTERSIGN_") || name.starts_with("BUILDKITE_");
    let kept = environment.iter().filter(|(name, _)| !name.to_str().is_some_and(is_ours));
    kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Starts a command that stays; what it says goes into a file.
pub(super) fn start(mut command: Command, log: &Path) -> Outcome<Child> {
    let file =
        std::fs::File::create(log).map_err(|error| Failure::unavailable(format!("{}: {error}", log.display())))?;
    let again = file.try_clone().map_err(Failure::internal)?;
    command.stdout(file).stderr(again).spawn().map_err(|error| Failure::internal(format!("cannot start: {error}")))
}

/// Runs a command to its end, and takes what it says.
pub(super) async fn run(mut command: Command) -> Outcome<Said> {
    let done = command.output().await.map_err(|error| Failure::internal(format!("cannot start: {error}")))?;
    Ok(Said {
        out: String::from_utf8_lossy(&done.stdout).into_owned(),
        talk: String::from_utf8_lossy(&done.stderr).into_owned(),
        exit: done.status.code().unwrap_or(-1),
    })
}

/// Runs a command to its end; what it says, on both ways, goes to standard output as it comes.
pub(super) async fn watch(mut command: Command) -> Outcome<i32> {
    command.stdout(Stdio::inherit()).stderr(Stdio::from(std::io::stdout()));
    let status = command.status().await.map_err(|error| Failure::internal(format!("cannot start: {error}")))?;
    Ok(status.code().unwrap_or(-1))
}

/// Asks a process to end, and ends it when it does not.
pub(super) async fn stop(mut child: Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        kill_process(pid, Signal::TERM).ok();
    }
    if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
        child.kill().await.ok();
    }
}
