//! Accepting an invitation: whoever holds its value becomes a member, chooses a password and is signed in.

use askama::Template;
use countersign_control::Error;

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::person::{self, Once, provider};
use crate::visit::Anyone;

use super::link::{new_password, value_of};

#[derive(Template)]
#[template(path = "invitation.html")]
struct Page {
    frame: Frame,
    problems: Vec<String>,
    /// The value of the invitation. It is never put back into a page.
    value: Field,
    name: Field,
    password: Field,
    /// The host of a provider by which one accepts it without a password.
    provider: Option<String>,
    /// What the browser shows as its address, where the page answers another form than its own.
    address: Option<&'static str>,
}

impl Page {
    fn new(anyone: &Anyone, name: &str, faults: &Faults) -> Self {
        Self {
            frame: Frame::plain("Accept an invitation", &anyone.seen).on(&anyone.site),
            problems: faults.beside(&["link", "name", "password"]),
            value: Field::new("link", "Invitation")
                .hint("Paste the link or the value that you were given. It can be used once.")
                .required()
                .first()
                .faults(faults, "link"),
            name: Field::new("name", "Your name")
                .hint("As others in the organization will see it. Not needed if this server knows you already.")
                .value(name)
                .complete("name")
                .faults(faults, "name"),
            password: new_password(faults),
            provider: provider::host(&anyone.site.control),
            address: None,
        }
    }
}

/// The form.
pub(crate) async fn show(anyone: Anyone) -> Answer {
    frame::show(&Page::new(&anyone, "", &Faults::default()))
}

/// Becomes a member and signs in.
pub(crate) async fn submit(anyone: Anyone, form: Posted) -> Answer {
    let (value, name) = (value_of(form.text("link")), form.said("name"));
    if value.is_empty() {
        return frame::again(&Page::new(
            &anyone,
            name.unwrap_or_default(),
            &Faults::of(Once::Invitation.is_missing())?,
        ));
    }
    match person::accept(&anyone, value, name, form.text("password")).await {
        Ok(cookie) => Ok(person::signed(cookie, then(&anyone.site, "/", Notice::Joined))),
        Err(error) => {
            let faults = Faults::of(person::at_link(&anyone.site.control, error, Once::Invitation).await)?;
            frame::again(&Page::new(&anyone, name.unwrap_or_default(), &faults))
        }
    }
}

/// The form once more for whoever has tried it by a provider, with what was wrong.
pub(super) async fn again(anyone: &Anyone, name: &str, error: Error) -> Answer {
    let faults = Faults::of(person::at_link(&anyone.site.control, error, Once::Invitation).await)?;
    frame::again(&Page { address: Some("/invitation"), ..Page::new(anyone, name, &faults) })
}
