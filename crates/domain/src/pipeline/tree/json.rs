//! Between a tree and JSON: what an agent uploads becomes a tree, and what is only passed on becomes JSON.

use serde_json::{Map, Number, Value as Json};

use super::{Node, Scalar, Value};
use crate::pipeline::{MAX_DEPTH, MAX_NODES, MAX_TEXT, PipelineError};

/// The tree of a JSON value, within the limits that hold for texts.
pub(in crate::pipeline) fn tree(json: &Json) -> Result<Node, PipelineError> {
    Growing { nodes: 0, bytes: 0 }.node(json, 1)
}

struct Growing {
    nodes: usize,
    bytes: usize,
}

impl Growing {
    fn count(&mut self, nodes: usize, bytes: usize, depth: usize) -> Result<(), PipelineError> {
        (self.nodes, self.bytes) = (self.nodes + nodes, self.bytes + bytes);
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            let problem =
                format!("is too large or too deep: at most {MAX_NODES} values and {MAX_DEPTH} levels are possible");
            return Err(PipelineError::of_all(problem));
        }
        if self.bytes > MAX_TEXT {
            return Err(PipelineError::of_all(format!("has texts of more than {MAX_TEXT} bytes")));
        }
        Ok(())
    }

    fn node(&mut self, json: &Json, depth: usize) -> Result<Node, PipelineError> {
        let bytes = json.as_str().map_or(0, str::len);
        // A value inside the last list or map is no level of its own.
        self.count(1, bytes, depth - usize::from(!json.is_array() && !json.is_object()))?;
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(is) => Value::Plain { text: is.to_string(), is: Scalar::Bool(*is), at: None },
            Json::Number(number) => Value::Plain { text: number.to_string(), is: scalar(number), at: None },
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(list) => {
                Value::List(list.iter().map(|item| self.node(item, depth + 1)).collect::<Result<_, _>>()?)
            }
            Json::Object(map) => {
                let mut entries = Vec::with_capacity(map.len());
                for (key, item) in map {
                    self.count(1, key.len(), depth)?;
                    entries.push((key.clone(), self.node(item, depth + 1)?));
                }
                Value::Map(entries)
            }
        };
        Ok(Node { line: None, value })
    }
}

fn scalar(number: &Number) -> Scalar {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    whole.map_or_else(|| Scalar::Fraction(number.as_f64().unwrap_or(f64::NAN)), Scalar::Whole)
}

impl Node {
    /// The same as JSON, with numbers and booleans as such.
    pub(in crate::pipeline) fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Text(text) => Json::String(text.clone()),
            Value::Plain { text, is, .. } => match is {
                Scalar::Bool(is) => Json::Bool(*is),
                // JSON has no such large number, and none that is infinite.
                Scalar::Whole(whole) => {
                    Number::from_i128(*whole).map_or_else(|| Json::String(text.clone()), Json::Number)
                }
                Scalar::Fraction(fraction) => {
                    Number::from_f64(*fraction).map_or_else(|| Json::String(text.clone()), Json::Number)
                }
            },
            Value::List(list) => list.iter().map(Node::to_json).collect(),
            Value::Map(entries) => {
                Json::Object(entries.iter().map(|(key, node)| (key.clone(), node.to_json())).collect::<Map<_, _>>())
            }
        }
    }
}
