//! To a provider of sign-ins and back.
//!
//! The way there is a page that goes on by itself: the policy of these pages lets no form lead to elsewhere. So is the way on from where the
//! provider sends one back, so that the next page is asked for by a page of this server, and what stood in the address is gone from the
//! browser's history.

use askama::Template;
use axum::response::Response;
use countersign_control::signing_in::AskedFor;

use crate::failure::Failure;
use crate::form::Posted;
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then, with};
use crate::person::provider::{self, Back, Sent};
use crate::person::{self, Once, signed};
use crate::query::Query;
use crate::visit::Anyone;

use super::link::value_of;
use super::{invitation, password, posted_way, prove as proof, way_back};

/// A page that goes on by itself, and has a link for whom it does not.
#[derive(Template)]
#[template(path = "going.html")]
struct Going {
    frame: Frame,
    to: String,
    words: String,
}

fn going(anyone: &Anyone, title: &str, to: &str, words: String) -> Answer {
    let frame = Frame { notice: None, ..Frame::plain(title, &anyone.seen).on(&anyone.site) };
    frame::show(&Going { frame, to: to.to_owned(), words })
}

fn there(anyone: &Anyone, sent: Sent) -> Answer {
    let host = provider::host(&anyone.site.control).unwrap_or_default();
    let answer = going(anyone, "On to your provider", &sent.url, format!("Continue to {host}"))?;
    Ok(sent.with(answer))
}

fn on(anyone: &Anyone, title: &str, to: &str) -> Answer {
    going(anyone, title, to, "Continue".to_owned())
}

/// Sends somebody to the provider who wants to sign in.
pub(crate) async fn sign_in(anyone: Anyone, form: Posted) -> Answer {
    there(&anyone, provider::ask(&anyone, &posted_way(&form)).await?)
}

/// Sends somebody there who proves that it is still them.
pub(crate) async fn prove(anyone: Anyone, form: Posted) -> Answer {
    let (caller, _) = person::own(&anyone).await?;
    there(&anyone, provider::ask_again(&anyone, &caller, &posted_way(&form)).await?)
}

/// Sends somebody there who accepts an invitation.
pub(crate) async fn accept(anyone: Anyone, form: Posted) -> Answer {
    let (value, name) = (value_of(form.text("link")), form.said("name"));
    if value.is_empty() {
        return invitation::again(&anyone, name.unwrap_or_default(), Once::Invitation.is_missing()).await;
    }
    match provider::ask_invited(&anyone, value, name).await {
        Ok(sent) => there(&anyone, sent),
        Err(error) => invitation::again(&anyone, name.unwrap_or_default(), error).await,
    }
}

/// Takes what a browser has come back with. While the provider does not answer, the browser keeps what it held: the page can be loaded again.
pub(crate) async fn back(anyone: Anyone, query: Query) -> Answer {
    let Some(back) = provider::back(&anyone, &query) else {
        // Whoever is signed in already has lost nothing.
        let is_signed_in = person::own(&anyone).await.is_ok();
        let notice = if is_signed_in { Notice::StillSignedIn } else { Notice::ProviderLate };
        return Ok(then(&anyone.site, "/sign-in", notice));
    };
    let answer = taken(&anyone, &back).await?;
    Ok(provider::forgotten(&anyone, answer))
}

async fn taken(anyone: &Anyone, back: &Back) -> Result<Response, Failure> {
    let to = way_back(Some(&back.errand.to)).to_owned();
    match back.asked_for {
        AskedFor::SignIn => match provider::sign_in(anyone, &back.answer).await {
            Ok(cookie) => Ok(signed(cookie, on(anyone, "You are signed in", &to)?)),
            Err(error) => password::again(anyone, to, error),
        },
        AskedFor::Proof => {
            let own = person::own(anyone).await?;
            match provider::prove(&anyone.site.control, &own.0, &back.answer).await {
                Ok(()) => Ok(with(&anyone.site, on(anyone, "It is you", &to)?, Notice::Proved)),
                Err(error) => proof::again(anyone, own, to, None, error).await,
            }
        }
        AskedFor::Invitation => match provider::accept(anyone, back).await {
            Ok(cookie) => {
                let answer = on(anyone, "You are a member now", &to)?;
                Ok(signed(cookie, with(&anyone.site, answer, Notice::Joined)))
            }
            Err(error) => invitation::again(anyone, &back.errand.name, error).await,
        },
    }
}
