//! Pipelines: the steps of a build, from YAML or JSON.
//!
//! ```text
//! text, or an agent's JSON → tree, within limits (tree.rs) → steps, each field checked (step.rs, command.rs, …) → Pipeline
//! Pipeline + Situation → conditions decided, matrices multiplied out, dependencies checked (planning.rs) → Plan
//! ```
//!
//! The server leaves `$` as it is: the shell sees it. Variables are filled in where a pipeline is uploaded from a job
//! (`upload.rs`, `interpolate.rs`).

mod agents;
mod branches;
mod command;
mod condition;
mod depends;
mod env;
mod error;
mod fields;
mod graph;
pub mod if_changed;
mod interpolate;
mod limits;
mod matrix;
mod outcome;
mod passed_on;
mod planning;
mod question;
mod step;
mod tree;
mod trigger;
pub mod upload;

use std::collections::BTreeMap;

pub(crate) use self::condition::regex::{Matches, Regex};
pub use self::{
    env::problem_with_variable, error::PipelineError, limits::*, passed_on::SIGNED_STEP, planning::numbered,
};
use self::{
    fields::{Field, Fields},
    step::{Defaults, Reader, Step},
    tree::{Node, Value},
};

/// Environment variables by name.
pub type Env = BTreeMap<String, String>;

/// Top-level names under which people keep what their anchors refer to.
const ANCHORS: [&str; 2] = ["common", "anchors"];

/// A whole pipeline, each field checked.
#[derive(Debug, Clone)]
pub struct Pipeline {
    env: Env,
    steps: Vec<Step>,
}

impl Pipeline {
    /// Reads a pipeline: a map with `steps`, or the list of steps alone. It may have [`MAX_STEPS`] and [`MAX_JOBS`].
    ///
    /// # Errors
    /// [`PipelineError`] names a fault, with its step and line where there are such.
    pub fn parse(text: &str) -> Result<Self, PipelineError> {
        Self::read(&tree::read(text)?, MAX_JOBS)
    }

    /// Reads what an agent uploads to a build that runs. It may have [`MAX_UPLOADED_JOBS`].
    ///
    /// # Errors
    /// [`PipelineError`] names a fault, with its step where there is one.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, PipelineError> {
        Self::read(&tree::json::tree(json)?, MAX_UPLOADED_JOBS)
    }

    fn read(root: &Node, most_jobs: usize) -> Result<Self, PipelineError> {
        let (env, defaults, list) = match &root.value {
            Value::List(list) => (Env::new(), Defaults::default(), list.as_slice()),
            Value::Map(_) => top(Fields::needed(root, "it", "a map")?)?,
            _ => return Err(PipelineError::of_all("is neither a map with 'steps' nor a list of steps")),
        };
        if list.is_empty() {
            return Err(PipelineError::of_all("has no step; write at least one with a 'command'"));
        }
        Ok(Self { env, steps: Reader::new(defaults, most_jobs).steps(list, false)? })
    }

    /// Variables of every step.
    #[must_use]
    pub const fn env(&self) -> &Env {
        &self.env
    }
}

/// Reads what is announced of a step, by itself: a list, as YAML or JSON.
///
/// # Errors
/// [`PipelineError`] for what cannot be read and for what is no list.
pub fn notify(text: &str) -> Result<Vec<serde_json::Value>, PipelineError> {
    let node = tree::read(text)?;
    match passed_on::list(&Field { name: "notify", node: &node })? {
        serde_json::Value::Array(list) => Ok(list),
        _ => Ok(Vec::new()),
    }
}

/// Reads what stands beside the steps.
fn top(mut fields: Fields<'_>) -> Result<(Env, Defaults, &[Node]), PipelineError> {
    let env = fields.read(&["env"], env::read)?.unwrap_or_default();
    let defaults = Defaults {
        agents: fields.read(&["agents", "agent_query_rules"], agents::read)?.unwrap_or_default(),
        priority: fields.read(&["priority"], command::priority)?.unwrap_or_default(),
        image: fields.read(&["image"], passed_on::text)?,
        secrets: fields.read(&["secrets"], passed_on::secrets)?,
        checkout: fields.read(&["checkout"], passed_on::map)?,
    };
    // Nothing is announced; a pipeline that asks for it is taken all the same.
    fields.read(&["notify"], passed_on::list)?;
    fields.drop_where(|name| ANCHORS.contains(&name) || name.starts_with(['.', '_']) || name.starts_with("x-"));
    let missing = || PipelineError::of_all("has no 'steps'; write a list of steps under that name");
    let Some(Field { node, .. }) = fields.take(&["steps"])? else {
        fields.end("at the top of a pipeline")?;
        return Err(missing());
    };
    fields.end("at the top of a pipeline")?;
    match &node.value {
        Value::List(list) => Ok((env, defaults, list)),
        _ => Err(PipelineError::at(node, "'steps' is not a list; write each step behind a '-'")),
    }
}

#[cfg(test)]
mod tests;
