//! `countersign token show`.

use clap::Args;
use serde_json::Value;

use super::{Named, find, view};
use crate::{
    Ambient,
    api::shapes::text,
    failure::Outcome,
    output::{Printer, Table, local_time},
};

/// Show an agent token: its scope, its secrets, the agents that use it, and who was refused with it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign token show 4f9Kd0aZ81b")]
pub(super) struct Show {
    #[command(flatten)]
    named: Named,
}

impl Show {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        let token = find(&self.named.api(ambient)?, &self.named.token).await?;
        printer.result(&token, || {
            format!("{}{}{}{}", view::details(&token), secrets(&token), agents(&token), refusals(&token))
        })
    }
}

fn secrets(token: &Value) -> String {
    let all = token["secrets"].as_array().map(Vec::as_slice).unwrap_or_default();
    if all.len() < 2 {
        return String::new();
    }
    let mut table = Table::new(&["secret", "created", "good until", "last used"]);
    for secret in all {
        table.row([
            text(secret, "publicId").to_owned(),
            local_time(secret["createdAt"].as_str()),
            local_time(secret["validUntil"].as_str()),
            local_time(secret["lastUsedAt"].as_str()),
        ]);
    }
    format!("\n{}", table.render())
}

fn agents(token: &Value) -> String {
    let mut table = Table::new(&["agent", "state", "address", "connected"]);
    for edge in token["agents"]["edges"].as_array().into_iter().flatten() {
        let agent = &edge["node"];
        table.row([
            text(agent, "name").to_owned(),
            text(agent, "connectionState").to_owned(),
            text(agent, "ipAddress").to_owned(),
            local_time(agent["connectedAt"].as_str()),
        ]);
    }
    if table.is_empty() { "\nNo agent is connected with it.\n".to_owned() } else { format!("\n{}", table.render()) }
}

fn refusals(token: &Value) -> String {
    let mut table = Table::new(&["refused because", "from", "times", "last"]);
    for refusal in token["refusals"].as_array().into_iter().flatten() {
        table.row([
            text(refusal, "reason").to_owned(),
            text(refusal, "ip").to_owned(),
            refusal["count"].to_string(),
            local_time(refusal["lastAt"].as_str()),
        ]);
    }
    if table.is_empty() { String::new() } else { format!("\n{}", table.render()) }
}
