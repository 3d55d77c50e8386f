//! Bodies: a JSON object whose fields are taken one by one. What is wrong is said at the field's name, and a field that nobody takes is
//! refused, so that nothing is passed over in silence.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use countersign_control::{Control, Error};
use countersign_domain::text::{FieldError, shown};
use countersign_http as face;
use serde_json::{Map, Value};

use crate::Failure;

/// The fields of a body that have not been taken yet. One that is null is as if it were not there.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

impl FromRequest<Control> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, control: &Control) -> Result<Self, Response> {
        let face::Json(fields) = face::Json::<Map<String, Value>>::from_request(request, control)
            .await
            .map_err(IntoResponse::into_response)?;
        Ok(Self(fields))
    }
}

impl Fields {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// A text.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the field for every other kind of value.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, "a text", &other)),
        }
    }

    /// A text, or null, which is not the same as nothing here.
    ///
    /// # Errors
    /// As [`Fields::text`].
    pub(crate) fn text_or_null(&mut self, name: &str) -> Result<Option<Option<String>>, Error> {
        if self.0.get(name).is_some_and(Value::is_null) {
            self.0.remove(name);
            return Ok(Some(None));
        }
        Ok(self.text(name)?.map(Some))
    }

    /// Yes or no.
    ///
    /// # Errors
    /// As [`Fields::text`].
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong(name, "true or false", &other)),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// As [`Fields::text`].
    pub(crate) fn whole(&mut self, name: &str) -> Result<Option<i64>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong(name, "a whole number", &value)),
        }
    }

    /// An object with fields of its own.
    ///
    /// # Errors
    /// As [`Fields::text`].
    pub(crate) fn object(&mut self, name: &str) -> Result<Option<Self>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Self(fields))),
            Some(other) => Err(wrong(name, "an object", &other)),
        }
    }

    /// An object of texts. Numbers and truth values stand for their text, a list of such for one line each; null leaves its key out.
    ///
    /// # Errors
    /// As [`Fields::text`], at `NAME.KEY` for what is within.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<(String, String)>, Error> {
        let Some(Self(fields)) = self.object(name)? else { return Ok(Vec::new()) };
        let mut texts = Vec::with_capacity(fields.len());
        for (key, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
            let text = match &value {
                Value::Array(items) => items.iter().map(scalar).collect::<Option<Vec<_>>>().map(|it| it.join("\n")),
                other => scalar(other),
            };
            let text = text.ok_or_else(|| wrong(&format!("{name}.{}", shown(&key)), "a text", &value))?;
            texts.push((key, text));
        }
        Ok(texts)
    }

    /// Passes over fields that say nothing to this server.
    pub(crate) fn pass_over(&mut self, names: &[&str]) {
        for name in names {
            self.0.remove(*name);
        }
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// [`Error::Invalid`] at each field that nobody has taken.
    pub(crate) fn finish(self) -> Result<(), Error> {
        self.finish_within("")
    }

    /// The same for an object inside another: `within` is what its names begin with.
    ///
    /// # Errors
    /// As [`Fields::finish`].
    pub(crate) fn finish_within(self, within: &str) -> Result<(), Error> {
        let left = self.0.into_iter().filter(|(_, value)| !value.is_null());
        let faults: Vec<_> = left
            .map(|(name, _)| {
                FieldError::new(format!("{within}{}", shown(&name)), "is not a field of this call; leave it out")
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Says what was wanted and what kind of value came, and nothing of the value.
fn wrong(name: &str, wanted: &str, found: &Value) -> Error {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Error::invalid(name, format!("must be {wanted}, and is {found}"))
}

/// The same error with the names that fields have in this API.
pub(crate) fn renamed(error: Error, names: &[(&str, &str)]) -> Failure {
    let Error::Invalid(mut fields) = error else { return Failure::from(error) };
    for field in &mut fields {
        if let Some((_, name)) = names.iter().find(|(known, _)| *known == field.field) {
            field.field = (*name).to_owned();
        }
    }
    Failure::from(Error::Invalid(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        Fields(serde_json::from_str(text).expect("an object"))
    }

    fn fault<T>(outcome: Result<T, Error>) -> String {
        outcome.err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn a_wrong_kind_is_named_and_its_value_is_not() {
        assert_eq!(fault(fields(r#"{"a":7}"#).text("a")), "a must be a text, and is a number");
        assert_eq!(fault(fields(r#"{"a":"secret"}"#).flag("a")), "a must be true or false, and is a text");
        assert_eq!(
            fault(fields(r#"{"a":1.5}"#).whole("a")),
            "a must be a whole number, and is a number with a fraction"
        );
        assert_eq!(fault(fields(r#"{"a":[]}"#).object("a")), "a must be an object, and is a list");
        assert_eq!(fault(fields(r#"{"a":{"k":{}}}"#).texts("a")), "a.k must be a text, and is an object");
    }

    #[test]
    fn texts_are_read_from_what_has_one_spelling() {
        let read = fields(r#"{"a":{"f":["x","y"],"n":3,"t":true,"u":null}}"#).texts("a").expect("texts");
        let read: Vec<_> = read.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
        assert_eq!(read, [("f", "x\ny"), ("n", "3"), ("t", "true")]);
    }

    #[test]
    fn null_and_nothing_differ_where_they_are_to() {
        let mut body = fields(r#"{"a":"x","b":null}"#);
        assert_eq!(body.text_or_null("a"), Ok(Some(Some("x".to_owned()))));
        assert_eq!(body.text_or_null("b"), Ok(Some(None)));
        assert_eq!(body.text_or_null("c"), Ok(None));
        assert_eq!(body.finish(), Ok(()));
    }

    #[test]
    fn what_nobody_takes_is_refused() {
        let mut body = fields(r#"{"a":"x","b":null,"c":1}"#);
        assert_eq!(body.text("a"), Ok(Some("x".to_owned())));
        assert_eq!(fault(body.finish()), "c is not a field of this call; leave it out");
        let mut body = fields(r#"{"c":1}"#);
        body.pass_over(&["c"]);
        assert_eq!(body.finish(), Ok(()));
    }
}
