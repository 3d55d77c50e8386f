//! The program `git`, as a job's checkout calls it.

use std::{ffi::OsString, io, path::Path};

use tokio::sync::watch;

use crate::{
    Environment,
    ambient::Ambient,
    job::{
        Cancel,
        log::Log,
        process::{self, Task},
    },
};

/// Settings of every call. No hook runs, no housekeeping outlives the call, and a connection that stands still ends. What an earlier job left in
/// the folder is the business of `leftovers`.
const SETTINGS: [&str; 8] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.ext.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
];

/// Variables that would lead git to another repository.
const MISLEADING: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DEFAULT_HASH",
];

/// Why a call did not do what it should.
#[derive(Debug)]
pub(super) enum Failure {
    /// The job was cancelled.
    Cancelled(Cancel),
    /// Git ended with something else than 0. It has said why in the log.
    Git(String),
    /// Git cannot be started, or its folder is not to be used.
    Local(io::Error),
}

/// Git in one folder.
pub(super) struct Git<'a> {
    pub ambient: &'a Ambient,
    pub folder: &'a Path,
    environment: Environment,
    pub cancelled: &'a watch::Receiver<Option<Cancel>>,
    pub task: &'a Task<'a>,
}

impl<'a> Git<'a> {
    /// `task` says how processes of the job are run and cancelled.
    pub fn new(ambient: &'a Ambient, task: &'a Task<'a>, cancelled: &'a watch::Receiver<Option<Cancel>>) -> Self {
        let mut environment = task.environment.clone();
        MISLEADING.iter().for_each(|name| environment.remove(name));
        // What git starts (transports, filters, helpers of the agent's user) has no business with the job's token.
        environment.remove("BUILDKITE_AGENT_ACCESS_TOKEN");
        environment.set("GIT_NO_REPLACE_OBJECTS", "1");
        environment.set("GIT_TERMINAL_PROMPT", "0");
        if let Some(above) = task.folder.parent() {
            // A folder without a repository of its own is not part of one around the build path.
            environment.set("GIT_CEILING_DIRECTORIES", above);
        }
        if environment.get("GIT_SSH_COMMAND").is_none() && environment.get("GIT_SSH").is_none() {
            // Nobody is there to answer a question.
            environment.set("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        Self { ambient, folder: task.folder, environment, cancelled, task }
    }

    fn task<'t>(&'t self, arguments: &[&str]) -> Task<'t> {
        let settings = SETTINGS.iter().flat_map(|setting| ["-c", setting]);
        let arguments = settings.chain(arguments.iter().copied()).map(OsString::from).collect();
        Task { program: "git", arguments, folder: self.folder, environment: &self.environment, ..*self.task }
    }

    /// Runs git; what it says goes to the log.
    pub async fn run(&self, log: &mut Log, arguments: &[&str]) -> Result<(), Failure> {
        let ended = process::run(&self.task(arguments), self.ambient, log, Cancel::comes(self.cancelled)).await;
        let ended = ended.map_err(Failure::Local)?;
        if let Some(cancel) = ended.cancelled {
            return Err(Failure::Cancelled(cancel));
        }
        if ended.status.success() {
            return Ok(());
        }
        let call = arguments.first().copied().unwrap_or_default();
        Err(Failure::Git(format!("git {call} ended with {}", ended.status)))
    }

    /// What git answers; `None` when it ends with something else than 0.
    pub async fn ask(&self, arguments: &[&str]) -> Result<Option<String>, Failure> {
        let task = self.task(arguments);
        let (status, output) = tokio::select! {
            answered = process::capture(&task) => answered.map_err(Failure::Local)?,
            cancel = Cancel::comes(self.cancelled) => return Err(Failure::Cancelled(cancel)),
        };
        Ok(status.success().then(|| String::from_utf8_lossy(&output).trim_end().to_owned()))
    }
}
