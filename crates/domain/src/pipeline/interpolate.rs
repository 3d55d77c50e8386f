//! Filling in variables before a pipeline is uploaded from a job: `$NAME`, `${NAME:-otherwise}`.
//!
//! | written | becomes |
//! |---|---|
//! | `$NAME`, `${NAME}` | the value; nothing when it is not set |
//! | `${NAME:-text}`, `${NAME-text}` | the value, or the text when it is not set (with `:`, also when it is empty) |
//! | `${NAME:2}`, `${NAME:2:3}` | the value from its third character on, of which three; below zero counts from the end |
//! | `${NAME?text}`, `${NAME:?text}` | the value; not being set (with `:`, also being empty) is an error that says the text |
//! | `$$`, `\$` | `$` |
//! | any other `$` | itself |

use std::collections::HashMap;

use super::{
    MAX_TEXT, PipelineError,
    tree::{Node, Value},
};
use crate::text::shown;

/// Most expressions inside each other.
const MAX_NESTING: usize = 16;

/// Variables by name: those of the pipeline's own `env`, then those around it.
pub(super) struct Variables<'a> {
    around: &'a dyn Fn(&str) -> Option<String>,
    own: HashMap<String, String>,
    /// Bytes that values may still add: a few letters may stand for many.
    left: usize,
}

impl<'a> Variables<'a> {
    pub fn new(around: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { around, own: HashMap::new(), left: MAX_TEXT }
    }

    /// Fills in a whole pipeline: `env` first and in its order, so that what follows can refer to it, then keys and values
    /// everywhere.
    pub fn fill_pipeline(&mut self, root: &mut Node) -> Result<(), PipelineError> {
        let Value::Map(entries) = &mut root.value else { return self.fill_tree(root) };
        let env = entries.iter().position(|(name, node)| name == "env" && matches!(node.value, Value::Map(_)));
        if let Some((_, Node { value: Value::Map(variables), .. })) = env.map(|at| &mut entries[at]) {
            for (name, node) in variables.iter_mut() {
                self.fill_text(name).map_err(|problem| PipelineError::at(node, problem))?;
                self.fill_tree(node)?;
                self.own.insert(name.clone(), node.scalar().unwrap_or_default().to_owned());
            }
            unique(variables)?;
        }
        for (at, (name, node)) in entries.iter_mut().enumerate() {
            if Some(at) != env {
                self.fill_text(name).map_err(|problem| PipelineError::at(node, problem))?;
                self.fill_tree(node)?;
            }
        }
        unique(entries)
    }

    fn fill_tree(&mut self, node: &mut Node) -> Result<(), PipelineError> {
        let line = node.line;
        match &mut node.value {
            Value::Null | Value::Plain { .. } => Ok(()),
            Value::Text(text) => self.fill_text(text).map_err(|problem| PipelineError { step: None, line, problem }),
            Value::List(list) => list.iter_mut().try_for_each(|item| self.fill_tree(item)),
            Value::Map(entries) => {
                for (name, node) in entries.iter_mut() {
                    self.fill_text(name).map_err(|problem| PipelineError::at(node, problem))?;
                    self.fill_tree(node)?;
                }
                unique(entries)
            }
        }
    }

    fn fill_text(&mut self, text: &mut String) -> Result<(), String> {
        if text.contains('$') {
            *text = self.fill(text)?;
        }
        Ok(())
    }

    /// Fills in one text.
    pub fn fill(&mut self, text: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        self.run(&mut rest, 0, &mut Some(&mut filled))?;
        Ok(filled)
    }

    /// Reads on to the end, or inside an expression to its `}`. What nobody will see goes to `None`, and is not complained about.
    fn run(&mut self, rest: &mut &str, depth: usize, out: &mut Option<&mut String>) -> Result<(), String> {
        if depth > MAX_NESTING {
            return Err(format!("has more than {MAX_NESTING} expressions in '${{…}}' inside each other"));
        }
        loop {
            let plain = rest.find(['$', '\\', '}']).unwrap_or(rest.len());
            push(out, take(rest, plain));
            let mut characters = rest.chars();
            match (characters.next(), characters.next()) {
                (None, _) if depth == 0 => return Ok(()),
                (None, _) => return Err("has an expression '${…' without its '}'".to_owned()),
                (Some('}'), _) if depth > 0 => {
                    take(rest, 1);
                    return Ok(());
                }
                (Some('\\' | '$'), Some('$')) => {
                    take(rest, 2);
                    push(out, "$");
                }
                (Some('$'), Some('{')) => {
                    take(rest, 2);
                    self.expression(rest, depth, out)?;
                }
                (Some('$'), Some(c)) if c.is_ascii_alphabetic() || c == '_' => {
                    take(rest, 1);
                    let value = self.value(name(rest));
                    self.push_value(out, value.as_deref().unwrap_or_default())?;
                }
                (Some(_), _) => push(out, take(rest, 1)),
            }
        }
    }

    /// Behind `${`.
    fn expression(&mut self, rest: &mut &str, depth: usize, out: &mut Option<&mut String>) -> Result<(), String> {
        let name = name(rest);
        if name.is_empty() {
            return Err("has '${' without a variable's name; write '$${' where the shell shall see it".to_owned());
        }
        let value = self.value(name);
        let (form, needs_text) = match () {
            () if rest.starts_with(":-") || rest.starts_with(":?") => (take(rest, 2), true),
            () if rest.starts_with(['-', '?']) => (take(rest, 1), false),
            () if rest.starts_with(['}', ':']) => (take(rest, 1), false),
            () => {
                return Err(format!(
                    "has an expression '${{{}…' that cannot be read; write '$${{' where the shell shall see it",
                    shown(name)
                ));
            }
        };
        let value_counts = value.as_ref().filter(|value| !needs_text || !value.is_empty());
        match form {
            "}" => self.push_value(out, value.as_deref().unwrap_or_default()),
            ":" => {
                let end = rest.find('}').ok_or("has an expression '${…' without its '}'")?;
                let range = take(rest, end);
                take(rest, 1);
                let part = part(value.as_deref().unwrap_or_default(), range);
                let part = part.ok_or_else(|| {
                    format!("has '{}' behind '${{{}:', which is no place in a text", shown(range), shown(name))
                })?;
                self.push_value(out, &part)
            }
            _ => match value_counts {
                Some(value) => {
                    let value = value.clone();
                    self.run(rest, depth + 1, &mut None)?;
                    self.push_value(out, &value)
                }
                None if form.ends_with('-') => self.run(rest, depth + 1, out),
                None => {
                    let mut why = String::new();
                    self.run(rest, depth + 1, &mut Some(&mut why))?;
                    let why = if why.is_empty() { "it is required" } else { &why };
                    if out.is_none() {
                        Ok(())
                    } else {
                        Err(format!("needs the variable '{}': {}", shown(name), shown(why)))
                    }
                }
            },
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        self.own.get(name).cloned().or_else(|| (self.around)(name))
    }

    fn push_value(&mut self, out: &mut Option<&mut String>, value: &str) -> Result<(), String> {
        if out.is_some() {
            let left = self.left.checked_sub(value.len());
            self.left =
                left.ok_or_else(|| format!("grows by more than {MAX_TEXT} bytes when variables are filled in"))?;
        }
        push(out, value);
        Ok(())
    }
}

fn push(out: &mut Option<&mut String>, text: &str) {
    if let Some(out) = out {
        out.push_str(text);
    }
}

fn take<'t>(rest: &mut &'t str, bytes: usize) -> &'t str {
    let (taken, left) = rest.split_at(bytes);
    *rest = left;
    taken
}

/// A variable's name, which may be empty.
fn name<'t>(rest: &mut &'t str) -> &'t str {
    let digit_first = rest.starts_with(|c: char| c.is_ascii_digit());
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    take(rest, if digit_first { 0 } else { end })
}

/// `offset` or `offset:length`, in characters; `None` when it is neither. What lies outside the text is left out.
fn part(value: &str, range: &str) -> Option<String> {
    let (offset, length) = range.split_once(':').map_or((range, None), |(offset, length)| (offset, Some(length)));
    let count = i64::try_from(value.chars().count()).ok()?;
    let from_end = |at: i64| if at < 0 { at.saturating_add(count) } else { at }.clamp(0, count);
    let start = from_end(offset.trim().parse().ok()?);
    let end = match length {
        None => count,
        Some(length) => match length.trim().parse::<i64>().ok()? {
            below @ ..0 => from_end(below),
            length => start.saturating_add(length).min(count),
        },
    };
    let (skip, take) = (usize::try_from(start).ok()?, usize::try_from(end.saturating_sub(start)).unwrap_or(0));
    Some(value.chars().skip(skip).take(take).collect())
}

/// Two keys may have become one.
fn unique(entries: &[(String, Node)]) -> Result<(), PipelineError> {
    let mut known = std::collections::HashSet::new();
    match entries.iter().find(|(name, _)| !known.insert(name)) {
        Some((name, node)) => Err(PipelineError::at(
            node,
            format!("the key '{}' stands there twice, once variables are filled in", shown(name)),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
