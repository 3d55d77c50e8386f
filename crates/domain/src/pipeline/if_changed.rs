//! `if_changed`: a step runs only when a file that it names was changed. Whoever uploads a pipeline knows the files, from its checkout;
//! the server does not, and runs a step that still says so.

use regex::Regex;
use serde_json::{Value as Json, json};

use super::{
    MAX_ARTIFACT_PATHS, MAX_PATH, PipelineError,
    fields::{Field, Fields},
    tree::{self, Node, Value},
};

/// The field.
pub(super) const NAME: &str = "if_changed";
/// Why a step is skipped that no changed file concerns, as agents write it.
const SKIPPED: &str = "if_changed matched no unexcluded changed files in this build";
/// Kinds of steps that cannot be skipped, by their fields.
const WITHOUT: [&str; 5] = ["wait", "waiter", "block", "manual", "input"];

/// Which changed files let a step run.
#[derive(Debug)]
pub(super) struct IfChanged {
    include: Vec<Regex>,
    exclude: Vec<Regex>,
}

impl IfChanged {
    fn concerns(&self, path: &str) -> bool {
        let any = |patterns: &[Regex]| patterns.iter().any(|pattern| pattern.is_match(path));
        !any(&self.exclude) && any(&self.include)
    }
}

/// Reads a pattern, a list of such, or a map of `include` and `exclude`.
pub(super) fn read(field: &Field<'_>) -> Result<IfChanged, PipelineError> {
    let Value::Map(_) = &field.node.value else {
        return Ok(IfChanged { include: patterns(field)?, exclude: Vec::new() });
    };
    let mut fields = Fields::needed(field.node, "'if_changed'", "a map of 'include' and 'exclude'")?;
    let include = fields.read(&["include"], patterns)?;
    let exclude = fields.read(&["exclude"], patterns)?.unwrap_or_default();
    fields.end("in 'if_changed'")?;
    let include = include.ok_or_else(|| field.fault("has no 'include'; write there which files let the step run"))?;
    Ok(IfChanged { include, exclude })
}

fn patterns(field: &Field<'_>) -> Result<Vec<Regex>, PipelineError> {
    let texts: Option<Vec<&str>> = field.items().iter().map(Node::scalar).collect();
    let texts = texts.ok_or_else(|| field.fault("is neither a pattern nor a list of patterns"))?;
    if texts.len() > MAX_ARTIFACT_PATHS {
        let problem = format_args!("has {} patterns; at most {MAX_ARTIFACT_PATHS} are possible", texts.len());
        return Err(field.fault(problem));
    }
    let one = |text: &&str| {
        if text.len() > MAX_PATH {
            return Err(field.fault(format_args!("has a pattern of more than {MAX_PATH} bytes")));
        }
        pattern(text).map_err(|why| field.fault(format_args!("has a pattern that {why}")))
    };
    texts.iter().map(one).collect()
}

/// `*` and `?` stay within a name, `**` crosses folders, `[ab]` and `{a,b}` choose, `\` takes the next character as it is.
fn pattern(text: &str) -> Result<Regex, &'static str> {
    let mut regex = String::from(r"(?s)\A(?:");
    let mut chars = text.chars().peekable();
    let (mut depth, mut after_slash) = (0_u32, true);
    while let Some(char) = chars.next() {
        let was_after_slash = std::mem::replace(&mut after_slash, char == '/');
        match char {
            '\\' => regex.push_str(&regex::escape(&chars.next().ok_or("ends with a '\\'")?.to_string())),
            '?' => regex.push_str("[^/]"),
            '*' => {
                let mut crosses = false;
                while chars.next_if_eq(&'*').is_some() {
                    crosses = true;
                }
                if crosses && was_after_slash && chars.next_if_eq(&'/').is_some() {
                    after_slash = true;
                    regex.push_str("(?:.*/)?");
                } else {
                    regex.push_str(if crosses { ".*" } else { "[^/]*" });
                }
            }
            '[' => {
                let not = chars.next_if(|it| matches!(it, '^' | '!')).is_some();
                regex.push_str(if not { "[^/" } else { "[" });
                let mut is_empty = true;
                loop {
                    match chars.next().ok_or("opens a '[' and does not close it")? {
                        ']' if !is_empty => break,
                        '-' => regex.push('-'),
                        other => regex.push_str(&regex::escape(&other.to_string())),
                    }
                    is_empty = false;
                }
                regex.push(']');
            }
            '{' => {
                depth += 1;
                regex.push_str("(?:");
            }
            ',' if depth > 0 => {
                after_slash = true;
                regex.push('|');
            }
            '}' if depth > 0 => {
                depth -= 1;
                regex.push(')');
            }
            other => regex.push_str(&regex::escape(&other.to_string())),
        }
    }
    if depth > 0 {
        return Err("opens a '{' and does not close it");
    }
    regex.push_str(r")\z");
    Regex::new(&regex).map_err(|_| "cannot be used: simplify it")
}

/// Whether a step of a document asks for the files that were changed.
#[must_use]
pub fn asks(document: &Json) -> bool {
    match document {
        Json::Object(fields) => fields.iter().any(|(name, value)| name == NAME || (name == "steps" && asks(value))),
        Json::Array(steps) => steps.iter().any(asks),
        _ => false,
    }
}

/// Takes `if_changed` out of a document's steps. Those that no changed file concerns are skipped; when the files are not known, none is.
/// Answers in words what could not be read, and leaves such a step to run.
pub fn apply(document: &mut Json, changed: Option<&[String]>) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(Json::Array(steps)) = document.get_mut("steps") {
        for (number, step) in (1..).zip(steps) {
            apply_to(step, changed, &mut |problem| faults.push(format!("step {number}: {problem}")));
        }
    }
    faults
}

fn apply_to(step: &mut Json, changed: Option<&[String]>, fault: &mut dyn FnMut(String)) {
    let Json::Object(fields) = step else { return };
    if WITHOUT.iter().any(|name| fields.contains_key(*name)) {
        return;
    }
    if let Some(Json::Array(members)) = fields.get_mut("steps") {
        members.iter_mut().for_each(|member| apply_to(member, changed, fault));
    }
    let Some(asked) = fields.remove(NAME).filter(|asked| !asked.is_null()) else { return };
    let Some(changed) = changed else { return };
    let node = tree::json::tree(&asked);
    match node.as_ref().map_err(Clone::clone).and_then(|node| read(&Field { name: NAME, node })) {
        Ok(wanted) if changed.iter().any(|path| wanted.concerns(path)) => {}
        Ok(_) => {
            fields.insert("skip".to_owned(), json!(SKIPPED));
        }
        Err(error) => fault(format!("{}; it is not skipped", error.problem)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(text: &str, paths: &[&str]) -> Vec<String> {
        let pattern = pattern(text).expect(text);
        paths.iter().filter(|path| pattern.is_match(path)).map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn patterns_are_those_of_agents() {
        let paths = ["a.go", "b/a.go", "b/c/a.go", "b/c/x.txt", "b", "docs/[x].md", "a,b"];
        assert_eq!(matching("*.go", &paths), ["a.go"]);
        assert_eq!(matching("**.go", &paths), ["a.go", "b/a.go", "b/c/a.go"]);
        assert_eq!(matching("**/*.go", &paths), ["a.go", "b/a.go", "b/c/a.go"]);
        assert_eq!(matching("b/**/a.go", &paths), ["b/a.go", "b/c/a.go"]);
        assert_eq!(matching("b/**", &paths), ["b/a.go", "b/c/a.go", "b/c/x.txt"]);
        assert_eq!(matching("b/?/{x,y}.*", &paths), ["b/c/x.txt"]);
        assert_eq!(matching("{*.go,docs/**}", &paths), ["a.go", "docs/[x].md"]);
        assert_eq!(matching(r"docs/\[x].md", &paths), ["docs/[x].md"]);
        assert_eq!(matching("[!b].go", &paths), ["a.go"]);
        assert_eq!(matching("[a-c].go", &paths), ["a.go"]);
        assert_eq!(matching("a,b", &paths), ["a,b"]);
        for wrong in ["[a", "{a", "a\\"] {
            assert!(pattern(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_step_that_no_changed_file_concerns_is_skipped() {
        let document = json!({ "steps": [
            { "command": "a", "if_changed": "src/**" },
            { "command": "b", "if_changed": ["docs/*", "*.md"] },
            { "trigger": "t", "if_changed": { "include": "**", "exclude": "src/**" } },
            { "group": "g", "if_changed": "x", "steps": [{ "command": "c", "if_changed": "src/main.rs" }] },
            { "command": "d", "if_changed": { "exclude": "x" } },
            { "command": "e", "if_changed": null },
            "wait",
        ]});
        assert!(asks(&document));
        let mut known = document.clone();
        let faults = apply(&mut known, Some(&["src/main.rs".to_owned()]));
        let skip = Json::from(SKIPPED);
        assert!(SKIPPED.len() <= 70);
        assert_eq!(
            known,
            json!({ "steps": [
                { "command": "a" },
                { "command": "b", "skip": skip },
                { "trigger": "t", "skip": skip },
                { "group": "g", "skip": skip, "steps": [{ "command": "c" }] },
                { "command": "d" },
                { "command": "e" },
                "wait",
            ]})
        );
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("step 5: 'if_changed' has no 'include'"), "{faults:?}");
        let mut unknown = document;
        assert_eq!(apply(&mut unknown, None), [""; 0]);
        assert!(!unknown.to_string().contains("skip") && !asks(&unknown), "{unknown}");
    }
}
