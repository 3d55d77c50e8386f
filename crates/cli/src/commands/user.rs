//! `countersign user token`: one's own user tokens, and what an Organization Admin may do of another member's, through a server's public API.

use clap::{Args, Subcommand};
use countersign_domain::{
    RevealPolicy,
    text::{Description, Reason},
};
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
    output::{Printer, Table, brief, local_time},
};

/// User tokens: your own, and for Organization Admins those of another member
#[derive(Debug, Args)]
pub struct User {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create, see, change and revoke your own user tokens
    ///
    /// A user token is what a person or a script calls the public API and these commands with. Nobody can reveal another
    /// person's, change it or make one in their name; an Organization Admin can list and revoke them with --member.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Create a user token for yourself; its value is in the answer
    #[command(
        after_help = "Example:\n  countersign user token create --description \"Nightly report\" --expires 2027-01-31T09:00:00Z"
    )]
    Create {
        /// What it is for: 1 to 1,000 characters
        #[arg(long, env = variables::DESCRIPTION)]
        description: Option<Description>,
        /// When it expires, as 2027-01-31T09:00:00Z [default: never]
        #[arg(long, value_name = "TIME", env = variables::EXPIRES)]
        expires: Option<String>,
        /// How long its value can be revealed: window (10 minutes), always or never [default: the organization's policy]
        #[arg(long, value_name = "POLICY", env = variables::REVEAL)]
        reveal: Option<RevealPolicy>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List your user tokens, or another member's, the newest first
    #[command(after_help = "Example:\n  countersign user token list --member bob@example.com")]
    List {
        /// Whose: an e-mail address, a service user's name or a uuid; for Organization Admins [default: your own]
        #[arg(long, env = variables::MEMBER)]
        member: Option<String>,
        /// The most that are listed
        #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500), env = variables::LIMIT)]
        limit: u32,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show a value again, while its reveal policy allows; the look is in the audit log
    #[command(after_help = "Example:\n  countersign user token reveal 4f9Kd0aZ81b")]
    Reveal {
        #[command(flatten)]
        named: Named,
    },
    /// Change a description or an expiry
    #[command(after_help = "Example:\n  countersign user token edit 4f9Kd0aZ81b --expires never")]
    Edit {
        #[command(flatten)]
        named: Named,
        /// What it is for: 1 to 1,000 characters
        #[arg(long, env = variables::DESCRIPTION)]
        description: Option<Description>,
        /// When it expires, as 2027-01-31T09:00:00Z, or never
        #[arg(long, value_name = "TIME|never", env = variables::EXPIRES)]
        expires: Option<String>,
    },
    /// Take one back, possibly the very one that this call is made with
    #[command(after_help = "Example:\n  countersign user token revoke 4f9Kd0aZ81b --reason \"no longer used\"")]
    Revoke {
        #[command(flatten)]
        named: Named,
        /// Whose: an e-mail address, a service user's name or a uuid; for Organization Admins [default: your own]
        #[arg(long, env = variables::MEMBER)]
        member: Option<String>,
        /// Why: 1 to 1,000 characters
        #[arg(long, env = variables::REASON)]
        reason: Option<Reason>,
    },
}

#[derive(Debug, Args)]
struct Named {
    /// The token's id, uuid or public id
    token: String,
    #[command(flatten)]
    server: ServerArgs,
}

impl User {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let Command::Token { command } = self.command;
        let server = match &command {
            TokenCommand::Create { server, .. } | TokenCommand::List { server, .. } => server,
            TokenCommand::Reveal { named } | TokenCommand::Edit { named, .. } | TokenCommand::Revoke { named, .. } => {
                &named.server
            }
        };
        let api = Api::for_user(server, &ambient.environment)?;
        command.act(&api, printer).await?;
        Ok(Exit::Done)
    }
}

impl TokenCommand {
    async fn act(self, api: &Api, printer: Printer) -> Outcome<()> {
        match self {
            Self::Create { description, expires, reveal, .. } => {
                let input = json!({
                    "description": description,
                    "expiresAt": expires,
                    "revealPolicy": reveal.map(|policy| policy.as_str().to_uppercase()),
                });
                let mut made = call(api, documents::USER_TOKEN_CREATE, "userTokenCreate", input).await?;
                let (token, value) = (made["userToken"].take(), made["tokenValue"].take());
                printer.result(&json!({ "token": token, "value": value }), || {
                    format!("{}\n{}", table(std::slice::from_ref(&token)), value.as_str().unwrap_or_default())
                })
            }
            Self::List { member: Some(member), limit, .. } => list_of(api, printer, &member, limit).await,
            Self::List { member: None, limit, .. } => {
                let mut answer: Value = api.call(documents::USER_TOKEN_LIST, json!({ "first": limit })).await?;
                let tokens = shapes::there(Some(answer["viewer"]["userTokens"].take()), "user tokens")?;
                let tokens: shapes::Connection<Value> = serde_json::from_value(tokens).map_err(Failure::internal)?;
                listed(printer, tokens)
            }
            Self::Reveal { named } => {
                let input = json!({ "id": named.token.trim() });
                let revealed = call(api, documents::USER_TOKEN_REVEAL, "userTokenReveal", input).await?;
                let value = &revealed["tokenValue"];
                printer.result(&json!({ "publicId": revealed["publicId"], "value": value }), || {
                    value.as_str().unwrap_or_default().to_owned()
                })
            }
            Self::Edit { named, description, expires } => {
                let mut input = json!({ "id": named.token.trim() });
                if let Some(description) = description {
                    input["description"] = json!(description);
                }
                match expires.as_deref() {
                    Some("never") => input["expiresAt"] = Value::Null,
                    Some(text) => input["expiresAt"] = json!(text),
                    None if input.as_object().is_some_and(|fields| fields.len() == 1) => {
                        return Err(Failure::bad_input("there is nothing to change; give --description or --expires"));
                    }
                    None => {}
                }
                let changed = call(api, documents::USER_TOKEN_UPDATE, "userTokenUpdate", input).await?;
                let token = &changed["userToken"];
                printer.result(token, || table(std::slice::from_ref(token)))
            }
            Self::Revoke { named, member: Some(member), reason } => {
                revoke_of(api, printer, &member, &named.token, reason.as_ref()).await
            }
            Self::Revoke { named, member: None, reason } => {
                let input = json!({ "id": named.token.trim(), "reason": reason });
                let revoked = call(api, documents::USER_TOKEN_REVOKE, "userTokenRevoke", input).await?;
                let token = &revoked["userToken"];
                printer.result(token, || format!("User token {} was revoked.", text(token, "publicId")))
            }
        }
    }
}

async fn call(api: &Api, document: &str, field: &str, input: Value) -> Outcome<Value> {
    let mut answer: Value = api.call(document, json!({ "input": input })).await?;
    shapes::there(Some(answer[field].take()), "user token")
}

/// Lists the user tokens of another member.
pub(super) async fn list_of(api: &Api, printer: Printer, member: &str, limit: u32) -> Outcome<()> {
    #[derive(Deserialize)]
    struct Found {
        member: Option<Value>,
    }
    let variables = json!({ "id": member.trim(), "first": limit });
    let answer: shapes::Viewer<Found> = api.call(documents::MEMBER_TOKEN_LIST, variables).await?;
    let mut member = shapes::there(answer.into_organization()?.member, "member")?;
    let tokens = shapes::there(Some(member["userTokens"].take()), "user tokens")?;
    listed(printer, serde_json::from_value(tokens).map_err(Failure::internal)?)
}

/// Takes a user token of another member back.
pub(super) async fn revoke_of(
    api: &Api,
    printer: Printer,
    member: &str,
    token: &str,
    reason: Option<&Reason>,
) -> Outcome<()> {
    let input = json!({ "memberId": member.trim(), "id": token.trim(), "reason": reason });
    let revoked = call(api, documents::MEMBER_TOKEN_REVOKE, "organizationMemberTokenRevoke", input).await?;
    let token = &revoked["userToken"];
    printer.result(token, || format!("User token {} was revoked.", text(token, "publicId")))
}

fn listed(printer: Printer, tokens: shapes::Connection<Value>) -> Outcome<()> {
    let has_more = tokens.has_more();
    let tokens = tokens.into_nodes();
    printer.result(&tokens, || table(&tokens))?;
    if has_more {
        printer.say(format_args!("There are more than these {}; see more with --limit.", tokens.len()));
    }
    Ok(())
}

/// What a token is described as, in words where it is not.
pub(super) fn described(token: &Value) -> &str {
    token["description"].as_str().filter(|text| !text.is_empty()).unwrap_or("(no description)")
}

/// User tokens as a table.
pub(super) fn table(tokens: &[Value]) -> String {
    let mut table = Table::new(&["public id", "description", "state", "created", "expires", "last used"]);
    for token in tokens {
        table.row([
            text(token, "publicId").to_owned(),
            brief(described(token)),
            text(token, "state").to_lowercase(),
            local_time(token["createdAt"].as_str()),
            local_time(token["expiresAt"].as_str()),
            local_time(token["lastUsedAt"].as_str()),
        ]);
    }
    table.render()
}
