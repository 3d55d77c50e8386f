//! What a job asks of an agent's tags, beside the queue.

use std::collections::{BTreeMap, BTreeSet};

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

/// A rule as it stands in a canonical text.
fn pair(key: &str, value: &str) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    format!("{}:{}", quoted(key), quoted(value))
}

/// What an agent offers to rules, for a walk along many canonical texts in their order that passes over those it cannot fit.
///
/// Where one of `{"os":"linux","zone":"a"}` does not fit an agent on Linux because of its zone, nothing fits before
/// `{"os":"linux","zone":"b"}`, if that is the agent's next tag behind it, and without such a tag nothing before `{"os":"linux"}`.
#[derive(Debug)]
pub struct Offer {
    /// Every rule that one of its tags fulfils, as its text, with its key; in the order of the texts.
    pairs: BTreeSet<(String, String)>,
}

impl Offer {
    /// What these tags offer.
    #[must_use]
    pub fn of(tags: &[String]) -> Self {
        let tags = tags.iter().map(|tag| tag.split_once('=').unwrap_or((tag, "true")));
        let pairs = tags.flat_map(|(key, value)| [value, "*"].map(|value| (pair(key, value), key.to_owned())));
        Self { pairs: pairs.collect() }
    }

    /// Whether rules fit, and the least text behind theirs that rules can have which fit too; `None` when there is none.
    #[must_use]
    pub fn look_at(&self, canonical: &str) -> (bool, Option<String>) {
        let Some(rules) = Rules::parse(canonical) else { return (false, Some(format!("{canonical}\u{1}"))) };
        let (mut before, mut last) = ("{".to_owned(), None::<&str>);
        let count = rules.0.len();
        for (place, (key, value)) in (1..).zip(&rules.0) {
            let comma = if place == 1 { "" } else { "," };
            let this = (pair(key, value), key.clone());
            let is_offered = self.pairs.contains(&this);
            if is_offered && place < count {
                before = format!("{before}{comma}{}", this.0);
                last = Some(key);
                continue;
            }
            // Keys ascend within rules, and texts of rules that begin alike are in the order of what follows; their end comes last.
            let mut behind = self.pairs.iter().filter(|(text, _)| *text > this.0);
            let next = behind.find(|(_, key)| last.is_none_or(|last| key.as_str() > last));
            let next = next.map_or_else(|| format!("{before}}}"), |(text, _)| format!("{before}{comma}{text}"));
            return (is_offered, Some(next));
        }
        (true, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every set of rules over a few keys and values, in the order of their texts.
    fn every_class() -> BTreeSet<String> {
        let mut all = vec![BTreeMap::new()];
        for key in ["a", "a!", "a\"", "b", "z"] {
            for known in all.clone() {
                for value in ["*", "1", "2"] {
                    let mut more: BTreeMap<String, String> = known.clone();
                    more.insert(key.to_owned(), value.to_owned());
                    all.push(more);
                }
            }
        }
        all.into_iter().map(|rules| Rules::new(rules).canonical()).collect()
    }

    #[test]
    fn a_walk_finds_what_fits_and_passes_over_the_rest() {
        let every = every_class();
        assert_eq!(every.len(), 1_024);
        for tags in
            [&[][..], &["a=1"], &["b"], &["a!=2", "b=1"], &["a=1", "a=2", "z=1"], &["a=1", "a!=1", "a\"=2", "b=2"]]
        {
            let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
            let offer = Offer::of(&tags);
            let (mut found, mut from, mut looks) = (Vec::new(), Some(String::new()), 0);
            while let Some(rules) = from.take().and_then(|from| every.range(from..).next()) {
                let (fits, next) = offer.look_at(rules);
                assert!(next.as_ref().is_none_or(|next| next > rules), "{rules} {next:?}");
                found.extend(fits.then(|| rules.clone()));
                (from, looks) = (next, looks + 1);
            }
            let fit = |rules: &&String| Rules::parse(rules).is_some_and(|rules| rules.fit(&tags));
            assert_eq!(found, every.iter().filter(fit).cloned().collect::<Vec<_>>(), "{tags:?}");
            assert!(looks <= 3 * found.len() + 3, "{tags:?}: {looks} looks for {} that fit", found.len());
        }
    }

    #[test]
    fn thousands_that_ask_for_something_else_are_passed_over_at_once() {
        let mut every: BTreeSet<String> = (0..5_000)
            .map(|number| rules(&[("os", "linux"), (format!("x{number:05}").as_str(), "1")]).canonical())
            .collect();
        every.insert(rules(&[("zone", "eu")]).canonical());
        let offer = Offer::of(&["os=linux", "zone=eu"].map(ToOwned::to_owned));
        let (mut from, mut looks) = (String::new(), 0);
        loop {
            let rules = every.range(from..).next().expect("there is one that fits");
            looks += 1;
            let (fits, next) = offer.look_at(rules);
            if fits {
                break;
            }
            from = next.expect("there is more");
        }
        assert!(looks <= 3, "{looks}");
    }

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
