//! Creating a user token for oneself.

use askama::Template;
use countersign_control::Result;
use countersign_control::access::actions::CreateUserToken;
use countersign_control::revealing::is_open;
use countersign_control::user_tokens::{IssuedUserToken, NewUserToken};

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::parts::{Choice, Field};
use crate::tokens::create::{expiry, expiry_fault, policies, policy, was_chosen};
use crate::tokens::one::Told;
use crate::visit::{Tab, Visit};

use super::one::told;

#[derive(Template)]
#[template(path = "user_token_new.html")]
pub(crate) struct Page {
    frame: Frame,
    action: String,
    back: String,
    /// Whose it will be, unless it is one's own.
    owner: Option<String>,
    problems: Vec<String>,
    description: Field,
    expires: Field,
    policies: Vec<Choice>,
}

impl Page {
    /// The form for a token, sent to the first of two paths; the second is the list that it came from.
    pub(crate) fn new(
        visit: &Visit,
        frame: Frame,
        (action, back): (String, String),
        form: Option<&Posted>,
        faults: &Faults,
    ) -> Self {
        let text = |name| form.map(|form| form.text(name).to_owned()).unwrap_or_default();
        Self {
            frame,
            action,
            back,
            owner: None,
            problems: faults.beside(&["description", "expiresAt"]),
            description: Field::new("description", "Description")
                .value(text("description"))
                .hint("What will use it, such as \"Release script on the build host\".")
                .required()
                .first()
                .faults(faults, "description"),
            expires: expiry(&text("expires_at"), faults),
            policies: policies(visit, form.and_then(was_chosen)),
        }
    }

    /// The same for a token that will be somebody else's.
    pub(crate) fn of(self, owner: &str) -> Self {
        Self { owner: Some(owner.to_owned()), ..self }
    }
}

fn page(visit: &Visit, form: Option<&Posted>, faults: &Faults) -> Page {
    let list = visit.path("/settings/user-tokens");
    let frame = visit.settings(Tab::UserTokens, "Create user token").crumb("User tokens", list.clone());
    Page::new(visit, frame, (format!("{list}/new"), list), form, faults)
}

/// The form.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<CreateUserToken>()?;
    frame::show(&page(&visit, None, &Faults::default()))
}

/// Creates the token, and leads to its page with the value.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<CreateUserToken>()?;
    match create(&visit, &form).await {
        Ok(issued) if is_open(&issued.token, visit.control().now()) => {
            Ok(frame::to(&visit.user_token_path(issued.token.id, "/value")))
        }
        Ok(issued) => told(&visit, &issued.token, Told::Once(issued.secret.reveal())),
        Err(error) => frame::again(&page(&visit, Some(&form), &Faults::of(error)?)),
    }
}

async fn create(visit: &Visit, form: &Posted) -> Result<IssuedUserToken> {
    let new = NewUserToken {
        description: Some(form.text("description").trim().to_owned()),
        expires_at: form.time("expires_at").map_err(expiry_fault)?,
        reveal_policy: policy(form)?,
    };
    let control = visit.control();
    control.create_user_token(&control.grant_own::<CreateUserToken>(&visit.caller)?, new).await
}
