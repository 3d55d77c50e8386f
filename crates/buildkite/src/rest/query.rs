//! The query of an address: filters and switches, taken one by one as [`Fields`](super::body::Fields) are.

use axum::extract::{FromRequestParts, Query};
use countersign_control::{Control, Error};
use countersign_domain::Timestamp;
use countersign_domain::text::shown;
use http::request::Parts;

use crate::Failure;

/// The parameters that have not been taken yet, without the number of the page. One that is empty is as if it were not there.
#[derive(Debug)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl FromRequestParts<Control> for Parameters {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Control) -> Result<Self, Failure> {
        let Query(mut all) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| Error::invalid("query", "cannot be read; write NAME=VALUE pairs with & between them"))?;
        all.retain(|(name, value)| !value.is_empty() && !matches!(name.as_str(), "page" | "per_page"));
        Ok(Self(all))
    }
}

impl Parameters {
    /// Every value of a parameter, written as `name` or `name[]`.
    pub(crate) fn all(&mut self, name: &str) -> Vec<String> {
        let is_it = |it: &str| it == name || it.strip_suffix("[]") == Some(name);
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(|(it, _)| is_it(it));
        self.0 = left;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// The one value of a parameter.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the name when there are several.
    pub(crate) fn one(&mut self, name: &str) -> Result<Option<String>, Error> {
        let mut all = self.all(name);
        match all.len() {
            0 | 1 => Ok(all.pop()),
            _ => Err(Error::invalid(name, "may stand once in the address")),
        }
    }

    /// A switch, off unless it says otherwise.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the name.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Error> {
        match self.one(name)?.as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(Error::invalid(name, "must be true or false")),
        }
    }

    /// A point in time.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the name.
    pub(crate) fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Error> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|why| Error::invalid(name, why))
    }

    /// Nothing may be left, for a filter that is passed over shows what was not asked for. Only what would add to an answer is.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the first that nobody has taken.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.0.into_iter().find(|(name, _)| !name.starts_with("include_")) {
            None => Ok(()),
            Some((name, _)) => {
                Err(Error::invalid(&shown(&name), "is not a filter or switch of this call; leave it out"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        Parameters(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_list_has_two_spellings() {
        let mut read = parameters(&[("state[]", "a"), ("other", "x"), ("state", "b")]);
        assert_eq!(read.all("state"), ["a", "b"]);
        assert_eq!(read.one("other"), Ok(Some("x".to_owned())));
        assert_eq!(read.finish(), Ok(()));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let mut read = parameters(&[("a", "1"), ("a", "2"), ("b", "maybe"), ("c", "soon"), ("d", "1")]);
        let words = |error: Error| error.to_string();
        assert_eq!(read.one("a").map_err(words), Err("a may stand once in the address".to_owned()));
        assert_eq!(read.flag("b").map_err(words), Err("b must be true or false".to_owned()));
        assert!(read.time("c").map_err(words).is_err_and(|why| why.starts_with("c is not a point in time")));
        assert_eq!(
            read.finish().map_err(words),
            Err("d is not a filter or switch of this call; leave it out".to_owned())
        );
    }
}
