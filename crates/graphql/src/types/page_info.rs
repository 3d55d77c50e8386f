//! Pages: from `first`, `last`, `after` and `before` to a part of a list, and the words about it.

use std::collections::VecDeque;

use async_graphql::SimpleObject;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_control::{Error, MAX_PAGE, Page, PageRequest, Result};
use countersign_domain::Id;

/// How many entries may be gone through to find the last ones of a list, or those that a filter lets through.
pub(crate) const MAX_WALK: usize = 10_000;

/// Where a page stands in its list.
#[derive(Debug, Clone, Default, SimpleObject)]
pub(crate) struct PageInfo {
    /// The cursor of the last entry of this page.
    end_cursor: Option<String>,
    /// Whether there are entries after this page.
    has_next_page: bool,
    /// Whether there are entries before this page.
    has_previous_page: bool,
    /// The cursor of the first entry of this page.
    start_cursor: Option<String>,
}

/// What part of a list is wanted.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pub first: Option<i32>,
    pub last: Option<i32>,
    pub after: Option<String>,
    pub before: Option<String>,
}

/// A part of a list, each entry with its cursor.
#[derive(Debug)]
pub(crate) struct Slice<T> {
    pub entries: Vec<(String, T)>,
    pub info: PageInfo,
}

/// The place of an entry in a list that is ordered by id.
pub(crate) fn cursor<K>(id: Id<K>) -> String {
    STANDARD.encode(id.as_bytes())
}

fn read_cursor<K>(argument: &'static str, text: Option<&str>) -> Result<Option<Id<K>>> {
    let Some(text) = text else { return Ok(None) };
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    match bytes {
        Some(bytes) => Ok(Some(Id::from_bytes(bytes))),
        None => Err(Error::invalid(argument, "is not a cursor of this list; take one from an edge or from pageInfo")),
    }
}

/// A size, held at [`MAX_PAGE`].
fn size(argument: &'static str, asked: Option<i32>) -> Result<Option<u32>> {
    let Some(asked) = asked else { return Ok(None) };
    match u32::try_from(asked) {
        Ok(asked) => Ok(Some(asked.min(MAX_PAGE))),
        Err(_) => Err(Error::invalid(argument, "must be 0 or more")),
    }
}

impl Window {
    /// Only `first` and `after`.
    pub(crate) fn forward(first: Option<i32>, after: Option<String>) -> Self {
        Self { first, after, ..Self::default() }
    }

    /// The same with at most so many entries, for lists of large ones.
    pub(crate) fn at_most(self, most: i32) -> Self {
        match self.last {
            Some(last) => Self { last: Some(last.min(most)), ..self },
            None => Self { first: Some(self.first.unwrap_or(most).min(most)), ..self },
        }
    }

    /// Reads a part of a list that is stored newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the argument; what `fetch` answers.
    pub(crate) async fn read<T, K, F, Fut>(&self, fetch: F, key: fn(&T) -> Id<K>) -> Result<Slice<T>>
    where
        F: Fn(PageRequest<Id<K>>) -> Fut,
        Fut: Future<Output = Result<Page<T>>>,
    {
        let after = read_cursor("after", self.after.as_deref())?;
        let before: Option<Id<K>> = read_cursor("before", self.before.as_deref())?;
        let (first, last) = (size("first", self.first)?, size("last", self.last)?);
        let (items, next, previous) = match (first, last) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("last", "cannot be combined with first; give one of them"));
            }
            (first, None) => {
                let page = fetch(PageRequest { after, limit: first.unwrap_or(MAX_PAGE) }).await?;
                let mut items = page.items;
                let whole = items.len();
                // Newest first: what comes before the cursor has a greater id.
                items.retain(|item| before.is_none_or(|before| key(item) > before));
                let next = page.has_more || items.len() < whole;
                (items, next, after.is_some())
            }
            (None, Some(last)) => {
                let (items, dropped) = walk_to_the_end(key, &fetch, after, before, last as usize).await?;
                (items, before.is_some(), dropped || after.is_some())
            }
        };
        Ok(Slice::of(items.into_iter().map(|item| (cursor(key(&item)), item)).collect(), next, previous))
    }

    /// A part of a list that is at hand, in its own order.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the argument.
    pub(crate) fn cut<T, K>(&self, all: Vec<T>, key: fn(&T) -> Id<K>) -> Result<Slice<T>> {
        let place = |argument, text: &Option<String>| {
            let wanted = read_cursor(argument, text.as_deref())?;
            Ok::<_, Error>(wanted.and_then(|id: Id<K>| all.iter().position(|item| key(item) == id)))
        };
        let start = place("after", &self.after)?.map_or(0, |at| at + 1);
        let end = place("before", &self.before)?.unwrap_or(all.len()).max(start);
        let (first, last) = (size("first", self.first)?, size("last", self.last)?);
        let (from, to) = match (first, last) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("last", "cannot be combined with first; give one of them"));
            }
            (first, None) => (start, end.min(start + first.unwrap_or(MAX_PAGE) as usize)),
            (None, Some(last)) => (start.max(end.saturating_sub(last as usize)), end),
        };
        let (next, previous) = (to < all.len(), from > 0);
        let kept = all.into_iter().skip(from).take(to - from);
        Ok(Slice::of(kept.map(|item| (cursor(key(&item)), item)).collect(), next, previous))
    }
}

/// The last `wanted` entries before a cursor, and whether there are more before those.
async fn walk_to_the_end<T, K, F, Fut>(
    key: fn(&T) -> Id<K>,
    fetch: &F,
    mut after: Option<Id<K>>,
    before: Option<Id<K>>,
    wanted: usize,
) -> Result<(Vec<T>, bool)>
where
    F: Fn(PageRequest<Id<K>>) -> Fut,
    Fut: Future<Output = Result<Page<T>>>,
{
    let mut kept = VecDeque::new();
    let mut seen = 0;
    loop {
        let page = fetch(PageRequest { after, limit: MAX_PAGE }).await?;
        let mut reached = !page.has_more;
        for item in page.items {
            let id = key(&item);
            after = Some(id);
            if before.is_some_and(|before| id <= before) {
                reached = true;
                break;
            }
            seen += 1;
            kept.push_back(item);
            if kept.len() > wanted {
                kept.pop_front();
            }
        }
        if reached {
            return Ok((kept.into(), seen > wanted));
        }
        if seen >= MAX_WALK {
            let why = format!("would go through more than {MAX_WALK} entries; page with first and after");
            return Err(Error::invalid("last", why));
        }
    }
}

impl<T> Slice<T> {
    fn of(entries: Vec<(String, T)>, next: bool, previous: bool) -> Self {
        let end = |entry: Option<&(String, T)>| entry.map(|(cursor, _)| cursor.clone());
        let info = PageInfo {
            start_cursor: end(entries.first()),
            end_cursor: end(entries.last()),
            has_next_page: next,
            has_previous_page: previous,
        };
        Self { entries, info }
    }
}
