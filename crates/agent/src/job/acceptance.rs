//! Which jobs this agent can run.

use std::collections::BTreeMap;

use countersign_wire::buildkite::{Job, signal_reason};

/// Why a job is not run: what its log says, and the word that the server is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    pub message: &'static str,
    pub signal_reason: &'static str,
}

/// What keeps this agent from running `job`. A job is never run without a part that it asks for.
pub(super) fn unfit(job: &Job) -> Option<Unfit> {
    let refused = |message| Some(Unfit { message, signal_reason: signal_reason::AGENT_REFUSED });
    if job.step.get("signature").is_some_and(|signature| !signature.is_null()) {
        let message = "The step is signed and this agent has no key to check signatures with.";
        return Some(Unfit { message, signal_reason: signal_reason::SIGNATURE_REJECTED });
    }
    if asks_for_repository(&job.env) {
        return refused(
            "The job asks for a checkout of a repository (BUILDKITE_REPO), and this agent runs only jobs without one: \
             set BUILDKITE_REPO to none, or BUILDKITE_SKIP_CHECKOUT to true.",
        );
    }
    if text(&job.env, "BUILDKITE_PLUGINS").is_some_and(|plugins| !matches!(plugins.trim(), "[]" | "null")) {
        return refused("The step uses plugins (BUILDKITE_PLUGINS), and this agent runs none.");
    }
    if text(&job.env, "BUILDKITE_COMMAND").is_none_or(|command| command.trim().is_empty()) {
        return refused("The step has no command (BUILDKITE_COMMAND is empty).");
    }
    None
}

fn asks_for_repository(env: &BTreeMap<String, String>) -> bool {
    let skipped = text(env, "BUILDKITE_SKIP_CHECKOUT").is_some_and(|skip| matches!(skip, "true" | "1"));
    let without_phase = text(env, "BUILDKITE_BOOTSTRAP_PHASES")
        .is_some_and(|phases| phases.split(',').all(|phase| phase != "checkout"));
    !skipped && !without_phase && text(env, "BUILDKITE_REPO").is_some_and(|repository| repository != "none")
}

/// A variable that is set and not empty.
fn text<'a>(env: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    env.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(env: &[(&str, &str)], step: &str) -> Option<&'static str> {
        let env: BTreeMap<_, _> = env.iter().copied().chain([("BUILDKITE_COMMAND", "true")]).collect();
        let text = format!(
            r#"{{"id":"j","chunks_max_size_bytes":1,"env":{},"step":{step}}}"#,
            serde_json::to_string(&env).expect("writes")
        );
        unfit(&serde_json::from_str(&text).expect("a job")).map(|unfit| unfit.signal_reason)
    }

    #[test]
    fn only_jobs_without_a_repository_run() {
        assert_eq!(judge(&[("BUILDKITE_REPO", "none")], "{}"), None);
        assert_eq!(judge(&[("BUILDKITE_REPO", "git@host:a.git"), ("BUILDKITE_SKIP_CHECKOUT", "true")], "{}"), None);
        assert_eq!(
            judge(&[("BUILDKITE_REPO", "git@host:a.git"), ("BUILDKITE_BOOTSTRAP_PHASES", "plugin,command")], "{}"),
            None
        );
        assert_eq!(judge(&[("BUILDKITE_REPO", "git@host:a.git")], "{}"), Some("agent_refused"));
        assert_eq!(
            judge(&[("BUILDKITE_REPO", "git@host:a.git"), ("BUILDKITE_SKIP_CHECKOUT", "false")], "{}"),
            Some("agent_refused")
        );
    }

    #[test]
    fn nothing_that_a_job_asks_for_is_passed_over() {
        assert_eq!(judge(&[("BUILDKITE_PLUGINS", "[{\"docker#v5\":null}]")], "{}"), Some("agent_refused"));
        assert_eq!(judge(&[("BUILDKITE_PLUGINS", "[]")], "{}"), None);
        assert_eq!(judge(&[], r#"{"signature":{"value":"x"}}"#), Some("signature_rejected"));
        let text = r#"{"id":"j","chunks_max_size_bytes":1,"env":{"BUILDKITE_COMMAND":" "}}"#;
        assert!(unfit(&serde_json::from_str(text).expect("a job")).is_some());
    }
}
