//! Builds, and what jobs leave on a build.

pub mod annotations;
pub mod meta_data;
pub mod pipelines;
pub mod tally;
mod wanted;

use countersign_domain::Timestamp;
use countersign_domain::build::{BuildState, Source};
use countersign_domain::id::{BuildId, DeploymentId, Id, OrganizationId, StepId, UserId};
use countersign_domain::pipeline::Env;

use crate::{Row, StoreError, Tx, Value, params, statements};

pub use pipelines::Pipeline;
pub use wanted::Wanted;

macro_rules! columns {
    () => {
        "b.id, b.organization_id, b.pipeline_id, b.deployment_id, b.queue, b.number, b.state, b.message, b.branch, b.commit_id, b.source,
         b.rebuilt_from, b.triggered_from, b.trigger_step, b.trigger_depth, b.trigger_root, b.created_at, b.created_by, b.started_at, b.finished_at,
         b.canceled_at, b.canceled_by, b.blocked_state, p.slug, p.name, p.repository, p.default_branch"
    };
}

/// Lets builds through that are [`Wanted`]: $2 to $9 are its values. An empty list of names lets each through; a name of a list stands
/// between two line breaks, which no name holds.
macro_rules! is_wanted {
    () => {
        "($2 = '' OR REPLACE($2, $7 || b.state || $7, '') <> $2) AND ($3 = '' OR REPLACE($3, $7 || b.branch || $7, '') <> $3)
              AND ($4 = '' OR REPLACE($4, $7 || b.commit_id || $7, '') <> $4) AND b.created_at >= $5 AND b.created_at <= $6 AND ($8 OR b.created_by = $9)
              AND b.removed_at IS NULL"
    };
}

/// Builds that have not ended, by the index of those, each with its pipeline: where only such are wanted, all that have ended are not walked over.
/// SQLite takes what is crossed in the order that it is written in; left to itself it walks over all of the organization's.
macro_rules! under_way {
    () => {
        " FROM builds u CROSS JOIN builds b JOIN pipelines p ON p.id = b.pipeline_id
              WHERE u.finished_at IS NULL AND u.deployment_id IN (SELECT d.id FROM deployments d WHERE d.organization_id = $1) AND b.id = u.id"
    };
}

statements! {
    /// A new build, without steps.
    INSERT = "INSERT INTO builds (id, organization_id, pipeline_id, deployment_id, queue, number, state, message, branch, commit_id, source,
                rebuilt_from, triggered_from, trigger_step, trigger_depth, trigger_root, created_at, created_by, next_position, blocked_state,
                steps_open, steps_running, steps_asking, jobs_failed, jobs_canceled, steps_took_part, is_canceled, has_started,
                has_fragile_jobs, logs_removed, artifacts_removed)
              VALUES ($1, $2, $3, $4, $5, $6, 'scheduled', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, 'passed', 0, 0, 0, 0, 0, 0,
                FALSE, FALSE, FALSE, FALSE, FALSE)";
    /// What a build was made from.
    INSERT_INPUTS = "INSERT INTO build_inputs (build_id, env, pipeline_env, definition) VALUES ($1, $2, $3, $4)";
    /// The variables of the same. Every job that is taken reads them, so without the text, which grows with the build.
    VARIABLES = "SELECT env, pipeline_env FROM build_inputs WHERE build_id = $1";
    /// The text of the same.
    DEFINITION = "SELECT definition FROM build_inputs WHERE build_id = $1";
    /// Other variables of the pipeline, for the jobs that have not been taken.
    SET_PIPELINE_ENV = "UPDATE build_inputs SET pipeline_env = $2 WHERE build_id = $1";
    /// One of the organization's builds. Here as elsewhere, one that is to go is not found.
    FIND = concat!("SELECT ", columns!(), " FROM builds b JOIN pipelines p ON p.id = b.pipeline_id
              WHERE b.organization_id = $1 AND b.id = $2 AND b.removed_at IS NULL");
    /// One of the organization's builds, by its pipeline and number.
    BY_NUMBER = concat!("SELECT ", columns!(), " FROM builds b JOIN pipelines p ON p.id = b.pipeline_id
              WHERE p.organization_id = $1 AND p.slug = $2 AND b.number = $3 AND b.removed_at IS NULL");
    /// What a build is called, also one that is to go.
    NAME = "SELECT p.slug, b.number FROM builds b JOIN pipelines p ON p.id = b.pipeline_id WHERE b.organization_id = $1 AND b.id = $2";
    /// How many builds one build has led to, through however many others.
    COUNT_OF_ROOT = "SELECT COUNT(*) AS n FROM builds WHERE trigger_root = $1";
    /// A page of the organization's builds that are wanted, newest first.
    PAGE = concat!("SELECT ", columns!(), " FROM builds b JOIN pipelines p ON p.id = b.pipeline_id
              WHERE b.organization_id = $1 AND ", is_wanted!(), " AND b.id < $10 ORDER BY b.id DESC LIMIT $11");
    /// The same, of one pipeline.
    PAGE_OF_PIPELINE = concat!("SELECT ", columns!(), " FROM builds b JOIN pipelines p ON p.id = b.pipeline_id
              WHERE b.organization_id = $1 AND ", is_wanted!(), " AND b.id < $10 AND b.pipeline_id = $12 ORDER BY b.id DESC LIMIT $11");
    /// The two above for states that are no end.
    PAGE_UNDER_WAY = concat!("SELECT ", columns!(), under_way!(), " AND b.organization_id = $1 AND ", is_wanted!(), "
              AND b.id < $10 ORDER BY b.id DESC LIMIT $11");
    /// The same, of one pipeline.
    PAGE_OF_PIPELINE_UNDER_WAY = concat!("SELECT ", columns!(), under_way!(), " AND b.organization_id = $1 AND ", is_wanted!(), "
              AND b.id < $10 AND b.pipeline_id = $12 ORDER BY b.id DESC LIMIT $11");
    /// Up to where is looked for builds that are wanted. $3: how many are before it.
    SEARCH_LAST = "SELECT id FROM builds WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT 1 OFFSET $3";
    /// The same of one pipeline.
    SEARCH_LAST_OF_PIPELINE = "SELECT id FROM builds WHERE organization_id = $1 AND id < $2 AND pipeline_id = $4 ORDER BY id DESC LIMIT 1 OFFSET $3";
    /// The builds that are wanted between two, newest first.
    SEARCH = concat!("SELECT ", columns!(), " FROM builds b JOIN pipelines p ON p.id = b.pipeline_id
              WHERE b.organization_id = $1 AND ", is_wanted!(), " AND b.id < $10 AND b.id >= $12 ORDER BY b.id DESC LIMIT $11");
    /// The same, of one pipeline.
    SEARCH_OF_PIPELINE = concat!("SELECT ", columns!(), " FROM builds b JOIN pipelines p ON p.id = b.pipeline_id
              WHERE b.organization_id = $1 AND ", is_wanted!(), " AND b.id < $10 AND b.id >= $12 AND b.pipeline_id = $13
              ORDER BY b.id DESC LIMIT $11");
    /// How many of the organization's builds are wanted.
    COUNT = concat!("SELECT COUNT(*) AS n FROM builds b WHERE b.organization_id = $1 AND ", is_wanted!());
    /// The same, of one pipeline.
    COUNT_OF_PIPELINE = concat!("SELECT COUNT(*) AS n FROM builds b WHERE b.organization_id = $1 AND ", is_wanted!(), "
              AND b.pipeline_id = $10");
    /// How many of the organization's builds that have not ended are in each state; by deployment, for that is what the index of those is by.
    COUNTS_UNDER_WAY = "SELECT b.state, COUNT(*) AS n FROM builds b
              WHERE b.deployment_id IN (SELECT d.id FROM deployments d WHERE d.organization_id = $1) AND b.finished_at IS NULL
                AND b.removed_at IS NULL GROUP BY b.state";
    /// Who canceled a build: the first who did.
    SET_CANCELED_BY = "UPDATE builds SET canceled_by = $2 WHERE id = $1 AND canceled_by IS NULL";
    /// Takes numbers for new jobs of a build.
    TAKE_POSITIONS = "UPDATE builds SET next_position = next_position + $2 WHERE id = $1 RETURNING next_position - $2 AS first";
}

/// A run of a pipeline.
#[derive(Debug, Clone)]
pub struct Build {
    /// Its id.
    pub id: BuildId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its pipeline's id.
    pub pipeline: Id<Pipeline>,
    /// Its pipeline's name in addresses.
    pub pipeline_slug: String,
    /// Its pipeline's name for people.
    pub pipeline_name: String,
    /// Its pipeline's repository.
    pub repository: Option<String>,
    /// Its pipeline's default branch.
    pub default_branch: String,
    /// The deployment that its jobs run in.
    pub deployment: DeploymentId,
    /// The queue of jobs that name none.
    pub queue: String,
    /// From 1, per pipeline.
    pub number: i64,
    /// Where it stands.
    pub state: BuildState,
    /// What it is for, in words.
    pub message: Option<String>,
    /// Its branch.
    pub branch: String,
    /// Its commit, perhaps `HEAD`.
    pub commit: String,
    /// Why it was made.
    pub source: Source,
    /// The build that it repeats.
    pub rebuilt_from: Option<BuildId>,
    /// The build whose step made it.
    pub triggered_from: Option<BuildId>,
    /// That step.
    pub trigger_step: Option<StepId>,
    /// How many builds, each made by a step of the one before, lead to it.
    pub trigger_depth: i64,
    /// The first of those; none for a build that no other led to.
    pub trigger_root: Option<BuildId>,
    /// What it is called while it waits for a person: `passed`, `failed` or `running`.
    pub blocked_state: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When its first job started.
    pub started_at: Option<Timestamp>,
    /// When its last step ended.
    pub finished_at: Option<Timestamp>,
    /// When it was canceled.
    pub canceled_at: Option<Timestamp>,
    /// The person who canceled it; none where a job or the server did.
    pub canceled_by: Option<UserId>,
}

/// What a build was made from.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The text of the pipeline.
    pub definition: String,
    /// The variables of both.
    pub variables: Variables,
}

/// The variables that every job of a build begins with.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// The build's own.
    pub env: Env,
    /// Those of the pipeline, and of what was uploaded since.
    pub pipeline_env: Env,
}

impl Variables {
    /// The pipeline's, and over them the build's own.
    #[must_use]
    pub fn merged(&self) -> Env {
        let mut all = self.pipeline_env.clone();
        all.extend(self.env.clone());
        all
    }
}

fn build(row: &Row) -> Result<Build, StoreError> {
    Ok(Build {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        pipeline: row.get("pipeline_id")?,
        pipeline_slug: row.get("slug")?,
        pipeline_name: row.get("name")?,
        repository: row.get("repository")?,
        default_branch: row.get("default_branch")?,
        deployment: row.get("deployment_id")?,
        queue: row.get("queue")?,
        number: row.get("number")?,
        state: row.parse("state")?,
        message: row.get("message")?,
        branch: row.get("branch")?,
        commit: row.get("commit_id")?,
        source: row.parse("source")?,
        rebuilt_from: row.get("rebuilt_from")?,
        triggered_from: row.get("triggered_from")?,
        trigger_step: row.get("trigger_step")?,
        trigger_depth: row.get("trigger_depth")?,
        trigger_root: row.get("trigger_root")?,
        blocked_state: row.get("blocked_state")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        canceled_at: row.get("canceled_at")?,
        canceled_by: row.get("canceled_by")?,
    })
}

/// Adds a build without steps.
pub async fn insert(tx: &mut Tx, new: &Build, inputs: &Inputs) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.organization,
        new.pipeline,
        new.deployment,
        new.queue.as_str(),
        new.number,
        new.message.clone(),
        new.branch.as_str(),
        new.commit.as_str(),
        new.source.as_str(),
        new.rebuilt_from,
        new.triggered_from,
        new.trigger_step,
        new.trigger_depth,
        new.trigger_root,
        new.created_at,
        new.created_by,
    ];
    tx.execute(INSERT, &values).await?;
    let Inputs { definition, variables } = inputs;
    let values =
        params![new.id, Value::json(&variables.env)?, Value::json(&variables.pipeline_env)?, definition.as_str()];
    tx.execute(INSERT_INPUTS, &values).await.map(drop)
}

/// How many builds one build has led to, through however many others.
pub async fn count_of_root(tx: &mut Tx, root: BuildId) -> Result<i64, StoreError> {
    tx.one(COUNT_OF_ROOT, &params![root]).await?.get("n")
}

/// The variables that every job of a build begins with.
pub async fn variables(tx: &mut Tx, id: BuildId) -> Result<Variables, StoreError> {
    let row = tx.one(VARIABLES, &params![id]).await?;
    Ok(Variables { env: row.json("env")?, pipeline_env: row.json("pipeline_env")? })
}

/// The text of the pipeline that a build was made from.
pub async fn definition(tx: &mut Tx, id: BuildId) -> Result<String, StoreError> {
    tx.one(DEFINITION, &params![id]).await?.get("definition")
}

/// Writes the variables of the pipeline.
pub async fn set_pipeline_env(tx: &mut Tx, id: BuildId, env: &Env) -> Result<(), StoreError> {
    tx.execute(SET_PIPELINE_ENV, &params![id, Value::json(env)?]).await.map(drop)
}

/// Writes who canceled a build.
pub async fn set_canceled_by(tx: &mut Tx, id: BuildId, by: UserId) -> Result<(), StoreError> {
    tx.execute(SET_CANCELED_BY, &params![id, by]).await.map(drop)
}

/// The organization's build with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: BuildId) -> Result<Option<Build>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(build).transpose()
}

impl Build {
    /// What it goes by where there is room for a name: its pipeline and its number.
    #[must_use]
    pub fn name(&self) -> String {
        naming(&self.pipeline_slug, self.number)
    }
}

fn naming(pipeline_slug: &str, number: i64) -> String {
    format!("{pipeline_slug}#{number}")
}

/// The [name](Build::name) of one of the organization's builds, also of one that is to go.
pub async fn name(tx: &mut Tx, of: OrganizationId, id: BuildId) -> Result<Option<String>, StoreError> {
    let row = tx.maybe(NAME, &params![of, id]).await?;
    row.map(|row| Ok(naming(&row.get::<String>("slug")?, row.get("number")?))).transpose()
}

/// The organization's build with this number.
pub async fn by_number(tx: &mut Tx, of: OrganizationId, slug: &str, number: i64) -> Result<Option<Build>, StoreError> {
    tx.maybe(BY_NUMBER, &params![of, slug, number]).await?.as_ref().map(build).transpose()
}

/// At most `limit` of the organization's builds that are wanted, below `after`, newest first.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    wanted: &Wanted,
    after: BuildId,
    limit: i64,
) -> Result<Vec<Build>, StoreError> {
    let mut values = wanted.values(of);
    values.extend(params![after, limit]);
    values.extend(wanted.pipeline.iter().flat_map(|pipeline| params![*pipeline]));
    let statement = match (wanted.pipeline, wanted.is_under_way()) {
        (Some(_), true) => PAGE_OF_PIPELINE_UNDER_WAY,
        (Some(_), false) => PAGE_OF_PIPELINE,
        (None, true) => PAGE_UNDER_WAY,
        (None, false) => PAGE,
    };
    tx.all(statement, &values).await?.iter().map(build).collect()
}

/// At most `limit` of the organization's builds below `after` that are wanted, newest first; and the last that was looked at, where not all were. Where an
/// index knows which are wanted, nothing else is looked at; else as many as `within` are, which is 1 or more.
pub async fn search(
    tx: &mut Tx,
    of: OrganizationId,
    wanted: &Wanted,
    within: i64,
    after: BuildId,
    limit: i64,
) -> Result<(Vec<Build>, Option<BuildId>), StoreError> {
    if wanted.is_known_by_index() {
        return Ok((page(tx, of, wanted, after, limit).await?, None));
    }
    let before = within.max(limit).saturating_sub(1);
    let last = match wanted.pipeline {
        Some(pipeline) => tx.maybe(SEARCH_LAST_OF_PIPELINE, &params![of, after, before, pipeline]).await?,
        None => tx.maybe(SEARCH_LAST, &params![of, after, before]).await?,
    };
    let last: Option<BuildId> = last.map(|row| row.get("id")).transpose()?;
    let mut values = wanted.values(of);
    values.extend(params![after, limit, last.unwrap_or(BuildId::nil())]);
    values.extend(wanted.pipeline.iter().flat_map(|pipeline| params![*pipeline]));
    let statement = if wanted.pipeline.is_some() { SEARCH_OF_PIPELINE } else { SEARCH };
    let found = tx.all(statement, &values).await?.iter().map(build).collect::<Result<_, _>>()?;
    Ok((found, last))
}

/// How many of the organization's builds that have not ended are in each state.
pub async fn counts_under_way(tx: &mut Tx, of: OrganizationId) -> Result<Vec<(BuildState, i64)>, StoreError> {
    let rows = tx.all(COUNTS_UNDER_WAY, &params![of]).await?;
    rows.iter().map(|row| Ok((row.parse("state")?, row.get("n")?))).collect()
}

/// How many of the organization's builds are wanted.
pub async fn count(tx: &mut Tx, of: OrganizationId, wanted: &Wanted) -> Result<i64, StoreError> {
    let mut values = wanted.values(of);
    let row = match wanted.pipeline {
        Some(pipeline) => {
            values.extend(params![pipeline]);
            tx.one(COUNT_OF_PIPELINE, &values).await?
        }
        None => tx.one(COUNT, &values).await?,
    };
    row.get("n")
}

/// Takes `count` numbers for new jobs of a build; answers the first.
pub async fn take_positions(tx: &mut Tx, id: BuildId, count: i64) -> Result<i64, StoreError> {
    tx.one(TAKE_POSITIONS, &params![id, count]).await?.get("first")
}
