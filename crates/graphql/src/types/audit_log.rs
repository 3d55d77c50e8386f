//! The audit log.

use async_graphql::{ID, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::audit::{Event, Period};

use crate::call::Call;
use crate::global_id::{self, Sort};

use super::connection::int;
use super::date_time::DateTime;
use super::page_info::{PageInfo, Window};

pub(crate) struct AuditLogEntry(pub Event);

/// A change, as it was written down with the change itself.
#[Object]
impl AuditLogEntry {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::AuditEvent, self.0.id)
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.id)
    }

    /// When it happened.
    async fn occurred_at(&self) -> DateTime {
        DateTime(self.0.occurred_at)
    }

    /// What was done, such as `agent_token.revoked`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// By what kind of caller: `user`, `agent`, `agent_token`, `job`, `operator`, `invitation` or `system`.
    async fn actor_kind(&self) -> &str {
        &self.0.actor_kind
    }

    /// By which.
    async fn actor_uuid(&self) -> Option<ID> {
        self.0.actor_id.map(global_id::uuid)
    }

    /// Its name at that time.
    async fn actor_name(&self) -> &str {
        &self.0.actor_name
    }

    /// The public id of the credential that the caller showed.
    async fn credential(&self) -> Option<&str> {
        self.0.credential.as_deref()
    }

    /// To what kind of thing.
    async fn subject_kind(&self) -> &str {
        &self.0.subject_kind
    }

    /// To which.
    async fn subject_uuid(&self) -> ID {
        global_id::uuid(self.0.subject_id)
    }

    /// Its name at that time.
    async fn subject_name(&self) -> &str {
        &self.0.subject_name
    }

    /// What changed.
    async fn detail(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&self.0.detail).ok()
    }

    /// From which address.
    async fn ip(&self) -> Option<&str> {
        self.0.ip.as_deref()
    }

    /// With which client.
    async fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    /// In which request.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Its place in the chain, from 1; null until it is sealed, which follows a moment behind.
    async fn sequence(&self) -> Option<i32> {
        self.0.sealed.as_ref().map(|(sequence, _)| int(*sequence))
    }
}

/// A change, and its place in the list.
#[derive(SimpleObject)]
pub(crate) struct AuditLogEdge {
    /// Names the place: for `after`.
    cursor: String,
    /// The change.
    node: Option<AuditLogEntry>,
}

/// The audit log, newest first.
#[derive(SimpleObject)]
pub(crate) struct AuditLogConnection {
    /// The entries of this page.
    edges: Option<Vec<Option<AuditLogEdge>>>,
    /// Where this page stands.
    page_info: Option<PageInfo>,
}

/// Whether the audit log is whole: each sealed row holds the hash of the one before.
#[derive(SimpleObject)]
pub(crate) struct AuditChain {
    /// How many rows are sealed.
    pub sealed: i32,
    /// How many are not yet.
    pub unsealed: i32,
    /// Whether every sealed row fits.
    pub holds: bool,
    /// The first row that does not fit, in words.
    pub problem: Option<String>,
}

/// The organization's audit log.
pub(crate) async fn list(call: &Call, period: Period, window: Window) -> Result<AuditLogConnection> {
    let grant = &call.may()?;
    let slice = window.read(|page| call.control.audit_events(grant, period, page), |it| it.id).await?;
    let edge = |(cursor, event)| Some(AuditLogEdge { cursor, node: Some(AuditLogEntry(event)) });
    let edges = slice.entries.into_iter().map(edge).collect();
    Ok(AuditLogConnection { edges: Some(edges), page_info: Some(slice.info) })
}
