//! Lists come in pages, newest first.

use countersign_domain::Id;

/// The most rows of one page, as Buildkite's API has it; a larger number is held at this.
pub const MAX_PAGE: u32 = 500;

/// Among how many entries, from where a page begins, is looked by whoever searches a list that grows for years. What is behind them is behind the next
/// page: no call walks over all there is.
pub const SEARCHED: i64 = 10_000;

/// What part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest<C> {
    /// The last entry of the page before; none for the first page.
    pub after: Option<C>,
    /// How many, at most [`MAX_PAGE`].
    pub limit: u32,
}

impl<C> PageRequest<C> {
    /// The first `limit` entries.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// How many rows to ask the store for: one more than wanted, to see whether there is more.
    pub(crate) fn rows(&self) -> i64 {
        i64::from(self.limit.min(MAX_PAGE)) + 1
    }
}

impl<T> PageRequest<Id<T>> {
    /// The id that every wanted entry's is below.
    pub(crate) fn start(&self) -> Id<T> {
        self.after.unwrap_or_else(Id::last)
    }
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Whether there are more after these.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// From rows that were asked for with [`PageRequest::rows`].
    pub(crate) fn of<C>(mut items: Vec<T>, asked: &PageRequest<C>) -> Self {
        let limit = asked.limit.min(MAX_PAGE) as usize;
        let has_more = items.len() > limit;
        items.truncate(limit);
        Self { items, has_more }
    }
}

/// A part of a list that was searched, as far as was looked.
#[derive(Debug, Clone)]
pub struct Part<T, C> {
    /// The entries.
    pub items: Vec<T>,
    /// After which entry the next part begins: the last that was looked at, perhaps none of these. None where the list has come to its end.
    pub next: Option<C>,
}

impl<T, C: Copy> Part<T, C> {
    /// From rows that were asked for with [`PageRequest::rows`], and the last that was looked at where not all were.
    pub(crate) fn of(rows: Vec<T>, asked: &PageRequest<C>, last: Option<C>, id: impl Fn(&T) -> C) -> Self {
        let Page { items, has_more } = Page::of(rows, asked);
        let next = if has_more { items.last().map(id) } else { last };
        Self { items, next }
    }
}
