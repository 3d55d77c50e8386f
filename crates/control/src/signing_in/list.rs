//! Seeing where one is signed in.

use countersign_store::sign_ins;

use crate::access::actions::ViewSignIns;
use crate::{Control, Grant, Result};

use super::{IDLE, SignIn};

/// A browser in which a person is signed in.
#[derive(Debug, Clone)]
pub struct OwnSignIn {
    /// The sign-in; when and from where it was last used is as it is now.
    pub sign_in: SignIn,
    /// Whether it is the one that the call is made with.
    pub is_this_one: bool,
}

impl Control {
    /// Where the caller is signed in, newest first; at most [`super::MAX_SIGN_INS`].
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn list_sign_ins(&self, grant: &Grant<ViewSignIns>) -> Result<Vec<OwnSignIn>> {
        let user = grant.user()?;
        let this = user.sign_in();
        let since = self.now().minus(IDLE);
        let rows = self
            .read(grant, user.user, |tx, scene| Box::pin(async move { Ok(sign_ins::live(tx, scene.input).await?) }))
            .await?;
        // What was used is known here before it is in the row.
        let all = rows.into_iter().map(|mut sign_in| {
            if let Some(seen) = self.usage().sign_in_seen(sign_in.id)
                && seen.at > sign_in.seen_at
            {
                sign_in.seen_at = seen.at;
                sign_in.ip = seen.ip.to_string();
                sign_in.organization = seen.organization;
            }
            OwnSignIn { is_this_one: this == Some(sign_in.id), sign_in }
        });
        Ok(all.filter(|it| it.sign_in.seen_at > since).collect())
    }
}
