//! `countersign token permissions`: what a token reaches.

use clap::Args;
use serde_json::{Value, json};

use super::{
    Named, find,
    scope_flags::{ScopeFlags, texts},
    view,
};
use crate::{
    Ambient,
    api::{Api, documents, shapes::text},
    commands::reach::ReachFlag,
    failure::{Failure, Outcome},
    flags::variables,
    output::{Printer, harmless},
};

/// Show or change what an agent token reaches
///
/// Without flags it shows the scope. What is said replaces that part; the other parts stay. A narrowed scope holds at once for whatever
/// is new; agents that are connected and no longer fit are treated as --connected-agents says.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  countersign token permissions 4f9Kd0aZ81b --queues deploy --networks 10.0.0.0/8 --connected-agents drain"
)]
pub(super) struct Permissions {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    scope: ScopeFlags,
    /// Every deployment
    #[arg(long, conflicts_with_all = ["deployments", "all_branch_deployments"], env = variables::EVERY_DEPLOYMENT)]
    every_deployment: bool,
    /// Any queue
    #[arg(long, conflicts_with = "queues", env = variables::ANY_QUEUE)]
    any_queue: bool,
    /// From any network
    #[arg(long, conflicts_with = "networks", env = variables::ANY_NETWORK)]
    any_network: bool,
    #[command(flatten)]
    reach: ReachFlag,
}

impl Permissions {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        let api = self.named.api(ambient)?;
        let token = find(&api, &self.named.token).await?;
        if self.scope.is_empty() && !self.every_deployment && !self.any_queue && !self.any_network {
            let scope = &token["scope"];
            return printer.result(scope, || view::scope(scope));
        }
        let input = json!({
            "id": text(&token, "id"),
            "scope": self.changed(&token["scope"], &api).await?,
            "connectedAgents": self.reach.as_input(),
        });
        let mut answer: Value = api.call(documents::TOKEN_UPDATE, json!({ "input": input })).await?;
        let changed = answer["agentTokenUpdate"].take();
        if changed.is_null() {
            return Err(Failure::internal("the server answered without the token"));
        }
        printer.result(&changed, || {
            format!(
                "{}\n{}",
                harmless(&view::scope(&changed["agentToken"]["scope"])),
                view::touched(&changed["touchedAgents"])
            )
        })
    }

    /// The scope that there is, with the parts that were said.
    async fn changed(&self, now: &Value, api: &Api) -> Outcome<Value> {
        let mut scope = json!({});
        if !self.scope.deployments.is_empty() || self.scope.all_branch_deployments {
            scope["deployments"] = json!(self.scope.deployment_ids(api).await?);
            scope["allBranchDeployments"] = json!(self.scope.all_branch_deployments);
        } else if !self.every_deployment && now["everyDeployment"] != true {
            let kept: Vec<&str> =
                now["deployments"].as_array().into_iter().flatten().map(|it| text(it, "uuid")).collect();
            scope["deployments"] = json!(kept);
            scope["allBranchDeployments"] = now["allBranchDeployments"].clone();
        }
        if !self.scope.queues.is_empty() {
            scope["queues"] = json!(self.scope.queues);
        } else if !self.any_queue && now["anyQueue"] != true {
            scope["queues"] = now["queues"].clone();
        }
        if !self.scope.networks.is_empty() {
            scope["networks"] = json!(texts(&self.scope.networks));
        } else if !self.any_network {
            scope["networks"] = now["networks"].clone();
        }
        Ok(scope)
    }
}
