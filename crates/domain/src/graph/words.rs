//! The words of the step graph.

use crate::build::words;

/// The text is none of the step graph's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a word of the step graph")]
pub struct NotAWord;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Runs a command, in one job or several.
    Command,
    /// Waits for what is before it.
    Wait,
    /// Waits for a person, and keeps what follows.
    Block,
    /// Asks a person, and keeps only what names it.
    Input,
    /// Makes a build of another pipeline.
    Trigger,
    /// Holds other steps.
    Group,
}

words!(Kind, NotAWord: Command = "command", Wait = "wait", Block = "block", Input = "input", Trigger = "trigger", Group = "group");

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepState {
    /// Something that it waits for has not settled.
    Waiting,
    /// Its jobs may run; its members may begin; its build is made.
    Open,
    /// A person is asked.
    Asking,
    /// Its own work is done, or will not be.
    Ended,
}

words!(StepState, NotAWord: Waiting = "waiting", Open = "open", Asking = "asking", Ended = "ended");

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Well.
    Passed,
    /// It failed, in a way that does not fail the build.
    SoftFailed,
    /// It failed.
    Failed,
    /// It was canceled.
    Canceled,
    /// `skip` left it out.
    Skipped,
    /// A condition left it out.
    Omitted,
    /// What it waited for failed.
    Broken,
    /// An upload took its place.
    Dropped,
}

words!(Outcome, NotAWord:
    Passed = "passed", SoftFailed = "soft_failed", Failed = "failed", Canceled = "canceled", Skipped = "skipped",
    Omitted = "omitted", Broken = "broken", Dropped = "dropped",
);

/// What those who wait for a step hear of its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// Go on.
    Good,
    /// It failed, or never ran because something before it failed.
    Bad,
    /// It was canceled.
    Canceled,
}

words!(Ending, NotAWord: Good = "good", Bad = "bad", Canceled = "canceled");

/// What of another step is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// That it is settled: its own work, its members and its uploads.
    Settled,
    /// That its own work is done: for what it has uploaded itself.
    Ended,
    /// That it has begun: for the members of a group.
    Begun,
}

words!(Relation, NotAWord: Settled = "settled", Ended = "ended", Begun = "begun");

/// Which endings of another step let one go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tolerance {
    /// Only a good one.
    Success,
    /// A bad one too.
    Failure,
    /// Any.
    Anything,
}

words!(Tolerance, NotAWord: Success = "success", Failure = "failure", Anything = "anything");

impl Tolerance {
    /// Whether a step goes on after this ending.
    #[must_use]
    pub const fn bears(self, ending: Ending) -> bool {
        match ending {
            Ending::Good => true,
            Ending::Bad => !matches!(self, Self::Success),
            Ending::Canceled => matches!(self, Self::Anything),
        }
    }
}

/// How a job of a step, its triggered build among them, came out. A job that was run again is not counted; its successor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Well, or left out.
    Passed,
    /// It failed, and that is no matter.
    SoftFailed,
    /// It failed.
    Failed,
    /// It was canceled.
    Canceled,
}

/// How many of several have not ended, and how the others did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Not ended.
    pub open: i64,
    /// Failed.
    pub failed: i64,
    /// Failed, and that is no matter.
    pub soft_failed: i64,
    /// Canceled.
    pub canceled: i64,
}

impl Count {
    const fn of(&mut self, verdict: Verdict) -> Option<&mut i64> {
        match verdict {
            Verdict::Passed => None,
            Verdict::SoftFailed => Some(&mut self.soft_failed),
            Verdict::Failed => Some(&mut self.failed),
            Verdict::Canceled => Some(&mut self.canceled),
        }
    }

    pub(super) const fn end(&mut self, verdict: Verdict) {
        self.open -= 1;
        if let Some(count) = self.of(verdict) {
            *count += 1;
        }
    }

    pub(super) const fn reopen(&mut self, verdict: Verdict) {
        self.open += 1;
        if let Some(count) = self.of(verdict) {
            *count -= 1;
        }
    }

    pub(super) const fn worst(&self) -> Outcome {
        if self.failed > 0 {
            Outcome::Failed
        } else if self.canceled > 0 {
            Outcome::Canceled
        } else if self.soft_failed > 0 {
            Outcome::SoftFailed
        } else {
            Outcome::Passed
        }
    }
}
