//! The order of an answer's fields: that of the document. The library answers in the order in which resolvers end.

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Value};

/// The names in an answer, as they stand in the document, each with those beneath it.
#[derive(Debug, Default)]
pub(super) struct Order(IndexMap<Name, Order>);

impl Order {
    /// Of a document that is within its limits: its fragments go round nowhere.
    pub(super) fn of(document: &ExecutableDocument, operation: Option<&str>) -> Self {
        let mut order = Self::default();
        let mut operations = document.operations.iter();
        let asked = operations.find(|(name, _)| operation.is_none() || name.map(Name::as_str) == operation);
        if let Some((_, definition)) = asked {
            order.add(&definition.node.selection_set.node, document);
        }
        order
    }

    fn add(&mut self, set: &SelectionSet, document: &ExecutableDocument) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let name = field.node.response_key().node.clone();
                    self.0.entry(name).or_default().add(&field.node.selection_set.node, document);
                }
                Selection::InlineFragment(fragment) => self.add(&fragment.node.selection_set.node, document),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        self.add(&fragment.node.selection_set.node, document);
                    }
                }
            }
        }
    }

    /// The same answer in this order.
    pub(super) fn put(&self, value: Value) -> Value {
        // A scalar may be an object too; nothing is known of its inside, and it stays as it is.
        if self.0.is_empty() {
            return value;
        }
        match value {
            Value::List(items) => Value::List(items.into_iter().map(|item| self.put(item)).collect()),
            Value::Object(mut fields) => {
                let known = self.0.iter().filter_map(|(name, beneath)| {
                    let (name, value) = fields.swap_remove_entry(name)?;
                    Some((name, beneath.put(value)))
                });
                Value::Object(known.collect())
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::value;

    use super::*;

    #[test]
    fn fields_stand_as_in_the_document() {
        let query = "query A { x } query B { b: y { ...F two } a ... on T { c { n } } } fragment F on T { one two }";
        let document = parse_query(query).expect("a document");
        let answer = value!({ "c": [{ "n": { "z": 1, "y": 2 } }], "a": 1, "b": { "two": 2, "one": 1 } });
        let ordered = Order::of(&document, Some("B")).put(answer);
        let text = serde_json::to_string(&ordered).expect("it is JSON");
        assert_eq!(text, r#"{"b":{"one":1,"two":2},"a":1,"c":[{"n":{"z":1,"y":2}}]}"#);
    }
}
