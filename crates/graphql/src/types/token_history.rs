//! What became of an agent token: its secrets, and attempts that were refused.

use async_graphql::Object;
use countersign_control::agent_tokens::{Refused, Secret};

use super::connection::int;
use super::date_time::{DateTime, time};

pub(crate) struct AgentTokenSecret(pub Secret);

/// One secret of a token; a rotation adds one.
#[Object]
impl AgentTokenSecret {
    /// The public part of the value.
    async fn public_id(&self) -> &str {
        self.0.public_id.as_str()
    }

    /// 1 for the token's first.
    async fn generation(&self) -> i32 {
        int(self.0.generation)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Until when a rotation lets it be used; null for the newest.
    async fn valid_until(&self) -> Option<DateTime> {
        time(self.0.valid_until)
    }

    /// When it was last accepted.
    async fn last_used_at(&self) -> Option<DateTime> {
        time(self.0.last_used_at)
    }

    /// From which address it was last accepted.
    async fn last_used_ip(&self) -> Option<&str> {
        self.0.last_used_ip.as_deref()
    }
}

pub(crate) struct AgentTokenRefusal(pub Refused);

/// Refused attempts with one value, for one reason, from one address.
#[Object]
impl AgentTokenRefusal {
    /// Why: `revoked`, `rotated`, `expired`, `network`, `scope`, `kind` or `rate`.
    async fn reason(&self) -> &str {
        self.0.reason.as_str()
    }

    /// From which address.
    async fn ip(&self) -> &str {
        &self.0.ip
    }

    /// How often.
    async fn count(&self) -> i32 {
        int(self.0.count)
    }

    /// When first.
    async fn first_at(&self) -> DateTime {
        DateTime(self.0.first_at)
    }

    /// When last.
    async fn last_at(&self) -> DateTime {
        DateTime(self.0.last_at)
    }

    /// The public part of the value that was shown.
    async fn public_id(&self) -> &str {
        self.0.public_id.as_str()
    }
}
