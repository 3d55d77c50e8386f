//! `countersign service-user`: members that are programs.

use clap::{Args, Subcommand};
use countersign_domain::{
    RevealPolicy, Role,
    text::{Description, Reason, ServiceUserName},
};
use serde_json::{Value, json};

use super::{member, user};
use crate::{
    Ambient,
    api::{Api, documents, inputs, shapes},
    failure::{Exit, Failure, Outcome},
    flags::{ServerArgs, variables},
    output::Printer,
};

/// Create, describe and remove service users, members that are programs, and their tokens
///
/// A service user never signs in and is never invited. Organization Admins make its tokens, see them, reveal and revoke them. Its role is
/// changed with: countersign member role.
#[derive(Debug, Args)]
pub struct ServiceUser {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a service user, without any token
    #[command(after_help = "Example:\n  countersign service-user create deployer --description \"Deploys from CI\"")]
    Create {
        /// Its name: letters, digits, '-', '_' and '.'
        name: ServiceUserName,
        /// What it is for: 1 to 1,000 characters
        #[arg(long, env = variables::DESCRIPTION)]
        description: Option<Description>,
        /// What it may do: admin or member
        #[arg(long, default_value = "member", env = variables::ROLE)]
        role: Role,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List service users
    #[command(after_help = "Example:\n  countersign service-user list")]
    List {
        /// The most that are listed
        #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500), env = variables::LIMIT)]
        limit: u32,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Change a name or a description
    #[command(after_help = "Example:\n  countersign service-user edit deployer --name releaser")]
    Edit {
        #[command(flatten)]
        named: Named,
        /// Another name: letters, digits, '-', '_' and '.'
        #[arg(long)]
        name: Option<ServiceUserName>,
        /// What it is for: 1 to 1,000 characters
        #[arg(long, env = variables::DESCRIPTION)]
        description: Option<Description>,
    },
    /// Remove a service user, and take all its tokens back
    #[command(after_help = "Example:\n  countersign service-user remove deployer")]
    Remove {
        #[command(flatten)]
        named: Named,
    },
    /// Create, see, reveal and revoke the tokens of a service user
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Create a user token for a service user; its value is in the answer
    #[command(after_help = "Example:\n  countersign service-user token create deployer --expires 2027-01-31T09:00:00Z")]
    Create {
        #[command(flatten)]
        named: Named,
        /// What it is for: 1 to 1,000 characters
        #[arg(long, env = variables::DESCRIPTION)]
        description: Option<Description>,
        /// When it expires, as 2027-01-31T09:00:00Z [default: never]
        #[arg(long, value_name = "TIME", env = variables::EXPIRES)]
        expires: Option<String>,
        /// How long its value can be revealed: window (10 minutes), always or never [default: the organization's policy]
        #[arg(long, value_name = "POLICY", env = variables::REVEAL)]
        reveal: Option<RevealPolicy>,
    },
    /// List the tokens of a service user, the newest first
    #[command(after_help = "Example:\n  countersign service-user token list deployer")]
    List {
        #[command(flatten)]
        named: Named,
        /// The most that are listed
        #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500), env = variables::LIMIT)]
        limit: u32,
    },
    /// Show a value again, while its reveal policy allows; the look is in the audit log
    #[command(after_help = "Example:\n  countersign service-user token reveal deployer 4f9Kd0aZ81b")]
    Reveal {
        #[command(flatten)]
        named: Named,
        /// The token's id, uuid or public id
        token: String,
    },
    /// Take one back
    #[command(
        after_help = "Example:\n  countersign service-user token revoke deployer 4f9Kd0aZ81b --reason \"no longer used\""
    )]
    Revoke {
        #[command(flatten)]
        named: Named,
        /// The token's id, uuid or public id
        token: String,
        /// Why: 1 to 1,000 characters
        #[arg(long, env = variables::REASON)]
        reason: Option<Reason>,
    },
}

#[derive(Debug, Args)]
struct Named {
    /// The service user's name or uuid
    service_user: String,
    #[command(flatten)]
    server: ServerArgs,
}

impl Named {
    fn api(&self, ambient: &Ambient) -> Outcome<Api> {
        Api::for_user(&self.server, &ambient.environment)
    }

    /// The same, once it is seen that a service user is named: the calls that follow are for members of both kinds.
    async fn checked(&self, ambient: &Ambient) -> Outcome<Api> {
        let api = self.api(ambient)?;
        let found = member::find(&api, &self.service_user).await?;
        if found["isServiceUser"] != true {
            return Err(Failure::bad_input("this is a person and no service user; see: countersign member --help"));
        }
        Ok(api)
    }
}

impl ServiceUser {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Create { name, description, role, server } => {
                let api = Api::for_user(&server, &ambient.environment)?;
                let role = role.as_str().to_uppercase();
                let input = json!({ "name": name, "description": description, "role": role });
                let made = call(&api, documents::SERVICE_USER_CREATE, "serviceUserCreate", input).await?;
                shown(printer, &made["serviceUser"])?;
            }
            Command::List { limit, server } => {
                member::list(&Api::for_user(&server, &ambient.environment)?, printer, limit, Some(true), None).await?;
            }
            Command::Edit { named, name, description } => {
                let input = inputs::named_anew(named.service_user.trim(), name, description)?;
                let api = named.api(ambient)?;
                let changed = call(&api, documents::SERVICE_USER_UPDATE, "serviceUserUpdate", input).await?;
                shown(printer, &changed["serviceUser"])?;
            }
            Command::Remove { named } => {
                member::remove(&named.checked(ambient).await?, &named.service_user, printer).await?;
            }
            Command::Token { command } => command.act(ambient, printer).await?,
        }
        Ok(Exit::Done)
    }
}

impl TokenCommand {
    async fn act(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        match self {
            Self::Create { named, description, expires, reveal } => {
                let input = json!({
                    "serviceUserId": named.service_user.trim(),
                    "description": description,
                    "expiresAt": expires,
                    "revealPolicy": reveal.map(|policy| policy.as_str().to_uppercase()),
                });
                let api = named.api(ambient)?;
                let mut made =
                    call(&api, documents::SERVICE_USER_TOKEN_CREATE, "serviceUserTokenCreate", input).await?;
                let (token, value) = (made["userToken"].take(), made["tokenValue"].take());
                printer.result(&json!({ "token": token, "value": value }), || {
                    format!("{}\n{}", user::table(std::slice::from_ref(&token)), value.as_str().unwrap_or_default())
                })
            }
            Self::List { named, limit } => {
                user::list_of(&named.checked(ambient).await?, printer, &named.service_user, limit).await
            }
            Self::Reveal { named, token } => {
                let input = json!({ "serviceUserId": named.service_user.trim(), "id": token.trim() });
                let api = named.api(ambient)?;
                let revealed =
                    call(&api, documents::SERVICE_USER_TOKEN_REVEAL, "serviceUserTokenReveal", input).await?;
                let value = &revealed["tokenValue"];
                printer.result(&json!({ "publicId": revealed["publicId"], "value": value }), || {
                    value.as_str().unwrap_or_default().to_owned()
                })
            }
            Self::Revoke { named, token, reason } => {
                user::revoke_of(&named.checked(ambient).await?, printer, &named.service_user, &token, reason.as_ref())
                    .await
            }
        }
    }
}

async fn call(api: &Api, document: &str, field: &str, input: Value) -> Outcome<Value> {
    let mut answer: Value = api.call(document, json!({ "input": input })).await?;
    shapes::there(Some(answer[field].take()), "service user")
}

fn shown(printer: Printer, service_user: &Value) -> Outcome<()> {
    printer.result(service_user, || member::table(std::slice::from_ref(service_user)))
}
