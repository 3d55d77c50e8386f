//! How a token is shown to people.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    api::shapes::text,
    commands::user::described,
    output::{Table, brief, counted, harmless, local_time},
};

/// A scope in one line.
pub(super) fn scope(scope: &Value) -> String {
    let list = |field: &str, of: fn(&Value) -> &str| {
        scope[field].as_array().map(|all| all.iter().map(of).collect::<Vec<_>>().join(", ")).unwrap_or_default()
    };
    let mut deployments = if scope["everyDeployment"] == true {
        "every deployment".to_owned()
    } else {
        list("deployments", |it| text(it, "name"))
    };
    if scope["everyDeployment"] != true && scope["allBranchDeployments"] == true {
        deployments.push_str(if deployments.is_empty() {
            "all branch deployments"
        } else {
            " and all branch deployments"
        });
    }
    let as_text = |it: &Value| -> String { it.as_str().unwrap_or_default().to_owned() };
    let join = |field: &str| {
        scope[field].as_array().map(|all| all.iter().map(as_text).collect::<Vec<_>>().join(", ")).unwrap_or_default()
    };
    let queues = if scope["anyQueue"] == true { "any queue".to_owned() } else { format!("queues {}", join("queues")) };
    let networks = join("networks");
    let networks = if networks == "0.0.0.0/0, ::/0" || networks.is_empty() {
        "any network".to_owned()
    } else {
        format!("from {networks}")
    };
    format!("{deployments}; {queues}; {networks}")
}

/// Tokens, one per line.
pub(super) fn table(tokens: &[Value]) -> String {
    let mut table = Table::new(&["public id", "description", "state", "created", "last used", "scope"]);
    for token in tokens {
        table.row([
            text(token, "publicId").to_owned(),
            brief(described(token)),
            text(token, "state").to_lowercase(),
            local_time(token["createdAt"].as_str()),
            local_time(token["lastUsedAt"].as_str()),
            scope(&token["scope"]),
        ]);
    }
    table.render()
}

/// One token in full.
pub(super) fn details(token: &Value) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() && value != "-" {
            writeln!(out, "{name:<14}{}", harmless(value)).ok();
        }
    };
    line("public id", text(token, "publicId"));
    line("description", described(token));
    line("state", &text(token, "state").to_lowercase());
    line("id", text(token, "id"));
    line("uuid", text(token, "uuid"));
    line("created", &by(token, "createdAt", "createdBy"));
    line("expires", &local_time(token["expiresAt"].as_str()));
    line("revoked", &by(token, "revokedAt", "revokedBy"));
    line("reason", text(token, "revokedReason"));
    line("reveal", &text(token, "revealPolicy").to_lowercase());
    line("scope", &scope(&token["scope"]));
    let last = local_time(token["lastUsedAt"].as_str());
    let from = text(token, "lastUsedIp");
    line("last used", &if from.is_empty() { last } else { format!("{last} from {from}") });
    out
}

fn by(token: &Value, when: &str, who: &str) -> String {
    let at = local_time(token[when].as_str());
    match token[who]["email"].as_str() {
        Some(email) if at != "-" => format!("{at} by {email}"),
        _ => at,
    }
}

/// Who was told to leave, or cut off.
pub(super) fn touched(agents: &Value) -> String {
    let names: Vec<&str> = agents.as_array().into_iter().flatten().map(|agent| text(agent, "name")).collect();
    match names.len() {
        0 => "No connected agent was touched.".to_owned(),
        count => format!("Touched {}: {}", counted(count, "connected agent"), harmless(&names.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_was_touched_is_counted_and_named() {
        assert_eq!(touched(&json!([])), "No connected agent was touched.");
        assert_eq!(touched(&json!([{ "name": "a" }])), "Touched 1 connected agent: a");
        assert_eq!(touched(&json!([{ "name": "a" }, { "name": "b" }])), "Touched 2 connected agents: a, b");
    }

    #[test]
    fn a_long_description_widens_no_row_and_none_is_said() {
        let tokens = [
            json!({ "publicId": "4f9Kd0aZ81b", "description": "\"".repeat(1_000), "scope": {} }),
            json!({ "scope": {} }),
        ];
        let table = table(&tokens);
        assert!(table.lines().all(|line| line.chars().count() < 250), "{table}");
        assert!(table.contains("(no description)") && details(&tokens[1]).contains("(no description)"), "{table}");
        assert!(details(&tokens[0]).contains(&"\"".repeat(1_000)), "all of it is where one token is shown");
    }

    #[test]
    fn a_scope_reads_as_a_sentence() {
        let widest = json!({ "everyDeployment": true, "allBranchDeployments": true, "deployments": [], "anyQueue": true,
            "queues": [], "networks": ["0.0.0.0/0", "::/0"] });
        assert_eq!(scope(&widest), "every deployment; any queue; any network");
        let narrow = json!({ "everyDeployment": false, "allBranchDeployments": true, "deployments": [{ "name": "prod" }],
            "anyQueue": false, "queues": ["a", "b"], "networks": ["10.0.0.0/8"] });
        assert_eq!(scope(&narrow), "prod and all branch deployments; queues a, b; from 10.0.0.0/8");
    }
}
