//! What a job leaves behind when its group is gone: processes that took a group or a session of their own.
//!
//! On Linux the agent adopts the orphans of its jobs, so each of them is its child and can be found and ended. Which job it comes
//! from is told by a mark among the variables that it started with; one that has shed them belongs to the only job that runs.
//! This is a matter of the whole process: workers share it.

use std::{
    collections::BTreeSet,
    io,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};

/// The children of this process that somebody waits for, and the jobs that run.
static CHILDREN: LazyLock<Mutex<Children>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Children {
    awaited: BTreeSet<i32>,
    jobs: BTreeSet<String>,
}

fn children() -> MutexGuard<'static, Children> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes this process the one that orphans of its jobs come to.
pub(crate) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        tracing::warn!(%error, "processes that leave their job's process group cannot be ended with it");
    }
}

/// One running job, by its mark: a text that only its own processes have among their variables.
pub(super) struct Marked {
    mark: String,
}

impl Marked {
    /// Tells the others that a job runs.
    pub fn new(mark: String) -> Self {
        children().jobs.insert(mark.clone());
        Self { mark }
    }

    /// Sends `signal` to what the job has left behind, and takes leave of those that have ended. Answers how many live.
    pub fn signal_leftovers(&self, signal: Signal) -> usize {
        let children = children();
        let only_job = children.jobs.len() == 1;
        let mut alive = 0;
        for orphan in platform::children_of_this_process() {
            if children.awaited.contains(&orphan.pid.as_raw_nonzero().get()) {
                continue;
            }
            let is_own = platform::has_variable(orphan.pid, &self.mark) || (only_job && orphan.left_our_group);
            if orphan.has_ended {
                if orphan.left_our_group || is_own {
                    // Nobody else waits for it.
                    let _ = rustix::process::waitpid(Some(orphan.pid), rustix::process::WaitOptions::NOHANG);
                }
            } else if is_own {
                alive += 1;
                // A child that nobody has waited for keeps its number, so this cannot meet another process.
                let _ = rustix::process::kill_process(orphan.pid, signal);
            }
        }
        alive
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        children().jobs.remove(&self.mark);
    }
}

/// A child that its owner waits for.
pub(super) struct Awaited {
    pub child: Child,
    pid: Option<i32>,
}

/// Starts a child. Nobody takes it for an orphan while this is held.
pub(super) fn spawn(command: &mut Command) -> io::Result<Awaited> {
    // Held across both, so that no look at the children falls between.
    let mut children = children();
    let child = command.spawn()?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    children.awaited.extend(pid);
    Ok(Awaited { child, pid })
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            children().awaited.remove(&pid);
        }
    }
}

/// A child of this process.
struct Orphan {
    pid: Pid,
    has_ended: bool,
    /// Whether it is in another process group than this process. Whoever starts children here without a job leaves them in ours.
    left_our_group: bool,
}

#[cfg(target_os = "linux")]
mod platform {
    use std::fs;

    use rustix::process::{Pid, getpgrp, getpid};

    use super::Orphan;

    pub(super) fn children_of_this_process() -> Vec<Orphan> {
        let (own, group) = (getpid().as_raw_nonzero().get(), getpgrp().as_raw_nonzero().get());
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        ids.filter_map(|id| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            // The name stands in brackets and may hold anything, so what follows the last one counts.
            let mut fields = stat.rsplit_once(") ")?.1.split(' ');
            let (state, parent, its_group) = (fields.next()?, fields.next()?, fields.next()?);
            let left_our_group = its_group.parse() != Ok(group);
            let child = Orphan { pid: Pid::from_raw(id)?, has_ended: state == "Z" || state == "X", left_our_group };
            (parent.parse() == Ok(own)).then_some(child)
        })
        .collect()
    }

    /// Whether a process was started with this `NAME=value`.
    pub(super) fn has_variable(pid: Pid, variable: &str) -> bool {
        let environ = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|it| it == variable.as_bytes())
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use super::Orphan;

    /// Orphans go to the first process of the system, and nobody can tell whose they were.
    pub(super) fn children_of_this_process() -> Vec<Orphan> {
        Vec::new()
    }

    pub(super) fn has_variable(_pid: rustix::process::Pid, _variable: &str) -> bool {
        false
    }
}
