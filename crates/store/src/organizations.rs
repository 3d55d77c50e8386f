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
    /// What it is called, and until when its tokens may be revealed that name no policy.
    UPDATE = "UPDATE organizations SET slug = $2, name = $3, default_reveal_policy = $4 WHERE id = $1";
    /// A slug is an organization's from now on, also once it has another.
    KEEP_SLUG = "INSERT INTO organization_slugs (slug, organization_id) VALUES ($1, $2) ON CONFLICT (slug) DO NOTHING";
    /// Whose a slug is or was.
    OWNER_OF_SLUG = "SELECT organization_id FROM organization_slugs WHERE slug = $1";
    /// How many slugs it has and had.
    COUNT_SLUGS = "SELECT COUNT(*) AS n FROM organization_slugs WHERE organization_id = $1";
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

/// Adds an organization. [`StoreError::UniqueViolation`] when the slug is another one's, or was.
pub async fn insert(tx: &mut Tx, new: &Organization) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.slug.as_str(),
        new.name.as_str(),
        new.default_deployment,
        new.default_reveal_policy.as_str(),
        new.created_at,
    ];
    tx.execute(INSERT, &values).await?;
    keep_slug(tx, new).await
}

/// Writes what an organization is called, and its reveal policy. [`StoreError::UniqueViolation`] when the slug is another one's, or was.
pub async fn update(tx: &mut Tx, it: &Organization) -> Result<(), StoreError> {
    let values = params![it.id, it.slug.as_str(), it.name.as_str(), it.default_reveal_policy.as_str()];
    tx.execute(UPDATE, &values).await?;
    keep_slug(tx, it).await
}

/// Keeps the slug for its organization for good. Of two that choose one at the same time, the second meets the first.
async fn keep_slug(tx: &mut Tx, it: &Organization) -> Result<(), StoreError> {
    tx.execute(KEEP_SLUG, &params![it.slug.as_str(), it.id]).await?;
    if owner_of_slug(tx, &it.slug).await? == Some(it.id) { Ok(()) } else { Err(StoreError::UniqueViolation) }
}

/// The organization that has this slug, or had it before it took another.
pub async fn owner_of_slug(tx: &mut Tx, slug: &str) -> Result<Option<OrganizationId>, StoreError> {
    tx.maybe(OWNER_OF_SLUG, &params![slug]).await?.as_ref().map(|row| row.get("organization_id")).transpose()
}

/// The organization with this id.
pub async fn find(tx: &mut Tx, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
    tx.maybe(FIND, &params![id]).await?.as_ref().map(organization).transpose()
}

/// How many slugs an organization has and had.
pub async fn count_slugs(tx: &mut Tx, of: OrganizationId) -> Result<i64, StoreError> {
    tx.one(COUNT_SLUGS, &params![of]).await?.get("n")
}

/// The organizations that a person is a member of, by name, with their role in each. Across organizations: they are all theirs.
pub async fn of_member(tx: &mut Tx, user: UserId) -> Result<Vec<(Organization, Role)>, StoreError> {
    let rows = tx.all(OF_MEMBER, &params![user]).await?;
    rows.iter().map(|row| Ok((organization(row)?, row.parse("role")?))).collect()
}
