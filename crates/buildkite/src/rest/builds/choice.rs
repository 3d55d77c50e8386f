//! Which builds a list has, and what is shown of each.

use countersign_control::Error;
use countersign_control::builds::{Entry, Wanted};
use countersign_domain::build::BuildState;

use super::super::jobs::state_of;
use super::super::query::Parameters;

/// The states of jobs that a filter may name.
const JOB_STATES: [&str; 21] = [
    "pending",
    "waiting",
    "waiting_failed",
    "blocked",
    "blocked_failed",
    "unblocked",
    "unblocked_failed",
    "scheduled",
    "assigned",
    "accepted",
    "running",
    "passed",
    "failed",
    "timed_out",
    "timing_out",
    "canceled",
    "canceling",
    "skipped",
    "broken",
    "expired",
    "limited",
];

/// What is shown of a build.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Without its jobs.
    pub exclude_jobs: bool,
    /// Without its pipeline.
    pub exclude_pipeline: bool,
    /// With jobs that were run again.
    include_retried_jobs: bool,
    /// Only jobs in these states; empty: in any.
    job_states: Vec<String>,
}

impl Shape {
    /// # Errors
    /// [`Error::Invalid`] at the switch.
    pub(super) fn read(parameters: &mut Parameters) -> Result<Self, Error> {
        let job_states = parameters.all("job_states");
        if job_states.iter().any(|state| !JOB_STATES.contains(&state.as_str())) {
            return Err(Error::invalid("job_states", format!("must be of: {}", JOB_STATES.join(", "))));
        }
        Ok(Self {
            exclude_jobs: parameters.flag("exclude_jobs")?,
            exclude_pipeline: parameters.flag("exclude_pipeline")?,
            include_retried_jobs: parameters.flag("include_retried_jobs")?,
            job_states,
        })
    }

    /// Whether an entry is shown.
    pub(super) fn lets_through(&self, entry: &Entry) -> bool {
        let was_retried = entry.job.as_ref().is_some_and(|job| job.retried_in.is_some());
        (self.include_retried_jobs || !was_retried)
            && (self.job_states.is_empty() || self.job_states.iter().any(|state| state == state_of(entry)))
    }
}

/// The filters and switches of a list.
pub(super) struct Chosen {
    /// Which builds.
    pub wanted: Wanted,
    /// What of each.
    pub shape: Shape,
}

impl Chosen {
    /// # Errors
    /// [`Error::Invalid`] at the filter or switch.
    pub(super) fn read(parameters: &mut Parameters) -> Result<Self, Error> {
        let mut states = Vec::new();
        for word in parameters.all("state") {
            match word.as_str() {
                "finished" => states.extend(BuildState::ALL.iter().copied().filter(|state| state.is_finished())),
                word => states.push(word.parse().map_err(|_| Error::invalid("state", states_in_words()))?),
            }
        }
        let creator = match parameters.one("creator")? {
            Some(text) => Some(text.parse().map_err(|why| Error::invalid("creator", why))?),
            None => None,
        };
        let wanted = Wanted {
            pipeline: None,
            states,
            branches: parameters.all("branch"),
            commits: parameters.all("commit"),
            creator,
            created_from: parameters.time("created_from")?,
            created_to: parameters.time("created_to")?,
        };
        Ok(Self { wanted, shape: Shape::read(parameters)? })
    }
}

fn states_in_words() -> String {
    let words: Vec<&str> = BuildState::ALL.iter().map(|state| state.as_str()).collect();
    format!("must be finished, or of: {}", words.join(", "))
}
