//! The audit log: seeing it, sealing it, checking it.
//!
//! A row is written in the transaction of the change it tells of, without a place in the chain: so the chain is no lock that all writers
//! queue for. Sealing follows behind, in batches, one sealer at a time: it gives rows their places and hashes and moves the head, which a
//! MAC of the key ring protects.

mod export;
mod list;
pub(crate) mod seal;
mod search;
mod verify;

use countersign_domain::audit::canonical;
use countersign_domain::id::OrganizationId;
pub use countersign_store::audit::{Event, Period, Wanted};

pub use export::{Export, as_json};
pub use list::AuditLog;
pub use search::Extent;
pub use verify::{Chain, Verdict};

/// What the MAC over a head is labelled with.
const HEAD_LABEL: &str = "countersign/audit-head/v1";

/// Everything that an event's row holds but its place and its hash.
fn bytes_of(event: &Event) -> Vec<u8> {
    let at = event.occurred_at.as_micros().to_be_bytes();
    canonical(&[
        Some(event.id.as_bytes()),
        Some(event.organization.as_bytes()),
        Some(&at),
        Some(event.actor_kind.as_bytes()),
        event.actor_id.as_ref().map(|id| id.as_bytes().as_slice()),
        Some(event.actor_name.as_bytes()),
        event.credential.as_deref().map(str::as_bytes),
        Some(event.action.as_bytes()),
        Some(event.subject_kind.as_bytes()),
        Some(event.subject_id.as_bytes()),
        Some(event.subject_name.as_bytes()),
        Some(event.detail.as_bytes()),
        event.ip.as_deref().map(str::as_bytes),
        event.user_agent.as_deref().map(str::as_bytes),
        event.request_id.as_deref().map(str::as_bytes),
    ])
}

/// What the MAC of a head is over.
fn head_bytes(of: OrganizationId, sequence: i64, hash: &[u8]) -> Vec<u8> {
    canonical(&[Some(of.as_bytes()), Some(&sequence.to_be_bytes()), Some(hash)])
}
