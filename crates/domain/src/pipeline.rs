//! Pipelines: the steps of a build, from YAML or JSON.
//!
//! Text → tree, within limits (`tree.rs`) → steps, each field checked (here). Only command steps are offered; any other kind
//! of step and any other field is an error that names it. `$` is left as it is: the shell sees it.

mod tree;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use self::tree::{Node, Value};
use crate::text::{QueueName, check_line};

/// Most bytes of a pipeline's text: 1 MiB.
pub const MAX_TEXT: usize = 1024 * 1024;
/// Most levels of lists and maps inside each other. Steps with a command need five; each level costs the reader up to
/// 45 KiB of stack in an unoptimized build, and a worker thread has 2 MiB.
pub const MAX_DEPTH: usize = 16;
/// Most anchors, and most aliases.
pub const MAX_ALIASES: usize = 100;
/// Most values in the whole text, each alias counted with all it stands for.
pub const MAX_NODES: usize = 50_000;
/// Most steps.
pub const MAX_STEPS: usize = 500;
/// Most bytes of one environment value: 64 KiB.
pub const MAX_ENV_VALUE: usize = 64 * 1024;
/// Most environment variables of the pipeline, and of one step.
pub const MAX_ENV: usize = 1_000;
/// Most characters of a label.
pub const MAX_LABEL: usize = 255;
/// Most characters of a key.
pub const MAX_KEY: usize = 100;
/// Beginnings of variable names that the server and the agent set themselves.
pub const RESERVED_ENV: [&str; 2] = ["BUILDKITE_", "COUNTERSIGN_"];

/// Environment variables by name.
pub type Env = BTreeMap<String, String>;

/// A whole pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    /// Variables of every step.
    pub env: Env,
    /// The steps, in the order of the text; at least one.
    pub steps: Vec<CommandStep>,
}

/// A step that runs a command in a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandStep {
    /// Names the step within its build; no other step has it.
    pub key: Option<String>,
    /// Names the step for people.
    pub label: Option<String>,
    /// What the shell is given: not blank; several commands are lines of it.
    pub command: String,
    /// Variables of this step alone; they win over the pipeline's.
    pub env: Env,
    /// The queue that must run it: the step's, or else the pipeline's; `None` when neither names one.
    pub queue: Option<QueueName>,
}

/// A pipeline cannot be taken. Reads: `The pipeline, step 2 (line 7): 'wait' is not offered yet; …`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineError {
    /// The step that is wrong, from 1; `None` when it is no step.
    pub step: Option<usize>,
    /// The line that is wrong, from 1; `None` when it is not known, as in JSON.
    pub line: Option<u64>,
    /// What is wrong and what to do.
    pub problem: String,
}

impl PipelineError {
    fn of_all(problem: impl Into<String>) -> Self {
        Self { step: None, line: None, problem: problem.into() }
    }

    fn at(node: &Node, problem: impl Into<String>) -> Self {
        Self { step: None, line: node.line, problem: problem.into() }
    }
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.step, self.line) {
            (Some(step), Some(line)) => write!(f, "Step {step} of the pipeline (line {line}): {}.", self.problem),
            (Some(step), None) => write!(f, "Step {step} of the pipeline: {}.", self.problem),
            (None, Some(line)) => write!(f, "The pipeline (line {line}): {}.", self.problem),
            (None, None) => write!(f, "The pipeline: {}.", self.problem),
        }
    }
}

impl std::error::Error for PipelineError {}

impl Pipeline {
    /// Reads a pipeline: a map with `steps`, or the list of steps alone.
    ///
    /// # Errors
    /// [`PipelineError`] names the first fault, with its step and line where there are such.
    pub fn parse(text: &str) -> Result<Self, PipelineError> {
        let root = tree::read(text)?;
        let (mut env, mut queue, mut steps) = (Env::new(), None, None);
        let list = match root.value {
            Value::List(list) => list,
            Value::Map(fields) => {
                for (name, node) in fields {
                    match name.as_str() {
                        "steps" => steps = Some(list_of_steps(node)?),
                        "env" => env = read_env(node)?,
                        "agents" => queue = read_queue(&node)?,
                        _ => return Err(PipelineError::at(&node, not_offered(&name))),
                    }
                }
                steps.ok_or_else(|| PipelineError::of_all("has no 'steps'; write a list of steps under that name"))?
            }
            _ => return Err(PipelineError::of_all("is neither a map with 'steps' nor a list of steps")),
        };
        if list.is_empty() {
            return Err(PipelineError::of_all("has no step; write at least one with a 'command'"));
        }
        if list.len() > MAX_STEPS {
            let problem = format!("has {} steps; at most {MAX_STEPS} are possible", list.len());
            return Err(PipelineError::of_all(problem));
        }
        let mut keys = BTreeSet::new();
        let mut steps = Vec::with_capacity(list.len());
        for (index, node) in list.into_iter().enumerate() {
            let line = node.line;
            let mut step = read_step(node).map_err(|error| PipelineError { step: Some(index + 1), ..error })?;
            if let Some(key) = &step.key
                && !keys.insert(key.clone())
            {
                let problem = format!("the key '{key}' belongs to an earlier step; give each step a key of its own");
                return Err(PipelineError { step: Some(index + 1), line, problem });
            }
            step.queue = step.queue.or_else(|| queue.clone());
            steps.push(step);
        }
        Ok(Self { env, steps })
    }
}

fn list_of_steps(node: Node) -> Result<Vec<Node>, PipelineError> {
    match node.value {
        Value::List(list) => Ok(list),
        _ => Err(PipelineError::at(&node, "'steps' is not a list; write each step behind a '-'")),
    }
}

fn read_step(node: Node) -> Result<CommandStep, PipelineError> {
    let line = node.line;
    let fields = match node.value {
        Value::Map(fields) => fields,
        Value::Text(kind) => {
            return Err(PipelineError { step: None, line, problem: kind_not_offered(&kind) });
        }
        _ => {
            let problem = "is not a map; write at least 'command: …'".to_owned();
            return Err(PipelineError { step: None, line, problem });
        }
    };
    let (mut key, mut label, mut command) = (None, None, None);
    let (mut env, mut queue) = (Env::new(), None);
    for (name, node) in fields {
        match name.as_str() {
            "command" | "commands" => once(&mut command, "command", &node, read_command(&name, &node)?)?,
            "label" | "name" => once(&mut label, "label", &node, read_label(&name, &node)?)?,
            "key" | "id" | "identifier" => once(&mut key, "key", &node, read_key(&name, &node)?)?,
            "env" => env = read_env(node)?,
            "agents" => queue = read_queue(&node)?,
            "wait" | "waiter" | "block" | "input" | "manual" | "trigger" | "group" => {
                return Err(PipelineError::at(&node, kind_not_offered(&name)));
            }
            _ => return Err(PipelineError::at(&node, not_offered(&name))),
        }
    }
    let without =
        || PipelineError { step: None, line, problem: "has no 'command'; write what the shell runs".to_owned() };
    let command = command.ok_or_else(without)?;
    Ok(CommandStep { key: key.flatten(), label: label.flatten(), command, env, queue })
}

/// Sets a field that has several names, of which one may be used.
fn once<T>(field: &mut Option<T>, name: &str, node: &Node, value: T) -> Result<(), PipelineError> {
    if field.replace(value).is_some() {
        let problem = format!("'{name}' is given twice, under two of its names; keep one");
        return Err(PipelineError::at(node, problem));
    }
    Ok(())
}

fn not_offered(field: &str) -> String {
    format!("'{}' is not a field that is offered yet; take it out", shown(field))
}

fn kind_not_offered(kind: &str) -> String {
    format!("'{}' is not a kind of step that is offered yet; only steps with a 'command' are", shown(kind))
}

/// A name from the text as an error quotes it: what hides is escaped, and it is cut short.
fn shown(name: &str) -> String {
    const LONGEST: usize = 60;
    let start: String = name.chars().take(LONGEST).collect();
    let end = if start.len() < name.len() { "…" } else { "" };
    format!("{}{end}", start.escape_debug())
}

/// A text, a number or a boolean, as it was written.
fn scalar(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Plain { text, .. } | Value::Text(text) => Some(text),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

fn read_command(name: &str, node: &Node) -> Result<String, PipelineError> {
    let wrong = || PipelineError::at(node, format!("'{name}' is neither a text nor a list of texts"));
    let command = match &node.value {
        Value::List(lines) => {
            let lines: Option<Vec<&str>> = lines.iter().map(scalar).collect();
            lines.ok_or_else(wrong)?.join("\n")
        }
        Value::Null => String::new(),
        _ => scalar(node).ok_or_else(wrong)?.to_owned(),
    };
    if command.contains('\0') {
        return Err(PipelineError::at(node, format!("'{name}' holds a NUL character; remove it")));
    }
    if command.trim().is_empty() {
        return Err(PipelineError::at(node, format!("'{name}' is empty; write what the shell runs")));
    }
    Ok(command)
}

fn read_label(name: &str, node: &Node) -> Result<Option<String>, PipelineError> {
    if matches!(node.value, Value::Null) {
        return Ok(None);
    }
    let label = scalar(node).ok_or_else(|| PipelineError::at(node, format!("'{name}' is not a text")))?;
    if label.is_empty() {
        return Ok(None);
    }
    check_line(label, MAX_LABEL).map_err(|error| PipelineError::at(node, format!("'{name}' {error}")))?;
    Ok(Some(label.to_owned()))
}

fn read_key(name: &str, node: &Node) -> Result<Option<String>, PipelineError> {
    if matches!(node.value, Value::Null) {
        return Ok(None);
    }
    let key = scalar(node).ok_or_else(|| PipelineError::at(node, format!("'{name}' is not a text")))?;
    let takes = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.');
    if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(takes) {
        let problem = format!("'{name}' is not 1 to {MAX_KEY} letters, digits, '-', '_', ':' and '.'");
        return Err(PipelineError::at(node, problem));
    }
    // Where a step may be named by key or by id, the two must not be mistaken for each other.
    if uuid::Uuid::try_parse(key).is_ok() {
        return Err(PipelineError::at(node, format!("'{name}' looks like a UUID; choose another")));
    }
    Ok(Some(key.to_owned()))
}

fn read_env(node: Node) -> Result<Env, PipelineError> {
    let line = node.line;
    let fields = match node.value {
        Value::Map(fields) => fields,
        Value::Null => return Ok(Env::new()),
        _ => {
            return Err(PipelineError {
                step: None,
                line,
                problem: "'env' is not a map of names to values".to_owned(),
            });
        }
    };
    if fields.len() > MAX_ENV {
        let problem = format!("'env' has {} variables; at most {MAX_ENV} are possible", fields.len());
        return Err(PipelineError { step: None, line, problem });
    }
    fields.into_iter().map(|(name, node)| read_variable(name, &node)).collect()
}

fn read_variable(name: String, node: &Node) -> Result<(String, String), PipelineError> {
    let wrong = |problem: &str| PipelineError::at(node, format!("'{}' in 'env' {problem}", shown(&name)));
    let first_fits = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if !first_fits || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(wrong("is not a variable's name: letters, digits and '_', not beginning with a digit"));
    }
    if RESERVED_ENV.iter().any(|reserved| name.starts_with(reserved)) {
        return Err(wrong("is set by the server itself; names may not begin with BUILDKITE_ or COUNTERSIGN_"));
    }
    let value = match &node.value {
        Value::Null => "",
        _ => scalar(node).ok_or_else(|| wrong("is a list or a map; write one text"))?,
    };
    if value.len() > MAX_ENV_VALUE {
        return Err(wrong("has more than 65,536 bytes"));
    }
    if value.contains('\0') {
        return Err(wrong("holds a NUL character; remove it"));
    }
    let value = value.to_owned();
    Ok((name, value))
}

/// `agents: { queue: linux }`, or `agents: ["queue=linux"]`.
fn read_queue(node: &Node) -> Result<Option<QueueName>, PipelineError> {
    let wrong = |problem: String| PipelineError { step: None, line: node.line, problem };
    let shape =
        || wrong("'agents' is neither a map such as 'queue: linux' nor a list such as [\"queue=linux\"]".to_owned());
    let rules: Vec<(&str, &str)> = match &node.value {
        Value::Null => Vec::new(),
        Value::Map(fields) => {
            let rules = fields.iter().map(|(name, node)| Some((name.as_str(), scalar(node)?)));
            rules.collect::<Option<_>>().ok_or_else(shape)?
        }
        Value::List(list) => {
            let rules = list.iter().map(|node| scalar(node)?.split_once('='));
            rules.collect::<Option<_>>().ok_or_else(shape)?
        }
        Value::Plain { .. } | Value::Text(_) => return Err(shape()),
    };
    let mut queue = None;
    for (name, value) in rules {
        if name != "queue" {
            return Err(wrong(format!("'{}' in 'agents' is not offered yet; only 'queue' is", shown(name))));
        }
        let named = QueueName::parse(value).map_err(|error| wrong(format!("'queue' in 'agents' {error}")))?;
        if queue.replace(named).is_some() {
            return Err(wrong("'agents' names two queues; a step runs in one".to_owned()));
        }
    }
    Ok(queue)
}

#[cfg(test)]
mod tests;
