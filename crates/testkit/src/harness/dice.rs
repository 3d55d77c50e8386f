//! Chance that repeats.

use std::time::Duration;

use countersign_domain::Entropy;

use crate::SeededEntropy;

/// Chance from a seed.
#[derive(Debug)]
pub struct Dice(SeededEntropy);

impl Dice {
    /// The same throws for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    /// A number below `end`, which is at least 1. The slight bias of a remainder is no matter here.
    #[must_use]
    pub fn below(&self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % end
    }

    /// A duration from `low` to `high`, in steps of a microsecond.
    #[must_use]
    pub fn between(&self, low: Duration, high: Duration) -> Duration {
        let span = u64::try_from((high - low).as_micros()).unwrap_or(u64::MAX - 1);
        low + Duration::from_micros(self.below(span + 1))
    }
}
