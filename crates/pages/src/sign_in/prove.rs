//! Proving again who one is, before something that cannot be taken back.

use askama::Template;
use countersign_control::{Caller, Error, Result};
use http::StatusCode;

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame, page};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::person;
use crate::query::Query;
use crate::visit::Anyone;

use super::typed::{self, Typed};
use super::ways::Ways;
use super::{asked_way, leading, posted_way};

#[derive(Template)]
#[template(path = "prove.html")]
struct Page {
    frame: Frame,
    problems: Vec<String>,
    /// Whose password is asked for; for those who keep passwords in their browser.
    email: String,
    /// For whoever has one.
    password: Option<Field>,
    to: String,
    ways: Ways,
    /// The form that waits for the proof.
    typed: Option<Typed>,
    /// What the browser shows as its address, where the page answers a form of another address.
    address: Option<String>,
}

impl Page {
    async fn new(
        anyone: &Anyone,
        (caller, email): (Caller, String),
        to: String,
        typed: Option<Typed>,
        faults: &Faults,
    ) -> Result<Self> {
        let caller = &caller;
        let password = person::has_password(&anyone.site.control, caller).await?.then(|| password(faults));
        let problems = faults.beside(if password.is_some() { &["password"] } else { &[] });
        Ok(Self {
            frame: Frame::plain("Confirm that it is you", &anyone.seen).on(&anyone.site),
            problems,
            email,
            password,
            ways: Ways::to_prove(&anyone.site.control, caller, &to, typed.clone()).await?,
            to,
            typed,
            address: None,
        })
    }
}

fn password(faults: &Faults) -> Field {
    let field = Field::new("password", "Password").kind("password").complete("current-password");
    field.required().first().faults(faults, "password")
}

/// The form.
pub(crate) async fn show(anyone: Anyone, query: Query) -> Answer {
    let own = person::own(&anyone).await?;
    frame::show(&Page::new(&anyone, own, asked_way(&query), None, &Faults::default()).await?)
}

/// The form for whoever has sent another one that needs a proof. Nothing of that is done yet.
pub(crate) async fn with_form(anyone: &Anyone, typed: Typed) -> Answer {
    let (own, to) = (person::own(anyone).await?, anyone.seen.page.clone());
    let address = Some(leading("/prove", &to));
    let typed = Some(typed.of(&own.0));
    let shown = Page::new(anyone, own, to, typed, &Faults::default()).await?;
    page(StatusCode::FORBIDDEN, &Page { address, ..shown })
}

/// Goes on where somebody was who has proved who they are: by the form that they had sent, or on the page that they came from.
pub(super) fn proved(anyone: &Anyone, typed: Option<Typed>, to: &str) -> Answer {
    match typed {
        Some(typed) => typed::again(anyone, typed, to),
        None => Ok(then(&anyone.site, to, Notice::Proved)),
    }
}

/// Takes the password, and leads back.
pub(crate) async fn submit(anyone: Anyone, form: Posted) -> Answer {
    let (own, to) = (person::own(&anyone).await?, posted_way(&form));
    let typed = Typed::posted(&form, &own.0);
    match person::prove(&anyone.site.control, &own.0, form.text("password")).await {
        Ok(()) => proved(&anyone, typed, &to),
        Err(error) => frame::again(&Page::new(&anyone, own, to, typed, &Faults::of(error)?).await?),
    }
}

/// The form once more for whoever has tried another way, with what was wrong.
pub(super) async fn again(
    anyone: &Anyone,
    own: (Caller, String),
    to: String,
    typed: Option<Typed>,
    error: Error,
) -> Answer {
    let address = Some(leading("/prove", &to));
    let page = Page::new(anyone, own, to, typed, &Faults::of(error)?).await?;
    frame::again(&Page { address, ..page })
}

#[cfg(test)]
mod tests {
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn shown(password: Option<Field>, ways: Ways) -> String {
        let seen = Seen { is_safe: true, page: "/prove".to_owned(), theme: Theme::System, notice: None };
        let page = Page {
            frame: Frame::plain("Confirm that it is you", &seen),
            problems: Vec::new(),
            email: "ada@acme.example".to_owned(),
            password,
            to: "/x".to_owned(),
            typed: None,
            ways,
            address: None,
        };
        page.render().expect("a page")
    }

    #[test]
    fn whoever_has_no_password_is_asked_for_none() {
        let html = shown(Some(password(&Faults::default())), Ways::sample("/x"));
        assert!(html.contains(r#"type="password""#) && html.contains("Confirm</button>"), "{html}");
        let html = shown(None, Ways::sample("/x"));
        assert!(!html.contains(r#"type="password""#) && !html.contains("Confirm</button>"), "{html}");
        assert!(html.contains("id.example") && html.contains("Not now") && !html.contains("no password yet"), "{html}");
        let html = shown(None, Ways::none());
        assert!(html.contains("no password yet") && html.contains("Not now"), "whoever has nothing is told what to do");
    }
}
