//! Calling one of one's passkeys something else.

use askama::Template;
use countersign_control::signing_in::OwnPasskey;

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::person::passkeys;
use crate::visit::Visit;

use super::named;

#[derive(Template)]
#[template(path = "passkey_rename.html")]
struct Page {
    frame: Frame,
    action: String,
    passkey: String,
    problems: Vec<String>,
    name: Field,
}

fn page(visit: &Visit, it: &OwnPasskey, name: &str, faults: &Faults) -> Page {
    Page {
        frame: visit.frame("Rename").crumb("Your account", "/account"),
        action: format!("/account/passkeys/{}/rename", it.id),
        passkey: it.name.clone(),
        problems: faults.beside(&["name"]),
        name: named(name).first().faults(faults, "name"),
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> Answer {
    let it = passkeys::find(visit.control(), &visit.caller, visit.param("passkey")).await?;
    frame::show(&page(&visit, &it, &it.name, &Faults::default()))
}

/// Saves the name.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let it = passkeys::find(visit.control(), &visit.caller, visit.param("passkey")).await?;
    let name = form.text("name");
    match passkeys::rename(visit.control(), &visit.caller, &it, name).await {
        Ok(()) => Ok(then(&visit.site, "/account", Notice::PasskeyRenamed)),
        Err(error) => frame::again(&page(&visit, &it, name, &Faults::of(error)?)),
    }
}
