//! Revoking a user token: one's own, or as an Organization Admin that of a member.

use askama::Template;
use countersign_control::Result;
use countersign_control::access::actions::{RevokeMemberToken, RevokeUserToken, ViewMemberTokens};
use countersign_control::agent_tokens::Token;
use countersign_control::members::{Member, MemberReference};
use countersign_control::user_tokens::UserTokenReference;

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::query::Query;
use crate::visit::{Tab, Visit};

use super::list::{of, owner};
use super::title;

#[derive(Template)]
#[template(path = "user_token_revoke.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    /// What the token is called.
    token: String,
    owner: String,
    /// The owner's id, unless it is one's own.
    of: String,
    problems: Vec<String>,
    reason: Field,
}

async fn page(
    visit: &Visit,
    owner: Option<&Member>,
    text: &str,
    faults: &Faults,
) -> std::result::Result<Page, Failure> {
    let token = look(visit, owner).await?;
    let list = visit.path("/settings/user-tokens");
    let field = Field::new("reason", "Reason").value(text).hint("Kept with the token and in the audit log.").first();
    Ok(Page {
        frame: around(visit, owner, &token),
        action: visit.user_token_path(token.id, "/revoke"),
        back: format!("{list}{}", of(owner)),
        token: title(&token),
        owner: owner.map(|it| it.user.name.clone()).unwrap_or_default(),
        of: owner.map(|it| it.user.id.to_string()).unwrap_or_default(),
        problems: faults.beside(&["reason"]),
        reason: field.faults(faults, "reason"),
    })
}

/// The token that is revoked.
async fn look(visit: &Visit, owner: Option<&Member>) -> std::result::Result<Token, Failure> {
    let Some(owner) = owner else { return visit.own_token().await };
    let (of, token) = (MemberReference::Id(owner.user.id), UserTokenReference::Id(visit.token_id()?));
    Ok(visit.control().member_token(&visit.may::<ViewMemberTokens>()?, of, token).await?)
}

/// Around the page: another person's token has no page of its own.
fn around(visit: &Visit, owner: Option<&Member>, token: &Token) -> Frame {
    match owner {
        None => visit.user_token_frame("Revoke", token),
        Some(_) => visit
            .settings(Tab::UserTokens, format!("Revoke {}", title(token)))
            .crumb("User tokens", format!("{}{}", visit.path("/settings/user-tokens"), of(owner))),
    }
}

/// Asks for a reason.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let owner = owner(&visit, query.said("for")).await?;
    match &owner {
        None => drop(visit.may::<RevokeUserToken>()?),
        Some(_) => drop(visit.may::<RevokeMemberToken>()?),
    }
    frame::show(&page(&visit, owner.as_ref(), "", &Faults::default()).await?)
}

/// Revokes the token.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let owner = owner(&visit, form.said("for")).await?;
    let token = UserTokenReference::Id(visit.token_id()?);
    let reason = form.said("reason").map(str::to_owned);
    match revoke(&visit, owner.as_ref(), token, reason).await {
        Ok(()) => {
            let list = visit.path("/settings/user-tokens");
            Ok(then(&visit.site, &format!("{list}{}", of(owner.as_ref())), Notice::Revoked))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            frame::again(&page(&visit, owner.as_ref(), form.text("reason"), &faults).await?)
        }
    }
}

async fn revoke(
    visit: &Visit,
    owner: Option<&Member>,
    token: UserTokenReference,
    reason: Option<String>,
) -> Result<()> {
    let control = visit.control();
    match owner {
        None => {
            let grant = control.grant_own::<RevokeUserToken>(&visit.caller)?;
            control.revoke_user_token(&grant, token, reason).await.map(drop)
        }
        Some(owner) => {
            let grant = control.grant_own::<RevokeMemberToken>(&visit.caller)?;
            let of = MemberReference::Id(owner.user.id);
            control.revoke_member_token(&grant, of, token, reason).await.map(drop)
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
    fn whatever_a_token_and_its_owner_are_called_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let some = || (*text).to_owned();
            let page = Page {
                frame: Frame::plain(*text, &seen),
                action: "/x".to_owned(),
                back: "/".to_owned(),
                token: some(),
                owner: some(),
                of: String::new(),
                problems: vec![some()],
                reason: Field::new("reason", "Reason").value(*text),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
