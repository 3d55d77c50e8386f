//! `depends_on`: what a step waits for, by name.

use super::{
    PipelineError,
    fields::{Field, Fields},
    tree::{Node, Value},
};
use crate::plan::Dependency;

/// Reads a key, a list of keys, or a list of `{ step, allow_failure }`. Null and an empty list mean: nothing at all.
pub(super) fn read(field: &Field<'_>) -> Result<Vec<Dependency>, PipelineError> {
    let mut all: Vec<Dependency> = Vec::new();
    let mut known = std::collections::HashMap::new();
    if matches!(field.node.value, Value::Null) {
        return Ok(all);
    }
    for node in field.items() {
        let dependency = one(field, node)?;
        match known.entry(dependency.step.clone()) {
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(all.len());
                all.push(dependency);
            }
            // Named twice: the stricter one counts.
            std::collections::hash_map::Entry::Occupied(place) => {
                all[*place.get()].allow_failure &= dependency.allow_failure;
            }
        }
    }
    Ok(all)
}

fn one(field: &Field<'_>, node: &Node) -> Result<Dependency, PipelineError> {
    let shape = || field.fault("is neither a key, a list of keys nor a list of {step: …, allow_failure: …}");
    if let Value::Map(_) = node.value {
        let mut fields = Fields::needed(node, "an item of 'depends_on'", "a map")?;
        let step = fields.read(&["step"], |field| Ok(field.scalar()?.to_owned()))?.ok_or_else(shape)?;
        let allow_failure = fields.flag("allow_failure")?;
        fields.end("in 'depends_on'")?;
        return Ok(Dependency { step, allow_failure });
    }
    Ok(Dependency { step: node.scalar().ok_or_else(shape)?.to_owned(), allow_failure: false })
}
