//! What the server does not act on but hands to the agent with a job, as JSON in the one form that agents read.

use serde_json::{Map, Value as Json, json};

use super::{
    PipelineError,
    fields::Field,
    tree::{Node, Value},
};
use crate::text::shown;

/// Under which name [`CommandWork::passed_on`](crate::plan::CommandWork::passed_on) holds a signed step as it was written.
pub const SIGNED_STEP: &str = "signed_step";
/// What signatures are over, and the signature itself.
const SIGNED: [&str; 9] =
    ["command", "commands", "env", "plugins", "matrix", "secrets", "checkout", "cache", "signature"];

/// A signed step as it was written: whatever is said here in another way would not be what was signed.
pub(super) fn signed(step: &Node) -> Json {
    let Value::Map(entries) = &step.value else { return Json::Null };
    let parts =
        entries.iter().filter(|(name, node)| SIGNED.contains(&name.as_str()) && !matches!(node.value, Value::Null));
    Json::Object(parts.map(|(name, node)| (name.clone(), node.to_json())).collect())
}

/// `plugins`: a list of maps of one entry each, from the plugin's full source to its configuration or null.
pub(super) fn plugins(field: &Field<'_>) -> Result<Json, PipelineError> {
    let shape = || field.fault("is not a list of plugins such as [\"docker#v5.0.0\": {image: …}]");
    let one = |source: &str, configuration: Json| {
        if source.trim().is_empty() {
            return Err(field.fault("has a plugin without a name"));
        }
        Ok(Json::Object(Map::from_iter([(full_source(source), configuration)])))
    };
    let plugin = |node: &Node| match &node.value {
        Value::Map(entries) => match entries.as_slice() {
            [(source, configuration)] => one(source, configuration.to_json()),
            _ => Err(PipelineError::at(
                node,
                "an item of 'plugins' names more or fewer than one plugin; give each an item of its own",
            )),
        },
        _ => one(node.scalar().ok_or_else(shape)?, Json::Null),
    };
    match &field.node.value {
        Value::List(list) => list.iter().map(plugin).collect(),
        Value::Map(entries) => entries.iter().map(|(source, node)| one(source, node.to_json())).collect(),
        _ => Ok(Json::Array(vec![one(field.scalar().map_err(|_| shape())?, Json::Null)?])),
    }
}

/// Where a plugin comes from, written out: `docker#v5` is `github.com/buildkite-plugins/docker-buildkite-plugin#v5`.
/// Addresses, paths and what agents know already stay.
fn full_source(source: &str) -> String {
    let (name, version) = source.split_once('#').map_or((source, None), |(name, version)| (name, Some(version)));
    let is_short = !name.is_empty()
        && !name.starts_with(['.', '/', '\\', '~'])
        && !name.contains([':', '@', '\\'])
        && name.split('/').all(|part| !part.is_empty());
    let whole = match name.split('/').collect::<Vec<_>>().as_slice() {
        [plugin] if is_short => format!("github.com/buildkite-plugins/{plugin}-buildkite-plugin"),
        [owner, plugin] if is_short => format!("github.com/{owner}/{plugin}-buildkite-plugin"),
        _ => return source.to_owned(),
    };
    version.map_or_else(|| whole.clone(), |version| format!("{whole}#{version}"))
}

/// `secrets`: a list of `{ key, environment_variable }`. A list of names and a map from variables to names are such lists too.
pub(super) fn secrets(field: &Field<'_>) -> Result<Json, PipelineError> {
    let shape = || {
        field.fault(
            "is neither a list of names, a list of {key: …, environment_variable: …} nor a map from variables to names",
        )
    };
    let secret = |key: &str, variable: &str| json!({ "key": key, "environment_variable": variable });
    let item = |node: &Node| match &node.value {
        Value::Map(entries) => {
            let known = |name: &str| ["key", "environment_variable"].contains(&name);
            if let Some((name, node)) = entries.iter().find(|(name, _)| !known(name)) {
                return Err(PipelineError::at(node, format!("'{}' is not a field of a secret", shown(name))));
            }
            if !entries.iter().any(|(name, node)| name == "key" && node.scalar().is_some()) {
                return Err(shape());
            }
            Ok(node.to_json())
        }
        _ => node.scalar().map(|name| secret(name, name)).ok_or_else(shape),
    };
    match &field.node.value {
        Value::List(list) => list.iter().map(item).collect(),
        Value::Map(entries) => {
            entries.iter().map(|(variable, node)| Ok(secret(node.scalar().ok_or_else(shape)?, variable))).collect()
        }
        _ => Err(shape()),
    }
}

/// `cache`: `false`, or a map with `paths`. A path and a list of paths are such maps too.
pub(super) fn cache(field: &Field<'_>) -> Result<Json, PipelineError> {
    let shape = || field.fault("is neither false, a path, a list of paths nor a map with 'paths'");
    match &field.node.value {
        Value::List(list) if list.iter().all(|node| node.scalar().is_some()) => {
            Ok(json!({ "paths": list.iter().filter_map(Node::scalar).collect::<Vec<_>>() }))
        }
        Value::Text(path) => Ok(json!({ "paths": [path] })),
        Value::Map(_) => Ok(field.node.to_json()),
        _ if field.node.flag() == Some(false) => Ok(Json::Bool(false)),
        _ => Err(shape()),
    }
}

/// A map whose content is the agent's business.
pub(super) fn map(field: &Field<'_>) -> Result<Json, PipelineError> {
    match &field.node.value {
        Value::Map(_) => Ok(field.node.to_json()),
        _ => Err(field.fault("is not a map")),
    }
}

/// A list whose content is kept.
pub(super) fn list(field: &Field<'_>) -> Result<Json, PipelineError> {
    match &field.node.value {
        Value::List(_) => Ok(field.node.to_json()),
        _ => Err(field.fault("is not a list")),
    }
}

/// One text.
pub(super) fn text(field: &Field<'_>) -> Result<Json, PipelineError> {
    field.text(super::MAX_PROMPT).map(Json::String)
}

#[cfg(test)]
mod tests {
    use super::full_source;

    #[test]
    fn sources_are_written_out() {
        for (written, full) in [
            ("docker#v5.0.0", "github.com/buildkite-plugins/docker-buildkite-plugin#v5.0.0"),
            ("docker", "github.com/buildkite-plugins/docker-buildkite-plugin"),
            ("acme/deploy#main", "github.com/acme/deploy-buildkite-plugin#main"),
            ("github.com/acme/deploy-buildkite-plugin#v1", "github.com/acme/deploy-buildkite-plugin#v1"),
            ("https://git.example.com/p.git#v1", "https://git.example.com/p.git#v1"),
            ("git@example.com:a/b.git", "git@example.com:a/b.git"),
            ("./here", "./here"),
            ("/there", "/there"),
            ("file:///there#v1", "file:///there#v1"),
            ("a//b", "a//b"),
        ] {
            assert_eq!(full_source(written), full);
        }
    }
}
