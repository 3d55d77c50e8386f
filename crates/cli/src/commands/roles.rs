//! Roles in deployments, as the commands of members and of teams give and show them.

use clap::Args;
use countersign_domain::{DeploymentRole, text::DeploymentName};
use serde::Deserialize;
use serde_json::{Value, json};

use super::deployment;
use crate::{
    api::{
        Api, role_documents as documents,
        shapes::{self, Connection, text},
    },
    failure::{Exit, Failure, Outcome},
    flags::variables,
    output::{Printer, Table, harmless, local_time},
};

/// Where a role is for.
#[derive(Debug, Args)]
pub(super) struct At {
    /// The deployment that it is for
    #[arg(long, value_name = "NAME", env = variables::DEPLOYMENT)]
    deployment: Option<DeploymentName>,
    /// All branch deployments, also those made later
    #[arg(long, env = variables::BRANCH_DEPLOYMENTS)]
    all_branch_deployments: bool,
}

/// Which role is given, and where.
#[derive(Debug, Args)]
pub(super) struct Given {
    /// The role: viewer, launcher, editor or admin
    #[arg(value_name = "ROLE")]
    to: DeploymentRole,
    #[command(flatten)]
    at: At,
    /// Let an admin also manage the agent tokens that reach nothing else; only an Organization Admin gives this
    #[arg(long, env = variables::MANAGE_AGENT_TOKENS)]
    manage_agent_tokens: bool,
}

impl Given {
    /// Gives it to whoever the field of the input names.
    pub(super) async fn give(&self, api: &Api, printer: Printer, field: &str, holder: &str) -> Outcome<()> {
        if self.manage_agent_tokens && self.to != DeploymentRole::Admin {
            return Err(Failure::bad_input("--manage-agent-tokens comes with the role admin alone; leave it out"));
        }
        let mut input = self.at.input(api, field, holder).await?;
        input["role"] = json!(self.to.as_str().to_uppercase());
        input["manageAgentTokens"] = json!(self.manage_agent_tokens);
        let mut answer: Value = api.call(documents::ROLE_GIVE, json!({ "input": input })).await?;
        let grant = answer["deploymentRoleGive"]["deploymentRoleGrant"].take();
        shown(printer, &shapes::there(Some(grant), "role")?, "has")
    }
}

impl At {
    /// Takes away what whoever the field of the input names was given there.
    pub(super) async fn take(&self, api: &Api, printer: Printer, field: &str, holder: &str) -> Outcome<()> {
        let input = self.input(api, field, holder).await?;
        let mut answer: Value = api.call(documents::ROLE_TAKE, json!({ "input": input })).await?;
        let grant = answer["deploymentRoleTake"]["deploymentRoleGrant"].take();
        shown(printer, &shapes::there(Some(grant), "role")?, "no longer has")
    }

    async fn input(&self, api: &Api, field: &str, holder: &str) -> Outcome<Value> {
        let mut input = json!({});
        input[field] = json!(holder.trim());
        match (&self.deployment, self.all_branch_deployments) {
            (Some(name), false) => {
                let known = deployment::all(api).await?;
                input["deploymentId"] = deployment::find(&known, name.as_str())?["id"].clone();
            }
            (None, true) => input["allBranchDeployments"] = json!(true),
            (None, false) => {
                return Err(Failure::bad_input(
                    "where? give --deployment NAME, or --all-branch-deployments for all of them",
                ));
            }
            (Some(_), true) => {
                return Err(Failure::bad_input(
                    "--deployment and --all-branch-deployments exclude each other; give one of them",
                ));
            }
        }
        Ok(input)
    }
}

fn place(grant: &Value) -> String {
    if grant["allBranchDeployments"] == true {
        return "all branch deployments".to_owned();
    }
    grant["deployment"]["name"].as_str().unwrap_or("-").to_owned()
}

fn holder(grant: &Value) -> String {
    if let Some(team) = grant["team"]["name"].as_str() {
        return format!("The team {}", harmless(team));
    }
    let member = &grant["member"];
    harmless(text(&member["user"], if member["isServiceUser"] == true { "name" } else { "email" }))
}

fn shown(printer: Printer, grant: &Value, has: &str) -> Outcome<()> {
    printer.result(grant, || {
        let tokens = if grant["managesAgentTokens"] == true { ", with its agent tokens" } else { "" };
        let role = text(grant, "role").to_lowercase();
        format!("{} {has} the role {role} in {}{tokens}.", holder(grant), harmless(&place(grant)))
    })
}

/// Grants as a table; `by` says for each how its holder comes to it.
pub(super) fn table(grants: &[(String, Value)]) -> String {
    let mut table = Table::new(&["deployment", "role", "agent tokens", "by", "since"]);
    for (by, it) in grants {
        table.row([
            place(it),
            text(it, "role").to_lowercase(),
            if it["managesAgentTokens"] == true { "yes" } else { "-" }.to_owned(),
            by.clone(),
            local_time(it["createdAt"].as_str()),
        ]);
    }
    table.render()
}

#[derive(Deserialize)]
struct Found {
    holder: Option<Held>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    deployment_roles: Connection<Value>,
    teams: Option<Connection<Value>>,
}

/// Everything that a member or a team was given, and a member's teams.
async fn all_of(api: &Api, document: &str, what: &str, holder: &str) -> Outcome<(Vec<Value>, Vec<Value>)> {
    let (mut grants, mut after): (Vec<Value>, Option<String>) = (Vec::new(), None);
    loop {
        let variables = json!({ "id": holder.trim(), "after": after });
        let answer: shapes::Viewer<Found> = api.call(document, variables).await?;
        let Some(held) = answer.into_organization()?.holder else {
            return Err(Failure::new(Exit::NotFound, format!("no {what} found")));
        };
        after = held.deployment_roles.next();
        grants.extend(held.deployment_roles.into_nodes());
        if after.is_none() {
            return Ok((grants, held.teams.map(Connection::into_nodes).unwrap_or_default()));
        }
    }
}

/// Everything that a team was given.
pub(super) async fn of_team(api: &Api, team: &str) -> Outcome<Vec<Value>> {
    Ok(all_of(api, documents::ROLES_OF_TEAM, "team", team).await?.0)
}

/// Lists what a member was given, of their own and by their teams.
pub(super) async fn of_member(api: &Api, printer: Printer, member: &str) -> Outcome<()> {
    let (own, teams) = all_of(api, documents::ROLES_OF_MEMBER, "member", member).await?;
    let mut all: Vec<(String, Value)> = own.into_iter().map(|it| ("-".to_owned(), it)).collect();
    for team in teams {
        let by = format!("team {}", text(&team, "name"));
        all.extend(of_team(api, text(&team, "uuid")).await?.into_iter().map(|it| (by.clone(), it)));
    }
    let grants: Vec<&Value> = all.iter().map(|(_, grant)| grant).collect();
    printer.result(&grants, || table(&all))
}

/// Shows, or changes, what all members have.
pub(super) async fn of_all(api: &Api, printer: Printer, to: Option<DeploymentRole>) -> Outcome<()> {
    let organization: Value = match to {
        None => {
            let answer: shapes::Viewer<Value> = api.call(documents::MEMBERS_ROLE, json!({})).await?;
            answer.into_organization()?
        }
        Some(role) => {
            let input = json!({ "role": role.as_str().to_uppercase() });
            let mut answer: Value = api.call(documents::MEMBERS_ROLE_UPDATE, json!({ "input": input })).await?;
            shapes::there(Some(answer["membersRoleUpdate"]["organization"].take()), "organization")?
        }
    };
    printer.result(&organization, || {
        format!("Every member has the role {} in every deployment.", text(&organization, "membersRole").to_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_told_with_its_holder_and_place() {
        let user = json!({ "email": "x@service-users.invalid", "name": "deployer" });
        let grant = json!({ "allBranchDeployments": true, "member": { "isServiceUser": true, "user": user } });
        assert_eq!((holder(&grant), place(&grant)), ("deployer".to_owned(), "all branch deployments".to_owned()));
        let grant = json!({ "deployment": { "name": "prod" }, "team": { "name": "platform" } });
        assert_eq!((holder(&grant), place(&grant)), ("The team platform".to_owned(), "prod".to_owned()));
    }
}
