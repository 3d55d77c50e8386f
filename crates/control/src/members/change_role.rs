//! Giving a member another role.

use countersign_domain::{PublicId, Role};
use countersign_store::{Lane, Turn, members, users};
use serde_json::json;

use crate::access::actions::ChangeMemberRole;
use crate::{Control, Error, Grant, Result};

use super::{Member, MemberReference, TakenBack, not_the_last, resolve, subject, take_tokens_back, take_ways_in_back};

/// Why the tokens of somebody who is no Organization Admin any more were revoked.
const REASON: &str = "Its owner is no Organization Admin any more.";

/// Who is to have which role.
#[derive(Debug, Clone)]
pub struct RoleChange {
    /// Who.
    pub member: MemberReference,
    /// The role.
    pub role: Role,
    /// Whether the user tokens of an Organization Admin who becomes a plain member stay good, for what a member may. Without this they
    /// are revoked.
    pub keep_tokens: bool,
}

/// What a change of a role did.
#[derive(Debug, Clone)]
pub struct RoleChanged {
    /// The member as they are now.
    pub member: Member,
    /// How many of their user tokens were revoked.
    pub tokens_revoked: u64,
    /// How many invitations that they had made were withdrawn.
    pub invitations_withdrawn: u64,
}

impl Control {
    /// Gives a member another role, from the next call on; what they have begun as what they were does not commit any more. An
    /// Organization Admin who becomes a plain member loses their user tokens, and the invitations and sign-in links that they made, in the
    /// same transaction.
    /// A role that the member has already changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for the last Organization Admin who is a person.
    pub async fn change_member_role(&self, grant: &Grant<ChangeMemberRole>, change: RoleChange) -> Result<RoleChanged> {
        let by = grant.user()?.user;
        self.write(grant, Lane::Urgent, (change, by), |tx, scene| {
            Box::pin(async move {
                let (RoleChange { member, role, keep_tokens }, by) = &scene.input;
                let of = scene.organization;
                let before = resolve(tx, scene, member).await?;
                if before.role == *role {
                    return Ok(RoleChanged { member: before, tokens_revoked: 0, invitations_withdrawn: 0 });
                }
                let id = before.user.id;
                let mut taken = TakenBack::default();
                if before.role == Role::Admin {
                    not_the_last(tx, scene, &before).await?;
                    if !keep_tokens {
                        taken.tokens = take_tokens_back(tx, scene, id, *by, REASON).await?;
                    }
                }
                members::take_turn_at_rights(tx, of, Turn::Alone).await?;
                if before.role == Role::Admin {
                    (taken.invitations, taken.links) = take_ways_in_back(tx, scene, id, *by).await?;
                }
                members::set_role(tx, of, id, *role).await?;
                let detail = json!({
                    "from": before.role.as_str(),
                    "to": role.as_str(),
                    "user_tokens_revoked": taken.tokens.iter().map(PublicId::as_str).collect::<Vec<_>>(),
                    "invitations_withdrawn": taken.invitations,
                    "sign_in_links_ended": taken.links,
                });
                scene.audit(tx, "member.role_changed", subject(&before), detail).await?;
                let member = users::find_member(tx, of, id).await?.ok_or(Error::NotFound("member"))?;
                Ok(RoleChanged { member, tokens_revoked: taken.tokens(), invitations_withdrawn: taken.invitations })
            })
        })
        .await
    }
}
