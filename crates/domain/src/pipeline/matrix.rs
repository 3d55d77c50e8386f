//! A step for each combination of values: `matrix`, its adjustments, and the tokens that stand for the values.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;
use serde_json::Value as Json;

use super::{
    MAX_ADJUSTMENTS, MAX_DIMENSION_VALUES, MAX_DIMENSIONS, MAX_MATRIX_JOBS, MAX_MATRIX_VALUE, PipelineError,
    fields::{Field, Fields},
    outcome, step,
    tree::{Node, Value},
};
use crate::plan::SoftFail;
use crate::text::shown;

/// Values by dimension; an anonymous dimension has an empty name.
pub(super) type Combination = BTreeMap<String, String>;

/// What a step is multiplied by.
#[derive(Debug, Clone)]
pub(super) struct Matrix {
    dimensions: Vec<(String, Vec<String>)>,
    adjustments: Vec<Adjustment>,
}

#[derive(Debug, Clone)]
struct Adjustment {
    with: Combination,
    skip: Option<String>,
    soft_fail: Option<SoftFail>,
}

/// One job of a matrix.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub values: Combination,
    pub skip: Option<String>,
    pub soft_fail: Option<SoftFail>,
}

/// Reads `matrix`: a list of values, or a map of `setup` and `adjustments`.
pub(super) fn read(field: &Field<'_>) -> Result<Matrix, PipelineError> {
    let matrix = if let Value::List(_) = field.node.value {
        Matrix { dimensions: vec![(String::new(), values(field.node)?)], adjustments: Vec::new() }
    } else {
        let mut fields =
            Fields::needed(field.node, "'matrix'", "a list of values or a map of 'setup' and 'adjustments'")?;
        let setup = fields.read(&["setup"], setup)?;
        let dimensions = setup.ok_or_else(|| field.fault("has no 'setup'; write the values there"))?;
        let adjustments = fields.read(&["adjustments"], |field| adjustments(field, &dimensions))?.unwrap_or_default();
        fields.end("in 'matrix'")?;
        Matrix { dimensions, adjustments }
    };
    let count = matrix.dimensions.iter().map(|(_, values)| values.len()).try_fold(1, usize::checked_mul);
    match count {
        Some(..=MAX_MATRIX_JOBS) if matrix.cells().len() <= MAX_MATRIX_JOBS => Ok(matrix),
        _ => Err(field.fault(format_args!("comes to more than {MAX_MATRIX_JOBS} jobs; give it fewer values"))),
    }
}

fn setup(field: &Field<'_>) -> Result<Vec<(String, Vec<String>)>, PipelineError> {
    let entries = match &field.node.value {
        Value::List(_) => return Ok(vec![(String::new(), values(field.node)?)]),
        Value::Map(entries) => entries,
        _ => return Err(field.fault("in 'matrix' is neither a list of values nor a map of such lists")),
    };
    if entries.is_empty() || entries.len() > MAX_DIMENSIONS {
        let problem = format!("in 'matrix' has {} dimensions; 1 to {MAX_DIMENSIONS} are possible", entries.len());
        return Err(field.fault(problem));
    }
    let read = |(name, node): &(String, Node)| {
        let takes = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if name.is_empty() || name.len() > MAX_MATRIX_VALUE || !name.bytes().all(takes) {
            let problem = format!("'{}' in 'matrix' is not a name of letters, digits, '_', '-' and '.'", shown(name));
            return Err(PipelineError::at(node, problem));
        }
        Ok((name.clone(), values(node)?))
    };
    entries.iter().map(read).collect()
}

fn values(node: &Node) -> Result<Vec<String>, PipelineError> {
    let fault = |problem: String| PipelineError::at(node, problem);
    let Value::List(list) = &node.value else {
        return Err(fault("a dimension of 'matrix' is not a list of values".to_owned()));
    };
    if list.is_empty() || list.len() > MAX_DIMENSION_VALUES {
        let problem =
            format!("a dimension of 'matrix' has {} values; 1 to {MAX_DIMENSION_VALUES} are possible", list.len());
        return Err(fault(problem));
    }
    let values = list.iter().map(value).collect::<Result<Vec<_>, _>>()?;
    for (index, value) in values.iter().enumerate() {
        if values[..index].contains(value) {
            return Err(fault(format!("a dimension of 'matrix' has the value '{}' twice", shown(value))));
        }
    }
    Ok(values)
}

fn value(node: &Node) -> Result<String, PipelineError> {
    let value = node.scalar().ok_or_else(|| PipelineError::at(node, "a value in 'matrix' is not a text"))?;
    if value.len() > MAX_MATRIX_VALUE || value.contains('\0') {
        let problem = format!("a value in 'matrix' has more than {MAX_MATRIX_VALUE} bytes or holds a NUL character");
        return Err(PipelineError::at(node, problem));
    }
    Ok(value.to_owned())
}

fn adjustments(field: &Field<'_>, dimensions: &[(String, Vec<String>)]) -> Result<Vec<Adjustment>, PipelineError> {
    let Value::List(list) = &field.node.value else { return Err(field.fault("is not a list of {with: …}")) };
    if list.len() > MAX_ADJUSTMENTS {
        return Err(field.fault(format_args!("has {} items; at most {MAX_ADJUSTMENTS} are possible", list.len())));
    }
    let mut all: Vec<Adjustment> = Vec::with_capacity(list.len());
    for node in list {
        let mut fields = Fields::needed(node, "an item of 'adjustments'", "a map with 'with'")?;
        let with = fields.read(&["with"], |field| with(field, dimensions))?;
        let with = with
            .ok_or_else(|| PipelineError::at(node, "an item of 'adjustments' has no 'with'; name the values there"))?;
        let skip = fields.read(&["skip"], step::skip)?.flatten();
        let soft_fail = fields.read(&["soft_fail"], outcome::soft_fail)?;
        fields.end("in an item of 'adjustments'")?;
        if all.iter().any(|other| other.with == with) {
            return Err(PipelineError::at(
                node,
                "two items of 'adjustments' are about the same combination; join them",
            ));
        }
        all.push(Adjustment { with, skip, soft_fail });
    }
    Ok(all)
}

fn with(field: &Field<'_>, dimensions: &[(String, Vec<String>)]) -> Result<Combination, PipelineError> {
    let with: Combination = match &field.node.value {
        Value::Map(entries) => {
            entries.iter().map(|(name, node)| Ok((name.clone(), value(node)?))).collect::<Result<_, _>>()?
        }
        _ => BTreeMap::from([(String::new(), value(field.node)?)]),
    };
    let all_named = with.len() == dimensions.len() && dimensions.iter().all(|(name, _)| with.contains_key(name));
    if all_named { Ok(with) } else { Err(field.fault("does not name each dimension of 'setup' once")) }
}

impl Matrix {
    /// The jobs: each combination, the last dimension changing fastest, then those that only adjustments name.
    pub fn cells(&self) -> Vec<Cell> {
        let mut combinations = vec![Combination::new()];
        for (name, values) in &self.dimensions {
            let longer = |combination: &Combination, value: &String| {
                let mut longer = combination.clone();
                longer.insert(name.clone(), value.clone());
                longer
            };
            combinations =
                combinations.iter().flat_map(|some| values.iter().map(move |value| longer(some, value))).collect();
        }
        let added = self.adjustments.iter().map(|it| &it.with).filter(|with| !combinations.contains(with)).cloned();
        let added: Vec<Combination> = added.collect();
        combinations.extend(added);
        let cell = |values: Combination| {
            let adjustment = self.adjustments.iter().find(|it| it.with == values);
            Cell {
                skip: adjustment.and_then(|it| it.skip.clone()),
                soft_fail: adjustment.and_then(|it| it.soft_fail.clone()),
                values,
            }
        };
        combinations.into_iter().map(cell).collect()
    }
}

/// `{{matrix}}`, `{{ matrix.os }}`.
#[expect(clippy::expect_used, reason = "the pattern is a constant, which every test of a matrix compiles")]
static TOKEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{\{\s*matrix(?:\.([A-Za-z0-9_.\-]+))?\s*\}\}").expect("a pattern"));

/// Puts a combination's values where a text has tokens.
///
/// # Errors
/// A token that names no dimension.
pub(super) fn fill(text: &str, values: &Combination) -> Result<String, String> {
    if values.is_empty() || !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let mut filled = String::with_capacity(text.len());
    let mut rest = 0;
    for token in TOKEN.captures_iter(text) {
        let Some(whole) = token.get(0) else { continue };
        let value = values.get(token.get(1).map_or("", |name| name.as_str()));
        let value = value.ok_or_else(|| format!("'{}' names no dimension of 'matrix'", shown(whole.as_str())))?;
        filled.push_str(&text[rest..whole.start()]);
        filled.push_str(value);
        rest = whole.end();
    }
    filled.push_str(&text[rest..]);
    Ok(filled)
}

/// As [`fill`], for each text and key of a JSON value; no deeper than a pipeline is.
pub(super) fn fill_json(json: &Json, values: &Combination) -> Result<Json, String> {
    Ok(match json {
        Json::String(text) => Json::String(fill(text, values)?),
        Json::Array(list) => list.iter().map(|item| fill_json(item, values)).collect::<Result<_, _>>()?,
        Json::Object(map) => {
            let entries = map.iter().map(|(key, item)| Ok((fill(key, values)?, fill_json(item, values)?)));
            Json::Object(entries.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}
