//! Where every way of signing in ends: the row, and its audit row in the name of whoever is signed in now.

use std::sync::Arc;

use countersign_domain::deployment_role::Somewhere;
use countersign_domain::id::{OrganizationId, SignInId, UserId};
use countersign_domain::{Kind, TokenSecret};
use countersign_store::organizations::{self, Organization};
use countersign_store::sign_ins::{self, Ended, Method, SignIn};
use countersign_store::users::{self, Member};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::BeginSignIn;
use crate::access::{UserCaller, UserCredential};
use crate::scene::Subject;
use crate::{Caller, Control, Error, Grant, Origin, Result, Scene};

use super::{LIFETIME, MAX_SIGN_INS, SignedIn};

/// A sign-in to be made. Its id and its value are chosen before the transaction, so that running it again makes the same one.
pub(super) struct New {
    pub id: SignInId,
    pub secret: Arc<TokenSecret>,
    pub method: Method,
    pub origin: Origin,
    /// What the same browser held before, and whose: a value is never kept over a sign-in.
    pub replaces: Option<(UserId, SignInId)>,
}

/// What was made.
pub(super) struct Made {
    pub sign_in: SignIn,
    pub organization: Organization,
    pub member: Member,
    /// Who calls from now on.
    pub caller: Caller,
}

impl Control {
    pub(super) fn new_sign_in(&self, method: Method, caller: &Caller) -> New {
        let replaces = match caller {
            Caller::User(user) => user.sign_in().map(|id| (user.user, id)),
            _ => None,
        };
        New { id: self.fresh_id(), secret: self.mint(Kind::SignIn), method, origin: caller.origin(), replaces }
    }

    /// Ends what a browser holds of another person than the one who has shown now who they are. In a transaction of its own, before theirs: one
    /// that held the turns of two people could wait for one that waits for it.
    pub(super) async fn end_anothers(&self, caller: &Caller, user: UserId) -> Result<()> {
        let Caller::User(before) = caller else { return Ok(()) };
        let Some(id) = before.sign_in().filter(|_| before.user != user) else { return Ok(()) };
        let reason = "somebody else signs in with the same browser";
        let grant: Grant<BeginSignIn> = self.system(reason, OrganizationId::nil())?;
        self.write(&grant, Lane::Normal, (before.clone(), id), |tx, scene| {
            Box::pin(async move {
                let (before, id) = &scene.input;
                sign_ins::take_turn(tx, before.user).await?;
                if !sign_ins::end(tx, before.user, *id, Ended::Replaced).await? {
                    return Ok(());
                }
                let caller = Caller::User(before.clone());
                let subject = Subject::new("sign_in", *id, before.public_id.as_str());
                let detail = json!({ "because": Ended::Replaced.as_str() });
                scene.audit_as(tx, &caller, before.organization, "sign_in.ended", subject, detail).await
            })
        })
        .await
    }
}

impl Made {
    pub fn with(self, secret: Arc<TokenSecret>) -> SignedIn {
        SignedIn { sign_in: self.sign_in, secret, organization: self.organization, member: self.member }
    }
}

/// Makes the sign-in of a person whose turn the transaction holds alone. They see `wanted` first, or, without one, the organization that they
/// looked at last. None for somebody who is a member of nothing.
pub(super) async fn make<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    new: &New,
    user: UserId,
    wanted: Option<OrganizationId>,
) -> Result<Option<Made>> {
    let now = tx.now();
    let preferred = sign_ins::preferred(tx, user, wanted.unwrap_or_else(OrganizationId::nil)).await?;
    let Some(membership) = preferred else { return Ok(None) };
    let of = membership.organization;
    let organization = organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))?;
    let member = users::find_member(tx, of, user).await?.ok_or(Error::NotFound("member"))?;
    if let Some((whose, before)) = new.replaces {
        // Another person's has ended before: their turn is not held here.
        if whose == user {
            sign_ins::end(tx, user, before, Ended::Replaced).await?;
        }
    }
    sign_ins::end_oldest(tx, user, MAX_SIGN_INS - 1).await?;
    let sign_in = SignIn {
        id: new.id,
        user,
        organization: of,
        public_id: new.secret.public_id().clone(),
        digest: scene.keys.digest(&new.secret),
        method: new.method,
        created_at: now,
        seen_at: now,
        expires_at: now.plus(LIFETIME),
        proved_at: Some(now),
        ended_at: None,
        ip: new.origin.ip.to_string(),
        user_agent: new.origin.user_agent.clone(),
    };
    sign_ins::insert(tx, &sign_in).await?;
    let caller = Caller::User(UserCaller {
        organization: of,
        user,
        name: member.user.name.clone(),
        email: member.user.email.clone(),
        is_service: false,
        role: membership.role,
        somewhere: Somewhere::NOTHING,
        credential: UserCredential::SignIn { id: sign_in.id, proved_at: sign_in.proved_at },
        public_id: sign_in.public_id.clone(),
        origin: new.origin.clone(),
    });
    let subject = Subject::new("sign_in", sign_in.id, sign_in.public_id.as_str());
    let detail = json!({ "method": new.method.as_str(), "expires_at": sign_in.expires_at.to_string() });
    scene.audit_as(tx, &caller, of, "sign_in.begun", subject, detail).await?;
    Ok(Some(Made { sign_in, organization, member, caller }))
}
