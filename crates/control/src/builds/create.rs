//! Creating a build from a pipeline: its stored steps, or the text that is given.

use countersign_domain::build::{BuildState, Source};
use countersign_domain::id::{BuildId, DeploymentId, Id, StepId};
use countersign_domain::metadata;
use countersign_domain::pipeline::{Env, MAX_ENV, MAX_TEXT, Pipeline as Text, problem_with_variable};
use countersign_domain::text::{DeploymentName, Description, QueueName, Slug, check_line, shown};
use countersign_store::builds::pipelines::{self, DEFAULT_BRANCH};
use countersign_store::builds::{self, Build, Inputs, Pipeline, Variables, meta_data};
use countersign_store::organizations::Organization;
use countersign_store::{Lane, Tx, deployments};
use serde_json::json;

use crate::access::actions::CreateBuild;
use crate::scene::Subject;
use crate::{Caller, Control, Error, Grant, Result, Scene, input};

use super::meta_data::MAX_KEYS;
use super::put::{Place, put};
use super::runner::Runner;
use super::situation;

/// Most bytes of a branch's or a commit's name.
pub const MAX_REFERENCE: usize = 255;
/// The commit of a build that names none.
pub const HEAD: &str = "HEAD";

/// What is to be built.
#[derive(Debug, Default, Clone)]
pub struct NewBuild {
    /// The pipeline, as YAML or JSON; empty: the steps that the pipeline has.
    pub definition: String,
    /// The pipeline's name in addresses; with a definition it is made by its first build, of somebody who may create pipelines.
    pub pipeline: String,
    /// The queue of steps that name none.
    pub queue: Option<String>,
    /// The deployment that its jobs run in; the organization's default when none is given.
    pub deployment: Option<String>,
    /// What it is for, in words.
    pub message: Option<String>,
    /// Its branch; the pipeline's default when none is given.
    pub branch: Option<String>,
    /// Its commit; `HEAD` when none is given.
    pub commit: Option<String>,
    /// Its variables; they win over the pipeline's.
    pub env: Env,
    /// Its first meta-data.
    pub meta_data: Vec<(String, String)>,
}

/// What a build is made from, checked.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub build: BuildId,
    pub pipeline_id: Id<Pipeline>,
    pub pipeline: String,
    pub name: String,
    pub text: Option<(String, Text)>,
    pub queue: QueueName,
    pub deployment: Where,
    pub message: Option<String>,
    pub branch: Option<String>,
    pub commit: Option<String>,
    pub env: Env,
    pub meta_data: Vec<(String, String)>,
    pub source: Source,
    pub rebuilt_from: Option<BuildId>,
    pub triggered_by: Option<TriggeredBy>,
}

/// What made a build that nobody asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TriggeredBy {
    pub build: BuildId,
    pub step: StepId,
    /// How many builds lead to the new one.
    pub depth: i64,
    /// The first of them.
    pub root: BuildId,
}

/// In which deployment.
#[derive(Debug, Clone)]
pub(crate) enum Where {
    Default,
    Named(DeploymentName),
    Known(DeploymentId),
}

impl Control {
    /// Creates a build: its jobs wait for agents, and its steps for each other, from then on.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `definition`, `pipeline`, `queue`, `deployment`, `message`, `branch`, `commit`, `env` or `metaData`;
    /// [`Error::Denied`] in another deployment than one's own, and for the first build of a pipeline by whoever may create none.
    pub async fn create_build(&self, grant: &Grant<CreateBuild>, new: NewBuild) -> Result<Build> {
        let order = self.order(new)?;
        let build = self.write(grant, Lane::Normal, order, |tx, scene| Box::pin(make(tx, scene, &scene.input))).await?;
        self.do_chores(grant.organization()).await;
        Ok(build)
    }

    fn order(&self, new: NewBuild) -> Result<Order> {
        let text = if new.definition.is_empty() { None } else { Some(read("definition", &new.definition)?) };
        let slug = input::field("pipeline", Slug::parse(&new.pipeline))?;
        let queue = match &new.queue {
            Some(queue) => input::field("queue", QueueName::parse(queue))?,
            None => QueueName::default(),
        };
        let deployment = match &new.deployment {
            Some(name) => Where::Named(input::field("deployment", DeploymentName::parse(name))?),
            None => Where::Default,
        };
        let message = match new.message.as_deref() {
            Some(message) => Some(input::field("message", Description::parse(message))?.as_str().to_owned()),
            None => None,
        };
        check_env(&new.env)?;
        if i64::try_from(new.meta_data.len()).unwrap_or(i64::MAX) > MAX_KEYS {
            return Err(Error::invalid("metaData", format!("has more than {MAX_KEYS} entries, the most of one build")));
        }
        for (key, value) in &new.meta_data {
            input::field("metaData", metadata::check_key(key))?;
            input::field("metaData", metadata::check_value(value))?;
        }
        Ok(Order {
            build: self.fresh_id(),
            pipeline_id: self.fresh_id(),
            pipeline: slug.as_str().to_owned(),
            name: new.pipeline,
            text,
            queue,
            deployment,
            message,
            branch: reference("branch", new.branch)?,
            commit: reference("commit", new.commit)?,
            env: new.env,
            meta_data: new.meta_data,
            source: Source::Api,
            rebuilt_from: None,
            triggered_by: None,
        })
    }
}

/// By which way a caller asks for a build: whoever is signed in does it on a page, and anybody else by the API.
pub(super) fn way(caller: &Caller) -> Source {
    match caller {
        Caller::User(user) if user.sign_in().is_some() => Source::Ui,
        _ => Source::Api,
    }
}

/// Reads the text of a pipeline.
pub(crate) fn read(field: &str, text: &str) -> Result<(String, Text)> {
    if text.len() > MAX_TEXT {
        return Err(Error::invalid(field, format!("has more than {MAX_TEXT} bytes")));
    }
    Ok((text.to_owned(), input::field(field, Text::parse(text))?))
}

/// A branch or a commit; an empty one is none.
pub(crate) fn reference(field: &str, text: Option<String>) -> Result<Option<String>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    input::field(field, check_line(&text, MAX_REFERENCE))?;
    Ok(Some(text))
}

fn check_env(env: &Env) -> Result<()> {
    if env.len() > MAX_ENV {
        return Err(Error::invalid("env", format!("has {} variables; at most {MAX_ENV} are possible", env.len())));
    }
    for (name, value) in env {
        if let Some(problem) = problem_with_variable(name, value) {
            return Err(Error::invalid("env", format!("'{}' {problem}", shown(name))));
        }
    }
    Ok(())
}

/// Makes a build.
pub(crate) async fn make<I: Sync>(tx: &mut Tx, scene: &Scene<I>, order: &Order) -> Result<Build> {
    let of = scene.organization;
    let organization = situation::organization(tx, of).await?;
    let deployment = place(tx, &organization, &order.deployment).await?;
    scene.may_in(tx, deployment).await?;
    let pipeline = pipeline(tx, scene, order).await?;
    let (definition, text) = match (&order.text, &pipeline.steps) {
        (Some(text), _) => text.clone(),
        (None, Some(steps)) => read("pipeline", steps)?,
        (None, None) => {
            return Err(Error::invalid(
                "definition",
                "is empty, and the pipeline has no steps of its own; give one or the other",
            ));
        }
    };
    let number = pipelines::next_number(tx, of, pipeline.id).await?;
    let build = Build {
        id: order.build,
        organization: of,
        pipeline: pipeline.id,
        pipeline_slug: pipeline.slug,
        pipeline_name: pipeline.name,
        repository: pipeline.repository,
        branch: order.branch.clone().unwrap_or_else(|| pipeline.default_branch.clone()),
        default_branch: pipeline.default_branch,
        deployment,
        queue: order.queue.as_str().to_owned(),
        number,
        state: BuildState::Scheduled,
        message: order.message.clone(),
        commit: order.commit.clone().unwrap_or_else(|| HEAD.to_owned()),
        source: order.source,
        rebuilt_from: order.rebuilt_from,
        triggered_from: order.triggered_by.map(|by| by.build),
        trigger_step: order.triggered_by.map(|by| by.step),
        trigger_depth: order.triggered_by.map_or(0, |by| by.depth),
        trigger_root: order.triggered_by.map(|by| by.root),
        blocked_state: "passed".to_owned(),
        created_at: tx.now(),
        created_by: scene.caller.user(),
        started_at: None,
        finished_at: None,
        canceled_at: None,
        canceled_by: None,
    };
    let variables = Variables { env: order.env.clone(), pipeline_env: text.env().clone() };
    let inputs = Inputs { definition, variables };
    builds::insert(tx, &build, &inputs).await?;
    for (key, value) in &order.meta_data {
        meta_data::set(tx, build.id, key, value).await?;
    }
    let facts = situation::of(tx, &organization, &build, &order.env, Vec::new()).await?;
    let plan = input::field("definition", text.plan(&facts))?;
    let mut runner = Runner::new(of);
    let jobs = put(tx, scene, &mut runner, &build, &plan, Place::Start, "definition").await?;
    runner.close(tx, scene).await?;
    let subject = Subject::of_build(&build);
    let detail = json!({ "jobs": jobs, "message": order.message, "source": build.source.as_str() });
    scene.audit(tx, "build.created", subject, detail).await?;
    builds::find(tx, of, build.id).await?.ok_or(Error::NotFound("build"))
}

/// The deployment of a build, which is there until the transaction ends.
async fn place(tx: &mut Tx, organization: &Organization, asked: &Where) -> Result<DeploymentId> {
    let of = organization.id;
    match asked {
        // It is never deleted.
        Where::Default => Ok(organization.default_deployment),
        Where::Known(id) => match deployments::enter(tx, of, *id).await? {
            Some(deployment) => Ok(deployment.id),
            None => Err(Error::Conflict(
                "The deployment that the build ran in was deleted; create a build in another one.".to_owned(),
            )),
        },
        Where::Named(name) => {
            let found = deployments::enter_by_name(tx, of, name.as_str()).await?;
            found
                .map(|it| it.id)
                .ok_or_else(|| Error::invalid("deployment", "names none of the organization's deployments"))
        }
    }
}

/// The pipeline of a build. Who brings the steps along and may create pipelines makes it with its first build.
async fn pipeline<I: Sync>(tx: &mut Tx, scene: &Scene<I>, order: &Order) -> Result<Pipeline> {
    let of = scene.organization;
    if let Some(known) = pipelines::by_slug(tx, of, &order.pipeline).await? {
        return Ok(known);
    }
    if order.text.is_none() {
        return Err(Error::invalid("pipeline", "names none of the organization's pipelines"));
    }
    let new = Pipeline {
        id: order.pipeline_id,
        organization: of,
        slug: order.pipeline.clone(),
        name: order.name.clone(),
        repository: None,
        default_branch: DEFAULT_BRANCH.to_owned(),
        steps: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    // It belongs to no deployment, wherever its first build is.
    scene.may_everywhere(tx).await?;
    // Another may make it at the same time.
    if pipelines::insert(tx, &new).await? {
        let subject = Subject::new("pipeline", new.id, new.slug.as_str());
        scene.audit(tx, "pipeline.created", subject, json!({ "repository": null, "with_build": true })).await?;
    }
    pipelines::by_slug(tx, of, &order.pipeline).await?.ok_or(Error::NotFound("pipeline"))
}
