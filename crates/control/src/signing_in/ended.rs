//! How a link or an invitation has ended, for whoever shows its value: what they do now depends on it.

use countersign_domain::PublicId;
use countersign_store::Tx;
use countersign_store::invitations::{self, State};
use countersign_store::sign_ins::links;

use crate::{Control, Error, Result};

use super::LINK_LIFETIME;

/// How a value that is good once has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Somebody has used it.
    Used,
    /// Its time has run out.
    Late,
    /// It was withdrawn, or followed by a newer one.
    TakenBack,
}

impl Control {
    /// How the link or the invitation has ended that was refused so. None for a refusal of a value whose secret was not verified, of something
    /// else, and of what is still good.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn how_it_ended(&self, refused: &Error) -> Result<Option<Ending>> {
        let Error::Unauthenticated { token: Some(id), .. } = refused else { return Ok(None) };
        self.store().read(id.clone(), |tx, id| Box::pin(ending(tx, id))).await
    }
}

async fn ending(tx: &mut Tx, id: &PublicId) -> Result<Option<Ending>> {
    let now = tx.now();
    if let Some(it) = invitations::credential_by_public_id(tx, id).await? {
        return Ok(match it.state(now) {
            State::Accepted => Some(Ending::Used),
            State::Withdrawn => Some(Ending::TakenBack),
            State::Expired => Some(Ending::Late),
            State::Pending => None,
        });
    }
    let Some(it) = links::credential_by_public_id(tx, id).await? else { return Ok(None) };
    Ok(if it.used_at.is_some() {
        Some(Ending::Used)
    } else if it.expires_at > now || it.expires_at < it.created_at.plus(LINK_LIFETIME) {
        // Its maker has no say any more, its person belongs to nothing, or a newer one was made.
        Some(Ending::TakenBack)
    } else {
        Some(Ending::Late)
    })
}
