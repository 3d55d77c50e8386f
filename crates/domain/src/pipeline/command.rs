//! Steps that run a command in a shell.

use serde_json::Value as Json;

use super::{
    Env, MAX_ARTIFACT_PATHS, MAX_LABEL, MAX_PATH, MAX_TIMEOUT, PipelineError,
    agents::{self, Rules},
    env,
    fields::{Field, Fields},
    matrix::{self, Matrix},
    outcome,
    passed_on::{self, SIGNED_STEP},
    step::Reader,
    tree::{Node, Value},
};
use crate::plan::{CommandWork, Concurrency};

/// A command step as it was written.
#[derive(Debug, Clone)]
pub(super) struct CommandStep {
    /// Blank only where plugins say what is done.
    pub command: String,
    pub env: Env,
    /// The step's rules over the pipeline's.
    pub agents: Rules,
    /// How many jobs, by number.
    pub parallelism: Option<u32>,
    /// How many jobs, by value.
    pub matrix: Option<Matrix>,
    /// All else; it has no jobs yet.
    pub work: CommandWork,
}

/// Reads the fields of a command step. `step` is all of it, for a signed one.
pub(super) fn read(step: &Node, fields: &mut Fields<'_>, reader: &mut Reader) -> Result<CommandStep, PipelineError> {
    let line = fields.line;
    let fault = |problem: &str| PipelineError { step: None, line, problem: problem.to_owned() };
    reader.count_defaults()?;
    let mut passed = std::collections::BTreeMap::new();
    let mut pass = |name: &str, json: Option<Json>| json.and_then(|json| passed.insert(name.to_owned(), json));
    let defaults = &reader.defaults;
    let plugins =
        fields.read(&["plugins"], passed_on::plugins)?.filter(|it| it.as_array().is_some_and(|it| !it.is_empty()));
    let has_plugins = plugins.is_some();
    pass("plugins", plugins);
    pass("secrets", joined(fields.read(&["secrets"], passed_on::secrets)?, defaults.secrets.as_ref()));
    pass("cache", fields.read(&["cache"], passed_on::cache)?);
    pass("checkout", joined(fields.read(&["checkout"], passed_on::map)?, defaults.checkout.as_ref()));
    pass("image", fields.read(&["image"], passed_on::text)?.or_else(|| defaults.image.clone()));
    pass("notify", fields.read(&["notify"], passed_on::list)?);
    let signature = fields.read(&["signature"], passed_on::map)?;
    pass(SIGNED_STEP, signature.as_ref().map(|_| passed_on::signed(step)));
    pass("signature", signature);

    let command = fields.take(&["command", "commands"])?;
    let command = command.map(|field| read_command(&field, has_plugins)).transpose()?;
    let command = match command {
        Some(command) => command,
        None if has_plugins => String::new(),
        None => return Err(fault("has no 'command'; write what the shell runs")),
    };
    let env = fields.read(&["env"], env::read)?.unwrap_or_default();
    let mut rules = fields.read(&["agents", "agent_query_rules"], agents::read)?.unwrap_or_default();
    for (name, value) in &defaults.agents {
        rules.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let most = u32::try_from(reader.most_jobs).unwrap_or(u32::MAX);
    let parallelism = fields.read(&["parallelism"], |field| field.small(0, most))?;
    let matrix = fields.read(&["matrix"], matrix::read)?;
    if parallelism.is_some() && matrix.is_some() {
        return Err(fault("'parallelism' and 'matrix' cannot be used together; keep one"));
    }
    let (automatic_retry, manual_retry) = outcome::retry(fields.take(&["retry"])?)?;
    let timeout = fields.read(&["timeout_in_minutes", "timeout"], |field| field.small(0, MAX_TIMEOUT))?;
    let priority = fields.read(&["priority"], priority)?.unwrap_or(defaults.priority);
    let work = CommandWork {
        jobs: Vec::new(),
        priority,
        timeout_in_minutes: timeout.filter(|minutes| *minutes > 0),
        soft_fail: fields.read(&["soft_fail"], outcome::soft_fail)?.unwrap_or_default(),
        automatic_retry,
        manual_retry,
        concurrency: concurrency(fields)?,
        artifact_paths: fields.read(&["artifact_paths", "artifacts"], artifact_paths)?.unwrap_or_default(),
        cancel_on_build_failing: fields.flag("cancel_on_build_failing")?,
        passed_on: passed,
    };
    let jobs = matrix.as_ref().map_or(parallelism.map_or(1, |n| n as usize), |matrix| matrix.cells().len());
    reader.count_jobs(line, jobs)?;
    Ok(CommandStep { command, env, agents: rules, parallelism, matrix, work })
}

/// What the step says, over what the pipeline says: maps are joined by key, lists one behind the other.
fn joined(step: Option<Json>, pipeline: Option<&Json>) -> Option<Json> {
    match (step, pipeline) {
        (Some(Json::Object(step)), Some(Json::Object(pipeline))) => {
            let mut all = pipeline.clone();
            all.extend(step);
            Some(Json::Object(all))
        }
        (Some(Json::Array(step)), Some(Json::Array(pipeline))) => {
            let mut all = pipeline.clone();
            all.extend(step);
            Some(Json::Array(all))
        }
        (step, pipeline) => step.or_else(|| pipeline.cloned()),
    }
}

/// One text, or several as its lines.
pub(super) fn read_command(field: &Field<'_>, may_be_empty: bool) -> Result<String, PipelineError> {
    let wrong = || field.fault("is neither a text nor a list of texts");
    let command = match &field.node.value {
        Value::List(lines) => {
            lines.iter().map(Node::scalar).collect::<Option<Vec<&str>>>().ok_or_else(wrong)?.join("\n")
        }
        Value::Null => String::new(),
        _ => field.node.scalar().ok_or_else(wrong)?.to_owned(),
    };
    if command.contains('\0') {
        return Err(field.fault("holds a NUL character; remove it"));
    }
    if command.trim().is_empty() && !may_be_empty {
        return Err(field.fault("is empty; write what the shell runs"));
    }
    Ok(command)
}

/// A priority, of a step or of all.
pub(super) fn priority(field: &Field<'_>) -> Result<i64, PipelineError> {
    field.whole(i32::MIN.into(), i32::MAX.into())
}

fn concurrency(fields: &mut Fields<'_>) -> Result<Option<Concurrency>, PipelineError> {
    let line = fields.line;
    let limit = fields.read(&["concurrency"], |field| field.small(1, u32::MAX))?;
    let group = fields.line_of_text(&["concurrency_group"], MAX_LABEL)?;
    let eager = fields.read(&["concurrency_method"], |field| match field.node.scalar() {
        Some("ordered") => Ok(false),
        Some("eager") => Ok(true),
        _ => Err(field.fault("is neither 'ordered' nor 'eager'")),
    })?;
    match (group, limit) {
        (Some(group), Some(limit)) => Ok(Some(Concurrency { group, limit, eager: eager.unwrap_or(false) })),
        (None, None) if eager.is_none() => Ok(None),
        _ => {
            let problem = "'concurrency' and 'concurrency_group' belong together; write both".to_owned();
            Err(PipelineError { step: None, line, problem })
        }
    }
}

/// Patterns parted by `;`, or a list of such.
fn artifact_paths(field: &Field<'_>) -> Result<Vec<String>, PipelineError> {
    let texts: Option<Vec<&str>> = field.items().iter().map(Node::scalar).collect();
    let texts = texts.ok_or_else(|| field.fault("is neither a text nor a list of texts"))?;
    let paths: Vec<&str> =
        texts.iter().flat_map(|text| text.split(';')).map(str::trim).filter(|it| !it.is_empty()).collect();
    if paths.len() > MAX_ARTIFACT_PATHS {
        return Err(field.fault(format_args!("has {} paths; at most {MAX_ARTIFACT_PATHS} are possible", paths.len())));
    }
    if paths.iter().any(|path| path.len() > MAX_PATH || path.contains('\0')) {
        return Err(
            field.fault(format_args!("has a path of more than {MAX_PATH} bytes, or one that holds a NUL character"))
        );
    }
    Ok(paths.into_iter().map(str::to_owned).collect())
}
