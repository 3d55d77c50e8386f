//! Puts a plan into a build: its steps, what they wait for, and their jobs.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::build::JobState;
use countersign_domain::graph::{
    Ancestor, At, Ending, Gate, Kind, Laid, Message, NewEdge, Outcome, Ref, Search, Step, lay,
};
use countersign_domain::id::{JobId, StepId};
use countersign_domain::plan::{CommandWork, Plan, PlannedStep, Work};
use countersign_store::builds::{self, Build};
use countersign_store::jobs::{self, NewJob};
use countersign_store::steps::{self, StepRow, edges, texts};
use countersign_store::{Tx, queues};

use crate::{Error, Result, Scene};

use super::deadlock;
use super::runner::Runner;

/// How deep uploads may lie beneath each other. So a step that uploads itself again and again comes to an end.
pub const MAX_UPLOAD_DEPTH: i64 = 100;
/// The most uploads of one step.
pub const MAX_UPLOADS: i64 = 10_000;

/// Where a plan goes.
pub(crate) enum Place<'a> {
    /// Into a build that has no steps.
    Start,
    /// Beneath the step that uploads it.
    Beneath(&'a StepRow),
}

/// Puts a plan into a build; answers how many jobs it has. `field` is where errors of the plan are shown.
pub(crate) async fn put<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    runner: &mut Runner,
    build: &Build,
    plan: &Plan,
    place: Place<'_>,
    field: &str,
) -> Result<usize> {
    let (at, prefix, depth) = match &place {
        Place::Start => (At::Start, String::new(), 0),
        Place::Beneath(uploader) => beneath(tx, uploader).await?,
    };
    let known = named(tx, build, plan).await?;
    let laid = lay(plan, &at, &|key| known.get(key).copied()).map_err(|fault| Error::invalid(field, fault))?;
    if let At::Upload { ancestors, .. } = &at {
        deadlock::refuse(tx, build, plan, Search::new(ancestors, &laid), field).await?;
    }
    let ids: Vec<StepId> = laid.iter().map(|_| scene.fresh_id(tx)).collect();
    let id_of = |it: Ref<StepId>| match it {
        Ref::New(place) => ids.get(place).copied().ok_or_else(|| Error::internal("a step refers beyond its plan")),
        Ref::Known(id) => Ok(id),
    };
    let count: usize = plan.steps.iter().map(|it| command(it).map_or(0, |work| work.jobs.len())).sum();
    let first = builds::take_positions(tx, build.id, i64::try_from(count).unwrap_or(i64::MAX)).await?;
    let mut jobs = Jobs { position: first, lines: BTreeSet::new() };
    let (mut parents, mut begin, mut waits) = (Vec::new(), Vec::new(), Vec::new());
    for ((number, it), planned) in laid.into_iter().enumerate().zip(&plan.steps) {
        let id = id_of(Ref::New(number))?;
        let Laid { mut step, parent, gate, edges: waits_for } = it;
        step.jobs.open = open_jobs(planned, step.outcome);
        for edge in waits_for {
            let told = said(tx, build, edge, &mut step).await?;
            waits.push((id, edge, told));
        }
        let gate = match gate {
            Some(it) => Some(Gate { step: id_of(it.step)?, relation: it.relation, lets_pass: it.lets_pass }),
            None => None,
        };
        let row = StepRow {
            id,
            organization: build.organization,
            build: build.id,
            parent: parent.map(id_of).transpose()?,
            gate,
            sort: format!("{prefix}{}", digits(number, 4)),
            key: planned.key.clone(),
            label: planned.label.clone(),
            uploads: 0,
            upload_depth: depth,
            child_build: None,
            note: None,
            created_at: tx.now(),
            finished_at: step.outcome.is_some().then(|| tx.now()),
            answered_at: None,
            answered_by: None,
            step,
        };
        steps::insert(tx, &row).await?;
        texts::insert(tx, id, planned).await?;
        if let (Some(Ref::Known(parent)), None) = (parent, row.step.settled) {
            parents.push(parent);
        }
        if row.step.open_dependencies == 0 && row.step.outcome.is_none() {
            begin.push(id);
        }
        runner.open(tx, build.id).await?.tally.add(&row.step);
        put_jobs(tx, scene, runner, build, planned, &row, &mut jobs).await?;
    }
    // Edges come when both their ends are there.
    for (id, edge, told) in waits {
        edges::insert(tx, id, id_of(edge.on)?, edge.relation, edge.tolerance, told).await?;
    }
    for queue in jobs.lines {
        queues::ensure(tx, scene.fresh_id(tx), build.organization, build.deployment, &queue).await?;
    }
    for parent in parents {
        runner.send(tx, build.id, parent, Message::MemberAdded).await?;
    }
    for id in begin {
        runner.send(tx, build.id, id, Message::Begin).await?;
    }
    Ok(count)
}

/// The numbers of a plan's jobs, and the queues that they wait in.
struct Jobs {
    position: i64,
    lines: BTreeSet<String>,
}

async fn put_jobs<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    runner: &mut Runner,
    build: &Build,
    planned: &PlannedStep,
    row: &StepRow,
    jobs: &mut Jobs,
) -> Result<()> {
    let Some(work) = command(planned) else { return Ok(()) };
    for (part, job) in (0_i64..).zip(&work.jobs) {
        let state = match row.step.outcome {
            None if job.skip.is_none() => JobState::Waiting,
            Some(Outcome::Omitted) => JobState::Broken,
            _ => JobState::Skipped,
        };
        let id: JobId = scene.fresh_id(tx);
        let queue = job.queue.as_deref().unwrap_or(&build.queue);
        let new = NewJob {
            id,
            organization: build.organization,
            build: build.id,
            step: row.id,
            deployment: build.deployment,
            queue,
            position: jobs.position,
            part,
            planned,
            work,
            job,
            state,
        };
        jobs::insert(tx, &new).await?;
        jobs.position += 1;
        if !jobs.lines.contains(queue) {
            jobs.lines.insert(queue.to_owned());
        }
        if state == JobState::Waiting && work.cancel_on_build_failing {
            runner.open(tx, build.id).await?.has_fragile_jobs = true;
        }
    }
    Ok(())
}

fn command(planned: &PlannedStep) -> Option<&CommandWork> {
    match &planned.work {
        Work::Command(work) => Some(work),
        _ => None,
    }
}

fn open_jobs(planned: &PlannedStep, outcome: Option<Outcome>) -> i64 {
    match (&planned.work, outcome) {
        (_, Some(_)) => 0,
        (Work::Command(work), None) => {
            i64::try_from(work.jobs.iter().filter(|it| it.skip.is_none()).count()).unwrap_or(i64::MAX)
        }
        // The build that it makes.
        (Work::Trigger(_), None) => 1,
        _ => 0,
    }
}

/// What a step that is put in hears at once of one that is there. It has not heard it yet otherwise.
async fn said(tx: &mut Tx, build: &Build, edge: NewEdge<StepId>, step: &mut Step) -> Result<Option<Ending>> {
    let Ref::Known(on) = edge.on else { return Ok(None) };
    let other = steps::find(tx, build.organization, on).await?.ok_or_else(|| Error::internal("a step is gone"))?;
    let Some(ending) = other.step.said(edge.relation) else { return Ok(None) };
    step.open_dependencies -= 1;
    if ending != Ending::Good {
        *if edge.tolerance.bears(ending) { &mut step.borne } else { &mut step.spoilt } += 1;
    }
    Ok(Some(ending))
}

/// Where an upload goes: beneath its step, before what that step uploaded earlier.
async fn beneath(tx: &mut Tx, uploader: &StepRow) -> Result<(At<StepId>, String, i64)> {
    let depth = uploader.upload_depth + 1;
    if depth > MAX_UPLOAD_DEPTH {
        let why = format!("Steps may upload steps that upload steps, {MAX_UPLOAD_DEPTH} deep at the most.");
        return Err(Error::Conflict(why));
    }
    let before = steps::count_upload(tx, uploader.id).await?;
    if before >= MAX_UPLOADS {
        return Err(Error::Conflict(format!("A step may upload {MAX_UPLOADS} times at the most.")));
    }
    let mut ancestors = Vec::new();
    let mut next = Some(uploader.id);
    while let Some(id) = next {
        let row = steps::find(tx, uploader.organization, id).await?;
        let row = row.ok_or_else(|| Error::internal("a step is beneath none"))?;
        ancestors.push(Ancestor { step: row.id, is_group: row.step.kind == Kind::Group });
        next = row.parent;
    }
    let at = At::Upload { ancestors, gate: uploader.gate, before: steps::before(tx, uploader).await? };
    let number = usize::try_from(MAX_UPLOADS - 1 - before).unwrap_or(0);
    Ok((at, format!("{}{}", uploader.sort, digits(number, 3)), depth))
}

/// The steps of the build that a plan names.
async fn named(tx: &mut Tx, build: &Build, plan: &Plan) -> Result<BTreeMap<String, StepId>> {
    let keys: BTreeSet<&str> =
        plan.steps.iter().flat_map(|it| it.depends_on.iter().flatten()).map(|it| it.step.as_str()).collect();
    let mut known = BTreeMap::new();
    for key in keys {
        if let Some(row) = steps::by_key(tx, build.organization, build.id, key).await? {
            known.insert(key.to_owned(), row.id);
        }
    }
    Ok(known)
}

/// A number in digits that sort as text as the numbers do.
fn digits(mut number: usize, width: usize) -> String {
    let mut text = vec!['0'; width];
    for place in text.iter_mut().rev() {
        *place = u32::try_from(number % 36).ok().and_then(|digit| char::from_digit(digit, 36)).unwrap_or('0');
        number /= 36;
    }
    text.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn places_sort_as_their_numbers() {
        let all: Vec<String> = (0..5_000).map(|number| digits(number, 4)).collect();
        assert!(all.is_sorted() && all.iter().all(|it| it.len() == 4));
        assert_eq!((digits(35, 3).as_str(), digits(36, 3).as_str()), ("00z", "010"));
    }
}
