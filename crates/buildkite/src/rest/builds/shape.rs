//! How a build is written.

use std::collections::BTreeMap;

use countersign_control::builds::{Build, Whole};
use countersign_control::organizations::Organization;
use countersign_domain::Timestamp;
use countersign_domain::build::{BuildState, JobState};
use countersign_domain::pipeline::Env;
use countersign_http::global_id::Sort;
use serde::Serialize;

use super::super::shapes::{Addresses, Head, Person, Time};
use super::super::{jobs, pipelines};
use super::choice::Shape;

/// A build.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    head: Head,
    number: i64,
    state: &'static str,
    cancel_reason: Option<&'static str>,
    blocked: bool,
    message: Option<String>,
    commit: String,
    branch: String,
    env: Env,
    source: &'static str,
    creator: Option<Person>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<Vec<jobs::Shown>>,
    job_state_counts: Counts,
    created_at: Time,
    scheduled_at: Time,
    started_at: Option<Time>,
    failing_at: Option<Time>,
    finished_at: Option<Time>,
    meta_data: BTreeMap<String, String>,
    pull_request: Option<()>,
    merge_queue: Option<()>,
    rebuilt_from: Option<Other>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<pipelines::Shown>,
}

/// How many jobs of commands there are, and where they stand. Those that were run again are not counted.
#[derive(Serialize)]
struct Counts {
    total: i64,
    states: BTreeMap<&'static str, i64>,
}

/// Another build.
#[derive(Serialize)]
pub(crate) struct Other {
    id: String,
    number: i64,
    url: String,
    web_url: String,
}

impl Other {
    /// A build that something else names.
    pub(crate) fn new(build: &Build, organization: &Organization, addresses: &Addresses) -> Self {
        Self {
            id: build.id.to_string(),
            number: build.number,
            url: addresses.of_build(organization, build, ""),
            web_url: addresses.page_of_build(organization, build),
        }
    }
}

pub(super) fn shown(
    whole: Whole,
    organization: &Organization,
    addresses: &Addresses,
    shape: &Shape,
    now: Timestamp,
) -> Shown {
    let Whole { build, env, meta_data, creator, rebuilt_from, counts, entries } = whole;
    let jobs = entries.into_iter().filter(|entry| shape.lets_through(entry));
    let jobs = jobs.map(|entry| jobs::shown(entry, &build, organization, addresses, now)).collect();
    let url = addresses.of_build(organization, &build, "");
    Shown {
        head: Head::new(Sort::Build, build.id, url, addresses.page_of_build(organization, &build)),
        number: build.number,
        state: build.state.as_str(),
        cancel_reason: None,
        blocked: build.state == BuildState::Blocked,
        env,
        source: build.source.as_str(),
        creator: creator.map(Person::from),
        jobs: (!shape.exclude_jobs).then_some(jobs),
        job_state_counts: counted(&counts),
        created_at: Time(build.created_at),
        scheduled_at: Time(build.created_at),
        started_at: build.started_at.map(Time),
        failing_at: None,
        finished_at: build.finished_at.map(Time),
        meta_data: meta_data.into_iter().collect(),
        pull_request: None,
        merge_queue: None,
        rebuilt_from: rebuilt_from.map(|other| Other::new(&other, organization, addresses)),
        pipeline: (!shape.exclude_pipeline).then(|| pipelines::of_build(&build, organization, addresses)),
        message: build.message,
        commit: build.commit,
        branch: build.branch,
    }
}

fn counted(counts: &[(JobState, bool, i64)]) -> Counts {
    let mut states = BTreeMap::new();
    for (state, well, count) in counts {
        *states.entry(jobs::word(*state, *well)).or_default() += count;
    }
    Counts { total: counts.iter().map(|(.., count)| count).sum(), states }
}
