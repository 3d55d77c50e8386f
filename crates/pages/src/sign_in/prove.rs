//! Proving again who one is, before something that cannot be taken back.

use askama::Template;

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::person;
use crate::query::Query;
use crate::visit::Anyone;

use super::{asked_way, posted_way};

#[derive(Template)]
#[template(path = "prove.html")]
struct Page {
    frame: Frame,
    problems: Vec<String>,
    /// Whose password is asked for; for those who keep passwords in their browser.
    email: String,
    password: Field,
    to: String,
}

impl Page {
    fn new(anyone: &Anyone, email: String, to: String, faults: &Faults) -> Self {
        Self {
            frame: Frame::plain("Confirm that it is you", &anyone.seen).on(&anyone.site),
            problems: faults.beside(&["password"]),
            email,
            password: Field::new("password", "Password")
                .kind("password")
                .complete("current-password")
                .required()
                .first()
                .faults(faults, "password"),
            to,
        }
    }
}

/// The form.
pub(crate) async fn show(anyone: Anyone, query: Query) -> Answer {
    let (_, email) = person::own(&anyone).await?;
    frame::show(&Page::new(&anyone, email, asked_way(&query), &Faults::default()))
}

/// Takes the password, and leads back.
pub(crate) async fn submit(anyone: Anyone, form: Posted) -> Answer {
    let to = posted_way(&form);
    let (caller, email) = person::own(&anyone).await?;
    match person::prove(&anyone.site.control, &caller, form.text("password")).await {
        Ok(()) => Ok(then(&anyone.site, &to, Notice::Proved)),
        Err(error) => frame::again(&Page::new(&anyone, email, to, &Faults::of(error)?)),
    }
}
