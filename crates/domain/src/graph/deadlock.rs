//! Whether something that an upload waits for waits, by way of others, for the very step that uploads it.
//!
//! That step is settled only after what it has uploaded. So whatever waits for it to be settled may not be waited for by an upload of its
//! own: both would wait for ever. Whoever keeps the steps says what each waits for; only what has not come yet is looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ancestor, Laid, Ref, Relation};

/// What is waited for: something of a step.
pub type Awaited<K> = (K, Relation);

/// A walk from what an upload waits for to what that waits for.
#[derive(Debug)]
pub struct Search<K> {
    uploading: BTreeSet<K>,
    /// What was come upon, and from where; what the upload itself waits for, from the place of its first step that does.
    seen: BTreeMap<Awaited<K>, From<K>>,
    open: Vec<Awaited<K>>,
}

#[derive(Debug, Clone, Copy)]
enum From<K> {
    Upload(usize),
    Step(Awaited<K>),
}

/// Steps that would wait for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadlock<K> {
    /// The place of a step in the upload.
    pub place: usize,
    /// What it waits for, what that waits for, and so on to the step that uploads it, or to a group around that.
    pub path: Vec<K>,
}

impl<K: Copy + Ord> Search<K> {
    /// From everything that the upload waits for. `ancestors` are those of the step that uploads it, itself the first.
    #[must_use]
    pub fn new(ancestors: &[Ancestor<K>], laid: &[Laid<K>]) -> Self {
        let mut search =
            Self { uploading: ancestors.iter().map(|it| it.step).collect(), seen: BTreeMap::new(), open: Vec::new() };
        for (place, it) in laid.iter().enumerate() {
            for edge in &it.edges {
                if let Ref::Known(on) = edge.on {
                    search.come_upon((on, edge.relation), From::Upload(place));
                }
            }
        }
        search
    }

    /// The next thing to look at; `None` when there is no deadlock.
    pub fn look_at(&mut self) -> Option<Awaited<K>> {
        self.open.pop()
    }

    /// Says of something that has not come yet what it needs first: what its step waits for, and, if that it is settled is waited for, the
    /// steps beneath it that are not.
    ///
    /// # Errors
    /// [`Deadlock`] when one of them is the uploading step, or a group around it.
    pub fn needs(&mut self, what: Awaited<K>, first: impl IntoIterator<Item = Awaited<K>>) -> Result<(), Deadlock<K>> {
        for it in first {
            self.come_upon(it, From::Step(what));
            if it.1 == Relation::Settled && self.uploading.contains(&it.0) {
                return Err(self.deadlock(it));
            }
        }
        Ok(())
    }

    fn come_upon(&mut self, what: Awaited<K>, from: From<K>) {
        if let std::collections::btree_map::Entry::Vacant(place) = self.seen.entry(what) {
            place.insert(from);
            self.open.push(what);
        }
    }

    fn deadlock(&self, end: Awaited<K>) -> Deadlock<K> {
        let (mut path, mut at, mut start) = (vec![end.0], end, 0);
        while let Some(from) = self.seen.get(&at) {
            match from {
                From::Upload(place) => {
                    start = *place;
                    break;
                }
                From::Step(before) => {
                    at = *before;
                    path.push(at.0);
                }
            }
        }
        path.reverse();
        Deadlock { place: start, path }
    }
}
