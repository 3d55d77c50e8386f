//! What an answer cost in fact: the objects in it.

use async_graphql::Value;

/// Counts the objects of an answer as [`super::Cost`] counts those that were asked for. An edge is no object of its own.
pub(crate) fn actual(data: &Value) -> u64 {
    match data {
        Value::Object(fields) => fields.iter().map(|(name, value)| count(name.as_str(), value)).sum(),
        _ => 0,
    }
}

fn count(name: &str, value: &Value) -> u64 {
    match value {
        Value::Object(_) => actual(value).saturating_add(1),
        Value::List(items) if name == "edges" => items.iter().map(actual).sum::<u64>().saturating_add(1),
        Value::List(items) => items.iter().map(|item| count("", item)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn objects_count_and_scalars_do_not() {
        assert_eq!(actual(&Value::Null), 0);
        assert_eq!(actual(&value!({ "viewer": null })), 0);
        assert_eq!(actual(&value!({ "viewer": { "user": { "name": "Ada" }, "tags": ["a"] } })), 2);
        let listing = value!({ "organization": { "agentTokens": { "edges": [{ "node": { "id": "a" } }, { "node": { "id": "b" } }] } } });
        assert_eq!(actual(&listing), 5);
    }
}
