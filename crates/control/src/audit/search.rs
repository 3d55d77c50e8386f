//! Searching the audit log, what it says of one thing, and how far it is sealed.

use countersign_domain::id::{AuditEventId, TokenId};
use countersign_domain::text::MAX_DESCRIPTION;
use countersign_store::audit;

use crate::access::actions::ViewAudit;
use crate::{Control, Error, Grant, Page, PageRequest, Part, Result, SEARCHED, input};

use super::{Event, Period, Wanted};

/// Whether there can be anything in a period.
pub(super) fn check(period: &Period) -> Result<()> {
    match (period.from, period.until) {
        (Some(from), Some(until)) if until <= from => Err(Error::invalid("until", "is not after the beginning")),
        _ => Ok(()),
    }
}

/// How far an audit log is sealed. Whether the chain holds is for [`Control::verify_audit`] to say, which reads it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// How many rows are sealed.
    pub sealed: i64,
    /// How many are not yet.
    pub unsealed: i64,
}

impl Control {
    /// A part of those events of the organization's audit log that are wanted, newest first. Where only some are wanted, [`SEARCHED`] events are looked at in
    /// one call; so a part may be short, or have none, and the log go on behind it.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `search`, and at `until` for a period that ends before it begins.
    pub async fn search_audit_events(
        &self,
        grant: &Grant<ViewAudit>,
        wanted: Wanted,
        page: PageRequest<AuditEventId>,
    ) -> Result<Part<Event, AuditEventId>> {
        input::search(wanted.text.as_deref(), MAX_DESCRIPTION)?;
        input::search(wanted.action.as_deref(), MAX_DESCRIPTION)?;
        check(&wanted.period)?;
        let (rows, last) = self
            .read(grant, (wanted, page), |tx, scene| {
                Box::pin(async move {
                    let ((wanted, page), of) = (&scene.input, scene.organization);
                    Ok(audit::search(tx, of, wanted, SEARCHED, page.start(), page.rows()).await?)
                })
            })
            .await?;
        Ok(Part::of(rows, &page, last, |it: &Event| it.id))
    }

    /// What the organization's audit log says of one token, newest first; nothing of a token that is not the organization's.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn token_audit_events(
        &self,
        grant: &Grant<ViewAudit>,
        token: TokenId,
        page: PageRequest<AuditEventId>,
    ) -> Result<Page<Event>> {
        let rows = self
            .read(grant, (token, page), |tx, scene| {
                Box::pin(async move {
                    let (token, page) = scene.input;
                    Ok(audit::of_subject(tx, scene.organization, token, page.start(), page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// How far the organization's audit log is sealed.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn audit_extent(&self, grant: &Grant<ViewAudit>) -> Result<Extent> {
        self.read(grant, (), |tx, scene| {
            Box::pin(async move {
                let head = audit::find_head(tx, scene.organization).await?;
                let unsealed = audit::count_unsealed(tx, scene.organization).await?;
                Ok(Extent { sealed: head.map_or(0, |head| head.sequence), unsealed })
            })
        })
        .await
    }
}
