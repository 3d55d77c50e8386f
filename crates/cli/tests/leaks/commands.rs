//! The program's own commands: what they print, and what they leave behind.

use std::process::Output;

use countersign_testkit::harness::api;
use countersign_testkit::harness::installation::Installation;

use crate::hunt::Hunt;

/// How many operator tokens are made.
const OPERATOR_TOKENS: usize = 12;
/// How many links to sign in are made.
const SIGN_IN_LINKS: usize = 4;
/// How many agent tokens are made, shown, rotated and revoked by command.
const AGENT_TOKENS: usize = 8;

/// Makes operator tokens and links to sign in, on the data folder itself.
pub async fn before_the_server(installation: &Installation, hunt: &mut Hunt) {
    for _ in 0..OPERATOR_TOKENS {
        let words = ["operator-token", "create", "--description", "canary", "--output", "json", "--log", "trace"];
        let output = installation.run(&words, true).await;
        keep(hunt, "operator-token create", &output, &["/value"], "ot");
    }
    let output = installation.run(&["operator-token", "list"], true).await;
    keep(hunt, "operator-token list", &output, &[], "ot");
    for _ in 0..SIGN_IN_LINKS {
        let words = ["sign-in-link", "--user", "ada@acme.example", "--output", "json", "--log", "trace"];
        let output = installation.run(&words, true).await;
        keep(hunt, "sign-in-link", &output, &["/sign_in_url"], "sl");
    }
}

/// Uses the server as a person would.
pub async fn drive(installation: &Installation, hunt: &mut Hunt) {
    for _ in 0..AGENT_TOKENS {
        let created = ask(installation, hunt, &["token", "create", "--description", "canary"], &["/value"]).await;
        let value = created.expect("token create answers a value");
        let id = api::public_id(&value);
        // A value that was handed out before is known already; it is only taken out of what was said.
        ask(installation, hunt, &["token", "reveal", id], &["/value"]).await;
        ask(installation, hunt, &["token", "show", id], &[]).await;
        ask(installation, hunt, &["token", "rotate", id], &["/value"]).await;
        ask(installation, hunt, &["token", "edit", id, "--description", "changed"], &[]).await;
        ask(installation, hunt, &["token", "permissions", id], &[]).await;
        ask(installation, hunt, &["token", "revoke", id, "--reason", "canary"], &[]).await;
        ask(installation, hunt, &["token", "reveal", id], &[]).await;
        ask(installation, hunt, &["token", "show", &value], &[]).await;
    }
    for words in [&["token", "list"][..], &["token", "show", "nothing"], &["no-such-command"]] {
        ask(installation, hunt, words, &[]).await;
    }
}

/// What is said about the data folder, beside the running server.
pub async fn on_the_folder(installation: &Installation, hunt: &mut Hunt) {
    for words in [["audit", "export"], ["audit", "list"], ["audit", "verify"], ["operator-token", "list"]] {
        let output = installation.run(&[words[0], words[1], "--log", "trace"], true).await;
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        keep(hunt, &words.join(" "), &output, &[], "");
    }
    let output = installation.run(&["doctor", "--log", "trace"], true).await;
    keep(hunt, "doctor", &output, &[], "");
}

/// Runs a command with the admin's user token, and answers the value that it printed at `pointers`.
async fn ask(installation: &Installation, hunt: &mut Hunt, words: &[&str], pointers: &[&str]) -> Option<String> {
    let arguments: Vec<_> = words.iter().chain(&["--output", "json", "--log", "trace"]).map(Into::into).collect();
    let mut command = installation.program.command(&arguments);
    command.env("COUNTERSIGN_SERVER", format!("http://{}", installation.listen));
    command.env("COUNTERSIGN_USER_TOKEN", &installation.made.user_token).env("HOME", &installation.logs);
    let output = command.output().await.expect("the program runs");
    keep(hunt, &words[..words.len().min(2)].join(" "), &output, pointers, "at")
}

/// Keeps what a command printed, and the value in it as a canary.
fn keep(hunt: &mut Hunt, what: &str, output: &Output, pointers: &[&str], kind: &'static str) -> Option<String> {
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let value = pointers.iter().find_map(|pointer| Some(printed.pointer(pointer)?.as_str()?.to_owned()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(pointers.is_empty() || value.is_some(), "{what} printed no value: {errors}");
    if let Some(value) = &value {
        hunt.canary(kind, value);
    }
    let carried: Vec<_> = value.iter().map(String::as_str).collect();
    hunt.said(&format!("output of {what}"), &output.stdout, &carried);
    hunt.said(&format!("errors of {what}"), &output.stderr, &[]);
    value
}
