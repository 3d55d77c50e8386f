//! Seeing the audit log.

use countersign_domain::id::{AuditEventId, OrganizationId};
use countersign_store::audit::{self, Event};
use countersign_store::organizations;

use crate::access::actions::{ViewAudit, ViewInstance};
use crate::{Control, Grant, MAX_PAGE, Page, PageRequest, Result};

/// One log, by whom it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLog {
    /// The organization; nil for the instance itself.
    pub of: OrganizationId,
    /// The organization's slug; none for the instance.
    pub slug: Option<String>,
}

impl Control {
    /// A page of the organization's audit log, newest first.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn audit_events(&self, grant: &Grant<ViewAudit>, page: PageRequest<AuditEventId>) -> Result<Page<Event>> {
        let rows = self
            .read(grant, page, |tx, scene| {
                Box::pin(async move {
                    let after = scene.input.start();
                    Ok(audit::page(tx, scene.organization, after, scene.input.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// The audit logs that there are, the instance's own among them: for the operator.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn audit_logs(&self, _: &Grant<ViewInstance>) -> Result<Vec<AuditLog>> {
        let logs = self.store().read((), |tx, ()| {
            Box::pin(async {
                let mut logs = Vec::new();
                for of in audit::organizations(tx).await? {
                    let slug = organizations::find(tx, of).await?.map(|organization| organization.slug);
                    logs.push(AuditLog { of, slug });
                }
                Ok::<_, countersign_store::StoreError>(logs)
            })
        });
        Ok(logs.await?)
    }

    /// A part of an audit log in the order in which it is sealed, and then what is not sealed yet: for export by the operator.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn export_audit(&self, _: &Grant<ViewInstance>, of: OrganizationId, after: i64) -> Result<Vec<Event>> {
        let events = self
            .store()
            .read((of, after), |tx, (of, after)| {
                Box::pin(async move {
                    let limit = i64::from(MAX_PAGE);
                    let sealed = audit::sealed(tx, *of, *after, limit).await?;
                    if sealed.is_empty() { audit::unsealed(tx, *of, i64::MAX).await } else { Ok(sealed) }
                })
            })
            .await?;
        Ok(events)
    }
}
