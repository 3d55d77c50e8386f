//! Rotating an agent token: a new value, while the old one stays valid for a time. The token's page shows when each was last used.

use askama::Template;
use countersign_control::access::actions::{RotateAgentToken, ViewAgentTokens};
use countersign_control::agent_tokens::{AgentToken, OVERLAP, Rotated, Rotation, TokenReference};
use countersign_control::{Error, Result, revealing};
use countersign_domain::Timestamp;

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::visit::Visit;

use super::ended::{Doing, in_place_of_form};
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
    /// The generation of the newest value when the form was shown, so that it is known when there is a newer one.
    shown: i64,
    until: Field,
}

/// The field that carries what was shown.
const SHOWN: &str = "shown";

/// A moment as `datetime-local` wants it.
fn local(at: Timestamp) -> String {
    at.to_string().get(..16).unwrap_or_default().to_owned()
}

async fn page(visit: &Visit, token: &AgentToken, until: String, faults: &Faults) -> std::result::Result<Page, Failure> {
    let path = |below| visit.token_path(token.token.id, below);
    let values = visit.control().agent_token_secrets(&visit.may::<ViewAgentTokens>()?, token.token.id).await?;
    Ok(Page {
        frame: visit.token_frame("Rotate", token),
        action: path("/rotate"),
        back: path(""),
        token: title(token),
        problems: faults.beside(&["oldValidUntil"]),
        shown: values.first().map_or(0, |newest| newest.generation),
        until: Field::new("old_valid_until", "Old values are valid until (UTC)")
            .kind("datetime-local")
            .value(until)
            .hint("Time to bring the new value to every host. Left empty, a day from now. Other pages show the time in your own zone.")
            .first()
            .faults(faults, "oldValidUntil"),
    })
}

/// The form.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<RotateAgentToken>()?;
    let token = visit.agent_token().await?;
    if let Some(ended) = in_place_of_form(&visit, &token, Doing::Rotating).await {
        return ended;
    }
    let until = local(visit.control().now().plus(OVERLAP));
    frame::show(&page(&visit, &token, until, &Faults::default()).await?)
}

/// Gives the token a new value. It is shown by the page that one is led to, which a reload shows again; one that cannot be shown again is in this
/// answer.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<RotateAgentToken>()?;
    let token = visit.agent_token().await?;
    match rotate(&visit, &token, &form).await {
        Ok(rotated) if revealing::is_open(&rotated.token.token, visit.control().now()) => {
            Ok(then(&visit.site, &visit.token_path(token.token.id, "/value"), Notice::Rotated))
        }
        Ok(rotated) => told(&visit, &rotated.token, Told::Rotated(rotated.secret.reveal())).await,
        Err(error) => {
            let faults = Faults::of(error)?;
            let token = visit.agent_token().await?;
            if let Some(ended) = in_place_of_form(&visit, &token, Doing::Rotating).await {
                return ended;
            }
            frame::again(&page(&visit, &token, form.text("old_valid_until").to_owned(), &faults).await?)
        }
    }
}

/// When the old values end. A time that has passed is more likely a slip than a wish to cut off every agent that has an old one.
fn until(form: &Posted, now: Timestamp) -> Result<Option<Timestamp>> {
    const FIELD: &str = "oldValidUntil";
    let until = form.time("old_valid_until").map_err(|_| {
        let what = "are to be a point in time; write it as 2027-01-31T09:00, or leave it empty for a day from now";
        Error::invalid(FIELD, what)
    })?;
    match until {
        Some(at) if at <= now => {
            let what = "have passed by then. To end the old values now, rotate the token first, and then press \
                        \"Finish the rotation now\" on its page";
            Err(Error::invalid(FIELD, what))
        }
        until => Ok(until),
    }
}

async fn rotate(visit: &Visit, token: &AgentToken, form: &Posted) -> Result<Rotated> {
    let control = visit.control();
    let rotation = Rotation {
        token: TokenReference::Id(token.token.id),
        old_valid_until: until(form, control.now())?,
        // What is no number was shown by no form, and is no generation.
        expected: Some(form.text(SHOWN).parse().unwrap_or(0)),
    };
    control.rotate_agent_token(&control.grant_own::<RotateAgentToken>(&visit.caller)?, rotation).await
}

/// Ends the older values now.
pub(crate) async fn finish(visit: Visit) -> Answer {
    let grant = visit.may::<RotateAgentToken>()?;
    let id = visit.token_id()?;
    visit.control().finish_agent_token_rotation(&grant, TokenReference::Id(id)).await?;
    Ok(then(&visit.site, &visit.token_path(id, ""), Notice::RotationFinished))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_has_passed_ends_nothing() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a time");
        let read = |text: &str| until(&Posted::of(&format!("old_valid_until={text}")), now);
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("2026-03-01T12:01").map(|at| at.map(|at| at > now)), Ok(Some(true)));
        for (text, why) in
            [("2020-01-01T00:00", "Finish the rotation"), ("2026-03-01T12:00", "Finish"), ("soon", "write it as")]
        {
            let Err(Error::Invalid(faults)) = read(text) else { panic!("{text} is taken") };
            assert!(faults[0].field == "oldValidUntil" && faults[0].message.contains(why), "{text}: {faults:?}");
        }
    }
}
