//! A plan: what the text of a pipeline comes to once conditions are decided, matrices and parallel jobs are multiplied out and labels
//! are filled in. The reader of pipelines makes it, the step graph runs it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pipeline::Env;

/// The steps of a build, or of one upload to it, in the order of the text. A group stands before its members.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Variables of every command step of the build that has not started.
    pub env: Env,
    /// The steps.
    pub steps: Vec<PlannedStep>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Names it within its build.
    pub key: Option<String>,
    /// Names it for people.
    pub label: Option<String>,
    /// The condition as it was written, for whoever asks the step for it.
    pub condition: Option<String>,
    /// The place of its group in [`Plan::steps`].
    pub group: Option<usize>,
    /// What it waits for, by name. `None`: what stands before it, back to the last wait or block. An empty list: nothing at all.
    pub depends_on: Option<Vec<Dependency>>,
    /// Whether it also runs when what it waits for has failed.
    pub allow_dependency_failure: bool,
    /// Whether it takes part at all.
    pub fate: Fate,
    /// What it does.
    pub work: Work,
}

/// A step, or a group of steps, that another waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The key of the step or group; it may belong to a step that is in the build already.
    pub step: String,
    /// Whether it is enough that it has ended.
    pub allow_failure: bool,
}

/// Whether a step takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// It does.
    Run,
    /// `skip` says no, for this reason (perhaps an empty one). It counts as passed.
    Skipped(String),
    /// Its `if` or its `branches` say no. What waits for it does not.
    Omitted,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Runs a command: one job, or several.
    Command(Box<CommandWork>),
    /// Waits for everything before it.
    Wait {
        /// Whether what follows also runs when something before it has failed.
        continue_on_failure: bool,
    },
    /// Waits for a person, and keeps what follows.
    Block(Box<Question>),
    /// Asks a person, and keeps nothing but what depends on it by name.
    Input(Box<Question>),
    /// Makes a build of another pipeline.
    Trigger(Box<TriggerWork>),
    /// Holds the steps whose `group` names its place. It ends when they have.
    Group,
}

/// A command step's jobs and how they run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandWork {
    /// At least one; more with `parallelism` or a matrix.
    pub jobs: Vec<PlannedJob>,
    /// Highest first; 0 when nothing is said.
    pub priority: i64,
    /// Minutes that a job may run.
    pub timeout_in_minutes: Option<u32>,
    /// Which failures do not fail the build.
    pub soft_fail: SoftFail,
    /// What is run again by itself.
    pub automatic_retry: Vec<RetryRule>,
    /// Whether a person may run it again.
    pub manual_retry: ManualRetry,
    /// How many jobs of the organization with the same key run at once.
    pub concurrency: Option<Concurrency>,
    /// Paths of what to keep after the command, in the agent's notation.
    pub artifact_paths: Vec<String>,
    /// Whether its jobs are canceled as soon as the build is failing.
    pub cancel_on_build_failing: bool,
    /// What the agent is given with a job, as JSON: `plugins`, `secrets`, `cache`, `checkout`, `signature`, `image`, `notify`. What the
    /// pipeline says of them for all steps is in it. A signed step is there once more as it was written, under
    /// [`SIGNED_STEP`](crate::pipeline::SIGNED_STEP).
    pub passed_on: BTreeMap<String, serde_json::Value>,
}

/// One job of a command step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedJob {
    /// What people see; matrix and parallel tokens are filled in.
    pub label: Option<String>,
    /// What the shell is given.
    pub command: String,
    /// The step's own variables; they win over the plan's.
    pub env: Env,
    /// What an agent's tags must say, `queue` left out: key to value, `*` for any.
    pub rules: BTreeMap<String, String>,
    /// The queue; `None` when nothing names one.
    pub queue: Option<String>,
    /// Its number among the step's parallel jobs, from 0, and how many there are.
    pub parallel: Option<(u32, u32)>,
    /// The values of the matrix; the key of an anonymous dimension is empty.
    pub matrix: BTreeMap<String, String>,
    /// An adjustment of the matrix takes this one out, for this reason.
    pub skip: Option<String>,
    /// `plugins` with the values of the matrix filled in; `None`: they have no tokens, and the step's hold.
    pub plugins: Option<serde_json::Value>,
    /// An adjustment of the matrix says something else than the step about failures.
    pub soft_fail: Option<SoftFail>,
}

/// Which failures do not fail the build.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SoftFail {
    /// None.
    #[default]
    Never,
    /// All.
    Always,
    /// Those with one of these exit statuses.
    On(Vec<i32>),
}

/// A rule of what is run again. All that it names must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRule {
    /// Exit statuses; `None`: any but 0. `-1`: the agent was lost.
    pub exit_status: Option<Vec<i32>>,
    /// The signal, as `SIGTERM`; `none`: there must be none; `None`: any or none.
    pub signal: Option<String>,
    /// Why it was ended, as `agent_stop`; `none`: there must be no reason; `None`: any or none.
    pub signal_reason: Option<String>,
    /// How many times, 0 to 10.
    pub limit: u32,
}

/// Whether a person may run a job again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualRetry {
    /// Whether they may.
    pub allowed: bool,
    /// Why not, in words.
    pub reason: Option<String>,
    /// Whether they may when it has passed.
    pub permit_on_passed: bool,
}

/// How many jobs with one key run at once, in the whole organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// The key.
    pub group: String,
    /// How many, at least 1.
    pub limit: u32,
    /// Whether they run in any order, rather than in that of their making.
    pub eager: bool,
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Question {
    /// What they read first.
    pub prompt: Option<String>,
    /// What the button says.
    pub submit: Option<String>,
    /// What they fill in; the answers become meta-data.
    pub fields: Vec<Field>,
    /// What the build is called meanwhile.
    pub blocked_state: BlockedState,
}

/// What a build is called while it waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockedState {
    /// As if it had passed.
    #[default]
    Passed,
    /// As if it had failed.
    Failed,
    /// As if it ran.
    Running,
}

/// A thing to fill in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The meta-data's key.
    pub key: String,
    /// What it is called, for people.
    pub label: Option<String>,
    /// An explanation.
    pub hint: Option<String>,
    /// Whether it must be filled in.
    pub required: bool,
    /// What stands there before.
    pub default: Option<String>,
    /// A regular expression for the whole of a text.
    pub format: Option<String>,
    /// What can be chosen; empty for a text.
    pub options: Vec<Choice>,
    /// Whether several can be chosen; the answer then has a line for each.
    pub multiple: bool,
}

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// For people.
    pub label: String,
    /// For the meta-data.
    pub value: String,
}

/// A build of another pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerWork {
    /// The pipeline's slug.
    pub pipeline: String,
    /// Whether the step is done as soon as the build is made.
    pub is_async: bool,
    /// The build's message.
    pub message: Option<String>,
    /// The build's commit.
    pub commit: Option<String>,
    /// The build's branch.
    pub branch: Option<String>,
    /// The build's variables.
    pub env: Env,
    /// The build's meta-data.
    pub meta_data: BTreeMap<String, String>,
    /// Which failures of that build do not fail this one.
    pub soft_fail: SoftFail,
}

/// What conditions and branch patterns are decided on, and what a pipeline may already refer to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Situation {
    /// The values of `build.…`, `pipeline.…` and `organization.…`, by full name; what is absent is null.
    pub facts: BTreeMap<String, Fact>,
    /// The build's variables, for `build.env("NAME")`.
    pub env: Env,
    /// Keys that the build's steps have already; none may be used twice.
    pub keys: Vec<String>,
}

/// A value in a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Several texts, for `includes`.
    List(Vec<String>),
}
