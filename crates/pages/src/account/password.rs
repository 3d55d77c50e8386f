//! Changing one's own password.

use askama::Template;

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::person;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "password.html")]
struct Page {
    frame: Frame,
    problems: Vec<String>,
    old: Field,
    new: Field,
}

impl Page {
    fn new(visit: &Visit, faults: &Faults) -> Self {
        Self {
            frame: visit.frame("Change your password").crumb("Your account", "/account"),
            problems: faults.beside(&["password", "newPassword"]),
            old: Field::new("password", "Current password")
                .kind("password")
                .complete("current-password")
                .required()
                .first()
                .faults(faults, "password"),
            new: Field::new("new_password", "New password")
                .kind("password")
                .hint("At least 12 characters. A few words that do not belong together are easy to keep in mind.")
                .complete("new-password")
                .required()
                .faults(faults, "newPassword"),
        }
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> Answer {
    frame::show(&Page::new(&visit, &Faults::default()))
}

/// Changes the password, and signs every other browser out.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let (old, new) = (form.text("password"), form.text("new_password"));
    match person::change_password(visit.control(), &visit.caller, old, new).await {
        Ok(()) => Ok(then(&visit.site, "/account", Notice::PasswordChanged)),
        Err(error) => frame::again(&Page::new(&visit, &Faults::of(error)?)),
    }
}
