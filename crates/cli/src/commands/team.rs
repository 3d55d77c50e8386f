//! `countersign team`: members who hold roles in deployments together.

use clap::{Args, Subcommand};
use countersign_domain::text::{Description, TeamName};
use serde::Deserialize;
use serde_json::{Value, json};

use super::roles;
use crate::{
    Ambient,
    api::{
        Api, documents as people, inputs, role_documents as documents,
        shapes::{self, Connection, text},
    },
    failure::{Exit, Outcome},
    flags::{ServerArgs, variables},
    output::{Printer, Table, brief, harmless, local_time},
};

/// Create, list, change and delete teams, and give them roles in deployments
///
/// What a team is given each of its members holds, for as long as they are in it. Teams are of people: a service user is given roles of its
/// own.
#[derive(Debug, Args)]
pub struct Team {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a team, without members and roles
    #[command(after_help = "Example:\n  countersign team create platform --description \"Runs the deployments\"")]
    Create {
        /// Its name: letters, digits, '-', '_', '.' and blanks
        name: TeamName,
        /// What it is for: 1 to 1,000 characters
        #[arg(long, env = variables::DESCRIPTION)]
        description: Option<Description>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List teams
    #[command(after_help = "Example:\n  countersign team list")]
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show a team, who is in it, and what it was given
    #[command(after_help = "Example:\n  countersign team show platform")]
    Show {
        #[command(flatten)]
        named: Named,
    },
    /// Change a name or a description
    #[command(after_help = "Example:\n  countersign team edit platform --name infrastructure")]
    Edit {
        #[command(flatten)]
        named: Named,
        /// Another name: letters, digits, '-', '_', '.' and blanks
        #[arg(long)]
        name: Option<TeamName>,
        /// What it is for: 1 to 1,000 characters
        #[arg(long, env = variables::DESCRIPTION)]
        description: Option<Description>,
    },
    /// Delete a team, and with it what its members hold by it
    #[command(after_help = "Example:\n  countersign team delete platform")]
    Delete {
        #[command(flatten)]
        named: Named,
    },
    /// Let a person into a team
    #[command(after_help = "Example:\n  countersign team add platform bob@example.com")]
    Add {
        #[command(flatten)]
        named: Named,
        /// The person's e-mail address or uuid
        member: String,
    },
    /// Take a person out of a team, and what they hold by it
    #[command(after_help = "Example:\n  countersign team remove platform bob@example.com")]
    Remove {
        #[command(flatten)]
        named: Named,
        /// The person's e-mail address or uuid
        member: String,
    },
    /// Give a team a role in a deployment: viewer, launcher, editor or admin
    #[command(after_help = "Example:\n  countersign team grant platform admin --deployment prod --manage-agent-tokens")]
    Grant {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        role: roles::Given,
    },
    /// Take away what a team was given in a deployment
    #[command(after_help = "Example:\n  countersign team ungrant platform --all-branch-deployments")]
    Ungrant {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        at: roles::At,
    },
}

#[derive(Debug, Args)]
struct Named {
    /// The team's name or uuid
    team: String,
    #[command(flatten)]
    server: ServerArgs,
}

impl Named {
    fn api(&self, ambient: &Ambient) -> Outcome<Api> {
        Api::for_user(&self.server, &ambient.environment)
    }
}

#[derive(Deserialize)]
struct Listed {
    teams: Connection<Value>,
}

#[derive(Deserialize)]
struct Found {
    team: Option<Value>,
}

impl Team {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Create { name, description, server } => {
                let api = Api::for_user(&server, &ambient.environment)?;
                let own: shapes::Viewer<Value> = api.call(people::WHOSE, json!({})).await?;
                let organization = own.into_organization()?["id"].take();
                let input = json!({ "organizationID": organization, "name": name, "description": description });
                let made = call(&api, documents::TEAM_CREATE, "teamCreate", input).await?;
                printer.result(&made["team"], || table(std::slice::from_ref(&made["team"])))?;
            }
            Command::List { server } => {
                let teams = all(&Api::for_user(&server, &ambient.environment)?).await?;
                printer.result(&teams, || table(&teams))?;
            }
            Command::Show { named } => {
                let api = named.api(ambient)?;
                let variables = json!({ "id": named.team.trim() });
                let answer: shapes::Viewer<Found> = api.call(documents::TEAM_SHOW, variables).await?;
                let mut team = shapes::there(answer.into_organization()?.team, "team")?;
                let roles = roles::of_team(&api, text(&team, "uuid")).await?;
                team["deploymentRoles"] = json!(roles);
                printer.result(&team, || whole(&team))?;
            }
            Command::Edit { named, name, description } => {
                let input = inputs::named_anew(named.team.trim(), name, description)?;
                let changed = call(&named.api(ambient)?, documents::TEAM_UPDATE, "teamUpdate", input).await?;
                printer.result(&changed["team"], || table(std::slice::from_ref(&changed["team"])))?;
            }
            Command::Delete { named } => {
                let input = json!({ "id": named.team.trim() });
                let gone = call(&named.api(ambient)?, documents::TEAM_DELETE, "teamDelete", input).await?;
                printer.result(&gone, || {
                    let (name, members, roles) =
                        (harmless(text(&gone, "name")), &gone["members"], &gone["deploymentRoles"]);
                    format!("The team {name} is deleted; it had members: {members}, roles: {roles}.")
                })?;
            }
            Command::Add { named, member } => {
                let input = json!({ "teamId": named.team.trim(), "memberId": member.trim() });
                let added = call(&named.api(ambient)?, documents::TEAM_MEMBER_ADD, "teamMemberAdd", input).await?;
                printer.result(&added, || said(&added, "is in"))?;
            }
            Command::Remove { named, member } => {
                let input = json!({ "teamId": named.team.trim(), "memberId": member.trim() });
                let out = call(&named.api(ambient)?, documents::TEAM_MEMBER_REMOVE, "teamMemberRemove", input).await?;
                printer.result(&out, || said(&out, "is no longer in"))?;
            }
            Command::Grant { named, role } => role.give(&named.api(ambient)?, printer, "teamId", &named.team).await?,
            Command::Ungrant { named, at } => at.take(&named.api(ambient)?, printer, "teamId", &named.team).await?,
        }
        Ok(Exit::Done)
    }
}

async fn call(api: &Api, document: &str, field: &str, input: Value) -> Outcome<Value> {
    let mut answer: Value = api.call(document, json!({ "input": input })).await?;
    shapes::there(Some(answer[field].take()), "team")
}

async fn all(api: &Api) -> Outcome<Vec<Value>> {
    let (mut teams, mut after): (Vec<Value>, Option<String>) = (Vec::new(), None);
    loop {
        let answer: shapes::Viewer<Listed> = api.call(documents::TEAM_LIST, json!({ "after": after })).await?;
        let page = answer.into_organization()?.teams;
        after = page.next();
        teams.extend(page.into_nodes());
        if after.is_none() {
            return Ok(teams);
        }
    }
}

fn said(answer: &Value, is: &str) -> String {
    let who = harmless(text(&answer["organizationMember"]["user"], "email"));
    format!("{who} {is} the team {}.", harmless(text(&answer["team"], "name")))
}

fn nodes(connection: &Value) -> Vec<Value> {
    let edges = connection["edges"].as_array().cloned().unwrap_or_default();
    edges.into_iter().map(|mut edge| edge["node"].take()).collect()
}

/// A team with its members and roles.
fn whole(team: &Value) -> String {
    let mut members = Table::new(&["member", "name", "organization role"]);
    for it in nodes(&team["organizationMembers"]) {
        let role = text(&it, "role").to_lowercase();
        members.row([text(&it["user"], "email").to_owned(), text(&it["user"], "name").to_owned(), role]);
    }
    let roles = team["deploymentRoles"].as_array().cloned().unwrap_or_default();
    let roles: Vec<(String, Value)> = roles.into_iter().map(|it| (text(team, "name").to_owned(), it)).collect();
    format!("{}\n{}\n{}", table(std::slice::from_ref(team)), members.render(), roles::table(&roles))
}

fn table(teams: &[Value]) -> String {
    let mut table = Table::new(&["team", "uuid", "created", "description"]);
    for it in teams {
        table.row([
            text(it, "name").to_owned(),
            text(it, "uuid").to_owned(),
            local_time(it["createdAt"].as_str()),
            brief(text(it, "description")),
        ]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_said_with_names() {
        let answer =
            json!({ "team": { "name": "platform" }, "organizationMember": { "user": { "email": "b@x.example" } } });
        assert_eq!(said(&answer, "is in"), "b@x.example is in the team platform.");
    }
}
