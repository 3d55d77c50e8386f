//! The page of one of one's own user tokens, with its value where that was asked for.

use askama::Template;
use countersign_control::access::actions::{RevealUserToken, RevokeUserToken, UpdateUserToken};
use countersign_control::agent_tokens::Token;
use countersign_control::revealing;

use crate::frame::{self, Answer, Frame};
use crate::parts::{Secret, When};
use crate::tokens::one::{ONCE, SEEN, Told};
use crate::visit::{Tab, Visit};
use crate::words::{self, State};

use super::title;

#[derive(Template)]
#[template(path = "user_token.html")]
struct Page<'a> {
    frame: Frame,
    secret: Option<Secret<'a>>,
    about_secret: String,
    here: String,
    reveal: Option<String>,
    describe: Option<String>,
    revoke: Option<String>,
    public_id: String,
    created: When,
    expires: Option<When>,
    policy: &'static str,
    reveal_until: Option<When>,
    last_used: Option<When>,
    last_used_ip: String,
    state: &'static str,
    state_class: &'static str,
    revoked: Option<When>,
    revoked_reason: String,
}

/// The page of the token in the address.
pub(crate) async fn show(visit: Visit) -> Answer {
    let token = visit.own_token().await?;
    told(&visit, &token, Told::Nothing)
}

/// The page of a token, with its value where that was asked for.
pub(crate) fn told(visit: &Visit, token: &Token, told: Told<'_>) -> Answer {
    let now = visit.control().now();
    let state = State::of(token, now);
    let stands = state != State::Revoked;
    let (value, about_secret) = match told {
        Told::Nothing => (None, String::new()),
        Told::Once(value) | Told::Rotated(value) => (Some(value), ONCE.to_owned()),
        Told::Again(value) => (Some(value), SEEN.to_owned()),
        Told::Closed(why) => (None, why),
    };
    let path = |below| visit.user_token_path(token.id, below);
    frame::show(&Page {
        frame: visit.settings(Tab::UserTokens, title(token)).crumb("User tokens", visit.path("/settings/user-tokens")),
        secret: value.map(Secret::of_token),
        about_secret,
        here: path(""),
        reveal: (value.is_none() && revealing::is_open(token, now) && visit.can::<RevealUserToken>())
            .then(|| path("/reveal")),
        describe: (stands && visit.can::<UpdateUserToken>()).then(|| path("/edit")),
        revoke: (stands && visit.can::<RevokeUserToken>()).then(|| path("/revoke")),
        public_id: token.public_id.to_string(),
        created: When::new(token.created_at),
        expires: token.expires_at.map(When::new),
        policy: words::policy(token.reveal_policy),
        reveal_until: token.reveal_until.filter(|_| revealing::is_open(token, now)).map(When::new),
        last_used: token.last_used_at.map(|at| When::ago(at, now)),
        last_used_ip: token.last_used_ip.clone().unwrap_or_default(),
        state: state.words(),
        state_class: state.class(),
        revoked: token.revoked_at.map(When::new),
        revoked_reason: token.revoked_reason.clone().unwrap_or_default(),
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
    fn whatever_a_token_is_called_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let at = When::new(Timestamp::EPOCH);
        for text in TEXTS {
            let page = Page {
                frame: Frame::plain(*text, &seen),
                secret: Some(Secret::of_token(text)),
                about_secret: (*text).to_owned(),
                here: "/x".to_owned(),
                reveal: None,
                describe: None,
                revoke: None,
                public_id: (*text).to_owned(),
                created: at.clone(),
                expires: None,
                policy: "Never",
                reveal_until: Some(at.clone()),
                last_used: Some(at.clone()),
                last_used_ip: (*text).to_owned(),
                state: "Active",
                state_class: "good",
                revoked: Some(at.clone()),
                revoked_reason: (*text).to_owned(),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
