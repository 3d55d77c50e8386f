//! What somebody had typed into a form when they were asked to prove who they are. The page that asks carries it, and once it is proved the same form is
//! sent again: by itself where there is script, and by one more click without.
//!
//! It stays in the page: the server keeps nothing of it. What is a secret is never carried, and a form with one is filled in again.

use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use countersign_control::Caller;
use http::Uri;
use url::form_urlencoded;

use crate::form::Posted;
use crate::frame::{self, Answer, Frame};
use crate::seen::is_local;
use crate::visit::Anyone;

/// Names of fields whose values are never put into a page.
const SECRET: [&str; 6] = ["password", "new_password", "link", "credential", "challenge", "value"];
/// The most bytes that are carried, as a form is written: a page stays below 100 kB with it.
const MAX_TYPED: usize = 24 * 1024;
/// Where forms are that are sent again: nobody signs in or out by one, or proves anything.
const OF_FORMS: [&str; 2] = ["/organizations/", "/account/"];

/// A form that waits for a proof.
#[derive(Debug, Clone, Default, PartialEq, Eq, Template)]
#[template(path = "typed.html")]
pub(crate) struct Typed {
    /// Where it is sent; a path of this server.
    action: String,
    /// Its fields, as a form is written.
    text: String,
    /// Who typed it: nobody else sends it by proving who they are.
    by: String,
}

impl askama::filters::HtmlSafe for Typed {}

/// What a handler has read of a form, for whoever stands around it. Empty until then.
#[derive(Clone, Default)]
pub(crate) struct Reading(Arc<Mutex<Option<String>>>);

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reading")
    }
}

impl Reading {
    /// Keeps the fields of a form until the answer is made; none of one that holds a secret or is too long.
    pub(crate) fn keep(&self, fields: &[(String, String)]) {
        let is_secret = fields.iter().any(|(name, _)| SECRET.contains(&name.as_str()));
        let length: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let text = (!is_secret && length <= MAX_TYPED).then(|| written(fields));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.unwrap_or_else(|| NOT_KEPT.to_owned()));
    }

    /// The form that was sent to `uri`. None where it is not carried on.
    pub(crate) fn typed(&self, uri: &Uri) -> Option<Typed> {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        Typed::new(uri.path_and_query().map_or("", |it| it.as_str()), &text)
    }
}

/// Stands for a form that is not carried on: no form is written so.
const NOT_KEPT: &str = "=";

fn written(fields: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl Typed {
    /// What the page carries, where it is a form of this server without a secret.
    fn new(action: &str, text: &str) -> Option<Self> {
        let is_of_form = OF_FORMS.iter().any(|of| action.starts_with(of)) && is_local(action) && !action.contains('#');
        let is_secret = form_urlencoded::parse(text.as_bytes()).any(|(name, _)| SECRET.contains(&&*name));
        let fits = text != NOT_KEPT && text.len() <= MAX_TYPED && !is_secret;
        (is_of_form && fits).then(|| Self { action: action.to_owned(), text: text.to_owned(), by: String::new() })
    }

    /// The same, said to be typed by whoever calls.
    pub(crate) fn of(self, caller: &Caller) -> Self {
        Self { by: id_of(caller), ..self }
    }

    /// The form that a page carried which asked for a proof, where it is the caller who had typed it: two people may use one browser.
    pub(crate) fn posted(form: &Posted, caller: &Caller) -> Option<Self> {
        Self::posted_by(form, id_of(caller))
    }

    fn posted_by(form: &Posted, by: String) -> Option<Self> {
        let typed = Self::new(form.said("typed_to")?, form.text("typed"))?;
        (!by.is_empty() && form.text("typed_by") == by).then_some(Self { by, ..typed })
    }
}

/// Empty for whoever is no person.
fn id_of(caller: &Caller) -> String {
    caller.user().map(|it| it.to_string()).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "again.html")]
struct Again {
    frame: Frame,
    action: String,
    fields: Vec<(String, String)>,
    /// The page that the form was on.
    to: String,
}

/// Sends the form once more.
pub(crate) fn again(anyone: &Anyone, typed: Typed, to: &str) -> Answer {
    let fields = form_urlencoded::parse(typed.text.as_bytes()).into_owned().collect();
    let frame = Frame { notice: None, ..Frame::plain("It is you", &anyone.seen).on(&anyone.site) };
    frame::show(&Again { frame, action: typed.action, fields, to: to.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(path: &str, fields: &[(&str, &str)]) -> Option<Typed> {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let reading = Reading::default();
        reading.keep(&fields);
        reading.typed(&path.parse().expect("a path"))
    }

    #[test]
    fn what_was_typed_is_carried_on_as_it_was() {
        let fields = [("description", "a&b=\"<c>"), ("deployments", "x"), ("deployments", "y"), ("queues", "")];
        let typed = kept("/organizations/acme/settings/tokens/new", &fields).expect("a form");
        let html = typed.render().expect("a part");
        assert!(!html.contains("<c>") && html.contains(r#"name="typed_to" value="/organizations/acme"#), "{html}");
        let typed = Typed { by: "ada".to_owned(), ..typed };
        let body = [("typed_to", &typed.action), ("typed", &typed.text), ("typed_by", &typed.by)];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(body).finish();
        let posted = Typed::posted_by(&Posted::of(&body), "ada".to_owned()).expect("the same form");
        assert_eq!(posted, typed);
        for other in ["grace", ""] {
            assert_eq!(Typed::posted_by(&Posted::of(&body), other.to_owned()), None, "{other}: who did not type it");
        }
        let read: Vec<(String, String)> = form_urlencoded::parse(posted.text.as_bytes()).into_owned().collect();
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(read, fields);
    }

    #[test]
    fn a_button_without_fields_is_a_form_too() {
        let path = "/organizations/acme/settings/tokens/x/reveal";
        assert!(kept(path, &[]).is_some());
        assert!(Reading::default().typed(&path.parse().expect("a path")).is_some(), "a handler that reads no form");
    }

    #[test]
    fn no_secret_is_carried_and_nothing_that_is_too_long() {
        let path = "/account/passkeys/new";
        for name in SECRET {
            assert_eq!(kept(path, &[("name", "x"), (name, "x")]), None, "{name}");
            assert_eq!(Typed::new(path, &format!("name=x&{name}=x")), None, "{name}");
        }
        assert_eq!(kept(path, &[("name", &"x".repeat(MAX_TYPED))]), None);
        assert_eq!(kept(path, &[("name", &"ä".repeat(MAX_TYPED / 3))]), None, "it grows as it is written");
    }

    #[test]
    fn a_form_is_sent_to_a_form_of_this_server_and_to_nothing_else() {
        for action in [
            "//evil.example/",
            "https://evil.example/",
            "/sign-out",
            "/prove",
            "/sign-in/link",
            "",
            "/\\x",
            "/account/x#y",
        ] {
            assert_eq!(Typed::new(action, "a=b"), None, "{action}");
        }
    }
}
