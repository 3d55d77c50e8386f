//! Every flag has a variable, every variable a flag, every command an example that parses.

use std::collections::BTreeSet;

use clap::{Arg, Command, CommandFactory, Parser};
use countersign_agent::Setting;
use countersign_store::blobs::Secret;

use super::{Cli, variables};

/// Variables of a job, which its agent sets, and of the agent's settings: their flags read them elsewhere.
const JOB_VARIABLES: &[&str] = &[
    "BUILDKITE_AGENT_ACCESS_TOKEN",
    "BUILDKITE_AGENT_ENDPOINT",
    "BUILDKITE_JOB_ID",
    "BUILDKITE_REDACTED_VARS",
    "BUILDKITE_METADATA_BUILD_ID",
    "BUILDKITE_ANNOTATION_CONTEXT",
    "BUILDKITE_ANNOTATION_STYLE",
    "BUILDKITE_ANNOTATION_APPEND",
    "BUILDKITE_ANNOTATION_PRIORITY",
    "BUILDKITE_ANNOTATION_SCOPE",
    "BUILDKITE_PIPELINE_REPLACE",
    "BUILDKITE_PIPELINE_UPLOAD_DRY_RUN",
    "BUILDKITE_PIPELINE_UPLOAD_DRY_RUN_FORMAT",
    "BUILDKITE_PIPELINE_NO_INTERPOLATION",
    "BUILDKITE_AGENT_PIPELINE_UPLOAD_ALLOW_SECRETS",
    "BUILDKITE_AGENT_APPLY_IF_CHANGED",
    "BUILDKITE_GIT_DIFF_BASE",
    "BUILDKITE_FETCH_DIFF_BASE",
    "BUILDKITE_CHANGED_FILES_PATH",
    "BUILDKITE_STEP_ID",
    "BUILDKITE_BUILD_ID",
    "BUILDKITE_STEP_GET_FORMAT",
    "BUILDKITE_STEP_UPDATE_APPEND",
    "BUILDKITE_STEP_CANCEL_FORCE",
    "BUILDKITE_STEP_CANCEL_FORCE_GRACE_PERIOD_SECONDS",
    "BUILDKITE_OIDC_TOKEN_CLAIMS",
    "BUILDKITE_OIDC_TOKEN_AWS_SESSION_TAGS",
    "BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM",
    "BUILDKITE_AGENT_OIDC_REQUEST_TOKEN_SKIP_TOKEN_REDACTION",
    "BUILDKITE_AGENT_SECRET_GET_FORMAT",
    "BUILDKITE_AGENT_SECRET_GET_SKIP_SECRET_REDACTION",
    "BUILDKITE_AGENT_REDACT_ADD_FORMAT",
    "BUILDKITE_AGENT_REDACT_VARS_FILTER",
    "BUILDKITE_AGENT_ENV_DUMP_FORMAT",
    "BUILDKITE_AGENT_ENV_GET_FORMAT",
    "BUILDKITE_AGENT_ENV_SET_INPUT_FORMAT",
    "BUILDKITE_AGENT_ENV_SET_OUTPUT_FORMAT",
    "BUILDKITE_AGENT_ENV_UNSET_INPUT_FORMAT",
    "BUILDKITE_AGENT_ENV_UNSET_OUTPUT_FORMAT",
    "BUILDKITE_AGENT_WORKDIR_SET_OUTPUT_FORMAT",
    "BUILDKITE_LOCK_SCOPE",
    "BUILDKITE_SOCKETS_PATH",
    "BUILDKITE_LOCK_WAIT_TIMEOUT",
    "BUILDKITE_AGENT_PAUSE_NOTE",
    "BUILDKITE_AGENT_PAUSE_TIMEOUT_MINUTES",
    "BUILDKITE_AGENT_INCLUDE_RETRIED_JOBS",
    "BUILDKITE_ARTIFACT_CONTENT_TYPE",
    "BUILDKITE_AGENT_ARTIFACT_LITERAL",
    "BUILDKITE_AGENT_ARTIFACT_DELIMITER",
    "BUILDKITE_AGENT_ARTIFACT_GLOB_RESOLVE_FOLLOW_SYMLINKS",
    "BUILDKITE_ARTIFACT_UPLOAD_SKIP_SYMLINKS",
    "BUILDKITE_NO_MULTIPART_ARTIFACT_UPLOAD",
    "BUILDKITE_ARTIFACT_UPLOAD_CONCURRENCY",
];

/// Flags without a variable: the value would make no sense for longer than one call.
const WITHOUT: &[&str] = &[
    "help",
    "version",
    "default",
    "audience",
    "lifetime",
    "force",
    "format",
    "step",
    "allow-empty-results",
    "sha256",
    "env",
    "meta-data",
    "field",
    "follow",
    "raw",
    "job",
    "name",
    "slug",
    "user",
    "repository",
    "default-branch",
    "steps",
    "module-name",
    "python-file",
    "package-name",
    "autoload-defs-module-name",
    "image",
    "working-directory",
    "executable-path",
    "attribute",
    "commit-hash",
    "commit-url",
    "agent-queue",
    "container-context",
];

/// Every command that does something, with the words that lead to it.
pub(super) fn leaves(command: &Command) -> Vec<(String, Command)> {
    fn walk(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        let children: Vec<&Command> = command.get_subcommands().filter(|child| child.get_name() != "help").collect();
        if children.is_empty() {
            found.push((path.to_owned(), command.clone()));
        }
        for child in children {
            walk(child, &format!("{path} {}", child.get_name()), found);
        }
    }
    let mut found = Vec::new();
    walk(command, "countersign", &mut found);
    found
}

/// The command line as it is shown, with the flags that every command has.
pub(super) fn built() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// The variables that a flag reads, the winning one first.
pub(super) fn variables_of(arg: &Arg) -> Vec<String> {
    if let Some(name) = arg.get_env() {
        return vec![name.to_string_lossy().into_owned()];
    }
    // The agent and the commands of a job look for themselves, and say so in their help.
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let named = help.split_once("[env: ").and_then(|(_, rest)| rest.split_once(']'));
    named.map(|(names, _)| names.split(", ").map(str::to_owned).collect()).unwrap_or_default()
}

fn is_shown_flag(arg: &Arg) -> bool {
    arg.get_long().is_some() && !arg.is_hide_set()
}

#[test]
fn every_flag_has_a_variable_of_the_register() {
    let mut known: BTreeSet<&str> = variables::REGISTER.iter().map(|variable| variable.name).collect();
    known.extend(JOB_VARIABLES);
    known.extend(Setting::ALL.iter().flat_map(|setting| setting.variables()));
    let mut faults = Vec::new();
    for (path, command) in leaves(&built()) {
        for arg in command.get_arguments().filter(|arg| is_shown_flag(arg)) {
            let long = arg.get_long().unwrap_or_default();
            if WITHOUT.contains(&long) {
                continue;
            }
            let names = variables_of(arg);
            if names.is_empty() {
                faults.push(format!("{path} --{long} has no variable"));
            }
            faults.extend(
                names
                    .iter()
                    .filter(|name| !known.contains(name.as_str()))
                    .map(|name| format!("{path} --{long}: {name} is not in the register")),
            );
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_variable_of_the_register_has_a_flag() {
    let read: BTreeSet<String> =
        leaves(&built()).iter().flat_map(|(_, command)| command.get_arguments().flat_map(variables_of)).collect();
    let idle: Vec<&str> =
        variables::REGISTER.iter().map(|variable| variable.name).filter(|name| !read.contains(*name)).collect();
    assert!(idle.is_empty(), "no flag reads {idle:?}");
    let names: BTreeSet<&str> = variables::REGISTER.iter().map(|variable| variable.name).collect();
    assert_eq!(names.len(), variables::REGISTER.len(), "a name stands twice");
}

#[test]
fn every_setting_of_an_agent_has_its_flag() {
    let commands = leaves(&built());
    let (_, start) = commands.iter().find(|(path, _)| path == "countersign agent start").expect("there");
    for setting in Setting::ALL {
        let arg = start.get_arguments().find(|arg| arg.get_long() == Some(setting.key()));
        assert_eq!(variables_of(arg.unwrap_or_else(|| panic!("--{}", setting.key()))), setting.variables());
    }
}

#[test]
fn every_command_has_an_example_that_parses() {
    let commands = leaves(&built());
    assert!(commands.len() > 30, "only {} commands were found: the search is broken", commands.len());
    for (path, command) in commands {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples: Vec<&str> = help.lines().map(str::trim).filter(|line| line.starts_with("countersign ")).collect();
        assert!(!examples.is_empty(), "{path} has no example");
        for example in examples {
            assert!(example.starts_with(&path), "{path}: {example}");
            if let Err(error) = Cli::try_parse_from(words(example)) {
                panic!("{example}\n{error}");
            }
        }
        assert!(command.get_about().is_some(), "{path} does not say what it does");
    }
}

#[test]
fn every_command_of_the_page_on_builds_parses() {
    let page = include_str!("../../../../docs/builds.md");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("countersign ")).collect();
    assert!(lines.len() > 12, "only {} commands were found", lines.len());
    for line in lines {
        if let Err(error) = Cli::try_parse_from(words(line)) {
            panic!("{line}\n{error}");
        }
    }
}

/// Words as a shell splits them; double quotes keep some together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("never empty").push(c),
        }
    }
    words
}

#[test]
fn secrets_in_variables_are_not_shown_in_help() {
    for (path, command) in leaves(&built()) {
        for arg in command.get_arguments() {
            let long = arg.get_long().unwrap_or_default();
            let is_secret = arg.get_value_parser().type_id() == std::any::TypeId::of::<Secret>()
                || matches!(
                    long,
                    "user-token" | "operator-token" | "invitation" | "database-url" | "agent-access-token"
                );
            assert!(!is_secret || arg.get_env().is_none() || arg.is_hide_env_values_set(), "{path} --{long}");
        }
    }
}
