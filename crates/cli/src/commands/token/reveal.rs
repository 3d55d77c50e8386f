//! `countersign token reveal`.

use clap::Args;
use serde_json::{Value, json};

use super::{Named, reference};
use crate::{Ambient, api::documents, failure::Outcome, output::Printer};

/// Show an agent token's value again, while its reveal policy allows; the look is in the audit log
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign token reveal 4f9Kd0aZ81b")]
pub(super) struct Reveal {
    #[command(flatten)]
    named: Named,
}

impl Reveal {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        let api = self.named.api(ambient)?;
        let input = json!({ "id": reference(&self.named.token) });
        let mut answer: Value = api.call(documents::TOKEN_REVEAL, json!({ "input": input })).await?;
        let revealed = answer["agentTokenReveal"].take();
        let value = &revealed["tokenValue"];
        printer.result(&json!({ "publicId": revealed["publicId"], "value": value }), || {
            value.as_str().unwrap_or_default().to_owned()
        })
    }
}
