//! `countersign member`: who is in the organization, and as what.

use clap::{Args, Subcommand};
use countersign_domain::{DeploymentRole, Role};
use serde::Deserialize;
use serde_json::{Value, json};

use super::roles;
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

/// List, promote, demote and remove the members of the organization, and give them roles in deployments
///
/// People come in by an invitation: countersign invitation create. What a member's user tokens are is in: countersign user token list
/// --member.
#[derive(Debug, Args)]
pub struct Member {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List members, service users among them
    #[command(after_help = "Example:\n  countersign member list --search example.com")]
    List {
        /// Only those whose name, or whose address as a person, holds this text, in any case of the letters A to Z
        #[arg(long, value_name = "TEXT", env = variables::SEARCH)]
        search: Option<String>,
        /// The most that are listed
        #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500), env = variables::LIMIT)]
        limit: u32,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one member
    #[command(after_help = "Example:\n  countersign member show bob@example.com")]
    Show {
        #[command(flatten)]
        named: Named,
    },
    /// Give a member another role: admin or member
    ///
    /// An Organization Admin who becomes a plain member loses their user tokens, unless --keep-tokens says otherwise, and the invitations
    /// that they made. The last Organization Admin who is a person stays one.
    #[command(after_help = "Example:\n  countersign member role bob@example.com admin")]
    Role {
        #[command(flatten)]
        named: Named,
        /// The role: admin or member
        #[arg(value_name = "ROLE")]
        to: Role,
        /// Let the user tokens of somebody who is no Organization Admin any more stay good
        #[arg(long, env = variables::KEEP_TOKENS)]
        keep_tokens: bool,
    },
    /// Give a member a role in a deployment: viewer, launcher, editor or admin
    ///
    /// Of all that a member holds, by grants of their own, by their teams and by the role of all members, the most permissive counts.
    #[command(after_help = "Example:\n  countersign member grant bob@example.com editor --deployment prod")]
    Grant {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        role: roles::Given,
    },
    /// Take away what a member was given in a deployment
    #[command(after_help = "Example:\n  countersign member ungrant bob@example.com --deployment prod")]
    Ungrant {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        at: roles::At,
    },
    /// List what a member was given in deployments, of their own and by their teams
    #[command(after_help = "Example:\n  countersign member roles bob@example.com")]
    Roles {
        #[command(flatten)]
        named: Named,
    },
    /// Show or change the role that every member has in every deployment
    #[command(after_help = "Example:\n  countersign member default-role viewer")]
    DefaultRole {
        /// The role: viewer, launcher, editor or admin [default: none, it is shown]
        #[arg(value_name = "ROLE")]
        to: Option<DeploymentRole>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Take a member out of the organization, and all their user tokens in it back
    #[command(after_help = "Example:\n  countersign member remove bob@example.com")]
    Remove {
        #[command(flatten)]
        named: Named,
    },
}

#[derive(Debug, Args)]
struct Named {
    /// The member: a person's e-mail address, a service user's name, or the uuid
    member: String,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
struct Listed {
    members: shapes::Connection<Value>,
}

#[derive(Deserialize)]
struct Found {
    member: Option<Value>,
}

impl Member {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::List { search, limit, server } => {
                list(&Api::for_user(&server, &ambient.environment)?, printer, limit, None, search).await?;
            }
            Command::Show { named } => {
                let api = Api::for_user(&named.server, &ambient.environment)?;
                let member = find(&api, &named.member).await?;
                printer.result(&member, || table(std::slice::from_ref(&member)))?;
            }
            Command::Role { named, to, keep_tokens } => {
                if keep_tokens && to == Role::Admin {
                    return Err(Failure::bad_input("--keep-tokens is for who becomes a plain member; leave it out"));
                }
                let api = Api::for_user(&named.server, &ambient.environment)?;
                let role = to.as_str().to_uppercase();
                let input = json!({ "id": named.member.trim(), "role": role, "keepTokens": keep_tokens });
                let mut answer: Value = api.call(documents::MEMBER_UPDATE, json!({ "input": input })).await?;
                let changed = shapes::there(Some(answer["organizationMemberUpdate"].take()), "member")?;
                printer.result(&changed, || {
                    let member = &changed["organizationMember"];
                    let role = text(member, "role").to_lowercase();
                    format!("{} has the role {role} now.\n{}", label(member), losses(&changed))
                })?;
            }
            Command::Grant { named, role } => {
                let api = Api::for_user(&named.server, &ambient.environment)?;
                role.give(&api, printer, "memberId", &named.member).await?;
            }
            Command::Ungrant { named, at } => {
                let api = Api::for_user(&named.server, &ambient.environment)?;
                at.take(&api, printer, "memberId", &named.member).await?;
            }
            Command::Roles { named } => {
                let api = Api::for_user(&named.server, &ambient.environment)?;
                roles::of_member(&api, printer, &named.member).await?;
            }
            Command::DefaultRole { to, server } => {
                roles::of_all(&Api::for_user(&server, &ambient.environment)?, printer, to).await?;
            }
            Command::Remove { named } => {
                remove(&Api::for_user(&named.server, &ambient.environment)?, &named.member, printer).await?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Lists members that are wanted.
pub(super) async fn list(
    api: &Api,
    printer: Printer,
    limit: u32,
    service_users: Option<bool>,
    search: Option<String>,
) -> Outcome<()> {
    let variables = json!({ "first": limit, "serviceUsers": service_users, "search": search });
    let answer: shapes::Viewer<Listed> = api.call(documents::MEMBER_LIST, variables).await?;
    let members = answer.into_organization()?.members;
    let has_more = members.has_more();
    let members = members.into_nodes();
    printer.result(&members, || table(&members))?;
    if has_more {
        printer.say(format_args!("There are more than these {}; see more with --limit.", members.len()));
    }
    Ok(())
}

/// The member of that name.
pub(super) async fn find(api: &Api, wanted: &str) -> Outcome<Value> {
    let answer: shapes::Viewer<Found> = api.call(documents::MEMBER_SHOW, json!({ "id": wanted.trim() })).await?;
    shapes::there(answer.into_organization()?.member, "member")
}

/// Removes a member, person or service user.
pub(super) async fn remove(api: &Api, member: &str, printer: Printer) -> Outcome<()> {
    let input = json!({ "id": member.trim() });
    let mut answer: Value = api.call(documents::MEMBER_DELETE, json!({ "input": input })).await?;
    let removed = shapes::there(Some(answer["organizationMemberDelete"].take()), "member")?;
    printer.result(&removed, || {
        let user = &removed["user"];
        let name = text(user, if user["bot"] == true { "name" } else { "email" });
        format!("{} is no member any more.\n{}", harmless(name), losses(&removed))
    })
}

/// What somebody has lost.
fn losses(answer: &Value) -> String {
    let mut said = String::new();
    for (field, what) in
        [("userTokensRevoked", "user tokens revoked"), ("invitationsWithdrawn", "invitations withdrawn")]
    {
        if answer[field].as_i64().is_some_and(|count| count > 0) {
            said.push_str(&format!("{what}: {}\n", answer[field]));
        }
    }
    said
}

/// What somebody goes by.
fn label(member: &Value) -> String {
    harmless(text(&member["user"], if member["isServiceUser"] == true { "name" } else { "email" }))
}

/// Members as a table.
pub(super) fn table(members: &[Value]) -> String {
    let mut table = Table::new(&["member", "name", "role", "kind", "since", "description"]);
    for it in members {
        let is_service = it["isServiceUser"] == true;
        table.row([
            label(it),
            text(&it["user"], "name").to_owned(),
            text(it, "role").to_lowercase(),
            if is_service { "service user" } else { "person" }.to_owned(),
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
    fn what_somebody_lost_is_said_and_nothing_else() {
        let answer = json!({ "userTokensRevoked": 2, "invitationsWithdrawn": 0 });
        assert_eq!(losses(&answer), "user tokens revoked: 2\n");
    }

    #[test]
    fn a_service_user_goes_by_its_name_and_a_person_by_their_address() {
        let user = json!({ "email": "x@service-users.invalid", "name": "deployer" });
        assert_eq!(label(&json!({ "isServiceUser": true, "user": user })), "deployer");
        assert_eq!(label(&json!({ "isServiceUser": false, "user": user })), "x@service-users.invalid");
    }
}
