//! Signing in by e-mail address and password.

use askama::Template;
use countersign_control::{Error, Result};

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::parts::Field;
use crate::person;
use crate::query::{Query, address};
use crate::visit::Anyone;

use super::ways::Ways;
use super::{asked_way, leading, posted_way};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    frame: Frame,
    problems: Vec<String>,
    email: Field,
    password: Field,
    /// Where one is led afterwards.
    to: String,
    ways: Ways,
    /// What the browser shows as its address, where the page answers another way's form.
    address: Option<String>,
}

impl Page {
    fn new(anyone: &Anyone, to: String, email: &str, faults: &Faults) -> Result<Self> {
        Ok(Self {
            frame: Frame::plain("Sign in", &anyone.seen).on(&anyone.site),
            problems: faults.beside(&["email", "password"]),
            email: Field::new("email", "E-mail address")
                .kind("email")
                .value(email)
                .complete("username")
                .required()
                .first()
                .faults(faults, "email"),
            password: Field::new("password", "Password")
                .kind("password")
                .complete("current-password")
                .required()
                .faults(faults, "password"),
            ways: Ways::to_sign_in(&anyone.site.control, &to)?,
            to,
            address: None,
        })
    }
}

/// Who asks for the form although somebody is signed in.
const AS: &str = "as";
const ANOTHER: &str = "another";

#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedIn {
    frame: Frame,
    /// The address of whoever is signed in.
    email: String,
    /// Where they go on.
    to: String,
    /// The form, for somebody else.
    another: String,
}

/// The form; whoever is signed in is told so, and chooses.
pub(crate) async fn show(anyone: Anyone, query: Query) -> Answer {
    if query.said(AS) != Some(ANOTHER)
        && let Ok((_, email)) = person::own(&anyone).await
    {
        let to = asked_way(&query);
        let another = address("/sign-in", &[(AS, ANOTHER), ("to", if to == "/" { "" } else { &to })]);
        let frame = Frame::plain("You are signed in", &anyone.seen).on(&anyone.site);
        return frame::show(&SignedIn { frame, email, to, another });
    }
    frame::show(&Page::new(&anyone, asked_way(&query), "", &Faults::default())?)
}

/// Signs in, and leads to where one wanted to go.
pub(crate) async fn submit(anyone: Anyone, form: Posted) -> Answer {
    let (to, email) = (posted_way(&form), form.text("email"));
    match person::sign_in(&anyone, email, form.text("password")).await {
        Ok(cookie) => Ok(person::signed(cookie, frame::to(&to))),
        Err(error) => frame::again(&Page::new(&anyone, to, email, &Faults::of(error)?)?),
    }
}

/// The form once more for whoever has tried another way, with what was wrong.
pub(super) fn again(anyone: &Anyone, to: String, error: Error) -> Answer {
    let address = Some(leading("/sign-in", &to));
    frame::again(&Page { address, ..Page::new(anyone, to, "", &Faults::of(error)?)? })
}
