//! Concurrency groups: whose jobs may run.

use countersign_domain::build::JobState;
use countersign_domain::graph::Contender;
use countersign_domain::id::{JobId, OrganizationId};

use crate::{StoreError, Tx, params, statements};

use super::dispatch::Spot;

/// The jobs of a group that have not ended, in the words of the index over them: SQLite uses it for nothing less.
macro_rules! open {
    () => {
        "j.concurrency_group IS NOT NULL AND j.state IN ('waiting', 'limited', 'scheduled', 'assigned', 'accepted', 'running', 'timing_out',
         'canceling')"
    };
}

statements! {
    /// A group, made by its first job.
    ENSURE = "INSERT INTO concurrency_groups (organization_id, name, created_at) VALUES ($1, $2, $3)
              ON CONFLICT (organization_id, name) DO NOTHING";
    /// Keeps a group's limit still until the transaction ends.
    LOCK = "SELECT name FROM concurrency_groups WHERE organization_id = $1 AND name = $2 /*lock:update*/";
    /// How many of a group's jobs may run.
    ADMITTED = concat!("SELECT COUNT(*) AS n FROM jobs j WHERE j.organization_id = $1 AND j.concurrency_group = $2
              AND ", open!(), " AND j.state NOT IN ('waiting', 'limited')");
    /// A group's first jobs that have not ended.
    FIRST = concat!("SELECT j.id, j.state, j.concurrency_limit, j.concurrency_eager FROM jobs j
              WHERE j.organization_id = $1 AND j.concurrency_group = $2 AND ", open!(), "
              ORDER BY j.created_at, j.build_id, j.position LIMIT $3");
    /// A group's first jobs that run in any order and are held back by the group alone.
    FIRST_EAGER = "SELECT id, state, concurrency_limit, concurrency_eager FROM jobs WHERE organization_id = $1 AND concurrency_group = $2
              AND state = 'limited' AND concurrency_eager ORDER BY created_at, build_id, position LIMIT $3";
    /// A job may run.
    ADMIT = "UPDATE jobs SET state = 'scheduled', runnable_at = $2 WHERE id = $1 AND state = 'limited' RETURNING deployment_id, queue, rules";
    /// Groups that hold a job back although they have room, as far as their own limits say.
    HOLDING = concat!("SELECT g.organization_id, g.concurrency_group
              FROM (SELECT organization_id, concurrency_group, MAX(concurrency_limit) AS most FROM jobs WHERE state = 'limited'
                GROUP BY organization_id, concurrency_group) g
              WHERE (SELECT COUNT(*) FROM jobs j WHERE j.organization_id = g.organization_id AND j.concurrency_group = g.concurrency_group
                AND ", open!(), " AND j.state NOT IN ('waiting', 'limited')) < g.most LIMIT $1");
}

/// Makes a group known and keeps its limit still until the transaction ends.
pub async fn lock(tx: &mut Tx, of: OrganizationId, group: &str) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(ENSURE, &params![of, group, now]).await?;
    tx.one(LOCK, &params![of, group]).await.map(drop)
}

/// How many of a group's jobs may run.
pub async fn admitted(tx: &mut Tx, of: OrganizationId, group: &str) -> Result<i64, StoreError> {
    tx.one(ADMITTED, &params![of, group]).await?.get("n")
}

/// At most `limit` of a group's jobs that have not ended, the first made first.
pub async fn first(
    tx: &mut Tx,
    of: OrganizationId,
    group: &str,
    limit: i64,
    only_eager: bool,
) -> Result<Vec<(JobId, Contender)>, StoreError> {
    let text = if only_eager { FIRST_EAGER } else { FIRST };
    let rows = tx.all(text, &params![of, group, limit]).await?;
    rows.iter()
        .map(|row| {
            let state: JobState = row.parse("state")?;
            let contender = Contender {
                is_limited: state == JobState::Limited,
                limit: row.get("concurrency_limit")?,
                eager: row.get("concurrency_eager")?,
            };
            Ok((row.get("id")?, contender))
        })
        .collect()
}

/// Lets a job run; says where. `None` when it was not held back.
pub async fn admit(tx: &mut Tx, job: JobId) -> Result<Option<Spot>, StoreError> {
    let now = tx.now();
    let row = tx.maybe(ADMIT, &params![job, now]).await?;
    row.as_ref().map(Spot::read).transpose()
}

/// At most `limit` groups, of whatever organization, that hold a job back and have room.
pub async fn holding(tx: &mut Tx, limit: i64) -> Result<Vec<(OrganizationId, String)>, StoreError> {
    let rows = tx.all(HOLDING, &params![limit]).await?;
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("concurrency_group")?))).collect()
}
