//! What an agent asks.

use async_graphql::{Context, MergedObject, Object, Result, SimpleObject, Value};
use countersign_control::code_locations::Entry;
use countersign_control::dagster::Wanted;
use countersign_control::organizations;
use countersign_domain::Timestamp;

use crate::call::Call;
use crate::failure::Failure;
use crate::heartbeat::moment;
use crate::people;
use crate::people::agents::Agent;
use crate::storage::{EventLogs, Runs};
use crate::workspace::WorkspaceEntry;

/// The fields of the query.
#[derive(MergedObject, Default)]
pub(crate) struct Query(OfAgents, people::Query);

/// Those that agents ask for. Names, nullability and arguments are what agents send.
#[derive(Default)]
pub(crate) struct OfAgents;

#[Object]
impl OfAgents {
    /// Every agent of the organization that was heard since a time; a person is shown the newest of them.
    async fn agents(&self, ctx: &Context<'_>, heartbeated_since: Option<f64>) -> Result<Vec<Agent>> {
        let call = Call::of(ctx);
        let since = heartbeated_since.map_or(Timestamp::EPOCH, moment);
        if call.caller.user().is_some() {
            return Ok(people::agents::list(call, since).await?);
        }
        let alive = call.control.live_dagster_agents(&call.may()?, since).await.map_err(Failure::Of)?;
        Ok(alive.into_iter().map(Agent::from).collect())
    }

    /// Those of the named deployments that the agent may serve. When nothing but the names is asked for, the agent starts, and would end without a
    /// reason over one that is missing: so it is refused for that one, by name.
    async fn deployments(
        &self,
        ctx: &Context<'_>,
        deployment_names: Option<Vec<String>>,
        #[graphql(name = "includeAllServerlessDeployments")] _include: Option<bool>,
    ) -> Result<Vec<Deployment>> {
        let call = Call::of(ctx);
        let names = deployment_names.unwrap_or_default();
        let entries = ctx.look_ahead().field("workspaceEntries");
        let Some(entries) = entries.selection_fields().into_iter().next() else {
            let reached = call.control.check_dagster_deployments(&call.may()?, names).await.map_err(Failure::Of)?;
            return match reached.refused.as_slice() {
                [] => {
                    let without_entries = |it| Deployment { it, entries: Vec::new() };
                    Ok(reached.served.into_iter().map(without_entries).collect())
                }
                _ => Err(call.withheld(&reached).into()),
            };
        };
        let queues = queues(&entries.arguments()?);
        let wanted = Wanted { deployments: names, queues: Some(queues), branches: false };
        let workspace = call.control.read_dagster_workspace(&call.may()?, wanted).await.map_err(Failure::Of)?;
        let served = call.left(workspace.reached)?;
        let with_entries = |(it, entries)| Deployment { it, entries };
        Ok(served.into_iter().zip(workspace.entries).map(with_entries).collect())
    }

    /// The deployment of an agent whose configuration names none.
    async fn deployment_info(&self, ctx: &Context<'_>) -> Result<DeploymentInfo> {
        Ok(DeploymentInfo::from(served(Call::of(ctx)).await?))
    }

    /// The secrets of a code location's environment: this server keeps none, and without an answer no code would be loaded.
    async fn scoped_secrets(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "locationName")] _location: Option<String>,
    ) -> Result<Vec<Secret>> {
        served(Call::of(ctx)).await?;
        Ok(Vec::new())
    }

    /// What agents and workers read of runs.
    async fn runs(&self) -> Runs {
        Runs
    }

    /// What workers read of events.
    async fn event_logs(&self) -> EventLogs {
        EventLogs
    }

    /// Where the state of definitions is that have one: this server keeps none.
    async fn latest_defs_state_info(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        served(Call::of(ctx)).await?;
        Ok(None)
    }
}

/// The deployment that the call names in its header, or the only one that can be meant.
async fn served(call: &Call) -> Result<organizations::Deployment> {
    let grant = call.may()?;
    let Some(name) = call.deployment.clone() else {
        return Ok(call.control.only_dagster_deployment(&grant).await.map_err(Failure::Of)?);
    };
    let reached = call.control.check_dagster_deployments(&grant, vec![name]).await.map_err(Failure::Of)?;
    let found = call.left(reached)?.into_iter().next();
    Ok(found.ok_or(Failure::Of(countersign_control::Error::NotFound("deployment")))?)
}

/// A secret of a code location's environment. There is none here, and agents ask for these fields.
#[derive(SimpleObject)]
pub(crate) struct Secret {
    /// The variable.
    secret_name: String,
    /// Its value.
    secret_value: String,
    /// The code locations that it is for.
    location_names: Vec<String>,
}

/// The queues that an argument names; what is none is passed over, for the schema refuses it where it stands.
fn queues(arguments: &[(async_graphql::Name, Value)]) -> Vec<Option<String>> {
    let value = arguments.iter().find(|(name, _)| name == "agentQueues").map(|(_, value)| value);
    let one = |value: &Value| match value {
        Value::String(name) => Some(Some(name.clone())),
        Value::Null => Some(None),
        _ => None,
    };
    match value {
        Some(Value::List(names)) => names.iter().filter_map(one).collect(),
        Some(name @ Value::String(_)) => one(name).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A deployment that the agent may serve.
pub(crate) struct Deployment {
    it: organizations::Deployment,
    entries: Vec<Entry>,
}

#[Object]
impl Deployment {
    /// Its name.
    async fn deployment_name(&self) -> &str {
        &self.it.name
    }

    /// Whether it belongs to another one.
    async fn is_branch_deployment(&self) -> bool {
        self.it.parent.is_some()
    }

    /// What the agent is to load for it.
    async fn workspace_entries(
        &self,
        #[graphql(name = "agentQueues")] _queues: Option<Vec<Option<String>>>,
    ) -> Vec<WorkspaceEntry> {
        self.entries.iter().cloned().map(WorkspaceEntry::from).collect()
    }
}

/// The deployment of an agent whose configuration names none.
#[derive(SimpleObject)]
pub(crate) struct DeploymentInfo {
    /// Its name.
    deployment_name: String,
    /// `PRODUCTION` or `BRANCH`.
    deployment_type: Option<String>,
}

impl From<organizations::Deployment> for DeploymentInfo {
    fn from(it: organizations::Deployment) -> Self {
        let kind = if it.parent.is_some() { "BRANCH" } else { "PRODUCTION" };
        Self { deployment_name: it.name, deployment_type: Some(kind.to_owned()) }
    }
}
