//! What an agent is to load, in the form in which it is told and tells.

use async_graphql::Object;
use countersign_control::code_locations::{Definition, Entry};
use countersign_domain::dagster::LocationState;
use countersign_wire::dagster::{GitMetadata, LocationMetadata};
use serde_json::{Map, Value};

use crate::heartbeat::seconds;

/// A code location.
pub(crate) struct WorkspaceEntry(Box<Entry>);

impl From<Entry> for WorkspaceEntry {
    fn from(it: Entry) -> Self {
        Self(Box::new(it))
    }
}

#[Object]
impl WorkspaceEntry {
    /// Its name.
    async fn location_name(&self) -> &str {
        &self.0.name
    }

    /// How it is loaded, in Dagster's own form of JSON.
    async fn serialized_deployment_metadata(&self) -> async_graphql::Result<String> {
        Ok(serde_json::to_string(&metadata(&self.0.definition))?)
    }

    /// Whether agents are to tell of it: they have not since it was changed, or could not load it.
    async fn has_outdated_data(&self) -> bool {
        self.0.state != LocationState::Loaded
    }

    /// Whether it could not be loaded.
    async fn has_load_error(&self) -> bool {
        self.0.state == LocationState::Failed
    }

    /// When it was last changed, in seconds since the epoch.
    async fn metadata_timestamp(&self) -> f64 {
        seconds(self.0.changed_at)
    }
}

/// How a code location is found, as agents are told.
pub(crate) fn metadata(it: &Definition) -> LocationMetadata {
    let it = it.clone();
    let git = (it.commit_hash.is_some() || it.url.is_some())
        .then_some(GitMetadata { commit_hash: it.commit_hash, url: it.url });
    LocationMetadata {
        image: it.image,
        python_file: it.python_file,
        package_name: it.package_name,
        module_name: it.module_name,
        autoload_defs_module_name: it.autoload_defs_module_name,
        working_directory: it.working_directory,
        executable_path: it.executable_path,
        attribute: it.attribute,
        git_metadata: git,
        // It was an object when it was given.
        container_context: it.container_context.and_then(|it| serde_json::from_str(&it).ok()).unwrap_or_default(),
        cloud_context_env: Map::new(),
        agent_queue: it.queue,
    }
}

/// The same the other way. What is empty is not there.
pub(crate) fn definition(it: LocationMetadata) -> Definition {
    let git = it.git_metadata.unwrap_or_default();
    let context = (!it.container_context.is_empty()).then(|| Value::Object(it.container_context).to_string());
    Definition {
        image: it.image,
        python_file: it.python_file,
        package_name: it.package_name,
        module_name: it.module_name,
        autoload_defs_module_name: it.autoload_defs_module_name,
        working_directory: it.working_directory,
        executable_path: it.executable_path,
        attribute: it.attribute,
        commit_hash: git.commit_hash,
        url: git.url,
        queue: it.agent_queue,
        container_context: context,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_is_told_it_tells_again() {
        let text = |text: &str| Some(text.to_owned());
        let it = Definition {
            python_file: text("a.py"),
            attribute: text("defs"),
            commit_hash: text("0a1b"),
            queue: text("gpu"),
            container_context: text(r#"{"k8s":{"namespace":"data"}}"#),
            ..Definition::default()
        };
        assert_eq!(definition(metadata(&it)), it);
        let plain = Definition { module_name: text("sales"), ..Definition::default() };
        let told = metadata(&plain);
        assert_eq!((told.git_metadata.as_ref(), told.container_context.len()), (None, 0));
        assert_eq!(definition(told), plain);
    }
}
