//! Changing the organization's name, its slug, and the reveal policy of tokens that name none.

use askama::Template;
use countersign_control::access::actions::UpdateOrganization;
use countersign_control::organizations::{Organization, OrganizationChange, digest};
use countersign_control::{Error, Result};

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::{Choice, Field};
use crate::tokens::create::{policies, policy, was_chosen};
use crate::visit::{Tab, Visit};
use crate::words;

/// The field that carries what was shown.
const SHOWN: &str = "shown";

#[derive(Template)]
#[template(path = "general_edit.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    problems: Vec<String>,
    /// What was shown, so that it is known when it has changed.
    shown: String,
    /// What the organization is by now, where that is not what was shown; else empty.
    now: String,
    name: Field,
    slug: Field,
    policies: Vec<Choice>,
}

fn page(visit: &Visit, form: Option<&Posted>, faults: &Faults) -> Page {
    let it = &visit.organization;
    let text = |name, now: &str| form.map_or(now, |form| form.text(name)).to_owned();
    let back = visit.path("/settings");
    let shown = digest(it);
    let has_changed = form.is_some_and(|form| form.text(SHOWN) != shown);
    let policy = words::policy(it.default_reveal_policy);
    Page {
        frame: visit.settings(Tab::General, "Edit the organization"),
        action: format!("{back}/edit"),
        back,
        problems: faults.beside(&["name", "slug"]),
        shown,
        now: if has_changed { format!("{}, {}; {policy}", it.name, it.slug) } else { String::new() },
        name: Field::new("name", "Name").value(text("name", &it.name)).required().first().faults(faults, "name"),
        slug: Field::new("slug", "Slug")
            .value(text("slug", &it.slug))
            .hint("Lower-case letters, digits and '-'.")
            .below(
                "The slug is part of the addresses of pages and the API, and of the `sub` in the OIDC tokens of jobs. After a change, \
                 update scripts and whatever trusts the old `sub`. The old slug stays yours: no other organization is ever given it.",
            )
            .required()
            .faults(faults, "slug"),
        policies: policies(visit, form.and_then(was_chosen)),
    }
}

/// The form. Who one is is proved before it is filled in, so that nothing that was written in it is lost.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<UpdateOrganization>()?;
    frame::show(&page(&visit, None, &Faults::default()))
}

/// Saves it, and leads to the page under the slug that the organization has now.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<UpdateOrganization>()?;
    match save(&visit, &form).await {
        Ok(it) => Ok(then(&visit.site, &format!("/organizations/{}/settings", it.slug), Notice::OrganizationSaved)),
        // While it is what was shown, nothing else is at odds with what is there.
        Err(Error::Conflict(what)) if form.text(SHOWN) == digest(&visit.organization) => {
            frame::again(&page(&visit, Some(&form), &Faults::of(Error::invalid("slug", what))?))
        }
        Err(error) => frame::again(&page(&visit, Some(&form), &Faults::of(error)?)),
    }
}

async fn save(visit: &Visit, form: &Posted) -> Result<Organization> {
    let change = OrganizationChange {
        name: Some(form.text("name").trim().to_owned()),
        slug: Some(form.text("slug").trim().to_owned()),
        default_reveal_policy: policy(form)?,
        expected: Some(form.text(SHOWN).to_owned()),
    };
    let control = visit.control();
    control.update_organization(&control.grant_own::<UpdateOrganization>(&visit.caller)?, change).await
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_is_written_stays_text() {
        let seen = Seen { is_safe: false, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let page = Page {
                frame: Frame::plain("Edit the organization", &seen),
                action: "/x".to_owned(),
                back: "/".to_owned(),
                problems: Vec::new(),
                shown: String::new(),
                now: (*text).to_owned(),
                name: Field::new("name", "Name").value(*text),
                slug: Field::new("slug", "Slug").value(*text).faults(&Faults::at("slug", text), "slug"),
                policies: Vec::new(),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
