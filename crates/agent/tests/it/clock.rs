//! A clock that runs faster than the world's, and randomness that repeats.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use countersign_domain::{Clock, Entropy, Timestamp, clock::Sleep};

/// How many seconds of the clock pass in one of the world's.
const SPEED: u32 = 20;

/// When the clock was started: any moment will do, and this one has a timestamp of thirteen digits.
const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// The agent's intervals of seconds and its waits of minutes pass in a fraction of that.
pub struct FastClock(tokio::time::Instant);

impl FastClock {
    #[expect(clippy::disallowed_methods, reason = "the one place of these tests that looks at the real clock")]
    pub fn start() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        START.plus(self.0.elapsed() * SPEED)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place of these tests that waits")]
    fn sleep_until(&self, at: Timestamp) -> Sleep {
        Box::pin(tokio::time::sleep_until(self.0 + at.since(START) / SPEED))
    }
}

/// Waits in the world's time.
#[expect(clippy::disallowed_methods, reason = "the one place of these tests that waits")]
pub async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// SplitMix64, shared by threads.
pub struct Seeded(AtomicU64);

impl Seeded {
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        for part in buffer.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            part.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..part.len()]);
        }
    }
}
