//! Editing what one of one's own user tokens is called: behind the pencil.

use countersign_control::Result;
use countersign_control::access::actions::UpdateUserToken;
use countersign_control::agent_tokens::Token;
use countersign_control::user_tokens::{UserTokenChange, UserTokenReference};

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer};
use crate::notice::{Notice, then};
use crate::tokens::describe::{Page, field};
use crate::visit::Visit;

use super::title;

fn page(visit: &Visit, token: &Token, text: &str, faults: &Faults) -> Page {
    Page {
        frame: visit.user_token_frame("Edit description", token),
        action: visit.user_token_path(token.id, "/edit"),
        back: visit.user_token_path(token.id, ""),
        token: title(token),
        problems: faults.beside(&["description"]),
        description: field(text, "What uses it, such as \"Release script on the build host\".", faults),
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<UpdateUserToken>()?;
    let token = visit.own_token().await?;
    let text = token.description.clone().unwrap_or_default();
    frame::show(&page(&visit, &token, &text, &Faults::default()))
}

/// Saves the description.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let token = visit.own_token().await?;
    let text = form.text("description").trim();
    match save(&visit, &token, text).await {
        Ok(()) => Ok(then(&visit.site, &visit.user_token_path(token.id, ""), Notice::DescriptionSaved)),
        Err(error) => frame::again(&page(&visit, &token, text, &Faults::of(error)?)),
    }
}

async fn save(visit: &Visit, token: &Token, text: &str) -> Result<()> {
    let control = visit.control();
    let change = UserTokenChange {
        token: UserTokenReference::Id(token.id),
        description: Some(Some(text.to_owned())),
        expires_at: None,
    };
    control.update_user_token(&control.grant_own::<UpdateUserToken>(&visit.caller)?, change).await.map(drop)
}
