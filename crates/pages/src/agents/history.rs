//! What the audit log says of an agent, on its page.

use countersign_control::PageRequest;
use countersign_control::access::actions::ViewAudit;
use countersign_control::agents::AnyAgentId;

use crate::failure::Failure;
use crate::settings::audit::{Row, fit};
use crate::visit::Visit;

/// Events that are shown; the rest is in the audit log.
const EVENTS: u32 = 20;
/// The most bytes that their texts take in the page.
const MOST: usize = 20_000;

/// The newest events about an agent, for whoever sees the audit log.
pub(super) async fn events(visit: &Visit, agent: AnyAgentId) -> Result<Vec<Row>, Failure> {
    if !visit.can::<ViewAudit>() {
        return Ok(Vec::new());
    }
    let page = PageRequest::first(EVENTS);
    let found = visit.control().agent_audit_events(&visit.may::<ViewAudit>()?, agent, page).await?;
    let mut left = MOST;
    let mut rows = Row::all(&found.items, visit.control().now());
    rows.retain(|row| {
        let rest = left.checked_sub(row.weight());
        // Behind one that is left out there is no room for any.
        left = rest.unwrap_or_default();
        rest.is_some()
    });
    fit(&mut rows, MOST);
    Ok(rows)
}
