//! What block and input steps ask a person.

use std::collections::BTreeSet;

use super::{
    MAX_CHOICES, MAX_FIELDS, MAX_LABEL, MAX_PROMPT, PipelineError,
    condition::regex::Regex,
    fields::{Field, Fields},
    tree::Value,
};
use crate::text::shown;
use crate::{
    metadata,
    plan::{BlockedState, Choice, Field as Asked, Question},
};

/// Reads what a block or input step asks.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Question, PipelineError> {
    if let Some(teams) = fields.take(&["allowed_teams"])? {
        return Err(teams.fault("is not offered: there are no teams, and every member may answer; take it out"));
    }
    Ok(Question {
        prompt: fields.text(&["prompt"], MAX_PROMPT)?,
        submit: fields.line_of_text(&["submit"], MAX_LABEL)?,
        fields: fields.read(&["fields"], asked)?.unwrap_or_default(),
        blocked_state: fields.read(&["blocked_state"], blocked_state)?.unwrap_or_default(),
    })
}

fn blocked_state(field: &Field<'_>) -> Result<BlockedState, PipelineError> {
    match field.node.scalar() {
        Some("passed") => Ok(BlockedState::Passed),
        Some("failed") => Ok(BlockedState::Failed),
        Some("running") => Ok(BlockedState::Running),
        _ => Err(field.fault("is neither 'passed', 'failed' nor 'running'")),
    }
}

fn asked(field: &Field<'_>) -> Result<Vec<Asked>, PipelineError> {
    let Value::List(list) = &field.node.value else {
        return Err(field.fault("is not a list of {text: …, key: …} and {select: …, key: …}"));
    };
    if list.len() > MAX_FIELDS {
        return Err(field.fault(format_args!("has {} items; at most {MAX_FIELDS} are possible", list.len())));
    }
    let mut keys = BTreeSet::new();
    let mut all = Vec::with_capacity(list.len());
    for node in list {
        let line = node.line;
        let asked = one(Fields::needed(node, "an item of 'fields'", "a map")?)?;
        if !keys.insert(asked.key.clone()) {
            let problem =
                format!("two items of 'fields' have the key '{}'; give each one of its own", shown(&asked.key));
            return Err(PipelineError { step: None, line, problem });
        }
        all.push(asked);
    }
    Ok(all)
}

fn one(mut fields: Fields<'_>) -> Result<Asked, PipelineError> {
    let line = fields.line;
    let fault = |problem: &str| PipelineError { step: None, line, problem: problem.to_owned() };
    let (is_text, is_select) = (fields.has("text"), fields.has("select"));
    if is_text == is_select {
        return Err(fault("an item of 'fields' has either 'text' or 'select'"));
    }
    let label = fields.line_of_text(&["text", "select"], MAX_LABEL)?;
    let key = fields.read(&["key"], |field| {
        let key = field.scalar()?;
        metadata::check_key(key).map_err(|error| field.fault(error))?;
        Ok(key.to_owned())
    })?;
    let key =
        key.ok_or_else(|| fault("an item of 'fields' has no 'key'; it names the meta-data that keeps the answer"))?;
    let hint = fields.text(&["hint"], MAX_PROMPT)?;
    let required = fields.read(&["required"], Field::flag)?.unwrap_or(true);
    let (format, options, multiple) = if is_text {
        (fields.read(&["format"], format)?, Vec::new(), false)
    } else {
        let options = fields.read(&["options"], options)?.unwrap_or_default();
        if options.is_empty() {
            return Err(fault("a 'select' has no 'options'; write what can be chosen"));
        }
        (None, options, fields.flag("multiple")?)
    };
    let default = fields.read(&["default"], |field| default(field, &options, multiple))?;
    fields.end("in an item of 'fields'")?;
    Ok(Asked { key, label, hint, required, default, format, options, multiple })
}

fn format(field: &Field<'_>) -> Result<String, PipelineError> {
    let pattern = field.scalar()?;
    Regex::compile(pattern, "").map_err(|problem| field.fault(problem))?;
    Ok(pattern.to_owned())
}

fn options(field: &Field<'_>) -> Result<Vec<Choice>, PipelineError> {
    let Value::List(list) = &field.node.value else {
        return Err(field.fault("is not a list of {label: …, value: …}"));
    };
    if list.len() > MAX_CHOICES {
        return Err(field.fault(format_args!("has {} items; at most {MAX_CHOICES} are possible", list.len())));
    }
    let mut values = BTreeSet::new();
    let mut choices = Vec::with_capacity(list.len());
    for node in list {
        let mut fields = Fields::needed(node, "an item of 'options'", "a map of 'label' and 'value'")?;
        let value = fields.read(&["value"], |field| field.text(MAX_LABEL))?;
        let value = value.ok_or_else(|| PipelineError::at(node, "an item of 'options' has no 'value'"))?;
        if !values.insert(value.clone()) {
            return Err(PipelineError::at(node, format!("'options' has the value '{}' twice", shown(&value))));
        }
        let label = fields.line_of_text(&["label"], MAX_LABEL)?.unwrap_or_else(|| value.clone());
        // Only for the eyes of whoever chooses; there is no place for it here.
        fields.text(&["hint"], MAX_PROMPT)?;
        fields.end("in an item of 'options'")?;
        choices.push(Choice { label, value });
    }
    Ok(choices)
}

/// What stands there before; several choices are lines of one text, as in the answer.
fn default(field: &Field<'_>, options: &[Choice], multiple: bool) -> Result<String, PipelineError> {
    let chosen: Option<Vec<&str>> = field.items().iter().map(|node| node.scalar()).collect();
    let chosen = chosen.filter(|all| multiple || all.len() == 1);
    let chosen = chosen.ok_or_else(|| field.fault("is not a text, or with 'multiple' a list of texts"))?;
    if let Some(unknown) = chosen.iter().find(|one| !options.is_empty() && options.iter().all(|it| it.value != **one)) {
        return Err(field.fault(format_args!("is '{}', which is not a value of 'options'", shown(unknown))));
    }
    let text = chosen.join("\n");
    metadata::check_value(&text).map_err(|error| field.fault(error))?;
    Ok(text)
}
