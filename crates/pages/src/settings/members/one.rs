//! A member's own page: what they are, and their role.

use askama::Template;
use countersign_control::access::actions::{
    ChangeMemberRole, IssueMemberSignInLink, RemoveMember, UpdateServiceUser, ViewMemberTokens, ViewTeams,
};
use countersign_control::deployment_roles::HolderReference;
use countersign_control::members::{Member, MemberReference};
use countersign_domain::Role;

use crate::failure::Failure;
use crate::form::Faults;
use crate::frame::{self, Answer, Frame};
use crate::parts::{Choice, When};
use crate::settings::roles::{Roles, of_holder};
use crate::visit::{Tab, Visit};
use crate::words;

use super::invite::roles;

#[derive(Template)]
#[template(path = "member.html")]
pub(super) struct Page {
    frame: Frame,
    problems: Vec<String>,
    email: String,
    is_service: bool,
    description: String,
    role: &'static str,
    joined: When,
    teams: String,
    tokens: Option<String>,
    /// Where their role is changed, for whoever may.
    change: Option<String>,
    roles: Vec<Choice>,
    /// What they were given in deployments.
    given: Roles,
    /// Where a service user is changed, for whoever may.
    edit: Option<String>,
    is_admin: bool,
    /// Where a link is made by which they set a new password, for whoever may.
    link: Option<String>,
    remove: Option<String>,
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Answer {
    let it = visit.member().await?;
    frame::show(&page(&visit, &it, &Faults::default()).await?)
}

/// The page of a member, with what was wrong with what was asked for there.
pub(super) async fn page(visit: &Visit, it: &Member, faults: &Faults) -> Result<Page, Failure> {
    let teams = visit.control().teams_of_member(&visit.may::<ViewTeams>()?, it.user.id).await?;
    let teams: Vec<_> = teams.into_iter().map(|team| team.name).collect();
    let path = |below| visit.member_path(it.user.id, below);
    let list = visit.path("/settings/members");
    // Whether they belong to another organization is asked when the link is made: nobody is shown that.
    let has_link = it.role == Role::Member && !it.user.is_service && visit.can::<IssueMemberSignInLink>();
    Ok(Page {
        frame: visit.settings(Tab::Members, called(it)).crumb("Members", list),
        problems: faults.beside(&[]),
        email: if it.user.is_service { String::new() } else { it.user.email.clone() },
        is_service: it.user.is_service,
        description: it.user.description.clone().unwrap_or_default(),
        role: words::role(it.role),
        joined: When::new(it.joined_at),
        teams: teams.join(", "),
        tokens: visit
            .can::<ViewMemberTokens>()
            .then(|| visit.path(&format!("/settings/user-tokens?for={}", it.user.id))),
        change: visit.can::<ChangeMemberRole>().then(|| path("/role")),
        roles: roles(it.role),
        given: of_holder(visit, HolderReference::Member(MemberReference::Id(it.user.id)), &path("")).await?,
        edit: (it.user.is_service && visit.can::<UpdateServiceUser>()).then(|| path("/edit")),
        is_admin: it.role == Role::Admin,
        link: has_link.then(|| path("/sign-in-link")),
        remove: visit.can::<RemoveMember>().then(|| path("/remove")),
    })
}

/// What a member is called on pages.
pub(super) fn called(it: &Member) -> String {
    it.user.name.clone()
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_is_said_of_a_member_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let page = Page {
                frame: Frame::plain(*text, &seen),
                problems: vec![(*text).to_owned()],
                email: (*text).to_owned(),
                is_service: true,
                description: (*text).to_owned(),
                role: "Member",
                joined: When::new(Timestamp::EPOCH),
                teams: (*text).to_owned(),
                tokens: None,
                change: Some("/role".to_owned()),
                roles: roles(Role::Member),
                given: Roles::none(),
                edit: Some("/x".to_owned()),
                is_admin: true,
                link: Some("/sign-in-link".to_owned()),
                remove: Some("/remove".to_owned()),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
