//! Removing agents that have been gone for long and that no job names any more.

use std::collections::BTreeMap;

use countersign_domain::Timestamp;
use countersign_domain::id::OrganizationId;
use countersign_store::{Lane, dagster_agents, retention};
use serde_json::json;

use crate::access::actions::KeepHouse;
use crate::scene::Subject;
use crate::{Control, Grant, Result};

/// How many agents one round removes at the most; the next round goes on.
pub const AGENTS_AT_ONCE: i64 = 200;

/// Those of each organization: one transaction is for one.
fn of_each<T>(all: Vec<(OrganizationId, T)>) -> BTreeMap<OrganizationId, Vec<T>> {
    let mut found: BTreeMap<OrganizationId, Vec<T>> = BTreeMap::new();
    for (of, one) in all {
        found.entry(of).or_default().push(one);
    }
    found
}

impl Control {
    /// Removes agents that left or were lost before a time, with their sessions. One that a job names stays as long as the job does.
    pub(super) async fn remove_agents(&self, before: Timestamp) -> Result<u64> {
        let gone = self.store().read(before, |tx, it| Box::pin(retention::gone_agents(tx, *it, AGENTS_AT_ONCE)));
        let mut removed = 0;
        for (of, agents) in of_each(gone.await?) {
            let grant: Grant<KeepHouse> = self.system("gone for long", of)?;
            let counting = self.write(&grant, Lane::Normal, (agents, before), |tx, scene| {
                Box::pin(async move {
                    let (agents, before) = &scene.input;
                    let mut count = 0;
                    for id in agents {
                        let name = retention::drop_agent(tx, scene.organization, *id, *before).await?;
                        let Some(name) = name else { continue };
                        let subject = Subject::new::<countersign_domain::id::of::Agent>("agent", *id, name);
                        scene.audit(tx, "agent.removed", subject, json!({})).await?;
                        count += 1;
                    }
                    Ok(count)
                })
            });
            removed += counting.await?;
        }
        Ok(removed)
    }

    /// Removes Dagster+ agents that were last heard before a time, with what they did. They never say goodbye.
    pub(super) async fn remove_dagster_agents(&self, before: Timestamp) -> Result<u64> {
        let silent = self.store().read(before, |tx, it| Box::pin(dagster_agents::silent(tx, *it, AGENTS_AT_ONCE)));
        let mut removed = 0;
        for (of, agents) in of_each(silent.await?) {
            let grant: Grant<KeepHouse> = self.system("gone for long", of)?;
            let counting = self.write(&grant, Lane::Normal, (agents, before), |tx, scene| {
                Box::pin(async move {
                    let (agents, before) = &scene.input;
                    let mut count = 0;
                    for id in agents {
                        let name = dagster_agents::remove(tx, scene.organization, *id, *before).await?;
                        let Some(name) = name else { continue };
                        let subject =
                            Subject::new::<countersign_domain::id::of::DagsterAgent>("dagster_agent", *id, name);
                        scene.audit(tx, "dagster_agent.removed", subject, json!({})).await?;
                        count += 1;
                    }
                    Ok(count)
                })
            });
            removed += counting.await?;
        }
        Ok(removed)
    }
}
