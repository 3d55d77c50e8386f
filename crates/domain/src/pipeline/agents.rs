//! Which agents may run a step: `agents: { queue: linux, os: "*" }`, or `agents: ["queue=linux", "os=*"]`.

use std::collections::BTreeMap;

use super::{MAX_AGENT_RULES, PipelineError, fields::Field, tree::Value};
use crate::text::shown;
use crate::{
    agent::MAX_TAG_BYTES,
    text::{QueueName, check_line},
};

/// What an agent's tags must say, `queue` among them.
pub(super) type Rules = BTreeMap<String, String>;

/// Reads the rules. A queue without a matrix token must be a queue's name.
pub(super) fn read(field: &Field<'_>) -> Result<Rules, PipelineError> {
    let shape = || field.fault("is neither a map such as 'queue: linux' nor a list such as [\"queue=linux\"]");
    let written: Vec<(&str, &str)> = match &field.node.value {
        Value::Null => Vec::new(),
        Value::Map(entries) => {
            let rules = entries.iter().map(|(name, node)| Some((name.as_str(), node.scalar()?)));
            rules.collect::<Option<_>>().ok_or_else(shape)?
        }
        Value::List(list) => {
            let rules = list.iter().map(|node| node.scalar()?.split_once('='));
            rules.collect::<Option<_>>().ok_or_else(shape)?
        }
        Value::Plain { .. } | Value::Text(_) => return Err(shape()),
    };
    if written.len() > MAX_AGENT_RULES {
        return Err(field.fault(format_args!("has {} rules; at most {MAX_AGENT_RULES} are possible", written.len())));
    }
    let mut rules = Rules::new();
    for (name, value) in written {
        for part in [name, value] {
            check_line(part, MAX_TAG_BYTES)
                .map_err(|error| field.fault(format_args!("has a rule, '{}', that {error}", shown(name))))?;
        }
        if rules.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(field.fault(format_args!("names '{}' twice; an agent has one value of it", shown(name))));
        }
    }
    if let Some(queue) = rules.get("queue").filter(|queue| !queue.contains("{{")) {
        check_queue(queue).map_err(|problem| field.fault(problem))?;
    }
    Ok(rules)
}

/// Whether a queue, filled in, is a queue's name; says what is wrong with it.
pub(super) fn check_queue(queue: &str) -> Result<(), String> {
    match QueueName::parse(queue) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("names a 'queue' that {error}")),
    }
}
