//! Giving a member another role. Whoever would take their own from themself is asked first: nobody but somebody else gives it back.

use askama::Template;
use countersign_control::Result;
use countersign_control::access::actions::ChangeMemberRole;
use countersign_control::members::{Member, MemberReference, RoleChange};
use countersign_domain::Role;

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::visit::{Tab, Visit};

use super::invite::role;
use super::one::{called, page};

#[derive(Template)]
#[template(path = "member_demote.html")]
struct Question {
    frame: Frame,
    action: String,
    back: String,
    /// Whether one's user tokens are to stand.
    keep_tokens: bool,
}

fn question(visit: &Visit, it: &Member, keep_tokens: bool) -> Question {
    let path = |below| visit.member_path(it.user.id, below);
    let list = visit.path("/settings/members");
    Question {
        frame: visit.settings(Tab::Members, "Change the role").crumb("Members", list).crumb(called(it), path("")),
        action: path("/role"),
        back: path(""),
        keep_tokens,
    }
}

/// Gives the role, or asks.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<ChangeMemberRole>()?;
    let it = visit.member().await?;
    let keep_tokens = form.is_ticked("keep_tokens");
    let is_own = Some(it.user.id) == visit.user() && it.role == Role::Admin;
    if is_own && form.was_chosen("role") == Some(Role::Member) && !form.is_ticked("confirmed") {
        return frame::show(&question(&visit, &it, keep_tokens));
    }
    match change(&visit, &it, &form, keep_tokens).await {
        Ok(()) => Ok(then(&visit.site, &visit.member_path(it.user.id, ""), Notice::RoleChanged)),
        Err(error) => frame::again(&page(&visit, &it, &Faults::of(error)?).await?),
    }
}

async fn change(visit: &Visit, it: &Member, form: &Posted, keep_tokens: bool) -> Result<()> {
    let control = visit.control();
    let change = RoleChange { member: MemberReference::Id(it.user.id), role: role(form)?, keep_tokens };
    control.change_member_role(&control.grant_own::<ChangeMemberRole>(&visit.caller)?, change).await.map(drop)
}
