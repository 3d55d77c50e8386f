//! What whoever changes something has seen of it, as one short text that a form carries. It is another text once anything of it has changed:
//! so of two who change the same thing from what they saw before, the second is shown what the first has left.

use aws_lc_rs::digest::{Context, SHA256};
use countersign_domain::text::hex;

use crate::{Error, Result};

/// Bytes of such a text, before it is written in hexadecimal.
const BYTES: usize = 16;

/// The text of some parts, in their order. Where one ends and the next begins counts, too.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    hex(context.finish().as_ref().get(..BYTES).unwrap_or_default())
}

/// Goes on only when what was seen is what is there; whoever says nothing of what they saw goes on too. `what` begins a sentence.
///
/// # Errors
/// [`Error::Conflict`].
pub(crate) fn must_be_as_seen(seen: Option<&str>, found: impl FnOnce() -> String, what: &str) -> Result<()> {
    match seen {
        Some(seen) if seen != found() => Err(Error::Conflict(format!(
            "{what} changed since it was shown, so nothing was saved. Look at what is there now, and save again."
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_eq!(digest(&["a", "b"]), digest(&["a", "b"]));
        for other in [&["ab", ""][..], &["", "ab"], &["b", "a"], &["a", "b", ""], &["a"]] {
            assert_ne!(digest(&["a", "b"]), digest(other), "{other:?}");
        }
    }

    #[test]
    fn whoever_says_nothing_of_what_they_saw_goes_on() {
        let found = || "now".to_owned();
        assert_eq!(must_be_as_seen(None, found, "It has"), Ok(()));
        assert_eq!(must_be_as_seen(Some("now"), found, "It has"), Ok(()));
        for seen in ["", "before"] {
            let refused = must_be_as_seen(Some(seen), found, "It has");
            assert!(matches!(&refused, Err(Error::Conflict(why)) if why.starts_with("It has changed")), "{refused:?}");
        }
    }
}
