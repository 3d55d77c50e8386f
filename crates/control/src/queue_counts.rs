//! How much there is to do and how many agents there are for it: what autoscalers ask, with an agent token.

use std::collections::BTreeMap;

use countersign_domain::DeploymentScope;
use countersign_domain::id::{DeploymentId, OrganizationId};
use countersign_domain::scope::Scope;
use countersign_store::organizations::{self, Deployment, Organization};
use countersign_store::tokens::scopes;
use countersign_store::{Tx, queue_counts};

use crate::access::actions::CountQueues;
use crate::{Caller, Control, Error, Grant, Result};

/// Agents and jobs, of one queue or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Connected agents without a job.
    pub agents_idle: i64,
    /// Connected agents that have one.
    pub agents_busy: i64,
    /// Jobs that an agent could take now.
    pub jobs_scheduled: i64,
    /// Jobs that an agent has.
    pub jobs_running: i64,
    /// Jobs that wait for something else: a step before them, a person, a place in their concurrency group.
    pub jobs_waiting: i64,
}

impl Counts {
    pub(crate) fn add_agents(&mut self, some: &queue_counts::Agents) {
        self.agents_busy += some.busy;
        self.agents_idle += some.count - some.busy;
    }

    pub(crate) fn add_jobs(&mut self, some: &queue_counts::Jobs) {
        match some.state.as_str() {
            "scheduled" => self.jobs_scheduled += some.count,
            "assigned" | "accepted" | "running" | "canceling" | "timing_out" => self.jobs_running += some.count,
            _ => self.jobs_waiting += some.count,
        }
    }
}

/// What an agent token reaches, counted.
#[derive(Debug, Clone)]
pub struct QueueCounts {
    /// The token's organization.
    pub organization: Organization,
    /// The deployment that the token is for, when it is for one.
    pub deployment: Option<Deployment>,
    /// By queue; queues of one name in several deployments are counted together.
    pub queues: BTreeMap<String, Counts>,
}

impl QueueCounts {
    /// All queues together.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.queues.values().fold(Counts::default(), |sum, it| Counts {
            agents_idle: sum.agents_idle + it.agents_idle,
            agents_busy: sum.agents_busy + it.agents_busy,
            jobs_scheduled: sum.jobs_scheduled + it.jobs_scheduled,
            jobs_running: sum.jobs_running + it.jobs_running,
            jobs_waiting: sum.jobs_waiting + it.jobs_waiting,
        })
    }
}

impl Control {
    /// Counts agents and jobs within what the grant's agent token reaches; nothing outside of it is counted or named.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn count_queues(&self, grant: &Grant<CountQueues>) -> Result<QueueCounts> {
        let Caller::AgentToken(caller) = grant.caller() else {
            return Err(Error::internal("a count was granted to no agent token"));
        };
        self.read(grant, caller.token, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                let organization = organizations::find(tx, of).await?.ok_or_else(Error::unknown)?;
                let scope = scopes::find(tx, of, scene.input).await?.ok_or_else(Error::unknown)?;
                let reached = reached(tx, of, &scope).await?;
                let sees = |deployment: DeploymentId, queue: &str| {
                    reached.contains_key(&deployment) && scope.allows_queue_named(queue)
                };
                let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
                for it in queue_counts::agents(tx, of).await?.into_iter().filter(|it| sees(it.deployment, &it.queue)) {
                    counts.entry(it.queue.clone()).or_default().add_agents(&it);
                }
                for it in queue_counts::jobs(tx, of).await?.into_iter().filter(|it| sees(it.deployment, &it.queue)) {
                    counts.entry(it.queue.clone()).or_default().add_jobs(&it);
                }
                let is_one = matches!(&scope.deployments, DeploymentScope::Only { all_branches: false, .. });
                let deployment = if is_one && reached.len() == 1 { reached.into_values().next() } else { None };
                Ok(QueueCounts { organization, deployment, queues: counts })
            })
        })
        .await
    }
}

/// The deployments within a scope.
async fn reached(tx: &mut Tx, of: OrganizationId, scope: &Scope) -> Result<BTreeMap<DeploymentId, Deployment>> {
    let all = organizations::deployments(tx, of).await?;
    let within = all.into_iter().filter(|it| scope.allows_deployment(it.id, it.parent.is_some()));
    Ok(within.map(|it| (it.id, it)).collect())
}
