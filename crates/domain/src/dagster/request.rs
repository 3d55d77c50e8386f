//! What an agent is asked to do, and how long it has.

use std::{fmt, str::FromStr, time::Duration};

/// How often a request is offered: a second time when the first answer never came, for the agent may have died with it. A launch is offered once: no
/// run is started twice.
pub const MAX_OFFERS: i64 = 2;
/// How long after an offer without an answer it is made again. An agent that waits for a code server to start answers after three minutes at the
/// latest.
pub const AGAIN_AFTER: Duration = Duration::from_secs(4 * 60);

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// Whether the code server of a location is there.
    Ping,
    /// To read again what is to be loaded, and to upload what is outdated.
    Check,
    /// To start a run.
    Launch,
    /// To stop a run.
    Terminate,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Ping, Self::Check, Self::Launch, Self::Terminate];

    /// The word for programs, as the protocol has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ping => "PING_LOCATION",
            Self::Check => "CHECK_FOR_WORKSPACE_UPDATES",
            Self::Launch => "LAUNCH_RUN",
            Self::Terminate => "TERMINATE_RUN",
        }
    }

    /// How long it is worth doing. Agents do not look at the time themselves, so what is over is not handed out.
    #[must_use]
    pub const fn life(self) -> Duration {
        match self {
            Self::Ping => Duration::from_secs(60),
            Self::Check | Self::Terminate => Duration::from_secs(15 * 60),
            Self::Launch => Duration::from_secs(3600),
        }
    }
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no kind of request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a request that is known here")]
pub struct NotAKind;

impl FromStr for RequestKind {
    type Err = NotAKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(NotAKind)
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    /// No agent has it.
    Waiting,
    /// An agent was offered it and has not answered.
    Offered,
    /// It was answered.
    Answered,
    /// Its time ran out before any agent took it.
    NotTaken,
    /// Its time ran out, or it was offered [`MAX_OFFERS`] times, and no answer came.
    NotAnswered,
}

impl RequestState {
    /// By its offers and its end.
    #[must_use]
    pub fn of(offers: i64, answered: bool, ended: bool) -> Self {
        match (ended, answered, offers) {
            (true, true, _) => Self::Answered,
            (true, false, 0) => Self::NotTaken,
            (true, false, _) => Self::NotAnswered,
            (false, _, 0) => Self::Waiting,
            (false, _, _) => Self::Offered,
        }
    }
}

impl fmt::Display for RequestState {
    /// For people: what happened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "no agent has taken it yet",
            Self::Offered => "an agent has taken it and has not answered yet",
            Self::Answered => "it was answered",
            Self::NotTaken => {
                "its time ran out before an agent took it; see that one runs which serves the deployment and the queue"
            }
            Self::NotAnswered => "an agent took it, and no answer came; see the agent's errors",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_back_and_live_for_a_while() {
        for kind in RequestKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert!(kind.life() > Duration::from_secs(30), "longer than an agent takes to come again");
        }
        assert_eq!("LAUNCH".parse::<RequestKind>(), Err(NotAKind));
    }

    #[test]
    fn each_end_has_its_state() {
        let all = [(0, false, false), (1, false, false), (1, true, true), (0, false, true), (2, false, true)];
        let states = all.map(|(offers, answered, ended)| RequestState::of(offers, answered, ended));
        use RequestState::{Answered, NotAnswered, NotTaken, Offered, Waiting};
        assert_eq!(states, [Waiting, Offered, Answered, NotTaken, NotAnswered]);
    }
}
