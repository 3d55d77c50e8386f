//! Signing in by a link that was made for oneself: it is good once, and sets a password.

use askama::Template;

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::person::{self, Once};
use crate::visit::Anyone;

#[derive(Template)]
#[template(path = "link.html")]
struct Page {
    frame: Frame,
    problems: Vec<String>,
    /// The value of the link. It is never put back into a page.
    value: Field,
    password: Field,
}

impl Page {
    fn new(anyone: &Anyone, faults: &Faults) -> Self {
        Self {
            frame: Frame::plain("Sign in with a link", &anyone.seen).on(&anyone.site),
            problems: faults.beside(&["link", "password"]),
            value: Field::new("link", "Link or its last part")
                .hint("Paste the link that you were given, or the part after #. It works once.")
                .required()
                .first()
                .faults(faults, "link"),
            password: new_password(faults),
        }
    }
}

/// A field for a password that somebody wants from now on.
pub(super) fn new_password(faults: &Faults) -> Field {
    Field::new("password", "New password")
        .kind("password")
        .hint("At least 12 characters. A few words that do not belong together are easy to keep in mind.")
        .complete("new-password")
        .required()
        .faults(faults, "password")
}

/// What stands behind the `#` of a link that was pasted whole.
pub(super) fn value_of(pasted: &str) -> &str {
    let pasted = pasted.trim();
    pasted.rsplit_once('#').map_or(pasted, |(_, value)| value)
}

/// The form. A script fills the value in when the page was opened by the link itself.
pub(crate) async fn show(anyone: Anyone) -> Answer {
    frame::show(&Page::new(&anyone, &Faults::default()))
}

/// Sets the password and signs in.
pub(crate) async fn submit(anyone: Anyone, form: Posted) -> Answer {
    let value = value_of(form.text("link"));
    if value.is_empty() {
        return frame::again(&Page::new(&anyone, &Faults::of(Once::Link.is_missing())?));
    }
    match person::use_link(&anyone, value, form.text("password")).await {
        Ok(cookie) => Ok(person::signed(cookie, then(&anyone.site, "/", Notice::PasswordSet))),
        Err(error) => {
            let faults = Faults::of(person::at_link(&anyone.site.control, error, Once::Link).await)?;
            frame::again(&Page::new(&anyone, &faults))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_link_and_its_last_part_are_the_same() {
        for pasted in ["abc", " abc\n", "https://ci.example/sign-in#abc", "#abc"] {
            assert_eq!(value_of(pasted), "abc", "{pasted:?}");
        }
    }
}
