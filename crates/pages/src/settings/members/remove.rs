//! Taking a member out of the organization: what that means is said first.

use askama::Template;
use countersign_control::Error;
use countersign_control::access::actions::RemoveMember;
use countersign_control::members::{Member, MemberReference};

use crate::failure::Failure;
use crate::form::Faults;
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::visit::{Tab, Visit};

use super::one::called;

#[derive(Template)]
#[template(path = "member_remove.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    member: String,
    /// Whether one is about to remove oneself.
    is_oneself: bool,
    problems: Vec<String>,
}

fn page(visit: &Visit, it: &Member, faults: &Faults) -> Page {
    let path = |below| visit.member_path(it.user.id, below);
    let list = visit.path("/settings/members");
    Page {
        frame: visit.settings(Tab::Members, "Remove").crumb("Members", list).crumb(called(it), path("")),
        action: path("/remove"),
        back: path(""),
        member: called(it),
        is_oneself: Some(it.user.id) == visit.user(),
        problems: faults.beside(&[]),
    }
}

/// Says what it means.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<RemoveMember>()?;
    let it = visit.member().await?;
    frame::show(&page(&visit, &it, &Faults::default()))
}

/// Removes the member.
pub(crate) async fn submit(visit: Visit) -> Answer {
    let grant = visit.may::<RemoveMember>()?;
    let list = visit.path("/settings/members");
    let it = match visit.member().await {
        Err(Failure::Error(Error::NotFound("member"))) => return Ok(then(&visit.site, &list, Notice::MemberGone)),
        it => it?,
    };
    match visit.control().remove_member(&grant, MemberReference::Id(it.user.id)).await {
        // Whoever has removed themselves sees nothing of the organization any more.
        Ok(_) if Some(it.user.id) == visit.user() => Ok(frame::to("/")),
        Ok(_) => Ok(then(&visit.site, &list, Notice::MemberRemoved)),
        Err(Error::NotFound("member")) => Ok(then(&visit.site, &list, Notice::MemberGone)),
        Err(error) => frame::again(&page(&visit, &it, &Faults::of(error)?)),
    }
}
