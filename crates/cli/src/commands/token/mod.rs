//! `countersign token`: agent tokens, through a server's public API.

mod create;
mod edit;
mod explain;
mod list;
mod permissions;
mod reveal;
mod revoke;
mod rotate;
mod scope_flags;
mod show;
mod view;

use clap::{Args, Subcommand};
use countersign_domain::{PublicId, Timestamp};
use serde_json::{Value, json};

use crate::{
    Ambient,
    api::{Api, documents, global_id, shapes},
    failure::{Exit, Failure, Outcome},
    flags::ServerArgs,
    output::Printer,
};

/// The most tokens that are looked through for a public id.
const LOOK_THROUGH: u32 = 500;

/// Create, see, change, rotate and revoke agent tokens
///
/// A token is named by its id, its uuid or the public id that stands in lists, logs and refusals.
#[derive(Debug, Args)]
pub struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(create::Create),
    List(list::List),
    Show(show::Show),
    Reveal(reveal::Reveal),
    Edit(edit::Edit),
    Permissions(permissions::Permissions),
    Explain(explain::Explain),
    Rotate(rotate::Rotate),
    Revoke(revoke::Revoke),
}

impl Token {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Create(it) => it.run(ambient, printer).await,
            Command::List(it) => it.run(ambient, printer).await,
            Command::Show(it) => it.run(ambient, printer).await,
            Command::Reveal(it) => it.run(ambient, printer).await,
            Command::Edit(it) => it.run(ambient, printer).await,
            Command::Permissions(it) => it.run(ambient, printer).await,
            Command::Explain(it) => it.run(ambient, printer).await,
            Command::Rotate(it) => it.run(ambient, printer).await,
            Command::Revoke(it) => it.run(ambient, printer).await,
        }?;
        Ok(Exit::Done)
    }
}

/// Which token, and on which server.
#[derive(Debug, Args)]
struct Named {
    /// The token's id, uuid or public id
    token: String,
    #[command(flatten)]
    server: ServerArgs,
}

impl Named {
    fn api(&self, ambient: &Ambient) -> Outcome<Api> {
        Api::for_user(&self.server, &ambient.environment)
    }
}

/// One token with who uses it, by any of its names.
async fn find(api: &Api, name: &str) -> Outcome<Value> {
    let name = name.trim();
    let id = if let Ok(public_id) = name.parse::<PublicId>() {
        by_public_id(api, &public_id).await?
    } else if let Ok(uuid) = name.parse::<countersign_domain::Id<Token>>() {
        global_id("AgentToken", uuid)
    } else {
        name.to_owned()
    };
    let mut answer: Value = api.call(documents::TOKEN_SHOW, json!({ "id": id })).await?;
    let node = shapes::there(Some(answer["node"].take()), "agent token")?;
    // A node of another kind comes back without the fields of a token.
    if shapes::text(&node, "uuid").is_empty() {
        Err(Failure::new(Exit::NotFound, "no agent token found"))
    } else {
        Ok(node)
    }
}

async fn by_public_id(api: &Api, public_id: &PublicId) -> Outcome<String> {
    let (tokens, _) = list::fetch(api, None, LOOK_THROUGH).await?;
    let found = tokens.iter().find(|token| shapes::text(token, "publicId") == public_id.as_str());
    found.map(|token| shapes::text(token, "id").to_owned()).ok_or_else(|| {
        Failure::new(
            Exit::NotFound,
            "no agent token found; a rotated token is named by the public id of its first value",
        )
    })
}

/// The name that a mutation takes: an id, a uuid or a public id.
fn reference(name: &str) -> &str {
    name.trim()
}

/// When a token is to expire.
fn expires(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error: countersign_domain::clock::NotATimestamp| error.to_string())
}
