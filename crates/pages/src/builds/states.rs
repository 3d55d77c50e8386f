//! Words and colours for where builds, jobs and other steps stand, and how long things take.

use std::time::Duration;

use countersign_control::builds::Entry;
use countersign_control::jobs::{Job, Try};
use countersign_control::steps::{StepRow, job_state};
use countersign_domain::Timestamp;
use countersign_domain::build::{BuildState, JobState, Source};
use countersign_domain::graph::{Kind, Outcome, StepState};

/// Where something stands, in words, and the name of its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stands {
    pub words: &'static str,
    /// One of the colours of the style sheet.
    pub class: &'static str,
}

const fn stands(words: &'static str, class: &'static str) -> Stands {
    Stands { words, class }
}

/// Where a build stands.
pub(crate) const fn build(state: BuildState) -> Stands {
    match state {
        BuildState::Scheduled => stands("Scheduled", "ended"),
        BuildState::Running => stands("Running", "active"),
        BuildState::Blocked => stands("Waits for a person", "warning"),
        BuildState::Failing => stands("Failing", "bad"),
        BuildState::Passed => stands("Passed", "good"),
        BuildState::Failed => stands("Failed", "bad"),
        BuildState::Canceling => stands("Canceling", "warning"),
        BuildState::Canceled => stands("Canceled", "ended"),
        BuildState::Skipped => stands("Skipped", "ended"),
        BuildState::NotRun => stands("Not run", "ended"),
    }
}

/// Where a command's job stands.
pub(crate) fn job(it: &Job) -> Stands {
    match it.state {
        JobState::Finished if it.exit_status.as_deref() == Some("0") => stands("Passed", "good"),
        JobState::Finished | JobState::TimedOut | JobState::Expired if it.soft_failed => {
            stands("Failed, which is no matter", "warning")
        }
        JobState::Finished => stands("Failed", "bad"),
        other => state(other),
    }
}

/// Where one of the tries of a job stands.
pub(crate) fn of_try(it: &Try) -> Stands {
    match it.state {
        JobState::Finished if it.exit_status.as_deref() == Some("0") => stands("Passed", "good"),
        JobState::Finished => stands("Failed", "bad"),
        other => state(other),
    }
}

/// What of a build's jobs are counted together: `good`, `bad`, `active`, `waiting`; empty for what was canceled, skipped or never came to run.
pub(crate) const fn class_of(state: JobState, has_passed: bool) -> &'static str {
    match state {
        JobState::Finished if has_passed => "good",
        JobState::Finished | JobState::TimedOut | JobState::Expired => "bad",
        JobState::Assigned | JobState::Accepted | JobState::Running | JobState::Canceling | JobState::TimingOut => {
            "active"
        }
        JobState::Pending | JobState::Waiting | JobState::Limiting | JobState::Limited | JobState::Scheduled => {
            "waiting"
        }
        _ => "",
    }
}

/// Where a step stands that runs no command.
pub(crate) fn step(it: &StepRow) -> Stands {
    if it.step.kind == Kind::Group {
        return match (it.step.state, it.step.outcome) {
            (StepState::Waiting, _) => stands("Waiting", "ended"),
            (_, Some(how)) => outcome(how),
            _ => stands("Open", "active"),
        };
    }
    match (job_state(it), it.step.outcome) {
        (JobState::Finished, Some(how)) => outcome(how),
        (other, _) => state(other),
    }
}

/// Where an entry of a build stands.
pub(crate) fn entry(it: &Entry) -> Stands {
    it.job.as_ref().map_or_else(|| step(&it.step), job)
}

/// Where a whole step stands, a command with all its jobs.
pub(crate) fn whole_step(it: &StepRow) -> Stands {
    match (it.step.kind, it.step.state, it.step.outcome) {
        (Kind::Command, _, Some(how)) => outcome(how),
        (Kind::Command, StepState::Waiting, _) => stands("Waiting", "ended"),
        (Kind::Command, ..) => stands("Under way", "active"),
        _ => step(it),
    }
}

const fn outcome(it: Outcome) -> Stands {
    match it {
        Outcome::Passed => stands("Passed", "good"),
        Outcome::SoftFailed => stands("Failed, which is no matter", "warning"),
        Outcome::Failed => stands("Failed", "bad"),
        Outcome::Canceled => stands("Canceled", "ended"),
        Outcome::Skipped | Outcome::Dropped => stands("Skipped", "ended"),
        Outcome::Omitted => stands("Left out by a condition", "ended"),
        Outcome::Broken => stands("Not run: what it waited for failed", "ended"),
    }
}

const fn state(it: JobState) -> Stands {
    match it {
        JobState::Pending | JobState::Waiting => stands("Waits for other steps", "ended"),
        JobState::WaitingFailed | JobState::BlockedFailed => stands("Not run: what it waited for failed", "ended"),
        JobState::Blocked => stands("Waits for a person", "warning"),
        JobState::Unblocked => stands("Unblocked", "good"),
        JobState::Limiting | JobState::Limited => stands("Waits for its concurrency group", "ended"),
        JobState::Scheduled => stands("Waits for an agent", "ended"),
        JobState::Assigned => stands("Offered to an agent", "active"),
        JobState::Accepted => stands("Starting", "active"),
        JobState::Running => stands("Running", "active"),
        JobState::Canceling => stands("Canceling", "warning"),
        JobState::Canceled => stands("Canceled", "ended"),
        JobState::TimingOut => stands("Stopped: took too long", "warning"),
        JobState::TimedOut => stands("Took too long", "bad"),
        JobState::Finished => stands("Finished", "good"),
        JobState::Skipped => stands("Skipped", "ended"),
        JobState::Broken => stands("Left out by a condition", "ended"),
        JobState::Expired => stands("No agent took it in time", "bad"),
    }
}

/// What a step does, in a word.
pub(crate) const fn kind(it: Kind) -> &'static str {
    match it {
        Kind::Command => "Command",
        Kind::Wait => "Wait",
        Kind::Block => "Block",
        Kind::Input => "Input",
        Kind::Trigger => "Trigger",
        Kind::Group => "Group",
    }
}

/// How long something takes: `0 s`, `59 s`, `3 min 4 s`, `1 h 2 min`, `2 d 3 h`.
pub(crate) fn duration(it: Duration) -> String {
    let seconds = it.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600, seconds / 60);
    if days > 0 {
        format!("{days} d {} h", hours % 24)
    } else if hours > 0 {
        format!("{hours} h {} min", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes} min {} s", seconds % 60)
    } else {
        format!("{seconds} s")
    }
}

/// By which way a build was made.
pub(crate) const fn source(it: Source) -> &'static str {
    match it {
        Source::Api => "through the API",
        Source::Ui => "on a page",
        Source::TriggerJob => "by a trigger step",
    }
}

/// From one moment to another, or until now; empty for what has not begun.
pub(crate) fn between(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> String {
    from.map(|from| duration(to.unwrap_or(now).since(from))).unwrap_or_default()
}

/// How long a job waited for an agent: from when one could take it until its command started, or it ended.
pub(crate) fn waited(it: &Job, now: Timestamp) -> String {
    between(it.runnable_at, it.started_at.or(it.finished_at), now)
}

/// How long a job's command ran.
pub(crate) fn ran(it: &Job, now: Timestamp) -> String {
    between(it.started_at, it.finished_at, now)
}

/// A number of bytes: `17 B`, `3.5 KiB`, `12.0 MiB`.
pub(crate) fn bytes(count: i64) -> String {
    const STEP: i64 = 1_024;
    let names = ["KiB", "MiB", "GiB"];
    if count < STEP {
        return format!("{count} B");
    }
    let mut unit = STEP;
    let mut name = names[0];
    for next in &names[1..] {
        if count / unit < STEP {
            break;
        }
        (unit, name) = (unit * STEP, *next);
    }
    let tenths = count.saturating_mul(10) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let said = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(
            [said(0), said(59), said(184), said(3_720), said(183_600)],
            ["0 s", "59 s", "3 min 4 s", "1 h 2 min", "2 d 3 h"]
        );
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        assert_eq!(between(Some(at(1)), None, at(3)), "2 s");
        assert_eq!(between(Some(at(1)), Some(at(2)), at(3)), "1 s");
        assert_eq!(between(None, Some(at(2)), at(3)), "");
    }

    #[test]
    fn sizes_are_said_in_the_largest_unit_that_fits() {
        assert_eq!(
            [bytes(0), bytes(1_023), bytes(1_024), bytes(3_584), bytes(12 << 20), bytes(5 << 40)],
            ["0 B", "1023 B", "1.0 KiB", "3.5 KiB", "12.0 MiB", "5120.0 GiB"]
        );
    }

    #[test]
    fn every_state_has_words_and_a_colour_of_the_style_sheet() {
        let style = include_str!("../../assets/pages.css");
        let all = [
            build(BuildState::Scheduled),
            build(BuildState::Running),
            build(BuildState::Blocked),
            build(BuildState::Failed),
            build(BuildState::Passed),
        ];
        for it in all {
            assert!(!it.words.is_empty() && style.contains(&format!(".state.{} ", it.class)), "{it:?}");
        }
    }
}
