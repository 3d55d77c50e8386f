//! What is one's own: organizations, where one is signed in, one's password and passkeys, and by what a provider means one. And the
//! way on from the start page.

pub(crate) mod passkeys;
pub(crate) mod password;

use askama::Template;
use countersign_control::signing_in::{Identity, MAX_PASSKEYS, OwnPasskey};

use crate::form::Posted;
use crate::frame::{self, Answer, Frame, Link};
use crate::notice::{Notice, then};
use crate::parts::When;
use crate::person::{self, provider};
use crate::visit::{Anyone, Visit};
use crate::words;

/// Leads to the organization that one works in now; whoever is not signed in is led there first.
pub(crate) async fn home(visit: Visit) -> Answer {
    Ok(frame::to(&visit.path("")))
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    frame: Frame,
    /// The organizations that one's sign-in reaches, and one's role in each.
    organizations: Vec<(Link, &'static str)>,
    /// None where there are no passkeys, and one has none from before.
    passkeys: Option<Vec<Passkey>>,
    /// Whether one can add a passkey.
    can_add: bool,
    identities: Vec<Known>,
    rows: Vec<Row>,
}

/// A passkey of one's own.
#[derive(Debug, Clone)]
struct Passkey {
    name: String,
    since: When,
    used: Option<When>,
    rename: String,
    remove: String,
}

impl From<OwnPasskey> for Passkey {
    fn from(it: OwnPasskey) -> Self {
        Self {
            name: it.name,
            since: When::day(it.created_at),
            used: it.used_at.map(When::new),
            rename: format!("/account/passkeys/{}/rename", it.id),
            remove: format!("/account/passkeys/{}/remove", it.id),
        }
    }
}

/// By what a provider means one.
#[derive(Debug, Clone)]
struct Known {
    issuer: String,
    subject: String,
    since: When,
    used: When,
}

impl From<Identity> for Known {
    fn from(it: Identity) -> Self {
        Self { issuer: it.issuer, subject: it.subject, since: When::day(it.created_at), used: When::new(it.used_at) }
    }
}

/// A browser in which one is signed in.
#[derive(Debug, Clone)]
struct Row {
    browser: String,
    ip: String,
    since: When,
    seen: When,
    is_this_one: bool,
    end: String,
}

/// What one has.
pub(crate) async fn show(visit: Visit) -> Answer {
    let all = person::sign_ins(visit.control(), &visit.caller).await?;
    let now = visit.control().now();
    let rows = all.iter().map(|it| Row {
        browser: it
            .sign_in
            .user_agent
            .as_deref()
            .map_or_else(|| "A browser that does not say which".to_owned(), words::browser),
        ip: it.sign_in.ip.clone(),
        since: When::ago(it.sign_in.created_at, now),
        seen: When::ago(it.sign_in.seen_at, now),
        is_this_one: it.is_this_one,
        end: format!("/account/sign-ins/{}/end", it.sign_in.public_id),
    });
    let organizations = person::organizations(visit.control(), &visit.caller).await?;
    let organizations = organizations.into_iter().map(|(it, role)| {
        let is_current = it.id == visit.organization.id;
        (Link::new(it.name, format!("/organizations/{}/agents", it.slug)).current(is_current), words::role(role))
    });
    let passkeys = person::passkeys::list(visit.control(), &visit.caller).await?;
    let has_passkeys = visit.control().has_passkeys();
    let identities = provider::identities(visit.control(), &visit.caller).await?;
    frame::show(&Page {
        frame: visit.frame("Your account"),
        can_add: has_passkeys && passkeys.len() < MAX_PASSKEYS,
        passkeys: (has_passkeys || !passkeys.is_empty()).then(|| passkeys.into_iter().map(Passkey::from).collect()),
        identities: identities.into_iter().map(Known::from).collect(),
        organizations: organizations.collect(),
        rows: rows.collect(),
    })
}

/// Has a provider mean one no more.
pub(crate) async fn forget(visit: Visit, form: Posted) -> Answer {
    provider::forget(visit.control(), &visit.caller, form.text("issuer")).await?;
    Ok(then(&visit.site, "/account", Notice::IdentityForgotten))
}

/// Signs one of one's browsers out.
pub(crate) async fn end(visit: Visit) -> Answer {
    person::end(visit.control(), &visit.caller, visit.param("sign_in")).await?;
    Ok(then(&visit.site, "/account", Notice::SignInEnded))
}

/// Signs all of one's browsers out.
pub(crate) async fn end_all(anyone: Anyone) -> Answer {
    let cookie = person::end_all(&anyone).await?;
    Ok(person::signed(cookie, then(&anyone.site, "/sign-in", Notice::SignedOut)))
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_somebody_calls_a_thing_stays_text() {
        let seen = Seen { is_safe: true, page: "/account".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let row = Row {
                browser: (*text).to_owned(),
                ip: (*text).to_owned(),
                since: When::new(Timestamp::EPOCH),
                seen: When::new(Timestamp::EPOCH),
                is_this_one: false,
                end: "/x".to_owned(),
            };
            let organizations = vec![(Link::new(*text, "/x"), "Member")];
            let when = || When::new(Timestamp::EPOCH);
            let passkey = Passkey {
                name: (*text).to_owned(),
                since: when(),
                used: None,
                rename: "/x".to_owned(),
                remove: "/x".to_owned(),
            };
            let known = Known { issuer: (*text).to_owned(), subject: (*text).to_owned(), since: when(), used: when() };
            let page = Page {
                frame: Frame::plain("Yours", &seen),
                organizations,
                passkeys: Some(vec![passkey]),
                can_add: true,
                identities: vec![known],
                rows: vec![row],
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
