//! What answers are made of.

use std::fmt;
use std::sync::Arc;

use countersign_control::Control;
use countersign_control::builds::Build;
use countersign_control::organizations::{Organization, User};
use countersign_domain::{Id, Timestamp};
use countersign_http::global_id::{self, Sort};
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

/// What the object of every thing begins with.
#[derive(Serialize)]
pub(crate) struct Head {
    id: String,
    graphql_id: String,
    url: String,
    web_url: String,
}

impl Head {
    /// Of a thing: `url` is where this API shows it, `web_url` where a browser would.
    pub(crate) fn new<T>(sort: Sort, id: Id<T>, url: String, web_url: String) -> Self {
        Self { id: id.to_string(), graphql_id: global_id::encode(sort, id), url, web_url }
    }
}

/// A person.
#[derive(Serialize)]
pub(crate) struct Person {
    id: String,
    graphql_id: String,
    name: String,
    email: String,
    avatar_url: &'static str,
    created_at: Time,
}

impl From<User> for Person {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            graphql_id: global_id::encode(Sort::User, user.id),
            name: user.name,
            email: user.email,
            avatar_url: "",
            created_at: Time(user.created_at),
        }
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

    /// An address of this API at a build; `path` begins with a slash, or is empty.
    pub(crate) fn of_build(&self, organization: &Organization, build: &Build, path: &str) -> String {
        let Build { pipeline_slug, number, .. } = build;
        self.of(organization, &format!("/pipelines/{pipeline_slug}/builds/{number}{path}"))
    }

    /// The address of a build's page.
    pub(crate) fn page_of_build(&self, organization: &Organization, build: &Build) -> String {
        let Build { pipeline_slug, number, .. } = build;
        self.page(&format!("/{}/{pipeline_slug}/builds/{number}", organization.slug))
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
