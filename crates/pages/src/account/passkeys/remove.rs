//! Taking one of one's passkeys away: what that means is said first.

use askama::Template;

use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::person::passkeys;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "passkey_remove.html")]
struct Page {
    frame: Frame,
    action: String,
    passkey: String,
}

/// Says what it means.
pub(crate) async fn show(visit: Visit) -> Answer {
    let it = passkeys::find(visit.control(), &visit.caller, visit.param("passkey")).await?;
    passkeys::may_remove(visit.control(), &visit.caller)?;
    frame::show(&Page {
        frame: visit.frame("Remove").crumb("Your account", "/account"),
        action: format!("/account/passkeys/{}/remove", it.id),
        passkey: it.name,
    })
}

/// Takes it away.
pub(crate) async fn submit(visit: Visit) -> Answer {
    let it = passkeys::find(visit.control(), &visit.caller, visit.param("passkey")).await?;
    passkeys::remove(visit.control(), &visit.caller, &it).await?;
    Ok(then(&visit.site, "/account", Notice::PasskeyRemoved))
}
