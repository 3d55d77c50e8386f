//! `countersign operator-token`: credentials of whoever runs the instance, made on the data folder itself.

use clap::{Args, Subcommand};
use countersign_control::{Control, Grant, Settings, access::actions::ManageOperatorTokens};
use countersign_domain::{
    PublicId,
    text::{Description, Reason},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    Ambient,
    failure::{Exit, Outcome},
    flags::{InstanceArgs, variables},
    instance::Place,
    output::{Printer, Table, local_time},
};

/// Create, list and revoke operator tokens, which make organizations and read figures from elsewhere
///
/// These commands work on the data folder itself: stop the server first, unless the rows are in PostgreSQL.
#[derive(Debug, Args)]
pub struct OperatorToken {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create an operator token; its value is shown once
    #[command(after_help = "Example:\n  countersign operator-token create --description \"Provisioning\"")]
    Create {
        /// What it is for: 1 to 1,000 characters
        #[arg(long, env = variables::DESCRIPTION)]
        description: Description,
        #[command(flatten)]
        instance: InstanceArgs,
    },
    /// List operator tokens, the newest first
    #[command(after_help = "Example:\n  countersign operator-token list")]
    List(InstanceArgs),
    /// Take an operator token back
    #[command(after_help = "Example:\n  countersign operator-token revoke 4f9Kd0aZ81b --reason \"no longer used\"")]
    Revoke {
        /// The token's public id
        token: PublicId,
        /// Why: 1 to 1,000 characters
        #[arg(long, env = variables::REASON)]
        reason: Reason,
        #[command(flatten)]
        instance: InstanceArgs,
    },
}

/// A token, for programs.
#[derive(Serialize)]
struct TokenAnswer {
    id: String,
    uuid: String,
    description: Option<String>,
    created_at: String,
    revoked_at: Option<String>,
}

impl OperatorToken {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let instance = match &self.command {
            Command::Create { instance, .. } | Command::List(instance) | Command::Revoke { instance, .. } => instance,
        };
        let place = Place::find(instance, &ambient.environment)?;
        let control = match &self.command {
            Command::List(_) => place.control_beside(ambient).await?,
            Command::Create { .. } | Command::Revoke { .. } => place.control(ambient, Settings::default()).await?,
        };
        let outcome = self.command.act(&control, printer).await;
        control.store().close().await;
        outcome
    }
}

impl Command {
    async fn act(self, control: &Control, printer: Printer) -> Outcome {
        let grant: Grant<ManageOperatorTokens> = control.grant_own(&control.local_operator())?;
        match self {
            Self::Create { description, .. } => {
                let (token, secret) = control.create_operator_token(&grant, description.as_str()).await?;
                control.seal_audit().await?;
                let answer = json!({ "id": token.public_id, "uuid": token.id.to_string(), "value": secret.reveal() });
                printer.result(&answer, || format!("Operator token, shown this once: {}", secret.reveal()))?;
            }
            Self::List(_) => {
                let tokens: Vec<TokenAnswer> = control
                    .operator_tokens(&grant)
                    .await?
                    .into_iter()
                    .map(|token| TokenAnswer {
                        id: token.public_id.to_string(),
                        uuid: token.id.to_string(),
                        description: token.description,
                        created_at: token.created_at.to_string(),
                        revoked_at: token.revoked_at.map(|at| at.to_string()),
                    })
                    .collect();
                printer.result(&tokens, || {
                    let mut table = Table::new(&["id", "description", "created", "revoked"]);
                    for token in &tokens {
                        table.row([
                            token.id.clone(),
                            token.description.clone().unwrap_or_default(),
                            local_time(Some(&token.created_at)),
                            local_time(token.revoked_at.as_deref()),
                        ]);
                    }
                    table.render()
                })?;
            }
            Self::Revoke { token, reason, .. } => {
                let id = control.revoke_operator_token(&grant, token.clone(), reason.as_str()).await?;
                control.seal_audit().await?;
                printer.result(&json!({ "id": token, "uuid": id.to_string() }), || {
                    format!("Operator token {token} was revoked.")
                })?;
            }
        }
        Ok(Exit::Done)
    }
}
