//! A process of a job, in a group of its own, whose output is one stream in the order of writing.

use std::{
    ffi::OsString,
    fs,
    future::Future,
    io,
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    path::Path,
    pin::pin,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe,
    process::Command,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use super::{
    log::Log,
    offspring::{self, Awaited, Marked},
};
use crate::{Environment, ambient::Ambient};

/// How long processes that outlive the command have between SIGTERM and SIGKILL.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);

/// How long output is awaited after the group has ended: a process outside the group may keep the pipe open for ever.
const OUTPUT_GRACE: Duration = Duration::from_secs(2);

/// Most bytes that are taken of what a short command prints.
const MAX_CAPTURED: u64 = 256 * 1024;

/// How often the end of a group is looked for.
const GROUP_POLL: Duration = Duration::from_millis(50);

/// Bytes taken from the pipe at a time.
const READ_SIZE: usize = 32 * 1024;

/// The shells that are looked for when none is set, the preferred one first.
const SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// The command line that a command is appended to, when none is set.
pub(super) fn default_shell() -> Vec<String> {
    let found = SHELLS.into_iter().find(|shell| fs::metadata(shell).is_ok());
    [found.unwrap_or("/bin/sh"), "-e", "-c"].map(str::to_owned).to_vec()
}

/// Times that what a job left behind is asked to end, and then killed, before it is given up: a process that forks as fast as it is
/// killed must not hold the agent for ever.
const LEFTOVER_ROUNDS: u32 = 100;

/// What to run.
pub(super) struct Task<'a> {
    pub program: &'a str,
    pub arguments: Vec<OsString>,
    pub folder: &'a Path,
    pub environment: &'a Environment,
    /// What a cancelled process is told first.
    pub cancel_signal: Signal,
    /// Between that and SIGKILL.
    pub cancel_grace: Duration,
}

/// How a process ended.
pub(super) struct Ended<W> {
    pub status: ExitStatus,
    /// Why it was cancelled, when it was.
    pub cancelled: Option<W>,
}

/// Runs a task to its end, or until `cancel` comes and the group is gone.
pub(super) async fn run<W>(
    task: &Task<'_>,
    ambient: &Ambient,
    log: &mut Log,
    cancel: impl Future<Output = W>,
) -> io::Result<Ended<W>> {
    do_not_ignore(task.cancel_signal);
    let (reader, writer) = io::pipe()?;
    let child = spawn(task, writer)?;
    let output = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
    let (ended, when_ended) = oneshot::channel();
    let watched = async {
        let result = supervise(child, ambient, (task.cancel_signal, task.cancel_grace), cancel).await;
        drop(ended);
        result
    };
    // Side by side: a log that waits for the server must not keep a cancellation from the process.
    let (result, ()) = tokio::join!(watched, pump(output, ambient, log, when_ended));
    result
}

/// Runs a short command and answers what it printed; what it complained about is lost.
pub(super) async fn capture(task: &Task<'_>) -> io::Result<(ExitStatus, Vec<u8>)> {
    let (reader, writer) = io::pipe()?;
    let mut command = command(task);
    command.stdout(writer).stderr(Stdio::null());
    let mut awaited = offspring::spawn(&mut command)?;
    drop(command);
    let mut output = Vec::new();
    let reading = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
    let mut reading = reading.take(MAX_CAPTURED);
    reading.read_to_end(&mut output).await?;
    drop(reading);
    Ok((awaited.child.wait().await?, output))
}

/// A process starts with the signals ignored that its parent ignores, and a shell cannot take that back; those that its parent handles
/// it starts with as usual. An agent that a script started in the background ignores SIGINT: its jobs would not hear that they are cancelled.
fn do_not_ignore(cancel_signal: Signal) {
    // SIGKILL and its like can be neither handled nor ignored: that they are refused here is no loss. The handler outlives the stream.
    let _ = signal(SignalKind::from_raw(cancel_signal.as_raw()));
}

fn spawn(task: &Task<'_>, output: io::PipeWriter) -> io::Result<Awaited> {
    // The command is dropped at the end of this function, and its copies of the pipe with it: the pipe ends with the job.
    let mut command = command(task);
    offspring::spawn(command.stdout(output.try_clone()?).stderr(output))
}

fn command(task: &Task<'_>) -> Command {
    let mut command = Command::new(task.program);
    command
        .args(&task.arguments)
        .current_dir(task.folder)
        .env_clear()
        .envs(task.environment.iter())
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Copies output into the log until there is no more, or until a little after the group has ended.
async fn pump(mut output: pipe::Receiver, ambient: &Ambient, log: &mut Log, when_ended: oneshot::Receiver<()>) {
    let mut late = pin!(async {
        // Its sender is only ever dropped.
        let _ = when_ended.await;
        ambient.clock.sleep(OUTPUT_GRACE).await;
    });
    let mut buffer = vec![0; READ_SIZE];
    let mut flush = ambient.clock.sleep(log.interval());
    loop {
        tokio::select! {
            read = output.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return,
                Ok(size) => log.write(buffer.get(..size).unwrap_or_default()).await,
            },
            () = &mut flush => {
                log.flush().await;
                flush = ambient.clock.sleep(log.interval());
            }
            () = &mut late => return,
        }
    }
}

/// Waits for the child and ends its whole group.
async fn supervise<W>(
    mut awaited: Awaited,
    ambient: &Ambient,
    (signal, grace): (Signal, Duration),
    cancel: impl Future<Output = W>,
) -> io::Result<Ended<W>> {
    let group = Group::of(&awaited)?;
    let child = &mut awaited.child;
    let cancelled = tokio::select! {
        status = child.wait() => {
            group.end_leftovers(ambient, LEFTOVER_GRACE).await;
            return Ok(Ended { status: status?, cancelled: None });
        }
        why = cancel => why,
    };
    group.signal(signal);
    let deadline = ambient.clock.now().plus(grace);
    let status = tokio::select! {
        status = child.wait() => status,
        () = ambient.clock.sleep_until(deadline) => {
            group.signal(Signal::KILL);
            child.wait().await
        }
    };
    // The shell may be gone before the processes that it started have cleaned up.
    group.end_leftovers(ambient, deadline.since(ambient.clock.now())).await;
    Ok(Ended { status: status?, cancelled: Some(cancelled) })
}

/// A process group. Killed when dropped before it has ended: the job of an agent that is torn down does not run on.
struct Group {
    leader: Pid,
}

impl Group {
    fn of(awaited: &Awaited) -> io::Result<Self> {
        let pid = awaited.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        pid.map(|leader| Self { leader }).ok_or_else(|| io::Error::other("the process has no id"))
    }

    fn signal(&self, signal: Signal) {
        // Fails when nobody is left, which is what is wanted.
        let _ = kill_process_group(self.leader, signal);
    }

    fn is_alive(&self) -> bool {
        test_kill_process_group(self.leader).is_ok()
    }

    /// Ends what outlived the leader: SIGTERM, `grace`, SIGKILL.
    async fn end_leftovers(&self, ambient: &Ambient, grace: Duration) {
        if !self.is_alive() {
            return;
        }
        self.signal(Signal::TERM);
        let deadline = ambient.clock.now().plus(grace);
        while self.is_alive() && ambient.clock.now() < deadline {
            ambient.clock.sleep(GROUP_POLL).await;
        }
        self.signal(Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Ends what a job has left behind outside its groups: SIGTERM, a moment, SIGKILL.
pub(super) async fn end_leftovers(job: &Marked, ambient: &Ambient) {
    let deadline = ambient.clock.now().plus(LEFTOVER_GRACE);
    let mut signal = Signal::TERM;
    for _ in 0..LEFTOVER_ROUNDS {
        if job.signal_leftovers(signal) == 0 {
            return;
        }
        ambient.clock.sleep(GROUP_POLL).await;
        if ambient.clock.now() >= deadline {
            signal = Signal::KILL;
        }
    }
    tracing::warn!("a job left processes behind that cannot be ended");
}

/// Signals that processes are commonly ended by, and their names.
const SIGNALS: [(Signal, &str); 17] = [
    (Signal::HUP, "SIGHUP"),
    (Signal::INT, "SIGINT"),
    (Signal::QUIT, "SIGQUIT"),
    (Signal::ILL, "SIGILL"),
    (Signal::TRAP, "SIGTRAP"),
    (Signal::ABORT, "SIGABRT"),
    (Signal::BUS, "SIGBUS"),
    (Signal::FPE, "SIGFPE"),
    (Signal::KILL, "SIGKILL"),
    (Signal::USR1, "SIGUSR1"),
    (Signal::SEGV, "SIGSEGV"),
    (Signal::USR2, "SIGUSR2"),
    (Signal::PIPE, "SIGPIPE"),
    (Signal::ALARM, "SIGALRM"),
    (Signal::TERM, "SIGTERM"),
    (Signal::XCPU, "SIGXCPU"),
    (Signal::XFSZ, "SIGXFSZ"),
];

/// The signal of a name such as `SIGTERM`.
pub(crate) fn signal_named(name: &str) -> Option<Signal> {
    SIGNALS.into_iter().find(|(_, known)| *known == name).map(|(signal, _)| signal)
}

/// The name of a signal that [`signal_named`] knows.
pub(super) fn name_of(signal: Signal) -> &'static str {
    SIGNALS.into_iter().find(|(known, _)| *known == signal).map_or("SIGTERM", |(_, name)| name)
}

/// The name of the signal that ended a process.
pub(super) fn signal_name(status: ExitStatus) -> Option<String> {
    let number = status.signal()?;
    let name = SIGNALS.into_iter().find(|(signal, _)| signal.as_raw() == number).map(|(_, name)| name.to_owned());
    Some(name.unwrap_or_else(|| format!("signal {number}")))
}
