//! Making and revealing the user tokens of service users, which is for Organization Admins. Seeing and revoking them is as for any member.

use countersign_domain::id::UserId;
use countersign_domain::{Kind, RevealPolicy, TokenSecret};
use countersign_store::Lane;
use serde_json::json;

use crate::access::actions::{CreateServiceUserToken, RevealServiceUserToken};
use crate::issuing::{self, Issue, USER_TOKEN};
use crate::members::MemberReference;
use crate::scene::Subject;
use crate::user_tokens::{IssuedUserToken, NewUserToken, UserTokenReference, of_user};
use crate::{Control, Grant, Result, input, revealing};

use super::service_user;

struct Input {
    service_user: MemberReference,
    issue: Issue,
    policy: Option<RevealPolicy>,
    by: UserId,
}

impl Control {
    /// Creates a user token for a service user.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the service user, a person among them; [`crate::Error::Invalid`] at `description` or `expiresAt`.
    pub async fn create_service_user_token(
        &self,
        grant: &Grant<CreateServiceUserToken>,
        owner: MemberReference,
        new: NewUserToken,
    ) -> Result<IssuedUserToken> {
        issuing::check_expiry(new.expires_at, self.now())?;
        let mut issue = self.issue(Kind::UserToken, USER_TOKEN, grant.organization());
        issue.description = input::description(new.description.as_deref())?;
        issue.expires_at = new.expires_at;
        let secret = issue.secret.clone();
        let by = grant.user()?.user;
        let input = Input { service_user: owner, issue, policy: new.reveal_policy, by };
        let token = self
            .write(grant, Lane::Normal, input, |tx, scene| {
                Box::pin(async move {
                    let Input { service_user: reference, issue, policy, by } = &scene.input;
                    let owner = service_user(tx, scene, reference).await?.user;
                    let token = issuing::issue_for(tx, scene, issue, *policy, (owner.id, *by)).await?;
                    let subject = Subject::new("user_token", token.id, token.public_id.as_str());
                    let detail = json!({
                        "owner": owner.name,
                        "description": token.description,
                        "expires_at": token.expires_at.map(|at| at.to_string()),
                        "reveal_policy": token.reveal_policy.as_str(),
                    });
                    scene.audit(tx, "user_token.created", subject, detail).await?;
                    Ok(token)
                })
            })
            .await?;
        Ok(IssuedUserToken { token, secret })
    }

    /// The value of a service user's token. The audit row is committed before the value leaves.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the service user, a person among them, and for a token that is not its own;
    /// [`crate::Error::Conflict`] with the reason when the reveal policy does not allow it any more.
    pub async fn reveal_service_user_token(
        &self,
        grant: &Grant<RevealServiceUserToken>,
        owner: MemberReference,
        token: UserTokenReference,
    ) -> Result<TokenSecret> {
        self.write(grant, Lane::Normal, (owner, token), |tx, scene| {
            Box::pin(async move {
                let (reference, token) = &scene.input;
                let owner = service_user(tx, scene, reference).await?.user;
                let token = of_user(tx, scene, token, owner.id).await?;
                scene.must_be_proved_or_have_made(tx, token.id).await?;
                let secret = revealing::open(tx, &scene.keys, &token).await?;
                let subject = Subject::new("user_token", token.id, token.public_id.as_str());
                scene.audit(tx, "user_token.revealed", subject, json!({ "owner": owner.name })).await?;
                Ok(secret)
            })
        })
        .await
    }
}
