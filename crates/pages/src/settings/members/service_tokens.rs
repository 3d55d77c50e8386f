//! The user tokens of a service user: Organization Admins make them, and see their values while the reveal policy allows. They are listed with
//! those of other members, and revoked there.

use askama::Template;
use countersign_control::access::actions::{CreateServiceUserToken, RevealServiceUserToken, ViewMemberTokens};
use countersign_control::agent_tokens::Token;
use countersign_control::members::{Member, MemberReference};
use countersign_control::user_tokens::{IssuedUserToken, NewUserToken, UserTokenReference};
use countersign_control::{Error, Result};
use countersign_domain::TokenSecret;

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::parts::{Secret, When};
use crate::tokens::create::{expiry_fault, policy};
use crate::tokens::one::{ONCE, SEEN};
use crate::user_tokens::{create::Page as New, title};
use crate::visit::{Tab, Visit};
use crate::words;

/// A token of a service user with its value, or with why that is not shown.
#[derive(Template)]
#[template(path = "service_token.html")]
struct Page<'a> {
    frame: Frame,
    owner: &'a str,
    back: String,
    secret: Option<Secret<'a>>,
    is_new: bool,
    about_secret: String,
    public_id: String,
    expires: Option<When>,
    policy: &'static str,
}

/// What there is to say of a value.
enum Told<'a> {
    New(&'a str),
    Again(&'a str),
    Closed(String),
}

fn list(visit: &Visit, owner: &Member) -> String {
    visit.path(&format!("/settings/user-tokens?for={}", owner.user.id))
}

/// Around a page of a token, which stands at its owner.
fn around(visit: &Visit, owner: &Member, title: String) -> Frame {
    let frame = visit.settings(Tab::Members, title).crumb("Members", visit.path("/settings/members"));
    let frame = frame.crumb(owner.user.name.clone(), visit.member_path(owner.user.id, ""));
    frame.crumb("User tokens", list(visit, owner))
}

fn told(visit: &Visit, owner: &Member, token: &Token, told: Told<'_>) -> Answer {
    let (value, is_new, about_secret) = match told {
        Told::New(value) => (Some(value), true, ONCE.to_owned()),
        Told::Again(value) => (Some(value), false, SEEN.to_owned()),
        Told::Closed(why) => (None, false, why),
    };
    let back = list(visit, owner);
    frame::show(&Page {
        frame: around(visit, owner, title(token)),
        owner: &owner.user.name,
        back,
        secret: value.map(Secret::of_token),
        is_new,
        about_secret,
        public_id: token.public_id.to_string(),
        expires: token.expires_at.map(When::new),
        policy: words::policy(token.reveal_policy),
    })
}

fn page(visit: &Visit, owner: &Member, form: Option<&Posted>, faults: &Faults) -> New {
    let frame = around(visit, owner, "Create user token".to_owned());
    let back = list(visit, owner);
    let action = visit.member_path(owner.user.id, "/tokens/new");
    let page = New::new(visit, frame, (action, back), form, faults);
    page.of(&owner.user.name)
}

/// The form. Who one is is proved before it is filled in.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<CreateServiceUserToken>()?;
    let owner = visit.service_user().await?;
    frame::show(&page(&visit, &owner, None, &Faults::default()))
}

/// Creates the token, and shows its value.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<CreateServiceUserToken>()?;
    let owner = visit.service_user().await?;
    match create(&visit, &owner, &form).await {
        Ok(issued) => told(&visit, &owner, &issued.token, Told::New(issued.secret.reveal())),
        Err(error) => frame::again(&page(&visit, &owner, Some(&form), &Faults::of(error)?)),
    }
}

async fn create(visit: &Visit, owner: &Member, form: &Posted) -> Result<IssuedUserToken> {
    let new = NewUserToken {
        description: Some(form.text("description").trim().to_owned()),
        expires_at: form.time("expires_at").map_err(expiry_fault)?,
        reveal_policy: policy(form)?,
    };
    let control = visit.control();
    let grant = control.grant_own::<CreateServiceUserToken>(&visit.caller)?;
    control.create_service_user_token(&grant, MemberReference::Id(owner.user.id), new).await
}

/// Shows the value once more.
pub(crate) async fn reveal(visit: Visit) -> Answer {
    let owner = visit.service_user().await?;
    let (of, reference) = (MemberReference::Id(owner.user.id), UserTokenReference::Id(visit.token_id()?));
    let grant = visit.may::<ViewMemberTokens>()?;
    let token = visit.control().member_token(&grant, of, reference.clone()).await?;
    match see(&visit, &owner, reference).await {
        Ok(secret) => told(&visit, &owner, &token, Told::Again(secret.reveal())),
        Err(Error::Conflict(why)) => told(&visit, &owner, &token, Told::Closed(why)),
        Err(error) => Err(error.into()),
    }
}

async fn see(visit: &Visit, owner: &Member, token: UserTokenReference) -> Result<TokenSecret> {
    let control = visit.control();
    let grant = control.grant_own::<RevealServiceUserToken>(&visit.caller)?;
    control.reveal_service_user_token(&grant, MemberReference::Id(owner.user.id), token).await
}

/// Asking for the address of the form leads to the list that it is on.
pub(crate) async fn back(visit: Visit) -> Answer {
    let owner = visit.service_user().await?;
    Ok(frame::to(&list(&visit, &owner)))
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_a_service_user_and_its_token_are_called_stays_text() {
        let seen = Seen { is_safe: false, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let page = Page {
                frame: Frame::plain(*text, &seen),
                owner: text,
                back: "/x".to_owned(),
                secret: Some(Secret::of_token(text)),
                is_new: true,
                about_secret: (*text).to_owned(),
                public_id: (*text).to_owned(),
                expires: None,
                policy: "Never",
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
