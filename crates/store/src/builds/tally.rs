//! A build's sums: locked by whoever changes one of its steps, so that of two jobs that end at once the later one sees both.

use countersign_domain::Timestamp;
use countersign_domain::build::BuildState;
use countersign_domain::graph::Tally;
use countersign_domain::id::{BuildId, OrganizationId, StepId};

use crate::{StoreError, Tx, params, statements};

statements! {
    /// Keeps a build's sums still until the transaction ends. One that is to go has none.
    LOCK = "SELECT state, chore, blocked_state, trigger_step, triggered_from, steps_open, steps_running, steps_asking, jobs_failed,
                jobs_canceled, steps_took_part, is_canceled, has_started, has_fragile_jobs
              FROM builds WHERE organization_id = $1 AND id = $2 AND removed_at IS NULL /*lock:update*/";
    /// Where a build stands now. What a build that goes on leaves is removed anew once it has ended.
    SAVE = "UPDATE builds SET state = $2, chore = $3, blocked_state = $4, steps_open = $5, steps_running = $6, steps_asking = $7,
                jobs_failed = $8, jobs_canceled = $9, steps_took_part = $10, is_canceled = $11, has_started = $12,
                has_fragile_jobs = $13, started_at = COALESCE(started_at, $14), finished_at = $15,
                canceled_at = COALESCE(canceled_at, $16), logs_removed = logs_removed AND CAST($15 AS BIGINT) IS NOT NULL,
                artifacts_removed = artifacts_removed AND CAST($15 AS BIGINT) IS NOT NULL
              WHERE id = $1";
    /// What changes with all that people see of a build's steps, from rows that there are few of: its sums, how many jobs were made of it, and how
    /// many builds its triggers have made.
    PULSE = "SELECT b.state, b.steps_open, b.steps_running, b.steps_asking, b.jobs_failed, b.jobs_canceled, b.steps_took_part, b.next_position,
                (SELECT COUNT(*) FROM builds t WHERE t.triggered_from = b.id) AS triggered
              FROM builds b WHERE b.organization_id = $1 AND b.id = $2 AND b.removed_at IS NULL";
    /// How many of a build's jobs that can run or do are in which state; from their index alone.
    OPEN_JOBS = "SELECT state, COUNT(*) AS n FROM jobs WHERE build_id = $1
              AND state IN ('limited', 'scheduled', 'assigned', 'accepted', 'running', 'timing_out', 'canceling') GROUP BY state ORDER BY state";
    /// Whether a job of the build has started.
    HAS_STARTED = "SELECT has_started FROM builds WHERE id = $1";
    /// Builds for which something is left to do in batches.
    WITH_CHORES = "SELECT id, organization_id, chore FROM builds
                   WHERE chore IS NOT NULL AND organization_id = COALESCE($2, organization_id) ORDER BY id LIMIT $1";
}

/// What is left to do for a build as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chore {
    /// Cancel everything.
    Cancel,
    /// Cancel the jobs that are not to go on in a failing build.
    CancelFragile,
}

impl Chore {
    /// As the column holds it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::CancelFragile => "cancel_fragile",
        }
    }
}

impl std::str::FromStr for Chore {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Cancel, Self::CancelFragile].into_iter().find(|it| it.as_str() == text).ok_or(())
    }
}

/// A build's sums, and what else changes with its steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// The sums.
    pub tally: Tally,
    /// The state as it was written last.
    pub state: BuildState,
    /// What is left to do.
    pub chore: Option<Chore>,
    /// What it is called while it waits for a person.
    pub blocked_state: String,
    /// The step whose build this is.
    pub trigger_step: Option<(BuildId, StepId)>,
    /// Whether it has a job that is not to go on once it is failing.
    pub has_fragile_jobs: bool,
}

/// What tells that a build looks different, but for its annotations and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    /// Where it stands.
    pub state: BuildState,
    sums: [i64; 8],
    open_jobs: Vec<(String, i64)>,
}

/// The pulse of one of the organization's builds. It reads no row of a job: of a build of 10,000 jobs it is asked for every few seconds.
pub async fn pulse(tx: &mut Tx, of: OrganizationId, id: BuildId) -> Result<Option<Pulse>, StoreError> {
    let Some(row) = tx.maybe(PULSE, &params![of, id]).await? else { return Ok(None) };
    let sums = [
        row.get("steps_open")?,
        row.get("steps_running")?,
        row.get("steps_asking")?,
        row.get("jobs_failed")?,
        row.get("jobs_canceled")?,
        row.get("steps_took_part")?,
        row.get("next_position")?,
        row.get("triggered")?,
    ];
    let open = tx.all(OPEN_JOBS, &params![id]).await?;
    let open_jobs = open.iter().map(|row| Ok((row.get("state")?, row.get("n")?))).collect::<Result<_, StoreError>>()?;
    Ok(Some(Pulse { state: row.parse("state")?, sums, open_jobs }))
}

/// A build's sums, kept still until the transaction ends.
pub async fn lock(tx: &mut Tx, of: OrganizationId, id: BuildId) -> Result<Option<Ledger>, StoreError> {
    let Some(row) = tx.maybe(LOCK, &params![of, id]).await? else { return Ok(None) };
    let trigger_step: Option<StepId> = row.get("trigger_step")?;
    let triggered_from: Option<BuildId> = row.get("triggered_from")?;
    Ok(Some(Ledger {
        tally: Tally {
            open: row.get("steps_open")?,
            running: row.get("steps_running")?,
            asking: row.get("steps_asking")?,
            failed: row.get("jobs_failed")?,
            canceled: row.get("jobs_canceled")?,
            took_part: row.get("steps_took_part")?,
            is_canceled: row.get("is_canceled")?,
            has_started: row.get("has_started")?,
        },
        state: row.parse("state")?,
        chore: row.parse_optional("chore")?,
        blocked_state: row.get("blocked_state")?,
        trigger_step: triggered_from.zip(trigger_step),
        has_fragile_jobs: row.get("has_fragile_jobs")?,
    }))
}

/// Writes a build's sums, and where it stands. Start and cancellation keep the time of the first.
pub async fn save(tx: &mut Tx, id: BuildId, it: &Ledger) -> Result<(), StoreError> {
    let now: Timestamp = tx.now();
    let values = params![
        id,
        it.state.as_str(),
        it.chore.map(Chore::as_str),
        it.blocked_state.as_str(),
        it.tally.open,
        it.tally.running,
        it.tally.asking,
        it.tally.failed,
        it.tally.canceled,
        it.tally.took_part,
        it.tally.is_canceled,
        it.tally.has_started,
        it.has_fragile_jobs,
        it.tally.has_started.then_some(now),
        it.state.is_finished().then_some(now),
        matches!(it.state, BuildState::Canceling | BuildState::Canceled).then_some(now),
    ];
    tx.execute(SAVE, &values).await.map(drop)
}

/// Whether a job of the build has started.
pub async fn has_started(tx: &mut Tx, id: BuildId) -> Result<bool, StoreError> {
    tx.one(HAS_STARTED, &params![id]).await?.get("has_started")
}

/// At most `limit` builds, of whatever organization, for which something is left to do.
pub async fn with_chores(
    tx: &mut Tx,
    of: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<(OrganizationId, BuildId, Chore)>, StoreError> {
    let rows = tx.all(WITH_CHORES, &params![limit, of]).await?;
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("id")?, row.parse("chore")?))).collect()
}
