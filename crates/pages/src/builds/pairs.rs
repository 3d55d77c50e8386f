//! Keys and values on a page, as many as there is room for: variables and meta-data.

use countersign_domain::pipeline::Env;

use crate::weight;

/// The most keys on a page.
pub(crate) const KEYS: usize = 30;
/// The most characters of a value there.
pub(crate) const VALUE: usize = 200;
/// The most bytes that all of them take there, and what stands around each.
const ROOM: usize = 8 * 1024;
const AROUND: usize = 40;
/// How names of variables end that hold secrets: what agents leave out of logs unless they are told otherwise.
const SECRET: &[&str] = &[
    "_PASSWORD",
    "_SECRET",
    "_TOKEN",
    "_PRIVATE_KEY",
    "_SSH_KEY",
    "_ACCESS_KEY",
    "_SECRET_KEY",
    "_CONNECTION_STRING",
    "_API_KEY",
];

/// Keys and values, as many as there is room for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pairs {
    /// None for a value that is not shown: its name says that it is a secret.
    pub shown: Vec<(String, Option<String>)>,
    /// How many there are beside.
    pub more: usize,
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET.iter().any(|end| name.ends_with(end) || name == end[1..])
}

impl Pairs {
    /// Of some of `count`.
    fn of<'a>(some: impl Iterator<Item = (&'a str, Option<&'a str>)>, count: usize) -> Self {
        let mut left = ROOM;
        let pairs = some.take(KEYS).map(|(key, value)| (cut(key), value.map(cut)));
        let fitting = pairs.take_while(|(key, value)| {
            let taken = AROUND + weight::of(key) + value.as_deref().map_or(0, weight::of);
            left.checked_sub(taken).inspect(|rest| left = *rest).is_some()
        });
        let shown: Vec<_> = fitting.collect();
        Self { more: count.saturating_sub(shown.len()), shown }
    }

    /// Of meta-data, of which there are `count` keys.
    pub(crate) fn of_meta_data(some: &[(String, String)], count: i64) -> Self {
        let pairs = some.iter().map(|(key, value)| (key.as_str(), Some(value.as_str())));
        Self::of(pairs, usize::try_from(count).unwrap_or(some.len()))
    }

    /// Of variables. What is called as secrets are is named and not shown.
    pub(crate) fn of_env(env: &Env) -> Self {
        let pairs = env.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()).filter(|_| !is_secret(key))));
        Self::of(pairs, env.len())
    }
}

fn cut(text: &str) -> String {
    let start: String = text.chars().take(VALUE).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_counted() {
        let pairs: Vec<(String, String)> = (0..KEYS + 3).map(|at| (at.to_string(), "ä".repeat(VALUE + 1))).collect();
        let few = Pairs::of_meta_data(&pairs[..2], 7);
        assert_eq!((few.shown.len(), few.more), (2, 5));
        let value = few.shown[0].1.as_deref().expect("it is shown");
        assert_eq!(value.chars().count(), VALUE + 1, "the end is marked");
        for sign in ["<", "a", "ä"] {
            let pairs: Vec<(String, String)> = (0..KEYS + 3).map(|at| (at.to_string(), sign.repeat(VALUE))).collect();
            let pairs = Pairs::of_meta_data(&pairs, 33);
            let bytes: usize =
                pairs.shown.iter().map(|(_, value)| weight::of(value.as_deref().unwrap_or_default())).sum();
            assert_eq!(pairs.shown.len() + pairs.more, 33);
            assert!(bytes <= ROOM && !pairs.shown.is_empty(), "{sign}: {bytes} bytes");
        }
    }

    #[test]
    fn what_is_called_as_secrets_are_is_not_shown() {
        let names = ["MY_PASSWORD", "aws_secret_access_key", "DATABASE_CONNECTION_STRING", "TOKEN", "X_API_KEY"];
        let env: Env =
            names.iter().chain(&["TOKENS", "KEY_FILE"]).map(|it| ((*it).to_owned(), "v".to_owned())).collect();
        let pairs = Pairs::of_env(&env);
        for (key, value) in &pairs.shown {
            assert_eq!(value.is_none(), names.contains(&key.as_str()), "{key}");
        }
        assert_eq!(pairs.shown.len(), 7);
    }
}
