//! Seeing the audit log.

use countersign_domain::id::{AuditEventId, OrganizationId};
use countersign_store::audit::{self, Event, Period};
use countersign_store::organizations;

use crate::access::actions::{ViewAudit, ViewInstance};
use crate::{Control, Grant, MAX_PAGE, Page, PageRequest, Result};

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

    /// The same of a period.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `until` for one that ends before it begins.
    pub async fn audit_events_of(
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
                    Ok(audit::page_of_period(tx, scene.organization, period, page.start(), page.rows()).await?)
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

    /// A part of what an audit log tells of a period, oldest first, behind the event `after`: for export by the operator. The last part is shorter than
    /// [`MAX_PAGE`] events.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `until` for a period that ends before it begins.
    pub async fn export_audit_of(
        &self,
        _: &Grant<ViewInstance>,
        of: OrganizationId,
        period: Period,
        after: Option<AuditEventId>,
    ) -> Result<Vec<Event>> {
        check(&period)?;
        let after = after.unwrap_or(AuditEventId::nil());
        let events = self.store().read((of, period, after), |tx, (of, period, after)| {
            Box::pin(audit::of_period(tx, *of, period, *after, i64::from(MAX_PAGE)))
        });
        Ok(events.await?)
    }
}
