//! Creating a build from the text of a pipeline.

use countersign_domain::build::BuildState;
use countersign_domain::id::{BuildId, Id, JobId};
use countersign_domain::pipeline::{Env, Pipeline};
use countersign_domain::plan::{Fate, Plan, PlannedJob, PlannedStep, Situation, Work};
use countersign_domain::text::{DeploymentName, QueueName, Slug};
use countersign_store::builds::{self, Build};
use countersign_store::jobs::{self, Job};
use countersign_store::{Lane, Tx, organizations};
use serde_json::json;

use crate::access::actions::CreateBuild;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

/// What is to be built.
#[derive(Debug)]
pub struct NewBuild {
    /// The pipeline, as YAML or JSON.
    pub definition: String,
    /// The pipeline's name in addresses; it is made by its first build.
    pub pipeline: String,
    /// The queue of steps that name none.
    pub queue: Option<String>,
    /// The deployment that its jobs run in; the organization's default when none is given.
    pub deployment: Option<String>,
    /// What it is for, in words.
    pub message: Option<String>,
}

struct Input {
    build: BuildId,
    pipeline_id: Id<builds::Pipeline>,
    slug: String,
    name: String,
    env: Env,
    jobs: Vec<(JobId, Option<String>, PlannedJob)>,
    queue: QueueName,
    deployment: Option<DeploymentName>,
    message: Option<String>,
}

impl Control {
    /// Creates a build: its jobs wait for agents from then on.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `definition`, `pipeline`, `queue`, `deployment` or `message`.
    pub async fn create_build(&self, grant: &Grant<CreateBuild>, new: NewBuild) -> Result<Build> {
        let pipeline = input::field("definition", Pipeline::parse(&new.definition))?;
        let plan = input::field("definition", pipeline.plan(&Situation::default()))?;
        let slug = input::field("pipeline", Slug::parse(&new.pipeline))?;
        let queue = match &new.queue {
            Some(queue) => input::field("queue", QueueName::parse(queue))?,
            None => QueueName::default(),
        };
        let deployment = match &new.deployment {
            Some(name) => Some(input::field("deployment", DeploymentName::parse(name))?),
            None => None,
        };
        let message = match new.message.as_deref() {
            Some(message) => Some(input::field("message", countersign_domain::text::Description::parse(message))?),
            None => None,
        };
        let input = Input {
            build: self.fresh_id(),
            pipeline_id: self.fresh_id(),
            slug: slug.as_str().to_owned(),
            name: new.pipeline,
            env: plan.env.clone(),
            jobs: jobs_of(plan)?.into_iter().map(|(key, job)| (self.fresh_id(), key, job)).collect(),
            queue,
            deployment,
            message: message.map(|it| it.as_str().to_owned()),
        };
        self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(create(tx, scene))).await
    }
}

/// The jobs of the steps that take part, each with its step's key. They all start at once, so steps that would have to wait for
/// something are refused.
fn jobs_of(plan: Plan) -> Result<Vec<(Option<String>, PlannedJob)>> {
    let not_offered = |what: &str| Error::invalid("definition", format!("has {what}, which is not offered yet; take it out"));
    let mut all = Vec::new();
    for PlannedStep { key, depends_on, fate, work, .. } in plan.steps {
        let Work::Command(work) = work else { return Err(not_offered("a step that is no command")) };
        if depends_on.is_some_and(|it| !it.is_empty()) {
            return Err(not_offered("'depends_on'"));
        }
        if work.jobs.iter().any(|job| !job.rules.is_empty()) {
            return Err(not_offered("a rule in 'agents' beside 'queue'"));
        }
        if fate == Fate::Run {
            all.extend(work.jobs.into_iter().filter(|job| job.skip.is_none()).map(|job| (key.clone(), job)));
        }
    }
    Ok(all)
}

async fn create(tx: &mut Tx, scene: &Scene<Input>) -> Result<Build> {
    let new = &scene.input;
    let of = scene.organization;
    let deployment = match &new.deployment {
        Some(name) => {
            organizations::find_deployment_by_name(tx, of, name.as_str())
                .await?
                .ok_or_else(|| Error::invalid("deployment", "names none of the organization's deployments"))?
                .id
        }
        None => organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))?.default_deployment,
    };
    let (pipeline, number) = builds::next_number(tx, of, new.pipeline_id, &new.slug, &new.name).await?;
    let now = tx.now();
    let build = Build {
        id: new.build,
        organization: of,
        pipeline,
        pipeline_slug: new.slug.clone(),
        pipeline_name: new.name.clone(),
        number,
        state: BuildState::Scheduled,
        message: new.message.clone(),
        created_at: now,
        created_by: scene.caller.user(),
        started_at: None,
        finished_at: None,
        canceled_at: None,
    };
    builds::insert(tx, &build).await?;
    for (position, (id, key, planned)) in (0_i64..).zip(&new.jobs) {
        let mut env = new.env.clone();
        env.extend(planned.env.clone());
        let queue = planned.queue.as_deref().unwrap_or(new.queue.as_str());
        let job = Job {
            id: *id,
            organization: of,
            build: build.id,
            deployment,
            queue: queue.to_owned(),
            position,
            step_key: key.clone(),
            label: planned.label.clone(),
            command: planned.command.clone(),
            env,
            state: countersign_domain::build::JobState::Scheduled,
            agent: None,
            session: None,
            assigned_at: None,
            accepted_at: None,
            started_at: None,
            finished_at: None,
            canceled_at: None,
            exit_status: None,
            signal: None,
            signal_reason: None,
            log_size: 0,
            token_ended_at: None,
            created_at: now,
        };
        jobs::insert(tx, &job).await?;
    }
    let subject = Subject::new::<countersign_domain::id::of::Build>(
        "build",
        build.id,
        format!("{}#{number}", build.pipeline_slug),
    );
    scene.audit(tx, "build.created", subject, json!({ "jobs": new.jobs.len(), "message": new.message })).await?;
    Ok(build)
}
