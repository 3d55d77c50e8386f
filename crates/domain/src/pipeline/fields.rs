//! Taking a map apart: each field is asked for by its names, and what nobody asked for is an error.

use super::{
    PipelineError,
    tree::{Node, Scalar, Value},
};
use crate::text::check_line;
use crate::text::shown;

/// The fields of a map that have not been taken yet.
pub(super) struct Fields<'a> {
    /// Where the map begins.
    pub line: Option<u64>,
    left: Vec<(&'a str, &'a Node)>,
}

/// One field, under the name that it was given.
pub(super) struct Field<'a> {
    pub name: &'a str,
    pub node: &'a Node,
}

impl<'a> Fields<'a> {
    /// The fields of a map. `what` begins the error for anything else, as `'retry'`; `None` for null.
    pub fn of(node: &'a Node, what: &str, shape: &str) -> Result<Option<Self>, PipelineError> {
        match &node.value {
            Value::Map(entries) => Ok(Some(Self {
                line: node.line,
                left: entries.iter().map(|(name, node)| (name.as_str(), node)).collect(),
            })),
            Value::Null => Ok(None),
            _ => Err(PipelineError::at(node, format!("{what} is not {shape}"))),
        }
    }

    /// As [`Fields::of`], where null will not do.
    pub fn needed(node: &'a Node, what: &str, shape: &str) -> Result<Self, PipelineError> {
        Self::of(node, what, shape)?.ok_or_else(|| PipelineError::at(node, format!("{what} is not {shape}")))
    }

    /// No fields at all.
    pub fn none(line: Option<u64>) -> Self {
        Self { line, left: Vec::new() }
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.left.iter().any(|(it, _)| *it == name)
    }

    /// The names of the fields that have not been taken.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.left.iter().map(|(name, _)| *name)
    }

    /// Leaves out what nobody reads.
    pub fn drop_where(&mut self, unread: impl Fn(&str) -> bool) {
        self.left.retain(|(name, _)| !unread(name));
    }

    /// Takes the field that has one of these names; null counts as a field.
    pub fn take(&mut self, names: &[&str]) -> Result<Option<Field<'a>>, PipelineError> {
        let Some(at) = self.left.iter().position(|(name, _)| names.contains(name)) else {
            return Ok(None);
        };
        let (name, node) = self.left.remove(at);
        if let Some((other, node)) = self.left.iter().find(|(name, _)| names.contains(name)) {
            let problem = format!("'{name}' and '{other}' are two names of one field; keep one");
            return Err(PipelineError::at(node, problem));
        }
        Ok(Some(Field { name, node }))
    }

    /// Takes a field and reads it; `None` when it is not there or null.
    pub fn read<T>(
        &mut self,
        names: &[&str],
        read: impl FnOnce(&Field<'a>) -> Result<T, PipelineError>,
    ) -> Result<Option<T>, PipelineError> {
        match self.take(names)? {
            Some(field) if !matches!(field.node.value, Value::Null) => read(&field).map(Some),
            _ => Ok(None),
        }
    }

    /// A boolean; `false` when it is not there.
    pub fn flag(&mut self, name: &str) -> Result<bool, PipelineError> {
        Ok(self.read(&[name], Field::flag)?.unwrap_or(false))
    }

    /// One line for people. An empty one counts as none.
    pub fn line_of_text(&mut self, names: &[&str], limit: usize) -> Result<Option<String>, PipelineError> {
        Ok(self.read(names, |field| field.line_of_text(limit))?.flatten())
    }

    /// A text of any lines. An empty one counts as none.
    pub fn text(&mut self, names: &[&str], limit: usize) -> Result<Option<String>, PipelineError> {
        Ok(self.read(names, |field| field.text(limit))?.filter(|text| !text.is_empty()))
    }

    /// Ends the reading: what is left is not offered here.
    pub fn end(self, place: &str) -> Result<(), PipelineError> {
        match self.left.first() {
            None => Ok(()),
            Some((name, node)) => {
                let problem = format!("'{}' is not a field that is offered {place}; take it out", shown(name));
                Err(PipelineError::at(node, problem))
            }
        }
    }
}

impl Field<'_> {
    /// An error about this field; `problem` reads on from its name.
    pub fn fault(&self, problem: impl std::fmt::Display) -> PipelineError {
        PipelineError::at(self.node, format!("'{}' {problem}", self.name))
    }

    /// A text, a number or a boolean, as it was written.
    pub fn scalar(&self) -> Result<&str, PipelineError> {
        self.node.scalar().ok_or_else(|| self.fault("is not a text"))
    }

    /// True or false; a text that says so counts, for variables are filled in as text.
    pub fn flag(&self) -> Result<bool, PipelineError> {
        self.node.flag().ok_or_else(|| self.fault("is neither true nor false"))
    }

    /// A whole number within bounds; a text that is one counts.
    pub fn whole(&self, least: i64, most: i64) -> Result<i64, PipelineError> {
        let whole = self.node.whole().filter(|it| (i128::from(least)..=i128::from(most)).contains(it));
        let whole = whole.and_then(|it| i64::try_from(it).ok());
        whole.ok_or_else(|| self.fault(format_args!("is not a whole number from {least} to {most}")))
    }

    /// As [`Field::whole`].
    pub fn small(&self, least: u32, most: u32) -> Result<u32, PipelineError> {
        let whole = self.whole(least.into(), most.into())?;
        u32::try_from(whole).map_err(|_| self.fault("is out of range"))
    }

    /// One line for people; an empty one is none.
    pub fn line_of_text(&self, limit: usize) -> Result<Option<String>, PipelineError> {
        let text = self.scalar()?;
        if text.is_empty() {
            return Ok(None);
        }
        check_line(text, limit).map_err(|error| self.fault(error))?;
        Ok(Some(text.to_owned()))
    }

    /// A text of any lines, of at most `limit` bytes.
    pub fn text(&self, limit: usize) -> Result<String, PipelineError> {
        let text = self.scalar()?;
        if text.len() > limit {
            return Err(self.fault(format_args!("has {} bytes; at most {limit} are possible", text.len())));
        }
        if text.contains('\0') {
            return Err(self.fault("holds a NUL character; remove it"));
        }
        Ok(text.to_owned())
    }

    /// The items of a list; anything else is a list of itself.
    pub fn items(&self) -> &[Node] {
        match &self.node.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self.node),
        }
    }
}

impl Node {
    /// A text, a number or a boolean, as it was written.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Plain { text, .. } | Value::Text(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// True or false, as such or as text.
    pub(super) fn flag(&self) -> Option<bool> {
        match &self.value {
            Value::Plain { is: Scalar::Bool(is), .. } => Some(*is),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A whole number, as such or as text.
    pub(super) fn whole(&self) -> Option<i128> {
        match &self.value {
            Value::Plain { is: Scalar::Whole(whole), .. } => Some(*whole),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}
