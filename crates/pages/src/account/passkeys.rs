//! One's passkeys: adding one. It is made by the browser, which a script asks; without script there is none.

pub(crate) mod remove;
pub(crate) mod rename;

use askama::Template;
use countersign_control::Error;
use countersign_control::signing_in::MAX_PASSKEY_NAME;

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::{Field, PasskeyForm};
use crate::person::passkeys;
use crate::visit::Visit;

const HERE: &str = "/account/passkeys/new";

#[derive(Template)]
#[template(path = "passkey_new.html")]
struct Page {
    frame: Frame,
    problems: Vec<String>,
    form: PasskeyForm,
}

async fn page(visit: &Visit, name: &str, faults: &Faults) -> Result<Page, Error> {
    let question = passkeys::new_question(visit.control(), &visit.caller).await?;
    Ok(Page {
        frame: visit.frame("Add a passkey").crumb("Your account", "/account"),
        problems: faults.beside(&["name"]),
        form: PasskeyForm {
            is_new: true,
            action: HERE,
            words: "Add a passkey",
            question,
            again: HERE.to_owned(),
            to: "/account".to_owned(),
            typed: None,
            name: Some(named(name).first().faults(faults, "name")),
        },
    })
}

/// The field for what a passkey is called.
fn named(value: &str) -> Field {
    Field::new("name", "Name")
        .hint("What you will know it by, such as the device that it is on.")
        .value(value)
        .required()
        .at_most(MAX_PASSKEY_NAME)
}

/// What is asked of the browser.
pub(crate) async fn show(visit: Visit) -> Answer {
    frame::show(&page(&visit, "", &Faults::default()).await?)
}

/// Adds what the browser has made.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let answer = passkeys::answer(&form);
    match passkeys::add(visit.control(), &visit.caller, &answer, Some(form.text("name"))).await {
        Ok(()) => Ok(then(&visit.site, "/account", Notice::PasskeyAdded)),
        Err(error) => frame::again(&page(&visit, form.text("name"), &Faults::of(error)?).await?),
    }
}
