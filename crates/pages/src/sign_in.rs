//! Signing in and out, and proving again who one is.
//!
//! Links carry their value behind `#`, which no server and no log sees: a script puts it into the form, or it is pasted there by hand.

pub(crate) mod invitation;
pub(crate) mod link;
pub(crate) mod passkey;
pub(crate) mod password;
pub(crate) mod prove;
pub(crate) mod provider;
pub(crate) mod typed;
pub(crate) mod ways;

use crate::form::Posted;
use crate::frame::Answer;
use crate::notice::{Notice, then};
use crate::person;
use crate::query::{Query, address};
use crate::seen::is_local;
use crate::visit::Anyone;

/// Where one is led afterwards: only ever to a page of this server.
fn way_back(said: Option<&str>) -> &str {
    said.filter(|path| is_local(path)).unwrap_or("/")
}

/// The address of a page that leads somewhere afterwards.
fn leading(page: &str, to: &str) -> String {
    address(page, &[("to", if to == "/" { "" } else { to })])
}

fn asked_way(query: &Query) -> String {
    way_back(query.said("to")).to_owned()
}

fn posted_way(form: &Posted) -> String {
    way_back(form.said("to")).to_owned()
}

/// Ends the sign-in that is shown, and takes its cookie away.
pub(crate) async fn sign_out(anyone: Anyone) -> Answer {
    let cookie = person::sign_out(&anyone).await?;
    Ok(person::signed(cookie, then(&anyone.site, "/sign-in", Notice::SignedOut)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_led_nowhere_else() {
        assert_eq!(way_back(Some("/organizations/acme/agents")), "/organizations/acme/agents");
        for elsewhere in [None, Some("//evil.example"), Some("https://evil.example"), Some("/\\evil.example")] {
            assert_eq!(way_back(elsewhere), "/");
        }
    }
}
