//! The document by which people say how a code location is loaded: what stands in their `dagster_cloud.yaml`.

use countersign_control::code_locations::Definition;
use countersign_control::{Error, Result};
use serde_json::{Map, Value, json};

/// Reads a name and a definition. Null and an empty text are as good as nothing. What says how code is built, and what newer commands add, is
/// passed over.
///
/// # Errors
/// [`Error::Invalid`] at the first field that cannot be read; nothing of it is repeated.
pub(super) fn read(document: &Value) -> Result<(String, Definition)> {
    let whole = Some(document).and_then(Value::as_object).ok_or_else(|| not("document", "an object"))?;
    let name = text(whole, "location_name")?.ok_or_else(|| Error::invalid("location_name", "is missing"))?;
    if part(whole, "pex_metadata")?.is_some() {
        let why = "is not offered: this server keeps no packed code; name an image, or code that is where the agent is";
        return Err(Error::invalid("pex_metadata", why));
    }
    let nothing = Map::new();
    let source = part(whole, "code_source")?.unwrap_or(&nothing);
    let git = part(whole, "git")?.unwrap_or(&nothing);
    let context = part(whole, "container_context")?.filter(|it| !it.is_empty());
    let definition = Definition {
        image: text(whole, "image")?,
        python_file: text(source, "python_file")?,
        package_name: text(source, "package_name")?,
        module_name: text(source, "module_name")?,
        autoload_defs_module_name: text(source, "autoload_defs_module_name")?,
        working_directory: text(whole, "working_directory")?,
        executable_path: text(whole, "executable_path")?,
        attribute: text(whole, "attribute")?,
        commit_hash: text(git, "commit_hash")?,
        url: text(git, "url")?,
        queue: text(whole, "agent_queue")?,
        container_context: context.map(|it| Value::Object(it.clone()).to_string()),
    };
    Ok((name, definition))
}

/// An error at a field, under the name that the field has in the document.
pub(super) fn in_document(error: Error) -> Error {
    match error {
        Error::Invalid(mut fields) => {
            for it in &mut fields {
                let other = match it.field.as_str() {
                    "name" => "location_name",
                    "queue" => "agent_queue",
                    _ => continue,
                };
                it.field = other.to_owned();
            }
            Error::Invalid(fields)
        }
        error => error,
    }
}

fn not(field: &str, what: &str) -> Error {
    Error::invalid(field, format!("must be {what}"))
}

fn text(of: &Map<String, Value>, field: &str) -> Result<Option<String>> {
    match of.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok((!text.is_empty()).then(|| text.clone())),
        Some(_) => Err(not(field, "a text")),
    }
}

fn part<'a>(of: &'a Map<String, Value>, field: &str) -> Result<Option<&'a Map<String, Value>>> {
    match of.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(part)) => Ok(Some(part)),
        Some(_) => Err(not(field, "an object")),
    }
}

/// The same the other way: what [`read`] reads again.
pub(super) fn document(name: &str, it: &Definition) -> Value {
    let mut whole = json!({ "location_name": name });
    let mut put = |part: Option<&str>, field: &str, text: &Option<String>| {
        let Some(text) = text else { return };
        let place = match part {
            None => &mut whole,
            Some(part) => &mut whole[part],
        };
        place[field] = json!(text);
    };
    let source = Some("code_source");
    put(source, "python_file", &it.python_file);
    put(source, "package_name", &it.package_name);
    put(source, "module_name", &it.module_name);
    put(source, "autoload_defs_module_name", &it.autoload_defs_module_name);
    put(None, "image", &it.image);
    put(None, "working_directory", &it.working_directory);
    put(None, "executable_path", &it.executable_path);
    put(None, "attribute", &it.attribute);
    put(Some("git"), "commit_hash", &it.commit_hash);
    put(Some("git"), "url", &it.url);
    put(None, "agent_queue", &it.queue);
    if let Some(context) = it.container_context.as_ref().and_then(|it| serde_json::from_str::<Value>(it).ok()) {
        whole["container_context"] = context;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let whole = json!({
            "location_name": "sales", "image": "sales:7", "code_source": { "module_name": "sales" },
            "git": { "commit_hash": "0a1b", "url": "https://example.com/0a1b" }, "agent_queue": "gpu",
            "container_context": { "k8s": { "namespace": "data" } },
        });
        let (name, definition) = read(&whole).expect("reads");
        assert_eq!((name.as_str(), definition.queue.as_deref()), ("sales", Some("gpu")));
        assert_eq!(document(&name, &definition), whole);
        let least = json!({ "location_name": "a", "code_source": { "python_file": "a.py" }, "image": "", "git": null, "build": 7 });
        let (name, definition) = read(&least).expect("reads");
        assert_eq!(
            document(&name, &definition),
            json!({ "location_name": "a", "code_source": { "python_file": "a.py" } })
        );
    }

    #[test]
    fn errors_have_the_names_of_the_document() {
        for (field, said) in [("queue", "agent_queue"), ("name", "location_name"), ("image", "image")] {
            assert_eq!(in_document(Error::invalid(field, "is wrong")).to_string(), format!("{said} is wrong"));
        }
        assert_eq!(in_document(Error::NotFound("deployment")), Error::NotFound("deployment"));
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_repeated() {
        for (whole, said) in [
            (json!([]), "document must be an object"),
            (json!({ "code_source": {} }), "location_name is missing"),
            (json!({ "location_name": 7 }), "location_name must be a text"),
            (json!({ "location_name": "a", "code_source": "hunter2" }), "code_source must be an object"),
            (
                json!({ "location_name": "a", "code_source": { "python_file": ["hunter2"] } }),
                "python_file must be a text",
            ),
            (json!({ "location_name": "a", "pex_metadata": { "pex_tag": "x" } }), "pex_metadata is not offered"),
        ] {
            let error = read(&whole).expect_err(said).to_string();
            assert!(error.starts_with(said) && !error.contains("hunter2"), "{error}");
        }
    }
}
