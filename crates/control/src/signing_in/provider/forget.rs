//! Having a provider mean oneself no more: what it calls somebody has changed, or was never theirs.

use countersign_store::{Lane, identities};

use crate::access::actions::ForgetIdentity;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

impl Control {
    /// Forgets by what a provider means the caller. Whomever it vouches for next with their address is them: so this is for somebody whom it calls
    /// otherwise since their account there was made anew. Sign-ins that were begun by it stay, and are listed.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a provider that does not mean them.
    pub async fn forget_identity(&self, grant: &Grant<ForgetIdentity>, issuer: &str) -> Result<()> {
        let user = grant.user()?;
        let input = (user.user, user.email.clone(), issuer.to_owned());
        self.write(grant, Lane::Urgent, input, |tx, scene| {
            Box::pin(async move {
                let (user, email, issuer) = &scene.input;
                let not_found = || Error::NotFound("identity");
                let all = identities::of_user(tx, *user).await?;
                let known = all.into_iter().find(|it| it.issuer == *issuer).ok_or_else(not_found)?;
                if !identities::remove(tx, *user, issuer).await? {
                    return Err(not_found());
                }
                let detail = serde_json::json!({ "issuer": known.issuer, "subject": known.subject });
                scene.audit(tx, "identity.forgotten", Subject::new("user", *user, email.as_str()), detail).await
            })
        })
        .await
    }
}
