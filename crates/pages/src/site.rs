//! What answering needs.

use countersign_control::Control;

use crate::streams::Streams;

/// The system, and what is known of how people reach it.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub control: Control,
    /// Pages that are told of news.
    pub streams: Streams,
}

impl Site {
    pub(crate) fn new(control: Control) -> Self {
        Self { control, streams: Streams::default() }
    }

    /// The address under which people reach the server, without a slash at its end.
    pub(crate) fn public_url(&self) -> &str {
        &self.control.settings().public_url
    }

    /// Whether cookies are for HTTPS alone.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url().starts_with("https://")
    }

    /// Whether passwords travel where others can read them: without TLS, and not on one machine.
    pub(crate) fn travels_in_clear(&self) -> bool {
        travels_in_clear(self.public_url())
    }
}

fn travels_in_clear(public_url: &str) -> bool {
    let Some(rest) = public_url.strip_prefix("http://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    !matches!(host, "localhost" | "127.0.0.1" | "::1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leaves_the_machine_without_tls_is_in_clear() {
        for url in ["https://ci.example", "http://localhost:8420", "http://127.0.0.1", "http://[::1]:8420"] {
            assert!(!travels_in_clear(url), "{url}");
        }
        for url in ["http://ci.example", "http://localhost.example:8420", "http://[2001:db8::1]"] {
            assert!(travels_in_clear(url), "{url}");
        }
    }
}
