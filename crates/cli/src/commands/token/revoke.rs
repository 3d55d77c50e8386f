//! `countersign token revoke`.

use clap::Args;
use countersign_domain::text::Reason;
use serde_json::{Value, json};

use super::{Named, reference, view};
use crate::{
    Ambient,
    api::{documents, shapes::text},
    commands::reach::ReachFlag,
    failure::Outcome,
    flags::variables,
    output::Printer,
};

/// Take an agent token back
///
/// No agent can register with it from then on; there is no undo. Agents that are connected keep their sessions unless
/// --connected-agents says otherwise.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  countersign token revoke 4f9Kd0aZ81b --reason \"laptop stolen\" --connected-agents disconnect"
)]
pub(super) struct Revoke {
    #[command(flatten)]
    named: Named,
    /// Why; shown to whoever tries the token afterwards: 1 to 1,000 characters
    #[arg(long, env = variables::REASON)]
    reason: Reason,
    #[command(flatten)]
    reach: ReachFlag,
}

impl Revoke {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        let input = json!({
            "id": reference(&self.named.token),
            "reason": self.reason,
            "connectedAgents": self.reach.as_input(),
        });
        let mut answer: Value =
            self.named.api(ambient)?.call(documents::TOKEN_REVOKE, json!({ "input": input })).await?;
        let revoked = answer["agentTokenRevoke"].take();
        printer.result(&revoked, || {
            format!(
                "Token {} was revoked. {}",
                text(&revoked["agentToken"], "publicId"),
                view::touched(&revoked["touchedAgents"])
            )
        })
    }
}
