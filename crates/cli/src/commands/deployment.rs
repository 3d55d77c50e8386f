//! `countersign deployment`: the boundaries that work runs inside, and their branch deployments.

use clap::{Args, Subcommand};
use countersign_domain::text::{DeploymentName, Description};
use countersign_domain::{Timestamp, clock::NotATimestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Ambient,
    api::{
        Api, documents,
        shapes::{self, text},
    },
    failure::{Exit, Failure, Outcome},
    flags::{ServerArgs, variables},
    output::{Printer, Table, brief, harmless, local_time},
};

/// Create, list, rename and delete deployments, the boundaries that work runs inside
#[derive(Debug, Args)]
pub struct DeploymentCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a deployment, or a branch deployment of one
    #[command(
        after_help = "Example:\n  countersign deployment create pull-17 --branch-of prod --expires 2027-01-31T09:00:00Z"
    )]
    Create(Create),
    /// List deployments, each with its branch deployments
    #[command(after_help = "Example:\n  countersign deployment list")]
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give a deployment another name; tokens that name it go on reaching it
    #[command(after_help = "Example:\n  countersign deployment rename staging testing")]
    Rename {
        #[command(flatten)]
        named: Named,
        /// Its new name
        #[arg(value_name = "NEW_NAME")]
        to: DeploymentName,
    },
    /// Delete a deployment; one that holds work only by force
    #[command(after_help = "Example:\n  countersign deployment delete staging --force")]
    Delete {
        #[command(flatten)]
        named: Named,
        /// Also when it holds work: builds are cancelled, agents told to leave once their job has ended, agent tokens that reach it alone
        /// revoked, branch deployments deleted
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// Its name: letters, digits, '-', '_', '.' and blanks
    #[arg(value_name = "NAME")]
    new: DeploymentName,
    /// The full deployment that it belongs to, by name or uuid, for a branch deployment
    #[arg(long, value_name = "NAME", env = variables::BRANCH_OF)]
    branch_of: Option<String>,
    /// When a branch deployment is removed with all that it holds, as 2027-01-31T09:00:00Z [default: never]
    #[arg(long, value_name = "TIME", value_parser = time, requires = "branch_of", env = variables::EXPIRES)]
    expires: Option<Timestamp>,
    /// What it is for: 1 to 1,000 characters
    #[arg(long, env = variables::DESCRIPTION)]
    description: Option<Description>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
struct Named {
    /// The deployment, by name or uuid
    #[arg(value_name = "NAME")]
    deployment: String,
    #[command(flatten)]
    server: ServerArgs,
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error: NotATimestamp| error.to_string())
}

#[derive(Deserialize)]
struct Listed {
    deployments: shapes::Connection<Value>,
}

impl DeploymentCommand {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Create(it) => it.run(ambient, printer).await?,
            Command::List { server } => {
                let deployments = all(&Api::for_user(&server, &ambient.environment)?).await?;
                printer.result(&deployments, || table(&deployments))?;
            }
            Command::Rename { named, to } => {
                let api = Api::for_user(&named.server, &ambient.environment)?;
                let before = find(&all(&api).await?, &named.deployment)?.clone();
                let input = json!({ "id": before["id"], "name": to });
                let mut answer: Value = api.call(documents::DEPLOYMENT_RENAME, json!({ "input": input })).await?;
                let after = shapes::there(Some(answer["deploymentRename"]["deployment"].take()), "deployment")?;
                printer.result(&after, || {
                    format!("Deployment {} is called {} now.", text(&before, "name"), text(&after, "name"))
                })?;
            }
            Command::Delete { named, force } => {
                let api = Api::for_user(&named.server, &ambient.environment)?;
                let deployment = find(&all(&api).await?, &named.deployment)?.clone();
                let input = json!({ "id": deployment["id"], "force": force });
                let mut answer: Value = api.call(documents::DEPLOYMENT_DELETE, json!({ "input": input })).await?;
                let deleted = shapes::there(Some(answer["deploymentDelete"].take()), "deployment")?;
                printer.result(&deleted, || farewell(text(&deployment, "name"), &deleted))?;
            }
        }
        Ok(Exit::Done)
    }
}

impl Create {
    async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let mut input = json!({ "name": self.new, "description": self.description });
        if let Some(parent) = &self.branch_of {
            input["parentId"] = find(&all(&api).await?, parent)?["id"].clone();
        }
        if let Some(expires) = self.expires {
            input["expiresAt"] = json!(expires.to_string());
        }
        let mut answer: Value = api.call(documents::DEPLOYMENT_CREATE, json!({ "input": input })).await?;
        let made = shapes::there(Some(answer["deploymentCreate"]["deployment"].take()), "deployment")?;
        printer.result(&made, || table(std::slice::from_ref(&made)))
    }
}

/// Every deployment: a full one, then its branch deployments.
pub(super) async fn all(api: &Api) -> Outcome<Vec<Value>> {
    let mut deployments: Vec<Value> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let answer: shapes::Viewer<Listed> = api.call(documents::DEPLOYMENTS, json!({ "after": after })).await?;
        let page = answer.into_organization()?.deployments;
        after = page.next();
        deployments.extend(page.into_nodes());
        if after.is_none() {
            break;
        }
    }
    deployments.sort_by_cached_key(|it| {
        let name = text(it, "name").to_owned();
        match it["parent"]["name"].as_str() {
            Some(parent) => (parent.to_owned(), Some(name)),
            None => (name, None),
        }
    });
    Ok(deployments)
}

/// The deployment of that name or uuid.
pub(super) fn find<'a>(known: &'a [Value], wanted: &str) -> Outcome<&'a Value> {
    known.iter().find(|it| text(it, "name") == wanted || text(it, "uuid") == wanted).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|it| text(it, "name")).collect();
        Failure::new(Exit::NotFound, format!("no deployment {wanted} found; there are: {}", names.join(", ")))
    })
}

fn farewell(name: &str, deleted: &Value) -> String {
    let mut said = format!("Deployment {name} is deleted.\n");
    for (field, what) in [
        ("buildsCanceled", "builds cancelled"),
        ("agentsTold", "agents told to leave"),
        ("agentTokensRevoked", "agent tokens revoked"),
    ] {
        if deleted[field].as_i64().is_some_and(|count| count > 0) {
            said.push_str(&format!("{what}: {}\n", deleted[field]));
        }
    }
    let branches = deleted["deletedBranchDeployments"].as_array().cloned().unwrap_or_default();
    if !branches.is_empty() {
        let names: Vec<String> = branches.iter().filter_map(Value::as_str).map(harmless).collect();
        said.push_str(&format!("branch deployments deleted: {}\n", names.join(", ")));
    }
    said
}

fn table(deployments: &[Value]) -> String {
    let mut table = Table::new(&["deployment", "branch of", "created", "expires", "description"]);
    for it in deployments {
        let mark = if it["isDefault"] == true { " (default)" } else { "" };
        table.row([
            format!("{}{mark}", text(it, "name")),
            it["parent"]["name"].as_str().unwrap_or("-").to_owned(),
            local_time(it["createdAt"].as_str()),
            it["expiresAt"].as_str().map_or_else(|| "-".to_owned(), |at| local_time(Some(at))),
            brief(text(it, "description")),
        ]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_found_by_its_name_or_uuid() {
        let known = [json!({ "name": "prod", "uuid": "u1" }), json!({ "name": "staging", "uuid": "u2" })];
        assert_eq!(find(&known, "u2").expect("found")["name"], "staging");
        let failure = find(&known, "pro").expect_err("no such name");
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(failure.to_string(), "no deployment pro found; there are: prod, staging");
    }

    #[test]
    fn what_went_with_it_is_said() {
        let deleted = json!({ "buildsCanceled": 2, "agentsTold": 0, "deletedBranchDeployments": ["a", "b"] });
        let said = "Deployment prod is deleted.\nbuilds cancelled: 2\nbranch deployments deleted: a, b\n";
        assert_eq!(farewell("prod", &deleted), said);
    }
}
