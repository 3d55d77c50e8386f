//! A trigger makes a build of another pipeline, in a transaction of its own. A chain of builds that trigger each other ends at a depth.

use countersign_domain::build::Source;
use countersign_domain::graph::{Message, StepState, Verdict, soft_fails};
use countersign_domain::id::{OrganizationId, StepId};
use countersign_domain::plan::{TriggerWork, Work};
use countersign_domain::text::{Description, QueueName, Slug};
use countersign_store::builds::tally;
use countersign_store::steps::{self, StepRow, texts};
use countersign_store::{Lane, Tx, builds};
use serde_json::json;

use crate::access::actions::KeepHouse;
use crate::scene::Subject;
use crate::steps::step_name;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::create::{Order, TriggeredBy, Where, make, reference};
use super::runner::Runner;

/// How many builds, each made by a step of the one before, may follow each other.
pub const MAX_DEPTH: i64 = 10;
/// How many builds one build may lead to, through all triggers together: a pipeline that triggers itself twice would otherwise double ten times.
pub const MAX_TRIGGERED: i64 = 1_000;

impl Control {
    /// Makes the build of a trigger, or lets it fail with the reason.
    pub(crate) async fn make_triggered(&self, of: OrganizationId, step: StepId) -> Result<()> {
        let grant: Grant<KeepHouse> = self.system("make the build of a trigger", of)?;
        let fresh = (self.fresh_id(), self.fresh_id());
        let made = self.write(&grant, Lane::Normal, (step, fresh), |tx, scene| Box::pin(trigger(tx, scene))).await;
        let why = match made {
            Ok(()) => return Ok(()),
            Err(error @ (Error::Invalid(_) | Error::Conflict(_) | Error::NotFound(_))) => error.to_string(),
            Err(error) => return Err(error),
        };
        self.write(&grant, Lane::Normal, (step, why), |tx, scene| Box::pin(fail(tx, scene))).await
    }
}

/// A trigger that is to make its build. Its own build is kept still first, so that nobody else does the same.
async fn open(tx: &mut Tx, of: OrganizationId, step: StepId) -> Result<Option<(StepRow, TriggerWork)>> {
    let row = steps::find(tx, of, step).await?.ok_or(Error::NotFound("step"))?;
    tally::lock(tx, of, row.build).await?;
    let row = steps::find(tx, of, step).await?.ok_or(Error::NotFound("step"))?;
    let waits = row.step.state == StepState::Open && row.child_build.is_none();
    match texts::find(tx, step).await?.work {
        Work::Trigger(work) if waits => Ok(Some((row, *work))),
        _ => Ok(None),
    }
}

type Fresh = (countersign_domain::id::BuildId, countersign_domain::Id<builds::Pipeline>);

async fn trigger(tx: &mut Tx, scene: &Scene<(StepId, Fresh)>) -> Result<()> {
    let (step, (build, pipeline_id)) = scene.input;
    let Some((row, work)) = open(tx, scene.organization, step).await? else { return Ok(()) };
    let parent = builds::find(tx, scene.organization, row.build).await?.ok_or(Error::NotFound("build"))?;
    let depth = parent.trigger_depth + 1;
    if depth > MAX_DEPTH {
        return Err(Error::Conflict(format!("Builds may trigger builds, {MAX_DEPTH} after each other at the most.")));
    }
    let root = parent.trigger_root.unwrap_or(parent.id);
    if builds::count_of_root(tx, root).await? >= MAX_TRIGGERED {
        return Err(Error::Conflict(format!(
            "One build may lead to {MAX_TRIGGERED} others at the most, through all triggers together."
        )));
    }
    let message =
        work.message.or(parent.message).map(|text| Description::parse(&text).map(|it| it.as_str().to_owned()));
    let order = Order {
        build,
        pipeline_id,
        pipeline: input::field("trigger", Slug::parse(&work.pipeline))?.as_str().to_owned(),
        name: work.pipeline,
        text: None,
        queue: QueueName::default(),
        deployment: Where::Known(parent.deployment),
        message: input::field("message", message.transpose())?,
        branch: reference("branch", work.branch)?,
        commit: reference("commit", work.commit)?,
        env: work.env,
        meta_data: work.meta_data.into_iter().collect(),
        source: Source::TriggerJob,
        rebuilt_from: None,
        triggered_by: Some(TriggeredBy { build: row.build, step: row.id, depth, root }),
    };
    let child = make(tx, scene, &order).await?;
    steps::set_child(tx, row.id, child.id).await?;
    let mut runner = Runner::new(scene.organization);
    if work.is_async {
        runner.send(tx, row.build, row.id, Message::JobEnded(Verdict::Passed)).await?;
    }
    let subject = Subject::new::<countersign_domain::id::of::Step>("step", row.id, step_name(&row));
    let detail = json!({ "build": child.id.to_string(), "pipeline": child.pipeline_slug });
    scene.audit(tx, "build.triggered", subject, detail).await?;
    runner.close(tx, scene).await
}

async fn fail(tx: &mut Tx, scene: &Scene<(StepId, String)>) -> Result<()> {
    let (step, why) = &scene.input;
    let Some((row, work)) = open(tx, scene.organization, *step).await? else { return Ok(()) };
    let mut runner = Runner::new(scene.organization);
    steps::set_note(tx, row.id, why).await?;
    let verdict = if soft_fails(&work.soft_fail, 1) { Verdict::SoftFailed } else { Verdict::Failed };
    runner.send(tx, row.build, row.id, Message::JobEnded(verdict)).await?;
    let subject = Subject::new::<countersign_domain::id::of::Step>("step", row.id, step_name(&row));
    scene.audit(tx, "build.not_triggered", subject, json!({ "why": why })).await?;
    runner.close(tx, scene).await
}
