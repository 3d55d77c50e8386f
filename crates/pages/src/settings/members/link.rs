//! Making a link by which a member sets a new password. Its value is in the answer alone.

use askama::Template;
use countersign_control::access::actions::IssueMemberSignInLink;
use countersign_control::members::MemberReference;

use crate::brief::{Brief, address as short_address};
use crate::form::Faults;
use crate::frame::{self, Answer, Frame};
use crate::parts::{Secret, When};
use crate::visit::{Tab, Visit};

use super::one::{called, page};

#[derive(Template)]
#[template(path = "member_link.html")]
struct Made<'a> {
    frame: Frame,
    back: String,
    member: &'a str,
    email: Brief,
    secret: Secret<'a>,
    until: When,
}

/// Makes the link, and shows it once. For whom none is made here, their page says why.
pub(crate) async fn submit(visit: Visit) -> Answer {
    let grant = visit.may::<IssueMemberSignInLink>()?;
    let it = visit.member().await?;
    match visit.control().issue_member_sign_in_link(&grant, MemberReference::Id(it.user.id)).await {
        Ok(issued) => {
            let (list, back) = (visit.path("/settings/members"), visit.member_path(it.user.id, ""));
            let link = format!("{}/sign-in#{}", visit.site.public_url(), issued.secret.reveal());
            let name = called(&it);
            let frame = visit.settings(Tab::Members, "Sign-in link").crumb("Members", list);
            frame::show(&Made {
                frame: frame.crumb(name.clone(), back.clone()),
                back,
                member: &name,
                email: short_address(&issued.email).into(),
                secret: Secret { label: "Sign-in link", value: &link },
                until: When::new(issued.link.expires_at),
            })
        }
        Err(error) => frame::again(&page(&visit, &it, &Faults::of(error)?).await?),
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whomever_a_link_is_for_stays_text() {
        let seen = Seen { is_safe: false, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let page = Made {
                frame: Frame::plain("Sign-in link", &seen),
                back: "/x".to_owned(),
                member: text,
                email: (*text).into(),
                secret: Secret { label: "Sign-in link", value: text },
                until: When::new(Timestamp::EPOCH),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
