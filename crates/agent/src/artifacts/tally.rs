//! How far transfers are, for whoever watches.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// How far transfers are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files that are through.
    pub files_done: u64,
    /// Files there are.
    pub files: u64,
    /// Bytes that are through; what had to be sent again counts once.
    pub bytes_done: u64,
    /// Bytes there are.
    pub bytes: u64,
}

/// Told each time that something has moved.
pub type OnProgress = Arc<dyn Fn(Tally) + Send + Sync>;

/// Counts, and tells.
#[derive(Clone, Default)]
pub struct Progress {
    counts: Arc<Counts>,
    tell: Option<OnProgress>,
}

#[derive(Default)]
struct Counts {
    files_done: AtomicU64,
    files: AtomicU64,
    bytes_done: AtomicU64,
    bytes: AtomicU64,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

impl Progress {
    /// Tells `tell`.
    #[must_use]
    pub fn told_to(tell: OnProgress) -> Self {
        Self { counts: Arc::default(), tell: Some(tell) }
    }

    pub(super) fn expect(&self, files: u64, bytes: u64) {
        self.counts.files.fetch_add(files, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    pub(super) fn moved(&self, bytes: u64) {
        self.counts.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    /// What had moved has to move again.
    pub(super) fn take_back(&self, bytes: u64) {
        self.counts.bytes_done.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn through(&self) {
        self.counts.files_done.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    fn tell(&self) {
        let Some(tell) = &self.tell else { return };
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        tell(Tally {
            files_done: read(&self.counts.files_done),
            files: read(&self.counts.files),
            bytes_done: read(&self.counts.bytes_done),
            bytes: read(&self.counts.bytes),
        });
    }
}
