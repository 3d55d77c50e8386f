//! Forms: what a page posts, with limits, and what is wrong with it, at its field.
//!
//! Where a form was posted from is asked before any of this, for every change at once: see [`crate::around`].

use std::str::FromStr;

use axum::extract::{FromRequest, Request};
use countersign_control::{Error, Result};
use countersign_domain::Timestamp;
use countersign_domain::text::FieldError;
use countersign_http::{BadBody, read_body};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use url::form_urlencoded;

use crate::failure::Failure;
use crate::sign_in::typed::Reading;

/// The most bytes of a form: a hundred deployments and queues by name are a tenth of it.
const MAX_FORM: usize = 128 * 1024;
/// The most fields of a form.
const MAX_FIELDS: usize = 2_000;
const KIND: &str = "application/x-www-form-urlencoded";

/// The fields of a form; none where nothing was sent. `Debug` shows their names alone: any may hold a password.
#[derive(Default)]
pub(crate) struct Posted(Vec<(String, String)>);

impl std::fmt::Debug for Posted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Whether what is sent is a form, and nothing else: it is asked for every change at once, also for one that no field is read of. A body of another kind
/// is what a page of another site can send without asking.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(KIND)
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> std::result::Result<Self, Failure> {
        if !is_form(request.headers()) {
            return Err(Failure::NoForm);
        }
        let reading = request.extensions().get::<Reading>().cloned();
        let body = read_body(request, MAX_FORM).await.map_err(|bad| match bad {
            BadBody::TooLarge(_) | BadBody::TooManyValues(_) => Failure::TooLarge,
            BadBody::CutOff | BadBody::Malformed(_) => Failure::NoForm,
        })?;
        let form = Self::read(&body)?;
        if let Some(reading) = reading {
            reading.keep(&form.0);
        }
        Ok(form)
    }
}

impl Posted {
    fn read(body: &[u8]) -> std::result::Result<Self, Failure> {
        // What is no UTF-8 would be kept with other characters than were sent.
        let is_text = percent_encoding::percent_decode(body).decode_utf8().is_ok();
        if !is_text {
            return Err(Failure::NoForm);
        }
        let fields: Vec<_> = form_urlencoded::parse(body).into_owned().take(MAX_FIELDS + 1).collect();
        if fields.len() > MAX_FIELDS { Err(Failure::TooLarge) } else { Ok(Self(fields)) }
    }

    /// What was written in a field; empty where it is not in the form. Of several, the last.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// The same, none for one that is not in the form.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    /// The same, none for one that was left empty.
    pub(crate) fn said(&self, name: &str) -> Option<&str> {
        Some(self.text(name).trim()).filter(|text| !text.is_empty())
    }

    /// Every value of a field that may stand several times, such as a row of boxes.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box was ticked.
    pub(crate) fn is_ticked(&self, name: &str) -> bool {
        self.0.iter().any(|(of, value)| of == name && value == "on")
    }

    /// What was chosen of some; none where the form has no such field.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the field for what is none of them: never is another one taken in its place.
    pub(crate) fn choice<T: FromStr>(&self, name: &str, label: &str) -> Result<Option<T>> {
        self.given(name).map(|word| word.parse().map_err(|_| not_offered(name, label))).transpose()
    }

    /// The same where something must be chosen.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the field.
    pub(crate) fn chosen<T: FromStr>(&self, name: &str, label: &str) -> Result<T> {
        self.choice(name, label)?.ok_or_else(|| not_offered(name, label))
    }

    /// The same to show a form again that could not be taken; none where nothing is to be ticked.
    pub(crate) fn was_chosen<T: FromStr>(&self, name: &str) -> Option<T> {
        self.choice(name, "").ok().flatten()
    }

    /// Lines of a field, without blank ones.
    pub(crate) fn lines(&self, name: &str) -> Vec<&str> {
        let parts = self.text(name).split(['\n', '\r', ',']);
        parts.map(str::trim).filter(|line| !line.is_empty()).collect()
    }

    /// A point in time, as `datetime-local` writes it or whole, in UTC; none where the field was left empty.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>> {
        let Some(text) = self.said(name) else { return Ok(None) };
        let whole = match text.len() {
            10 => format!("{text}T23:59:59Z"),
            16 => format!("{text}:00Z"),
            19 => format!("{text}Z"),
            _ => text.to_owned(),
        };
        let read =
            whole.parse().map_err(|_| Error::invalid(name, "is not a point in time; write it as 2027-01-31T09:00"));
        read.map(Some)
    }
}

/// What is said at a choice where none that is offered was made.
pub(crate) fn not_offered(name: &str, label: &str) -> Error {
    Error::invalid(name, format!("{label}: choose one of those that are offered"))
}

/// What an operation says is wrong with a form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(Vec<FieldError>);

impl Faults {
    /// The faults, where the error is of that sort; any other error has a page of its own.
    pub(crate) fn of(error: Error) -> std::result::Result<Self, Failure> {
        match error {
            Error::Invalid(fields) => Ok(Self(fields)),
            Error::Conflict(what) => Ok(Self(vec![FieldError::new("", what)])),
            other => Err(other.into()),
        }
    }

    /// Faults at fields, in their order, for a test or to look at.
    pub(crate) fn some(all: &[(&str, &str)]) -> Self {
        Self(all.iter().map(|(field, message)| FieldError::new(*field, *message)).collect())
    }

    /// The same of a form for something that has a name of its own. What is at odds with what is there stands at the name where that `is_taken`.
    pub(crate) fn of_named(error: Error, is_taken: bool) -> std::result::Result<Self, Failure> {
        match error {
            Error::Conflict(what) if is_taken => Ok(Self(vec![FieldError::new("name", what)])),
            other => Self::of(other),
        }
    }

    /// One fault, for a test.
    #[cfg(test)]
    pub(crate) fn at(field: &str, message: &str) -> Self {
        Self::some(&[(field, message)])
    }

    /// Whether nothing is wrong.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field of this name, after the words that stand before it; and whether this is the first fault.
    pub(crate) fn of_field(&self, name: &str, label: &str) -> (Option<String>, bool) {
        let found = self.0.iter().position(|fault| fault.field == name);
        (found.map(|at| sentence(label, &self.0[at].message)), found == Some(0))
    }

    /// What is wrong with no field of this form.
    pub(crate) fn beside(&self, fields: &[&str]) -> Vec<String> {
        let others = self.0.iter().filter(|fault| !fields.contains(&fault.field.as_str()));
        others.map(|fault| sentence(&fault.field, &fault.message)).collect()
    }
}

/// Some messages go on from the field's name, others are sentences of their own.
fn sentence(label: &str, message: &str) -> String {
    let is_sentence = label.is_empty() || message.starts_with(|sign: char| sign.is_uppercase() || sign == '"');
    let mut text = if is_sentence { message.to_owned() } else { format!("{label} {message}") };
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
impl Posted {
    /// A form as a browser writes it.
    pub(crate) fn of(body: &str) -> Self {
        Self::read(body.as_bytes()).expect("a form")
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn read(body: &str) -> Posted {
        Posted::of(body)
    }

    #[test]
    fn fields_are_read_by_name() {
        let form = read("a=1&b=+x+&a=%C3%A4&box=on&other=yes&lines=10.0.0.0%2F8%0D%0A%0D%0A192.0.2.7,x");
        assert_eq!((form.text("a"), form.text("c")), ("ä", ""));
        assert_eq!((form.said("b"), form.said("c")), (Some("x"), None));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "ä"]);
        assert_eq!((form.is_ticked("box"), form.is_ticked("other")), (true, false));
        assert_eq!(form.lines("lines"), ["10.0.0.0/8", "192.0.2.7", "x"]);
    }

    #[test]
    fn what_is_none_of_the_choices_is_a_fault_and_no_other_choice() {
        use countersign_domain::Role;
        let form = read("a=admin&b=owner&c=");
        assert_eq!(form.choice("a", "Role"), Ok(Some(Role::Admin)));
        assert_eq!(form.choice::<Role>("d", "Role"), Ok(None), "the form does not have it");
        let wrong = |name| Err(Error::invalid(name, "Role: choose one of those that are offered"));
        for name in ["b", "c"] {
            assert_eq!(form.choice::<Role>(name, "Role"), wrong(name).map(Some), "{name}");
        }
        for name in ["b", "c", "d"] {
            assert_eq!(form.chosen::<Role>(name, "Role"), wrong(name), "{name}");
            assert_eq!(form.was_chosen::<Role>(name), None, "{name}");
        }
        assert_eq!(form.was_chosen("a"), Some(Role::Admin));
    }

    #[test]
    fn times_are_read_as_browsers_write_them() {
        let form = read("a=2027-01-31T09%3A00&b=2027-01-31&c=&d=soon&e=2027-01-31T09%3A00%3A00Z");
        let text = |name| form.time(name).map(|at| at.map(|at| at.to_string()));
        assert_eq!(text("a"), Ok(Some("2027-01-31T09:00:00Z".to_owned())));
        assert_eq!(text("b"), Ok(Some("2027-01-31T23:59:59Z".to_owned())));
        assert_eq!(text("c"), Ok(None));
        assert_eq!(text("e"), text("a"));
        assert!(matches!(text("d"), Err(Error::Invalid(_))));
    }

    #[test]
    fn a_fault_stands_at_its_field_and_only_the_first_takes_the_focus() {
        let error = Error::Invalid(vec![
            FieldError::new("description", "is empty; write at least one character that can be seen"),
            FieldError::new("scope", "Names a deployment that is gone"),
        ]);
        let faults = Faults::of(error).expect("faults");
        let empty = "Description is empty; write at least one character that can be seen.".to_owned();
        assert_eq!(faults.of_field("description", "Description"), (Some(empty), true));
        assert_eq!(
            faults.of_field("scope", "Permissions"),
            (Some("Names a deployment that is gone.".to_owned()), false)
        );
        assert_eq!(faults.of_field("expiresAt", "Expiry"), (None, false));
        assert_eq!(faults.beside(&["description"]), ["Names a deployment that is gone."]);
    }

    #[tokio::test]
    async fn only_a_form_of_a_bounded_size_is_read() {
        let send = async |kind: &str, body: Vec<u8>| {
            let request = Request::post("/x").header(CONTENT_TYPE, kind).body(Body::from(body)).expect("a request");
            Posted::from_request(request, &()).await
        };
        assert!(send(KIND, b"a=b".to_vec()).await.is_ok());
        assert!(send("application/x-www-form-urlencoded; charset=UTF-8", b"a=b".to_vec()).await.is_ok());
        for kind in ["text/plain", "multipart/form-data; boundary=x", "application/json", ""] {
            assert!(matches!(send(kind, b"a=b".to_vec()).await, Err(Failure::NoForm)), "{kind}");
        }
        for body in [&b"a=%ff%fe"[..], b"a=\xff", b"%c3=b", b"a=%c3&b=%a4"] {
            assert!(matches!(send(KIND, body.to_vec()).await, Err(Failure::NoForm)), "{body:?}");
        }
        assert!(send(KIND, b"a=%c3%a4&b=%zz&c=%".to_vec()).await.is_ok(), "as browsers read it");
        assert!(matches!(send(KIND, vec![b'a'; MAX_FORM + 1]).await, Err(Failure::TooLarge)));
        assert!(matches!(send(KIND, b"a=b&".repeat(MAX_FIELDS + 1)).await, Err(Failure::TooLarge)));
    }

    #[test]
    fn no_value_is_shown() {
        assert_eq!(format!("{:?}", read("password=hunter2&a=b")), r#"["password", "a"]"#);
    }
}
