//! What an agent says about itself when it registers: `queue=linux`, `gpu`.

use crate::text::{BadText, DeploymentName, QueueName, hidden};

/// Most tags of one agent.
pub const MAX_TAGS: usize = 100;
/// Most bytes of one tag; cloud instances report values of up to 256 characters under keys of up to 128.
pub const MAX_TAG_BYTES: usize = 1_024;

/// The tags of an agent: `key=value`, or a bare `key`. Keys may repeat, except `queue` and `deployment`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags {
    tags: Vec<String>,
    queue: QueueName,
    deployment: Option<DeploymentName>,
}

/// The tags cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTags {
    /// More than [`MAX_TAGS`].
    #[error("There are {0} tags; at most 100 are possible.")]
    TooMany(usize),
    /// One is longer than [`MAX_TAG_BYTES`].
    #[error("Tag number {number} has {bytes} bytes; at most 1024 are possible.")]
    TooLong {
        /// From 1.
        number: usize,
        /// Its length.
        bytes: usize,
    },
    /// One has no key.
    #[error("Tag number {0} is empty or begins with '='; write it as key=value.")]
    NoKey(usize),
    /// One holds what cannot be seen.
    #[error("Tag number {number} holds {what} (U+{code:04X}); remove it.")]
    Hidden {
        /// From 1.
        number: usize,
        /// What sort of character.
        what: &'static str,
        /// Its code point.
        code: u32,
    },
    /// A key that may stand once only was given twice, with different values.
    #[error("The tag '{0}' was given more than once; an agent works in one queue of one deployment.")]
    Twice(&'static str),
    /// The value names no queue or deployment.
    #[error("The tag '{key}' {problem}.")]
    Name {
        /// `queue` or `deployment`.
        key: &'static str,
        /// What is wrong with its value.
        problem: BadText,
    },
}

impl Tags {
    /// Checks the tags that an agent sends.
    ///
    /// # Errors
    /// [`BadTags`] names the first fault and the tag.
    pub fn parse(tags: Vec<String>) -> Result<Self, BadTags> {
        if tags.len() > MAX_TAGS {
            return Err(BadTags::TooMany(tags.len()));
        }
        for (index, tag) in tags.iter().enumerate() {
            let number = index + 1;
            if tag.len() > MAX_TAG_BYTES {
                return Err(BadTags::TooLong { number, bytes: tag.len() });
            }
            if let Some((what, c)) = tag.chars().find_map(|c| hidden(c).map(|what| (what, c))) {
                return Err(BadTags::Hidden { number, what, code: u32::from(c) });
            }
            if split(tag).0.trim().is_empty() {
                return Err(BadTags::NoKey(number));
            }
        }
        let queue = only(&tags, "queue", QueueName::parse)?.unwrap_or_default();
        let deployment = only(&tags, "deployment", DeploymentName::parse)?;
        Ok(Self { tags, queue, deployment })
    }

    /// The value of the first tag with this key; empty for a bare key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.tags.iter().map(|tag| split(tag)).find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    /// The queue that the agent serves; `default` when no tag names one.
    #[must_use]
    pub const fn queue(&self) -> &QueueName {
        &self.queue
    }

    /// The deployment that the agent asks to join, if a tag names one.
    #[must_use]
    pub const fn deployment(&self) -> Option<&DeploymentName> {
        self.deployment.as_ref()
    }

    /// The tags as they were given.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.tags
    }
}

/// Key and value of a tag.
fn split(tag: &str) -> (&str, &str) {
    tag.split_once('=').unwrap_or((tag, ""))
}

/// The one value of a key that decides where an agent belongs.
fn only<T>(tags: &[String], key: &'static str, parse: fn(&str) -> Result<T, BadText>) -> Result<Option<T>, BadTags> {
    let mut values = tags.iter().map(|tag| split(tag)).filter(|(k, _)| *k == key).map(|(_, value)| value);
    let Some(value) = values.next() else { return Ok(None) };
    if values.any(|other| other != value) {
        return Err(BadTags::Twice(key));
    }
    parse(value).map(Some).map_err(|problem| BadTags::Name { key, problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(list: &[&str]) -> Result<Tags, BadTags> {
        Tags::parse(list.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn queue_and_deployment_are_tags() {
        let some = tags(&["queue=linux", "gpu", "deployment=prod", "k=a=b"]).expect("tags");
        assert_eq!(some.queue().as_str(), "linux");
        assert_eq!(some.deployment().map(DeploymentName::as_str), Some("prod"));
        assert_eq!((some.get("gpu"), some.get("k"), some.get("absent")), (Some(""), Some("a=b"), None));
        let none = tags(&[]).expect("tags");
        assert_eq!((none.queue().as_str(), none.deployment()), ("default", None));
        assert_eq!(none, Tags::default());
    }

    #[test]
    fn bad_tags_are_named() {
        assert_eq!(tags(&["queue=a", "queue=b"]), Err(BadTags::Twice("queue")));
        assert!(tags(&["queue=a", "queue=a", "os=x", "os=y"]).is_ok());
        assert_eq!(tags(&["queue"]), Err(BadTags::Name { key: "queue", problem: BadText::Empty }));
        assert!(matches!(tags(&["deployment=a/b"]), Err(BadTags::Name { key: "deployment", .. })));
        assert_eq!(tags(&["ok", ""]), Err(BadTags::NoKey(2)));
        assert_eq!(tags(&["=x"]), Err(BadTags::NoKey(1)));
        assert_eq!(tags(&["a=\u{0}"]), Err(BadTags::Hidden { number: 1, what: "a NUL character", code: 0 }));
        assert_eq!(tags(&[&"a".repeat(1_025)]), Err(BadTags::TooLong { number: 1, bytes: 1_025 }));
        assert!(tags(&[&"a".repeat(1_024)]).is_ok());
        assert_eq!(tags(&["a"; 101]), Err(BadTags::TooMany(101)));
    }
}
