//! Teams: members who hold roles in deployments together.

use std::collections::BTreeMap;

use countersign_domain::Timestamp;
use countersign_domain::id::{OrganizationId, TeamId, UserId};

use crate::many::{self, ids};
use crate::users::{Member, member};
use crate::{Row, StoreError, Tx, params, statements};

/// The columns of a [`Team`]; a macro because statements are constants.
macro_rules! columns {
    () => {
        "t.id, t.name, t.description, t.created_at, t.created_by"
    };
}

statements! {
    /// A new team, without members.
    INSERT = "INSERT INTO teams (id, organization_id, name, description, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6)";
    /// One of the organization's teams.
    FIND = concat!("SELECT ", columns!(), " FROM teams t WHERE t.organization_id = $1 AND t.id = $2");
    /// The same, by its name.
    FIND_BY_NAME = concat!("SELECT ", columns!(), " FROM teams t WHERE t.organization_id = $1 AND t.name = $2");
    /// One other than $3 whose name is $2 in lower case.
    FIND_ALIKE = concat!("SELECT ", columns!(), " FROM teams t WHERE t.organization_id = $1 AND LOWER(t.name) = $2 AND t.id <> $3
              ORDER BY t.name LIMIT 1");
    /// The organization's teams, by name.
    LIST = concat!("SELECT ", columns!(), " FROM teams t WHERE t.organization_id = $1 ORDER BY t.name, t.id");
    /// The teams that a member is in, by name.
    OF_MEMBER = concat!("SELECT ", columns!(), " FROM teams t JOIN team_members m ON m.team_id = t.id
              WHERE t.organization_id = $1 AND m.user_id = $2 ORDER BY t.name, t.id");
    /// How many teams the organization has.
    COUNT = "SELECT COUNT(*) AS n FROM teams WHERE organization_id = $1";
    /// Another name, and what it is for.
    UPDATE = "UPDATE teams SET name = $3, description = $4 WHERE organization_id = $1 AND id = $2";
    /// Is there no more, and with it its members and grants.
    DELETE = "DELETE FROM teams WHERE organization_id = $1 AND id = $2";
    /// Whether somebody is in it.
    HAS_MEMBER = "SELECT COUNT(*) AS n FROM team_members WHERE organization_id = $1 AND team_id = $2 AND user_id = $3";
    /// Lets a member in.
    ADD_MEMBER = "INSERT INTO team_members (organization_id, team_id, user_id, created_at) VALUES ($1, $2, $3, $4)";
    /// Takes one out.
    REMOVE_MEMBER = "DELETE FROM team_members WHERE organization_id = $1 AND team_id = $2 AND user_id = $3";
    /// A page of its members; those who were known last come first. $3: the id to go on from.
    MEMBERS = "SELECT u.id, u.email, u.name, u.is_service, u.description, u.created_at, m.role, m.generation, m.created_at AS joined_at
              FROM team_members s JOIN members m ON m.organization_id = s.organization_id AND m.user_id = s.user_id JOIN users u ON u.id = m.user_id
              WHERE s.organization_id = $1 AND s.team_id = $2 AND s.user_id < $3 ORDER BY s.user_id DESC LIMIT $4";
    /// How many members it has.
    COUNT_MEMBERS = "SELECT COUNT(*) AS n FROM team_members WHERE organization_id = $1 AND team_id = $2";
    /// The same of several; one without members has no row.
    COUNT_MEMBERS_OF_EACH = concat!("SELECT team_id, COUNT(*) AS n FROM team_members WHERE organization_id = $1 AND team_id IN ", ids!(),
              " GROUP BY team_id");
}

/// Members who hold roles together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name, unique in the organization.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Option<UserId>,
}

fn team(row: &Row) -> Result<Team, StoreError> {
    Ok(Team {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
    })
}

/// Adds a team. [`StoreError::UniqueViolation`] when the organization has one of that name.
pub async fn insert(tx: &mut Tx, of: OrganizationId, new: &Team) -> Result<(), StoreError> {
    let values = params![new.id, of, new.name.as_str(), new.description.clone(), new.created_at, new.created_by];
    tx.execute(INSERT, &values).await.map(drop)
}

/// The organization's team with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: TeamId) -> Result<Option<Team>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(team).transpose()
}

/// The organization's team of this name.
pub async fn find_by_name(tx: &mut Tx, of: OrganizationId, name: &str) -> Result<Option<Team>, StoreError> {
    tx.maybe(FIND_BY_NAME, &params![of, name]).await?.as_ref().map(team).transpose()
}

/// One of the organization's teams other than `besides` whose name differs from this one at most in the case of letters.
pub async fn find_alike(
    tx: &mut Tx,
    of: OrganizationId,
    name: &str,
    besides: TeamId,
) -> Result<Option<Team>, StoreError> {
    let values = params![of, name.to_ascii_lowercase(), besides];
    tx.maybe(FIND_ALIKE, &values).await?.as_ref().map(team).transpose()
}

/// The organization's teams, by name.
pub async fn list(tx: &mut Tx, of: OrganizationId) -> Result<Vec<Team>, StoreError> {
    tx.all(LIST, &params![of]).await?.iter().map(team).collect()
}

/// The teams that a member is in, by name.
pub async fn of_member(tx: &mut Tx, of: OrganizationId, user: UserId) -> Result<Vec<Team>, StoreError> {
    tx.all(OF_MEMBER, &params![of, user]).await?.iter().map(team).collect()
}

/// How many teams the organization has.
pub async fn count(tx: &mut Tx, of: OrganizationId) -> Result<i64, StoreError> {
    tx.one(COUNT, &params![of]).await?.get("n")
}

/// Writes a team's name, and what it is for.
pub async fn update(tx: &mut Tx, of: OrganizationId, it: &Team) -> Result<(), StoreError> {
    tx.execute(UPDATE, &params![of, it.id, it.name.as_str(), it.description.clone()]).await.map(drop)
}

/// Deletes a team, and with it who is in it and what it was given.
pub async fn delete(tx: &mut Tx, of: OrganizationId, id: TeamId) -> Result<bool, StoreError> {
    Ok(tx.execute(DELETE, &params![of, id]).await? == 1)
}

/// Whether somebody is in a team.
pub async fn has_member(tx: &mut Tx, of: OrganizationId, id: TeamId, user: UserId) -> Result<bool, StoreError> {
    Ok(tx.one(HAS_MEMBER, &params![of, id, user]).await?.get::<i64>("n")? > 0)
}

/// Lets a member of the organization into a team.
pub async fn add_member(tx: &mut Tx, of: OrganizationId, id: TeamId, user: UserId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(ADD_MEMBER, &params![of, id, user, now]).await.map(drop)
}

/// Takes somebody out of a team. False when they were not in it.
pub async fn remove_member(tx: &mut Tx, of: OrganizationId, id: TeamId, user: UserId) -> Result<bool, StoreError> {
    Ok(tx.execute(REMOVE_MEMBER, &params![of, id, user]).await? == 1)
}

/// At most `limit` of a team's members below `after`.
pub async fn members(
    tx: &mut Tx,
    of: OrganizationId,
    id: TeamId,
    after: UserId,
    limit: i64,
) -> Result<Vec<Member>, StoreError> {
    tx.all(MEMBERS, &params![of, id, after, limit]).await?.iter().map(member).collect()
}

/// How many members a team has.
pub async fn count_members(tx: &mut Tx, of: OrganizationId, id: TeamId) -> Result<i64, StoreError> {
    tx.one(COUNT_MEMBERS, &params![of, id]).await?.get("n")
}

/// How many members each of several teams has. One without members is not in it.
pub async fn count_members_of_each(
    tx: &mut Tx,
    of: OrganizationId,
    teams: &[TeamId],
) -> Result<BTreeMap<TeamId, i64>, StoreError> {
    let mut found = BTreeMap::new();
    for part in teams.chunks(many::AT_ONCE) {
        for row in tx.all(COUNT_MEMBERS_OF_EACH, &many::values(of, part)).await? {
            found.insert(row.get("team_id")?, row.get("n")?);
        }
    }
    Ok(found)
}
