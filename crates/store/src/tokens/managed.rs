//! The agent tokens that a member manages by a role in deployments.

use std::collections::BTreeMap;

use countersign_domain::Kind;
use countersign_domain::id::{OrganizationId, TokenId, UserId};

use crate::many::{self, ids};
use crate::{StoreError, Tx, params, statements};

use super::{Liveness, Token, columns, token};

/// The grants of $1 by which a member manages agent tokens.
macro_rules! grants {
    ($user:literal) => {
        concat!(
            "FROM deployment_roles g WHERE g.organization_id = $1 AND g.tokens AND g.role = 'admin' AND (g.user_id = ",
            $user,
            " OR g.team_id IN (SELECT s.team_id FROM team_members s WHERE s.organization_id = $1 AND s.user_id = ",
            $user,
            "))"
        )
    };
}

/// Only tokens that reach nothing but what a member manages agent tokens of: what `Rights::cover` says of one scope.
macro_rules! managed {
    ($user:literal) => {
        concat!(
            " AND NOT t.every_deployment
              AND (t.all_branches OR EXISTS (SELECT 1 FROM token_deployments n WHERE n.token_id = t.id))
              AND (NOT t.all_branches OR EXISTS (SELECT 1 ",
            grants!($user),
            " AND g.deployment_id IS NULL))
              AND NOT EXISTS (SELECT 1 FROM token_deployments n JOIN deployments d ON d.id = n.deployment_id WHERE n.token_id = t.id
                AND NOT EXISTS (SELECT 1 ",
            grants!($user),
            " AND (g.deployment_id = d.id OR (g.deployment_id IS NULL AND d.parent_id IS NOT NULL))))"
        )
    };
}

pub(super) use {grants, managed};

statements! {
    /// A page of them, newest first. $3: the id to go on from. $4, $5: revoked ones too, live ones too. $7: the member.
    PAGE = concat!("SELECT ", columns!(), " FROM tokens t WHERE t.organization_id = $1 AND t.kind = $2 AND t.id < $3
              AND ((t.revoked_at IS NOT NULL AND $4) OR (t.revoked_at IS NULL AND $5))", managed!("$7"), " ORDER BY t.id DESC LIMIT $6");
    /// How many there are of those.
    COUNT = concat!("SELECT COUNT(*) AS n FROM tokens t WHERE t.organization_id = $1 AND t.kind = $2
              AND ((t.revoked_at IS NOT NULL AND $3) OR (t.revoked_at IS NULL AND $4))", managed!("$5"));
    /// How several agent tokens are described.
    DESCRIPTIONS = concat!("SELECT t.id, t.description FROM tokens t WHERE /*plan:filter*/t.organization_id = $1 AND t.id IN ", ids!(), " AND t.kind = $66");
    /// The same of those that a member manages. $67: the member.
    DESCRIPTIONS_MANAGED = concat!("SELECT t.id, t.description FROM tokens t WHERE /*plan:filter*/t.organization_id = $1 AND t.id IN ", ids!(),
              " AND t.kind = $66", managed!("$67"));
    /// How many a member has made that are good at $4, whatever they reach.
    COUNT_MADE_BY = "SELECT COUNT(*) AS n FROM tokens WHERE created_by = $2 AND organization_id = $1 AND kind = $3 AND revoked_at IS NULL
              AND (expires_at IS NULL OR expires_at > $4)";
}

/// At most `limit` of the organization's agent tokens below `after` that a member manages by a role in deployments, newest first.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    user: UserId,
    which: Liveness,
    after: TokenId,
    limit: i64,
) -> Result<Vec<Token>, StoreError> {
    let values = params![of, Kind::AgentToken.code(), after, which.revoked(), which.live(), limit, user];
    tx.all(PAGE, &values).await?.iter().map(token).collect()
}

/// How many those are.
pub async fn count(tx: &mut Tx, of: OrganizationId, user: UserId, which: Liveness) -> Result<i64, StoreError> {
    let values = params![of, Kind::AgentToken.code(), which.revoked(), which.live(), user];
    tx.one(COUNT, &values).await?.get("n")
}

/// How several of the organization's agent tokens are described; with a member, those that they manage. What is not there is not in it.
pub async fn descriptions(
    tx: &mut Tx,
    of: OrganizationId,
    managed_by: Option<UserId>,
    tokens: &[TokenId],
) -> Result<BTreeMap<TokenId, Option<String>>, StoreError> {
    let mut found = BTreeMap::new();
    for part in tokens.chunks(many::AT_ONCE) {
        let mut values = many::values(of, part);
        values.extend(params![Kind::AgentToken.code()]);
        let sql = match managed_by {
            None => DESCRIPTIONS,
            Some(user) => {
                values.extend(params![user]);
                DESCRIPTIONS_MANAGED
            }
        };
        for row in tx.all(sql, &values).await? {
            found.insert(row.get("id")?, row.get("description")?);
        }
    }
    Ok(found)
}

/// How many agent tokens a member has made that were not revoked and have not expired, whatever they reach.
pub async fn count_made_by(tx: &mut Tx, of: OrganizationId, user: UserId) -> Result<i64, StoreError> {
    let now = tx.now();
    tx.one(COUNT_MADE_BY, &params![of, user, Kind::AgentToken.code(), now]).await?.get("n")
}
