//! Code locations: what Dagster+ agents load for a deployment, and what they told of it.

use std::time::Duration;

use countersign_domain::dagster::{Definition, LocationState};
use countersign_domain::id::{CodeLocationId, DeploymentId, OrganizationId, TokenId, UserId};
use countersign_domain::{PublicId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Row, StoreError, Tx, Value, dagster_snapshots, params, statements};

macro_rules! columns {
    () => {
        "l.id, l.deployment_id, l.name, l.definition, l.queue, l.created_at, l.created_by, l.changed_at, l.told_at,
         t.public_id AS told_by, l.error, l.jobs_asked_at, l.noted_error, l.noted_at"
    };
}

statements! {
    /// A new code location.
    INSERT = "INSERT INTO code_locations (id, organization_id, deployment_id, name, definition, queue, created_at, created_by, changed_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7)";
    /// Another definition. What was told of the one before stays until an agent tells of this one.
    CHANGE = "UPDATE code_locations SET definition = $3, queue = $4, changed_at = $5 WHERE organization_id = $1 AND id = $2";
    /// One of the organization's code locations, by its deployment and name.
    FIND = concat!("SELECT ", columns!(), " FROM code_locations l LEFT JOIN tokens t ON t.id = l.told_by
              WHERE l.organization_id = $1 AND l.deployment_id = $2 AND l.name = $3");
    /// Those of a deployment, by name.
    LIST = concat!("SELECT ", columns!(), " FROM code_locations l LEFT JOIN tokens t ON t.id = l.told_by
              WHERE l.organization_id = $1 AND l.deployment_id = $2 ORDER BY l.name");
    /// Which a deployment has, by name.
    IDS = "SELECT id FROM code_locations WHERE organization_id = $1 AND deployment_id = $2 ORDER BY name";
    /// One of a deployment, by its id.
    BY_ID = concat!("SELECT ", columns!(), " FROM code_locations l LEFT JOIN tokens t ON t.id = l.told_by
              WHERE l.organization_id = $1 AND l.deployment_id = $2 AND l.id = $3");
    /// The same, for agents that compare: without what was told.
    ENTRIES = "SELECT name, definition, queue, changed_at, told_at, error IS NOT NULL AS has_error FROM code_locations
              WHERE organization_id = $1 AND deployment_id = $2 ORDER BY name";
    /// What was last loaded.
    MANIFEST = "SELECT manifest FROM code_locations WHERE organization_id = $1 AND id = $2";
    /// How many a deployment has.
    COUNT = "SELECT COUNT(*) AS n FROM code_locations WHERE organization_id = $1 AND deployment_id = $2";
    /// How many bytes the definitions of a deployment are together.
    WEIGHT = "SELECT CAST(COALESCE(SUM(OCTET_LENGTH(definition)), 0) AS BIGINT) AS n FROM code_locations
              WHERE organization_id = $1 AND deployment_id = $2";
    /// What an agent told.
    TELL = "UPDATE code_locations SET told_at = $3, told_by = $4, error = $5, manifest = COALESCE($6, manifest)
              WHERE organization_id = $1 AND id = $2";
    /// Whether it had loaded when that was last a row in the audit log.
    NOTE = "UPDATE code_locations SET noted_error = $3, noted_at = $4 WHERE organization_id = $1 AND id = $2";
    /// An agent was asked for the snapshots of its jobs.
    ASKED = "UPDATE code_locations SET jobs_asked_at = $3 WHERE organization_id = $1 AND id = $2";
    /// Removes one.
    REMOVE = "DELETE FROM code_locations WHERE organization_id = $1 AND id = $2";
}

/// What Dagster+ agents load for a deployment.
#[derive(Debug, Clone)]
pub struct CodeLocation {
    /// Its id.
    pub id: CodeLocationId,
    /// Its deployment.
    pub deployment: DeploymentId,
    /// Its name, unique in the deployment.
    pub name: String,
    /// How it is found.
    pub definition: Definition,
    /// When it was added.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Option<UserId>,
    /// When it was last changed, or was to be loaded anew: agents compare this.
    pub changed_at: Timestamp,
    /// When an agent last told of it.
    pub told_at: Option<Timestamp>,
    /// The public id of the token that it showed.
    pub told_by: Option<PublicId>,
    /// Why it could not be loaded, where that was told last.
    pub error: Option<String>,
    /// When an agent was last asked for the snapshots of its jobs.
    pub jobs_asked_at: Option<Timestamp>,
    /// Whether it could not be loaded by the last row about that in the audit log, and when that was.
    pub noted: Option<(bool, Timestamp)>,
}

/// A code location as agents see it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// How it is found.
    pub definition: Definition,
    /// When it was last changed: agents load one again when this is another time.
    pub changed_at: Timestamp,
    /// Where it stands.
    pub state: LocationState,
}

/// A definition as it is kept.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Kept {
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    python_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    module_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    autoload_defs_module_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_directory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_context: Option<String>,
}

/// Without the queue, which has a column of its own: agents ask by it.
fn kept(it: &Definition) -> Kept {
    let it = it.clone();
    Kept {
        image: it.image,
        python_file: it.python_file,
        package_name: it.package_name,
        module_name: it.module_name,
        autoload_defs_module_name: it.autoload_defs_module_name,
        working_directory: it.working_directory,
        executable_path: it.executable_path,
        attribute: it.attribute,
        commit_hash: it.commit_hash,
        url: it.url,
        container_context: it.container_context,
    }
}

fn definition(row: &Row) -> Result<Definition, StoreError> {
    let kept: Kept = row.json("definition")?;
    Ok(Definition {
        image: kept.image,
        python_file: kept.python_file,
        package_name: kept.package_name,
        module_name: kept.module_name,
        autoload_defs_module_name: kept.autoload_defs_module_name,
        working_directory: kept.working_directory,
        executable_path: kept.executable_path,
        attribute: kept.attribute,
        commit_hash: kept.commit_hash,
        url: kept.url,
        queue: row.get("queue")?,
        container_context: kept.container_context,
    })
}

fn location(row: &Row) -> Result<CodeLocation, StoreError> {
    Ok(CodeLocation {
        id: row.get("id")?,
        deployment: row.get("deployment_id")?,
        name: row.get("name")?,
        definition: definition(row)?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        changed_at: row.get("changed_at")?,
        told_at: row.get("told_at")?,
        told_by: row.parse_optional("told_by")?,
        error: row.get("error")?,
        jobs_asked_at: row.get("jobs_asked_at")?,
        noted: row.get::<Option<bool>>("noted_error")?.zip(row.get("noted_at")?),
    })
}

fn entry(row: &Row) -> Result<Entry, StoreError> {
    let changed_at = row.get("changed_at")?;
    let state = LocationState::of(changed_at, row.get("told_at")?, row.get("has_error")?);
    Ok(Entry { name: row.get("name")?, definition: definition(row)?, changed_at, state })
}

/// Adds a code location. [`StoreError::UniqueViolation`] when its deployment has one of that name.
pub async fn insert(
    tx: &mut Tx,
    of: OrganizationId,
    id: CodeLocationId,
    deployment: DeploymentId,
    name: &str,
    definition: &Definition,
    by: UserId,
) -> Result<(), StoreError> {
    let now = tx.now();
    let (text, queue) = (Value::json(&kept(definition))?, definition.queue.clone());
    tx.execute(INSERT, &params![id, of, deployment, name, text, queue, now, by]).await.map(drop)
}

/// Gives it another definition, or the same anew: agents load it again.
pub async fn change(
    tx: &mut Tx,
    of: OrganizationId,
    it: &CodeLocation,
    definition: &Definition,
) -> Result<(), StoreError> {
    // Agents compare the time, and what was told before is of another definition, also where the clock stood or was set back.
    let last = it.told_at.map_or(it.changed_at, |told| told.max(it.changed_at));
    let at = tx.now().max(last.plus(Duration::from_micros(1)));
    let (text, queue) = (Value::json(&kept(definition))?, definition.queue.clone());
    tx.execute(CHANGE, &params![of, it.id, text, queue, at]).await.map(drop)
}

/// The deployment's code location of this name.
pub async fn find(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    name: &str,
) -> Result<Option<CodeLocation>, StoreError> {
    tx.maybe(FIND, &params![of, deployment, name]).await?.as_ref().map(location).transpose()
}

/// The deployment's code locations, by name.
pub async fn list(tx: &mut Tx, of: OrganizationId, deployment: DeploymentId) -> Result<Vec<CodeLocation>, StoreError> {
    tx.all(LIST, &params![of, deployment]).await?.iter().map(location).collect()
}

/// Which the deployment has, by name.
pub async fn ids(tx: &mut Tx, of: OrganizationId, deployment: DeploymentId) -> Result<Vec<CodeLocationId>, StoreError> {
    tx.all(IDS, &params![of, deployment]).await?.iter().map(|row| row.get("id")).collect()
}

/// The deployment's code location with this id.
pub async fn by_id(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    id: CodeLocationId,
) -> Result<Option<CodeLocation>, StoreError> {
    tx.maybe(BY_ID, &params![of, deployment, id]).await?.as_ref().map(location).transpose()
}

/// The same, as agents see them.
pub async fn entries(tx: &mut Tx, of: OrganizationId, deployment: DeploymentId) -> Result<Vec<Entry>, StoreError> {
    tx.all(ENTRIES, &params![of, deployment]).await?.iter().map(entry).collect()
}

/// What was last loaded of one, in Dagster's own form of JSON.
pub async fn manifest(tx: &mut Tx, of: OrganizationId, id: CodeLocationId) -> Result<Option<String>, StoreError> {
    match tx.maybe(MANIFEST, &params![of, id]).await? {
        Some(row) => row.get("manifest"),
        None => Ok(None),
    }
}

/// How many the deployment has.
pub async fn count(tx: &mut Tx, of: OrganizationId, deployment: DeploymentId) -> Result<i64, StoreError> {
    tx.one(COUNT, &params![of, deployment]).await?.get("n")
}

/// How many bytes the definitions of the deployment's code locations are together.
pub async fn weight(tx: &mut Tx, of: OrganizationId, deployment: DeploymentId) -> Result<i64, StoreError> {
    tx.one(WEIGHT, &params![of, deployment]).await?.get("n")
}

/// Keeps what an agent told of it now, and by which token: what it has loaded, or why it could not. A manifest that was told before stays beside a later error.
pub async fn tell(
    tx: &mut Tx,
    of: OrganizationId,
    it: &CodeLocation,
    by: TokenId,
    error: Option<&str>,
    manifest: Option<&str>,
) -> Result<(), StoreError> {
    // It is told after the change that it is about, whatever the clock says.
    let at = tx.now().max(it.changed_at);
    tx.execute(TELL, &params![of, it.id, at, by, error, manifest]).await.map(drop)
}

/// Notes that the audit log has a row of where it stands now.
pub async fn note(tx: &mut Tx, of: OrganizationId, it: &CodeLocation, has_error: bool) -> Result<(), StoreError> {
    let at = tx.now().max(it.changed_at);
    tx.execute(NOTE, &params![of, it.id, has_error, at]).await.map(drop)
}

/// Notes that an agent was asked for the snapshots of its jobs now.
pub async fn asked_for_jobs(tx: &mut Tx, of: OrganizationId, id: CodeLocationId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(ASKED, &params![of, id, now]).await.map(drop)
}

/// Removes it. False when it was gone.
pub async fn remove(tx: &mut Tx, of: OrganizationId, id: CodeLocationId) -> Result<bool, StoreError> {
    dagster_snapshots::forget(tx, id).await?;
    Ok(tx.execute(REMOVE, &params![of, id]).await? == 1)
}

/// Removes those of a deployment that was deleted.
pub async fn remove_of_deployment(tx: &mut Tx, of: OrganizationId, deployment: DeploymentId) -> Result<(), StoreError> {
    for it in list(tx, of, deployment).await? {
        remove(tx, of, it.id).await?;
    }
    Ok(())
}
