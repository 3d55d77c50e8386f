//! Steps that make a build of another pipeline.

use std::collections::BTreeMap;

use super::{
    MAX_LABEL, MAX_META_DATA, MAX_PROMPT, PipelineError, env,
    fields::{Field, Fields},
    outcome,
    tree::Value,
};
use crate::{metadata, plan::TriggerWork, text::Slug};

/// Reads the fields of a trigger step, `trigger` among them.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<TriggerWork, PipelineError> {
    let line = fields.line;
    let pipeline = fields.read(&["trigger"], |field| {
        let slug = Slug::parse(field.scalar()?).map_err(|error| field.fault(error))?;
        Ok(slug.as_str().to_owned())
    })?;
    let pipeline = pipeline.ok_or_else(|| PipelineError {
        step: None,
        line,
        problem: "'trigger' is empty; write the slug of a pipeline".to_owned(),
    })?;
    let is_async = fields.flag("async")?;
    let soft_fail = fields.read(&["soft_fail"], outcome::soft_fail)?.unwrap_or_default();
    let mut work = TriggerWork {
        pipeline,
        is_async,
        message: None,
        commit: None,
        branch: None,
        env: BTreeMap::new(),
        meta_data: BTreeMap::new(),
        soft_fail,
    };
    if let Some(build) = fields.take(&["build"])?
        && let Some(mut build) =
            Fields::of(build.node, "'build'", "a map of 'message', 'commit', 'branch', 'env' and 'meta_data'")?
    {
        work.message = build.text(&["message"], MAX_PROMPT)?;
        work.commit = build.line_of_text(&["commit"], MAX_LABEL)?;
        work.branch = build.line_of_text(&["branch"], MAX_LABEL)?;
        work.env = build.read(&["env"], env::read)?.unwrap_or_default();
        work.meta_data = build.read(&["meta_data"], meta_data)?.unwrap_or_default();
        build.end("in 'build'")?;
    }
    Ok(work)
}

fn meta_data(field: &Field<'_>) -> Result<BTreeMap<String, String>, PipelineError> {
    let Value::Map(entries) = &field.node.value else { return Err(field.fault("is not a map of texts")) };
    if entries.len() > MAX_META_DATA {
        return Err(field.fault(format_args!("has {} keys; at most {MAX_META_DATA} are possible", entries.len())));
    }
    let read = |(key, node): &(String, _)| {
        metadata::check_key(key).map_err(|error| field.fault(format_args!("has a key that {error}")))?;
        let value = super::tree::Node::scalar(node).ok_or_else(|| field.fault("is not a map of texts"))?;
        metadata::check_value(value).map_err(|error| field.fault(format_args!("has a value that {error}")))?;
        Ok((key.clone(), value.to_owned()))
    };
    entries.iter().map(read).collect()
}
