//! `countersign token create`.

use clap::Args;
use countersign_domain::{RevealPolicy, Timestamp, text::Description};
use serde_json::{Value, json};

use super::{expires, scope_flags::ScopeFlags, view};
use crate::{
    Ambient,
    api::{Api, documents, shapes},
    failure::Outcome,
    flags::{ServerArgs, variables},
    output::Printer,
};

/// Create an agent token; its value is in the answer
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  countersign token create --description \"Build machines in Oslo\" --queues default,deploy --reveal never"
)]
pub(super) struct Create {
    /// The environment that it is for: 1 to 1,000 characters
    #[arg(long, env = variables::DESCRIPTION)]
    description: Option<Description>,
    /// When it expires, as 2027-01-31T09:00:00Z [default: never]
    #[arg(long, value_name = "TIME", value_parser = expires, env = variables::EXPIRES)]
    expires: Option<Timestamp>,
    /// How long its value can be revealed: window (10 minutes), always or never [default: the organization's policy]
    #[arg(long, value_name = "POLICY", env = variables::REVEAL)]
    reveal: Option<RevealPolicy>,
    #[command(flatten)]
    scope: ScopeFlags,
    #[command(flatten)]
    server: ServerArgs,
}

impl Create {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let whose: shapes::Viewer<Value> = api.call(documents::WHOSE, json!({})).await?;
        let organization = whose.into_organization()?;
        let mut input = json!({ "organizationID": organization["id"] });
        if let Some(description) = &self.description {
            input["description"] = json!(description);
        }
        if let Some(expires) = self.expires {
            input["expiresAt"] = json!(expires.to_string());
        }
        if let Some(policy) = self.reveal {
            input["revealPolicy"] = json!(policy.as_str().to_uppercase());
        }
        if !self.scope.is_empty() {
            input["scope"] = self.scope.to_input(&api).await?;
        }
        let mut answer: Value = api.call(documents::TOKEN_CREATE, json!({ "input": input })).await?;
        let made = &mut answer["agentTokenCreate"];
        let (token, value) = (made["agentTokenEdge"]["node"].take(), made["tokenValue"].take());
        printer.result(&json!({ "token": token, "value": value }), || {
            format!("{}\nvalue         {}\n", view::details(&token), value.as_str().unwrap_or_default())
        })
    }
}
