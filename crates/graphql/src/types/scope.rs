//! What an agent token reaches.

use std::collections::BTreeSet;

use async_graphql::{Context, ID, InputObject, Object};
use countersign_control::{Error, Result};
use countersign_domain::id::DeploymentId;
use countersign_domain::text::QueueName;
use countersign_domain::{DeploymentScope, Network, QueueScope, Scope};

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered};

use super::deployment::Deployment;

pub(crate) struct AgentTokenScope(pub Scope);

/// What an agent token reaches. All parts must let a use through.
#[Object]
impl AgentTokenScope {
    /// Whether it reaches every deployment of the organization, also those made later.
    async fn every_deployment(&self) -> bool {
        self.0.deployments == DeploymentScope::Every
    }

    /// The deployments that it names; empty when it reaches every one.
    async fn deployments(&self, ctx: &Context<'_>) -> Nullable<Vec<Deployment>> {
        match &self.0.deployments {
            DeploymentScope::Every => Some(Ok(Vec::new())),
            DeploymentScope::Only { deployments, .. } => answered(named(Call::of(ctx), deployments).await),
        }
    }

    /// Whether it reaches all branch deployments.
    async fn all_branch_deployments(&self) -> bool {
        match self.0.deployments {
            DeploymentScope::Every => true,
            DeploymentScope::Only { all_branches, .. } => all_branches,
        }
    }

    /// Whether its agents may serve any queue.
    async fn any_queue(&self) -> bool {
        self.0.queues == QueueScope::Any
    }

    /// The queues that its agents may serve; empty when they may serve any.
    async fn queues(&self) -> Vec<&str> {
        match &self.0.queues {
            QueueScope::Any => Vec::new(),
            QueueScope::Only(queues) => queues.iter().map(QueueName::as_str).collect(),
        }
    }

    /// Where it may be used from, as CIDR; `0.0.0.0/0` and `::/0` when it may be used from anywhere.
    async fn networks(&self) -> Vec<String> {
        self.0.network_texts()
    }
}

async fn named(call: &Call, wanted: &BTreeSet<DeploymentId>) -> Result<Vec<Deployment>> {
    let all = call.control.deployments(&call.may()?).await?;
    Ok(all.into_iter().filter(|it| wanted.contains(&it.id)).map(Deployment).collect())
}

/// What an agent token is to reach. What is left out or null is not restricted.
#[derive(InputObject)]
pub(crate) struct AgentTokenScopeInput {
    /// Only these deployments, by global id or uuid. Left out and without `allBranchDeployments`: every deployment.
    deployments: Option<Vec<ID>>,
    /// All branch deployments, beside those that are named.
    #[graphql(default_with = "Some(false)")]
    all_branch_deployments: Option<bool>,
    /// Only these queues, by name.
    queues: Option<Vec<String>>,
    /// Only from these networks: IPv4 or IPv6, addresses or CIDR.
    networks: Option<Vec<String>>,
}

impl AgentTokenScopeInput {
    /// # Errors
    /// [`Error::Invalid`] at the part that cannot be read.
    pub(crate) fn read(self) -> Result<Scope> {
        let all_branches = self.all_branch_deployments.unwrap_or(false);
        let deployments = match self.deployments {
            None if !all_branches => DeploymentScope::Every,
            ids => {
                let ids = ids.unwrap_or_default();
                DeploymentScope::Only { deployments: ids.iter().map(deployment).collect::<Result<_>>()?, all_branches }
            }
        };
        let queues = match self.queues {
            None => QueueScope::Any,
            Some(names) => QueueScope::Only(read_all("scope.queues", &names)?),
        };
        let networks: Vec<Network> = read_all("scope.networks", &self.networks.unwrap_or_default())?;
        Ok(Scope { deployments, queues, networks })
    }
}

fn deployment(id: &ID) -> Result<DeploymentId> {
    let known = global_id::parse_uuid(id).or_else(|| global_id::expect(id, Sort::Deployment).ok());
    known.ok_or_else(|| {
        Error::invalid(
            "scope.deployments",
            "holds what is no id of a deployment; take one from organization.deployments",
        )
    })
}

/// Reads every text of a list, or names the first that cannot be read by its place.
fn read_all<T, C>(field: &str, texts: &[String]) -> Result<C>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    C: FromIterator<T>,
{
    let read = |(at, text): (usize, &String)| {
        text.trim().parse().map_err(|why: T::Err| Error::invalid(&format!("{field}[{at}]"), why))
    };
    texts.iter().enumerate().map(read).collect()
}
