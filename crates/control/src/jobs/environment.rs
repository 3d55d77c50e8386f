//! The variables that a job begins with, as Buildkite's agent and its plugins expect them.
//!
//! Never a token: the agent puts the job's own token into `BUILDKITE_AGENT_ACCESS_TOKEN` itself.

use std::collections::BTreeMap;

use countersign_store::agents::Agent;
use countersign_store::builds::Build;
use countersign_store::jobs::Job;
use countersign_store::organizations::Organization;

/// The repository of a job that has none; the agent needs a word there.
const NO_REPOSITORY: &str = "none";
/// From this version on an agent skips its checkout when `BUILDKITE_SKIP_CHECKOUT` says so; older ones need their phases listed.
const SKIPS_CHECKOUT: (u32, u32) = (3, 116);

/// The variables that a job begins with. What the pipeline sets comes first, and gives way to what is standard.
pub(crate) fn of(job: &Job, build: &Build, organization: &Organization, agent: &Agent) -> BTreeMap<String, String> {
    let mut env = job.env.clone();
    let mut set = |key: &str, value: String| {
        env.insert(key.to_owned(), value);
    };
    set("CI", "true".to_owned());
    set("BUILDKITE", "true".to_owned());
    set("BUILDKITE_JOB_ID", job.id.to_string());
    set("BUILDKITE_BUILD_ID", build.id.to_string());
    set("BUILDKITE_BUILD_NUMBER", build.number.to_string());
    set("BUILDKITE_COMMAND", job.command.clone());
    set("BUILDKITE_SCRIPT_PATH", job.command.clone());
    set("BUILDKITE_REPO", NO_REPOSITORY.to_owned());
    set("BUILDKITE_COMMIT", "HEAD".to_owned());
    set("BUILDKITE_BRANCH", "main".to_owned());
    set("BUILDKITE_PULL_REQUEST", "false".to_owned());
    set("BUILDKITE_TIMEOUT", "false".to_owned());
    set("BUILDKITE_RETRY_COUNT", "0".to_owned());
    set("BUILDKITE_SOURCE", "api".to_owned());
    set("BUILDKITE_MESSAGE", build.message.clone().unwrap_or_default());
    set("BUILDKITE_AGENT_ID", agent.id.to_string());
    set("BUILDKITE_AGENT_NAME", agent.name.clone());
    set("BUILDKITE_ORGANIZATION_ID", organization.id.to_string());
    set("BUILDKITE_ORGANIZATION_SLUG", organization.slug.clone());
    set("BUILDKITE_PIPELINE_ID", build.pipeline.to_string());
    set("BUILDKITE_PIPELINE_SLUG", build.pipeline_slug.clone());
    set("BUILDKITE_PIPELINE_NAME", build.pipeline_name.clone());
    set("BUILDKITE_PIPELINE_PROVIDER", "git".to_owned());
    set("BUILDKITE_LABEL", job.label.clone().unwrap_or_default());
    set("BUILDKITE_STEP_ID", job.id.to_string());
    if let Some(key) = &job.step_key {
        set("BUILDKITE_STEP_KEY", key.clone());
    }
    if is_at_least(agent.version.as_deref(), SKIPS_CHECKOUT) {
        set("BUILDKITE_SKIP_CHECKOUT", "true".to_owned());
    } else {
        set("BUILDKITE_BOOTSTRAP_PHASES", "plugin,command".to_owned());
    }
    set("BUILDKITE_AGENT_META_DATA_QUEUE", agent.queue.clone());
    for tag in &agent.tags {
        let (key, value) = tag.split_once('=').unwrap_or((tag.as_str(), "true"));
        let name: String =
            key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        set(&format!("BUILDKITE_AGENT_META_DATA_{name}"), value.to_owned());
    }
    env
}

/// An agent that tells no version that can be read is taken for a new one: the native agent and agents built from source.
fn is_at_least(version: Option<&str>, wanted: (u32, u32)) -> bool {
    let mut parts = version.unwrap_or_default().split(['.', '-', '+']);
    let major = parts.next().and_then(|part| part.parse().ok());
    let minor = parts.next().and_then(|part| part.parse().ok());
    match (major, minor) {
        (Some(major), Some(minor)) => (major, minor) >= wanted || (major, minor) < (1, 0),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_agents_are_told_in_their_own_words() {
        assert!(is_at_least(Some("3.137.0"), SKIPS_CHECKOUT));
        assert!(is_at_least(Some("4.0.0-beta.15"), SKIPS_CHECKOUT));
        assert!(!is_at_least(Some("3.60.1"), SKIPS_CHECKOUT));
        // The native agent counts its own versions from 0.1.
        assert!(is_at_least(Some("0.1.0"), SKIPS_CHECKOUT));
        assert!(is_at_least(None, SKIPS_CHECKOUT));
    }
}
