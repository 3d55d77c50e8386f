//! What stands behind the `?` of an address: the part of a list that is looked at.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use crate::failure::Failure;

/// The most of a query, in bytes: the longest that any page of this server links to is less.
const MAX_QUERY: usize = 8 * 1024;

/// What an address asks for.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

impl Query {
    fn read(text: &str) -> Result<Self, Failure> {
        if text.len() > MAX_QUERY {
            return Err(Failure::LongAddress);
        }
        if percent_decode_str(text).decode_utf8().is_err() {
            return Err(Failure::NoAddress);
        }
        Ok(Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect()))
    }

    /// What is said under a name; none where nothing is.
    pub(crate) fn said(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(of, _)| of == name).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty())
    }

    /// The entry that a page of a list goes on from. What is none is as if nothing were said: the first page is shown.
    pub(crate) fn after<T: FromStr>(&self) -> Option<T> {
        self.said("after")?.parse().ok()
    }
}

/// A text as a part of a query.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// An address with what is asked for; what is empty is left out.
pub(crate) fn address(path: &str, asked: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in asked.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_written_as_it_is_read() {
        let address = address("/a", &[("search", "a&b=\"<c>"), ("filter", ""), ("after", "1")]);
        assert_eq!(address, "/a?search=a%26b%3D%22%3Cc%3E&after=1");
        let read = |text: &str| Query::read(text).expect("a query");
        let query = read(address.split_once('?').expect("a query").1);
        assert_eq!(query.said("search"), Some("a&b=\"<c>"));
        assert_eq!((query.said("filter"), query.after::<u8>()), (None, Some(1)));
        assert_eq!(read("after=x").after::<u8>(), None);
    }

    #[test]
    fn what_cannot_be_looked_at_is_not_left_out() {
        let long = format!("search={}", "a".repeat(MAX_QUERY));
        assert!(matches!(Query::read(&long), Err(Failure::LongAddress)));
        assert!(matches!(Query::read("search=%ff%fe"), Err(Failure::NoAddress)));
    }
}
