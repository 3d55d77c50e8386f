//! Who is a member, and as what.

pub(crate) mod invite;
pub(crate) mod link;
pub(crate) mod one;
pub(crate) mod remove;
pub(crate) mod role;
pub(crate) mod service;
pub(crate) mod service_tokens;

use askama::Template;
use countersign_control::PageRequest;
use countersign_control::access::actions::{
    CreateInvitation, CreateServiceUser, ViewInvitations, ViewMemberTokens, ViewMembers, WithdrawInvitation,
};
use countersign_control::invitations::Invitation;
use countersign_control::members::{Member, MemberReference, Wanted};
use countersign_domain::Role;
use countersign_domain::id::UserId;

use crate::brief::{Brief, address};
use crate::failure::Failure;
use crate::frame::{self, Answer, Frame};
use crate::parts::{Choice, Pager, When};
use crate::query::Query;
use crate::visit::{Tab, Visit};
use crate::words;

/// Rows of one part.
const ROWS: u32 = 50;
/// The most invitations that stand beside them.
const INVITATIONS: u32 = 30;

#[derive(Template)]
#[template(path = "members.html")]
struct Page {
    frame: Frame,
    path: String,
    search: String,
    filters: Vec<Choice>,
    count: i64,
    rows: Vec<Row>,
    pager: Pager,
    /// Where somebody is invited, for whoever may.
    invite: Option<String>,
    /// Where a service user is made, for whoever may.
    create: Option<String>,
    /// Invitations that can be accepted, for whoever sees them.
    invitations: Vec<InvitationRow>,
    /// Whether there are more of them than stand here.
    are_more_invited: bool,
}

/// Somebody who was invited.
#[derive(Debug, Clone)]
struct InvitationRow {
    email: Brief,
    role: &'static str,
    created: When,
    expires: When,
    withdraw: Option<String>,
}

impl InvitationRow {
    fn new(visit: &Visit, it: &Invitation) -> Self {
        let may_withdraw = visit.can::<WithdrawInvitation>();
        Self {
            email: address(&it.email).into(),
            role: words::role(it.role),
            created: When::new(it.created_at),
            expires: When::new(it.expires_at),
            withdraw: may_withdraw.then(|| visit.path(&format!("/settings/invitations/{}/withdraw", it.id))),
        }
    }
}

impl Visit {
    /// The member in the address.
    pub(super) async fn member(&self) -> Result<Member, Failure> {
        let reference = MemberReference::parse(self.param("member"))?;
        Ok(self.control().find_member(&self.may::<ViewMembers>()?, reference).await?)
    }

    /// A path of a member.
    pub(crate) fn member_path(&self, id: UserId, below: &str) -> String {
        self.path(&format!("/settings/members/{id}{below}"))
    }
}

/// The newest invitations, and whether there are more.
async fn invitations(visit: &Visit) -> Result<(Vec<InvitationRow>, bool), Failure> {
    if !visit.can::<ViewInvitations>() {
        return Ok((Vec::new(), false));
    }
    let grant = visit.may::<ViewInvitations>()?;
    let page = visit.control().list_invitations(&grant, Some(true), PageRequest::first(INVITATIONS)).await?;
    Ok((page.items.iter().map(|it| InvitationRow::new(visit, it)).collect(), page.has_more))
}

#[derive(Debug, Clone)]
struct Row {
    href: String,
    name: Brief,
    email: String,
    is_service: bool,
    description: Brief,
    role: &'static str,
    joined: When,
    /// Where their user tokens are seen, for whoever may.
    tokens: Option<String>,
}

impl Row {
    fn new(visit: &Visit, it: &Member) -> Self {
        let may_see = visit.can::<ViewMemberTokens>();
        Self {
            href: visit.member_path(it.user.id, ""),
            name: it.user.name.as_str().into(),
            email: if it.user.is_service { String::new() } else { address(&it.user.email) },
            is_service: it.user.is_service,
            description: Brief::of_some(it.user.description.as_ref()),
            role: words::role(it.role),
            joined: When::day(it.joined_at),
            tokens: may_see.then(|| visit.path(&format!("/settings/user-tokens?for={}", it.user.id))),
        }
    }
}

/// A part of the list.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let grant = visit.may::<ViewMembers>()?;
    let filter = query.said("show").unwrap_or_default();
    let text = query.said("search").unwrap_or_default().to_owned();
    let (service, role) = match filter {
        "admins" => (None, Some(Role::Admin)),
        "people" => (Some(false), None),
        "service-users" => (Some(true), None),
        _ => (None, None),
    };
    let wanted = Wanted { service, role, search: Some(text.clone()).filter(|text| !text.is_empty()) };
    let page = PageRequest { after: query.after(), limit: ROWS };
    let found = visit.control().members(&grant, wanted.clone(), page).await?;
    let count = visit.control().count_members(&grant, wanted).await?;
    let path = visit.path("/settings/members");
    let (invitations, are_more_invited) = invitations(&visit).await?;
    let last = found.items.last().filter(|_| found.has_more).map(|it| it.user.id.to_string());
    let all = [
        ("", "Everybody"),
        ("admins", "Organization Admins"),
        ("people", "People"),
        ("service-users", "Service users"),
    ];
    frame::show(&Page {
        frame: visit.settings(Tab::Members, "Members"),
        filters: all.into_iter().map(|(word, words)| Choice::new(word, words, word == filter)).collect(),
        count,
        rows: found.items.iter().map(|it| Row::new(&visit, it)).collect(),
        pager: Pager::new(&path, &[("search", text.as_str()), ("show", filter)], page.after.is_none(), last),
        path,
        search: text,
        invite: visit.can::<CreateInvitation>().then(|| visit.path("/settings/members/invite")),
        invitations,
        are_more_invited,
        create: visit.can::<CreateServiceUser>().then(|| visit.path("/settings/members/new-service-user")),
    })
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_a_member_is_called_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let page = Page {
                frame: Frame::plain("Members", &seen),
                path: "/x".to_owned(),
                search: (*text).to_owned(),
                filters: Vec::new(),
                count: 1,
                rows: vec![Row {
                    href: "/x".to_owned(),
                    name: (*text).into(),
                    email: (*text).to_owned(),
                    is_service: true,
                    description: (*text).into(),
                    role: "Member",
                    joined: When::new(Timestamp::EPOCH),
                    tokens: None,
                }],
                pager: Pager::new("/", &[], true, None),
                invite: None,
                create: Some("/x".to_owned()),
                invitations: vec![InvitationRow {
                    email: (*text).into(),
                    role: "Member",
                    created: When::new(Timestamp::EPOCH),
                    expires: When::new(Timestamp::EPOCH),
                    withdraw: Some("/x".to_owned()),
                }],
                are_more_invited: true,
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
