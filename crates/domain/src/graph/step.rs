//! One step: what it has heard, where it stands, and what it says to the others.

use super::{Count, Ending, Kind, Outcome, Relation, StepState, Tally, Tolerance, Verdict};
use crate::build::JobState;

/// One step, without what it is about: all that its transitions look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub kind: Kind,
    /// Where it stands.
    pub state: StepState,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// How many of what it waits for have not ended.
    pub open_dependencies: i64,
    /// How many have ended in a way that it does not bear.
    pub spoilt: i64,
    /// How many have ended badly in a way that it bears.
    pub borne: i64,
    /// Its jobs; the build that a trigger makes counts as one.
    pub jobs: Count,
    /// The steps beneath it: a group's members, a command's uploads.
    pub members: Count,
    /// What those who wait for it have been told.
    pub settled: Option<Ending>,
}

/// What a step hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// It has just been put into the build.
    Begin,
    /// Something that it waits for has ended.
    DependencyEnded(Ending, Tolerance),
    /// Something that it waits for, and that had ended, is run again.
    DependencyReopened(Ending, Tolerance),
    /// A step was put beneath it.
    MemberAdded,
    /// A step beneath it is settled.
    MemberEnded(Ending),
    /// A step beneath it that was settled is run again.
    MemberReopened(Ending),
    /// One of its jobs has come to its end, and is not run again by itself.
    JobEnded(Verdict),
    /// A job that had ended so is run again by a person.
    JobReopened(Verdict),
    /// It has that many jobs more.
    JobsAdded(i64),
    /// A person has answered.
    Answered,
    /// It is not to be run. Jobs of an open command are canceled one by one instead.
    Cancel,
    /// An upload takes its place: only for what has not begun.
    Drop,
}

/// What is to be done after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Its jobs may run.
    Schedule,
    /// Its build is to be made.
    Trigger,
    /// Its jobs that have not ended do so, in this state.
    EndJobs(JobState),
    /// Its jobs that had ended for others' sake wait again.
    ReviveJobs,
    /// Whoever waits for this of it and has not heard is told.
    Tell(Relation, Ending),
    /// Whoever was told this of it and has not gone on waits again.
    TakeBack(Relation),
    /// The step that it is beneath hears this.
    TellParent(Message),
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reaction {
    /// Whether it changed anything. A step that has gone on does not hear that something it waited for is run again.
    pub is_heard: bool,
    /// What is to be done, in this order.
    pub effects: Vec<Effect>,
}

impl Step {
    /// A step that waits, with nothing to wait for yet.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            state: StepState::Waiting,
            outcome: None,
            open_dependencies: 0,
            spoilt: 0,
            borne: 0,
            jobs: Count::default(),
            members: Count::default(),
            settled: None,
        }
    }

    /// A step that takes no part.
    #[must_use]
    pub fn ended(kind: Kind, outcome: Outcome) -> Self {
        let settled = Some(Ending::Good);
        Self { state: StepState::Ended, outcome: Some(outcome), settled, ..Self::new(kind) }
    }

    /// What it does on a message. The build's tally follows.
    pub fn receive(&mut self, message: Message, tally: &mut Tally) -> Reaction {
        let before = self.clone();
        let mut effects = Vec::new();
        self.hear(message, tally.is_canceled, &mut effects);
        let is_heard = *self != before;
        if is_heard {
            tally.replace(&before, self);
        }
        Reaction { is_heard, effects }
    }

    fn hear(&mut self, message: Message, is_canceled: bool, effects: &mut Vec<Effect>) {
        match message {
            Message::Begin => self.advance(is_canceled, effects),
            Message::DependencyEnded(ending, tolerance) => {
                self.open_dependencies -= 1;
                *self.burden(ending, tolerance) += i64::from(ending != Ending::Good);
                self.advance(is_canceled, effects);
            }
            Message::DependencyReopened(ending, tolerance) => {
                if !self.still_waits() {
                    return;
                }
                self.open_dependencies += 1;
                *self.burden(ending, tolerance) -= i64::from(ending != Ending::Good);
                self.wait_again(effects);
            }
            Message::MemberAdded => {
                self.members.open += 1;
                self.unsettle(effects);
            }
            Message::MemberEnded(ending) => {
                self.members.end(verdict(ending));
                self.close_group(effects);
                self.settle(effects);
            }
            Message::MemberReopened(ending) => {
                self.members.reopen(verdict(ending));
                if self.kind == Kind::Group && self.state == StepState::Ended {
                    self.state = StepState::Open;
                    self.outcome = None;
                    effects.push(Effect::TakeBack(Relation::Ended));
                }
                self.unsettle(effects);
            }
            Message::JobEnded(verdict) if self.state == StepState::Open && self.jobs.open > 0 => {
                self.jobs.end(verdict);
                if self.jobs.open == 0 {
                    self.end(self.jobs.worst(), effects);
                }
            }
            Message::JobReopened(verdict) if matches!(self.state, StepState::Open | StepState::Ended) => {
                self.jobs.reopen(verdict);
                if self.state == StepState::Ended {
                    self.state = StepState::Open;
                    self.outcome = None;
                    effects.push(Effect::TakeBack(Relation::Ended));
                    self.unsettle(effects);
                }
            }
            Message::JobsAdded(count) if self.state != StepState::Ended => {
                self.jobs.open += count;
                if self.state == StepState::Open {
                    effects.push(Effect::Schedule);
                }
            }
            Message::Answered if self.state == StepState::Asking => self.end(Outcome::Passed, effects),
            Message::Cancel => self.cancel(effects),
            Message::Drop if self.state != StepState::Ended => {
                effects.push(Effect::EndJobs(JobState::Skipped));
                self.end(Outcome::Dropped, effects);
            }
            // Said twice, or too late.
            Message::JobEnded(_)
            | Message::JobReopened(_)
            | Message::JobsAdded(_)
            | Message::Answered
            | Message::Drop => {}
        }
    }

    const fn burden(&mut self, ending: Ending, tolerance: Tolerance) -> &mut i64 {
        if tolerance.bears(ending) { &mut self.borne } else { &mut self.spoilt }
    }

    /// Whether it has not gone on: it waits, or it ended because something it waited for failed.
    fn still_waits(&self) -> bool {
        self.state == StepState::Waiting
            || self.outcome == Some(Outcome::Broken)
            || (self.kind == Kind::Group && self.state == StepState::Open && self.spoilt > 0)
    }

    fn wait_again(&mut self, effects: &mut Vec<Effect>) {
        let had_begun = self.state == StepState::Open;
        let had_ended = self.state == StepState::Ended;
        self.state = StepState::Waiting;
        self.outcome = None;
        if self.kind == Kind::Group && (had_begun || had_ended) {
            effects.push(Effect::TakeBack(Relation::Begun));
        }
        if had_ended {
            effects.push(Effect::ReviveJobs);
            effects.push(Effect::TakeBack(Relation::Ended));
            self.unsettle(effects);
        }
    }

    /// Goes on once nothing is waited for any more.
    fn advance(&mut self, is_canceled: bool, effects: &mut Vec<Effect>) {
        if self.state != StepState::Waiting || self.open_dependencies > 0 {
            return;
        }
        if is_canceled {
            return self.cancel(effects);
        }
        if self.kind == Kind::Group {
            self.state = StepState::Open;
            let ending = if self.spoilt > 0 { Ending::Bad } else { Ending::Good };
            effects.push(Effect::Tell(Relation::Begun, ending));
            return self.close_group(effects);
        }
        if self.spoilt > 0 {
            effects.push(Effect::EndJobs(JobState::WaitingFailed));
            return self.end(Outcome::Broken, effects);
        }
        match self.kind {
            Kind::Command => {
                self.state = StepState::Open;
                effects.push(Effect::Schedule);
            }
            Kind::Trigger => {
                self.state = StepState::Open;
                effects.push(Effect::Trigger);
            }
            Kind::Block | Kind::Input => self.state = StepState::Asking,
            Kind::Wait | Kind::Group => self.end(Outcome::Passed, effects),
        }
    }

    fn cancel(&mut self, effects: &mut Vec<Effect>) {
        match (self.state, self.kind) {
            (StepState::Ended, _) | (StepState::Open, Kind::Command | Kind::Group) => {}
            (_, kind) => {
                effects.push(Effect::EndJobs(JobState::Canceled));
                if kind == Kind::Group {
                    effects.push(Effect::Tell(Relation::Begun, Ending::Canceled));
                }
                self.end(Outcome::Canceled, effects);
            }
        }
    }

    /// A group that has begun ends with its last member.
    fn close_group(&mut self, effects: &mut Vec<Effect>) {
        if self.kind == Kind::Group && self.state == StepState::Open && self.members.open == 0 {
            let outcome = match self.members.worst() {
                Outcome::Failed if self.spoilt > 0 => Outcome::Broken,
                worst => worst,
            };
            self.end(outcome, effects);
        }
    }

    fn end(&mut self, outcome: Outcome, effects: &mut Vec<Effect>) {
        self.state = StepState::Ended;
        self.outcome = Some(outcome);
        effects.push(Effect::Tell(Relation::Ended, self.own_ending()));
        self.settle(effects);
    }

    const fn own_ending(&self) -> Ending {
        match self.outcome {
            Some(Outcome::Failed | Outcome::Broken) => Ending::Bad,
            Some(Outcome::Canceled) => Ending::Canceled,
            // A wait that goes on after a failure does not undo it: the next wait still hears of it.
            Some(Outcome::Passed) if matches!(self.kind, Kind::Wait) && self.borne > 0 => Ending::Bad,
            _ => Ending::Good,
        }
    }

    fn settle(&mut self, effects: &mut Vec<Effect>) {
        if self.state != StepState::Ended || self.members.open > 0 || self.settled.is_some() {
            return;
        }
        let ending = match (self.own_ending(), self.members.worst()) {
            (Ending::Bad, _) | (_, Outcome::Failed) => Ending::Bad,
            (Ending::Canceled, _) | (_, Outcome::Canceled) => Ending::Canceled,
            (Ending::Good, _) => Ending::Good,
        };
        self.settled = Some(ending);
        effects.push(Effect::Tell(Relation::Settled, ending));
        effects.push(Effect::TellParent(Message::MemberEnded(ending)));
    }

    fn unsettle(&mut self, effects: &mut Vec<Effect>) {
        if let Some(ending) = self.settled.take() {
            effects.push(Effect::TakeBack(Relation::Settled));
            effects.push(Effect::TellParent(Message::MemberReopened(ending)));
        }
    }

    /// What whoever comes to wait for it hears at once; `None` while that has not happened.
    #[must_use]
    pub const fn said(&self, relation: Relation) -> Option<Ending> {
        match relation {
            Relation::Settled => self.settled,
            Relation::Ended if matches!(self.state, StepState::Ended) => Some(self.own_ending()),
            Relation::Begun if matches!(self.state, StepState::Waiting) => None,
            Relation::Begun => match self.outcome {
                Some(Outcome::Canceled) => Some(Ending::Canceled),
                _ if self.spoilt > 0 => Some(Ending::Bad),
                _ => Some(Ending::Good),
            },
            Relation::Ended => None,
        }
    }
}

const fn verdict(ending: Ending) -> Verdict {
    match ending {
        Ending::Good => Verdict::Passed,
        Ending::Bad => Verdict::Failed,
        Ending::Canceled => Verdict::Canceled,
    }
}
