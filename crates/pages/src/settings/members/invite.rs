//! Inviting somebody, and withdrawing an invitation. The value is in the answer alone: whoever holds it becomes a member, once.

use askama::Template;
use countersign_control::access::actions::{CreateInvitation, ViewInvitations, ViewMembers, WithdrawInvitation};
use countersign_control::invitations::{InvitationReference, IssuedInvitation, LIFETIME, NewInvitation};
use countersign_control::members::MemberReference;
use countersign_control::{Error, MAX_PAGE, PageRequest, Result};
use countersign_domain::Role;

use crate::brief::{Brief, address as short_address};
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::{Choice, Field, Secret, When};
use crate::visit::{Tab, Visit};
use crate::words;

#[derive(Template)]
#[template(path = "invite.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    problems: Vec<String>,
    email: Field,
    /// How long the link is good.
    good_for: String,
    roles: Vec<Choice>,
}

const DAY: u64 = 24 * 3600;

/// Choices of a role.
pub(super) fn roles(chosen: Role) -> Vec<Choice> {
    let all = [Role::Member, Role::Admin];
    all.into_iter().map(|it| Choice::new(it.as_str(), words::about_member(it), it == chosen)).collect()
}

/// The role of a form.
pub(super) fn role(form: &Posted) -> Result<Role> {
    form.chosen("role", "Role")
}

fn page(visit: &Visit, email: &str, chosen: Role, faults: &Faults) -> Page {
    let list = visit.path("/settings/members");
    Page {
        frame: visit.settings(Tab::Members, "Invite somebody").crumb("Members", list.clone()),
        action: format!("{list}/invite"),
        back: list,
        problems: faults.beside(&["email"]),
        good_for: words::count(usize::try_from(LIFETIME.as_secs() / DAY).unwrap_or_default(), "day", "days"),
        email: Field::new("email", "E-mail address")
            .kind("email")
            .value(email)
            .hint("Whoever accepts becomes a member under this address. No mail is sent: you hand the link over yourself.")
            .required()
            .first()
            .faults(faults, "email"),
        roles: roles(chosen),
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<CreateInvitation>()?;
    frame::show(&page(&visit, "", Role::Member, &Faults::default()))
}

#[derive(Template)]
#[template(path = "invited.html")]
struct Invited<'a> {
    frame: Frame,
    back: String,
    email: Brief,
    secret: Secret<'a>,
    until: When,
}

/// Makes the invitation, and shows its link once.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<CreateInvitation>()?;
    let email = form.text("email").trim();
    let chosen = form.was_chosen("role").unwrap_or(Role::Member);
    match invite(&visit, email, &form).await {
        Ok(issued) => {
            let list = visit.path("/settings/members");
            let link = format!("{}/invitation#{}", visit.site.public_url(), issued.secret.reveal());
            frame::show(&Invited {
                frame: visit.settings(Tab::Members, "Invited").crumb("Members", list.clone()),
                back: list,
                email: short_address(&issued.invitation.email).into(),
                secret: Secret { label: "Link of the invitation", value: &link },
                until: When::new(issued.invitation.expires_at),
            })
        }
        // What is at odds with what is there is the address: a member has it, or somebody was invited by it.
        Err(Error::Conflict(what)) if is_known(&visit, email).await? => {
            frame::again(&page(&visit, email, chosen, &Faults::of(Error::invalid("email", what))?))
        }
        Err(error) => frame::again(&page(&visit, email, chosen, &Faults::of(error)?)),
    }
}

/// Whether a member has an address, or somebody was invited by it.
async fn is_known(visit: &Visit, email: &str) -> Result<bool> {
    let control = visit.control();
    let Ok(reference) = MemberReference::parse(email) else { return Ok(false) };
    match control.find_member(&control.grant_own::<ViewMembers>(&visit.caller)?, reference).await {
        Ok(_) => return Ok(true),
        Err(Error::NotFound(_)) => {}
        Err(other) => return Err(other),
    }
    let grant = control.grant_own::<ViewInvitations>(&visit.caller)?;
    let pending = control.list_invitations(&grant, Some(true), PageRequest::first(MAX_PAGE)).await?;
    Ok(pending.items.iter().any(|it| it.email.eq_ignore_ascii_case(email)))
}

async fn invite(visit: &Visit, email: &str, form: &Posted) -> Result<IssuedInvitation> {
    let control = visit.control();
    let new = NewInvitation { email: email.to_owned(), role: role(form)?, expires_at: None };
    control.create_invitation(&control.grant_own::<CreateInvitation>(&visit.caller)?, new).await
}

/// Takes an invitation back.
pub(crate) async fn withdraw(visit: Visit) -> Answer {
    let grant = visit.may::<WithdrawInvitation>()?;
    let id = visit.param("id").parse().map_err(|_| Error::NotFound("invitation"))?;
    visit.control().withdraw_invitation(&grant, InvitationReference::Id(id)).await?;
    Ok(then(&visit.site, &visit.path("/settings/members"), Notice::InvitationWithdrawn))
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn a_role_that_is_none_is_refused() {
        assert_eq!(role(&Posted::of("role=admin")), Ok(Role::Admin));
        for other in ["role=operator", "role=", ""] {
            assert!(matches!(role(&Posted::of(other)), Err(countersign_control::Error::Invalid(_))), "{other}");
        }
    }

    #[test]
    fn whoever_is_invited_stays_text() {
        let seen = Seen { is_safe: false, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let page = Invited {
                frame: Frame::plain("Invited", &seen),
                back: "/x".to_owned(),
                email: (*text).into(),
                secret: Secret { label: "Link", value: text },
                until: When::new(Timestamp::EPOCH),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
