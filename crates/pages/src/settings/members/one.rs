//! A member's own page: what they are, and their role.

use askama::Template;
use countersign_control::access::actions::{ChangeMemberRole, RemoveMember, ViewMemberTokens, ViewTeams};
use countersign_control::members::{Member, MemberReference, RoleChange};
use countersign_domain::Role;

use crate::form::Posted;
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::{Choice, When};
use crate::visit::{Tab, Visit};
use crate::words;

use super::invite::{role as role_of, roles};

#[derive(Template)]
#[template(path = "member.html")]
struct Page {
    frame: Frame,
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
    is_admin: bool,
    remove: Option<String>,
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Answer {
    let it = visit.member().await?;
    let teams = visit.control().teams_of_member(&visit.may::<ViewTeams>()?, it.user.id).await?;
    let teams: Vec<_> = teams.into_iter().map(|team| team.name).collect();
    let path = |below| visit.member_path(it.user.id, below);
    let list = visit.path("/settings/members");
    frame::show(&Page {
        frame: visit.settings(Tab::Members, called(&it)).crumb("Members", list),
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
        is_admin: it.role == Role::Admin,
        remove: visit.can::<RemoveMember>().then(|| path("/remove")),
    })
}

/// What a member is called on pages.
pub(super) fn called(it: &Member) -> String {
    it.user.name.clone()
}

/// Gives the member another role.
pub(crate) async fn role(visit: Visit, form: Posted) -> Answer {
    let it = visit.member().await?;
    let change = RoleChange {
        member: MemberReference::Id(it.user.id),
        role: role_of(&form),
        keep_tokens: form.is_ticked("keep_tokens"),
    };
    visit.control().change_member_role(&visit.may::<ChangeMemberRole>()?, change).await?;
    Ok(then(&visit.site, &visit.member_path(it.user.id, ""), Notice::RoleChanged))
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
                email: (*text).to_owned(),
                is_service: true,
                description: (*text).to_owned(),
                role: "Member",
                joined: When::new(Timestamp::EPOCH),
                teams: (*text).to_owned(),
                tokens: None,
                change: Some("/role".to_owned()),
                roles: roles(Role::Member),
                is_admin: true,
                remove: Some("/remove".to_owned()),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
