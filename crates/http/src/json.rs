//! JSON objects in, with words about what is wrong that repeat nothing of the body: it may hold a secret.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::limits::{MAX_BODY, MAX_VALUES};

/// A request's body, read from a JSON object of at most `MOST` bytes and `VALUES` values. Unknown fields are passed over, an empty body is
/// `{}`, and the content type is not looked at: agents leave it out where there is nothing to say.
#[derive(Debug)]
pub struct Json<T, const MOST: usize = MAX_BODY, const VALUES: usize = MAX_VALUES>(pub T);

impl<S: Send + Sync, T: DeserializeOwned, const MOST: usize, const VALUES: usize> FromRequest<S>
    for Json<T, MOST, VALUES>
{
    type Rejection = BadBody;

    async fn from_request(request: Request, _: &S) -> Result<Self, BadBody> {
        parse_json(&read_body(request, MOST).await?, VALUES).map(Self)
    }
}

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadBody {
    /// More bytes than this.
    TooLarge(usize),
    /// More values than this, names counted.
    TooManyValues(usize),
    /// The connection ended, or the encoding of the transfer is broken.
    CutOff,
    /// Not an object of the right shape. Where, and what was expected.
    Malformed(String),
}

impl IntoResponse for BadBody {
    fn into_response(self) -> Response {
        match self {
            Self::TooLarge(most) => crate::message(
                StatusCode::PAYLOAD_TOO_LARGE,
                &format!("The body is larger than {most} bytes, the most that this call takes."),
            ),
            Self::TooManyValues(most) => crate::message(
                StatusCode::PAYLOAD_TOO_LARGE,
                &format!(
                    "The body holds more than {most} values, the most that this call takes; send fewer at a time."
                ),
            ),
            Self::CutOff => {
                crate::message(StatusCode::BAD_REQUEST, "The body ended before it was whole; send it again.")
            }
            Self::Malformed(what) => crate::message(StatusCode::BAD_REQUEST, &what),
        }
    }
}

/// A request's whole body.
///
/// # Errors
/// [`BadBody::TooLarge`] before anything is read when its length says so, and as soon as it is above `most` bytes;
/// [`BadBody::CutOff`].
pub async fn read_body(request: Request, most: usize) -> Result<Bytes, BadBody> {
    if declared_length(&request).is_some_and(|length| length > most) {
        return Err(BadBody::TooLarge(most));
    }
    match Limited::new(request.into_body(), most).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if is_too_large(&*error) => Err(BadBody::TooLarge(most)),
        Err(_) => Err(BadBody::CutOff),
    }
}

pub(crate) fn declared_length(request: &Request) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a limit was met, this one's or that of the layer around.
fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.source().is_some_and(is_too_large)
}

/// What a body says, as [`Json`] reads it. How much there is is counted before anything is made of it: a value of two bytes may stand for
/// hundreds in memory.
///
/// # Errors
/// [`BadBody::TooManyValues`] and [`BadBody::Malformed`].
pub fn parse_json<T: DeserializeOwned>(body: &[u8], values: usize) -> Result<T, BadBody> {
    if holds_more_than(values, body) {
        return Err(BadBody::TooManyValues(values));
    }
    let body = body.trim_ascii();
    let body = if body.is_empty() { b"{}" } else { body };
    if body.first() != Some(&b'{') {
        return Err(BadBody::Malformed("The body must be a JSON object.".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| BadBody::Malformed(words(&error)))
}

/// Whether JSON text has more than `most` values, with the names of fields and each list and object for one. Of a text that is no JSON, at
/// most what a reader would have made of it before it found out.
#[must_use]
pub fn holds_more_than(most: usize, body: &[u8]) -> bool {
    let (mut values, mut quoted, mut escaped) = (1_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b':' | b'[' | b'{' if !quoted => values += 1,
            _ => {}
        }
        if values > most {
            return true;
        }
    }
    false
}

/// What is wrong, without a piece of the text.
fn words(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Eof => format!("The body ends in the middle of its JSON text ({place})."),
        Category::Syntax if error.to_string().starts_with("recursion limit") => {
            format!("The body is nested too deeply ({place}); at most 128 levels are read.")
        }
        Category::Data => format!("The body does not fit: {} ({place}).", shape(&error.to_string())),
        Category::Syntax | Category::Io => format!("The body is not valid JSON ({place})."),
    }
}

/// The half of the library's words that speaks of what was expected; the other half repeats what was sent.
fn shape(text: &str) -> String {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    if text.starts_with("missing field") || text.starts_with("duplicate field") {
        return text.to_owned();
    }
    match text.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => "a value is not of the expected kind".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::body::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair {
        key: String,
        #[serde(default)]
        count: u8,
    }

    fn fault(body: &str) -> String {
        match parse_json::<Pair>(body.as_bytes(), MAX_VALUES) {
            Err(BadBody::Malformed(what)) => what,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_fault_has_a_place_and_repeats_nothing() {
        assert_eq!(fault(r#"{"key": 1}"#), "The body does not fit: expected a string (line 1, column 9).");
        assert_eq!(
            fault(r#"{"count": "hunter2, expected x"}"#),
            "The body does not fit: expected u8 (line 1, column 31)."
        );
        assert_eq!(fault("{}"), "The body does not fit: missing field `key` (line 1, column 2).");
        assert_eq!(fault(""), "The body does not fit: missing field `key` (line 1, column 2).");
        assert_eq!(fault(r#"{"key": hunter2}"#), "The body is not valid JSON (line 1, column 9).");
        assert_eq!(fault("{\n\"key\": \"hun"), "The body ends in the middle of its JSON text (line 2, column 11).");
        assert_eq!(fault(r#"["a", 1]"#), "The body must be a JSON object.");
    }

    #[test]
    fn depth_has_an_end() {
        let deep = format!("{{\"x\":{}", "[".repeat(100_000));
        let read = parse_json::<BTreeMap<String, serde_json::Value>>(deep.as_bytes(), usize::MAX);
        let what = "The body is nested too deeply (line 1, column 132); at most 128 levels are read.";
        assert_eq!(read, Err(BadBody::Malformed(what.to_owned())));
    }

    #[test]
    fn what_is_not_asked_for_is_passed_over() {
        let read = parse_json::<Pair>(br#" {"key":"k","new":{"a":[1]}} "#, MAX_VALUES);
        assert_eq!(read, Ok(Pair { key: "k".to_owned(), count: 0 }));
    }

    #[test]
    fn values_are_counted_before_they_are_read() {
        let body = br#"{"key":"a,b:[{\"c\",","new":[{"":0},{"":0}]}"#;
        // The object, two names with their values, and in the list two objects of one name and value each.
        assert!(!holds_more_than(11, body) && holds_more_than(10, body));
        let read = |most| parse_json::<Pair>(body, most);
        assert_eq!(read(11), Ok(Pair { key: "a,b:[{\"c\",".to_owned(), count: 0 }));
        assert_eq!(read(10), Err(BadBody::TooManyValues(10)));
        let bomb = format!("{{\"key\":[{}0]}}", "{\"\":0},".repeat(1_000_000));
        assert_eq!(parse_json::<Pair>(bomb.as_bytes(), MAX_VALUES), Err(BadBody::TooManyValues(MAX_VALUES)));
    }

    #[tokio::test]
    async fn a_body_is_cut_at_the_limit() {
        let exact = Request::new(Body::from(vec![b'x'; 8]));
        assert_eq!(read_body(exact, 8).await.map(|it| it.len()), Ok(8));
        let over = Request::new(Body::from(vec![b'x'; 9]));
        assert_eq!(read_body(over, 8).await, Err(BadBody::TooLarge(8)));
        let mut lying = Request::new(Body::empty());
        lying.headers_mut().insert(CONTENT_LENGTH, "9".parse().expect("a header"));
        assert_eq!(read_body(lying, 8).await, Err(BadBody::TooLarge(8)));
    }
}
