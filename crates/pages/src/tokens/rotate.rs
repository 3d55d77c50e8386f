//! Rotating an agent token: a new value, while the old one stays valid for a time. Who still uses the old one stands on the token's page.

use askama::Template;
use countersign_control::access::actions::RotateAgentToken;
use countersign_control::agent_tokens::{AgentToken, OVERLAP, Rotated, Rotation, TokenReference};
use countersign_control::{Error, Result, revealing};
use countersign_domain::Timestamp;

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::visit::Visit;

use super::one::{Told, told};
use super::title;

#[derive(Template)]
#[template(path = "token_rotate.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    token: String,
    problems: Vec<String>,
    until: Field,
}

/// A moment as `datetime-local` wants it.
fn local(at: Timestamp) -> String {
    at.to_string().get(..16).unwrap_or_default().to_owned()
}

fn page(visit: &Visit, token: &AgentToken, until: String, faults: &Faults) -> Page {
    let path = |below| visit.token_path(token.token.id, below);
    Page {
        frame: visit.token_frame("Rotate", token),
        action: path("/rotate"),
        back: path(""),
        token: title(token),
        problems: faults.beside(&["oldValidUntil"]),
        until: Field::new("old_valid_until", "Old values are valid until (UTC)")
            .kind("datetime-local")
            .value(until)
            .hint("Time to bring the new value to every host. A time that has passed ends them at once. Left empty: a day from now.")
            .first()
            .faults(faults, "oldValidUntil"),
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<RotateAgentToken>()?;
    let token = visit.agent_token().await?;
    let until = local(visit.control().now().plus(OVERLAP));
    frame::show(&page(&visit, &token, until, &Faults::default()))
}

/// Gives the token a new value.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let token = visit.agent_token().await?;
    match rotate(&visit, &token, &form).await {
        Ok(rotated) => {
            let again = revealing::is_open(&rotated.token.token, visit.control().now());
            told(&visit, &rotated.token, Told::Rotated { value: rotated.secret.reveal(), again }).await
        }
        Err(error) => {
            let until = form.text("old_valid_until").to_owned();
            frame::again(&page(&visit, &token, until, &Faults::of(error)?))
        }
    }
}

async fn rotate(visit: &Visit, token: &AgentToken, form: &Posted) -> Result<Rotated> {
    let control = visit.control();
    let until = form.time("old_valid_until").map_err(|_| {
        Error::invalid(
            "oldValidUntil",
            "are to be a point in time; write it as 2027-01-31T09:00, or leave it empty for a day from now",
        )
    })?;
    let rotation = Rotation { token: TokenReference::Id(token.token.id), old_valid_until: until };
    control.rotate_agent_token(&control.grant_own::<RotateAgentToken>(&visit.caller)?, rotation).await
}

/// Ends the older values now.
pub(crate) async fn finish(visit: Visit) -> Answer {
    let grant = visit.may::<RotateAgentToken>()?;
    let id = visit.token_id()?;
    visit.control().finish_agent_token_rotation(&grant, TokenReference::Id(id)).await?;
    Ok(then(&visit.site, &visit.token_path(id, ""), Notice::RotationFinished))
}
