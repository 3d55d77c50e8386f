//! Pipelines and their builds, and what jobs leave on a build.

pub mod annotations;
pub mod meta_data;

use countersign_domain::Timestamp;
use countersign_domain::build::BuildState;
use countersign_domain::id::{BuildId, Id, OrganizationId, UserId};

use crate::{Row, StoreError, Tx, params, statements};

macro_rules! columns {
    () => {
        "b.id, b.organization_id, b.pipeline_id, b.number, b.state, b.message, b.created_at, b.created_by, b.started_at,
         b.finished_at, b.canceled_at, p.slug, p.name"
    };
}

statements! {
    /// A pipeline, made by its first build. Nothing happens when the organization has it.
    INSERT_PIPELINE = "INSERT INTO pipelines (id, organization_id, slug, name, next_build_number, created_at) VALUES ($1, $2, $3, $4, 1, $5)
              ON CONFLICT (organization_id, slug) DO NOTHING";
    /// Takes the next number of a pipeline; numbers are never used twice.
    NEXT_NUMBER = "UPDATE pipelines SET next_build_number = next_build_number + 1 WHERE organization_id = $1 AND slug = $2
              RETURNING id, next_build_number - 1 AS number";
    /// A new build.
    INSERT = "INSERT INTO builds (id, organization_id, pipeline_id, number, state, message, created_at, created_by)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    /// One of the organization's builds.
    FIND = concat!("SELECT ", columns!(), " FROM builds b JOIN pipelines p ON p.id = b.pipeline_id WHERE b.organization_id = $1 AND b.id = $2");
    /// Keeps a build still until the transaction ends.
    LOCK = "SELECT state FROM builds WHERE organization_id = $1 AND id = $2 /*lock:update*/";
    /// A page of the organization's builds, newest first.
    PAGE = concat!("SELECT ", columns!(), " FROM builds b JOIN pipelines p ON p.id = b.pipeline_id
              WHERE b.organization_id = $1 AND b.id < $2 ORDER BY b.id DESC LIMIT $3");
    /// Where a build stands now.
    SET_STATE = "UPDATE builds SET state = $3, started_at = COALESCE(started_at, $4), finished_at = $5,
              canceled_at = COALESCE(canceled_at, $6) WHERE organization_id = $1 AND id = $2";
}

/// A run of a pipeline.
#[derive(Debug, Clone)]
pub struct Build {
    /// Its id.
    pub id: BuildId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its pipeline's id.
    pub pipeline: Id<Pipeline>,
    /// Its pipeline's name in addresses.
    pub pipeline_slug: String,
    /// Its pipeline's name for people.
    pub pipeline_name: String,
    /// From 1, per pipeline.
    pub number: i64,
    /// Where it stands.
    pub state: BuildState,
    /// What it is for, in words.
    pub message: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When its first job started.
    pub started_at: Option<Timestamp>,
    /// When its last job ended.
    pub finished_at: Option<Timestamp>,
    /// When it was canceled.
    pub canceled_at: Option<Timestamp>,
}

/// What an [`Id`] of a pipeline is of.
#[derive(Debug)]
pub enum Pipeline {}

fn build(row: &Row) -> Result<Build, StoreError> {
    Ok(Build {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        pipeline: row.get("pipeline_id")?,
        pipeline_slug: row.get("slug")?,
        pipeline_name: row.get("name")?,
        number: row.get("number")?,
        state: row.parse("state")?,
        message: row.get("message")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        canceled_at: row.get("canceled_at")?,
    })
}

/// Takes the next number of a pipeline, which is made if the organization does not have it.
pub async fn next_number(
    tx: &mut Tx,
    of: OrganizationId,
    fresh: Id<Pipeline>,
    slug: &str,
    name: &str,
) -> Result<(Id<Pipeline>, i64), StoreError> {
    let now = tx.now();
    tx.execute(INSERT_PIPELINE, &params![fresh, of, slug, name, now]).await?;
    let row = tx.one(NEXT_NUMBER, &params![of, slug]).await?;
    Ok((row.get("id")?, row.get("number")?))
}

/// Adds a build.
pub async fn insert(tx: &mut Tx, new: &Build) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.organization,
        new.pipeline,
        new.number,
        new.state.as_str(),
        new.message.clone(),
        new.created_at,
        new.created_by,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// The organization's build with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: BuildId) -> Result<Option<Build>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(build).transpose()
}

/// Where a build stands; it is kept still until the transaction ends.
pub async fn lock(tx: &mut Tx, of: OrganizationId, id: BuildId) -> Result<Option<BuildState>, StoreError> {
    tx.maybe(LOCK, &params![of, id]).await?.map(|row| row.parse("state")).transpose()
}

/// At most `limit` of the organization's builds below `after`, newest first.
pub async fn page(tx: &mut Tx, of: OrganizationId, after: BuildId, limit: i64) -> Result<Vec<Build>, StoreError> {
    tx.all(PAGE, &params![of, after, limit]).await?.iter().map(build).collect()
}

/// Writes where a build stands. A time that was written once stays.
pub async fn set_state(
    tx: &mut Tx,
    of: OrganizationId,
    id: BuildId,
    state: BuildState,
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
    canceled: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.execute(SET_STATE, &params![of, id, state.as_str(), started, finished, canceled]).await.map(drop)
}
