//! Revealing the value of one of one's own user tokens. Another person's can be revealed by nobody.

use countersign_control::access::actions::RevealUserToken;
use countersign_control::signing_in::MAKER_SEES;
use countersign_control::user_tokens::UserTokenReference;
use countersign_control::{Error, Result, revealing};
use countersign_domain::TokenSecret;
use countersign_domain::id::TokenId;

use crate::frame::{self, Answer};
use crate::person;
use crate::tokens::one::Told;
use crate::visit::Visit;

use super::one::told;

async fn reveal(visit: &Visit, id: TokenId) -> Result<TokenSecret> {
    let control = visit.control();
    let grant = control.grant_own::<RevealUserToken>(&visit.caller)?;
    control.reveal_user_token(&grant, UserTokenReference::Id(id)).await
}

/// Shows the value.
pub(crate) async fn submit(visit: Visit) -> Answer {
    let token = visit.own_token().await?;
    match reveal(&visit, token.id).await {
        Ok(secret) => told(&visit, &token, Told::Again(secret.reveal())),
        Err(Error::Conflict(why)) => told(&visit, &token, Told::Closed(why)),
        Err(error) => Err(error.into()),
    }
}

/// The page after creating: it shows the value, also after a reload, for [`MAKER_SEES`] at the most and while its window is open; not to
/// whoever comes by a link from elsewhere.
pub(crate) async fn fresh(visit: Visit) -> Answer {
    visit.must_be_looked_at()?;
    let token = visit.own_token().await?;
    let now = visit.control().now();
    let is_new = now < token.created_at.plus(MAKER_SEES);
    if !is_new || !visit.is_from_here || !visit.is_shown || !revealing::is_open(&token, now) {
        return told(&visit, &token, Told::Nothing);
    }
    match reveal(&visit, token.id).await {
        Ok(secret) => told(&visit, &token, Told::Again(secret.reveal())),
        Err(error) if person::wants_proof(&error) => told(&visit, &token, Told::Nothing),
        Err(Error::Conflict(why)) => told(&visit, &token, Told::Closed(why)),
        Err(error) => Err(error.into()),
    }
}

/// Asking for the address again asks for nothing.
pub(crate) async fn back(visit: Visit) -> Answer {
    Ok(frame::to(&visit.user_token_path(visit.token_id()?, "")))
}
