//! A part of a job's log: its lines in groups, each line with its number, so that one can be linked to.

use askama::Template;
use askama::filters::HtmlSafe;
use countersign_control::jobs::{LogLines, LogWindow, MAX_LINE};
use countersign_domain::Timestamp;

use super::ansi::{Line, Pen, Run};

/// Lines of one part.
pub(crate) const LINES: usize = 300;
/// Bytes of one part: with their numbers and groups, lines take a few times as many in a page.
pub(crate) const BYTES: usize = 32 * 1024;
/// The most bytes that a part takes in a page: what has many signs that HTML writes longer, or many colours, has fewer lines in a part.
pub(crate) const ROOM: usize = 60 * 1024;
/// The most bytes that one line takes there.
const LINE: usize = 40 * 1024;
/// What stands around a line and around one that begins a group, with the time and a number of seven digits.
const AROUND_LINE: usize = 190;
const AROUND_HEAD: usize = 330;
/// The length of what a group begins with.
const MARK: usize = 4;
/// How far back is looked for the beginning of the group that a part goes on with.
const BACK: usize = 1_000;

/// The part of a log that begins at a line, perhaps with those before, in which the group may begin that it is in.
pub(crate) const fn window(first: i64, with_before: bool) -> LogWindow {
    LogWindow { first, lines: LINES, bytes: BYTES, before: if with_before { BACK } else { 0 } }
}

/// The group that a part goes on with, where it begins not long before: its line, and its words.
pub(crate) fn group_of(part: &LogLines) -> Option<(i64, String)> {
    let numbers = (1..).map_while(|back: i64| part.first.checked_sub(back));
    numbers.zip(part.before.iter().rev()).find_map(|(number, bytes)| {
        let line = Pen::default().line(bytes);
        let is_head = matches!(mark(&line.text()), Some(Mark::Closed | Mark::Open | Mark::Quiet));
        is_head.then(|| (number, line.without(MARK).text()))
    })
}

/// Which lines of a part are left out where there is no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    First,
    Last,
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
    /// Whether what goes on in it, from the part before, is to be open.
    opens_before: bool,
    rows: Vec<Row>,
}

/// A line.
#[derive(Debug, Clone)]
struct Row {
    number: i64,
    at: Option<Stamp>,
    runs: Vec<Run>,
    /// Whether there is more of it than is shown.
    is_cut: bool,
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

/// A line, and whether there is more of it.
struct Read {
    line: Line,
    is_cut: bool,
    weight: usize,
}

impl Read {
    fn new(pen: &mut Pen, bytes: &[u8]) -> Self {
        let whole = pen.line(bytes);
        let all = whole.weight();
        let line = if all > LINE { whole.up_to(LINE) } else { whole };
        let around = if mark(&line.text()).is_some() { AROUND_HEAD } else { AROUND_LINE };
        Self { weight: around + all.min(LINE), is_cut: all > LINE || bytes.len() >= MAX_LINE, line }
    }
}

/// Reads the lines, and leaves out those of the part that there is no room for; the first ones stand before it then.
fn read(part: &mut LogLines, keep: Keep) -> Vec<Read> {
    let mut pen = Pen::default();
    let mut all: Vec<Read> = part.lines.iter().map(|bytes| Read::new(&mut pen, bytes)).collect();
    let mut left = ROOM;
    let mut fits = |it: &&Read| left.checked_sub(it.weight).inspect(|rest| left = *rest).is_some();
    match keep {
        Keep::First => {
            let count = all.iter().take_while(&mut fits).count().max(1);
            if count < all.len() {
                all.truncate(count);
                part.lines.truncate(count);
                part.reaches_end = false;
            }
        }
        Keep::Last => {
            let count = all.iter().rev().take_while(&mut fits).count().max(1);
            let left_out = all.len().saturating_sub(count);
            all.drain(..left_out);
            part.before.extend(part.lines.drain(..left_out));
            part.first = part.first.saturating_add(i64::try_from(left_out).unwrap_or(i64::MAX));
        }
    }
    all
}

impl Log {
    /// Of lines, of which the part keeps those that are shown. `with_times`: each with when it was written.
    pub(crate) fn of(part: &mut LogLines, keep: Keep, with_times: bool) -> Self {
        let lines = read(part, keep);
        let mut groups = vec![Group { is_open: true, ..Group::default() }];
        for (number, it) in (part.first..).zip(lines) {
            match mark(&it.line.text()) {
                Some(Mark::OpenBefore) => {
                    if let Some(group) = groups.last_mut() {
                        group.is_open = true;
                        group.opens_before = group.head.is_none();
                    }
                }
                Some(how) => groups.push(Group {
                    head: Some(Row::new(number, it, MARK, with_times)),
                    is_open: how == Mark::Open,
                    is_quiet: how == Mark::Quiet,
                    ..Group::default()
                }),
                None => {
                    if let Some(group) = groups.last_mut() {
                        group.rows.push(Row::new(number, it, 0, with_times));
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
    /// A line without its first `mark` characters.
    fn new(number: i64, it: Read, mark: usize, with_times: bool) -> Self {
        let at = it.line.at.filter(|_| with_times).map(Stamp::new);
        Self { number, at, runs: it.line.without(mark).runs, is_cut: it.is_cut }
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
            before: Vec::new(),
            ended: 100,
            reaches_end: false,
            state: JobState::Running,
        }
    }

    fn of(lines: &[&str], with_times: bool) -> Log {
        Log::of(&mut part(lines), Keep::First, with_times)
    }

    #[test]
    fn lines_stand_in_the_groups_that_the_job_made() {
        let log = of(&["before", "--- one", "a", "+++ two", "b", "~~~ three", "^^^ +++", "c"], false);
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
        let mut lines = LogLines { reaches_end: true, ..part(&["--- one", "a"]) };
        assert!(Log::of(&mut lines, Keep::First, false).groups.last().is_some_and(|it| it.is_open));
    }

    #[test]
    fn whatever_a_job_writes_stays_text() {
        for text in TEXTS.iter().filter(|text| !text.contains('\0')) {
            for line in [(*text).to_owned(), format!("--- {text}"), format!("\u{1b}[31m{text}")] {
                assert_inert(&of(&[&line], true).to_string(), text);
            }
        }
    }

    #[test]
    fn times_are_shown_to_whoever_asks_for_them() {
        let lines = ["\u{1b}_bk;t=1700000000123\u{7}a"];
        let html = of(&lines, true).to_string();
        assert!(html.contains(">22:13:20</time>") && html.contains("?line=7&amp;times=on#L7"), "{html}");
        assert!(!of(&lines, false).to_string().contains("<time"));
    }

    #[test]
    fn a_part_of_a_log_is_small_whatever_is_in_it() {
        let stamped = |text: &str| format!("\u{1b}_bk;t=1700000000123\u{7}{text}");
        let colours = "\u{1b}[1;2;3;4;9;31;102ma\u{1b}[32mb".repeat(BYTES / LINES / 24);
        for line in [
            stamped(&format!("\u{1b}[32m{}\u{1b}[0m", "a".repeat(BYTES / LINES))),
            stamped("--- a group"),
            stamped(&colours),
            "<".repeat(BYTES / LINES),
            "<".repeat(MAX_LINE),
            "\u{1b}[31ma\u{1b}[32mb".repeat(MAX_LINE / 12),
            String::new(),
        ] {
            for keep in [Keep::First, Keep::Last] {
                let mut part = LogLines { first: 1_000_000, reaches_end: true, ..part(&vec![line.as_str(); LINES]) };
                let html = Log::of(&mut part, keep, true).to_string();
                assert!(html.len() < 66_000, "{} bytes of {line:.40}", html.len());
                assert_eq!(html.matches("id=\"L").count(), part.lines.len(), "{line:.40}");
                assert_eq!(part.reaches_end, keep == Keep::Last || part.lines.len() == LINES, "{line:.40}");
                assert_eq!(part.next() == 1_000_000 + 300, part.reaches_end, "{line:.40}");
                let left_out = if keep == Keep::Last { LINES - part.lines.len() } else { 0 };
                assert_eq!(part.before.len(), left_out, "{line:.40}");
            }
        }
    }

    #[test]
    fn a_line_that_is_cut_says_so() {
        assert!(of(&[&"a".repeat(MAX_LINE)], false).to_string().contains("class=\"cut\""));
        assert!(of(&[&"<".repeat(LINE / 4)], false).to_string().contains("class=\"cut\""));
        assert!(!of(&["a"], false).to_string().contains("class=\"cut\""));
    }

    #[test]
    fn a_part_knows_the_group_that_it_goes_on_with() {
        let behind = |before: &[&str]| LogLines { before: part(before).lines, ..part(&["behind"]) };
        assert_eq!(
            group_of(&behind(&["--- one", "a", "+++ \u{1b}[1mtwo", "^^^ +++", "b"])),
            Some((4, "two".to_owned()))
        );
        assert_eq!(group_of(&behind(&["a"])), None);
        assert_eq!(group_of(&part(&["--- one"])), None, "it begins with the part");
        assert_eq!((window(7, true).before, window(7, false).before), (1_000, 0));
        assert!(of(&["a", "^^^ +++"], false).to_string().contains("data-opens-before"));
        assert!(!of(&["--- a", "^^^ +++"], false).to_string().contains("data-opens-before"));
    }
}
