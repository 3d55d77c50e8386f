//! `countersign token list`.

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::view;
use crate::{
    Ambient,
    api::{Api, documents, shapes},
    failure::Outcome,
    flags::{ServerArgs, variables},
    output::Printer,
};

/// List agent tokens, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign token list --revoked --output json")]
pub(super) struct List {
    /// Revoked ones too
    #[arg(long, env = variables::REVOKED)]
    revoked: bool,
    /// The most that are listed
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500), env = variables::LIMIT)]
    limit: u32,
    #[command(flatten)]
    server: ServerArgs,
}

impl List {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let (tokens, has_more) = fetch(&api, (!self.revoked).then_some(false), self.limit).await?;
        printer.result(&tokens, || view::table(&tokens))?;
        if has_more {
            printer.say(format_args!("There are more than these {}; see more with --limit.", tokens.len()));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Organization {
    agent_tokens: shapes::Connection<Value>,
}

/// The newest tokens, and whether there are more. `revoked` none: all.
pub(super) async fn fetch(api: &Api, revoked: Option<bool>, first: u32) -> Outcome<(Vec<Value>, bool)> {
    let answer: shapes::Viewer<Organization> =
        api.call(documents::TOKEN_LIST, json!({ "revoked": revoked, "first": first })).await?;
    let tokens = answer.into_organization()?.agent_tokens;
    let has_more = tokens.has_more();
    Ok((tokens.into_nodes(), has_more))
}
