//! Which jobs this agent can run.

use std::collections::BTreeMap;

use countersign_wire::buildkite::{Job, signal_reason};
use serde_json::Value;

/// Why a job is not run: what its log says, and the word that the server is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    pub message: String,
    pub signal_reason: &'static str,
}

/// What to do about it, at the end of each message.
const ADVICE: &str = "Run this job with the Buildkite agent, on a queue of its own.";

/// What keeps this agent from running `job`. A job is never run without a part that it asks for.
pub(super) fn unfit(job: &Job) -> Option<Unfit> {
    if asks_for(job, "signature") {
        let message = format!("The step has a signature, and this agent has no key to check signatures with. {ADVICE}");
        return Some(Unfit { message, signal_reason: signal_reason::SIGNATURE_REJECTED });
    }
    let plugins = text(&job.env, "BUILDKITE_PLUGINS").is_some_and(|plugins| !matches!(plugins.trim(), "[]" | "null"));
    let secrets = text(&job.env, "BUILDKITE_SECRETS_CONFIG").is_some_and(|it| !matches!(it.trim(), "[]" | "null"));
    let message = if plugins || asks_for(job, "plugins") {
        format!("The step uses plugins (BUILDKITE_PLUGINS), and this agent runs none. {ADVICE}")
    } else if secrets || asks_for(job, "secrets") {
        format!("The step uses secrets, and this agent fetches none before the command. {ADVICE}")
    } else if text(&job.env, "BUILDKITE_IMAGE").is_some() || asks_for(job, "image") {
        format!(
            "The step asks for a docker image (BUILDKITE_IMAGE), and this agent runs commands on its own machine. {ADVICE}"
        )
    } else if text(&job.env, "BUILDKITE_COMMAND").is_none_or(|command| command.trim().is_empty()) {
        "The step has no command (BUILDKITE_COMMAND is empty).".to_owned()
    } else {
        return None;
    };
    Some(Unfit { message, signal_reason: signal_reason::AGENT_REFUSED })
}

/// Whether the step says something of `part`.
fn asks_for(job: &Job, part: &str) -> bool {
    match job.step.get(part) {
        None | Some(Value::Null) => false,
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    }
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
    fn nothing_that_a_job_asks_for_is_passed_over() {
        assert_eq!(judge(&[("BUILDKITE_PLUGINS", "[{\"docker#v5\":null}]")], "{}"), Some("agent_refused"));
        for env in [("BUILDKITE_SECRETS_CONFIG", "[{\"key\":\"A\"}]"), ("BUILDKITE_IMAGE", "alpine:3")] {
            assert_eq!(judge(&[env], "{}"), Some("agent_refused"), "{env:?}");
        }
        for step in [r#"{"plugins":[{"x":null}]}"#, r#"{"secrets":[{"key":"A"}]}"#, r#"{"image":"alpine"}"#] {
            assert_eq!(judge(&[], step), Some("agent_refused"), "{step}");
        }
        assert_eq!(judge(&[("BUILDKITE_PLUGINS", "[]")], r#"{"secrets":[],"plugins":null,"signature":null}"#), None);
        assert_eq!(judge(&[], r#"{"signature":{"value":"x"}}"#), Some("signature_rejected"));
        let text = r#"{"id":"j","chunks_max_size_bytes":1,"env":{"BUILDKITE_COMMAND":" "}}"#;
        assert!(unfit(&serde_json::from_str(text).expect("a job")).is_some());
    }
}
