//! What an agent is to load, as it is told.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::serdes::{Unreadable, read};

/// How a code location is found. Exactly one of the four sources is set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "CodeDeploymentMetadata")]
pub struct LocationMetadata {
    /// The image that the code is in.
    #[serde(default)]
    pub image: Option<String>,
    /// A file.
    #[serde(default)]
    pub python_file: Option<String>,
    /// A package.
    #[serde(default)]
    pub package_name: Option<String>,
    /// A module.
    #[serde(default)]
    pub module_name: Option<String>,
    /// A module whose definitions are found by themselves.
    #[serde(default)]
    pub autoload_defs_module_name: Option<String>,
    /// Where its code server is started.
    #[serde(default)]
    pub working_directory: Option<String>,
    /// The interpreter.
    #[serde(default)]
    pub executable_path: Option<String>,
    /// What of the source is meant.
    #[serde(default)]
    pub attribute: Option<String>,
    /// The commit that the code is of.
    #[serde(default)]
    pub git_metadata: Option<GitMetadata>,
    /// What its container is to be like.
    #[serde(default)]
    pub container_context: Map<String, Value>,
    /// Of the vendor's own clouds: nothing here.
    #[serde(default)]
    pub cloud_context_env: Map<String, Value>,
    /// The queue whose agents load it.
    #[serde(default)]
    pub agent_queue: Option<String>,
}

/// The commit that code is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__")]
pub struct GitMetadata {
    /// Its hash.
    #[serde(default)]
    pub commit_hash: Option<String>,
    /// Where it is to be seen.
    #[serde(default)]
    pub url: Option<String>,
}

/// Reads how a code location is found.
///
/// # Errors
/// [`Unreadable`].
pub fn read_metadata(text: &str) -> Result<LocationMetadata, Unreadable> {
    read("CodeDeploymentMetadata", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_agents_read_it() {
        let git = GitMetadata { commit_hash: Some("0a1b".to_owned()), url: None };
        let it = LocationMetadata {
            module_name: Some("sales".to_owned()),
            git_metadata: Some(git),
            ..LocationMetadata::default()
        };
        let text = serde_json::to_string(&it).expect("writes");
        assert!(text.starts_with(r#"{"__class__":"CodeDeploymentMetadata","image":null,"#), "{text}");
        assert!(
            text.contains(r#""git_metadata":{"__class__":"GitMetadata","commit_hash":"0a1b","url":null}"#),
            "{text}"
        );
        assert!(text.contains(r#""container_context":{}"#), "{text}");
        assert_eq!(read_metadata(&text).expect("reads back"), it);
    }

    #[test]
    fn what_newer_agents_add_is_passed_over() {
        let text = r#"{"__class__": "CodeDeploymentMetadata", "python_file": "a.py", "pex_metadata": null, "defs_state_info": null,
            "git_metadata": {"__class__": "GitMetadata", "provider": "github"}}"#;
        let it = read_metadata(text).expect("reads");
        assert_eq!((it.python_file.as_deref(), it.git_metadata), (Some("a.py"), Some(GitMetadata::default())));
        assert!(read_metadata(r#"{"__class__": "GitMetadata"}"#).is_err());
    }
}
