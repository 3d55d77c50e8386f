//! The audit log for whoever may see it: whole and in the order of its chain, or of a period in the order in which it happened.

use countersign_domain::id::AuditEventId;
use countersign_domain::text::hex;
use countersign_store::audit;
use serde_json::{Value, json};

use crate::access::actions::ViewAudit;
use crate::{Control, Grant, MAX_PAGE, Result};

use super::search::check;
use super::{Event, Period};

/// A row as it is exported, `organization` being what the log is called by. Public ids, never values.
#[must_use]
pub fn as_json(organization: &str, event: &Event) -> Value {
    let (row, hash) = event.sealed.clone().map_or((None, None), |(row, hash)| (Some(row), Some(hex(&hash))));
    json!({
        "id": event.id.to_string(),
        "organization": organization,
        "occurred_at": event.occurred_at.to_string(),
        "actor": { "kind": event.actor_kind, "id": event.actor_id.map(|id| id.to_string()), "name": event.actor_name },
        "credential": event.credential,
        "action": event.action,
        "subject": { "kind": event.subject_kind, "id": event.subject_id.to_string(), "name": event.subject_name },
        "detail": serde_json::from_str::<Value>(&event.detail).unwrap_or(Value::Null),
        "ip": event.ip,
        "user_agent": event.user_agent,
        "request_id": event.request_id,
        "row": row,
        "hash": hash,
    })
}

impl Control {
    /// A part of the organization's audit log in the order in which it is sealed, behind the row `after`, and then what is not sealed yet.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn export_own_audit(&self, grant: &Grant<ViewAudit>, after: i64) -> Result<Vec<Event>> {
        self.read(grant, after, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                let sealed = audit::sealed(tx, of, scene.input, i64::from(MAX_PAGE)).await?;
                Ok(if sealed.is_empty() { audit::unsealed(tx, of, i64::MAX).await? } else { sealed })
            })
        })
        .await
    }

    /// A part of what the organization's audit log tells of a period, oldest first, behind the event `after`. The last part is shorter than [`MAX_PAGE`]
    /// events.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `until` for a period that ends before it begins.
    pub async fn export_own_audit_of(
        &self,
        grant: &Grant<ViewAudit>,
        period: Period,
        after: Option<AuditEventId>,
    ) -> Result<Vec<Event>> {
        check(&period)?;
        self.read(grant, (period, after.unwrap_or(AuditEventId::nil())), |tx, scene| {
            Box::pin(async move {
                let (period, after) = &scene.input;
                Ok(audit::of_period(tx, scene.organization, period, *after, i64::from(MAX_PAGE)).await?)
            })
        })
        .await
    }
}
