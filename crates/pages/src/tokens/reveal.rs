//! Revealing the value of an agent token. It is in the answer to a POST and nowhere else; each look is in the audit log.

use countersign_control::access::actions::{RevealAgentToken, ViewAgentTokens};
use countersign_control::agent_tokens::{Secret, TokenReference};
use countersign_control::signing_in::MAKER_SEES;
use countersign_control::{Error, Result, revealing};
use countersign_domain::TokenSecret;

use crate::frame::{self, Answer};
use crate::person;
use crate::visit::Visit;

use super::one::{Told, told};

async fn reveal(visit: &Visit) -> Result<TokenSecret> {
    let control = visit.control();
    let grant = control.grant_own::<RevealAgentToken>(&visit.caller)?;
    let token = visit.token_id().map_err(|_| Error::NotFound("agent token"))?;
    control.reveal_agent_token(&grant, TokenReference::Id(token)).await
}

/// Shows the value.
pub(crate) async fn submit(visit: Visit) -> Answer {
    let token = visit.agent_token().await?;
    match reveal(&visit).await {
        Ok(secret) => told(&visit, &token, Told::Again(secret.reveal())).await,
        Err(Error::Conflict(why)) => told(&visit, &token, Told::Closed(why)).await,
        Err(error) => Err(error.into()),
    }
}

/// The page after creating or rotating: it shows the value to whoever has just made it, also after a reload, for [`MAKER_SEES`] at the most and
/// while its window is open. Anyone else, whoever comes from another site's page, and whoever finds the address later, sees the token without it:
/// from then on a value is shown to whoever presses the button.
pub(crate) async fn fresh(visit: Visit) -> Answer {
    visit.must_be_looked_at()?;
    let token = visit.agent_token().await?;
    let now = visit.control().now();
    let values = visit.control().agent_token_secrets(&visit.may::<ViewAgentTokens>()?, token.token.id).await?;
    let is_own = |it: &Secret| it.made_by.is_some() && it.made_by == visit.user();
    let is_new = |it: &Secret| now < it.created_at.plus(MAKER_SEES);
    let is_theirs = values.first().is_some_and(|newest| is_own(newest) && is_new(newest));
    // What is answered to nobody's eyes is not revealed, and not written down as seen.
    if !is_theirs || !visit.is_from_here || !visit.is_shown || !revealing::is_open(&token.token, now) {
        return told(&visit, &token, Told::Nothing).await;
    }
    match reveal(&visit).await {
        Ok(secret) => told(&visit, &token, Told::Again(secret.reveal())).await,
        Err(error) if person::wants_proof(&error) => told(&visit, &token, Told::Nothing).await,
        Err(Error::Conflict(why)) => told(&visit, &token, Told::Closed(why)).await,
        Err(error) => Err(error.into()),
    }
}

/// Asking for the address again asks for nothing.
pub(crate) async fn back(visit: Visit) -> Answer {
    Ok(frame::to(&visit.token_path(visit.token_id()?, "")))
}
