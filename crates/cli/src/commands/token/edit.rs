//! `countersign token edit`.

use clap::Args;
use countersign_domain::{RevealPolicy, Timestamp, text::Description};
use serde_json::{Value, json};

use super::{Named, expires, reference, view};
use crate::{
    Ambient,
    api::documents,
    failure::{Failure, Outcome},
    flags::variables,
    output::Printer,
};

/// Change an agent token's description, expiry or reveal policy
///
/// Its scope is changed with `token permissions`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  countersign token edit 4f9Kd0aZ81b --description \"Build machines in Bergen\" --expires 2027-01-31T09:00:00Z"
)]
pub(super) struct Edit {
    #[command(flatten)]
    named: Named,
    /// What it is for: 1 to 1,000 characters
    #[arg(long, env = variables::DESCRIPTION)]
    description: Option<Description>,
    /// When it expires, as 2027-01-31T09:00:00Z, or never
    #[arg(long, value_name = "TIME|never", env = variables::EXPIRES)]
    expires: Option<String>,
    /// How long its value can be revealed: window, always or never. A value that was destroyed does not come back
    #[arg(long, value_name = "POLICY", env = variables::REVEAL)]
    reveal: Option<RevealPolicy>,
}

impl Edit {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        let mut input = json!({ "id": reference(&self.named.token) });
        if let Some(description) = &self.description {
            input["description"] = json!(description);
        }
        if let Some(text) = &self.expires {
            input["expiresAt"] = match read_expiry(text)? {
                Some(at) => json!(at.to_string()),
                None => Value::Null,
            };
        }
        if let Some(policy) = self.reveal {
            input["revealPolicy"] = json!(policy.as_str().to_uppercase());
        }
        if input.as_object().is_some_and(|fields| fields.len() == 1) {
            return Err(Failure::bad_input("there is nothing to change; give --description, --expires or --reveal"));
        }
        let mut answer: Value =
            self.named.api(ambient)?.call(documents::TOKEN_UPDATE, json!({ "input": input })).await?;
        let token = answer["agentTokenUpdate"]["agentToken"].take();
        printer.result(&token, || view::details(&token))
    }
}

fn read_expiry(text: &str) -> Outcome<Option<Timestamp>> {
    match text {
        "never" => Ok(None),
        text => expires(text).map(Some).map_err(|error| Failure::bad_input(format!("--expires {error}; or: never"))),
    }
}
