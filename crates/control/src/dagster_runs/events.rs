//! What the worker of a run tells.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::Timestamp;
use countersign_domain::dagster::{MAX_RUN_EVENT, MAX_RUN_EVENT_BYTES, MAX_RUN_EVENTS, RunEvent, RunStatus};
use countersign_domain::id::{DagsterRunId, TokenId};
use countersign_store::dagster_runs::events::{self, RunEventRow};
use countersign_store::{Lane, Tx, dagster_runs};

use crate::access::actions::ReportDagsterRun;
use crate::dagster::Reached;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::lost::ended;
use super::own;

/// The most events of one call.
pub const MAX_EVENTS_AT_ONCE: usize = 1_000;
/// The most runs that one call tells of: a worker has one, and an agent a few.
pub const MAX_RUNS_AT_ONCE: usize = 20;
/// The most characters of an event's sort, its step and its call's key.
const MAX_WORD: usize = 255;
/// The most bytes that are kept of a message.
const MAX_MESSAGE: usize = 16 * 1024;

/// What is told.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Of which run.
    pub run: String,
    /// What sort of event it is; none for a line that the code logged.
    pub kind: Option<String>,
    /// Of which step.
    pub step: Option<String>,
    /// How grave it is.
    pub level: i64,
    /// When it happened, by the worker's clock.
    pub occurred_at: Timestamp,
    /// For people.
    pub message: String,
    /// All of it: JSON. One that is longer than [`MAX_RUN_EVENT`] is not kept; the rest of the event is.
    pub entry: String,
}

struct Input {
    token: TokenId,
    deployment: String,
    key: Option<String>,
    events: Vec<(DagsterRunId, NewEvent)>,
}

impl Control {
    /// Keeps what workers tell of their runs, and what follows from it. A call that comes again with its key changes nothing.
    ///
    /// Of a run that has told more than may be kept, only what changes where it stands is kept; the others are counted, for a worker that is refused
    /// dies of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `runId`, `events` or `Idempotency-Key`; [`Error::NotFound`] for a run that the token did not take in that deployment.
    pub async fn store_run_events(
        &self,
        grant: &Grant<ReportDagsterRun>,
        deployment: String,
        key: Option<String>,
        all: Vec<NewEvent>,
    ) -> Result<Reached> {
        if all.len() > MAX_EVENTS_AT_ONCE {
            let why = format!("has {} events; at most {MAX_EVENTS_AT_ONCE} are taken in one call", all.len());
            return Err(Error::invalid("events", why));
        }
        if key.as_ref().is_some_and(|key| key.chars().count() > MAX_WORD) {
            return Err(Error::invalid("Idempotency-Key", format!("must have at most {MAX_WORD} characters")));
        }
        let mut events = Vec::with_capacity(all.len());
        for mut it in all {
            let run: DagsterRunId = input::field("runId", it.run.parse())?;
            shorten(&mut it.message, MAX_MESSAGE);
            for word in [&mut it.kind, &mut it.step].into_iter().flatten() {
                shorten(word, MAX_WORD);
            }
            if it.entry.len() > MAX_RUN_EVENT {
                "{}".clone_into(&mut it.entry);
            }
            events.push((run, it));
        }
        let runs = events.iter().map(|(run, _)| *run).collect::<BTreeSet<_>>().len();
        if runs > MAX_RUNS_AT_ONCE {
            let why = format!("are of {runs} runs; at most {MAX_RUNS_AT_ONCE} are told of in one call");
            return Err(Error::invalid("events", why));
        }
        let token = grant.agent_token()?;
        let input = Input { token: token.token, deployment, key, events };
        let reached = self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(store(tx, scene))).await?;
        self.note_refused(token, &reached);
        Ok(reached)
    }
}

/// Keeps the beginning of a text, up to so many bytes.
fn shorten(text: &mut String, most: usize) {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
}

async fn store(tx: &mut Tx, scene: &Scene<Input>) -> Result<Reached> {
    let (of, Input { token, deployment, key, events: all }) = (scene.organization, &scene.input);
    let (reached, deployment) = own::deployment(tx, of, *token, deployment).await?;
    let Some(deployment) = deployment else { return Ok(reached) };
    let mut runs = BTreeMap::new();
    for id in all.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>() {
        runs.insert(id, (own::locked(tx, of, &deployment, id).await?, false));
    }
    for (place, (id, new)) in all.iter().enumerate() {
        let Some((run, has_changed)) = runs.get_mut(id) else { continue };
        // Each event of a call has a key of its own.
        let key = key.as_ref().map(|key| if place == 0 { key.clone() } else { format!("{key} {place}") });
        if let Some(key) = &key
            && events::has_key(tx, run.id, key).await?
        {
            continue;
        }
        let after = new.kind.as_deref().and_then(RunEvent::of).map_or(run.status, |event| run.status.after(event));
        let moves = after != run.status;
        let bytes = i64::try_from(new.entry.len() + new.message.len()).unwrap_or(i64::MAX);
        let is_full = run.events >= MAX_RUN_EVENTS || run.event_bytes.saturating_add(bytes) > MAX_RUN_EVENT_BYTES;
        if is_full && !moves {
            run.events_dropped += 1;
            *has_changed = true;
            continue;
        }
        *has_changed = true;
        run.events += 1;
        run.event_bytes = run.event_bytes.saturating_add(bytes);
        if moves {
            run.status = after;
            if after == RunStatus::Started {
                run.started_at = Some(tx.now());
            }
            if after.is_over() {
                run.ended_at = Some(tx.now());
            }
        }
        let row = RunEventRow {
            number: run.events,
            kind: new.kind.clone(),
            step: new.step.clone(),
            level: new.level,
            occurred_at: new.occurred_at,
            message: new.message.clone(),
            entry: new.entry.clone(),
        };
        events::insert(tx, run.id, &row, key.as_deref()).await?;
        if moves && after.is_over() {
            ended(tx, scene, run).await?;
        }
    }
    // Each once, whatever was told of it: its row may be long.
    for (run, _) in runs.values().filter(|(_, has_changed)| *has_changed) {
        dagster_runs::save(tx, run).await?;
    }
    Ok(reached)
}
