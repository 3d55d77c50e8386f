//! Members of an organization: who they are, what they may do, and what they lose when that ends.
//!
//! A member is a person, or a service user (see [`crate::service_users`]). The last Organization Admin who is a person stays one.

mod change_role;
mod list;
mod reference;
mod remove;
mod tokens;

pub use change_role::{RoleChange, RoleChanged};
pub use countersign_store::members::Wanted;
pub use countersign_store::users::Member;
pub use reference::MemberReference;
pub(crate) use reference::resolve;
pub use remove::Removal;

use countersign_domain::id::{OrganizationId, UserId};
use countersign_domain::{PublicId, Role};
use countersign_store::sign_ins::links;
use countersign_store::{Tx, invitations, members, tokens as token_rows};

use crate::scene::Subject;
use crate::{Error, Result, Scene};

/// The most members of one organization, service users among them.
pub const MAX_MEMBERS: i64 = 10_000;

/// What somebody goes by in words and in the audit log: a person's address, a service user's name.
pub(crate) fn label(member: &Member) -> &str {
    if member.user.is_service { &member.user.name } else { &member.user.email }
}

/// Refuses one more member where there are [`MAX_MEMBERS`].
pub(crate) async fn room_for_one(tx: &mut Tx, of: OrganizationId) -> Result<()> {
    if members::count(tx, of, &Wanted::default()).await? >= MAX_MEMBERS {
        return Err(Error::Conflict(format!(
            "The organization has {MAX_MEMBERS} members, the most there may be; remove some first."
        )));
    }
    Ok(())
}

pub(crate) fn subject(member: &Member) -> Subject {
    Subject::new("member", member.user.id, label(member))
}

/// What was taken back from somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct TakenBack {
    /// User tokens, by their public ids: whoever looks for a value that was lost finds its end in the audit log.
    tokens: Vec<PublicId>,
    /// Invitations that they had made and that could still be accepted: whoever keeps one of those could come back by it.
    invitations: u64,
    /// Sign-in links that they had made and that were not used: whoever keeps one of those could come back as somebody else.
    links: u64,
}

impl TakenBack {
    fn tokens(&self) -> u64 {
        self.tokens.len().try_into().unwrap_or(u64::MAX)
    }
}

/// Refuses to let the organization be without an Organization Admin who is a person.
async fn not_the_last<I: Sync>(tx: &mut Tx, scene: &Scene<I>, member: &Member) -> Result<()> {
    let counts = member.role == Role::Admin && !member.user.is_service;
    if counts && !members::has_other_admin(tx, scene.organization, member.user.id).await? {
        return Err(Error::Conflict(format!(
            "{} is the last Organization Admin; make another person one first.",
            label(member)
        )));
    }
    Ok(())
}

/// Takes back every user token of a member. What they had begun with one of them is let end first, and the tokens that it made are taken
/// back too: after this there is none.
async fn take_tokens_back<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    user: UserId,
    by: UserId,
    reason: &str,
) -> Result<Vec<PublicId>> {
    let mut taken = Vec::new();
    loop {
        let live = members::live_tokens(tx, scene.organization, user).await?;
        if live.is_empty() {
            return Ok(taken);
        }
        for (id, public_id) in live {
            if token_rows::revoke(tx, scene.organization, id, Some(by), Some(reason)).await? {
                taken.push(public_id);
            }
        }
    }
}

/// Takes back the invitations and the sign-in links that a member has made; answers how many of each.
async fn take_ways_in_back<I: Sync>(tx: &mut Tx, scene: &Scene<I>, user: UserId, by: UserId) -> Result<(u64, u64)> {
    let invitations = invitations::withdraw_all_of(tx, scene.organization, user, by).await?;
    Ok((invitations, links::end_of_maker(tx, scene.organization, user).await?))
}
