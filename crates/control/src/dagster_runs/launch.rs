//! Launching a run of a job: a row, and a request that an agent takes.

mod loaded;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use countersign_domain::dagster::{
    LocationState, MAX_IDEMPOTENCY_KEY, MAX_JOB, MAX_RUN_CONFIG, RUN_KEPT, RequestKind, RunStatus,
};
use countersign_domain::id::{DagsterRequestId, DagsterRunId, DeploymentId, OrganizationId};
use countersign_domain::text::check_line;
use countersign_store::code_locations::CodeLocation;
use countersign_store::dagster_requests::{self, NewRequest};
use countersign_store::dagster_runs::{self, DagsterRun};
use countersign_store::{Lane, Tx, code_locations, deployments};
use serde_json::{Value, json};

use crate::access::actions::LaunchDagsterRun;
use crate::code_locations::state;
use crate::{Control, Error, Grant, Result, Scene, input};

use self::loaded::Loaded;
use super::lost::subject;
use super::{plain, tags};

/// The most runs of one deployment that have not ended.
pub const MAX_OPEN_RUNS: i64 = 1_000;
/// The most runs of one deployment that are kept.
pub const MAX_RUNS: i64 = 20_000;
/// When it is worth trying again where too many have not ended.
const SOON: Duration = Duration::from_secs(60);

/// A run that is to be.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// In which deployment.
    pub deployment: DeploymentId,
    /// The code location that the job is of.
    pub location: String,
    /// The repository there; where there is only one, it may be left out.
    pub repository: Option<String>,
    /// The job.
    pub job: String,
    /// What it is configured with: an object.
    pub config: Value,
    /// What is said of it.
    pub tags: BTreeMap<String, String>,
    /// Whoever launches with the same key again is told of the same run.
    pub key: Option<String>,
}

/// A run that was launched.
#[derive(Debug, Clone)]
pub struct Launched {
    /// The run.
    pub run: DagsterRun,
    /// Whether it is new, and not one that was launched with the same key before.
    pub is_new: bool,
}

struct Input {
    new: NewRun,
    asked: Vec<u8>,
    repository: String,
    origin: String,
    ids: (DagsterRunId, DagsterRequestId),
}

impl Control {
    /// Launches a run. An agent takes it within a moment, or it is lost after an hour.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the deployment and the code location; [`Error::Denied`] in another one than one's own;
    /// [`Error::Invalid`] at `job`, `repository`, `config`, `tags` or
    /// `idempotencyKey`; [`Error::Conflict`] for a code location that is not loaded, and for a key that something else was launched with;
    /// [`Error::TooMany`] when the deployment has [`MAX_OPEN_RUNS`] that have not ended, or [`MAX_RUNS`].
    pub async fn launch_run(&self, grant: &Grant<LaunchDagsterRun>, new: NewRun) -> Result<Launched> {
        input::field("job", check_line(&new.job, MAX_JOB))?;
        if let Some(repository) = &new.repository {
            input::field("repository", check_line(repository, MAX_JOB))?;
        }
        if let Some(key) = &new.key {
            input::field("idempotencyKey", check_line(key, MAX_IDEMPOTENCY_KEY))?;
        }
        tags::check_of_people(&new.tags)?;
        if !new.config.is_object() {
            return Err(Error::invalid("config", "must be an object"));
        }
        if let Some(key) = plain::reserved_in(&new.config) {
            let why =
                format!("has the key {key}, which agents would read as something else than data; call it otherwise");
            return Err(Error::invalid("config", why));
        }
        let size = new.config.to_string().len();
        if size > MAX_RUN_CONFIG {
            return Err(Error::invalid("config", format!("has {size} bytes; at most {MAX_RUN_CONFIG} are taken")));
        }
        let asked = asked(&new);
        // Whoever asks again is told of the run, also where the code location has changed since.
        let input = (new, asked);
        let known = self
            .read(grant, input.clone(), |tx, scene| {
                Box::pin(async move {
                    scene.may_in(tx, scene.input.0.deployment).await?;
                    known(tx, scene.organization, &scene.input).await
                })
            })
            .await?;
        if let Some(run) = known {
            return Ok(Launched { run, is_new: false });
        }
        let (new, asked) = input;
        let (location, manifest) = self
            .read(grant, new.clone(), |tx, scene| {
                Box::pin(async move {
                    scene.may_in(tx, scene.input.deployment).await?;
                    loaded(tx, scene.organization, &scene.input).await
                })
            })
            .await?;
        let loaded = Loaded::read(&manifest, &location)?;
        let repository = loaded.repository(new.repository.as_deref())?;
        self.must_have_job(grant.organization(), repository, &new).await?;
        let (name, origin) = (repository.name.clone(), loaded.origin(repository, &location)?);
        let ids = (self.fresh_id(), self.fresh_id());
        let input = Input { new, asked, repository: name, origin, ids };
        self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(launch(tx, scene))).await
    }
}

/// The code location, and what was loaded of it.
async fn loaded(tx: &mut Tx, of: OrganizationId, new: &NewRun) -> Result<(CodeLocation, String)> {
    let deployment = deployments::find(tx, of, new.deployment).await?.ok_or(Error::NotFound("deployment"))?;
    let found = code_locations::find(tx, of, deployment.id, &new.location).await?;
    let found = found.ok_or(Error::NotFound("code location"))?;
    let why = match state(&found) {
        LocationState::Loaded => match code_locations::manifest(tx, of, found.id).await? {
            Some(manifest) => return Ok((found, manifest)),
            None => "no agent has loaded it yet",
        },
        LocationState::Waiting => "no agent has loaded it since it was last changed; wait until it is loaded",
        LocationState::Failed => "it could not be loaded; see its error, and have it loaded again",
    };
    Err(Error::Conflict(format!("The code location {} cannot run anything: {why}.", found.name)))
}

/// The digest of what is asked for: the same key stands for the same.
fn asked(new: &NewRun) -> Vec<u8> {
    let text = json!([new.location, new.repository, new.job, new.config, new.tags]).to_string();
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

/// The run that was launched with this key before.
///
/// # Errors
/// [`Error::Conflict`] when something else was asked for with it.
async fn known(tx: &mut Tx, of: OrganizationId, (new, asked): &(NewRun, Vec<u8>)) -> Result<Option<DagsterRun>> {
    let Some(key) = &new.key else { return Ok(None) };
    let Some((run, before)) = dagster_runs::find_by_key(tx, of, new.deployment, key).await? else { return Ok(None) };
    if before.as_ref() != Some(asked) {
        let why = format!(
            "With this idempotency key something else was launched: a run of {} with its own repository, configuration and tags. Choose another key.",
            run.job
        );
        return Err(Error::Conflict(why));
    }
    Ok(Some(run))
}

async fn launch(tx: &mut Tx, scene: &Scene<Input>) -> Result<Launched> {
    let (of, Input { new, asked, repository, origin, ids: (id, request) }) = (scene.organization, &scene.input);
    let by = scene.caller.user().ok_or_else(|| Error::internal("a run is launched by a person"))?;
    // Those who launch at the same time come one after the other: a key stands for one run.
    let deployment = deployments::close(tx, of, new.deployment).await?.ok_or(Error::NotFound("deployment"))?;
    scene.may_in(tx, deployment.id).await?;
    if let Some(run) = known(tx, of, &(new.clone(), asked.clone())).await? {
        return Ok(Launched { run, is_new: false });
    }
    let location = code_locations::find(tx, of, deployment.id, &new.location).await?;
    let location = location.ok_or(Error::NotFound("code location"))?;
    let (all, open) = dagster_runs::count(tx, of, deployment.id).await?;
    if open >= MAX_OPEN_RUNS || all >= MAX_RUNS {
        return Err(full(&deployment.name, open >= MAX_OPEN_RUNS));
    }
    let now = tx.now();
    let run = DagsterRun {
        id: *id,
        organization: of,
        deployment: deployment.id,
        location: location.name,
        repository: repository.clone(),
        job: new.job.clone(),
        queue: location.definition.queue,
        origin: origin.clone(),
        config: new.config.to_string(),
        tags: new.tags.clone(),
        status: RunStatus::NotStarted,
        reason: None,
        created_at: now,
        created_by: Some(by),
        updated_at: now,
        started_at: None,
        ended_at: None,
        taken_at: None,
        taken_by: None,
        cancel_requested_at: None,
        events: 0,
        event_bytes: 0,
        events_dropped: 0,
    };
    dagster_runs::insert(tx, &run, new.key.as_deref().map(|key| (key, asked.clone()))).await?;
    let asked = NewRequest {
        id: *request,
        deployment: deployment.id,
        kind: RequestKind::Launch,
        location: Some(&run.location),
        queue: run.queue.as_deref(),
        by: Some(by),
        run: Some(run.id),
        only_for: None,
    };
    dagster_requests::insert(tx, of, &asked).await?;
    let detail = json!({ "deployment": deployment.name, "location": run.location, "queue": run.queue });
    scene.audit(tx, "dagster_run.launched", subject(&run), detail).await?;
    Ok(Launched { run, is_new: true })
}

fn full(deployment: &str, is_open: bool) -> Error {
    if is_open {
        let what = format!(
            "The deployment {deployment} has {MAX_OPEN_RUNS} runs that have not ended, the most there may be; terminate some."
        );
        return Error::TooMany { what, retry_after: SOON };
    }
    let days = RUN_KEPT.as_secs() / (24 * 3600);
    let what = format!(
        "The deployment {deployment} has {MAX_RUNS} runs, the most that are kept. They go {days} days after their end."
    );
    Error::TooMany { what, retry_after: RUN_KEPT }
}
