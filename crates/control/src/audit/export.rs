//! The audit log for whoever may see it: whole and in the order of its chain, or of a period in the order in which it happened.

use countersign_domain::id::{AuditEventId, OrganizationId};
use countersign_domain::text::hex;
use countersign_store::{StoreError, Tx, audit};
use serde_json::{Value, json};

use crate::access::actions::{ViewAudit, ViewInstance};
use crate::{Control, Grant, MAX_PAGE, Part, Result};

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

/// How an audit log is read for export, and from where on.
#[derive(Debug, Clone, Copy)]
pub enum Export {
    /// All of it in the order of the chain, behind this row; what is not sealed yet comes last.
    Chain {
        /// 0 for the beginning.
        after: i64,
    },
    /// What happened in a period, in the order in which it happened, behind this event.
    Happened {
        /// When.
        period: Period,
        /// None for the beginning.
        after: Option<AuditEventId>,
    },
}

impl Export {
    /// From the beginning: of all of a log in the order of its chain, of a period in the order in which it happened.
    #[must_use]
    pub const fn of(period: Period) -> Self {
        if period.is_all() { Self::Chain { after: 0 } } else { Self::Happened { period, after: None } }
    }

    /// # Errors
    /// [`crate::Error::Invalid`] at `until` for a period that ends before it begins.
    fn checked(self) -> Result<Self> {
        match self {
            Self::Chain { .. } => {}
            Self::Happened { period, .. } => check(&period)?,
        }
        Ok(self)
    }

    async fn read(self, tx: &mut Tx, of: OrganizationId) -> std::result::Result<Part<Event, Self>, StoreError> {
        let limit = i64::from(MAX_PAGE);
        match self {
            Self::Chain { after } => {
                let sealed = audit::sealed(tx, of, after, limit).await?;
                let last = sealed.last().and_then(|event| event.sealed.as_ref()).map(|(row, _)| *row);
                let items = if last.is_none() { audit::unsealed(tx, of, i64::MAX).await? } else { sealed };
                Ok(Part { items, next: last.map(|after| Self::Chain { after }) })
            }
            Self::Happened { period, after } => {
                let after = after.unwrap_or(AuditEventId::nil());
                let items = audit::of_period(tx, of, &period, after, limit).await?;
                let last = items.last().filter(|_| items.len() >= MAX_PAGE as usize).map(|event| event.id.cast());
                Ok(Part { next: last.map(|after| Self::Happened { period, after: Some(after) }), items })
            }
        }
    }
}

impl Control {
    /// A part of the organization's audit log, oldest first.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `until` for a period that ends before it begins.
    pub async fn export_own_audit(&self, grant: &Grant<ViewAudit>, from: Export) -> Result<Part<Event, Export>> {
        self.read(grant, from.checked()?, |tx, scene| {
            Box::pin(async move { Ok(scene.input.read(tx, scene.organization).await?) })
        })
        .await
    }

    /// The same of any audit log, for the operator.
    ///
    /// # Errors
    /// As [`Control::export_own_audit`].
    pub async fn export_audit(
        &self,
        _: &Grant<ViewInstance>,
        of: OrganizationId,
        from: Export,
    ) -> Result<Part<Event, Export>> {
        let part = self.store().read((of, from.checked()?), |tx, (of, from)| Box::pin(from.read(tx, *of)));
        Ok(part.await?)
    }
}
