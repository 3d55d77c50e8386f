//! Roles in deployments: who was given which, and what a member holds by it.
//!
//! Whoever changes what members hold makes their generation grow first ([`touch`]): what they have begun ends before that, and what they begin
//! later reads what they hold from then on.

use countersign_domain::deployment_role::{Held, Place, Rights, Somewhere};
use countersign_domain::id::{DeploymentId, OrganizationId, RoleGrantId, TeamId, UserId};
use countersign_domain::{DeploymentRole, Timestamp};

use crate::{Row, StoreError, Turn, Tx, members, params, statements};

/// The grants of the member $2 of $1, their own and their teams'. In two parts, for each is found by an index.
macro_rules! held {
    () => {
        "FROM (SELECT o.deployment_id, o.role, o.tokens FROM deployment_roles o WHERE o.organization_id = $1 AND o.user_id = $2
           UNION ALL SELECT r.deployment_id, r.role, r.tokens FROM team_members m JOIN deployment_roles r ON r.team_id = m.team_id
             WHERE m.organization_id = $1 AND m.user_id = $2) g"
    };
}

/// The columns of a [`RoleGrant`]; a macro because statements are constants.
macro_rules! columns {
    () => {
        "g.id, g.user_id, g.team_id, g.deployment_id, g.role, g.tokens, g.created_at, g.created_by"
    };
}

statements! {
    /// What every member has everywhere.
    EVERYWHERE = "SELECT members_role FROM organizations WHERE id = $1";
    /// Another role for that.
    SET_EVERYWHERE = "UPDATE organizations SET members_role = $2 WHERE id = $1";
    /// All that a member holds.
    HELD = concat!("SELECT DISTINCT g.deployment_id AS deployment_id, g.role AS role, g.tokens AS tokens ", held!());
    /// What a member holds in one deployment, and in all branch deployments.
    HELD_IN = concat!("SELECT DISTINCT g.deployment_id AS deployment_id, g.role AS role, g.tokens AS tokens ", held!(), " WHERE g.deployment_id = $3 OR g.deployment_id IS NULL");
    /// What a member holds wherever it is.
    HELD_SOMEWHERE = concat!("SELECT DISTINCT g.role AS role, g.tokens AS tokens ", held!());
    /// The grants of a member, their own alone.
    OF_MEMBER = concat!("SELECT ", columns!(), " FROM deployment_roles g WHERE g.organization_id = $1 AND g.user_id = $2 ORDER BY g.id");
    /// The grants of a team.
    OF_TEAM = concat!("SELECT ", columns!(), " FROM deployment_roles g WHERE g.organization_id = $1 AND g.team_id = $2 ORDER BY g.id");
    /// The grants in one deployment, and for all branch deployments.
    IN_DEPLOYMENT = concat!("SELECT ", columns!(), " FROM deployment_roles g WHERE g.organization_id = $1 AND g.deployment_id = $2 ORDER BY g.id");
    /// How many there are in one deployment.
    COUNT_IN_DEPLOYMENT = "SELECT COUNT(*) AS n FROM deployment_roles g WHERE g.organization_id = $1 AND g.deployment_id = $2";
    /// How many there are for all branch deployments.
    COUNT_FOR_BRANCHES = "SELECT COUNT(*) AS n FROM deployment_roles g WHERE g.organization_id = $1 AND g.deployment_id IS NULL";
    /// A new one.
    INSERT = "INSERT INTO deployment_roles (id, organization_id, user_id, team_id, deployment_id, role, tokens, created_at, created_by)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    /// Takes one away.
    DELETE = "DELETE FROM deployment_roles WHERE organization_id = $1 AND id = $2";
    /// Takes all away that are for a deployment.
    DROP_OF_DEPLOYMENT = "DELETE FROM deployment_roles WHERE organization_id = $1 AND deployment_id = $2";
    /// A member may be somebody else from now on.
    TOUCH_MEMBER = "UPDATE members SET generation = generation + 1 WHERE organization_id = $1 AND user_id = $2";
    /// The members of a team may be.
    TOUCH_TEAM = "UPDATE members SET generation = generation + 1 WHERE organization_id = $1
              AND user_id IN (SELECT m.user_id FROM team_members m WHERE m.organization_id = $1 AND m.team_id = $2)";
    /// All members may be.
    TOUCH_ALL = "UPDATE members SET generation = generation + 1 WHERE organization_id = $1";
}

/// Who holds a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A member, person or service user.
    Member(UserId),
    /// A team, and with it each of its members.
    Team(TeamId),
}

impl Holder {
    const fn user(self) -> Option<UserId> {
        match self {
            Self::Member(id) => Some(id),
            Self::Team(_) => None,
        }
    }
    const fn team(self) -> Option<TeamId> {
        match self {
            Self::Member(_) => None,
            Self::Team(id) => Some(id),
        }
    }
}

/// A role that somebody was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleGrant {
    /// Its id.
    pub id: RoleGrantId,
    /// Who has it.
    pub holder: Holder,
    /// Where.
    pub place: Place,
    /// The role.
    pub held: Held,
    /// When it was given.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Option<UserId>,
}

fn place(row: &Row) -> Result<Place, StoreError> {
    Ok(row.get::<Option<DeploymentId>>("deployment_id")?.map_or(Place::AllBranches, Place::Deployment))
}

/// What a row gives. A word that is not known gives nothing.
fn held(row: &Row) -> Result<Option<Held>, StoreError> {
    let role: String = row.get("role")?;
    let tokens = row.get("tokens")?;
    Ok(role.parse().ok().map(|role| Held { role, tokens }))
}

fn granted(rows: &[Row]) -> Result<Vec<(Place, Held)>, StoreError> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(held) = held(row)? {
            all.push((place(row)?, held));
        }
    }
    Ok(all)
}

fn grants(rows: &[Row]) -> Result<Vec<RoleGrant>, StoreError> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(held) = held(row)? else { continue };
        let (user, team) = (row.get::<Option<UserId>>("user_id")?, row.get::<Option<TeamId>>("team_id")?);
        let Some(holder) = user.map(Holder::Member).or(team.map(Holder::Team)) else { continue };
        all.push(RoleGrant {
            id: row.get("id")?,
            holder,
            place: place(row)?,
            held,
            created_at: row.get("created_at")?,
            created_by: row.get("created_by")?,
        });
    }
    Ok(all)
}

/// What every member has in every deployment; of a word that is not known, the least.
pub async fn everywhere(tx: &mut Tx, of: OrganizationId) -> Result<DeploymentRole, StoreError> {
    let word: String = tx.one(EVERYWHERE, &params![of]).await?.get("members_role")?;
    Ok(word.parse().unwrap_or(DeploymentRole::Viewer))
}

/// Gives every member another role in every deployment.
pub async fn set_everywhere(tx: &mut Tx, of: OrganizationId, role: DeploymentRole) -> Result<(), StoreError> {
    tx.execute(SET_EVERYWHERE, &params![of, role.as_str()]).await.map(drop)
}

/// All that a member holds.
pub async fn rights(tx: &mut Tx, of: OrganizationId, user: UserId) -> Result<Rights, StoreError> {
    let everywhere = everywhere(tx, of).await?;
    Ok(Rights { everywhere, granted: granted(&tx.all(HELD, &params![of, user]).await?)? })
}

/// What of it counts in one deployment, full or branch.
pub async fn rights_in(tx: &mut Tx, of: OrganizationId, user: UserId, at: DeploymentId) -> Result<Rights, StoreError> {
    let everywhere = everywhere(tx, of).await?;
    Ok(Rights { everywhere, granted: granted(&tx.all(HELD_IN, &params![of, user, at]).await?)? })
}

/// What a member holds where they hold the most.
pub async fn somewhere(tx: &mut Tx, of: OrganizationId, user: UserId) -> Result<Somewhere, StoreError> {
    let everywhere = everywhere(tx, of).await?;
    let mut most = Held::plain(everywhere);
    for row in tx.all(HELD_SOMEWHERE, &params![of, user]).await? {
        most = held(&row)?.map_or(most, |held| most.or(held));
    }
    Ok(Somewhere { everywhere, most })
}

async fn rows_of(tx: &mut Tx, of: OrganizationId, holder: Holder) -> Result<Vec<Row>, StoreError> {
    match holder {
        Holder::Member(id) => tx.all(OF_MEMBER, &params![of, id]).await,
        Holder::Team(id) => tx.all(OF_TEAM, &params![of, id]).await,
    }
}

/// What was given to a member, or to a team, in the order in which it was.
pub async fn of_holder(tx: &mut Tx, of: OrganizationId, holder: Holder) -> Result<Vec<RoleGrant>, StoreError> {
    grants(&rows_of(tx, of, holder).await?)
}

/// What a member, or a team, was given at a place, and whether its word is known; one that is not stands here as the least role.
pub async fn given_at(
    tx: &mut Tx,
    of: OrganizationId,
    holder: Holder,
    at: Place,
) -> Result<Option<(RoleGrant, bool)>, StoreError> {
    for row in &rows_of(tx, of, holder).await? {
        if place(row)? == at {
            let known = held(row)?;
            let grant = RoleGrant {
                id: row.get("id")?,
                holder,
                place: at,
                held: known.unwrap_or(Held::plain(DeploymentRole::Viewer)),
                created_at: row.get("created_at")?,
                created_by: row.get("created_by")?,
            };
            return Ok(Some((grant, known.is_some())));
        }
    }
    Ok(None)
}

/// What was given in one deployment, in the order in which it was.
pub async fn in_deployment(tx: &mut Tx, of: OrganizationId, at: DeploymentId) -> Result<Vec<RoleGrant>, StoreError> {
    grants(&tx.all(IN_DEPLOYMENT, &params![of, at]).await?)
}

/// How many grants a member has of their own, or a team.
pub async fn count_of_holder(tx: &mut Tx, of: OrganizationId, holder: Holder) -> Result<usize, StoreError> {
    Ok(rows_of(tx, of, holder).await?.len())
}

/// How many grants there are for a place.
pub async fn count_at(tx: &mut Tx, of: OrganizationId, at: Place) -> Result<i64, StoreError> {
    match at {
        Place::Deployment(id) => tx.one(COUNT_IN_DEPLOYMENT, &params![of, id]).await?.get("n"),
        Place::AllBranches => tx.one(COUNT_FOR_BRANCHES, &params![of]).await?.get("n"),
    }
}

/// Adds a grant.
pub async fn insert(tx: &mut Tx, of: OrganizationId, new: &RoleGrant) -> Result<(), StoreError> {
    let deployment = match new.place {
        Place::Deployment(id) => Some(id),
        Place::AllBranches => None,
    };
    let values = params![
        new.id,
        of,
        new.holder.user(),
        new.holder.team(),
        deployment,
        new.held.role.as_str(),
        new.held.tokens,
        new.created_at,
        new.created_by,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// Takes a grant away.
pub async fn delete(tx: &mut Tx, of: OrganizationId, id: RoleGrantId) -> Result<bool, StoreError> {
    Ok(tx.execute(DELETE, &params![of, id]).await? == 1)
}

/// Takes all grants away that are for a deployment. Answers how many.
pub async fn delete_in(tx: &mut Tx, of: OrganizationId, at: DeploymentId) -> Result<u64, StoreError> {
    tx.execute(DROP_OF_DEPLOYMENT, &params![of, at]).await
}

/// Lets end what a member, or each member of a team, has begun. None: what every member has.
pub async fn touch(tx: &mut Tx, of: OrganizationId, holder: Option<Holder>) -> Result<(), StoreError> {
    members::take_turn_at_rights(tx, of, Turn::Alone).await?;
    match holder {
        Some(Holder::Member(id)) => tx.execute(TOUCH_MEMBER, &params![of, id]).await,
        Some(Holder::Team(id)) => tx.execute(TOUCH_TEAM, &params![of, id]).await,
        None => tx.execute(TOUCH_ALL, &params![of]).await,
    }
    .map(drop)
}
