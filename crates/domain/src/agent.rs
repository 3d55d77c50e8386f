//! Agents: the states they pass through, their tags and their names.

mod name;
mod rules;
mod tags;

use std::{fmt, str::FromStr, time::Duration};

pub use self::{
    name::{BadName, MAX_NAME, expand_name},
    rules::{Offer, Rules},
    tags::{BadTags, MAX_TAG_BYTES, MAX_TAGS, Tags},
};
use crate::Timestamp;

/// Silence after which an agent counts as lost.
pub const LOST_AFTER: Duration = Duration::from_secs(3 * 60);

/// Where an agent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentState {
    /// Registered, and not yet connected.
    NeverConnected,
    /// Connected and heard from within [`LOST_AFTER`].
    Connected,
    /// Left by itself.
    Disconnected,
    /// Told to stop; it finishes its job first.
    Stopping,
    /// Left because it was told to.
    Stopped,
    /// Not heard from for [`LOST_AFTER`].
    Lost,
}

impl AgentState {
    /// Every state, in the order of declaration.
    pub const ALL: [Self; 6] =
        [Self::NeverConnected, Self::Connected, Self::Disconnected, Self::Stopping, Self::Stopped, Self::Lost];

    /// The word for programs, as Buildkite writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeverConnected => "never_connected",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
        }
    }

    /// Whether it is at work: a session of it may be used.
    #[must_use]
    pub const fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::Stopping)
    }

    /// Whether it has left for good, and its session with it. One that was lost may still come back.
    #[must_use]
    pub const fn has_left(self) -> bool {
        matches!(self, Self::Disconnected | Self::Stopped)
    }

    /// Where it stands at `now`, if this is its stored state and it was last heard from at `last_seen`.
    #[must_use]
    pub fn at(self, last_seen: Timestamp, now: Timestamp) -> Self {
        if !self.has_left() && now.since(last_seen) >= LOST_AFTER { Self::Lost } else { self }
    }

    /// Where leaving takes it.
    #[must_use]
    pub const fn left(self) -> Self {
        match self {
            Self::Stopping | Self::Stopped => Self::Stopped,
            Self::NeverConnected | Self::Connected | Self::Disconnected | Self::Lost => Self::Disconnected,
        }
    }
}

impl fmt::Display for AgentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no state of an agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a state of an agent: never_connected, connected, disconnected, stopping, stopped or lost")]
pub struct NotAnAgentState;

impl FromStr for AgentState {
    type Err = NotAnAgentState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(NotAnAgentState)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_minutes_of_silence_lose_an_agent() {
        let seen = Timestamp::from_micros(5);
        let just_before = seen.plus(LOST_AFTER).minus(Duration::from_micros(1));
        for state in [AgentState::Connected, AgentState::Stopping, AgentState::NeverConnected] {
            assert_eq!(state.at(seen, just_before), state);
            assert_eq!(state.at(seen, seen.plus(LOST_AFTER)), AgentState::Lost);
        }
        for state in [AgentState::Disconnected, AgentState::Stopped] {
            assert_eq!(state.at(seen, Timestamp::LATEST), state);
        }
    }

    #[test]
    fn leaving_keeps_whether_it_was_told_to() {
        assert_eq!(AgentState::Stopping.left(), AgentState::Stopped);
        assert_eq!(AgentState::Connected.left(), AgentState::Disconnected);
        assert_eq!(AgentState::Lost.left(), AgentState::Disconnected);
    }

    #[test]
    fn words_read_back() {
        for state in AgentState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!("gone".parse::<AgentState>(), Err(NotAnAgentState));
    }
}
