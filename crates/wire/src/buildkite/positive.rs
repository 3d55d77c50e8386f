//! Numbers that must not be zero.

use std::{num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

/// An integer from 1 to 2^32-1. A zero interval makes a real agent panic, and a zero chunk size makes it start a job that it
/// never finishes; so zero cannot be written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Positive(NonZeroU32);

impl Positive {
    /// `value`, and 1 in place of 0.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        match NonZeroU32::new(value) {
            Some(value) => Self(value),
            None => Self(NonZeroU32::MIN),
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The number read as seconds.
    #[must_use]
    pub const fn seconds(self) -> Duration {
        Duration::from_secs(self.0.get() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_neither_written_nor_read() {
        assert_eq!(Positive::new(0).get(), 1);
        assert_eq!(serde_json::to_string(&Positive::new(30)).expect("serializes"), "30");
        for refused in ["0", "-1", "1.5", "\"2\"", "null"] {
            assert!(serde_json::from_str::<Positive>(refused).is_err(), "{refused}");
        }
    }
}
