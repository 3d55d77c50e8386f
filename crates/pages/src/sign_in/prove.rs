//! Proving again who one is, before something that cannot be taken back.

use askama::Template;
use countersign_control::{Caller, Error, Result};

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::person;
use crate::query::Query;
use crate::visit::Anyone;

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
    /// What the browser shows as its address, where the page answers another way's form.
    address: Option<String>,
}

impl Page {
    async fn new(anyone: &Anyone, caller: &Caller, email: String, to: String, faults: &Faults) -> Result<Self> {
        let password = person::has_password(&anyone.site.control, caller).await?.then(|| password(faults));
        let problems = faults.beside(if password.is_some() { &["password"] } else { &[] });
        Ok(Self {
            frame: Frame::plain("Confirm that it is you", &anyone.seen).on(&anyone.site),
            problems,
            email,
            password,
            ways: Ways::to_prove(&anyone.site.control, caller, &to).await?,
            to,
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
    let (caller, email) = person::own(&anyone).await?;
    frame::show(&Page::new(&anyone, &caller, email, asked_way(&query), &Faults::default()).await?)
}

/// Takes the password, and leads back.
pub(crate) async fn submit(anyone: Anyone, form: Posted) -> Answer {
    let to = posted_way(&form);
    let (caller, email) = person::own(&anyone).await?;
    match person::prove(&anyone.site.control, &caller, form.text("password")).await {
        Ok(()) => Ok(then(&anyone.site, &to, Notice::Proved)),
        Err(error) => frame::again(&Page::new(&anyone, &caller, email, to, &Faults::of(error)?).await?),
    }
}

/// The form once more for whoever has tried another way, with what was wrong.
pub(super) async fn again(anyone: &Anyone, (caller, email): (Caller, String), to: String, error: Error) -> Answer {
    let address = Some(leading("/prove", &to));
    let page = Page::new(anyone, &caller, email, to, &Faults::of(error)?).await?;
    frame::again(&Page { address, ..page })
}

#[cfg(test)]
mod tests {
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn page(password: Option<Field>, ways: Ways) -> String {
        let seen = Seen { is_safe: true, page: "/prove".to_owned(), theme: Theme::System, notice: None };
        let page = Page {
            frame: Frame::plain("Confirm that it is you", &seen),
            problems: Vec::new(),
            email: "ada@acme.example".to_owned(),
            password,
            to: "/x".to_owned(),
            ways,
            address: None,
        };
        page.render().expect("a page")
    }

    #[test]
    fn whoever_has_no_password_is_asked_for_none() {
        let html = page(Some(password(&Faults::default())), Ways::sample("/x"));
        assert!(html.contains(r#"type="password""#) && html.contains("Confirm</button>"), "{html}");
        let html = page(None, Ways::sample("/x"));
        assert!(!html.contains(r#"type="password""#) && !html.contains("Confirm</button>"), "{html}");
        assert!(html.contains("id.example") && html.contains("Not now") && !html.contains("no password yet"), "{html}");
        let html = page(None, Ways::none());
        assert!(html.contains("no password yet") && html.contains("Not now"), "whoever has nothing is told what to do");
    }
}
