//! The pages that are printed from the program. `UPDATE_DOCS=1 cargo test -p countersign` writes them anew.

use std::{fmt::Write as _, path::PathBuf};

use clap::{Arg, Command};
use countersign_agent::Setting;
use countersign_control::access::Proof;
use countersign_control::access::actions::TABLE;

use super::{
    completeness::{built, leaves, variables_of},
    variables,
};
use crate::failure::Exit;

pub(super) const GENERATED: &str = "<!-- Printed from the program: UPDATE_DOCS=1 cargo test -p countersign -->\n";

pub(super) fn up_to_date(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let write = std::env::var_os("UPDATE_DOCS").is_some();
    if write {
        std::fs::write(&path, text).expect("the page can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "docs/{name} is not what the program prints; run UPDATE_DOCS=1 cargo test -p countersign");
}

#[test]
fn the_page_of_commands_is_up_to_date() {
    let mut page = format!("# Command line\n\n{GENERATED}\n");
    let command = built();
    writeln!(page, "{}\n", command.get_about().map(ToString::to_string).unwrap_or_default()).expect("text");
    page.push_str(
        "Every command takes `--output text|json`, `--log FILTER` and `--log-format text|json`. Results go \
     to standard output, talk to standard error.\n\n",
    );
    page.push_str(
        "Started under the name `buildkite-agent`, through a link, the program answers to `start` and \
     to the commands of a job with that agent's flags and variables, and ends with 1 after any error. Its `build cancel` is \
     `job cancel-build` here.\n\n",
    );
    page.push_str("| exit code | meaning |\n|---|---|\n");
    for (exit, meaning) in Exit::MEANINGS {
        writeln!(page, "| {} | {meaning} |", exit.code()).expect("text");
    }
    for (path, command) in leaves(&command) {
        section(&mut page, &path, &command);
    }
    up_to_date("cli.md", &page);
}

fn section(page: &mut String, path: &str, command: &Command) {
    let text = |styled: Option<&clap::builder::StyledStr>| styled.map(ToString::to_string).unwrap_or_default();
    let about = text(command.get_about());
    let whole = text(command.get_long_about());
    let more = whole.strip_prefix(&about).unwrap_or_default().trim();
    writeln!(page, "\n## {path}\n\n{about}.").expect("text");
    if !more.is_empty() {
        writeln!(page, "\n{more}").expect("text");
    }
    let example = text(command.get_after_help());
    let example: Vec<&str> = example.lines().map(str::trim).filter(|line| line.starts_with("countersign ")).collect();
    writeln!(page, "\n```sh\n{}\n```", example.join("\n")).expect("text");
    let args: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_hide_set() && !is_everywhere(arg)).collect();
    if args.is_empty() {
        return;
    }
    page.push_str("\n| argument | meaning | variable |\n|---|---|---|\n");
    for arg in args {
        let help = text(arg.get_help());
        let help = help.split(" [env: ").next().unwrap_or_default();
        let default = arg.get_default_values().first().map(|value| format!(" [default: {}]", value.to_string_lossy()));
        let default = default.filter(|_| !matches!(arg.get_action(), clap::ArgAction::SetTrue)).unwrap_or_default();
        let names: Vec<String> = variables_of(arg).iter().map(|name| format!("`{name}`")).collect();
        writeln!(page, "| `{}` | {}{default} | {} |", spelled(arg), help.replace('|', "\\|"), names.join(", "))
            .expect("text");
    }
}

/// `--flag VALUE` or `VALUE`.
fn spelled(arg: &Arg) -> String {
    let value = arg.get_value_names().map(|names| names.join(" ").replace('|', "\\|")).unwrap_or_default();
    let takes = arg.get_action().takes_values() && arg.get_num_args().is_none_or(|range| range.min_values() > 0);
    match arg.get_long() {
        Some(long) if takes => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None => value,
    }
}

fn is_everywhere(arg: &Arg) -> bool {
    matches!(arg.get_long(), Some("output" | "log" | "log-format" | "help" | "version"))
}

#[test]
fn the_page_of_configuration_is_up_to_date() {
    let mut page = format!("# Configuration\n\n{GENERATED}\n");
    page.push_str(
        "A flag wins over its variable, a variable over the configuration file, and that over the \
     default.\n\n## Variables\n\n| variable | meaning | flag |\n|---|---|---|\n",
    );
    let commands = leaves(&built());
    for variable in variables::REGISTER {
        let flag = commands
            .iter()
            .flat_map(|(_, command)| command.get_arguments())
            .find(|arg| variables_of(arg).iter().any(|name| name == variable.name));
        let long = flag.and_then(Arg::get_long).unwrap_or_default();
        writeln!(page, "| `{}` | {} | `--{long}` |", variable.name, variable.says.trim()).expect("text");
    }
    page.push_str("\nRead where they are used:\n\n| variable | meaning |\n|---|---|\n");
    for variable in variables::FOREIGN {
        writeln!(page, "| `{}` | {} |", variable.name, variable.says).expect("text");
    }
    page.push_str(
        "\n## The agent\n\nThe first of two variables wins. The key is that of the configuration file, \
     `buildkite-agent.cfg`, and with two dashes the flag.\n\n| key | variables |\n|---|---|\n",
    );
    for setting in Setting::ALL {
        let [ours, theirs] = setting.variables();
        writeln!(page, "| `{}` | `{ours}`, `{theirs}` |", setting.key()).expect("text");
    }
    page.push_str(
        "\n## The server's file\n\n`countersign server --config FILE` reads TOML. Every key may be left \
     out; an unknown one is an error. A file that is named for a secret must be readable by its owner \
     alone.\n\n```toml\n",
    );
    page.push_str(include_str!("../server/example.toml"));
    page.push_str("```\n");
    up_to_date("configuration.md", &page);
}

#[test]
fn the_page_of_permissions_is_up_to_date() {
    let mut page = format!("# Permissions\n\n{GENERATED}\n");
    page.push_str(
        "Who may do what. What is not here nobody may; what a member may, an Organization Admin may \
     too. What a Launcher of a deployment may, its Editors and Admins may too; every member is a \
     Launcher of every deployment unless an Organization Admin says otherwise: see [roles in \
     deployments](members.md#roles-in-deployments).\n\n*Proved again*: somebody who is signed in with a \
     browser has shown what they sign in by within the last 5 minutes; see [signing \
     in](signing-in.md#proving-again). A user token has nothing to prove.\n\n| action | what | who |\n|---|---|---|\n",
    );
    for row in TABLE {
        let mut who: Vec<&str> = row.allowed.iter().map(|who| who.words()).collect();
        who.extend(row.within.map(countersign_domain::deployment_role::Need::words));
        let alone = if row.people_alone { ", and no service user" } else { "" };
        let proof = match row.proof {
            Proof::None => "",
            Proof::Fresh => "; proved again",
            Proof::Asked => "; proved again for some of it",
        };
        writeln!(page, "| `{}` | {} | {}{alone}{proof} |", row.name, row.does.trim(), who.join("; ")).expect("text");
    }
    up_to_date("permissions.md", &page);
}
