//! Ways that lead on: the start page, and an organization's address without more.

use crate::frame::{self, Answer};
use crate::visit::Visit;

/// Leads to the organization that one works in now; whoever is not signed in is led there first.
pub(crate) async fn home(visit: Visit) -> Answer {
    Ok(frame::to(&visit.path("/agents")))
}

/// Leads to an organization's agents.
pub(crate) async fn organization(visit: Visit) -> Answer {
    Ok(frame::to(&visit.path("/agents")))
}
