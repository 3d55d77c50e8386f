//! `countersign invitation`: how people come into an organization.

use clap::{Args, Subcommand};
use countersign_domain::text::{Email, PersonName};
use countersign_domain::{Role, Timestamp, clock::NotATimestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Ambient,
    api::{
        self, Api, documents,
        shapes::{self, text},
    },
    failure::{Exit, Failure, Outcome},
    flags::{ServerArgs, variables},
    output::{Printer, Table, harmless, local_time},
};

/// Invite people to the organization, and accept an invitation
///
/// An invitation is a value that is shown once and makes its holder a member, once. Nothing is sent: give it to whoever is invited.
#[derive(Debug, Args)]
pub struct Invitation {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Invite somebody; the value is in the answer, and is shown this once
    #[command(after_help = "Example:\n  countersign invitation create bob@example.com --role member")]
    Create {
        /// The e-mail address of whoever is invited
        email: Email,
        /// What they become: admin or member
        #[arg(long, default_value = "member", env = variables::ROLE)]
        role: Role,
        /// When it expires, as 2027-01-31T09:00:00Z, 30 days from now at most [default: 7 days from now]
        #[arg(long, value_name = "TIME", value_parser = time, env = variables::EXPIRES)]
        expires: Option<Timestamp>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List invitations that can be accepted, the newest first
    #[command(after_help = "Example:\n  countersign invitation list --ended")]
    List {
        /// List those too that were accepted or withdrawn, or have expired
        #[arg(long, env = variables::ENDED)]
        ended: bool,
        /// The most that are listed
        #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500), env = variables::LIMIT)]
        limit: u32,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Take an invitation back
    #[command(after_help = "Example:\n  countersign invitation withdraw 4f9Kd0aZ81b")]
    Withdraw {
        /// The invitation's public id, id or uuid
        #[arg(value_name = "INVITATION")]
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Become a member by an invitation; your first user token is in the answer
    ///
    /// No user token is needed. Somebody whom the server knows already keeps their name.
    #[command(
        after_help = "Example:\n  countersign invitation accept --server http://127.0.0.1:8420 --invitation file:///home/bob/invitation --name \"Bob Builder\""
    )]
    Accept {
        /// The invitation: the value, file://PATH or fd://N
        #[arg(long, value_name = "VALUE", env = variables::INVITATION, hide_env_values = true)]
        invitation: String,
        /// What you are called: 1 to 100 characters [default: the first part of your address]
        #[arg(long)]
        name: Option<PersonName>,
        /// The server's address
        #[arg(long, value_name = "URL", default_value = api::DEFAULT_SERVER, env = variables::SERVER)]
        server: String,
    },
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error: NotATimestamp| error.to_string())
}

#[derive(Deserialize)]
struct Listed {
    invitations: shapes::Connection<Value>,
}

impl Invitation {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Create { email, role, expires, server } => {
                let api = Api::for_user(&server, &ambient.environment)?;
                create(&api, printer, &email, role, expires).await?;
            }
            Command::List { ended, limit, server } => {
                let api = Api::for_user(&server, &ambient.environment)?;
                let pending = (!ended).then_some(true);
                let variables = json!({ "first": limit, "pending": pending });
                let answer: shapes::Viewer<Listed> = api.call(documents::INVITATION_LIST, variables).await?;
                let listed = answer.into_organization()?.invitations;
                let has_more = listed.has_more();
                let listed = listed.into_nodes();
                printer.result(&listed, || table(&listed))?;
                if has_more {
                    printer.say(format_args!("There are more than these {}; see more with --limit.", listed.len()));
                }
            }
            Command::Withdraw { id, server } => {
                let api = Api::for_user(&server, &ambient.environment)?;
                let input = json!({ "id": id.trim() });
                let mut answer: Value = api.call(documents::INVITATION_WITHDRAW, json!({ "input": input })).await?;
                let withdrawn = answer["organizationInvitationWithdraw"]["invitation"].take();
                let withdrawn = shapes::there(Some(withdrawn), "invitation")?;
                printer.result(&withdrawn, || {
                    format!("The invitation of {} was withdrawn.", harmless(text(&withdrawn, "email")))
                })?;
            }
            Command::Accept { invitation, name, server } => {
                accept(&Api::new(&server, &api::read_token(&invitation)?)?, printer, name).await?;
            }
        }
        Ok(Exit::Done)
    }
}

async fn create(api: &Api, printer: Printer, email: &Email, role: Role, expires: Option<Timestamp>) -> Outcome<()> {
    let input = json!({
        "email": email,
        "role": role.as_str().to_uppercase(),
        "expiresAt": expires.map(|at| at.to_string()),
    });
    let mut answer: Value = api.call(documents::INVITATION_CREATE, json!({ "input": input })).await?;
    let mut made = shapes::there(Some(answer["organizationInvitationCreate"].take()), "invitation")?;
    let (invitation, value) = (made["invitation"].take(), made["invitationValue"].take());
    printer.result(&json!({ "invitation": invitation, "value": value }), || {
        format!("{}\n{}", table(std::slice::from_ref(&invitation)), value.as_str().unwrap_or_default())
    })?;
    printer.say(format_args!(
        "The value is shown this once. Whoever is given it becomes a member with: countersign invitation accept --server {} \
         --invitation file://PATH",
        api.server()
    ));
    Ok(())
}

async fn accept(api: &Api, printer: Printer, name: Option<PersonName>) -> Outcome<()> {
    let input = json!({ "name": name });
    let mut answer: Value = api.call(documents::INVITATION_ACCEPT, json!({ "input": input })).await?;
    let mut joined = answer["organizationInvitationAccept"].take();
    if joined.is_null() {
        return Err(Failure::internal("the server answered without saying who has become a member"));
    }
    let value = joined["userTokenValue"].take();
    let (organization, role) = (text(&joined, "organizationSlug"), text(&joined, "role").to_lowercase());
    let email = text(&joined["user"], "email");
    let shown = json!({
        "organization": organization,
        "role": role,
        "email": email,
        "name": joined["user"]["name"],
        "publicId": joined["userToken"]["publicId"],
        "value": value,
    });
    printer.result(&shown, || {
        format!(
            "{} is in {organization} with the role {role} now.\nYour first user token: {}",
            harmless(email),
            value.as_str().unwrap_or_default()
        )
    })?;
    let server = api.server();
    printer.say(format_args!(
        "Save the token, and sign in with: countersign login --server {server} --user-token file://PATH"
    ));
    Ok(())
}

fn table(invitations: &[Value]) -> String {
    let mut table = Table::new(&["public id", "email", "role", "state", "created", "by", "expires"]);
    for it in invitations {
        table.row([
            text(it, "publicId").to_owned(),
            text(it, "email").to_owned(),
            text(it, "role").to_lowercase(),
            text(it, "state").to_lowercase(),
            local_time(it["createdAt"].as_str()),
            text(&it["createdBy"], "email").to_owned(),
            local_time(it["expiresAt"].as_str()),
        ]);
    }
    table.render()
}
