//! What of runs stands in an answer: texts of launchers and workers, each of which may be long.

use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_control::{Error, Result};

use super::MAX_TOLD;

/// How many bytes of it one answer has.
#[derive(Debug, Default)]
pub(crate) struct Told(AtomicUsize);

impl Told {
    /// Puts so many bytes into the answer.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `query` when it would have more than [`MAX_TOLD`] of them.
    pub(crate) fn put(&self, bytes: usize) -> Result<()> {
        let before = self.0.fetch_add(bytes.min(MAX_TOLD), Ordering::Relaxed);
        if before.saturating_add(bytes) > MAX_TOLD {
            let why = format!(
                "asks for more than {MAX_TOLD} bytes of configurations, tags, events and logs of runs in one answer; ask for fewer runs, events or logs at once, or for fewer of their fields"
            );
            return Err(Error::invalid("query", why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_an_end_to_what_one_answer_tells() {
        let told = Told::default();
        assert_eq!(told.put(MAX_TOLD - 1), Ok(()));
        assert_eq!(told.put(1), Ok(()));
        let error = told.put(1).expect_err("it is full").to_string();
        assert!(error.starts_with("query asks for more than"), "nobody need have given `first`: {error}");
        assert!(Told::default().put(usize::MAX).is_err());
    }
}
