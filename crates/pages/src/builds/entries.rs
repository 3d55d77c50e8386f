//! What a build consists of, as rows of a table: jobs, and the other steps.

use countersign_control::access::actions::{CancelJob, RetryJob, UnblockStep};
use countersign_control::builds::{Build, Entry};
use countersign_control::jobs::Job;
use countersign_domain::Timestamp;
use countersign_domain::build::JobState;
use countersign_domain::graph::{Kind, StepState};
use countersign_domain::plan::{CommandWork, Question, Work};

use crate::brief::Brief;
use crate::frame::Link;
use crate::offers::Offers;
use crate::visit::Visit;
use crate::{weight, words};

use super::{first_line, states};

/// The most bytes that a name takes in a row, and the most characters of it where it says again which row something is of.
const NAME: usize = 400;
const OF: usize = 40;

/// A row of a build.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub name: String,
    /// The start of that, where it says again which row a button is of.
    pub of: String,
    /// Its own page, for a job.
    pub href: Option<String>,
    pub kind: &'static str,
    pub state: &'static str,
    pub state_class: &'static str,
    /// Whether it is in a group, or was uploaded by another step.
    pub is_inner: bool,
    /// Whether it was run again, so that another row counts.
    pub is_old: bool,
    /// The agent that has it, or had it.
    pub agent: Option<Link>,
    pub waited: String,
    pub ran: String,
    pub exit: String,
    /// Why it went as it did, and who answered.
    pub note: String,
    /// The build that a trigger has made.
    pub made: Option<Link>,
    /// Where it is run again, for whoever may.
    pub retry: Option<String>,
    /// Where it is canceled, for whoever may.
    pub cancel: Option<String>,
    pub unblock: Option<Unblock>,
}

/// How a step is answered.
#[derive(Debug, Clone)]
pub(crate) struct Unblock {
    pub path: String,
    /// Whether there is nothing to fill in, so that a click is enough.
    pub is_plain: bool,
    /// What the button says.
    pub words: String,
}

/// What whoever looks may do with jobs and steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct May {
    pub retry: bool,
    pub cancel: bool,
    pub unblock: bool,
}

impl May {
    pub(crate) fn of(offers: &Offers<'_>) -> Self {
        Self {
            retry: offers.can::<RetryJob>(),
            cancel: offers.can::<CancelJob>(),
            unblock: offers.can::<UnblockStep>(),
        }
    }
}

/// What a job is called: each of several alike with its number, for they have one label.
pub(crate) fn job_name(it: &Job) -> String {
    let said = it.label.clone().filter(|label| !label.is_empty()).unwrap_or_else(|| first_line(&it.command));
    let name = if said.is_empty() { it.step_key.clone().unwrap_or_else(|| "Command".to_owned()) } else { said };
    match it.parallel {
        Some((number, count)) => format!("{name} ({} of {count})", number + 1),
        None => name,
    }
}

fn name(it: &Entry) -> String {
    if let Some(job) = &it.job {
        return job_name(job);
    }
    let step = &it.step;
    let said = step.label.clone().or_else(|| step.key.clone()).filter(|text| !text.is_empty());
    said.unwrap_or_else(|| states::kind(step.step.kind).to_owned())
}

/// Whether a person may have a job run again: what the operation asks, so that nobody is shown a button that says no.
pub(crate) fn can_retry(job: &Job, work: &CommandWork, build: &Build) -> bool {
    let has_run = matches!(job.state, JobState::Finished | JobState::TimedOut | JobState::Expired | JobState::Canceled);
    let has_passed = job.state == JobState::Finished && job.exit_status.as_deref() == Some("0");
    let rule = &work.manual_retry;
    has_run
        && job.retried_in.is_none()
        && build.canceled_at.is_none()
        && rule.allowed
        && (!has_passed || rule.permit_on_passed)
}

/// Whether a job can be canceled.
pub(crate) const fn can_cancel(job: &Job) -> bool {
    matches!(
        job.state,
        JobState::Limited | JobState::Scheduled | JobState::Assigned | JobState::Accepted | JobState::Running
    )
}

/// What a step asks, while it does.
pub(crate) fn asks(it: &Entry) -> Option<&Question> {
    match &it.text.work {
        Work::Block(question) | Work::Input(question) if it.step.step.state == StepState::Asking => Some(question),
        _ => None,
    }
}

/// What the button of a question says.
pub(crate) fn submit_words(question: &Question, kind: Kind) -> String {
    let said = question.submit.clone().filter(|text| !text.is_empty());
    said.unwrap_or_else(|| if kind == Kind::Input { "Answer".to_owned() } else { "Unblock".to_owned() })
}

impl Row {
    pub(crate) fn new(visit: &Visit, build: &Build, it: &Entry, may: May, now: Timestamp) -> Self {
        let stands = states::entry(it);
        let job = it.job.as_ref();
        let work = match &it.text.work {
            Work::Command(work) => Some(work),
            _ => None,
        };
        let retry = job.zip(work).filter(|(job, work)| may.retry && can_retry(job, work, build));
        let cancel = job.filter(|job| may.cancel && can_cancel(job));
        let answered = it.answered_by.as_ref().map(|user| format!("by {}", Brief::of_user(user)));
        let notes = [it.step.note.clone(), answered];
        let unblock = asks(it).filter(|_| may.unblock).map(|question| Unblock {
            path: visit.step_path(build, it.step.id, "/unblock"),
            // Whoever answers reads first what is asked.
            is_plain: question.fields.is_empty() && question.prompt.as_deref().is_none_or(str::is_empty),
            words: words::short(&submit_words(question, it.step.step.kind), OF),
        });
        let name = weight::cut(&name(it), NAME);
        Self {
            of: words::short(&name, OF),
            name,
            href: job.map(|job| visit.job_path(build, job.id, "")),
            kind: states::kind(it.step.step.kind),
            state: stands.words,
            state_class: stands.class,
            is_inner: it.step.parent.is_some(),
            is_old: job.is_some_and(|job| job.retried_in.is_some()),
            agent: it.agent.as_ref().map(|agent| {
                Link::new(weight::cut(&agent.name, NAME / 4), visit.path(&format!("/agents/{}", agent.id)))
            }),
            waited: job.map(|job| states::waited(job, now)).unwrap_or_default(),
            ran: job.map(|job| states::ran(job, now)).unwrap_or_default(),
            exit: job.and_then(|job| job.exit_status.clone()).unwrap_or_default(),
            note: weight::cut(&notes.into_iter().flatten().collect::<Vec<_>>().join(" "), NAME),
            made: it
                .made
                .as_ref()
                .map(|made| Link::new(format!("{} #{}", made.pipeline_name, made.number), visit.build_path(made, ""))),
            retry: retry.map(|(job, _)| visit.job_path(build, job.id, "/retry")),
            cancel: cancel.map(|job| visit.job_path(build, job.id, "/cancel")),
            unblock,
        }
    }
}
