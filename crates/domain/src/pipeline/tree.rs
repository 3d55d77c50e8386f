//! The text of a pipeline as a tree: YAML or JSON, within limits that hold before anything is built from it.
//!
//! What YAML would turn into a number keeps the characters it was written with (`1.10` stays `1.10`), and only `true` and
//! `false` are booleans, so that `no` and `on` stay words.

pub(super) mod json;

use std::{fmt, ops::Range};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    Error, Options, RenderOptions, SnippetMode, Spanned, UserMessageFormatter,
    options::{DuplicateKeyPolicy, MergeKeyPolicy},
};

use super::{MAX_ALIASED, MAX_ALIASES, MAX_DEPTH, MAX_DOCUMENTS, MAX_ENTRIES, MAX_NODES, MAX_TEXT, PipelineError};

/// One node, with where it stands.
#[derive(Debug)]
pub(super) struct Node {
    /// From 1; `None` in JSON.
    pub line: Option<u64>,
    pub value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Null,
    /// A boolean or a number, and until it is [restored](Node::restore) where in the text it was written.
    Plain {
        text: String,
        is: Scalar,
        at: Option<Range<usize>>,
    },
    Text(String),
    List(Vec<Node>),
    /// In the order of the text; no key twice.
    Map(Vec<(String, Node)>),
}

/// What a value that is no text means, however it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar {
    Bool(bool),
    Whole(i128),
    Fraction(f64),
}

/// Reads a text that is one document.
pub(super) fn read(text: &str) -> Result<Node, PipelineError> {
    let text = within_limits(text)?;
    if let Some(node) = read_json(text) {
        return Ok(node);
    }
    let mut node: Node = serde_saphyr::from_str_with_options(text, options(1)).map_err(|error| unreadable(&error))?;
    node.restore(text);
    Ok(node)
}

/// Reads a text of several documents; empty ones are left out.
pub(super) fn read_all(text: &str) -> Result<Vec<Node>, PipelineError> {
    let text = within_limits(text)?;
    if let Some(node) = read_json(text) {
        return Ok(vec![node]);
    }
    let several = serde_saphyr::from_multiple_with_options(text, options(MAX_DOCUMENTS));
    let mut nodes: Vec<Node> = several.map_err(|error| unreadable(&error))?;
    nodes.iter_mut().for_each(|node| node.restore(text));
    Ok(nodes)
}

fn within_limits(text: &str) -> Result<&str, PipelineError> {
    if text.len() > MAX_TEXT {
        return Err(PipelineError::of_all(format!("has {} bytes; at most {MAX_TEXT} are possible", text.len())));
    }
    // A byte order mark would shift every position.
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

/// JSON first where it may be JSON: it writes characters outside the basic plane as two escapes, which YAML refuses.
fn read_json(text: &str) -> Option<Node> {
    let may_be = text.trim_start().starts_with(['{', '[']) && json_fits(text);
    may_be.then(|| serde_json::from_str(text).ok()).flatten()
}

fn options(documents: usize) -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: MAX_NODES * 3,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_recorded_anchor_events: MAX_ALIASED,
            max_recorded_anchor_bytes: MAX_TEXT,
            max_depth: MAX_DEPTH,
            // One more, so that it is the depth that is found wrong, whichever way lists are written.
            flow_nesting_limit: MAX_DEPTH + 1,
            max_inclusion_depth: 0,
            max_documents: documents,
            max_nodes: MAX_NODES,
            max_total_scalar_bytes: MAX_TEXT,
            max_merge_keys: MAX_ALIASES,
            // The cap above is tight enough without a rule of thumb beside it.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_ALIASED,
            max_replay_stack_depth: MAX_DEPTH,
        },
        emit_comments: false,
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Merge,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn unreadable(error: &Error) -> PipelineError {
    let line = error.location().map(|location| location.line());
    let mut origin = error.without_snippet();
    // Within an alias, the library wraps the error once for each level.
    while let Error::AliasError { error, .. } = origin {
        origin = error.without_snippet();
    }
    let problem = match origin {
        Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. } | Error::AliasReplayStackDepthExceeded { .. } => {
            format!(
                "is too large or too deep: at most {MAX_NODES} values, {MAX_DEPTH} levels, {MAX_ALIASES} anchors, as many aliases \
                 and {MAX_ALIASED} values that they stand for are possible"
            )
        }
        other => {
            let mut how = RenderOptions::new(&UserMessageFormatter);
            how.snippets = SnippetMode::Off;
            format!("cannot be read as YAML or JSON: {}", other.render_with_options(how))
        }
    };
    PipelineError { step: None, line, problem }
}

/// Whether JSON text keeps the limits of depth and number of values. Exact for JSON; otherwise YAML's reader has the last word.
fn json_fits(text: &str) -> bool {
    let (mut depth, mut nodes, mut quoted, mut escaped) = (0_usize, 1_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => (depth, nodes) = (depth + 1, nodes + 1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' | b':' => nodes += 1,
            _ => {}
        }
        if depth > MAX_DEPTH || nodes > MAX_NODES {
            return false;
        }
    }
    true
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // JSON's reader knows nothing of places, and leaves them unknown.
        let Spanned { value: Bare(mut value), referenced, defined } = Spanned::<Bare>::deserialize(deserializer)?;
        if let (Value::Plain { at, .. }, Some(start), Some(length)) =
            (&mut value, defined.span().byte_offset(), defined.span().byte_len())
        {
            let (start, length) = (usize::try_from(start).ok(), usize::try_from(length).ok());
            *at = start.zip(length).map(|(start, length)| start..start + length);
        }
        Ok(Self { line: Some(referenced.line()).filter(|line| *line > 0), value })
    }
}

/// A value without its place.
struct Bare(Value);

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shapes).map(Self)
    }
}

struct Shapes;

impl<'de> Visitor<'de> for Shapes {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false, null, a list or a map")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(plain(value, Scalar::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(plain(value, Scalar::Whole(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(plain(value, Scalar::Whole(value.into())))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(plain(value, Scalar::Whole(value)))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        // Beyond every number that a field takes, so that its size is all that counts.
        Ok(plain(value, Scalar::Whole(i128::try_from(value).unwrap_or(i128::MAX))))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // As JSON writes it: shortest, with an exponent where it is far from one.
        let text = serde_json::Number::from_f64(value).map_or_else(|| value.to_string(), |number| number.to_string());
        Ok(plain(text, Scalar::Fraction(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
            if entries.len() > MAX_ENTRIES {
                return Err(A::Error::custom(format!("a map has more than {MAX_ENTRIES} entries")));
            }
        }
        // YAML's reader has looked already; JSON's does not.
        let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        match keys.array_windows().find(|[a, b]| a == b) {
            Some([key, _]) => Err(A::Error::custom(format!("the key '{key}' stands there twice"))),
            None => Ok(Value::Map(entries)),
        }
    }
}

fn plain(value: impl fmt::Display, is: Scalar) -> Value {
    Value::Plain { text: value.to_string(), is, at: None }
}

impl Node {
    /// Gives numbers and booleans back the characters that they were written with.
    fn restore(&mut self, source: &str) {
        match &mut self.value {
            Value::Plain { text, at, .. } => {
                if let Some(written) = at.take().and_then(|at| source.get(at)) {
                    written.clone_into(text);
                }
            }
            Value::List(nodes) => nodes.iter_mut().for_each(|node| node.restore(source)),
            Value::Map(entries) => entries.iter_mut().for_each(|(_, node)| node.restore(source)),
            Value::Null | Value::Text(_) => {}
        }
    }
}
