//! A part of a job's log: its lines in groups, each line with its number, so that one can be linked to.

use askama::Template;
use askama::filters::HtmlSafe;
use countersign_control::jobs::{LogLines, LogWindow};
use countersign_domain::Timestamp;

use super::ansi::{Line, Pen, Run};

/// Lines of one part.
pub(crate) const LINES: usize = 300;
/// Bytes of one part: with their numbers and groups, lines take a few times as many in a page.
const BYTES: usize = 32 * 1024;
/// The length of what a group begins with.
const MARK: usize = 4;

/// The part of a log that begins at a line.
pub(crate) const fn window(first: i64) -> LogWindow {
    LogWindow { first, lines: LINES, bytes: BYTES }
}

/// A part of a log.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/log.html")]
pub(crate) struct Log {
    /// The number of the first line.
    first: i64,
    groups: Vec<Group>,
    with_times: bool,
}

impl HtmlSafe for Log {}

/// Lines that a job put together.
#[derive(Debug, Clone, Default)]
struct Group {
    /// The line that begins it; none for what stands before the first.
    head: Option<Row>,
    is_open: bool,
    /// Whether it is of less weight than others.
    is_quiet: bool,
    rows: Vec<Row>,
}

/// A line.
#[derive(Debug, Clone)]
struct Row {
    number: i64,
    at: Option<Stamp>,
    runs: Vec<Run>,
}

/// When a line was written: for programs, and the time of day in UTC.
#[derive(Debug, Clone)]
struct Stamp {
    exact: String,
    clock: String,
}

impl Stamp {
    fn new(at: Timestamp) -> Self {
        let exact = at.to_string();
        let clock = exact.get(11..19).unwrap_or_default().to_owned();
        Self { exact, clock }
    }
}

/// What a line that begins a group says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Closed,
    Open,
    Quiet,
    /// The group before is to be open; the line itself is not shown.
    OpenBefore,
}

fn mark(text: &str) -> Option<Mark> {
    match text.get(..MARK) {
        Some("--- ") => Some(Mark::Closed),
        Some("+++ ") => Some(Mark::Open),
        Some("~~~ ") => Some(Mark::Quiet),
        _ if text.trim_end() == "^^^ +++" => Some(Mark::OpenBefore),
        _ => None,
    }
}

impl Log {
    /// Of lines. `with_times`: each with when it was written.
    pub(crate) fn of(part: &LogLines, with_times: bool) -> Self {
        let mut pen = Pen::default();
        let mut groups = vec![Group { is_open: true, ..Group::default() }];
        for (number, bytes) in (part.first..).zip(&part.lines) {
            let line = pen.line(bytes);
            let text = line.text();
            match mark(&text) {
                Some(Mark::OpenBefore) => {
                    if let Some(group) = groups.last_mut() {
                        group.is_open = true;
                    }
                }
                Some(how) => groups.push(Group {
                    head: Some(Row::new(number, line.without(MARK), with_times)),
                    is_open: how == Mark::Open,
                    is_quiet: how == Mark::Quiet,
                    rows: Vec::new(),
                }),
                None => {
                    if let Some(group) = groups.last_mut() {
                        group.rows.push(Row::new(number, line, with_times));
                    }
                }
            }
        }
        // What comes last is what one looks for.
        if part.reaches_end
            && let Some(last) = groups.last_mut()
        {
            last.is_open = true;
        }
        Self { first: part.first, groups, with_times }
    }
}

impl Row {
    fn new(number: i64, line: Line, with_times: bool) -> Self {
        Self { number, at: line.at.filter(|_| with_times).map(Stamp::new), runs: line.runs }
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::build::JobState;

    use crate::naughty::{TEXTS, assert_inert};

    use super::*;

    fn part(lines: &[&str]) -> LogLines {
        LogLines {
            first: 7,
            lines: lines.iter().map(|line| line.as_bytes().to_vec()).collect(),
            ended: 100,
            reaches_end: false,
            state: JobState::Running,
        }
    }

    #[test]
    fn lines_stand_in_the_groups_that_the_job_made() {
        let log = Log::of(&part(&["before", "--- one", "a", "+++ two", "b", "~~~ three", "^^^ +++", "c"]), false);
        let shape: Vec<_> =
            log.groups.iter().map(|it| (it.head.is_some(), it.is_open, it.is_quiet, it.rows.len())).collect();
        assert_eq!(
            shape,
            [(false, true, false, 1), (true, false, false, 1), (true, true, false, 1), (true, true, true, 1)]
        );
        let numbers: Vec<_> = log.groups.iter().flat_map(|it| &it.rows).map(|row| row.number).collect();
        assert_eq!(numbers, [7, 9, 11, 14]);
        let html = log.to_string();
        assert!(html.contains("id=\"L8\"") && html.contains("href=\"?line=7#L9\""), "{html}");
    }

    #[test]
    fn the_last_group_is_open_at_the_end() {
        let lines = LogLines { reaches_end: true, ..part(&["--- one", "a"]) };
        assert!(Log::of(&lines, false).groups.last().is_some_and(|it| it.is_open));
    }

    #[test]
    fn whatever_a_job_writes_stays_text() {
        for text in TEXTS.iter().filter(|text| !text.contains('\0')) {
            for line in [(*text).to_owned(), format!("--- {text}"), format!("\u{1b}[31m{text}")] {
                assert_inert(&Log::of(&part(&[&line]), true).to_string(), text);
            }
        }
    }

    #[test]
    fn times_are_shown_to_whoever_asks_for_them() {
        let lines = part(&["\u{1b}_bk;t=1700000000123\u{7}a"]);
        assert!(Log::of(&lines, true).to_string().contains(">22:13:20</time>"));
        assert!(!Log::of(&lines, false).to_string().contains("<time"));
    }

    #[test]
    fn a_part_of_a_log_is_small() {
        let line = format!("\u{1b}[32m{}\u{1b}[0m", "a".repeat(BYTES / LINES));
        let lines = vec![line.as_str(); LINES];
        let size = Log::of(&part(&lines), true).to_string().len();
        assert!(size < 90_000, "{size} bytes");
    }
}
