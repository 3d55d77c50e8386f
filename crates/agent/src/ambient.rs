//! Time and randomness, as they were passed in.

use std::{sync::Arc, time::Duration};

use countersign_domain::{Clock, Entropy};

/// The one clock and the one source of randomness of an agent or a command.
#[derive(Clone)]
pub(crate) struct Ambient {
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

impl Ambient {
    /// A random duration in `[0, below)`, so that many agents do not call at the same moment.
    pub fn jitter(&self, below: Duration) -> Duration {
        let mut bytes = [0; 4];
        self.entropy.fill(&mut bytes);
        below.mul_f64(f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0))
    }

    /// The present moment, RFC 3339 in UTC.
    pub fn rfc3339(&self) -> String {
        self.clock.now().to_string()
    }
}
