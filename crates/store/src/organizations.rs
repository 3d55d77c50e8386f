//! Organizations, and the deployments that work runs inside.

use countersign_domain::id::{DeploymentId, OrganizationId};
use countersign_domain::{RevealPolicy, Timestamp};

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// A new organization.
    INSERT = "INSERT INTO organizations (id, slug, name, default_deployment_id, default_reveal_policy, created_at)
              VALUES ($1, $2, $3, $4, $5, $6)";
    /// By id.
    FIND = "SELECT id, slug, name, default_deployment_id, default_reveal_policy, created_at FROM organizations WHERE id = $1";
    /// By slug, which is unique across the instance.
    FIND_BY_SLUG = "SELECT id, slug, name, default_deployment_id, default_reveal_policy, created_at FROM organizations WHERE slug = $1";
    /// A new deployment.
    INSERT_DEPLOYMENT = "INSERT INTO deployments (id, organization_id, name, parent_id, created_at) VALUES ($1, $2, $3, $4, $5)";
    /// One of the organization's deployments.
    FIND_DEPLOYMENT = "SELECT id, name, parent_id, created_at FROM deployments WHERE organization_id = $1 AND id = $2";
    /// One of the organization's deployments, by its name.
    FIND_DEPLOYMENT_BY_NAME = "SELECT id, name, parent_id, created_at FROM deployments WHERE organization_id = $1 AND name = $2";
    /// The organization's deployments, by name.
    DEPLOYMENTS = "SELECT id, name, parent_id, created_at FROM deployments WHERE organization_id = $1 ORDER BY name";
}

/// A tenant.
#[derive(Debug, Clone)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Where agents without a deployment of their own go.
    pub default_deployment: DeploymentId,
    /// The reveal policy of tokens that name none.
    pub default_reveal_policy: RevealPolicy,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The boundary that work runs inside.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Its name, unique in the organization.
    pub name: String,
    /// The full deployment that this branch deployment belongs to.
    pub parent: Option<DeploymentId>,
    /// When it was made.
    pub created_at: Timestamp,
}

fn organization(row: &Row) -> Result<Organization, StoreError> {
    Ok(Organization {
        id: row.get("id")?,
        slug: row.get("slug")?,
        name: row.get("name")?,
        default_deployment: row.get("default_deployment_id")?,
        default_reveal_policy: row.parse("default_reveal_policy")?,
        created_at: row.get("created_at")?,
    })
}

fn deployment(row: &Row) -> Result<Deployment, StoreError> {
    Ok(Deployment {
        id: row.get("id")?,
        name: row.get("name")?,
        parent: row.get("parent_id")?,
        created_at: row.get("created_at")?,
    })
}

/// Adds an organization. [`StoreError::UniqueViolation`] when the slug is taken.
pub async fn insert(tx: &mut Tx, new: &Organization) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.slug.as_str(),
        new.name.as_str(),
        new.default_deployment,
        new.default_reveal_policy.as_str(),
        new.created_at,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// The organization with this id.
pub async fn find(tx: &mut Tx, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
    tx.maybe(FIND, &params![id]).await?.as_ref().map(organization).transpose()
}

/// The organization with this slug.
pub async fn find_by_slug(tx: &mut Tx, slug: &str) -> Result<Option<Organization>, StoreError> {
    tx.maybe(FIND_BY_SLUG, &params![slug]).await?.as_ref().map(organization).transpose()
}

/// Adds a deployment. [`StoreError::UniqueViolation`] when the organization has one of that name.
pub async fn insert_deployment(tx: &mut Tx, of: OrganizationId, new: &Deployment) -> Result<(), StoreError> {
    let values = params![new.id, of, new.name.as_str(), new.parent, new.created_at];
    tx.execute(INSERT_DEPLOYMENT, &values).await.map(drop)
}

/// The organization's deployment with this id.
pub async fn find_deployment(
    tx: &mut Tx,
    of: OrganizationId,
    id: DeploymentId,
) -> Result<Option<Deployment>, StoreError> {
    tx.maybe(FIND_DEPLOYMENT, &params![of, id]).await?.as_ref().map(deployment).transpose()
}

/// The organization's deployment with this name.
pub async fn find_deployment_by_name(
    tx: &mut Tx,
    of: OrganizationId,
    name: &str,
) -> Result<Option<Deployment>, StoreError> {
    tx.maybe(FIND_DEPLOYMENT_BY_NAME, &params![of, name]).await?.as_ref().map(deployment).transpose()
}

/// The organization's deployments, by name.
pub async fn deployments(tx: &mut Tx, of: OrganizationId) -> Result<Vec<Deployment>, StoreError> {
    tx.all(DEPLOYMENTS, &params![of]).await?.iter().map(deployment).collect()
}
