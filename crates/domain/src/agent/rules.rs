//! What a job asks of an agent's tags, beside the queue.

use std::collections::BTreeMap;

/// Tags that an agent must have: key to value, `*` for any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules(BTreeMap<String, String>);

impl Rules {
    /// Rules as a plan has them.
    #[must_use]
    pub const fn new(rules: BTreeMap<String, String>) -> Self {
        Self(rules)
    }

    /// One text for the same rules, whoever wrote them and how: a JSON object, its keys sorted.
    #[must_use]
    pub fn canonical(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// Reads [`Rules::canonical`]; `None` for another text.
    #[must_use]
    pub fn parse(canonical: &str) -> Option<Self> {
        serde_json::from_str(canonical).ok().map(Self)
    }

    /// Whether an agent with these tags fits. A tag without a value counts as `true`, as agents and their users have it.
    #[must_use]
    pub fn fit(&self, tags: &[String]) -> bool {
        self.0.iter().all(|(key, wanted)| {
            let mut values = tags.iter().map(|tag| tag.split_once('=').unwrap_or((tag, "true")));
            values.any(|(have, value)| have == key && (wanted == "*" || wanted == value))
        })
    }

    /// As `key=value`, sorted by key.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(key, value)| format!("{key}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(list: &[(&str, &str)]) -> Rules {
        Rules::new(list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn all_rules_must_fit() {
        let tags = ["os=linux", "gpu", "zone=a", "zone=b", "note=a=b"].map(ToOwned::to_owned);
        for (wanted, fits) in [
            (vec![], true),
            (vec![("os", "linux")], true),
            (vec![("os", "linux"), ("gpu", "*")], true),
            (vec![("os", "linux"), ("arm", "*")], false),
            (vec![("os", "mac")], false),
            (vec![("zone", "b")], true),
            (vec![("gpu", "true")], true),
            (vec![("gpu", "")], false),
            (vec![("note", "a=b")], true),
            (vec![("OS", "linux")], false),
        ] {
            assert_eq!(rules(&wanted).fit(&tags), fits, "{wanted:?}");
        }
    }

    #[test]
    fn one_text_for_the_same_rules() {
        let it = rules(&[("b", "2"), ("a", "\"")]);
        assert_eq!(it.canonical(), r#"{"a":"\"","b":"2"}"#);
        assert_eq!(Rules::parse(&it.canonical()), Some(it));
        assert_eq!((Rules::default().canonical().as_str(), Rules::parse("[]")), ("{}", None));
    }
}
