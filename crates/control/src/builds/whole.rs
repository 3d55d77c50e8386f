//! Builds with all that people see of them: their jobs and the other steps, variables, meta-data, who made them.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_domain::build::JobState;
use countersign_domain::graph::Kind;
use countersign_domain::id::{AgentId, BuildId, JobId, OrganizationId, StepId, UserId};
use countersign_domain::pipeline::Env;
use countersign_domain::plan::PlannedStep;
use countersign_store::agents::Agent;
use countersign_store::builds::{self, Build, meta_data};
use countersign_store::jobs::{self, Job};
use countersign_store::steps::{self, StepRow, texts};
use countersign_store::users::User;
use countersign_store::{Tx, agents, users};

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, Result};

/// The most jobs and other steps of one answer.
pub const MAX_ENTRIES: usize = 20_000;

/// What is shown among a build's jobs: a job, or a wait, block, input or trigger.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its step.
    pub step: StepRow,
    /// What that was written as.
    pub text: Arc<PlannedStep>,
    /// The job; none for a step that runs no command.
    pub job: Option<Job>,
    /// The agent that has the job, or had it.
    pub agent: Option<Arc<Agent>>,
    /// Who answered a block or an input.
    pub answered_by: Option<User>,
    /// The build that a trigger has made.
    pub made: Option<Build>,
}

/// A build with all that people see of it.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The build.
    pub build: Build,
    /// Its own variables.
    pub env: Env,
    /// Its meta-data, by key.
    pub meta_data: Vec<(String, String)>,
    /// Who made it.
    pub creator: Option<User>,
    /// The build that it repeats.
    pub rebuilt_from: Option<Build>,
    /// How many of its jobs stand where, and whether with exit status 0; those that were run again are not counted.
    pub counts: Vec<(JobState, bool, i64)>,
    /// Its jobs and other steps, in the order of the text; empty when they were not asked for.
    pub entries: Vec<Entry>,
}

impl Control {
    /// Some of the organization's builds with all that people see of them, in the order of `ids`. Entries only when they are asked for.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] at `exclude_jobs` when there would be more than [`MAX_ENTRIES`] entries.
    pub async fn whole_builds(
        &self,
        grant: &Grant<ViewBuilds>,
        ids: Vec<BuildId>,
        with_entries: bool,
    ) -> Result<Vec<Whole>> {
        self.read(grant, (ids, with_entries), |tx, scene| {
            Box::pin(async move {
                let (ids, with_entries) = &scene.input;
                let mut reader = Reader::new(scene.organization);
                let mut left = MAX_ENTRIES;
                let mut all = Vec::with_capacity(ids.len());
                for id in ids {
                    let whole = reader.build(tx, *id, with_entries.then_some(left)).await?;
                    left -= whole.entries.len();
                    all.push(whole);
                }
                Ok(all)
            })
        })
        .await
    }

    /// One of the organization's jobs, or a wait, block, input or trigger under its step's id, with its build.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn entry(&self, grant: &Grant<ViewBuilds>, id: JobId) -> Result<(Build, Entry)> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                let job = jobs::find(tx, of, scene.input).await?;
                let step = job.as_ref().map_or_else(|| scene.input.cast(), |job| job.step);
                let step = steps::find(tx, of, step).await?.ok_or(Error::NotFound("job"))?;
                if job.is_none() && matches!(step.step.kind, Kind::Command | Kind::Group) {
                    return Err(Error::NotFound("job"));
                }
                let build = builds::find(tx, of, step.build).await?.ok_or(Error::NotFound("build"))?;
                let text = Arc::new(texts::find(tx, step.id).await?);
                Ok((build, Reader::new(of).entry(tx, &step, &text, job).await?))
            })
        })
        .await
    }
}

/// Reads entries; whom several of them name is looked up once.
pub(super) struct Reader {
    of: OrganizationId,
    agents: BTreeMap<AgentId, Option<Arc<Agent>>>,
    people: BTreeMap<UserId, Option<User>>,
}

impl Reader {
    pub(super) const fn new(of: OrganizationId) -> Self {
        Self { of, agents: BTreeMap::new(), people: BTreeMap::new() }
    }

    /// `most`: how many entries there may be; none: they are not wanted.
    async fn build(&mut self, tx: &mut Tx, id: BuildId, most: Option<usize>) -> Result<Whole> {
        let build = builds::find(tx, self.of, id).await?.ok_or(Error::NotFound("build"))?;
        let counts = jobs::counts_of_build(tx, self.of, id).await?;
        let entries = match most {
            Some(most) => {
                let count: i64 = counts.iter().map(|(.., count)| count).sum();
                if usize::try_from(count).unwrap_or(usize::MAX) > most {
                    return Err(too_many());
                }
                self.entries(tx, id, most).await?
            }
            None => Vec::new(),
        };
        let rebuilt_from = match build.rebuilt_from {
            Some(other) => builds::find(tx, self.of, other).await?,
            None => None,
        };
        Ok(Whole {
            env: builds::variables(tx, id).await?.env,
            meta_data: meta_data::of_build(tx, id).await?,
            creator: self.person(tx, build.created_by).await?,
            rebuilt_from,
            counts,
            entries,
            build,
        })
    }

    async fn entries(&mut self, tx: &mut Tx, id: BuildId, most: usize) -> Result<Vec<Entry>> {
        let limit = i64::try_from(MAX_ENTRIES).unwrap_or(i64::MAX);
        let all = steps::page(tx, self.of, id, "", limit + 1).await?;
        let mut texts: BTreeMap<StepId, Arc<PlannedStep>> =
            texts::of_build(tx, id).await?.into_iter().map(|(step, text)| (step, Arc::new(text))).collect();
        let mut jobs: BTreeMap<StepId, Vec<Job>> = BTreeMap::new();
        for job in jobs::of_build(tx, self.of, id).await? {
            jobs.entry(job.step).or_default().push(job);
        }
        let mut entries = Vec::new();
        for step in all {
            let Some(text) = texts.remove(&step.id) else { continue };
            match step.step.kind {
                Kind::Group => {}
                Kind::Command => {
                    for job in jobs.remove(&step.id).unwrap_or_default() {
                        entries.push(self.entry(tx, &step, &text, Some(job)).await?);
                    }
                }
                Kind::Wait | Kind::Block | Kind::Input | Kind::Trigger => {
                    entries.push(self.entry(tx, &step, &text, None).await?);
                }
            }
            if entries.len() > most {
                return Err(too_many());
            }
        }
        Ok(entries)
    }

    pub(super) async fn entry(
        &mut self,
        tx: &mut Tx,
        step: &StepRow,
        text: &Arc<PlannedStep>,
        job: Option<Job>,
    ) -> Result<Entry> {
        let agent = match job.as_ref().and_then(|job| job.agent) {
            Some(id) => self.agent(tx, id).await?,
            None => None,
        };
        let made = match step.child_build {
            Some(id) => builds::find(tx, self.of, id).await?,
            None => None,
        };
        let answered_by = self.person(tx, step.answered_by).await?;
        Ok(Entry { step: step.clone(), text: Arc::clone(text), job, agent, answered_by, made })
    }

    async fn agent(&mut self, tx: &mut Tx, id: AgentId) -> Result<Option<Arc<Agent>>> {
        if let Some(known) = self.agents.get(&id) {
            return Ok(known.clone());
        }
        let found = agents::find(tx, self.of, id).await?.map(Arc::new);
        self.agents.insert(id, found.clone());
        Ok(found)
    }

    pub(super) async fn person(&mut self, tx: &mut Tx, id: Option<UserId>) -> Result<Option<User>> {
        let Some(id) = id else { return Ok(None) };
        if let Some(known) = self.people.get(&id) {
            return Ok(known.clone());
        }
        let found = users::find_member(tx, self.of, id).await?.map(|member| member.user);
        self.people.insert(id, found.clone());
        Ok(found)
    }
}

fn too_many() -> Error {
    let why =
        format!("must be true here: the jobs of these builds are more than {MAX_ENTRIES}; or ask for a smaller page");
    Error::invalid("exclude_jobs", why)
}
