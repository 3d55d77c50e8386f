//! Code locations: what an agent loads.

use crate::Timestamp;
use crate::text::{BadText, QueueName};

/// Most characters of one field of a definition.
pub const MAX_FIELD: usize = 1_000;
/// Most bytes of a container context, as JSON.
pub const MAX_CONTAINER_CONTEXT: usize = 64 * 1024;

/// How the code of a location is found. Exactly one of the four sources is named; the agent refuses anything else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definition {
    /// The image that the code is in; none for agents that start processes.
    pub image: Option<String>,
    /// A file.
    pub python_file: Option<String>,
    /// A package.
    pub package_name: Option<String>,
    /// A module.
    pub module_name: Option<String>,
    /// A module whose definitions are found by themselves.
    pub autoload_defs_module_name: Option<String>,
    /// Where its code server is started.
    pub working_directory: Option<String>,
    /// The interpreter.
    pub executable_path: Option<String>,
    /// What of the source is meant.
    pub attribute: Option<String>,
    /// The commit that the code is of.
    pub commit_hash: Option<String>,
    /// Where that commit is to be seen.
    pub url: Option<String>,
    /// The queue whose agents load it; none for the queue without a name.
    pub queue: Option<String>,
    /// What its container is to be like, as a JSON object.
    pub container_context: Option<String>,
}

/// Why a definition cannot be loaded. The message follows the name of the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDefinition {
    /// None of the four sources, or several.
    #[error("names {0} of python_file, package_name, module_name and autoload_defs_module_name; name exactly one")]
    Sources(usize),
    /// A field that is too long.
    #[error("has more than {MAX_FIELD} characters")]
    TooLong(&'static str),
    /// A field with what cannot be seen in it.
    #[error("must be one line without control characters")]
    Hidden(&'static str),
    /// A queue that agents cannot serve.
    #[error("{0}")]
    Queue(BadText),
    /// The container context is no JSON object, or too large.
    #[error("must be a JSON object of at most {MAX_CONTAINER_CONTEXT} bytes")]
    ContainerContext,
}

impl BadDefinition {
    /// The field that is wrong.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Sources(_) => "module_name",
            Self::TooLong(field) | Self::Hidden(field) => field,
            Self::Queue(_) => "queue",
            Self::ContainerContext => "container_context",
        }
    }
}

impl Definition {
    /// The texts of it, with the names of their fields.
    fn texts(&self) -> [(&'static str, &Option<String>); 11] {
        [
            ("image", &self.image),
            ("python_file", &self.python_file),
            ("package_name", &self.package_name),
            ("module_name", &self.module_name),
            ("autoload_defs_module_name", &self.autoload_defs_module_name),
            ("working_directory", &self.working_directory),
            ("executable_path", &self.executable_path),
            ("attribute", &self.attribute),
            ("commit_hash", &self.commit_hash),
            ("url", &self.url),
            ("queue", &self.queue),
        ]
    }

    /// Whether an agent can load it.
    ///
    /// # Errors
    /// [`BadDefinition`], the first fault.
    pub fn check(&self) -> Result<(), BadDefinition> {
        for (name, text) in self.texts() {
            let Some(text) = text else { continue };
            if text.chars().count() > MAX_FIELD {
                return Err(BadDefinition::TooLong(name));
            }
            if text.is_empty() || text.chars().any(|c| crate::text::hidden(c).is_some()) {
                return Err(BadDefinition::Hidden(name));
            }
        }
        if let Some(queue) = &self.queue {
            QueueName::parse(queue).map_err(BadDefinition::Queue)?;
        }
        let sources = [&self.python_file, &self.package_name, &self.module_name, &self.autoload_defs_module_name];
        match sources.into_iter().flatten().count() {
            1 => {}
            count => return Err(BadDefinition::Sources(count)),
        }
        if let Some(context) = &self.container_context {
            let is_object = context.len() <= MAX_CONTAINER_CONTEXT
                && serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(context).is_ok();
            if !is_object {
                return Err(BadDefinition::ContainerContext);
            }
        }
        Ok(())
    }

    /// Whether what an agent says to have loaded is this one. The container context is not looked at: agents may add to it.
    #[must_use]
    pub fn is_loaded_as(&self, told: &Self) -> bool {
        self.texts() == told.texts()
    }
}

/// Where a code location stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocationState {
    /// It was added or changed, and no agent has told of it since.
    Waiting,
    /// An agent has loaded what it is now.
    Loaded,
    /// An agent could not load it.
    Failed,
}

impl LocationState {
    /// By when it was changed, and by what was last told of it.
    #[must_use]
    pub fn of(changed: Timestamp, told: Option<Timestamp>, has_error: bool) -> Self {
        match told {
            Some(at) if at >= changed => {
                if has_error {
                    Self::Failed
                } else {
                    Self::Loaded
                }
            }
            _ => Self::Waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn module(name: &str) -> Definition {
        Definition { module_name: Some(name.to_owned()), ..Definition::default() }
    }

    #[test]
    fn exactly_one_source_is_named() {
        assert_eq!(module("sales").check(), Ok(()));
        assert_eq!(Definition::default().check(), Err(BadDefinition::Sources(0)));
        let two = Definition { python_file: Some("a.py".to_owned()), ..module("sales") };
        assert_eq!(two.check(), Err(BadDefinition::Sources(2)));
    }

    #[test]
    fn fields_are_lines_and_have_an_end() {
        assert_eq!(module(&"x".repeat(MAX_FIELD)).check(), Ok(()));
        assert_eq!(module(&"x".repeat(MAX_FIELD + 1)).check(), Err(BadDefinition::TooLong("module_name")));
        for wrong in ["", "a\nb", "a\u{202E}b"] {
            let it = Definition { image: Some(wrong.to_owned()), ..module("sales") };
            assert_eq!(it.check(), Err(BadDefinition::Hidden("image")), "{wrong:?}");
        }
        for wrong in ["[]", "{", &format!("{{\"a\": \"{}\"}}", "x".repeat(MAX_CONTAINER_CONTEXT))] {
            let it = Definition { container_context: Some(wrong.to_owned()), ..module("sales") };
            assert_eq!(it.check(), Err(BadDefinition::ContainerContext));
        }
        let it = Definition { container_context: Some("{\"k8s\": {}}".to_owned()), ..module("sales") };
        assert_eq!(it.check(), Ok(()));
        let it = Definition { queue: Some("a b".to_owned()), ..module("sales") };
        assert_eq!(it.check().map_err(|fault| fault.field()), Err("queue"));
    }

    #[test]
    fn what_was_loaded_is_compared_but_for_the_container() {
        let context = Some("{\"k8s\": {}}".to_owned());
        assert!(module("sales").is_loaded_as(&Definition { container_context: context, ..module("sales") }));
        assert!(!module("sales").is_loaded_as(&module("stock")));
        assert!(!module("sales").is_loaded_as(&Definition { queue: Some("gpu".to_owned()), ..module("sales") }));
    }

    #[test]
    fn what_was_told_before_a_change_says_nothing_of_it() {
        let at = |seconds| Timestamp::EPOCH.plus(Duration::from_secs(seconds));
        assert_eq!(LocationState::of(at(5), None, false), LocationState::Waiting);
        assert_eq!(LocationState::of(at(5), Some(at(4)), false), LocationState::Waiting);
        assert_eq!(LocationState::of(at(5), Some(at(5)), false), LocationState::Loaded);
        assert_eq!(LocationState::of(at(5), Some(at(6)), true), LocationState::Failed);
    }
}
