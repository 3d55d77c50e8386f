//! When each job waited and when it ran: a bar for each, drawn on the server, with a table that says the same.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use countersign_control::builds::{Build, Entry};
use countersign_domain::Timestamp;

use crate::{weight, words};

use super::entries::job_name;
use super::states;

/// Where bars begin and how wide all of them are, in units of the picture.
const LEFT: u64 = 220;
const WIDTH: u64 = 760;
/// The height of a line and of the axis.
const LINE: usize = 24;
const AXIS: usize = 28;
/// How many parts the axis has.
const TICKS: u64 = 4;
/// The most characters of a name in the picture; its title has all of them.
const NAME: usize = 28;
/// The most bytes that a name takes in the table.
const LONG_NAME: usize = 200;

/// The picture, and the table that says the same.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/waterfall.html")]
pub(crate) struct Waterfall {
    height: usize,
    ticks: Vec<Tick>,
    bars: Vec<Bar>,
}

impl HtmlSafe for Waterfall {}

/// A mark of the axis.
#[derive(Debug, Clone)]
struct Tick {
    x: u64,
    words: String,
}

/// A job.
#[derive(Debug, Clone)]
struct Bar {
    y: usize,
    name: String,
    short: String,
    href: String,
    state: &'static str,
    class: &'static str,
    /// Whether it was run again, so that another one counts.
    is_old: bool,
    /// From where on and how far it waited, and ran.
    waiting: (u64, u64),
    running: (u64, u64),
    began: String,
    waited: String,
    ran: String,
}

/// A span of time on the axis.
#[derive(Debug, Clone, Copy)]
struct Axis {
    from: Timestamp,
    length: Duration,
}

impl Axis {
    fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, length: to.since(from).max(Duration::from_secs(1)) }
    }

    /// Where a moment stands.
    fn at(&self, moment: Timestamp) -> u64 {
        let passed = moment.since(self.from).min(self.length).as_micros();
        let place = passed * u128::from(WIDTH) / self.length.as_micros().max(1);
        LEFT + u64::try_from(place).unwrap_or(WIDTH)
    }

    /// Where a stretch begins and how wide it is: at least one unit, so that it is seen.
    fn stretch(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> (u64, u64) {
        let Some((from, to)) = from.zip(to) else { return (0, 0) };
        let (start, end) = (self.at(from), self.at(to));
        (start, end.saturating_sub(start).max(1))
    }
}

impl Waterfall {
    /// Of some of a build's entries; `href` is where a job has its page.
    pub(crate) fn of(
        build: &Build,
        entries: &[Entry],
        href: impl Fn(countersign_domain::id::JobId) -> String,
        now: Timestamp,
    ) -> Self {
        let axis = Axis::new(build.created_at, build.finished_at.unwrap_or(now));
        let jobs = entries.iter().filter_map(|entry| entry.job.as_ref()).filter(|job| job.runnable_at.is_some());
        let bars: Vec<Bar> = jobs
            .enumerate()
            .map(|(number, job)| {
                let (name, stands) = (weight::cut(&job_name(job), LONG_NAME), states::job(job));
                let until = job.started_at.or(job.finished_at).unwrap_or(now);
                let end = job.started_at.map(|_| job.finished_at.unwrap_or(now));
                let began = job.runnable_at.map(|at| states::duration(at.since(build.created_at)));
                Bar {
                    y: AXIS + number * LINE,
                    short: words::short(&name, NAME),
                    name,
                    href: href(job.id),
                    state: stands.words,
                    class: stands.class,
                    is_old: job.retried_in.is_some(),
                    waiting: axis.stretch(job.runnable_at, Some(until)),
                    running: axis.stretch(job.started_at, end),
                    began: began.unwrap_or_default(),
                    waited: states::waited(job, now),
                    ran: states::ran(job, now),
                }
            })
            .collect();
        let ticks = (0..=TICKS).map(|number| Tick {
            x: LEFT + WIDTH * number / TICKS,
            words: states::duration(
                axis.length * u32::try_from(number).unwrap_or(0) / u32::try_from(TICKS).unwrap_or(1),
            ),
        });
        Self { height: AXIS + bars.len() * LINE + LINE / 2, ticks: ticks.collect(), bars }
    }
}

impl Waterfall {
    /// To look at: two jobs, one after the other.
    pub(crate) fn sample() -> Self {
        let bar = |at: usize, name: &str, (state, class), waiting, running| Bar {
            y: AXIS + at * LINE,
            name: name.to_owned(),
            short: name.to_owned(),
            href: "#pictures".to_owned(),
            state,
            class,
            is_old: false,
            waiting,
            running,
            began: "0 s".to_owned(),
            waited: "12 s".to_owned(),
            ran: "1 min 4 s".to_owned(),
        };
        Self {
            height: AXIS + 2 * LINE,
            ticks: vec![
                Tick { x: LEFT, words: "0 s".to_owned() },
                Tick { x: LEFT + WIDTH / 2, words: "1 min".to_owned() },
            ],
            bars: vec![
                bar(0, "Unit", ("Passed", "good"), (LEFT, 90), (LEFT + 90, 200)),
                bar(1, "Ship", ("Running", "active"), (LEFT + 290, 40), (LEFT + 330, 400)),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_moment_stands_where_it_belongs() {
        let axis = Axis::new(at(100), at(200));
        assert_eq!([axis.at(at(100)), axis.at(at(150)), axis.at(at(200))], [LEFT, LEFT + WIDTH / 2, LEFT + WIDTH]);
        assert_eq!([axis.at(at(0)), axis.at(at(999))], [LEFT, LEFT + WIDTH], "nothing stands outside");
        assert_eq!(axis.stretch(Some(at(100)), Some(at(100))), (LEFT, 1), "nothing is too short to be seen");
        assert_eq!(axis.stretch(None, Some(at(100))), (0, 0));
        assert_eq!(Axis::new(at(5), at(5)).at(at(5)), LEFT, "a build that has just been made");
    }

    #[test]
    fn whatever_a_job_is_called_stays_text() {
        for text in TEXTS {
            let some = || (*text).to_owned();
            let bar = Bar {
                y: 1,
                name: some(),
                short: some(),
                href: "/x".to_owned(),
                state: "Passed",
                class: "good",
                is_old: true,
                waiting: (1, 2),
                running: (3, 4),
                began: "1 s".to_owned(),
                waited: "1 s".to_owned(),
                ran: "1 s".to_owned(),
            };
            let tick = Tick { x: 1, words: "1 s".to_owned() };
            assert_inert(&Waterfall { height: 1, ticks: vec![tick], bars: vec![bar] }.to_string(), text);
        }
    }
}
