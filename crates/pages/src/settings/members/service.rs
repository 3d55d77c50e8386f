//! Service users: making one, and changing its name and what it is for.

use askama::Template;
use countersign_control::access::actions::{CreateServiceUser, UpdateServiceUser, ViewMembers};
use countersign_control::members::{Member, MemberReference, Wanted};
use countersign_control::service_users::{NewServiceUser, ServiceUserChange};
use countersign_control::{Error, MAX_PAGE, PageRequest, Result};
use countersign_domain::Role;
use countersign_domain::text::ServiceUserName;

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::{Choice, Field};
use crate::visit::{Tab, Visit};

use super::invite::{role, roles};

#[derive(Template)]
#[template(path = "service_user.html")]
struct Page {
    frame: Frame,
    /// The name of one that is there.
    of: String,
    action: String,
    back: String,
    problems: Vec<String>,
    name: Field,
    description: Field,
    /// What a new one becomes; none of one that is there.
    roles: Vec<Choice>,
    button: &'static str,
}

/// The form for a new one, or for one that is there.
fn page(visit: &Visit, it: Option<&Member>, form: &Posted, faults: &Faults) -> Page {
    let list = visit.path("/settings/members");
    let text = |name, now: Option<&str>| form.given(name).or(now).unwrap_or_default().to_owned();
    let frame = visit.settings(Tab::Members, if it.is_some() { "Edit service user" } else { "Create service user" });
    let frame = frame.crumb("Members", list.clone());
    let (frame, action, back) = match it {
        Some(it) => {
            let own = visit.member_path(it.user.id, "");
            (frame.crumb(it.user.name.clone(), own.clone()), format!("{own}/edit"), own)
        }
        None => (frame, format!("{list}/new-service-user"), list),
    };
    Page {
        frame,
        of: it.map(|it| it.user.name.clone()).unwrap_or_default(),
        action,
        back,
        problems: faults.beside(&["name", "description"]),
        name: Field::new("name", "Name")
            .value(text("name", it.map(|it| it.user.name.as_str())))
            .required()
            .first()
            .faults(faults, "name"),
        description: Field::new("description", "What it is for")
            .value(text("description", it.and_then(|it| it.user.description.as_deref())))
            .faults(faults, "description"),
        roles: if it.is_some() { Vec::new() } else { roles(form.was_chosen("role").unwrap_or(Role::Member)) },
        button: if it.is_some() { "Save" } else { "Create service user" },
    }
}

impl Visit {
    /// The service user in the address.
    pub(super) async fn service_user(&self) -> std::result::Result<Member, Failure> {
        let it = self.member().await?;
        if it.user.is_service { Ok(it) } else { Err(Error::NotFound("service user").into()) }
    }

    /// Whether a service user has this name.
    async fn has_service_user(&self, name: &str) -> Result<bool> {
        let Ok(name) = ServiceUserName::parse(name) else { return Ok(false) };
        let grant = self.control().grant_own::<ViewMembers>(&self.caller)?;
        // In whatever case of letters: such a name is refused, too.
        let wanted = Wanted { service: Some(true), search: Some(name.as_str().to_owned()), ..Wanted::default() };
        let found = self.control().members(&grant, wanted, PageRequest::first(MAX_PAGE)).await?;
        Ok(found.items.iter().any(|it| it.user.name.eq_ignore_ascii_case(name.as_str())))
    }
}

/// The form for a new one.
pub(crate) async fn create_form(visit: Visit) -> Answer {
    visit.may::<CreateServiceUser>()?;
    frame::show(&page(&visit, None, &Posted::default(), &Faults::default()))
}

/// Makes a service user, and leads to it.
pub(crate) async fn create(visit: Visit, form: Posted) -> Answer {
    visit.may::<CreateServiceUser>()?;
    match make(&visit, &form).await {
        Ok(it) => Ok(then(&visit.site, &visit.member_path(it.user.id, ""), Notice::ServiceUserCreated)),
        Err(error) => {
            let faults = Faults::of_named(error, visit.has_service_user(form.text("name").trim()).await?)?;
            frame::again(&page(&visit, None, &form, &faults))
        }
    }
}

async fn make(visit: &Visit, form: &Posted) -> Result<Member> {
    let new = NewServiceUser {
        name: form.text("name").trim().to_owned(),
        description: form.said("description").map(str::to_owned),
        role: role(form)?,
    };
    let control = visit.control();
    control.create_service_user(&control.grant_own::<CreateServiceUser>(&visit.caller)?, new).await
}

/// The form for one that is there.
pub(crate) async fn edit_form(visit: Visit) -> Answer {
    visit.may::<UpdateServiceUser>()?;
    let it = visit.service_user().await?;
    frame::show(&page(&visit, Some(&it), &Posted::default(), &Faults::default()))
}

/// Saves its name and what it is for.
pub(crate) async fn edit(visit: Visit, form: Posted) -> Answer {
    visit.may::<UpdateServiceUser>()?;
    let it = visit.service_user().await?;
    let change = ServiceUserChange {
        service_user: MemberReference::Id(it.user.id),
        name: Some(form.text("name").trim().to_owned()),
        description: Some(form.said("description").map(str::to_owned)),
    };
    match visit.control().update_service_user(&visit.may::<UpdateServiceUser>()?, change).await {
        Ok(_) => Ok(then(&visit.site, &visit.member_path(it.user.id, ""), Notice::ServiceUserSaved)),
        Err(error) => {
            let faults = Faults::of_named(error, visit.has_service_user(form.text("name").trim()).await?)?;
            frame::again(&page(&visit, Some(&it), &form, &faults))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_a_service_user_is_called_stays_text() {
        let seen = Seen { is_safe: false, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let page = Page {
                frame: Frame::plain(*text, &seen),
                of: (*text).to_owned(),
                action: "/x".to_owned(),
                back: "/".to_owned(),
                problems: vec![(*text).to_owned()],
                name: Field::new("name", "Name").value(*text),
                description: Field::new("description", "What it is for").value(*text),
                roles: roles(Role::Member),
                button: "Save",
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
