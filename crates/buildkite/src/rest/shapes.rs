//! What answers are made of.

use std::fmt;
use std::sync::Arc;

use countersign_control::Control;
use countersign_control::organizations::Organization;
use countersign_domain::Timestamp;
use serde::{Serialize, Serializer};

/// A time as this API writes it: RFC 3339 in UTC with milliseconds, `2026-01-02T03:04:05.000Z`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub Timestamp);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis().rem_euclid(1_000);
        let whole = Timestamp::from_micros(self.0.as_secs().saturating_mul(1_000_000)).to_string();
        match whole.strip_suffix('Z') {
            Some(seconds) => write!(f, "{seconds}.{millis:03}Z"),
            None => f.write_str(&whole),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The addresses in answers. They never come from a request's `Host`, which anybody can write.
#[derive(Debug, Clone)]
pub(crate) struct Addresses(Arc<str>);

impl Addresses {
    fn new(public_url: &str) -> Self {
        Self(public_url.trim_end_matches('/').into())
    }

    /// Addresses that begin with where people and programs reach this instance.
    pub(crate) fn of_instance(control: &Control) -> Self {
        Self::new(&control.settings().public_url)
    }

    /// An address of this API; `path` begins with a slash.
    pub(crate) fn api(&self, path: &str) -> String {
        format!("{}/v2{path}", self.0)
    }

    /// An address of a page; `path` begins with a slash.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// An address of this API below an organization; `path` begins with a slash.
    pub(crate) fn of(&self, organization: &Organization, path: &str) -> String {
        self.api(&format!("/organizations/{}{path}", organization.slug))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds() {
        let written = |micros| Time(Timestamp::from_micros(micros)).to_string();
        assert_eq!(written(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(1_234_567), "1970-01-01T00:00:01.234Z");
        assert_eq!(written(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn addresses_have_one_slash() {
        assert_eq!(Addresses::new("https://c.example/").api("/user"), "https://c.example/v2/user");
    }
}
