//! Canceling a step of the job's own build.

use std::time::Duration;

use countersign_domain::graph::{Kind, Message, StepState};
use countersign_domain::id::{BuildId, StepId};
use countersign_store::jobs::progress;
use countersign_store::{Lane, Tx, jobs, steps};
use serde_json::json;

use crate::access::actions::WriteSteps;
use crate::builds::runner::Runner;
use crate::jobs::ending;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::{named, step_name};

struct Input {
    build: BuildId,
    step: String,
    /// When jobs are given up, for one that is forced.
    within: Option<Duration>,
}

impl Control {
    /// Cancels a step: its jobs, and the members of a group. What has ended stays as it is. Answers the step's id. With `force`, a job that
    /// its agent does not stop within that time is given up then, also one that was told to stop before; a longer time than without is cut.
    ///
    /// # Errors
    /// [`Error::NotFound`] for no step of the build.
    pub async fn cancel_step(
        &self,
        grant: &Grant<WriteSteps>,
        step: String,
        force: Option<Duration>,
    ) -> Result<StepId> {
        let build = grant.job()?.build;
        let within = force.map(|after| after.min(ending::STOP_WITHIN));
        let input = Input { build, step, within };
        let step = self.write(grant, Lane::Soon, input, |tx, scene| Box::pin(cancel(tx, scene))).await?;
        self.do_chores(grant.organization()).await;
        Ok(step)
    }
}

async fn cancel(tx: &mut Tx, scene: &Scene<Input>) -> Result<StepId> {
    let Input { build, step: name, within } = &scene.input;
    let time = within.unwrap_or(ending::STOP_WITHIN);
    let of = scene.organization;
    let row = named(tx, of, *build, name).await?;
    let mut runner = Runner::new(of);
    runner.open(tx, *build).await?;
    let mut open = vec![row.id];
    while let Some(id) = open.pop() {
        let step = steps::find(tx, of, id).await?.ok_or(Error::NotFound("step"))?.step;
        if step.kind == Kind::Group {
            open.extend(steps::beneath(tx, id).await?);
        }
        if step.kind == Kind::Command && step.state == StepState::Open {
            for job in progress::open_of_step(tx, id).await? {
                let job = jobs::find(tx, of, job).await?.ok_or(Error::NotFound("job"))?;
                ending::cancel(tx, &mut runner, &job, time).await?;
            }
        } else {
            runner.send(tx, *build, id, Message::Cancel).await?;
        }
    }
    runner.close(tx, scene).await?;
    let subject = Subject::new::<countersign_domain::id::of::Step>("step", row.id, step_name(&row));
    let detail = json!({ "force_after_seconds": within.map(|it| it.as_secs()) });
    scene.audit(tx, "step.canceled", subject, detail).await?;
    Ok(row.id)
}
