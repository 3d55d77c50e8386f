//! Creating a user token for oneself.

use std::sync::Arc;

use countersign_domain::{Kind, RevealPolicy, Timestamp, TokenSecret};
use countersign_store::Lane;
use countersign_store::tokens::Token;
use serde_json::json;

use crate::access::actions::CreateUserToken;
use crate::issuing::{self, USER_TOKEN};
use crate::scene::Subject;
use crate::{Control, Grant, Result, input};

/// What a new user token is to be.
#[derive(Debug, Default)]
pub struct NewUserToken {
    /// What its owner calls it.
    pub description: Option<String>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Until when its owner may see its value again; the organization's default when none is given.
    pub reveal_policy: Option<RevealPolicy>,
}

/// A user token that was made, with its value.
#[derive(Debug)]
pub struct IssuedUserToken {
    /// The token.
    pub token: Token,
    /// Its value.
    pub secret: Arc<TokenSecret>,
}

impl Control {
    /// Creates a user token for the caller.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `description` or `expiresAt`; [`crate::Error::Denied`] for a service user.
    pub async fn create_user_token(
        &self,
        grant: &Grant<CreateUserToken>,
        new: NewUserToken,
    ) -> Result<IssuedUserToken> {
        issuing::check_expiry(new.expires_at, self.now())?;
        let user = grant.user()?.user;
        let mut issue = self.issue(Kind::UserToken, USER_TOKEN, grant.organization());
        issue.description = input::description(new.description.as_deref())?;
        issue.expires_at = new.expires_at;
        let secret = issue.secret.clone();
        let token = self
            .write(grant, Lane::Normal, (issue, new.reveal_policy, user), |tx, scene| {
                Box::pin(async move {
                    let (issue, policy, user) = &scene.input;
                    let token = issuing::issue_for(tx, scene, issue, *policy, (*user, *user)).await?;
                    let detail = json!({
                        "description": token.description,
                        "expires_at": token.expires_at.map(|at| at.to_string()),
                        "reveal_policy": token.reveal_policy.as_str(),
                    });
                    let subject = Subject::new("user_token", token.id, token.public_id.as_str());
                    scene.audit(tx, "user_token.created", subject, detail).await?;
                    Ok(token)
                })
            })
            .await?;
        Ok(IssuedUserToken { token, secret })
    }
}
