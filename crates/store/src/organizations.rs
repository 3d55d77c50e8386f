//! Organizations.

use countersign_domain::id::{DeploymentId, OrganizationId, UserId};
use countersign_domain::{RevealPolicy, Role, Timestamp};

use crate::{Row, StoreError, Tx, params, statements};

pub use crate::deployments::{
    Deployment, find as find_deployment, find_by_name as find_deployment_by_name, insert as insert_deployment,
    list as deployments,
};

statements! {
    /// A new organization, whose members are Launchers everywhere.
    INSERT = "INSERT INTO organizations (id, slug, name, default_deployment_id, default_reveal_policy, last_number, members_role, created_at)
              VALUES ($1, $2, $3, $4, $5, 0, 'launcher', $6)";
    /// By id.
    FIND = "SELECT id, slug, name, default_deployment_id, default_reveal_policy, created_at FROM organizations WHERE id = $1";
    /// By slug, which is unique across the instance.
    FIND_BY_SLUG = "SELECT id, slug, name, default_deployment_id, default_reveal_policy, created_at FROM organizations WHERE slug = $1";
    /// Those that a person is a member of, by name.
    OF_MEMBER = "SELECT o.id, o.slug, o.name, o.default_deployment_id, o.default_reveal_policy, o.created_at, m.role
              FROM members m JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = $1 ORDER BY o.name, o.id";
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

/// The organizations that a person is a member of, by name, with their role in each. Across organizations: they are all theirs.
pub async fn of_member(tx: &mut Tx, user: UserId) -> Result<Vec<(Organization, Role)>, StoreError> {
    let rows = tx.all(OF_MEMBER, &params![user]).await?;
    rows.iter().map(|row| Ok((organization(row)?, row.parse("role")?))).collect()
}
