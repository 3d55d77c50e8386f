//! Whether, and for how long, the value of a token can be shown again.

use std::{fmt, str::FromStr, time::Duration};

use crate::Timestamp;

/// How long after it was made a value can be shown again under [`RevealPolicy::Window`].
pub const WINDOW: Duration = Duration::from_secs(10 * 60);

/// What is kept of a value beside its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum RevealPolicy {
    /// A sealed copy for [`WINDOW`], then nothing.
    #[default]
    Window,
    /// A sealed copy for as long as the token lives.
    Always,
    /// No copy: the value is shown once, when it is made.
    Never,
}

impl RevealPolicy {
    /// Every policy, in the order of declaration.
    pub const ALL: [Self; 3] = [Self::Window, Self::Always, Self::Never];

    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    /// The moment from which a value made at `created_at` can no longer be revealed; `None` when there is no such moment.
    #[must_use]
    pub fn closes_at(self, created_at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Window => Some(created_at.plus(WINDOW)),
            Self::Always => None,
            Self::Never => Some(created_at),
        }
    }

    /// Whether a value made at `created_at` may be revealed at `now`.
    #[must_use]
    pub fn is_open(self, created_at: Timestamp, now: Timestamp) -> bool {
        self.closes_at(created_at).is_none_or(|end| now < end)
    }
}

impl fmt::Display for RevealPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no reveal policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a reveal policy: window, always or never")]
pub struct NotARevealPolicy;

impl FromStr for RevealPolicy {
    type Err = NotARevealPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == text).ok_or(NotARevealPolicy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_closes_at_ten_minutes_sharp() {
        let made = Timestamp::from_micros(1_000);
        let end = made.plus(Duration::from_secs(600));
        assert!(RevealPolicy::Window.is_open(made, end.minus(Duration::from_micros(1))));
        assert!(!RevealPolicy::Window.is_open(made, end));
        assert!(RevealPolicy::Always.is_open(made, Timestamp::LATEST));
        assert!(!RevealPolicy::Never.is_open(made, made));
    }

    #[test]
    fn every_policy_reads_back() {
        for policy in RevealPolicy::ALL {
            assert_eq!((policy.as_str().parse(), policy.to_string().as_str()), (Ok(policy), policy.as_str()));
        }
        assert_eq!("".parse::<RevealPolicy>(), Err(NotARevealPolicy));
    }
}
