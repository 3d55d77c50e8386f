//! Searching a job's log: a stretch of it at a time, so that no call reads all of a long one.

use countersign_control::Error;
use countersign_control::access::actions::ViewBuilds;
use countersign_control::jobs::{LogLines, LogWindow};
use countersign_domain::id::JobId;

use crate::failure::Failure;
use crate::visit::Visit;

use super::ansi::Pen;

/// The most lines that are found at once.
pub(crate) const MOST: usize = 50;
/// How much is read in one go, and how often: together the most that one call looks at.
const STRETCH: LogWindow = LogWindow { first: 1, lines: 20_000, bytes: 1024 * 1024 };
const STRETCHES: usize = 4;
/// The most bytes that one call looks at.
pub(crate) const LOOKED_AT: usize = STRETCH.bytes * STRETCHES;
/// The most characters of what is searched for.
const MAX_TEXT: usize = 200;
/// The most characters of a line that are shown around what was found.
const AROUND: usize = 160;

/// A line in which the text was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    pub number: i64,
    pub before: String,
    pub found: String,
    pub after: String,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hits {
    pub lines: Vec<Hit>,
    /// The line from which on more may be found; none where all has been looked at.
    pub next: Option<i64>,
    /// The last line that was looked at.
    pub reached: i64,
}

impl Hits {
    /// Looks through some lines. False once there is room for no more.
    fn look_through(&mut self, part: &LogLines, wanted: &str) -> bool {
        let mut pen = Pen::default();
        for (number, bytes) in (part.first..).zip(&part.lines) {
            if self.lines.len() >= MOST {
                self.next = Some(number);
                return false;
            }
            self.reached = number;
            self.lines.extend(hit(number, &pen.line(bytes).text(), wanted));
        }
        true
    }
}

/// Looks for a text, in any case of the letters A to Z, in what a line shows.
fn hit(number: i64, line: &str, wanted: &str) -> Option<Hit> {
    let at = line.to_ascii_lowercase().find(wanted)?;
    let end = at + wanted.len();
    let (before, found, after) = (line.get(..at)?, line.get(at..end)?, line.get(end..)?);
    let skipped = before.chars().count().saturating_sub(AROUND / 2);
    let start: String = before.chars().skip(skipped).collect();
    Some(Hit {
        number,
        before: if skipped > 0 { format!("…{start}") } else { start },
        found: found.to_owned(),
        after: after.chars().take(AROUND).collect(),
    })
}

/// Looks for a text in the log of a job, from a line on. Megabytes are looked through beside the threads that answer everybody.
pub(crate) async fn find(visit: &Visit, job: JobId, text: &str, from: i64) -> Result<Hits, Failure> {
    let wanted: String = text.chars().take(MAX_TEXT).collect::<String>().to_ascii_lowercase();
    let (mut hits, mut first) = (Hits::default(), from);
    for _ in 0..STRETCHES {
        let window = LogWindow { first, ..STRETCH };
        let part = visit.control().job_log_lines(&visit.may::<ViewBuilds>()?, job, window).await?;
        let (is_last, next) = (part.reaches_end || part.lines.is_empty(), part.next());
        let (before, text) = (hits, wanted.clone());
        let work = move || {
            let mut hits = before;
            let has_room = hits.look_through(&part, &text);
            (hits, has_room)
        };
        let has_room;
        (hits, has_room) = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
        if !has_room || is_last {
            return Ok(hits);
        }
        first = next;
    }
    hits.next = Some(first);
    Ok(hits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_any_case_and_shown_with_what_is_around_it() {
        let found = hit(3, "An Error: ä", "error").expect("a hit");
        assert_eq!((found.before.as_str(), found.found.as_str(), found.after.as_str()), ("An ", "Error", ": ä"));
        assert_eq!(hit(3, "nothing", "error"), None);
        let long = format!("{}needle{}", "ä".repeat(1_000), "b".repeat(1_000));
        let found = hit(1, &long, "needle").expect("a hit");
        assert_eq!((found.before.chars().count(), found.after.len()), (AROUND / 2 + 1, AROUND));
    }
}
