//! Who is to look at once, after the commit: the one place where a change in jobs becomes a call to agents that wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_domain::agent::Rules;
use countersign_domain::id::{AgentId, OrganizationId};
use countersign_store::Tx;
use countersign_store::jobs::dispatch::Spot;

use crate::Scene;
use crate::wakeups::Line;

/// So many jobs wait in these spots, and something is different for these agents. Agents that ask in intervals find it by themselves.
pub(crate) fn wake<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    of: OrganizationId,
    waiting: BTreeMap<Spot, usize>,
    agents: BTreeSet<AgentId>,
) {
    for (Spot { deployment, queue, rules }, jobs) in waiting {
        // Rules that cannot be read keep nobody from looking.
        let rules = Rules::parse(&rules).unwrap_or_default();
        let line = Line { organization: of, deployment, queue };
        scene.jobs_waiting(tx, line, jobs, Arc::new(move |tags: &[String]| rules.fit(tags)));
    }
    for agent in agents {
        scene.agent_changed(tx, agent);
    }
}
