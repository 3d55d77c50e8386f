//! Becoming a member by an invitation.

use std::sync::Arc;

use countersign_domain::id::{InvitationId, UserId};
use countersign_domain::text::{PersonName, names_another_address};
use countersign_domain::{Kind, Refusal, TokenSecret};
use countersign_store::organizations::{self, Organization};
use countersign_store::tokens::Token;
use countersign_store::users::{self, User};
use countersign_store::{Lane, Tx, invitations, passwords, sign_ins};
use serde_json::json;

use crate::access::actions::AcceptInvitation;
use crate::issuing::{self, FIRST_USER_TOKEN, Issue, USER_TOKEN};
use crate::members::{Member, room_for_one};
use crate::scene::Subject;
use crate::signing_in::take_ways_in;
use crate::{Control, Error, Grant, Result, Scene, input};

/// Somebody who has become a member, with the value that is shown once.
#[derive(Debug)]
pub struct Joined {
    /// What they are a member of.
    pub organization: Organization,
    /// They.
    pub member: Member,
    /// Their first user token in the organization.
    pub user_token: Token,
    /// Its value.
    pub user_secret: Arc<TokenSecret>,
}

/// Who a new person is to be. The id is chosen before the transaction.
pub(crate) struct Newcomer {
    pub user: UserId,
    pub name: Option<PersonName>,
}

impl Newcomer {
    /// A person who says what they are called, or says nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `name`.
    pub(crate) fn called(user: UserId, name: Option<&str>) -> Result<Self> {
        let name = name.map(|name| input::field("name", PersonName::parse(name))).transpose()?;
        Ok(Self { user, name })
    }
}

impl Control {
    /// Makes whoever holds an invitation a member, and uses the invitation up. The person whom its address names, or a new one; a new
    /// one is called as they say, else as the address has it before the `@`.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the invitation was used, withdrawn or has expired meanwhile; [`Error::Invalid`] at `name`;
    /// [`Error::Conflict`] for somebody who is a member already, for somebody who has a password, which is not shown here, and when there are
    /// [`crate::members::MAX_MEMBERS`].
    pub async fn accept_invitation(&self, grant: &Grant<AcceptInvitation>, name: Option<String>) -> Result<Joined> {
        let newcomer = Newcomer::called(self.fresh_id(), name.as_deref())?;
        let mut issue = self.issue(Kind::UserToken, USER_TOKEN, grant.organization());
        issue.description = Some(FIRST_USER_TOKEN.to_owned());
        let user_secret = issue.secret.clone();
        let invited = grant.invitation()?;
        let input = (newcomer, issue, invited.invitation, invited.email.clone());
        let (organization, member, user_token) = self
            .write(grant, Lane::Normal, input, |tx, scene| {
                Box::pin(async move {
                    let (newcomer, issue, id, email) = &scene.input;
                    without_password(tx, scene, email).await?;
                    let (organization, user) = join(tx, scene, newcomer, *id).await?;
                    let token = first_token(tx, scene, issue, &user).await?;
                    let found = users::find_member(tx, scene.organization, user.id).await?;
                    let member = found.ok_or(Error::NotFound("member"))?;
                    Ok((organization, member, token))
                })
            })
            .await?;
        Ok(Joined { organization, member, user_token, user_secret })
    }
}

/// Goes on for an address that nobody has, and for a person who has no password. Whoever set one may have been somebody else, who invited the
/// address before: they would sign in to this organization, too. A password is shown in a browser; and whoever belongs to nothing begins anew.
async fn without_password<I: Sync>(tx: &mut Tx, scene: &Scene<I>, email: &str) -> Result<()> {
    let Some(known) = users::find_by_email(tx, email).await? else { return Ok(()) };
    sign_ins::take_turn(tx, known.id).await?;
    if !sign_ins::is_member_of_any(tx, known.id).await? {
        return take_ways_in(tx, scene, scene.organization, &known).await;
    }
    if passwords::find(tx, known.id).await?.is_some() {
        return Err(Error::Conflict(
            "There is somebody with this address already, who signs in with a password. Accept the invitation in a browser, with that \
             password; if it is not yours, ask whoever runs the server for a link: countersign sign-in-link --user EMAIL."
                .to_owned(),
        ));
    }
    Ok(())
}

/// Makes the person whom an invitation names a member, and uses it up.
pub(crate) async fn join<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    newcomer: &Newcomer,
    id: InvitationId,
) -> Result<(Organization, User)> {
    let of = scene.organization;
    let it = invitations::find(tx, of, id).await?.ok_or(Error::NotFound("invitation"))?;
    let organization = organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))?;
    room_for_one(tx, of).await?;
    let user = person(tx, newcomer, &it.email).await?;
    if users::find_member(tx, of, user.id).await?.is_some() {
        return Err(Error::Conflict(format!("{} is a member already.", it.email)));
    }
    if !invitations::accept(tx, of, it.id, user.id).await? {
        return Err(Error::refused(Refusal::Expired, it.public_id));
    }
    users::insert_member(tx, of, user.id, it.role).await?;
    let subject = Subject::new("invitation", it.id, it.email.as_str());
    let detail = json!({
        "role": it.role.as_str(),
        "user": user.id.to_string(),
    });
    scene.audit(tx, "invitation.accepted", subject, detail).await?;
    Ok((organization, user))
}

/// The person with this address. Whether they were known before is told to nobody: it says where else they are a member.
async fn person(tx: &mut Tx, newcomer: &Newcomer, email: &str) -> Result<User> {
    if let Some(known) = users::find_by_email(tx, email).await? {
        return Ok(known);
    }
    let name = match &newcomer.name {
        // Lists name people by it: nobody is to be taken for another.
        Some(name) if names_another_address(name.as_str(), email) => {
            return Err(Error::invalid("name", "names an e-mail address that is not yours; write what you are called"));
        }
        Some(name) => name.as_str().to_owned(),
        None => email.split('@').next().unwrap_or_default().to_owned(),
    };
    let user = User {
        id: newcomer.user,
        email: email.to_owned(),
        name,
        is_service: false,
        description: None,
        created_at: tx.now(),
    };
    users::insert(tx, &user).await?;
    Ok(user)
}

async fn first_token<I: Sync>(tx: &mut Tx, scene: &Scene<I>, issue: &Issue, user: &User) -> Result<Token> {
    let token = issuing::issue_for(tx, scene, issue, None, (user.id, user.id)).await?;
    let subject = Subject::new("user_token", token.id, token.public_id.as_str());
    scene.audit(tx, "user_token.created", subject, json!({ "owner": user.email })).await?;
    Ok(token)
}
