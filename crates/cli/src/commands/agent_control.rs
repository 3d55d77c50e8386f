//! `countersign stop|pause|resume`: what a job asks of the agent that runs it.

use clap::Args;
use countersign_agent::commands::agent_control;

use super::job_flags::{JobFlags, plain};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
};

/// Have the agent that runs this job leave after it, from inside the job
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign stop")]
pub struct Stop {
    /// Cancel the job too
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    job: JobFlags,
}

/// Have the agent that runs this job take no further one, from inside the job
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign pause --note \"The disk is full\" --timeout-in-minutes 30")]
pub struct Pause {
    /// Why
    #[arg(long, env = "BUILDKITE_AGENT_PAUSE_NOTE")]
    note: Option<String>,
    /// Minutes until the pause ends by itself [default: until it is resumed]
    #[arg(long, value_name = "MINUTES", env = "BUILDKITE_AGENT_PAUSE_TIMEOUT_MINUTES")]
    timeout_in_minutes: Option<u32>,
    #[command(flatten)]
    job: JobFlags,
}

/// Have the agent that runs this job take jobs again, from inside the job
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign resume")]
pub struct Resume {
    #[command(flatten)]
    job: JobFlags,
}

impl Stop {
    pub(super) async fn run(self, ambient: &Ambient) -> Outcome {
        let access = self.job.access(None, ambient)?;
        agent_control::stop(&access, self.force).await.map_err(plain)?;
        Ok(Exit::Done)
    }
}

impl Pause {
    pub(super) async fn run(self, ambient: &Ambient) -> Outcome {
        let access = self.job.access(None, ambient)?;
        agent_control::pause(&access, self.note, self.timeout_in_minutes).await.map_err(plain)?;
        Ok(Exit::Done)
    }
}

impl Resume {
    pub(super) async fn run(self, ambient: &Ambient) -> Outcome {
        let access = self.job.access(None, ambient)?;
        agent_control::resume(&access).await.map_err(plain)?;
        Ok(Exit::Done)
    }
}
