//! `countersign token revoke`.

use std::time::Duration;

use clap::Args;
use countersign_domain::{Timestamp, text::Reason};
use serde_json::{Value, json};

use super::{Named, reference, view};
use crate::{
    Ambient,
    api::{documents, shapes::text},
    commands::reach::ReachFlag,
    failure::Outcome,
    flags::variables,
    output::{Printer, counted, harmless, local_time},
};

/// How far the clocks of this machine and of the server may be apart before a token seems to have been revoked earlier.
const CLOCKS_APART: Duration = Duration::from_secs(300);

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
    /// Why: 1 to 1,000 characters; kept with the token and in the audit log. Whoever tries the token is told `revoked` and the
    /// public id, and not the reason
    #[arg(long, env = variables::REASON)]
    reason: Reason,
    #[command(flatten)]
    reach: ReachFlag,
}

impl Revoke {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        let asked = ambient.clock.now();
        let input = json!({
            "id": reference(&self.named.token),
            "reason": self.reason,
            "connectedAgents": self.reach.as_input(),
        });
        let mut answer: Value =
            self.named.api(ambient)?.call(documents::TOKEN_REVOKE, json!({ "input": input })).await?;
        let revoked = answer["agentTokenRevoke"].take();
        printer.result(&revoked, || {
            let token = &revoked["agentToken"];
            let (words, touched) = (words(token, &json!(self.reason), asked), view::touched(&revoked["touchedAgents"]));
            format!("{words} {touched}{}", of_dagster(&revoked["dagsterAgents"]))
        })
    }
}

/// What became of the token. One that had been revoked before keeps its time and its reason.
fn words(token: &Value, given: &Value, asked: Timestamp) -> String {
    let name = text(token, "publicId");
    let at = text(token, "revokedAt");
    let is_old = at.parse().is_ok_and(|at: Timestamp| asked.since(at) > CLOCKS_APART);
    if token["revokedReason"] == *given && !is_old {
        return format!("Token {name} was revoked.");
    }
    let reason = harmless(text(token, "revokedReason"));
    format!(
        "Token {name} was revoked already at {}, with the reason: {reason}. That time and that reason stay.",
        local_time(Some(at))
    )
}

/// What becomes of Dagster+ agents, which show the token itself with each call.
fn of_dagster(agents: &Value) -> String {
    let name = |it: &Value| match text(it, "label") {
        "" => text(it, "process").to_owned(),
        label => label.to_owned(),
    };
    let names: Vec<String> = agents.as_array().into_iter().flatten().map(name).collect();
    match names.len() {
        0 => String::new(),
        count => format!(
            "\n{} with this token will be refused at the next call: {}",
            counted(count, "Dagster+ agent"),
            harmless(&names.join(", "))
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dagster_agents_are_named_by_label_or_process() {
        assert_eq!(of_dagster(&json!([])), "");
        let two = json!([{ "label": "north", "process": "p1" }, { "label": null, "process": "p2" }]);
        assert_eq!(of_dagster(&two), "\n2 Dagster+ agents with this token will be refused at the next call: north, p2");
        let one = json!([{ "label": "north", "process": "p1" }]);
        assert_eq!(of_dagster(&one), "\n1 Dagster+ agent with this token will be refused at the next call: north");
    }

    #[test]
    fn a_token_that_was_revoked_before_keeps_its_reason() {
        let token =
            json!({ "publicId": "4f9Kd0aZ81b", "revokedAt": "2027-01-31T09:00:00Z", "revokedReason": "stolen" });
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let now = at("2027-01-31T09:00:01Z");
        assert_eq!(words(&token, &json!("stolen"), now), "Token 4f9Kd0aZ81b was revoked.");
        for (given, asked) in [(json!("lost"), now), (json!("stolen"), at("2027-01-31T10:00:00Z"))] {
            let words = words(&token, &given, asked);
            assert!(words.contains("revoked already") && words.contains("stolen"), "{words}");
        }
    }
}
