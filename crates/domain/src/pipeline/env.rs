//! Environment variables.

use super::{
    Env, MAX_ENV, MAX_ENV_VALUE, PERMITTED_ENV, PipelineError, RESERVED_ENV,
    fields::Field,
    tree::{Node, Value},
};
use crate::text::shown;

/// Reads `env`: a map of names to values, or null.
pub(super) fn read(field: &Field<'_>) -> Result<Env, PipelineError> {
    let entries = match &field.node.value {
        Value::Map(entries) => entries,
        Value::Null => return Ok(Env::new()),
        _ => return Err(field.fault("is not a map of names to values")),
    };
    if entries.len() > MAX_ENV {
        return Err(field.fault(format_args!("has {} variables; at most {MAX_ENV} are possible", entries.len())));
    }
    entries.iter().map(|(name, node)| read_variable(name, node)).collect()
}

fn read_variable(name: &str, node: &Node) -> Result<(String, String), PipelineError> {
    let wrong = |problem: &str| PipelineError::at(node, format!("'{}' in 'env' {problem}", shown(name)));
    if let Some(problem) = problem_with_name(name) {
        return Err(wrong(problem));
    }
    if RESERVED_ENV.iter().any(|reserved| name.starts_with(reserved)) && !PERMITTED_ENV.contains(&name) {
        return Err(wrong("is set by the server itself; names may not begin with BUILDKITE_ or COUNTERSIGN_"));
    }
    let value = match &node.value {
        Value::Null => "",
        _ => node.scalar().ok_or_else(|| wrong("is a list or a map; write one text"))?,
    };
    match problem_with_value(value) {
        Some(problem) => Err(wrong(&problem)),
        None => Ok((name.to_owned(), value.to_owned())),
    }
}

/// What keeps a variable from being set, wherever it comes from; in words that follow its name.
#[must_use]
pub fn problem_with_variable(name: &str, value: &str) -> Option<String> {
    problem_with_name(name).map(str::to_owned).or_else(|| problem_with_value(value))
}

fn problem_with_name(name: &str) -> Option<&'static str> {
    let first_fits = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let fits = first_fits && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (!fits).then_some("is not a variable's name: letters, digits and '_', not beginning with a digit")
}

fn problem_with_value(value: &str) -> Option<String> {
    if value.len() > MAX_ENV_VALUE {
        return Some(format!("has {} bytes; at most {MAX_ENV_VALUE} are possible", value.len()));
    }
    value.contains('\0').then(|| "holds a NUL character; remove it".to_owned())
}
