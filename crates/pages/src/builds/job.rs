//! A job's own page: what it ran, where it stands, and its log, a part of it at a time.

use askama::Template;
use countersign_control::access::actions::ViewBuilds;
use countersign_control::builds::{Build, Entry};
use countersign_control::jobs::{Job, LogLines, Try};
use countersign_control::{Error, PageRequest};
use countersign_domain::build::RetryType;
use countersign_domain::plan::Work;

use crate::failure::Failure;
use crate::frame::{self, Answer, Frame, Link};
use crate::parts::When;
use crate::query::{Query, address};
use crate::visit::Visit;
use crate::weight;

use super::artifacts::{self, Row as ArtifactRow};
use super::entries::{May, can_cancel, can_retry, job_name};
use super::find::{Hits, find};
use super::log::{self, Keep, LINES, Log};
use super::pairs::Pairs;
use super::states;

/// The most bytes that a command takes on the page.
const COMMAND: usize = 4 * 1024;
/// The most characters of the words of a group that a part goes on with.
const GROUP: usize = 60;
/// Stands in an address for the line behind the last.
const END: &str = "end";

#[derive(Template)]
#[template(path = "job.html")]
struct Page {
    frame: Frame,
    facts: Facts,
    ways: Ways,
    stream: Option<String>,
    /// The log, or what was found in it.
    log: Option<Log>,
    hits: Option<Hits>,
    search: String,
    places: Places,
    tries: Vec<TryRow>,
    artifacts: Vec<ArtifactRow>,
    env: Pairs,
}

/// What is known of a job.
#[derive(Debug, Clone)]
struct Facts {
    name: String,
    state: &'static str,
    state_class: &'static str,
    command: String,
    is_cut: bool,
    queue: String,
    agent: Option<Link>,
    created: When,
    runnable: Option<When>,
    started: Option<When>,
    finished: Option<When>,
    canceled: Option<When>,
    /// What stands for a time that there is none of: it may come yet, or not.
    none: &'static str,
    waited: String,
    ran: String,
    exit: String,
    /// The signal that ended it, and why.
    signal: String,
    /// The job that counts in its place.
    next: Option<String>,
}

/// One of the tries of a job.
#[derive(Debug, Clone)]
struct TryRow {
    /// From 1.
    number: i64,
    href: String,
    is_this: bool,
    state: &'static str,
    state_class: &'static str,
    /// Whether a person or a rule wanted it.
    why: &'static str,
    created: When,
}

/// What can be done, by whoever may.
#[derive(Debug, Clone, Default)]
struct Ways {
    here: String,
    retry: Option<String>,
    cancel: Option<String>,
}

/// Ways through the log.
#[derive(Debug, Clone, Default)]
struct Places {
    path: String,
    size: String,
    /// How many lines there are.
    count: i64,
    first: i64,
    last: i64,
    /// The line that was asked for, where there is none of that number.
    beyond: Option<i64>,
    /// The group that the first line is in, where that begins before.
    within: Option<Link>,
    is_empty: bool,
    /// Whether more may come.
    is_open: bool,
    /// Whether the end is shown, so that what comes is to be added.
    is_tail: bool,
    start: Option<String>,
    before: Option<String>,
    after: Option<String>,
    end: Option<String>,
    /// With and without times.
    times: String,
    with_times: bool,
    /// Where the search goes on.
    more: Option<String>,
}

fn facts(visit: &Visit, build: &Build, it: &Entry, job: &Job, tries: &[Try]) -> Facts {
    let (stands, now) = (states::job(job), visit.control().now());
    let command = weight::start(&job.command, COMMAND).to_owned();
    let agent = it.agent.as_ref().map(|it| Link::new(it.name.clone(), visit.path(&format!("/agents/{}", it.id))));
    let signal = [&job.signal, &job.signal_reason].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    Facts {
        name: job_name(job),
        state: stands.words,
        state_class: stands.class,
        is_cut: command.len() < job.command.len(),
        command,
        queue: job.queue.clone(),
        agent,
        created: When::new(job.created_at),
        runnable: job.runnable_at.map(When::new),
        started: job.started_at.map(When::new),
        finished: job.finished_at.map(When::new),
        canceled: job.canceled_at.map(When::new),
        none: if job.state.is_finished() { "Never" } else { "Not yet" },
        waited: states::waited(job, now),
        ran: states::ran(job, now),
        exit: job.exit_status.clone().unwrap_or_default(),
        signal,
        next: job.retried_in.map(|next| visit.job_path(build, tries.last().map_or(next, |it| it.id), "")),
    }
}

/// The tries of a job; none where there is one alone.
fn tries(visit: &Visit, build: &Build, job: &Job, all: &[Try]) -> Vec<TryRow> {
    if all.len() < 2 {
        return Vec::new();
    }
    // Of many, the first are not among them.
    let place = |of: &Try| all.iter().position(|it| it.id == of.id).and_then(|at| i64::try_from(at).ok()).unwrap_or(0);
    let this = all.iter().find(|it| it.id == job.id);
    let before = this.map_or(0, |it| job.retries_count.saturating_sub(place(it)));
    let rows = all.iter().map(|it| {
        let stands = states::of_try(it);
        TryRow {
            number: before + place(it) + 1,
            href: visit.job_path(build, it.id, ""),
            is_this: it.id == job.id,
            state: stands.words,
            state_class: stands.class,
            why: match it.retry_type {
                None => "",
                Some(RetryType::Manual) => "asked for by a person",
                Some(RetryType::Automatic) => "by a rule of the pipeline",
            },
            created: When::new(it.created_at),
        }
    });
    rows.collect()
}

fn ways(visit: &Visit, build: &Build, it: &Entry, job: &Job, may: May) -> Ways {
    let can_retry = matches!(&it.text.work, Work::Command(work) if can_retry(job, work, build));
    Ways {
        // Not as the script asks for it while it follows the log.
        here: visit.job_path(build, job.id, ""),
        retry: (may.retry && can_retry).then(|| visit.job_path(build, job.id, "/retry")),
        cancel: (may.cancel && can_cancel(job)).then(|| visit.job_path(build, job.id, "/cancel")),
    }
}

/// The lines that are asked for; where none are, the end of what is being written, and the beginning of what is not. With which of them to keep where
/// the page has no room for all.
async fn lines(visit: &Visit, job: &Job, asked: Option<i64>, with_before: bool) -> Result<(LogLines, Keep), Failure> {
    let first = asked.unwrap_or(if job.state.is_finished() { 1 } else { i64::MAX });
    let window = log::window(first, with_before);
    let part = visit.control().job_log_lines(&visit.may::<ViewBuilds>()?, job.id, window).await?;
    let keep = if part.first < first { Keep::Last } else { Keep::First };
    Ok((part, keep))
}

/// The line that an address asks for.
fn asked(query: &Query) -> Option<i64> {
    let text = query.said("line")?;
    if text == END { Some(i64::MAX) } else { text.parse().ok() }
}

/// The group that a part of a log goes on with, if that begins not long before.
fn within(part: &LogLines, path: &str) -> Option<Link> {
    let (line, words) = log::group_of(part)?;
    let place = address(path, &[("line", line.to_string().as_str())]);
    Some(Link::new(crate::words::short(&words, GROUP), format!("{place}#L{line}")))
}

fn places(path: &str, part: &LogLines, job: &Job, with_times: bool) -> Places {
    let times = if with_times { "on" } else { "" };
    let at = |line: i64| address(path, &[("line", line.to_string().as_str()), ("times", times)]);
    let lines = i64::try_from(LINES).unwrap_or(i64::MAX);
    let is_open = !job.state.is_finished();
    let other = if with_times { "" } else { "on" };
    Places {
        path: path.to_owned(),
        size: states::bytes(job.log_size),
        count: part.ended.max(part.next().saturating_sub(1)),
        first: part.first,
        last: part.next().saturating_sub(1),
        beyond: None,
        within: None,
        is_empty: part.lines.is_empty() && part.ended == 0,
        is_open,
        is_tail: part.reaches_end && is_open,
        start: (part.first > 1).then(|| at(1)),
        before: (part.first > 1).then(|| at(part.first.saturating_sub(lines).max(1))),
        after: (!part.reaches_end).then(|| at(part.next())),
        end: (!part.reaches_end).then(|| address(path, &[("line", END), ("times", times)])),
        times: address(path, &[("line", part.first.to_string().as_str()), ("times", other)]),
        with_times,
        more: None,
    }
}

/// The page.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let build = visit.build().await?;
    let id = visit.job_of(&build).await?;
    let (control, grant) = (visit.control(), visit.may::<ViewBuilds>()?);
    let (_, entry) = control.entry(&grant, id).await?;
    let job = entry.job.clone().ok_or(Error::NotFound("job"))?;
    let path = visit.job_path(&build, id, "");
    let (with_times, search) = (query.said("times").is_some(), query.said("search").unwrap_or_default().to_owned());
    let from = query.said("from").and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut places = Places { path: path.clone(), size: states::bytes(job.log_size), ..Places::default() };
    let (mut hits, mut shown) = (None, None);
    if search.is_empty() {
        let line = asked(&query);
        // Whoever follows a log has the group on the page already.
        let with_before = query.said("follow").is_none();
        let (mut part, keep) = lines(&visit, &job, line, with_before).await?;
        shown = Some(Log::of(&mut part, keep, with_times));
        places = self::places(&path, &part, &job, with_times);
        places.beyond = line.filter(|line| *line != i64::MAX && *line > places.count);
        places.within = if with_before { within(&part, &path) } else { None };
    } else {
        let found = find(&visit, id, &search, from).await?;
        let on = |line: i64| address(&path, &[("search", search.as_str()), ("from", line.to_string().as_str())]);
        places.more = found.next.map(on);
        hits = Some(found);
    }
    let all_tries = control.job_tries(&grant, id).await?;
    let artifacts = control.job_artifacts(&grant, id, PageRequest::first(artifacts::FIRST)).await?.items;
    let frame = visit.build_frame(&build);
    let name = frame.title.clone();
    frame::show(&Page {
        frame: Frame { title: job_name(&job), ..frame }.crumb(name, visit.build_path(&build, "")),
        facts: facts(&visit, &build, &entry, &job, &all_tries),
        tries: tries(&visit, &build, &job, &all_tries),
        ways: ways(&visit, &build, &entry, &job, May::of(&visit.offers_in(job.deployment).await?)),
        stream: (!job.state.is_finished()).then(|| visit.job_path(&build, id, "/events")),
        log: shown,
        hits,
        search,
        places,
        artifacts: artifacts.iter().map(|it| ArtifactRow::new(&visit, &build, it, Some(&job))).collect(),
        env: Pairs::of_env(&job.env),
    })
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::super::find::Hit;
    use super::*;

    #[test]
    fn whatever_a_job_says_of_itself_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let some = || (*text).to_owned();
            let hit = Hit { number: 1, before: some(), found: some(), after: some() };
            let page = Page {
                frame: Frame::plain(some(), &seen),
                facts: Facts {
                    name: some(),
                    state: "Running",
                    state_class: "active",
                    command: some(),
                    is_cut: true,
                    queue: some(),
                    agent: Some(Link::new(some(), "/x")),
                    created: When::new(Timestamp::EPOCH),
                    runnable: None,
                    started: None,
                    finished: None,
                    canceled: None,
                    none: "Never",
                    waited: String::new(),
                    ran: String::new(),
                    exit: some(),
                    signal: some(),
                    next: Some("/x".to_owned()),
                },
                ways: Ways::default(),
                stream: None,
                log: None,
                hits: Some(Hits { lines: vec![hit], next: Some(2), reached: 1 }),
                search: some(),
                places: Places { within: Some(Link::new(some(), "/x")), ..Places::default() },
                tries: Vec::new(),
                artifacts: Vec::new(),
                env: Pairs { shown: vec![(some(), Some(some()))], more: 1 },
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
