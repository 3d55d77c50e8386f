//! Making a grant anew for an agent that has waited: between two looks its session can end, and its networks change.

use countersign_domain::Kind;
use countersign_store::Lane;

use crate::{Control, Error, Grant, Result};

use super::authenticate::{Found, look_up};
use super::{Action, Caller};

impl Control {
    /// The grant of an agent, asked for again without its token's value, which nobody keeps for that long. It is no sign of life: the server
    /// asks by itself.
    ///
    /// # Errors
    /// As [`Control::authenticate`] and [`Control::grant`].
    pub(crate) async fn renew<A: Action>(&self, grant: &Grant<A>) -> Result<Grant<A>> {
        let before = grant.session()?;
        let wanted = (Kind::Session, before.public_id.clone());
        let found = self.store().read_in(Lane::Urgent, wanted, |tx, wanted| Box::pin(look_up(tx, wanted))).await?;
        match found {
            Some(found @ Found::Session(..)) => match self.admit(found, before.origin.clone())? {
                caller @ Caller::Session(_) => self.grant(&caller, grant.organization()),
                _ => Err(Error::unknown()),
            },
            _ => Err(Error::unknown()),
        }
    }
}
