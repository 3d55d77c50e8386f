//! What a job's agent reports: start, state, end.

use countersign_domain::build::JobState;
use countersign_domain::id::JobId;
use countersign_store::builds::tally;
use countersign_store::jobs::progress::{self, Ending};
use countersign_store::jobs::{self, Job};
use countersign_store::{Lane, agents};
use serde_json::json;

use crate::access::actions::ReportJob;
use crate::builds::runner::Runner;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

use super::ending;

/// The most of a word that an agent reports with a job's end that is kept, in bytes.
const MAX_WORD: usize = 100;

/// How a job ended, as its agent says.
#[derive(Debug)]
pub struct Finished {
    /// A decimal number; `-1` when the command did not run to its end.
    pub exit_status: String,
    /// The signal that ended it.
    pub signal: Option<String>,
    /// Why it was ended.
    pub signal_reason: Option<String>,
    /// How many pieces of log were lost.
    pub chunks_failed: i64,
    /// Whether the agent wants no job after this one.
    pub ignore_agent_in_dispatches: bool,
}

impl Control {
    /// The command starts. Saying it again is allowed: the first answer can get lost.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the job was not accepted, or has ended.
    pub async fn start_job(&self, grant: &Grant<ReportJob>) -> Result<()> {
        let job = grant.job()?.job;
        self.write(grant, Lane::Normal, job, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                let job = jobs::find_for_update(tx, of, scene.input).await?.ok_or(Error::NotFound("job"))?;
                match job.state {
                    JobState::Running | JobState::Canceling | JobState::TimingOut => return Ok(()),
                    state if state.may_start() => {}
                    state => {
                        return Err(Error::invalid(
                            "job",
                            format!("is {}; only an accepted job starts", state.as_str()),
                        ));
                    }
                }
                progress::start(tx, job.id).await?;
                if !tally::has_started(tx, job.build).await? {
                    let mut runner = Runner::new(of);
                    runner.open(tx, job.build).await?.tally.has_started = true;
                    runner.close(tx, scene).await?;
                }
                let subject = Subject::of_job(&job);
                scene.audit(tx, "job.started", subject, json!({})).await
            })
        })
        .await
    }

    /// Where the job stands: its agent asks, to learn of a cancellation.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn job_state(&self, grant: &Grant<ReportJob>) -> Result<Job> {
        let job = grant.job()?.job;
        self.read(grant, job, |tx, scene| {
            Box::pin(
                async move { jobs::find(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("job")) },
            )
        })
        .await
    }

    /// The job has ended, and with it its token. Answers its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `exit_status`.
    pub async fn finish_job(&self, grant: &Grant<ReportJob>, how: Finished) -> Result<JobId> {
        let exit_status: i32 = how
            .exit_status
            .trim()
            .parse()
            .map_err(|_| Error::invalid("exit_status", "is not a whole number written as text"))?;
        let job = grant.job()?.job;
        let ended = self.write(grant, Lane::Normal, (job, how, exit_status), |tx, scene| {
            Box::pin(async move {
                let (id, how, exit_status) = &scene.input;
                let of = scene.organization;
                let job = jobs::find_for_update(tx, of, *id).await?.ok_or(Error::NotFound("job"))?;
                let ending = Ending {
                    state: job.state.finished(),
                    exit_status: exit_status.to_string(),
                    signal: word(how.signal.as_deref()),
                    signal_reason: word(how.signal_reason.as_deref()),
                    chunks_failed: how.chunks_failed.max(0),
                };
                let mut runner = Runner::new(of);
                if !ending::end(tx, scene, &mut runner, &job, &ending).await? {
                    return Ok(job.id);
                }
                if let Some(agent) = job.agent {
                    scene.agent_changed(tx, agent);
                }
                if let Some(agent) = job.agent.filter(|_| how.ignore_agent_in_dispatches) {
                    agents::ignore_in_dispatches(tx, agent).await?;
                }
                runner.close(tx, scene).await?;
                let subject = Subject::of_job(&job);
                let detail = json!({ "exit_status": ending.exit_status, "state": ending.state.as_str() });
                scene.audit(tx, "job.finished", subject, detail).await?;
                Ok(job.id)
            })
        });
        let id = ended.await?;
        self.do_chores(grant.organization()).await;
        Ok(id)
    }
}

/// A short word of an agent's; longer ones are cut, and what cannot be stored is left out.
fn word(text: Option<&str>) -> Option<String> {
    let text: String = text?.chars().filter(|c| !c.is_control()).take(MAX_WORD).collect();
    (!text.is_empty()).then_some(text)
}
