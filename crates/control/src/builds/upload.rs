//! A job uploads steps to its own build.

use std::collections::BTreeSet;

use countersign_domain::graph::Message;
use countersign_domain::id::{Id, JobId, StepId};
use countersign_domain::pipeline::{Env, Pipeline, PipelineError};
use countersign_domain::plan::{Plan, Situation};
use countersign_store::builds::{self, Build};
use countersign_store::steps::{self, changes};
use countersign_store::{Lane, Tx, jobs};
use serde_json::{Value, json};

use crate::access::actions::UploadPipeline;
use crate::crowd;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::put::{Place, put};
use super::runner::Runner;
use super::situation;

/// The most steps of a build, with all that was uploaded to it.
pub const MAX_STEPS: i64 = 100_000;

/// What a job uploads.
#[derive(Debug)]
pub struct Upload {
    /// Chosen by the client: an upload that is sent again is applied once.
    pub uuid: String,
    /// The pipeline, as the agent reads it.
    pub pipeline: Value,
    /// Whether the steps of the build that have not begun give way.
    pub replace: bool,
}

struct Input {
    uuid: Id<changes::Upload>,
    pipeline: Pipeline,
    keys: BTreeSet<String>,
    replace: bool,
    ahead: Option<Ahead>,
}

/// A plan that was made before the transaction, for the situation as it was then.
struct Ahead {
    situation: Situation,
    plan: std::result::Result<Plan, PipelineError>,
}

impl Input {
    fn read(upload: &Upload) -> Result<Self> {
        Ok(Self {
            uuid: input::field("uuid", upload.uuid.parse())?,
            pipeline: input::field("pipeline", Pipeline::from_json(&upload.pipeline))?,
            keys: named(&upload.pipeline),
            replace: upload.replace,
            ahead: None,
        })
    }
}

/// A job's turn to upload, until it is dropped.
#[derive(Debug)]
pub struct UploadTurn<'a> {
    _place: crowd::Place<'a, JobId>,
}

impl Control {
    /// Puts steps into the job's build, right behind the job's own step. The same upload again changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `uuid` or `pipeline`; [`Error::Conflict`] when the build is canceled or has too many steps.
    pub async fn upload_pipeline(&self, grant: &Grant<UploadPipeline>, upload: Upload) -> Result<()> {
        self.upload_pipeline_with(grant, move || Ok(upload)).await
    }

    /// The same with an upload that is still to be read, which needs much memory: a few are read at one time, beside the runtime.
    ///
    /// # Errors
    /// As [`Control::upload_pipeline`], and those of `read`.
    pub async fn upload_pipeline_with<E, F>(&self, grant: &Grant<UploadPipeline>, read: F) -> std::result::Result<(), E>
    where
        E: From<Error> + Send + 'static,
        F: FnOnce() -> std::result::Result<Upload, E> + Send + 'static,
    {
        grant.job()?;
        let input = self.beside(move || read().and_then(|upload| Ok(Input::read(&upload)?))).await??;
        let input = self.plan_ahead(grant, input).await?;
        self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(apply(tx, scene))).await?;
        self.do_chores(grant.organization()).await;
        Ok(())
    }

    /// Waits until none of the job's other uploads is under way. To be held from before the body is read until the end.
    ///
    /// # Errors
    /// Only those of the grant.
    pub async fn upload_turn(&self, grant: &Grant<UploadPipeline>) -> Result<UploadTurn<'_>> {
        Ok(UploadTurn { _place: self.uploads().enter(grant.job()?.job).await })
    }

    /// Makes the plan outside of the transaction, in which everybody else waits: its size and its conditions are the job's own.
    async fn plan_ahead(&self, grant: &Grant<UploadPipeline>, input: Input) -> Result<Input> {
        let (job, uuid) = (grant.job()?.job, input.uuid);
        let asked = (job, uuid, input.keys.clone());
        let foreseen = self.read(grant, asked, |tx, scene| {
            Box::pin(async move {
                let (job, uuid, keys) = &scene.input;
                let of = scene.organization;
                let job = jobs::find(tx, of, *job).await?.ok_or(Error::NotFound("job"))?;
                if changes::has_upload(tx, job.id, *uuid).await? {
                    return Ok(None);
                }
                let build = builds::find(tx, of, job.build).await?.ok_or(Error::NotFound("build"))?;
                let variables = builds::variables(tx, build.id).await?;
                facts_of(tx, &build, &variables.env, keys).await.map(Some)
            })
        });
        let Some(situation) = foreseen.await? else { return Ok(input) };
        let planned = self.beside(move || {
            let plan = input.pipeline.plan(&situation);
            Input { ahead: Some(Ahead { situation, plan }), ..input }
        });
        planned.await
    }

    /// Whether one of the job's uploads was applied.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there was none of that name.
    pub async fn upload_state(&self, grant: &Grant<UploadPipeline>, uuid: &str) -> Result<()> {
        let job = grant.job()?.job;
        let uuid = uuid.parse().map_err(|_| Error::NotFound("upload"))?;
        self.read(grant, (job, uuid), |tx, scene| {
            Box::pin(async move {
                let (job, uuid) = scene.input;
                if changes::has_upload(tx, job, uuid).await? { Ok(()) } else { Err(Error::NotFound("upload")) }
            })
        })
        .await
    }
}

async fn apply(tx: &mut Tx, scene: &Scene<Input>) -> Result<()> {
    let crate::Caller::Job(caller) = &scene.caller else {
        return Err(Error::internal("an upload was granted to no job"));
    };
    let of = scene.organization;
    let Input { uuid, pipeline, keys, replace, ahead } = &scene.input;
    let job = jobs::find(tx, of, caller.job).await?.ok_or(Error::NotFound("job"))?;
    let mut runner = Runner::new(of);
    if runner.open(tx, job.build).await?.tally.is_canceled {
        return Err(Error::Conflict("The build is canceled; nothing can be added to it.".to_owned()));
    }
    if changes::has_upload(tx, job.id, *uuid).await? {
        return Ok(());
    }
    if *replace {
        give_way(tx, &mut runner, job.build).await?;
    }
    let build = builds::find(tx, of, job.build).await?.ok_or(Error::NotFound("build"))?;
    let mut variables = builds::variables(tx, build.id).await?;
    let now = facts_of(tx, &build, &variables.env, keys).await?;
    let plan = match ahead {
        Some(ahead) if ahead.situation == now => ahead.plan.clone(),
        _ => pipeline.plan(&now),
    };
    let plan = input::field("pipeline", plan)?;
    let count = i64::try_from(plan.steps.len()).unwrap_or(i64::MAX);
    if changes::count_steps(tx, build.id).await?.saturating_add(count) > MAX_STEPS {
        return Err(Error::Conflict(format!("A build has at most {MAX_STEPS} steps, uploads counted.")));
    }
    changes::insert_upload(tx, job.id, *uuid, count).await?;
    if !plan.env.is_empty() {
        variables.pipeline_env.extend(plan.env.clone());
        builds::set_pipeline_env(tx, build.id, &variables.pipeline_env).await?;
    }
    let uploader = steps::find(tx, of, job.step).await?.ok_or(Error::NotFound("step"))?;
    let jobs = put(tx, scene, &mut runner, &build, &plan, Place::Beneath(&uploader), "pipeline").await?;
    runner.close(tx, scene).await?;
    let subject = Subject::of_build(&build);
    let detail = json!({ "steps": count, "jobs": jobs, "replace": replace, "job": job.id.to_string() });
    scene.audit(tx, "pipeline.uploaded", subject, detail).await
}

/// What the pipeline is planned for.
async fn facts_of(tx: &mut Tx, build: &Build, env: &Env, keys: &BTreeSet<String>) -> Result<Situation> {
    let of = build.organization;
    let mut taken = Vec::new();
    for key in keys {
        if steps::by_key(tx, of, build.id, key).await?.is_some() {
            taken.push(key.clone());
        }
    }
    let organization = situation::organization(tx, of).await?;
    situation::of(tx, &organization, build, env, taken).await
}

/// Whatever of the build has not begun gives way, the last steps first, so that none of them begins for another's sake.
async fn give_way(tx: &mut Tx, runner: &mut Runner, build: countersign_domain::id::BuildId) -> Result<()> {
    let mut all: Vec<StepId> = steps::unbegun(tx, build, MAX_STEPS).await?;
    all.extend(steps::untouched(tx, build, MAX_STEPS).await?);
    for step in all {
        runner.send(tx, build, step, Message::Drop).await?;
        steps::forget_key(tx, step).await?;
    }
    Ok(())
}

/// The keys that an upload gives or names: only these are looked up.
fn named(pipeline: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, is_key: bool, found: &mut BTreeSet<String>) {
        match value {
            Value::String(text) if is_key => {
                found.insert(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|it| walk(it, is_key, found)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    let names_step = matches!(name.as_str(), "key" | "id" | "identifier" | "depends_on");
                    walk(value, names_step || (is_key && name == "step"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(pipeline, false, &mut found);
    // NUL is in no key, and no engine takes it as text.
    found.retain(|key| !key.contains('\0'));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_wherever_steps_are() {
        let json = serde_json::json!({ "steps": [
            { "command": "a", "key": "one" },
            { "group": "g", "id": "two", "steps": [{ "command": "b", "depends_on": ["three", { "step": "four", "allow_failure": true }] }] },
            { "command": "c", "depends_on": "five", "env": { "X": "six" } },
        ]});
        let found: Vec<String> = named(&json).into_iter().collect();
        assert_eq!(found, ["five", "four", "one", "three", "two"]);
    }
}
