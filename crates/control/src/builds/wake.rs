//! Who is to look at once, after the commit: the one place where a change in jobs becomes a call to agents that wait.

use std::collections::BTreeSet;

use countersign_domain::id::{AgentId, DeploymentId};
use countersign_store::Tx;

use crate::Scene;

/// Jobs wait in these queues, and something is different for these agents. Agents that ask in intervals find it by themselves.
pub(crate) fn wake<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    lines: BTreeSet<(DeploymentId, String)>,
    agents: BTreeSet<AgentId>,
) {
    let of = scene.organization;
    if lines.is_empty() && agents.is_empty() {
        return;
    }
    tx.on_commit(move || tracing::trace!(%of, lines = lines.len(), agents = agents.len(), "there is something to do"));
}
