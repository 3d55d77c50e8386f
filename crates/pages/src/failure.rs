//! How pages say what went wrong: the one error of the system, and what can be wrong with a form before any operation.

use askama::Template;
use axum::response::{IntoResponse, Response};
use countersign_control::{Error, RETRY_AFTER};
use http::header::RETRY_AFTER as RETRY_AFTER_HEADER;
use http::{HeaderValue, StatusCode};

use crate::frame::{Frame, page, to};
use crate::known::{Known, Stray};
use crate::lost::moved;
use crate::person;
use crate::query::encoded;
use crate::seen::Seen;

/// Why there is no page.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// An operation says so.
    Error(Error),
    /// Nobody is signed in.
    SignedOut,
    /// One is to prove who one is before this page is shown.
    Unproved,
    /// Another site's page asked for a change.
    FromElsewhere,
    /// The form is larger than any of this server's.
    TooLarge,
    /// The body is no form, or was cut off.
    NoForm,
    /// The page has another address now.
    Moved(String),
    /// The organization that a form was sent to has this slug now.
    Renamed(String),
    /// What stands behind the `?` is longer than any of this server's.
    LongAddress,
    /// What stands there is no text.
    NoAddress,
    /// There is something at the address, and it is asked for in another way.
    OtherMethod,
    /// A browser asks in advance for a page that is written down as seen.
    InAdvance,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl IntoResponse for Failure {
    /// The page is made by what stands around every page, which knows what it looks like.
    fn into_response(self) -> Response {
        let mut answer = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        answer.extensions_mut().insert(self);
        answer
    }
}

/// The address of a form that is opened like a page, and its like.
pub(crate) async fn other_method(_: Stray) -> Failure {
    Failure::OtherMethod
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    /// What happened.
    what: String,
    /// What to do about it.
    then: &'static str,
    /// The request's number, where only the log knows more.
    request: Option<String>,
}

/// The parts of an error page.
struct Says {
    status: StatusCode,
    title: &'static str,
    what: String,
    then: &'static str,
    /// When to come again, in seconds.
    wait: Option<u64>,
}

impl Says {
    const fn new(status: StatusCode, title: &'static str, what: String, then: &'static str) -> Self {
        Self { status, title, what, then, wait: None }
    }

    fn after(self, seconds: u64) -> Self {
        Self { wait: Some(seconds.max(1)), ..self }
    }
}

impl Failure {
    /// Whether it is that somebody has to prove first who they are.
    pub(crate) fn is_unproved(&self) -> bool {
        match self {
            Self::Unproved => true,
            Self::Error(error) => person::wants_proof(error),
            _ => false,
        }
    }

    /// The answer, with what is `known` of who looks.
    pub(crate) fn answer(self, seen: &Seen, known: &Known) -> Response {
        let says = match self {
            Self::SignedOut | Self::Error(Error::Unauthenticated { .. }) => return to(&way("/sign-in", seen)),
            Self::Unproved => return to(&way("/prove", seen)),
            Self::Error(error) if person::wants_proof(&error) => return to(&way("/prove", seen)),
            Self::Error(error) => of_error(error),
            Self::FromElsewhere => Says::new(
                StatusCode::FORBIDDEN,
                "Not from here",
                "This change was asked for by a page of another site, so nothing was done.".to_owned(),
                "If you meant it, open the page on this server and do it there.",
            ),
            Self::TooLarge => Says::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "Too much at once",
                "The form holds more than this server takes.".to_owned(),
                "Go back and send less.",
            ),
            Self::NoForm => Says::new(
                StatusCode::BAD_REQUEST,
                "Not a form",
                "What was sent is no form of these pages, or was cut off on its way.".to_owned(),
                "Go back and send it again.",
            ),
            Self::Moved(to) => return moved(&to),
            Self::Renamed(slug) => Says::new(
                StatusCode::CONFLICT,
                "Another address",
                format!("The organization has another address now, /organizations/{slug}, so nothing was done."),
                "Open the page there, and send the form again.",
            ),
            Self::LongAddress => Says::new(
                StatusCode::URI_TOO_LONG,
                "Too long an address",
                "The address asks for more than this server looks at, so nothing is shown.".to_owned(),
                "Go back and search for less, or leave some of the filters out.",
            ),
            Self::NoAddress => Says::new(
                StatusCode::BAD_REQUEST,
                "Not an address",
                "What stands behind the ? of the address is no text in UTF-8, so nothing is shown.".to_owned(),
                "Go back, and write what you look for anew.",
            ),
            Self::OtherMethod => Says::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "Not a page",
                "There is no page at this address: a form is sent to it.".to_owned(),
                "Open the page that the form is on, and send it from there.",
            ),
            Self::InAdvance => Says::new(
                StatusCode::FORBIDDEN,
                "Not in advance",
                "A browser asked for this page before anybody wanted to see it. It may hold a value, so it is shown to whoever opens it.".to_owned(),
                "Open the page.",
            ),
        };
        let request = (says.status == StatusCode::INTERNAL_SERVER_ERROR).then(countersign_http::request_id).flatten();
        let shown = ErrorPage {
            frame: known.around(Frame { notice: None, ..Frame::plain(says.title, seen) }),
            what: says.what,
            then: says.then,
            request,
        };
        let mut answer = page(says.status, &shown).unwrap_or_else(|_| says.status.into_response());
        if let Some(seconds) = says.wait {
            answer.headers_mut().insert(RETRY_AFTER_HEADER, HeaderValue::from(seconds));
        }
        answer
    }
}

/// The address of a page that leads back afterwards.
fn way(page: &str, seen: &Seen) -> String {
    if seen.page == "/" { page.to_owned() } else { format!("{page}?to={}", encoded(&seen.page)) }
}

fn of_error(error: Error) -> Says {
    let what = error.to_string();
    match error {
        Error::Unauthenticated { .. } | Error::Unproved => {
            Says::new(StatusCode::UNAUTHORIZED, "Sign in", what, "Sign in, and open the page again.")
        }
        Error::Denied { .. } => Says::new(
            StatusCode::FORBIDDEN,
            "Not allowed",
            what,
            "Ask an Organization Admin, whom you find among the members in the organization's settings.",
        ),
        Error::NotFound(sought) => Says::new(
            StatusCode::NOT_FOUND,
            "Not found",
            match sought {
                "organization" => "There is no such organization, or you are not a member of it.".to_owned(),
                other => format!(
                    "There is no such {other}: it may be gone, or belong to an organization that you are not a member of."
                ),
            },
            "Check the address.",
        ),
        Error::Invalid(_) => {
            Says::new(StatusCode::UNPROCESSABLE_ENTITY, "This cannot be used", what, "Go back and change it.")
        }
        Error::Conflict(_) => Says::new(StatusCode::CONFLICT, "Not as it was", what, "Go back and look at it again."),
        Error::TooMany { retry_after, .. } => {
            Says::new(StatusCode::TOO_MANY_REQUESTS, "Too often", what, "Nothing was done. Wait, and do it again.")
                .after(retry_after.as_secs())
        }
        Error::Unavailable { .. } => Says::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Not available now",
            what,
            "Nothing was done. Reload the page in a moment.",
        )
        .after(RETRY_AFTER.as_secs()),
        Error::Internal(what) => {
            tracing::error!(%what, "internal error");
            Says::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "A fault of the server",
                "Something went wrong that is not your doing.".to_owned(),
                "Tell whoever runs this server the number of the request: the server's log has more under it.",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use countersign_domain::Refusal;
    use http::header::LOCATION;

    use crate::theme::Theme;

    use super::*;

    fn seen(page: &str) -> Seen {
        Seen { is_safe: true, page: page.to_owned(), theme: Theme::Dark, notice: None }
    }

    fn status(failure: Failure) -> u16 {
        failure.answer(&seen("/"), &Known::default()).status().as_u16()
    }

    #[test]
    fn each_failure_has_a_page() {
        let denied = Error::Denied { action: "agent_token.view", needs: "an Organization Admin" };
        let too_many = Error::TooMany { what: "Too often.".to_owned(), retry_after: Duration::from_secs(7) };
        let unavailable = Error::Unavailable { code: "database", message: "Nobody can tell now." };
        assert_eq!(status(denied.into()), 403);
        assert_eq!(status(Error::NotFound("agent token").into()), 404);
        assert_eq!(status(Error::Conflict("It is gone.".to_owned()).into()), 409);
        assert_eq!(status(Error::invalid("search", "is too long").into()), 422);
        assert_eq!(status(too_many.clone().into()), 429);
        assert_eq!(status(unavailable.into()), 503);
        assert_eq!(status(Error::internal("the disk is on fire").into()), 500);
        assert_eq!(status(Failure::FromElsewhere), 403);
        assert_eq!(status(Failure::TooLarge), 413);
        assert_eq!(status(Failure::NoForm), 400);
        assert_eq!(status(Failure::Moved("/x".to_owned())), 308);
        assert_eq!(status(Failure::Renamed("acme".to_owned())), 409);
        assert_eq!(status(Failure::LongAddress), 414);
        assert_eq!(status(Failure::NoAddress), 400);
        assert_eq!(status(Failure::OtherMethod), 405);
        assert_eq!(status(Failure::InAdvance), 403);
        assert_eq!(Failure::from(too_many).answer(&seen("/"), &Known::default()).headers()[RETRY_AFTER_HEADER], "7");
    }

    #[test]
    fn whoever_is_not_signed_in_is_led_to_it_and_back() {
        let refused = Failure::Error(Error::Unauthenticated { reason: Refusal::Revoked, token: None });
        for failure in [Failure::SignedOut, refused] {
            let answer = failure.answer(&seen("/organizations/acme/agents?search=a&b"), &Known::default());
            assert_eq!(answer.status(), 303);
            assert_eq!(answer.headers()[LOCATION], "/sign-in?to=%2Forganizations%2Facme%2Fagents%3Fsearch%3Da%26b");
        }
        assert_eq!(Failure::Unproved.answer(&seen("/"), &Known::default()).headers()[LOCATION], "/prove");
    }
}
