//! Flags that say what a token reaches.

use clap::Args;
use countersign_domain::{Network, text::QueueName};
use serde_json::{Value, json};

use crate::{
    api::{Api, shapes},
    commands::deployment,
    failure::Outcome,
    flags::variables,
};

/// What a token reaches; what is not said is not restricted.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Scope")]
pub(super) struct ScopeFlags {
    /// Only these deployments, by name or uuid, separated by commas [default: every one]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', env = variables::DEPLOYMENTS)]
    pub deployments: Vec<String>,
    /// All branch deployments, beside those that are named
    #[arg(long, env = variables::BRANCH_DEPLOYMENTS)]
    pub all_branch_deployments: bool,
    /// Only these queues, separated by commas [default: any]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', env = variables::QUEUES)]
    pub queues: Vec<QueueName>,
    /// Only from these networks, IPv4 or IPv6, addresses or CIDR, separated by commas [default: any]
    #[arg(long, value_name = "NETWORKS", value_delimiter = ',', env = variables::NETWORKS)]
    pub networks: Vec<Network>,
}

impl ScopeFlags {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.deployments.is_empty()
            && !self.all_branch_deployments
            && self.queues.is_empty()
            && self.networks.is_empty()
    }

    /// As the API takes it.
    pub async fn to_input(&self, api: &Api) -> Outcome<Value> {
        let mut input = json!({});
        if !self.deployments.is_empty() || self.all_branch_deployments {
            input["deployments"] = json!(self.deployment_ids(api).await?);
            input["allBranchDeployments"] = json!(self.all_branch_deployments);
        }
        if !self.queues.is_empty() {
            input["queues"] = json!(self.queues);
        }
        if !self.networks.is_empty() {
            input["networks"] = json!(texts(&self.networks));
        }
        Ok(input)
    }

    /// The uuids of the deployments that were named.
    pub async fn deployment_ids(&self, api: &Api) -> Outcome<Vec<String>> {
        if self.deployments.is_empty() {
            return Ok(Vec::new());
        }
        let known = deployment::all(api).await?;
        let uuid = |wanted: &String| Ok(shapes::text(deployment::find(&known, wanted)?, "uuid").to_owned());
        self.deployments.iter().map(uuid).collect()
    }
}

/// Networks as the API takes them.
pub(super) fn texts(networks: &[Network]) -> Vec<String> {
    networks.iter().map(ToString::to_string).collect()
}
