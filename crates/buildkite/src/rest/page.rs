//! Lists by number of page.

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::response::{IntoResponse, Response};
use countersign_control::{Control, Error, MAX_PAGE, Page, PageRequest};
use http::header::LINK;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::shapes::Addresses;
use crate::Failure;

/// How many entries a page has when nothing is said.
const DEFAULT_PER_PAGE: u32 = 30;
/// The most entries of a page.
const MAX_PER_PAGE: u32 = 100;
/// How many entries may be gone through to reach a page, those that a filter leaves out among them.
pub(crate) const MAX_WALK: usize = 10_000;

/// Which page is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    page: usize,
    per_page: usize,
}

#[derive(Deserialize)]
struct Asked {
    page: Option<String>,
    per_page: Option<String>,
}

impl FromRequestParts<Control> for Wanted {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Control) -> Result<Self, Failure> {
        let Query(asked) = Query::<Asked>::try_from_uri(&parts.uri)
            .map_err(|_| Error::invalid("page", "and per_page may each stand once in the address"))?;
        Ok(Self::read(asked.page.as_deref(), asked.per_page.as_deref())?)
    }
}

/// The filters of a list.
pub(crate) struct Filter<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Control> for Filter<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Control) -> Result<Self, Failure> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(filters)| Self(filters))
            .map_err(|_| Error::invalid("query", "cannot be read; each filter may stand once, with one value").into())
    }
}

impl Wanted {
    fn read(page: Option<&str>, per_page: Option<&str>) -> Result<Self, Error> {
        let number = |field, text: Option<&str>, otherwise: u32| match text.filter(|text| !text.is_empty()) {
            None => Ok(otherwise),
            Some(text) => match text.parse::<u32>() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(Error::invalid(field, "must be a whole number from 1")),
            },
        };
        let page = number("page", page, 1)?;
        let per_page = number("per_page", per_page, DEFAULT_PER_PAGE)?.min(MAX_PER_PAGE);
        Ok(Self { page: page as usize, per_page: per_page as usize })
    }

    /// The page of a list that is at hand.
    pub(crate) fn cut<T>(self, all: Vec<T>) -> Numbered<T> {
        let skip = (self.page - 1).saturating_mul(self.per_page);
        let has_more = all.len() > skip.saturating_add(self.per_page);
        Numbered { wanted: self, items: all.into_iter().skip(skip).take(self.per_page).collect(), has_more }
    }

    /// Reads the page from a list that is stored in one order, of the entries that `keep` lets through.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `page` when it lies too far behind; what `fetch` answers.
    pub(crate) async fn read_from<T, C, F, Fut>(
        self,
        fetch: F,
        key: fn(&T) -> C,
        keep: impl Fn(&T) -> bool,
    ) -> Result<Numbered<T>, Error>
    where
        F: Fn(PageRequest<C>) -> Fut,
        Fut: Future<Output = Result<Page<T>, Error>>,
    {
        let mut skip = (self.page - 1).saturating_mul(self.per_page);
        let (mut items, mut seen, mut after) = (Vec::new(), 0, None);
        loop {
            // One more than fits, to see whether there is more.
            let open = skip + self.per_page + 1 - items.len();
            let limit = u32::try_from(open).unwrap_or(MAX_PAGE).min(MAX_PAGE);
            let found = fetch(PageRequest { after, limit }).await?;
            seen += found.items.len();
            after = found.items.last().map(key);
            for item in found.items.into_iter().filter(&keep) {
                if skip > 0 {
                    skip -= 1;
                } else {
                    items.push(item);
                }
            }
            let has_more = items.len() > self.per_page;
            if has_more || !found.has_more {
                items.truncate(self.per_page);
                return Ok(Numbered { wanted: self, items, has_more });
            }
            if seen >= MAX_WALK {
                let why = format!("lies behind more than {MAX_WALK} entries; narrow the list with a filter");
                return Err(Error::invalid("page", why));
            }
        }
    }
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Numbered<T> {
    wanted: Wanted,
    /// The entries.
    pub items: Vec<T>,
    has_more: bool,
}

impl<T> Numbered<T> {
    /// The answer: `shown` are the entries as they are written, `path` is where the list is, with a query that keeps its filters.
    pub(crate) fn answer<S: Serialize>(
        &self,
        shown: Vec<S>,
        addresses: &Addresses,
        path: &str,
        filters: &str,
    ) -> Response {
        match self.links(&addresses.api(path), filters) {
            links if links.is_empty() => Json(shown).into_response(),
            links => ([(LINK, links)], Json(shown)).into_response(),
        }
    }

    /// The `Link` header. There is no `last`: counting a list costs more the longer it is.
    fn links(&self, address: &str, filters: &str) -> String {
        let Wanted { page, per_page } = self.wanted;
        let link = |page: usize, rel: &str| {
            let filters = if filters.is_empty() { String::new() } else { format!("&{filters}") };
            format!("<{address}?page={page}&per_page={per_page}{filters}>; rel=\"{rel}\"")
        };
        let mut links = Vec::new();
        if page > 1 {
            links.push(link(1, "first"));
            links.push(link(page - 1, "prev"));
        }
        if self.has_more {
            links.push(link(page + 1, "next"));
        }
        links.join(", ")
    }
}

/// The query of an address without the number of the page: the filters that the next page keeps, as they were written.
pub(crate) fn filters(address: &http::Uri) -> String {
    let pairs = address.query().unwrap_or_default().split('&');
    let kept = pairs.filter(|pair| !matches!(pair.split('=').next(), Some("" | "page" | "per_page")));
    kept.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use countersign_domain::Id;

    use super::*;

    /// A list of ids, newest first, as the store would page it.
    async fn page_of(count: u8, asked: PageRequest<Id<()>>) -> Result<Page<Id<()>>, Error> {
        let all = (0..count).rev().map(|byte| Id::from_bytes([byte; 16]));
        let mut left = all.filter(|id| asked.after.is_none_or(|after| *id < after));
        let items: Vec<Id<()>> = left.by_ref().take(asked.limit as usize).collect();
        Ok(Page { items, has_more: left.next().is_some() })
    }

    async fn read(count: u8, page: usize, per_page: usize, keep: fn(&Id<()>) -> bool) -> (Vec<u8>, bool) {
        let wanted = Wanted { page, per_page };
        let found = wanted.read_from(|asked| page_of(count, asked), |id| *id, keep).await.expect("a page");
        (found.items.iter().map(|id| id.as_bytes()[0]).collect(), found.has_more)
    }

    #[tokio::test]
    async fn pages_follow_each_other_without_gap_or_overlap() {
        assert_eq!(read(5, 1, 2, |_| true).await, (vec![4, 3], true));
        assert_eq!(read(5, 2, 2, |_| true).await, (vec![2, 1], true));
        assert_eq!(read(5, 3, 2, |_| true).await, (vec![0], false));
        assert_eq!(read(5, 4, 2, |_| true).await, (vec![], false));
        assert_eq!(read(4, 2, 2, |_| true).await, (vec![1, 0], false));
        assert_eq!(read(9, 2, 2, |id| id.as_bytes()[0] % 2 == 0).await, (vec![4, 2], true));
    }

    #[test]
    fn a_list_at_hand_is_cut_alike() {
        let cut = |page| {
            let found = Wanted { page, per_page: 2 }.cut(vec![4, 3, 2, 1, 0]);
            (found.items, found.has_more)
        };
        assert_eq!([cut(1), cut(3), cut(4)], [(vec![4, 3], true), (vec![0], false), (vec![], false)]);
    }

    #[test]
    fn numbers_are_read_with_their_limits() {
        assert_eq!(Wanted::read(None, None), Ok(Wanted { page: 1, per_page: 30 }));
        assert_eq!(Wanted::read(Some("7"), Some("1000")), Ok(Wanted { page: 7, per_page: 100 }));
        for wrong in ["0", "-1", "x", "99999999999"] {
            assert!(Wanted::read(Some(wrong), None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_page_is_no_filter() {
        let address = "/v2/x?per_page=3&name=a%20b&page=2&&queue=q".parse().expect("an address");
        assert_eq!(filters(&address), "name=a%20b&queue=q");
    }

    #[test]
    fn links_keep_the_filters() {
        let page = Numbered::<()> { wanted: Wanted { page: 2, per_page: 10 }, items: Vec::new(), has_more: true };
        let links = page.links("https://c.example/v2/x", "name=a");
        assert_eq!(
            links,
            "<https://c.example/v2/x?page=1&per_page=10&name=a>; rel=\"first\", \
             <https://c.example/v2/x?page=1&per_page=10&name=a>; rel=\"prev\", \
             <https://c.example/v2/x?page=3&per_page=10&name=a>; rel=\"next\""
        );
    }
}
