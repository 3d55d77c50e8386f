//! What a job uploads: a text becomes the JSON that the server takes, in the one form that there is for each field.

use serde_json::{Map, Value as Json};

use super::{
    PipelineError,
    command::read_command,
    env,
    fields::{Field, Fields},
    interpolate::Variables,
    passed_on,
    step::{self, Kind},
    tree::{self, Node, Value},
};

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether variables are filled in.
    pub interpolate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { interpolate: true }
    }
}

/// The documents of a text, each as what is sent to the server, with variables filled in. `variable` gives those around the
/// pipeline. Whether the server will take a document, [`Pipeline::from_json`](super::Pipeline::from_json) says.
///
/// # Errors
/// [`PipelineError`] for a text that cannot be read, a variable that is required and not set, and a field of a shape that has no
/// JSON form.
pub fn documents(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Json>, PipelineError> {
    documents_with(text, variable, Options::default())
}

/// As [`documents`], with options.
///
/// # Errors
/// As [`documents`].
pub fn documents_with(
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
    options: Options,
) -> Result<Vec<Json>, PipelineError> {
    let mut roots = tree::read_all(text)?;
    if roots.is_empty() {
        return Err(PipelineError::of_all("is empty; write at least one step"));
    }
    for root in &mut roots {
        if options.interpolate {
            Variables::new(variable).fill_pipeline(root)?;
        }
    }
    roots.iter().map(document).collect()
}

/// A document as YAML, for people.
///
/// # Errors
/// Says why it cannot be written.
pub fn to_yaml(document: &Json) -> Result<String, String> {
    serde_saphyr::to_string(document).map_err(|error| error.to_string())
}

fn document(root: &Node) -> Result<Json, PipelineError> {
    let mut all = Map::new();
    match &root.value {
        Value::List(list) => {
            all.insert("steps".to_owned(), steps(list)?);
        }
        Value::Map(entries) => {
            all.insert("steps".to_owned(), Json::Array(Vec::new()));
            for (name, node) in entries {
                let field = Field { name, node };
                let json = match (name.as_str(), &node.value) {
                    ("steps", Value::List(list)) => steps(list)?,
                    ("steps", Value::Null) => continue,
                    ("steps", _) => return Err(field.fault("is not a list; write each step behind a '-'")),
                    ("env", _) => variables(&field)?,
                    ("secrets", value) if !matches!(value, Value::Null) => passed_on::secrets(&field)?,
                    _ => node.to_json(),
                };
                all.insert(name.clone(), json);
            }
        }
        _ => return Err(PipelineError::of_all("is neither a map with 'steps' nor a list of steps")),
    }
    Ok(Json::Object(all))
}

fn steps(list: &[Node]) -> Result<Json, PipelineError> {
    (1..).zip(list).map(|(number, node)| one(node).map_err(|error| error.of_step(number))).collect()
}

fn one(node: &Node) -> Result<Json, PipelineError> {
    let Value::Map(entries) = &node.value else { return Ok(node.to_json()) };
    let mut fields = Fields::needed(node, "it", "a map")?;
    match step::kind_of(&mut fields) {
        Ok(Kind::Command) => command(entries),
        Ok(Kind::Group) => group(entries),
        // What has no kind is for the server to refuse: it knows the kinds of its time.
        _ => Ok(node.to_json()),
    }
}

fn command(entries: &[(String, Node)]) -> Result<Json, PipelineError> {
    let mut all = Map::from_iter([("command".to_owned(), Json::String(String::new()))]);
    for (name, node) in entries {
        let field = Field { name, node };
        let is_null = matches!(node.value, Value::Null);
        let (name, json) = match name.as_str() {
            "command" | "commands" => ("command", Json::String(read_command(&field, true)?)),
            "label" | "name" => ("label", node.to_json()),
            "key" | "id" | "identifier" => ("key", node.to_json()),
            "env" => ("env", variables(&field)?),
            "plugins" | "secrets" | "matrix" | "cache" | "checkout" if is_null => continue,
            "plugins" => ("plugins", passed_on::plugins(&field)?),
            "secrets" => ("secrets", passed_on::secrets(&field)?),
            "cache" => ("cache", passed_on::cache(&field)?),
            "checkout" => ("checkout", passed_on::map(&field)?),
            "matrix" => ("matrix", matrix(node)),
            other => (other, node.to_json()),
        };
        put(&mut all, name, json, &field)?;
    }
    Ok(Json::Object(all))
}

fn group(entries: &[(String, Node)]) -> Result<Json, PipelineError> {
    let mut all = Map::new();
    for (name, node) in entries {
        let field = Field { name, node };
        let (name, json) = match (name.as_str(), &node.value) {
            ("group" | "label" | "name", Value::Null) => continue,
            ("group" | "label" | "name", _) => ("group", node.to_json()),
            ("key" | "id" | "identifier", _) => ("key", node.to_json()),
            ("steps", Value::List(list)) => ("steps", list.iter().map(one).collect::<Result<_, _>>()?),
            (other, _) => (other, node.to_json()),
        };
        put(&mut all, name, json, &field)?;
    }
    all.entry("group").or_insert(Json::Null);
    Ok(Json::Object(all))
}

fn put(all: &mut Map<String, Json>, name: &str, json: Json, field: &Field<'_>) -> Result<(), PipelineError> {
    match all.insert(name.to_owned(), json) {
        Some(Json::String(before)) if before.is_empty() => Ok(()),
        Some(_) => Err(field.fault(format_args!("gives '{name}' a second time, under another of its names; keep one"))),
        None => Ok(()),
    }
}

fn variables(field: &Field<'_>) -> Result<Json, PipelineError> {
    let env = env::read(field)?;
    Ok(Json::Object(env.into_iter().map(|(name, value)| (name, Json::String(value))).collect()))
}

/// A matrix with its values as texts, as they were written.
fn matrix(node: &Node) -> Json {
    let Value::Map(entries) = &node.value else { return texts(node) };
    let adjustment = |node: &Node| match &node.value {
        Value::Map(entries) => {
            let read = |(name, node): &(String, Node)| {
                (name.clone(), if name == "with" { texts(node) } else { node.to_json() })
            };
            Json::Object(entries.iter().map(read).collect())
        }
        _ => node.to_json(),
    };
    let read = |(name, node): &(String, Node)| {
        let json = match (name.as_str(), &node.value) {
            ("setup", _) => texts(node),
            ("adjustments", Value::List(list)) => list.iter().map(adjustment).collect(),
            _ => node.to_json(),
        };
        (name.clone(), json)
    };
    Json::Object(entries.iter().map(read).collect())
}

fn texts(node: &Node) -> Json {
    match &node.value {
        Value::Plain { text, .. } => Json::String(text.clone()),
        Value::List(list) => list.iter().map(texts).collect(),
        Value::Map(entries) => Json::Object(entries.iter().map(|(name, node)| (name.clone(), texts(node))).collect()),
        Value::Null | Value::Text(_) => node.to_json(),
    }
}

#[cfg(test)]
mod tests;
