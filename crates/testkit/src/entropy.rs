//! Randomness that repeats.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;
use countersign_domain::Entropy;

/// Above every seed that a case names.
const FIRST_OTHER: u64 = 1 << 32;

/// The same bytes in the same order for the same seed; different ones for each call.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    block: AtomicU64,
}

impl SeededEntropy {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, block: AtomicU64::new(0) }
    }

    /// From a seed that no earlier call in this process got.
    #[must_use]
    pub fn another() -> Self {
        static SEED: AtomicU64 = AtomicU64::new(FIRST_OTHER);
        Self::new(SEED.fetch_add(1, Ordering::Relaxed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for part in buffer.chunks_mut(32) {
            let block = self.block.fetch_add(1, Ordering::Relaxed);
            let mut input = self.seed.to_be_bytes().to_vec();
            input.extend_from_slice(&block.to_be_bytes());
            let bytes = digest::digest(&digest::SHA256, &input);
            part.copy_from_slice(&bytes.as_ref()[..part.len()]);
        }
    }
}
