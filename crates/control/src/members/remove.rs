//! Taking a member out of the organization.

use countersign_domain::PublicId;
use countersign_store::deployment_roles::{self, Holder};
use countersign_store::{Lane, Turn, members, teams};
use serde_json::json;

use crate::access::actions::RemoveMember;
use crate::{Control, Grant, Result, deployment_roles as roles};

use super::{Member, MemberReference, TakenBack, not_the_last, resolve, subject, take_tokens_back, take_ways_in_back};

/// Why the tokens of somebody who is no member any more were revoked.
const REASON: &str = "Its owner is no member of the organization any more.";

/// What a removal did.
#[derive(Debug, Clone)]
pub struct Removal {
    /// The member, as they were.
    pub member: Member,
    /// How many of their user tokens were revoked.
    pub tokens_revoked: u64,
    /// How many invitations that they had made were withdrawn.
    pub invitations_withdrawn: u64,
}

impl Control {
    /// Takes a member out of the organization: their user tokens, and the invitations and sign-in links that they made, are taken back in
    /// the same transaction, and nothing that they have begun commits any more. What they have made stays, and so does the person, who may be a
    /// member elsewhere.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Conflict`] for the last Organization Admin who is a person.
    pub async fn remove_member(&self, grant: &Grant<RemoveMember>, member: MemberReference) -> Result<Removal> {
        let by = grant.user()?.user;
        self.write(grant, Lane::Urgent, (member, by), |tx, scene| {
            Box::pin(async move {
                let (reference, by) = &scene.input;
                let member = resolve(tx, scene, reference).await?;
                not_the_last(tx, scene, &member).await?;
                let id = member.user.id;
                let tokens = take_tokens_back(tx, scene, id, *by, REASON).await?;
                members::take_turn_at_rights(tx, scene.organization, Turn::Alone).await?;
                let (invitations, links) = take_ways_in_back(tx, scene, id, *by).await?;
                let taken = TakenBack { tokens, invitations, links };
                let roles = deployment_roles::of_holder(tx, scene.organization, Holder::Member(id)).await?;
                let teams = teams::of_member(tx, scene.organization, id).await?;
                members::delete(tx, scene.organization, id).await?;
                let detail = json!({
                    "role": member.role.as_str(),
                    "service_user": member.user.is_service,
                    "user_tokens_revoked": taken.tokens.iter().map(PublicId::as_str).collect::<Vec<_>>(),
                    "invitations_withdrawn": taken.invitations,
                    "sign_in_links_ended": taken.links,
                    "deployment_roles": roles::in_words(&roles),
                    "teams": teams.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
                });
                scene.audit(tx, "member.removed", subject(&member), detail).await?;
                Ok(Removal { member, tokens_revoked: taken.tokens(), invitations_withdrawn: taken.invitations })
            })
        })
        .await
    }
}
