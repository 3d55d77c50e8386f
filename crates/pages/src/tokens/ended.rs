//! Agent tokens that are revoked or expired: by whom and when, and what is answered in the place of a form for one.

use countersign_control::agent_tokens::{AgentToken, Token};
use http::StatusCode;

use crate::brief::Brief;
use crate::failure::Failure;
use crate::frame::Answer;
use crate::parts::When;
use crate::visit::Visit;
use crate::words::State;

use super::one::{Told, page_of};

/// When a token was revoked, by whom and why.
#[derive(Debug, Clone)]
pub(super) struct Revoked {
    pub at: When,
    pub by: Brief,
    pub reason: String,
}

impl Revoked {
    /// None of a token that is not revoked.
    pub(super) async fn of(visit: &Visit, token: &Token) -> Result<Option<Self>, Failure> {
        let Some(at) = token.revoked_at else { return Ok(None) };
        Ok(Some(Self {
            at: When::new(at),
            by: visit.name_of(token.revoked_by).await?,
            reason: token.revoked_reason.clone().unwrap_or_default(),
        }))
    }

    /// For a test, with this text wherever somebody else chooses it.
    #[cfg(test)]
    pub(super) fn sample(text: &str) -> Self {
        Self { at: When::new(countersign_domain::Timestamp::EPOCH), by: text.into(), reason: text.to_owned() }
    }
}

/// What can be done with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Saying something else of it, or changing what it reaches: until it is revoked.
    Changing,
    /// Giving it another value: until it is revoked or has expired.
    Rotating,
}

/// Why that cannot be done with a token any more; none while it can.
fn why_not(doing: Doing, state: State) -> Option<&'static str> {
    match (doing, state) {
        (Doing::Changing, State::Revoked) => {
            Some("The token is revoked, and stays as it is: nothing of it can be changed.")
        }
        (Doing::Rotating, State::Revoked) => {
            Some("The token is revoked, and gets no other value. Create another token.")
        }
        (Doing::Rotating, State::Expired) => {
            Some("The token has expired, and gets no other value. Create another token.")
        }
        (_, State::Active | State::ExpiresSoon | State::Expired) => None,
    }
}

/// In the place of a form that is for nothing any more: the page of the token, with why. None while the form is for something.
pub(super) async fn in_place_of_form(visit: &Visit, it: &AgentToken, doing: Doing) -> Option<Answer> {
    let why = why_not(doing, State::of(&it.token, visit.control().now()))?;
    Some(page_of(visit, it, StatusCode::CONFLICT, Told::Closed(why.to_owned())).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_there_while_it_is_for_something() {
        let all = [State::Active, State::ExpiresSoon, State::Expired, State::Revoked];
        let can = |doing| all.into_iter().filter(|state| why_not(doing, *state).is_none()).collect::<Vec<_>>();
        assert_eq!(can(Doing::Changing), all[..3]);
        assert_eq!(can(Doing::Rotating), all[..2]);
    }
}
