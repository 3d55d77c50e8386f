//! Who is a member of an organization, and as what: lists, changes, and the turn of those who make them.

use countersign_domain::id::{Id, OrganizationId, TokenId, UserId};
use countersign_domain::{PublicId, Role};

use crate::users::{Member, member};
use crate::{Row, StoreError, Turn, Tx, Value, like, params, statements};

/// The columns of a [`Member`]; a macro because statements are constants.
macro_rules! members {
    () => {
        "SELECT u.id, u.email, u.name, u.is_service, u.description, u.created_at, m.role, m.generation, m.created_at AS joined_at
         FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1"
    };
}

/// Which members are wanted. $2, $3: service users too, people too. $4, $5: Organization Admins too, other members too. $6: what the name or a person's
/// address is like; the address of a service user is nobody's.
macro_rules! wanted {
    () => {
        " AND ((u.is_service AND $2) OR (NOT u.is_service AND $3)) AND ((m.role = 'admin' AND $4) OR (m.role <> 'admin' AND $5))
         AND (LOWER(u.name) LIKE $6 ESCAPE '!' OR (NOT u.is_service AND u.email LIKE $6 ESCAPE '!'))"
    };
}

statements! {
    /// A page of the organization's members; those who were known last come first. $7: the id to go on from.
    PAGE = concat!(members!(), wanted!(), " AND m.user_id < $7 ORDER BY m.user_id DESC LIMIT $8");
    /// How many there are of those.
    COUNT = concat!("SELECT COUNT(*) AS n FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1", wanted!());
    /// The member with this address.
    FIND_BY_EMAIL = concat!(members!(), " AND u.email = $2");
    /// The service user of this name.
    FIND_SERVICE_USER = concat!(members!(), " AND u.is_service AND u.name = $2");
    /// One other than $3 whose name is $2 in lower case.
    FIND_ALIKE_SERVICE_USER = concat!(members!(), " AND u.is_service AND LOWER(u.name) = $2 AND u.id <> $3 ORDER BY u.name LIMIT 1");
    /// How many people other than this one are Organization Admins.
    OTHER_ADMINS = "SELECT COUNT(*) AS n FROM members m JOIN users u ON u.id = m.user_id
              WHERE m.organization_id = $1 AND m.user_id <> $2 AND m.role = 'admin' AND NOT u.is_service";
    /// Another role.
    SET_ROLE = "UPDATE members SET role = $3, generation = generation + 1 WHERE organization_id = $1 AND user_id = $2";
    /// Is a member no more.
    DELETE = "DELETE FROM members WHERE organization_id = $1 AND user_id = $2";
    /// What is said of a service user.
    DESCRIBE = "UPDATE users SET name = $2, description = $3 WHERE id = $1 AND is_service";
    /// How many user tokens of a member were not revoked.
    COUNT_LIVE_TOKENS = "SELECT COUNT(*) AS n FROM tokens WHERE organization_id = $1 AND user_id = $2 AND kind = 'ut' AND revoked_at IS NULL";
    /// A member's user tokens in the organization that were not revoked.
    LIVE_TOKENS = "SELECT id, public_id FROM tokens
              WHERE organization_id = $1 AND user_id = $2 AND kind = 'ut' AND revoked_at IS NULL ORDER BY id";
}

/// Which members a list is of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only service users, or only people.
    pub service: Option<bool>,
    /// Only those with this role.
    pub role: Option<Role>,
    /// Only those whose name, or whose address as a person, holds this text, in any case of the letters A to Z.
    pub search: Option<String>,
}

impl Wanted {
    const fn service_users(&self) -> bool {
        matches!(self.service, None | Some(true))
    }
    const fn people(&self) -> bool {
        matches!(self.service, None | Some(false))
    }
    const fn admins(&self) -> bool {
        matches!(self.role, None | Some(Role::Admin))
    }
    const fn others(&self) -> bool {
        matches!(self.role, None | Some(Role::Member))
    }

    /// What `wanted!` names, after the organization.
    fn values(&self, of: OrganizationId) -> Vec<Value> {
        let like = like::holding(self.search.as_deref());
        params![of, self.service_users(), self.people(), self.admins(), self.others(), like].into()
    }
}

/// Waits for the turn of those who change who is a member of an organization, and as what. One thing at a time: of two admins who take each
/// other's role away, the second finds that theirs is gone.
///
/// It is a turn of its own beside that of the organization's id, for whoever holds that one may be somebody whose tokens are taken
/// back here, which waits for the end of what they do.
pub async fn take_turn(tx: &mut Tx, of: OrganizationId) -> Result<(), StoreError> {
    let mut bytes = *of.as_bytes();
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
    tx.take_turn(Id::<Member>::from_bytes(bytes), Turn::Alone).await
}

/// Waits for a turn at what the members of an organization hold. Whoever does something by what they hold shares it until the transaction
/// ends; whoever changes what somebody holds has it alone, after all who came before. Rows that are shared would not do: whoever shares one
/// that is shared goes before whoever waits to change it, so that a stream of them would keep their rights for as long as it flows.
///
/// It is had alone by nobody but who has the [turn of the organization's members](take_turn), as are members' tokens. Whoever changes a role by
/// taking tokens back takes those first, as every call does by whose token it is made; turns of invitations, deployments and agents come later.
pub async fn take_turn_at_rights(tx: &mut Tx, of: OrganizationId, turn: Turn) -> Result<(), StoreError> {
    // Neither the organization's own turn, nor that of those who change its members.
    let mut bytes = *of.as_bytes();
    bytes.iter_mut().for_each(|byte| *byte ^= 0x5a);
    tx.take_turn(Id::<Member>::from_bytes(bytes), turn).await
}

fn members(rows: &[Row]) -> Result<Vec<Member>, StoreError> {
    rows.iter().map(member).collect()
}

/// At most `limit` of the organization's members that are wanted, below `after`.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    wanted: &Wanted,
    after: UserId,
    limit: i64,
) -> Result<Vec<Member>, StoreError> {
    let mut values = wanted.values(of);
    values.extend(params![after, limit]);
    members(&tx.all(PAGE, &values).await?)
}

/// How many members there are of those.
pub async fn count(tx: &mut Tx, of: OrganizationId, wanted: &Wanted) -> Result<i64, StoreError> {
    tx.one(COUNT, &wanted.values(of)).await?.get("n")
}

/// The organization's member with this address, which is in lower case.
pub async fn find_by_email(tx: &mut Tx, of: OrganizationId, email: &str) -> Result<Option<Member>, StoreError> {
    tx.maybe(FIND_BY_EMAIL, &params![of, email]).await?.as_ref().map(member).transpose()
}

/// The organization's service user of this name.
pub async fn find_service_user(tx: &mut Tx, of: OrganizationId, name: &str) -> Result<Option<Member>, StoreError> {
    tx.maybe(FIND_SERVICE_USER, &params![of, name]).await?.as_ref().map(member).transpose()
}

/// One of the organization's service users other than `besides` whose name differs from this one at most in the case of letters.
pub async fn find_alike_service_user(
    tx: &mut Tx,
    of: OrganizationId,
    name: &str,
    besides: UserId,
) -> Result<Option<Member>, StoreError> {
    let values = params![of, name.to_ascii_lowercase(), besides];
    tx.maybe(FIND_ALIKE_SERVICE_USER, &values).await?.as_ref().map(member).transpose()
}

/// Whether the organization has an Organization Admin other than this one who is a person.
pub async fn has_other_admin(tx: &mut Tx, of: OrganizationId, id: UserId) -> Result<bool, StoreError> {
    Ok(tx.one(OTHER_ADMINS, &params![of, id]).await?.get::<i64>("n")? > 0)
}

/// Gives a member another role. False when there is no such member.
pub async fn set_role(tx: &mut Tx, of: OrganizationId, id: UserId, role: Role) -> Result<bool, StoreError> {
    Ok(tx.execute(SET_ROLE, &params![of, id, role.as_str()]).await? == 1)
}

/// Takes somebody out of the organization. False when there is no such member.
pub async fn delete(tx: &mut Tx, of: OrganizationId, id: UserId) -> Result<bool, StoreError> {
    Ok(tx.execute(DELETE, &params![of, id]).await? == 1)
}

/// Writes what is said of a service user.
pub async fn describe(tx: &mut Tx, id: UserId, name: &str, description: Option<&str>) -> Result<(), StoreError> {
    tx.execute(DESCRIBE, &params![id, name, description]).await.map(drop)
}

/// How many user tokens of a member in the organization were not revoked.
pub async fn count_live_tokens(tx: &mut Tx, of: OrganizationId, id: UserId) -> Result<i64, StoreError> {
    tx.one(COUNT_LIVE_TOKENS, &params![of, id]).await?.get("n")
}

/// The user tokens of a member in the organization that were not revoked, the oldest first.
pub async fn live_tokens(tx: &mut Tx, of: OrganizationId, id: UserId) -> Result<Vec<(TokenId, PublicId)>, StoreError> {
    let rows = tx.all(LIVE_TOKENS, &params![of, id]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.parse("public_id")?))).collect()
}
