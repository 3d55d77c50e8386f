//! Canceling a step of the job's own build.

use countersign_domain::graph::{Kind, Message, StepState};
use countersign_domain::id::StepId;
use countersign_store::jobs::progress;
use countersign_store::{Lane, Tx, jobs, steps};
use serde_json::json;

use crate::access::actions::WriteSteps;
use crate::builds::runner::Runner;
use crate::jobs::ending;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::{named, step_name};

impl Control {
    /// Cancels a step: its jobs, and the members of a group. What has ended stays as it is. Answers the step's id.
    ///
    /// # Errors
    /// [`Error::NotFound`] for no step of the build.
    pub async fn cancel_step(&self, grant: &Grant<WriteSteps>, step: String) -> Result<StepId> {
        let build = grant.job()?.build;
        let step = self.write(grant, Lane::Soon, (build, step), |tx, scene| Box::pin(cancel(tx, scene))).await?;
        self.do_chores(grant.organization()).await;
        Ok(step)
    }
}

async fn cancel(tx: &mut Tx, scene: &Scene<(countersign_domain::id::BuildId, String)>) -> Result<StepId> {
    let (build, name) = &scene.input;
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
                ending::cancel(tx, &mut runner, &job).await?;
            }
        } else {
            runner.send(tx, *build, id, Message::Cancel).await?;
        }
    }
    runner.close(tx, scene).await?;
    let subject = Subject::new::<countersign_domain::id::of::Step>("step", row.id, step_name(&row));
    scene.audit(tx, "step.canceled", subject, json!({})).await?;
    Ok(row.id)
}
