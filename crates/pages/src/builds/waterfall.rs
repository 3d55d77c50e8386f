//! When each job waited and when it ran: a bar for each, drawn on the server, with a table that says the same.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use countersign_control::builds::{Build, Entry};
use countersign_domain::Timestamp;

use crate::{weight, words};

use super::entries::job_name;
use super::states;

/// How wide all bars are, in units of the picture, and how wide each is at least, so that it is seen.
const WIDTH: u64 = 760;
const LEAST: u64 = 2;
/// How many parts the axis has.
const TICKS: u32 = 4;
/// The most characters of a name in the picture; its title has all of them.
const NAME: usize = 28;
/// The most bytes that a name takes in the table.
const LONG_NAME: usize = 200;

/// The picture, and the table that says the same.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/waterfall.html")]
pub(crate) struct Waterfall {
    /// What stands at the lines of the axis.
    ticks: Vec<String>,
    bars: Vec<Bar>,
}

impl HtmlSafe for Waterfall {}

/// A job.
#[derive(Debug, Clone)]
struct Bar {
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
        u64::try_from(place).unwrap_or(WIDTH)
    }

    /// Where a stretch begins and how wide it is.
    fn stretch(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> (u64, u64) {
        let Some((from, to)) = from.zip(to) else { return (0, 0) };
        let (start, end) = (self.at(from), self.at(to));
        (start.min(WIDTH - LEAST), end.saturating_sub(start).max(LEAST))
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
            .map(|job| {
                let (name, stands) = (weight::cut(&job_name(job), LONG_NAME), states::job(job));
                let until = job.started_at.or(job.finished_at).unwrap_or(now);
                let end = job.started_at.map(|_| job.finished_at.unwrap_or(now));
                let began = job.runnable_at.map(|at| states::duration(at.since(build.created_at)));
                Bar {
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
        let ticks = (0..=TICKS).map(|number| states::duration(axis.length * number / TICKS));
        Self { ticks: ticks.collect(), bars }
    }
}

impl Waterfall {
    /// To look at: two jobs, one after the other.
    pub(crate) fn sample() -> Self {
        let bar = |name: &str, (state, class), waiting, running| Bar {
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
            ticks: ["0 s", "30 s", "1 min", "1 min 30 s", "2 min"].map(str::to_owned).to_vec(),
            bars: vec![
                bar("Unit", ("Passed", "good"), (0, 90), (90, 200)),
                bar("Ship", ("Running", "active"), (290, 40), (330, 400)),
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
        assert_eq!([axis.at(at(100)), axis.at(at(150)), axis.at(at(200))], [0, WIDTH / 2, WIDTH]);
        assert_eq!([axis.at(at(0)), axis.at(at(999))], [0, WIDTH], "nothing stands outside");
        assert_eq!(axis.stretch(Some(at(100)), Some(at(100))), (0, LEAST), "nothing is too short to be seen");
        assert_eq!(axis.stretch(Some(at(200)), Some(at(200))), (WIDTH - LEAST, LEAST), "at the end neither");
        assert_eq!(axis.stretch(None, Some(at(100))), (0, 0));
        assert_eq!(Axis::new(at(5), at(5)).at(at(5)), 0, "a build that has just been made");
    }

    #[test]
    fn whatever_a_job_is_called_stays_text() {
        for text in TEXTS {
            let some = || (*text).to_owned();
            let bar = Bar {
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
            assert_inert(&Waterfall { ticks: vec!["1 s".to_owned()], bars: vec![bar] }.to_string(), text);
        }
    }
}
