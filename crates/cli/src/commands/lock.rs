//! `countersign lock`: taking turns among the jobs of one machine and build path, from inside a job.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use countersign_agent::commands::{Locks, Turn};

use super::job_flags::{AcceptedFlags, go_duration, plain};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
    output::Printer,
};

/// Take turns with other jobs on this machine, from inside a job
#[derive(Debug, Args)]
pub struct Lock {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Args)]
struct LockFlags {
    /// machine, the only one that there is
    #[arg(long, value_name = "SCOPE", default_value = "machine", value_parser = ["machine"], env = "BUILDKITE_LOCK_SCOPE")]
    lock_scope: String,
    /// The folder of the agent's sockets
    #[arg(long, value_name = "DIR", env = "BUILDKITE_SOCKETS_PATH")]
    sockets_path: Option<PathBuf>,
    #[command(flatten)]
    accepted: AcceptedFlags,
}

#[derive(Debug, Clone, Args)]
struct WaitFlag {
    /// The longest wait, for example 30s or 5m; 0 waits for ever
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = go_duration, env = "BUILDKITE_LOCK_WAIT_TIMEOUT")]
    lock_wait_timeout: Duration,
}

impl WaitFlag {
    fn patience(&self) -> Option<Duration> {
        Some(self.lock_wait_timeout).filter(|wait| !wait.is_zero())
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Wait for a lock and print the token that releases it
    #[command(after_help = "Example:\n  countersign lock acquire database --lock-wait-timeout 5m")]
    Acquire {
        /// Names the lock
        key: String,
        #[command(flatten)]
        wait: WaitFlag,
        #[command(flatten)]
        lock: LockFlags,
    },
    /// Print do for the first job that asks, and done for the others, once lock done was said
    #[command(after_help = "Example:\n  countersign lock do download-tools")]
    Do {
        /// Names the work
        key: String,
        #[command(flatten)]
        wait: WaitFlag,
        #[command(flatten)]
        lock: LockFlags,
    },
    /// Say that the work of lock do is done
    #[command(after_help = "Example:\n  countersign lock done download-tools")]
    Done {
        /// Names the work
        key: String,
        #[command(flatten)]
        lock: LockFlags,
    },
    /// Print the value of a lock; an empty line when nobody has it
    #[command(after_help = "Example:\n  countersign lock get database")]
    Get {
        /// Names the lock
        key: String,
        #[command(flatten)]
        lock: LockFlags,
    },
    /// Give a lock back
    #[command(after_help = "Example:\n  countersign lock release database \"acquired(4f9Kd0aZ81b)\"")]
    Release {
        /// Names the lock
        key: String,
        /// What lock acquire printed
        token: String,
        #[command(flatten)]
        lock: LockFlags,
    },
}

impl LockFlags {
    fn locks(self, ambient: &Ambient) -> Outcome<Locks> {
        Locks::new(self.sockets_path, &ambient.environment, ambient.clock.clone(), ambient.entropy.clone())
            .map_err(plain)
    }
}

impl Lock {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Acquire { key, wait, lock } => {
                let token = lock.locks(ambient)?.acquire(&key, wait.patience()).await.map_err(plain)?;
                printer.result(&token, || token.clone())?;
            }
            Command::Do { key, wait, lock } => {
                let turn = lock.locks(ambient)?.turn(&key, wait.patience()).await.map_err(plain)?;
                let word = match turn {
                    Turn::Do => "do",
                    Turn::Done => "done",
                };
                printer.result(&word, || word.to_owned())?;
            }
            Command::Done { key, lock } => lock.locks(ambient)?.done(&key).await.map_err(plain)?,
            Command::Get { key, lock } => {
                let value = lock.locks(ambient)?.get(&key).await.map_err(plain)?;
                printer.result(&value, || format!("{value}\n"))?;
            }
            Command::Release { key, token, lock } => {
                lock.locks(ambient)?.release(&key, &token).await.map_err(plain)?;
            }
        }
        Ok(Exit::Done)
    }
}
