//! Seeing the audit log.

use countersign_domain::id::{AuditEventId, OrganizationId};
use countersign_store::audit::{self, Event, Period};
use countersign_store::organizations;

use crate::access::actions::{ViewAudit, ViewInstance};
use crate::{Control, Grant, Page, PageRequest, Result};

use super::search::check;

/// One log, by whom it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLog {
    /// The organization; nil for the instance itself.
    pub of: OrganizationId,
    /// The organization's slug; none for the instance.
    pub slug: Option<String>,
}

impl Control {
    /// A page of the organization's audit log of a period, newest first.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `until` for one that ends before it begins.
    pub async fn audit_events(
        &self,
        grant: &Grant<ViewAudit>,
        period: Period,
        page: PageRequest<AuditEventId>,
    ) -> Result<Page<Event>> {
        check(&period)?;
        let rows = self
            .read(grant, (period, page), |tx, scene| {
                Box::pin(async move {
                    let (period, page) = &scene.input;
                    Ok(audit::page(tx, scene.organization, period, page.start(), page.rows()).await?)
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

    /// A page of any audit log of a period, newest first: for the operator.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `until` for one that ends before it begins.
    pub async fn audit_events_of(
        &self,
        _: &Grant<ViewInstance>,
        of: OrganizationId,
        period: Period,
        page: PageRequest<AuditEventId>,
    ) -> Result<Page<Event>> {
        check(&period)?;
        let rows = self.store().read((of, period, page), |tx, (of, period, page)| {
            Box::pin(audit::page(tx, *of, period, page.start(), page.rows()))
        });
        Ok(Page::of(rows.await?, &page))
    }
}
