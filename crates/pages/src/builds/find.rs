//! Searching a job's log: a stretch of it at a time, so that no call reads all of a long one.

use std::ops::Range;

use countersign_control::Error;
use countersign_control::access::actions::ViewBuilds;
use countersign_control::jobs::{LogLines, LogWindow};
use countersign_domain::id::JobId;
use memchr::memmem::Finder;

use crate::failure::Failure;
use crate::visit::Visit;

use super::ansi;

/// The most lines that are found at once.
pub(crate) const MOST: usize = 50;
/// The most bytes that one call looks at. They are read in one go, for with each it is asked anew where the lines of the log are, and of a log in small
/// pieces that alone takes as long as looking through as many bytes.
pub(crate) const LOOKED_AT: usize = 2 * 1024 * 1024;
/// The most lines, where they are short.
pub(crate) const LINES: usize = 40_000;
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
    /// Looks through some lines for a text in small letters.
    fn of(part: &LogLines, wanted: &str) -> Self {
        let (mut hits, finder, mut shown) = (Self::default(), Finder::new(wanted), String::new());
        for (number, bytes) in (part.first..).zip(&part.lines) {
            if hits.lines.len() >= MOST {
                hits.next = Some(number);
                return hits;
            }
            hits.reached = number;
            ansi::show(bytes, &mut shown);
            shown.make_ascii_lowercase();
            if let Some(at) = finder.find(shown.as_bytes()) {
                // Once more, with its capitals.
                ansi::show(bytes, &mut shown);
                hits.lines.extend(hit(number, &shown, at..at + wanted.len()));
            }
        }
        hits.next = Some(part.next()).filter(|_| !part.reaches_end && !part.lines.is_empty());
        hits
    }
}

/// What was found at a place of a line.
fn hit(number: i64, line: &str, place: Range<usize>) -> Option<Hit> {
    let (before, found, after) = (line.get(..place.start)?, line.get(place.clone())?, line.get(place.end..)?);
    let skipped = before.chars().count().saturating_sub(AROUND / 2);
    let start: String = before.chars().skip(skipped).collect();
    Some(Hit {
        number,
        before: if skipped > 0 { format!("…{start}") } else { start },
        found: found.to_owned(),
        after: after.chars().take(AROUND).collect(),
    })
}

/// Looks for a text in the log of a job, in any case of the letters A to Z, in what its lines show, from a line on. Megabytes are looked through beside the
/// threads that answer everybody.
pub(crate) async fn find(visit: &Visit, job: JobId, text: &str, from: i64) -> Result<Hits, Failure> {
    let wanted: String = text.chars().take(MAX_TEXT).collect::<String>().to_ascii_lowercase();
    let window = LogWindow { first: from, lines: LINES, bytes: LOOKED_AT, before: 0 };
    let part = visit.control().job_log_lines(&visit.may::<ViewBuilds>()?, job, window).await?;
    tokio::task::spawn_blocking(move || Hits::of(&part, &wanted)).await.map_err(|error| Error::internal(error).into())
}

#[cfg(test)]
mod tests {
    use countersign_domain::build::JobState;

    use super::super::ansi::Pen;
    use super::super::ansi::made_up::lines;
    use super::*;

    /// What is found in some lines, from number 1 on.
    fn found(lines: Vec<Vec<u8>>, reaches_end: bool, wanted: &str) -> Hits {
        Hits::of(
            &LogLines { first: 1, lines, before: Vec::new(), ended: 0, reaches_end, state: JobState::Finished },
            wanted,
        )
    }

    #[test]
    fn a_text_is_found_in_any_case_and_shown_with_what_is_around_it() {
        let of = |line: &str| found(vec![line.as_bytes().to_vec()], true, "error").lines;
        let hits = of("An \u{1b}[31mErr\u{1b}[1mor\u{1b}[0m: ä");
        assert_eq!(hits.len(), 1);
        let hit = &hits[0];
        assert_eq!((hit.before.as_str(), hit.found.as_str(), hit.after.as_str()), ("An ", "Error", ": ä"));
        assert_eq!(of("nothing"), []);
        assert_eq!(of("error\rdone"), [], "it was written over");
        let long = format!("{}ERROR{}", "ä".repeat(1_000), "b".repeat(1_000));
        let hits = of(&long);
        assert_eq!((hits[0].before.chars().count(), hits[0].after.len()), (AROUND / 2 + 1, AROUND));
    }

    #[test]
    fn where_there_is_room_for_no_more_the_rest_is_left() {
        let of = |count, reaches_end, wanted| {
            let hits = found(vec![b"an error".to_vec(); count], reaches_end, wanted);
            (hits.lines.len(), hits.next, hits.reached)
        };
        assert_eq!(of(MOST + 1, true, "error"), (MOST, Some(51), 50));
        assert_eq!(of(MOST, true, "error"), (MOST, None, 50));
        assert_eq!(of(MOST, false, "error"), (MOST, Some(51), 50), "behind what was looked at there is more");
        assert_eq!(of(7, false, "nothing"), (0, Some(8), 7));
        assert_eq!(of(0, false, "nothing"), (0, None, 0));
    }

    #[test]
    fn what_is_found_is_what_a_look_at_each_line_as_it_is_drawn_finds() {
        for wanted in ["error", "rr", "ä", "e", "a b", "\t", "[picture]", "\u{fffd}", "needle", "\n", "ro\u{301}"] {
            let mut count = 0;
            for some in lines(20_000).chunks(MOST) {
                let hits = found(some.to_vec(), true, wanted);
                let expected: Vec<(i64, String)> = (1..)
                    .zip(some)
                    .filter_map(|(number, bytes)| {
                        let text = Pen::default().line(bytes).text();
                        let at = text.to_ascii_lowercase().find(wanted)?;
                        Some((number, text[at..at + wanted.len()].to_owned()))
                    })
                    .collect();
                let hits: Vec<(i64, String)> = hits.lines.into_iter().map(|hit| (hit.number, hit.found)).collect();
                assert_eq!(hits, expected, "{wanted:?}");
                count += hits.len();
            }
            assert_eq!(count > 0, !matches!(wanted, "needle" | "\n"), "{wanted:?} was found in {count} lines");
        }
    }
}
