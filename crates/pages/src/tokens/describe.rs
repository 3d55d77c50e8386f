//! Editing what an agent token is called: behind the pencil.

use askama::Template;
use countersign_control::Result;
use countersign_control::access::actions::UpdateAgentToken;
use countersign_control::agent_tokens::{AgentToken, AgentTokenChange, TokenReference};

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::visit::Visit;

use super::ended::{Doing, in_place_of_form};
use super::title;

#[derive(Template)]
#[template(path = "describe.html")]
pub(crate) struct Page {
    pub frame: Frame,
    pub action: String,
    pub back: String,
    /// What the token is called.
    pub token: String,
    pub problems: Vec<String>,
    pub description: Field,
}

/// A field for a description that must be given.
pub(crate) fn field(text: &str, hint: &'static str, faults: &Faults) -> Field {
    Field::new("description", "Description").value(text).hint(hint).required().first().faults(faults, "description")
}

fn page(visit: &Visit, token: &AgentToken, text: &str, faults: &Faults) -> Page {
    let path = |below| visit.token_path(token.token.id, below);
    Page {
        frame: visit.token_frame("Edit description", token),
        action: path("/edit"),
        back: path(""),
        token: title(token),
        problems: faults.beside(&["description"]),
        description: field(text, "Name the environment that the token is for.", faults),
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<UpdateAgentToken>()?;
    let token = visit.agent_token().await?;
    if let Some(ended) = in_place_of_form(&visit, &token, Doing::Changing).await {
        return ended;
    }
    let text = token.token.description.clone().unwrap_or_default();
    frame::show(&page(&visit, &token, &text, &Faults::default()))
}

/// Saves the description.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<UpdateAgentToken>()?;
    let token = visit.agent_token().await?;
    if let Some(ended) = in_place_of_form(&visit, &token, Doing::Changing).await {
        return ended;
    }
    let text = form.text("description").trim();
    match save(&visit, TokenReference::Id(token.token.id), text).await {
        Ok(()) => Ok(then(&visit.site, &visit.token_path(token.token.id, ""), Notice::DescriptionSaved)),
        Err(error) => frame::again(&page(&visit, &token, text, &Faults::of(error)?)),
    }
}

async fn save(visit: &Visit, token: TokenReference, text: &str) -> Result<()> {
    let control = visit.control();
    let change = AgentTokenChange { description: Some(Some(text.to_owned())), ..AgentTokenChange::nothing(token) };
    control.update_agent_token(&control.grant_own::<UpdateAgentToken>(&visit.caller)?, change).await.map(drop)
}
