//! More parallel jobs for a step of the job's own build.

use countersign_domain::graph::{Kind, Message, StepState};
use countersign_domain::pipeline::{MAX_JOBS, MAX_UPLOADED_JOBS, numbered};
use countersign_domain::plan::Work;
use countersign_store::jobs::{self, Job};
use countersign_store::steps::{StepRow, texts};
use countersign_store::{Tx, builds};

use crate::builds::runner::Runner;
use crate::{Error, Result, Scene};

/// Gives a step as many parallel jobs; those that it has stay. Jobs that have not begun are told how many there are now.
pub(super) async fn widen<I: Sync>(tx: &mut Tx, scene: &Scene<I>, row: &StepRow, value: &str) -> Result<()> {
    let wrong = |why: String| Error::invalid("value", why);
    if row.step.kind != Kind::Command {
        return Err(Error::invalid("attribute", format!("is not one of a {} step", row.step.kind)));
    }
    let wanted: u32 = value.trim().parse().map_err(|_| wrong("is not a whole number".to_owned()))?;
    let most = i64::try_from(MAX_JOBS).unwrap_or(i64::MAX);
    // One that is run again keeps its place, so these are the step's parts.
    let parts = jobs::of_step(tx, scene.organization, row.id, most).await?;
    let known = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let first = parts.first().ok_or_else(|| Error::internal("a command step has no job"))?;
    if !first.matrix.is_empty() {
        return Err(Error::Conflict("The step's jobs are those of a matrix; it takes no 'parallelism'.".to_owned()));
    }
    if wanted < known {
        return Err(wrong(format!("is less than {known}, which it is; it can only grow")));
    }
    let more = usize::try_from(wanted - known).unwrap_or(usize::MAX);
    if more > MAX_UPLOADED_JOBS || usize::try_from(wanted).unwrap_or(usize::MAX) > MAX_JOBS {
        let why = format!(
            "would add {more} jobs; at most {MAX_UPLOADED_JOBS} at one time and {MAX_JOBS} in all are possible"
        );
        return Err(wrong(why));
    }
    if more == 0 {
        return Ok(());
    }
    let mut runner = Runner::new(scene.organization);
    let is_canceled = runner.open(tx, row.build).await?.tally.is_canceled;
    if is_canceled || row.step.state == StepState::Ended {
        return Err(Error::Conflict("The step has ended, or its build is canceled; it takes no more jobs.".to_owned()));
    }
    add(tx, scene, row, first, known..wanted).await?;
    jobs::set_parallel_count(tx, row.id, wanted).await?;
    if first.is_fragile {
        runner.open(tx, row.build).await?.has_fragile_jobs = true;
    }
    runner.send(tx, row.build, row.id, Message::JobsAdded(i64::from(wanted - known))).await?;
    runner.close(tx, scene).await
}

async fn add<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    row: &StepRow,
    like: &Job,
    numbers: std::ops::Range<u32>,
) -> Result<()> {
    let planned = texts::find(tx, row.id).await?;
    let is_numbered =
        matches!(&planned.work, Work::Command(_)) && planned.label.as_deref().is_some_and(|it| it.contains('%'));
    let count = numbers.end;
    let first = builds::take_positions(tx, row.build, i64::from(numbers.end - numbers.start)).await?;
    for (position, number) in (first..).zip(numbers) {
        let label = match &planned.label {
            Some(label) if is_numbered => Some(numbered(label, number, count)),
            _ => like.label.clone(),
        };
        jobs::insert_parallel(tx, like.id, scene.fresh_id(tx), position, (number, count), label.as_deref()).await?;
    }
    Ok(())
}
