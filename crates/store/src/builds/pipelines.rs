//! Pipelines: what builds are runs of.

use countersign_domain::Timestamp;
use countersign_domain::id::{Id, OrganizationId};

use crate::{Row, StoreError, Tx, like, params, statements};

statements! {
    /// A pipeline. Nothing happens when the organization has it.
    INSERT = "INSERT INTO pipelines (id, organization_id, slug, name, repository, default_branch, steps, next_build_number, created_at, updated_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8) ON CONFLICT (organization_id, slug) DO NOTHING";
    /// Takes the next number of a pipeline; numbers are never used twice.
    NEXT_NUMBER = "UPDATE pipelines SET next_build_number = next_build_number + 1 WHERE organization_id = $1 AND id = $2
              RETURNING next_build_number - 1 AS number";
    /// One of the organization's pipelines, by its name in addresses.
    BY_SLUG = "SELECT id, organization_id, slug, name, repository, default_branch, steps, created_at, updated_at FROM pipelines
              WHERE organization_id = $1 AND slug = $2";
    /// One of the organization's pipelines.
    FIND = "SELECT id, organization_id, slug, name, repository, default_branch, steps, created_at, updated_at FROM pipelines
              WHERE organization_id = $1 AND id = $2";
    /// A page of the organization's pipelines whose names hold a text, newest first.
    NEWEST = "SELECT id, organization_id, slug, name, repository, default_branch, steps, created_at, updated_at FROM pipelines
              WHERE organization_id = $1 AND (slug LIKE $2 ESCAPE '!' OR LOWER(name) LIKE $2 ESCAPE '!') AND id < $3 ORDER BY id DESC LIMIT $4";
    /// How many those are.
    COUNT = "SELECT COUNT(*) AS n FROM pipelines WHERE organization_id = $1 AND (slug LIKE $2 ESCAPE '!' OR LOWER(name) LIKE $2 ESCAPE '!')";
    /// A page of the organization's pipelines, by their names in addresses.
    PAGE = "SELECT id, organization_id, slug, name, repository, default_branch, steps, created_at, updated_at FROM pipelines
              WHERE organization_id = $1 AND slug > $2 ORDER BY slug LIMIT $3";
    /// Other words about a pipeline.
    UPDATE = "UPDATE pipelines SET name = $3, repository = $4, default_branch = $5, steps = $6, updated_at = $7
              WHERE organization_id = $1 AND id = $2";
}

/// The branch of a pipeline that names none.
pub const DEFAULT_BRANCH: &str = "main";

/// What builds are runs of.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its id.
    pub id: Id<Pipeline>,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Where its source is.
    pub repository: Option<String>,
    /// The branch of builds that name none.
    pub default_branch: String,
    /// The steps of builds that bring none, as YAML or JSON.
    pub steps: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

fn pipeline(row: &Row) -> Result<Pipeline, StoreError> {
    Ok(Pipeline {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        slug: row.get("slug")?,
        name: row.get("name")?,
        repository: row.get("repository")?,
        default_branch: row.get("default_branch")?,
        steps: row.get("steps")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// Adds a pipeline. False when the organization has one of that name in addresses.
pub async fn insert(tx: &mut Tx, new: &Pipeline) -> Result<bool, StoreError> {
    let values = params![
        new.id,
        new.organization,
        new.slug.as_str(),
        new.name.as_str(),
        new.repository.clone(),
        new.default_branch.as_str(),
        new.steps.clone(),
        new.created_at,
    ];
    Ok(tx.execute(INSERT, &values).await? == 1)
}

/// Takes the next number of a pipeline.
pub async fn next_number(tx: &mut Tx, of: OrganizationId, id: Id<Pipeline>) -> Result<i64, StoreError> {
    tx.one(NEXT_NUMBER, &params![of, id]).await?.get("number")
}

/// The organization's pipeline of that name in addresses.
pub async fn by_slug(tx: &mut Tx, of: OrganizationId, slug: &str) -> Result<Option<Pipeline>, StoreError> {
    tx.maybe(BY_SLUG, &params![of, slug]).await?.as_ref().map(pipeline).transpose()
}

/// The organization's pipeline with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: Id<Pipeline>) -> Result<Option<Pipeline>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(pipeline).transpose()
}

/// At most `limit` of the organization's pipelines below `after` whose names hold a text, newest first. An empty text is in every name.
pub async fn newest(
    tx: &mut Tx,
    of: OrganizationId,
    search: &str,
    after: Id<Pipeline>,
    limit: i64,
) -> Result<Vec<Pipeline>, StoreError> {
    tx.all(NEWEST, &params![of, like::holding(Some(search)), after, limit]).await?.iter().map(pipeline).collect()
}

/// How many of the organization's pipelines have names that hold a text.
pub async fn count(tx: &mut Tx, of: OrganizationId, search: &str) -> Result<i64, StoreError> {
    tx.one(COUNT, &params![of, like::holding(Some(search))]).await?.get("n")
}

/// At most `limit` of the organization's pipelines behind `after`.
pub async fn page(tx: &mut Tx, of: OrganizationId, after: &str, limit: i64) -> Result<Vec<Pipeline>, StoreError> {
    tx.all(PAGE, &params![of, after, limit]).await?.iter().map(pipeline).collect()
}

/// Writes what is said of a pipeline.
pub async fn update(tx: &mut Tx, it: &Pipeline) -> Result<(), StoreError> {
    let now = tx.now();
    let values = params![
        it.organization,
        it.id,
        it.name.as_str(),
        it.repository.clone(),
        it.default_branch.as_str(),
        it.steps.clone(),
        now,
    ];
    tx.execute(UPDATE, &values).await.map(drop)
}
