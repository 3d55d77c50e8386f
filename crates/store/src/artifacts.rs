//! Artifacts: what is known of the files that jobs leave behind. Their bytes are [`blobs`](crate::blobs).

use countersign_domain::Timestamp;
use countersign_domain::artifact::ArtifactState;
use countersign_domain::id::{ArtifactId, BuildId, Id, JobId, OrganizationId};

use crate::{Row, StoreError, Tx, params, statements};

macro_rules! columns {
    () => {
        "a.id, a.organization_id, a.build_id, a.job_id, a.batch_id, a.path, a.absolute_path, a.size, a.sha1, a.sha256, a.content_type,
         a.upload_destination, a.url, a.state, a.created_at, a.stored_at, a.finished_at"
    };
}

statements! {
    /// An artifact whose bytes are to come.
    INSERT = "INSERT INTO artifacts (id, organization_id, build_id, job_id, batch_id, position, path, absolute_path, size, sha1, sha256,
                content_type, upload_destination, url, state, created_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'new', $15)";
    /// The artifacts that a job announced together, in its order.
    OF_BATCH = concat!("SELECT ", columns!(), " FROM artifacts a WHERE a.job_id = $1 AND a.batch_id = $2 ORDER BY a.position");
    /// One of them, by its path.
    IN_BATCH = concat!("SELECT ", columns!(), " FROM artifacts a WHERE a.job_id = $1 AND a.batch_id = $2 AND a.path = $3");
    /// How many artifacts a job has, and of how many bytes together. What failed takes room until its bytes are gone.
    TOTALS = "SELECT COUNT(*) AS n,
                CAST(COALESCE(SUM(CASE WHEN state IN ('new', 'finished') OR stored_at IS NOT NULL THEN size ELSE 0 END), 0) AS BIGINT) AS size
              FROM artifacts WHERE job_id = $1";
    /// An artifact by the id that a signed address names. Across organizations: the signature says whose it is.
    BY_ID = concat!("SELECT ", columns!(), " FROM artifacts a WHERE a.id = $1");
    /// One of the organization's artifacts.
    FIND = concat!("SELECT ", columns!(), " FROM artifacts a WHERE a.organization_id = $1 AND a.id = $2");
    /// The same, kept still until the transaction ends.
    FIND_FOR_UPDATE = concat!("SELECT ", columns!(), " FROM artifacts a WHERE a.organization_id = $1 AND a.id = $2 /*lock:update*/");
    /// The bytes are in the store, whole and checked. Of an upload that has failed meanwhile this says that they are still to be removed.
    STORED = "UPDATE artifacts SET stored_at = COALESCE(stored_at, $2) WHERE id = $1 AND state IN ('new', 'error')";
    /// The bytes of a failed upload are gone.
    EMPTIED = "UPDATE artifacts SET stored_at = NULL WHERE id = $1 AND state = 'error'";
    /// Failed uploads whose bytes are still to be removed.
    TO_EMPTY = concat!("SELECT ", columns!(), " FROM artifacts a WHERE a.state = 'error' AND a.stored_at IS NOT NULL ORDER BY a.id LIMIT $1");
    /// An upload has ended.
    SET_STATE = "UPDATE artifacts SET state = $2, finished_at = $3 WHERE id = $1 AND state <> 'deleted'";
    /// A page of a build's artifacts, newest first: those of a state ($4), at a path ($5), of jobs that $6 names by key or label, or $7 by
    /// id. What is empty, or nil, chooses nothing. $9: those of jobs that were run again too.
    PAGE = concat!("SELECT ", columns!(), " FROM artifacts a JOIN jobs j ON j.id = a.job_id
              WHERE a.organization_id = $1 AND a.build_id = $2 AND a.id < $3
                AND ($4 = '' OR a.state = $4) AND a.state <> 'deleted' AND ($5 = '' OR a.path = $5)
                AND ($6 = '' OR j.step_key = $6 OR j.label = $6 OR a.job_id = $7) AND ($9 OR j.retried_in IS NULL)
              ORDER BY a.id DESC LIMIT $8");
    /// The last of a build's next artifacts, newest first, however many of them are wanted ($3: how many there are before it).
    LAST_OF_STRETCH = "SELECT id FROM artifacts WHERE build_id = $1 AND id < $2 ORDER BY id DESC LIMIT 1 OFFSET $3";
    /// What is chosen, as in a page, of a stretch of a build's artifacts ($8: its last).
    IN_STRETCH = concat!("SELECT ", columns!(), " FROM artifacts a JOIN jobs j ON j.id = a.job_id
              WHERE a.organization_id = $1 AND a.build_id = $2 AND a.id < $3 AND a.id >= $8
                AND ($4 = '' OR a.state = $4) AND a.state <> 'deleted' AND ($5 = '' OR a.path = $5)
                AND ($6 = '' OR j.step_key = $6 OR j.label = $6 OR a.job_id = $7) AND ($9 OR j.retried_in IS NULL)
              ORDER BY a.id DESC");
    /// A page of a job's artifacts, newest first.
    PAGE_OF_JOB = concat!("SELECT ", columns!(), " FROM artifacts a
              WHERE a.organization_id = $1 AND a.job_id = $2 AND a.id < $3 AND a.state <> 'deleted' ORDER BY a.id DESC LIMIT $4");
    /// It is taken away.
    DELETE = "UPDATE artifacts SET state = 'deleted', stored_at = NULL WHERE id = $1 AND state IN ('finished', 'error')";
    /// Artifacts that were announced before a time and whose job has ended since before it: nobody brings their bytes any more.
    ABANDONED = "SELECT a.id, a.organization_id FROM artifacts a JOIN jobs j ON j.id = a.job_id
              WHERE a.state = 'new' AND a.created_at < $1 AND j.finished_at < $1 ORDER BY a.created_at LIMIT $2";
}

/// An artifact.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its build.
    pub build: BuildId,
    /// The job that announced it.
    pub job: JobId,
    /// The batch that it was announced in; the agent's own id.
    pub batch: Id<Batch>,
    /// Where a download puts it: checked when it came in.
    pub path: String,
    /// Where it was on the agent's machine, by the agent's word. Data for people, never a place.
    pub absolute_path: String,
    /// How many bytes it has.
    pub size: i64,
    /// SHA-1, hexadecimal.
    pub sha1: String,
    /// SHA-256, hexadecimal; older agents do not say it.
    pub sha256: Option<String>,
    /// Its type, by the agent's word.
    pub content_type: String,
    /// The user's own place that its bytes went to; none: the server's store.
    pub upload_destination: Option<String>,
    /// Where it can be fetched from at the user's own place.
    pub url: Option<String>,
    /// Where it stands.
    pub state: ArtifactState,
    /// When it was announced.
    pub created_at: Timestamp,
    /// When its bytes were whole in the server's store; of a failed upload, while they are to be removed.
    pub stored_at: Option<Timestamp>,
    /// When its upload ended.
    pub finished_at: Option<Timestamp>,
}

/// What an [`Id`] of a batch is of.
#[derive(Debug)]
pub enum Batch {}

/// What chooses among a build's artifacts.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Only those that stand there.
    pub state: Option<ArtifactState>,
    /// Only those at this path.
    pub path: Option<String>,
    /// Only those of jobs with this step key, label or id.
    pub scope: Option<String>,
    /// Also those of jobs that were run again.
    pub include_retried: bool,
}

fn artifact(row: &Row) -> Result<Artifact, StoreError> {
    Ok(Artifact {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        build: row.get("build_id")?,
        job: row.get("job_id")?,
        batch: row.get("batch_id")?,
        path: row.get("path")?,
        absolute_path: row.get("absolute_path")?,
        size: row.get("size")?,
        sha1: row.get("sha1")?,
        sha256: row.get("sha256")?,
        content_type: row.get("content_type")?,
        upload_destination: row.get("upload_destination")?,
        url: row.get("url")?,
        state: row.parse("state")?,
        created_at: row.get("created_at")?,
        stored_at: row.get("stored_at")?,
        finished_at: row.get("finished_at")?,
    })
}

/// Adds an artifact as the `position`-th of its batch.
pub async fn insert(tx: &mut Tx, position: i64, new: &Artifact) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.organization,
        new.build,
        new.job,
        new.batch,
        position,
        new.path.as_str(),
        new.absolute_path.as_str(),
        new.size,
        new.sha1.as_str(),
        new.sha256.clone(),
        new.content_type.as_str(),
        new.upload_destination.clone(),
        new.url.clone(),
        new.created_at,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// The artifacts that a job announced together, in its order.
pub async fn of_batch(tx: &mut Tx, job: JobId, batch: Id<Batch>) -> Result<Vec<Artifact>, StoreError> {
    tx.all(OF_BATCH, &params![job, batch]).await?.iter().map(artifact).collect()
}

/// The one of them at a path.
pub async fn in_batch(tx: &mut Tx, job: JobId, batch: Id<Batch>, path: &str) -> Result<Option<Artifact>, StoreError> {
    tx.maybe(IN_BATCH, &params![job, batch, path]).await?.as_ref().map(artifact).transpose()
}

/// How many artifacts a job has, and how many bytes they have together.
pub async fn totals(tx: &mut Tx, job: JobId) -> Result<(i64, i64), StoreError> {
    let row = tx.one(TOTALS, &params![job]).await?;
    Ok((row.get("n")?, row.get("size")?))
}

/// The artifact that a signed address names.
pub async fn by_id(tx: &mut Tx, id: ArtifactId) -> Result<Option<Artifact>, StoreError> {
    tx.maybe(BY_ID, &params![id]).await?.as_ref().map(artifact).transpose()
}

/// The organization's artifact with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: ArtifactId) -> Result<Option<Artifact>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(artifact).transpose()
}

/// The organization's artifact with this id, kept still until the transaction ends.
pub async fn find_for_update(tx: &mut Tx, of: OrganizationId, id: ArtifactId) -> Result<Option<Artifact>, StoreError> {
    tx.maybe(FIND_FOR_UPDATE, &params![of, id]).await?.as_ref().map(artifact).transpose()
}

/// The bytes are in the store. False when the artifact was finished or taken away meanwhile.
pub async fn stored(tx: &mut Tx, id: ArtifactId) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(STORED, &params![id, now]).await? == 1)
}

/// The bytes of a failed upload are gone.
pub async fn emptied(tx: &mut Tx, id: ArtifactId) -> Result<bool, StoreError> {
    Ok(tx.execute(EMPTIED, &params![id]).await? == 1)
}

/// At most `limit` failed uploads, of whatever organization, whose bytes are still to be removed.
pub async fn to_empty(tx: &mut Tx, limit: i64) -> Result<Vec<Artifact>, StoreError> {
    tx.all(TO_EMPTY, &params![limit]).await?.iter().map(artifact).collect()
}

/// Where an artifact stands now.
pub async fn set_state(tx: &mut Tx, id: ArtifactId, state: ArtifactState) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(SET_STATE, &params![id, state.as_str(), now]).await? == 1)
}

/// At most `limit` of a build's artifacts below `after`, newest first.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    build: BuildId,
    after: ArtifactId,
    choice: &Choice,
    limit: i64,
) -> Result<Vec<Artifact>, StoreError> {
    let scope = choice.scope.as_deref().unwrap_or_default();
    let job: JobId = scope.parse().unwrap_or_else(|_| JobId::nil());
    let state = choice.state.map_or("", ArtifactState::as_str);
    let path = choice.path.as_deref().unwrap_or_default();
    let values = params![of, build, after, state, path, scope, job, limit, choice.include_retried];
    tx.all(PAGE, &values).await?.iter().map(artifact).collect()
}

/// What is chosen of the next `rows` of a build's artifacts below `after`, newest first, and the last of these; none when there are no more
/// behind them. However little is chosen, no more than these rows are looked at.
pub async fn stretch(
    tx: &mut Tx,
    of: OrganizationId,
    build: BuildId,
    after: ArtifactId,
    choice: &Choice,
    rows: i64,
) -> Result<(Vec<Artifact>, Option<ArtifactId>), StoreError> {
    let last = tx.maybe(LAST_OF_STRETCH, &params![build, after, rows - 1]).await?;
    let last: Option<ArtifactId> = last.map(|row| row.get("id")).transpose()?;
    let scope = choice.scope.as_deref().unwrap_or_default();
    let job: JobId = scope.parse().unwrap_or_else(|_| JobId::nil());
    let state = choice.state.map_or("", ArtifactState::as_str);
    let path = choice.path.as_deref().unwrap_or_default();
    let lowest = last.unwrap_or_else(ArtifactId::nil);
    let values = params![of, build, after, state, path, scope, job, lowest, choice.include_retried];
    let chosen = tx.all(IN_STRETCH, &values).await?.iter().map(artifact).collect::<Result<_, _>>()?;
    Ok((chosen, last))
}

/// At most `limit` of a job's artifacts below `after`, newest first.
pub async fn page_of_job(
    tx: &mut Tx,
    of: OrganizationId,
    job: JobId,
    after: ArtifactId,
    limit: i64,
) -> Result<Vec<Artifact>, StoreError> {
    tx.all(PAGE_OF_JOB, &params![of, job, after, limit]).await?.iter().map(artifact).collect()
}

/// At most `limit` artifacts that were announced before a time, and whose job ended before it too.
pub async fn abandoned(
    tx: &mut Tx,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(OrganizationId, ArtifactId)>, StoreError> {
    let rows = tx.all(ABANDONED, &params![before, limit]).await?;
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("id")?))).collect()
}

/// Takes an artifact away that has ended. False when it has not, or was taken away before.
pub async fn delete(tx: &mut Tx, id: ArtifactId) -> Result<bool, StoreError> {
    Ok(tx.execute(DELETE, &params![id]).await? == 1)
}
