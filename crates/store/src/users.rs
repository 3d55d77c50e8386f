//! People, and what they are in an organization.

use countersign_domain::id::{OrganizationId, UserId};
use countersign_domain::{Role, Timestamp};

use crate::{Row, StoreError, Tx, numbers, params, statements};

statements! {
    /// A new person.
    INSERT = "INSERT INTO users (id, email, name, is_service, description, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    /// By e-mail address, which is kept in lower case.
    FIND_BY_EMAIL = "SELECT id, email, name, is_service, description, created_at FROM users WHERE email = $1 AND NOT is_service";
    /// A person, seen from an organization that they are a member of.
    FIND_MEMBER = "SELECT u.id, u.email, u.name, u.is_service, u.description, u.created_at, m.role, m.generation, m.created_at AS joined_at
                   FROM users u JOIN members m ON m.user_id = u.id
                   WHERE m.organization_id = $1 AND u.id = $2";
    /// Makes a person a member.
    INSERT_MEMBER = "INSERT INTO members (organization_id, user_id, role, generation, created_at) VALUES ($1, $2, $3, 1, $4)";
}

/// A person.
#[derive(Debug, Clone)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their address, in lower case.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// Whether this is a service user: a program and no person.
    pub is_service: bool,
    /// What a service user is for.
    pub description: Option<String>,
    /// When they were added.
    pub created_at: Timestamp,
}

/// A person in one organization.
#[derive(Debug, Clone)]
pub struct Member {
    /// Who.
    pub user: User,
    /// As what.
    pub role: Role,
    /// Grows with each change of the role.
    pub generation: i64,
    /// Since when.
    pub joined_at: Timestamp,
}

pub(crate) fn member(row: &Row) -> Result<Member, StoreError> {
    Ok(Member {
        user: user(row)?,
        role: row.parse("role")?,
        generation: row.get("generation")?,
        joined_at: row.get("joined_at")?,
    })
}

fn user(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.get("id")?,
        email: row.get("email")?,
        name: row.get("name")?,
        is_service: row.get("is_service")?,
        description: row.get("description")?,
        created_at: row.get("created_at")?,
    })
}

/// Adds a person. [`StoreError::UniqueViolation`] when the address is known.
pub async fn insert(tx: &mut Tx, new: &User) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.email.as_str(),
        new.name.as_str(),
        new.is_service,
        new.description.clone(),
        new.created_at,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// The person with this address; never a service user.
pub async fn find_by_email(tx: &mut Tx, email: &str) -> Result<Option<User>, StoreError> {
    tx.maybe(FIND_BY_EMAIL, &params![email.to_lowercase()]).await?.as_ref().map(user).transpose()
}

/// The organization's member with this id.
pub async fn find_member(tx: &mut Tx, of: OrganizationId, id: UserId) -> Result<Option<Member>, StoreError> {
    tx.maybe(FIND_MEMBER, &params![of, id]).await?.as_ref().map(member).transpose()
}

/// Makes a person a member of an organization.
pub async fn insert_member(tx: &mut Tx, of: OrganizationId, id: UserId, role: Role) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(INSERT_MEMBER, &params![of, id, role.as_str(), now]).await?;
    numbers::give(tx, of, id).await.map(drop)
}
