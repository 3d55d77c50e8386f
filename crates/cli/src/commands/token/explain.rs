//! `countersign token explain`.

use std::net::IpAddr;

use clap::Args;
use countersign_domain::text::{DeploymentName, QueueName};
use serde_json::{Value, json};

use super::{Named, find};
use crate::{
    Ambient,
    api::{documents, shapes::text},
    failure::{Failure, Outcome},
    flags::variables,
    output::{Printer, Table, harmless},
};

/// Say whether an agent that came with a token would be let in, and which rule decides
///
/// It asks the server, by the rules that hold for agents; it changes nothing and counts as no use of the token.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  countersign token explain 4f9Kd0aZ81b --deployment prod --queue deploy --address 10.1.2.3"
)]
pub(super) struct Explain {
    #[command(flatten)]
    named: Named,
    /// Where the agent would work, by name [default: where an agent without the tag does]
    #[arg(long, value_name = "NAME", env = variables::DEPLOYMENT)]
    deployment: Option<DeploymentName>,
    /// The queue that it would serve [default: default]
    #[arg(long, value_name = "NAME", env = variables::QUEUE)]
    queue: Option<QueueName>,
    /// The address that it would come from [default: the networks are not asked]
    #[arg(long, value_name = "ADDRESS", env = variables::FROM_ADDRESS)]
    address: Option<IpAddr>,
}

impl Explain {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        let api = self.named.api(ambient)?;
        let token = find(&api, &self.named.token).await?;
        let asked = json!({
            "id": text(&token, "id"),
            "deployment": self.deployment.as_ref().map(DeploymentName::as_str),
            "queue": self.queue.as_ref().map(QueueName::as_str),
            "address": self.address.map(|it| it.to_string()),
        });
        let mut answer: Value = api.call(documents::TOKEN_EXPLAIN, asked).await?;
        let explained = answer["node"]["explain"].take();
        if explained.is_null() {
            return Err(Failure::internal("the server answered without an explanation"));
        }
        printer.result(&explained, || harmless(&in_words(&explained)))
    }
}

fn in_words(explained: &Value) -> String {
    let decisive = &explained["decidedBy"];
    let verdict = if explained["allowed"] == Value::Bool(true) { "Let in" } else { "Refused" };
    let place = match explained["deployment"].as_str() {
        Some(name) => format!(" (deployment {name})"),
        None => String::new(),
    };
    let mut table = Table::new(&["looked at", "lets it in", "rule", "because"]);
    for check in explained["checks"].as_array().into_iter().flatten() {
        let allows = if check["allowed"] == Value::Bool(true) { "yes" } else { "no" };
        let cells = [text(check, "part"), allows, text(check, "rule"), text(check, "words")];
        table.row(cells.map(str::to_owned));
    }
    format!("{verdict}{place}: {}.\n\n{}", text(decisive, "words"), table.render())
}
