//! What has been kept long enough: ended builds, their logs and artifacts, and agents that are gone.
//!
//! A build that is to go is marked first, and from then on nobody finds it. Its rows follow in batches, those that refer to others first.

use countersign_domain::Timestamp;
use countersign_domain::id::{AgentId, ArtifactId, BuildId, OrganizationId};

use crate::{Row, Sql, StoreError, Tx, params, statements};

statements! {
    /// Builds that ended before a time, the first first. One that a trigger still waits for stays.
    ENDED = "SELECT b.organization_id, b.id FROM builds b
              WHERE b.finished_at IS NOT NULL AND b.removed_at IS NULL AND b.finished_at < $1 AND b.chore IS NULL
                AND NOT EXISTS (SELECT 1 FROM steps s WHERE s.child_build_id = b.id AND s.state = 'open')
              ORDER BY b.finished_at LIMIT $2";
    /// One of them is to go: nobody finds it any more. A build whose job is run again has not ended, and stays.
    MARK = "UPDATE builds SET removed_at = $4 WHERE organization_id = $1 AND id = $2 AND finished_at < $3 AND removed_at IS NULL AND chore IS NULL";
    /// Builds that are to go.
    MARKED = "SELECT organization_id, id FROM builds WHERE removed_at IS NOT NULL ORDER BY id LIMIT $1";
    /// Builds that ended before a time and still have their logs.
    WITH_LOGS = "SELECT organization_id, id FROM builds WHERE finished_at IS NOT NULL AND NOT logs_removed AND removed_at IS NULL
              AND finished_at < $1 ORDER BY finished_at LIMIT $2";
    /// The same of artifacts.
    WITH_ARTIFACTS = "SELECT organization_id, id FROM builds WHERE finished_at IS NOT NULL AND NOT artifacts_removed AND removed_at IS NULL
              AND finished_at < $1 ORDER BY finished_at LIMIT $2";
    /// Keeps a build still that ended before a time.
    HOLD = "SELECT id FROM builds WHERE organization_id = $1 AND id = $2 AND finished_at < $3 AND removed_at IS NULL /*lock:update*/";
    /// It has no logs any more.
    SET_LOGS_REMOVED = "UPDATE builds SET logs_removed = TRUE WHERE id = $1";
    /// It has no artifacts any more.
    SET_ARTIFACTS_REMOVED = "UPDATE builds SET artifacts_removed = TRUE WHERE id = $1";
    /// Artifacts of a build whose bytes are given up. Their rows stay and say so.
    GIVE_UP_ARTIFACTS = "UPDATE artifacts SET state = 'deleted', finished_at = COALESCE(finished_at, $3)
              WHERE id IN (SELECT a.id FROM artifacts a WHERE a.build_id = $1 AND a.state <> 'deleted' ORDER BY a.id LIMIT $2)
              RETURNING id, upload_destination IS NULL AS is_own";
    /// Artifacts of a build that go altogether; a deleted one has given its bytes up before.
    DROP_ARTIFACTS = "DELETE FROM artifacts WHERE id IN (SELECT a.id FROM artifacts a WHERE a.build_id = $1 ORDER BY a.id LIMIT $2)
              RETURNING id, (upload_destination IS NULL AND state <> 'deleted') AS is_own";
    /// Pieces of the logs of a build's jobs.
    DROP_LOGS = "DELETE FROM job_log_chunks WHERE (job_id, sequence) IN (SELECT c.job_id, c.sequence FROM jobs j
              JOIN job_log_chunks c ON c.job_id = j.id WHERE j.build_id = $1 LIMIT $2)";
    /// What a build's jobs uploaded.
    DROP_UPLOADS = "DELETE FROM pipeline_uploads WHERE (job_id, uuid) IN (SELECT u.job_id, u.uuid FROM jobs j
              JOIN pipeline_uploads u ON u.job_id = j.id WHERE j.build_id = $1 LIMIT $2)";
    /// Its annotations.
    DROP_ANNOTATIONS = "DELETE FROM annotations WHERE id IN (SELECT a.id FROM annotations a WHERE a.build_id = $1 LIMIT $2)";
    /// Its meta-data.
    DROP_META_DATA = "DELETE FROM meta_data WHERE build_id = $1 AND key IN (SELECT m.key FROM meta_data m WHERE m.build_id = $1 LIMIT $2)";
    /// Changes of its steps.
    DROP_CHANGES = "DELETE FROM step_changes WHERE (step_id, uuid) IN (SELECT c.step_id, c.uuid FROM steps s
              JOIN step_changes c ON c.step_id = s.id WHERE s.build_id = $1 LIMIT $2)";
    /// What its steps waited for.
    DROP_EDGES = "DELETE FROM step_edges WHERE (step_id, on_id) IN (SELECT e.step_id, e.on_id FROM steps s
              JOIN step_edges e ON e.step_id = s.id WHERE s.build_id = $1 LIMIT $2)";
    /// What its steps were written as.
    DROP_TEXTS = "DELETE FROM step_texts WHERE step_id IN (SELECT t.step_id FROM steps s
              JOIN step_texts t ON t.step_id = s.id WHERE s.build_id = $1 LIMIT $2)";
    /// Its jobs: one that was run again names its successor, so it goes before it.
    DROP_JOBS = "DELETE FROM jobs WHERE id IN (SELECT j.id FROM jobs j WHERE j.build_id = $1 ORDER BY j.position LIMIT $2)";
    /// Its steps: one names those before it, so the last go first.
    DROP_STEPS = "DELETE FROM steps WHERE id IN (SELECT s.id FROM steps s WHERE s.build_id = $1 ORDER BY s.sort DESC LIMIT $2)";
    /// What it was made from.
    DROP_INPUTS = "DELETE FROM build_inputs WHERE build_id = $1";
    /// Builds that repeat it stand for themselves.
    FORGET_REPEATED = "UPDATE builds SET rebuilt_from = NULL WHERE rebuilt_from = $1";
    /// So do those that one of its steps made.
    FORGET_TRIGGER = "UPDATE builds SET triggered_from = NULL, trigger_step = NULL WHERE triggered_from = $1";
    /// A step whose build it was has none any more.
    FORGET_CHILD = "UPDATE steps SET child_build_id = NULL WHERE child_build_id = $1";
    /// The build itself.
    DROP_BUILD = "DELETE FROM builds WHERE id = $1 AND removed_at IS NOT NULL";
    /// Agents that were gone before a time and that no job names.
    GONE_AGENTS = "SELECT a.organization_id, a.id FROM agents a WHERE a.state IN ('disconnected', 'stopped', 'lost')
              AND COALESCE(a.lost_at, a.disconnected_at) < $1 AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.agent_id = a.id)
              ORDER BY a.organization_id, a.id LIMIT $2";
    /// Keeps one of them still, if it is one yet.
    HOLD_AGENT = "SELECT a.name FROM agents a WHERE a.organization_id = $1 AND a.id = $2 AND a.state IN ('disconnected', 'stopped', 'lost')
              AND COALESCE(a.lost_at, a.disconnected_at) < $3 AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.agent_id = a.id) /*lock:update*/";
    /// Its sessions.
    DROP_SESSIONS = "DELETE FROM sessions WHERE agent_id = $1";
    /// The agent.
    DROP_AGENT = "DELETE FROM agents WHERE id = $1";
}

/// What a build's rows are removed by, one after the other; artifacts go before all of them.
const ROWS: [Sql; 9] = [
    DROP_LOGS,
    DROP_UPLOADS,
    DROP_ANNOTATIONS,
    DROP_META_DATA,
    DROP_CHANGES,
    DROP_EDGES,
    DROP_TEXTS,
    DROP_JOBS,
    DROP_STEPS,
];

type Builds = Vec<(OrganizationId, BuildId)>;

fn builds(rows: &[Row]) -> Result<Builds, StoreError> {
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("id")?))).collect()
}

/// At most `limit` builds, of whatever organization, that ended before `before`.
pub async fn ended(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<Builds, StoreError> {
    builds(&tx.all(ENDED, &params![before, limit]).await?)
}

/// A build is to go, if it ended before `before`. False when it did not, or is marked.
pub async fn mark(tx: &mut Tx, of: OrganizationId, build: BuildId, before: Timestamp) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(MARK, &params![of, build, before, now]).await? == 1)
}

/// At most `limit` builds, of whatever organization, that are to go.
pub async fn marked(tx: &mut Tx, limit: i64) -> Result<Builds, StoreError> {
    builds(&tx.all(MARKED, &params![limit]).await?)
}

/// At most `limit` builds, of whatever organization, that ended before `before` and have their logs.
pub async fn with_logs(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<Builds, StoreError> {
    builds(&tx.all(WITH_LOGS, &params![before, limit]).await?)
}

/// At most `limit` builds, of whatever organization, that ended before `before` and have their artifacts.
pub async fn with_artifacts(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<Builds, StoreError> {
    builds(&tx.all(WITH_ARTIFACTS, &params![before, limit]).await?)
}

/// Keeps a build still, if it ended before `before`.
pub async fn hold(tx: &mut Tx, of: OrganizationId, build: BuildId, before: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.maybe(HOLD, &params![of, build, before]).await?.is_some())
}

/// Removes at most `limit` pieces of the logs of a build's jobs; answers how many. Fewer than `limit`: there are none left.
pub async fn drop_logs(tx: &mut Tx, build: BuildId, limit: i64) -> Result<i64, StoreError> {
    let count = tx.execute(DROP_LOGS, &params![build, limit]).await?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    if count < limit {
        tx.execute(SET_LOGS_REMOVED, &params![build]).await?;
    }
    Ok(count)
}

/// Artifacts that are given up.
#[derive(Debug, Clone, Default)]
pub struct GivenUp {
    /// How many.
    pub count: i64,
    /// Those whose bytes are in the server's store.
    pub own: Vec<ArtifactId>,
}

fn given_up(rows: &[Row]) -> Result<GivenUp, StoreError> {
    let mut all = GivenUp { count: i64::try_from(rows.len()).unwrap_or(i64::MAX), own: Vec::new() };
    for row in rows {
        if row.get("is_own")? {
            all.own.push(row.get("id")?);
        }
    }
    Ok(all)
}

/// Gives up the bytes of at most `limit` artifacts of a build. Fewer than `limit`: there are none left.
pub async fn give_up_artifacts(tx: &mut Tx, build: BuildId, limit: i64) -> Result<GivenUp, StoreError> {
    let now = tx.now();
    let all = given_up(&tx.all(GIVE_UP_ARTIFACTS, &params![build, limit, now]).await?)?;
    if all.count < limit {
        tx.execute(SET_ARTIFACTS_REMOVED, &params![build]).await?;
    }
    Ok(all)
}

/// Removes at most `limit` artifacts of a build that is to go.
pub async fn drop_artifacts(tx: &mut Tx, build: BuildId, limit: i64) -> Result<GivenUp, StoreError> {
    given_up(&tx.all(DROP_ARTIFACTS, &params![build, limit]).await?)
}

/// Removes at most `limit` rows of a build that is to go and has no artifacts any more, and with the last of them the build. False when
/// some are left.
pub async fn drop_build(tx: &mut Tx, build: BuildId, limit: i64) -> Result<bool, StoreError> {
    let mut left = limit;
    for rows in ROWS {
        let count = tx.execute(rows, &params![build, left]).await?;
        left -= i64::try_from(count).unwrap_or(i64::MAX);
        if left <= 0 {
            return Ok(false);
        }
    }
    for last in [DROP_INPUTS, FORGET_REPEATED, FORGET_TRIGGER, FORGET_CHILD, DROP_BUILD] {
        tx.execute(last, &params![build]).await?;
    }
    Ok(true)
}

/// At most `limit` agents, of whatever organization, that were gone before `before` and that no job names.
pub async fn gone_agents(
    tx: &mut Tx,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(OrganizationId, AgentId)>, StoreError> {
    let rows = tx.all(GONE_AGENTS, &params![before, limit]).await?;
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("id")?))).collect()
}

/// Removes such an agent with its sessions; answers its name. `None` when it is not such a one any more.
pub async fn drop_agent(
    tx: &mut Tx,
    of: OrganizationId,
    agent: AgentId,
    before: Timestamp,
) -> Result<Option<String>, StoreError> {
    let Some(row) = tx.maybe(HOLD_AGENT, &params![of, agent, before]).await? else { return Ok(None) };
    tx.execute(DROP_SESSIONS, &params![agent]).await?;
    tx.execute(DROP_AGENT, &params![agent]).await?;
    row.get("name").map(Some)
}
