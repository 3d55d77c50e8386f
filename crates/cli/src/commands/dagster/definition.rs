//! How the code of a code location is found, as it is given on the command line.

use clap::Args;
use serde_json::{Map, Value, json};

/// The fields of a definition that say where the code is: one of them is set.
pub(super) const SOURCES: [&str; 4] = ["moduleName", "pythonFile", "packageName", "autoloadDefsModuleName"];

// Exactly one of a module, a file, a package and a module whose definitions are found by themselves says where the code is.
#[derive(Debug, Args)]
pub(super) struct DefinitionArgs {
    /// The module that its code is in
    #[arg(long, value_name = "MODULE")]
    module_name: Option<String>,
    /// The file that its code is in, where its agent sees it
    #[arg(long, value_name = "FILE")]
    python_file: Option<String>,
    /// The package that its code is in
    #[arg(long, value_name = "PACKAGE")]
    package_name: Option<String>,
    /// The module below which definitions are looked for
    #[arg(long, value_name = "MODULE")]
    autoload_defs_module_name: Option<String>,
    /// The image that its code is in; none for agents that start processes
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Where its code server is started
    #[arg(long, value_name = "DIR")]
    working_directory: Option<String>,
    /// The Python interpreter
    #[arg(long, value_name = "FILE")]
    executable_path: Option<String>,
    /// What of the module, file or package is meant
    #[arg(long, value_name = "NAME")]
    attribute: Option<String>,
    /// The commit that its code is of
    #[arg(long, value_name = "COMMIT")]
    commit_hash: Option<String>,
    /// Where that commit is to be seen
    #[arg(long, value_name = "URL")]
    commit_url: Option<String>,
    /// The queue whose agents load it [default: the queue without a name]
    #[arg(long, value_name = "QUEUE")]
    agent_queue: Option<String>,
    /// What its container is to be like: a JSON object
    #[arg(long, value_name = "JSON")]
    container_context: Option<String>,
}

impl DefinitionArgs {
    /// What was given, under the names that the API has.
    pub(super) fn parts(&self) -> [(&'static str, &Option<String>); 12] {
        [
            ("moduleName", &self.module_name),
            ("pythonFile", &self.python_file),
            ("packageName", &self.package_name),
            ("autoloadDefsModuleName", &self.autoload_defs_module_name),
            ("image", &self.image),
            ("workingDirectory", &self.working_directory),
            ("executablePath", &self.executable_path),
            ("attribute", &self.attribute),
            ("commitHash", &self.commit_hash),
            ("url", &self.commit_url),
            ("queue", &self.agent_queue),
            ("containerContext", &self.container_context),
        ]
    }

    /// A definition with what was given in the place of what was there. Of where the code is there is one: another takes its place.
    pub(super) fn on(&self, mut definition: Map<String, Value>) -> Map<String, Value> {
        let given = |name: &str| self.parts().iter().any(|(of, value)| *of == name && value.is_some());
        if SOURCES.into_iter().any(given) {
            for name in SOURCES {
                definition.remove(name);
            }
        }
        for (name, value) in self.parts() {
            if let Some(value) = value {
                let value = if value.is_empty() { Value::Null } else { json!(value) };
                definition.insert(name.to_owned(), value);
            }
        }
        definition
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(module: Option<&str>, image: Option<&str>) -> DefinitionArgs {
        DefinitionArgs {
            module_name: module.map(str::to_owned),
            python_file: None,
            package_name: None,
            autoload_defs_module_name: None,
            image: image.map(str::to_owned),
            working_directory: None,
            executable_path: None,
            attribute: None,
            commit_hash: None,
            commit_url: None,
            agent_queue: None,
            container_context: None,
        }
    }

    #[test]
    fn what_is_given_takes_the_place_of_what_was_there() {
        let before =
            || json!({ "pythonFile": "a.py", "image": "a:1", "queue": "gpu" }).as_object().cloned().expect("one");
        let after = |args: DefinitionArgs| Value::Object(args.on(before()));
        assert_eq!(after(given(Some("m"), None)), json!({ "moduleName": "m", "image": "a:1", "queue": "gpu" }));
        assert_eq!(after(given(None, Some(""))), json!({ "pythonFile": "a.py", "image": null, "queue": "gpu" }));
        assert_eq!(after(given(None, None)), Value::Object(before()));
    }
}
