//! A job's own page: what it ran, where it stands, and its log, a part of it at a time.

use askama::Template;
use countersign_control::access::actions::ViewBuilds;
use countersign_control::builds::{Build, Entry};
use countersign_control::jobs::{Job, LogLines, LogWindow};
use countersign_control::{Error, PageRequest};
use countersign_domain::plan::Work;

use crate::failure::Failure;
use crate::frame::{self, Answer, Frame, Link};
use crate::parts::When;
use crate::query::{Query, address};
use crate::visit::Visit;

use super::artifacts::{self, Row as ArtifactRow};
use super::entries::{May, can_cancel, can_retry, job_name};
use super::find::{Hits, find};
use super::log::{LINES, Log, window};
use super::one::Pairs;
use super::states;

/// The most characters of a command on the page.
const COMMAND: usize = 4_000;

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
    waited: String,
    ran: String,
    exit: String,
    /// The signal that ended it, and why.
    signal: String,
    /// Which of its tries this is, from 1.
    try_number: i64,
    /// Its successor.
    next: Option<String>,
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

fn facts(visit: &Visit, build: &Build, it: &Entry, job: &Job) -> Facts {
    let (stands, now) = (states::job(job), visit.control().now());
    let command: String = job.command.chars().take(COMMAND).collect();
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
        waited: states::waited(job, now),
        ran: states::ran(job, now),
        exit: job.exit_status.clone().unwrap_or_default(),
        signal,
        try_number: job.retries_count.saturating_add(1),
        next: job.retried_in.map(|next| visit.job_path(build, next, "")),
    }
}

fn ways(visit: &Visit, build: &Build, it: &Entry, job: &Job) -> Ways {
    let may = May::of(visit);
    let can_retry = matches!(&it.text.work, Work::Command(work) if can_retry(job, work, build));
    Ways {
        here: visit.seen.page.clone(),
        retry: (may.retry && can_retry).then(|| visit.job_path(build, job.id, "/retry")),
        cancel: (may.cancel && can_cancel(job)).then(|| visit.job_path(build, job.id, "/cancel")),
    }
}

/// The lines that are asked for; where none are, the end of what is being written, and the beginning of what is not.
async fn lines(visit: &Visit, job: &Job, query: &Query) -> Result<LogLines, Failure> {
    let (control, grant) = (visit.control(), visit.may::<ViewBuilds>()?);
    let asked = query.said("line").and_then(|text| text.parse().ok());
    let first = match asked {
        Some(first) => first,
        None if job.state.is_finished() => 1,
        None => {
            let nothing = LogWindow { first: i64::MAX, lines: 1, bytes: 1 };
            last_part(control.job_log_lines(&grant, job.id, nothing).await?.ended)
        }
    };
    Ok(control.job_log_lines(&grant, job.id, window(first)).await?)
}

/// The line that the last part of a log begins with.
fn last_part(ended: i64) -> i64 {
    let lines = i64::try_from(LINES).unwrap_or(i64::MAX);
    ended.saturating_sub(lines).saturating_add(2).max(1)
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
        is_empty: part.lines.is_empty() && part.ended == 0,
        is_open,
        is_tail: part.reaches_end && is_open,
        start: (part.first > 1).then(|| at(1)),
        before: (part.first > 1).then(|| at(part.first.saturating_sub(lines).max(1))),
        after: (!part.reaches_end).then(|| at(part.next())),
        end: (!part.reaches_end).then(|| at(last_part(part.ended))),
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
    let part = lines(&visit, &job, &query).await?;
    let mut places = places(&path, &part, &job, with_times);
    let hits = if search.is_empty() { None } else { Some(find(&visit, id, &search, from).await?) };
    let next = hits.as_ref().and_then(|hits| hits.next);
    places.more = next.map(|line| address(&path, &[("search", search.as_str()), ("from", line.to_string().as_str())]));
    let artifacts = control.job_artifacts(&grant, id, PageRequest::first(artifacts::FIRST)).await?.items;
    let frame = visit.build_frame(&build);
    let name = frame.title.clone();
    frame::show(&Page {
        frame: Frame { title: job_name(&job), ..frame }.crumb(name, visit.build_path(&build, "")),
        facts: facts(&visit, &build, &entry, &job),
        ways: ways(&visit, &build, &entry, &job),
        stream: (!job.state.is_finished()).then(|| visit.job_path(&build, id, "/events")),
        log: hits.is_none().then(|| Log::of(&part, with_times)),
        hits,
        search,
        places,
        artifacts: artifacts.iter().map(|it| ArtifactRow::new(&visit, &build, it)).collect(),
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
    fn the_last_part_ends_with_the_last_line() {
        let lines = i64::try_from(LINES).expect("a number");
        assert_eq!([last_part(0), last_part(5), last_part(lines), last_part(lines + 10)], [1, 1, 2, 12]);
    }

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
                    waited: String::new(),
                    ran: String::new(),
                    exit: some(),
                    signal: some(),
                    try_number: 2,
                    next: Some("/x".to_owned()),
                },
                ways: Ways::default(),
                stream: None,
                log: None,
                hits: Some(Hits { lines: vec![hit], next: Some(2) }),
                search: some(),
                places: Places::default(),
                artifacts: Vec::new(),
                env: Pairs { shown: vec![(some(), some())], more: 1 },
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
