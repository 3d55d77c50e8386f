//! The variables that a job begins with, as Buildkite's agent and its plugins expect them.
//!
//! Never a token: the agent puts the job's own token into `BUILDKITE_AGENT_ACCESS_TOKEN` itself.

use std::collections::BTreeMap;

use countersign_domain::graph::Kind;
use countersign_domain::plan::{CommandWork, Work};
use countersign_store::agents::Agent;
use countersign_store::builds::{self, Build};
use countersign_store::jobs::Job;
use countersign_store::steps::{self, StepRow, texts};
use countersign_store::{Tx, organizations, users};
use serde_json::{Map, Value};

use crate::builds::situation;
use crate::{Error, Result};

/// The repository of a job that has none; the agent needs a word there.
const NO_REPOSITORY: &str = "none";
/// From this version on an agent skips its checkout when `BUILDKITE_SKIP_CHECKOUT` says so; older ones need their phases listed.
const SKIPS_CHECKOUT: (u32, u32) = (3, 116);

/// Variables, later ones over earlier ones.
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(super) fn set(&mut self, key: &str, value: impl Into<String>) {
        self.0.insert(key.to_owned(), value.into());
    }

    pub(super) fn set_some<T: ToString>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.set(key, value.to_string());
        }
    }
}

/// What a job begins with: variables, and what its agent reads of its step.
pub(crate) struct Beginning {
    pub env: BTreeMap<String, String>,
    pub step: Map<String, Value>,
}

/// What a job begins with. Its variables are the pipeline's, over them the build's, over them the step's, and over all what is standard.
pub(crate) async fn of(tx: &mut Tx, job: &Job, agent: &Agent) -> Result<Beginning> {
    let of = job.organization;
    let build = builds::find(tx, of, job.build).await?.ok_or(Error::NotFound("build"))?;
    let organization = organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))?;
    let given = builds::variables(tx, build.id).await?;
    let step = steps::find(tx, of, job.step).await?.ok_or(Error::NotFound("step"))?;
    let mut env = Variables(given.merged());
    env.0.extend(job.env.clone());
    env.set("CI", "true");
    env.set("BUILDKITE", "true");
    env.set("BUILDKITE_ORGANIZATION_ID", organization.id.to_string());
    env.set("BUILDKITE_ORGANIZATION_SLUG", organization.slug);
    of_build(&mut env, &build);
    env.set("BUILDKITE_TAG", given.env.get("BUILDKITE_TAG").cloned().unwrap_or_default());
    if let Some(by) = build.created_by
        && let Some(member) = users::find_member(tx, of, by).await?
    {
        let author = situation::author(&given.env).unwrap_or((&member.user.name, &member.user.email));
        for (who, (name, email)) in [("CREATOR", (&*member.user.name, &*member.user.email)), ("AUTHOR", author)] {
            env.set(&format!("BUILDKITE_BUILD_{who}"), name);
            env.set(&format!("BUILDKITE_BUILD_{who}_EMAIL"), email);
        }
    }
    if let Some(from) = others(tx, &build, build.rebuilt_from).await? {
        env.set("BUILDKITE_REBUILT_FROM_BUILD_ID", from.id.to_string());
        env.set("BUILDKITE_REBUILT_FROM_BUILD_NUMBER", from.number.to_string());
    }
    if let Some(from) = others(tx, &build, build.triggered_from).await? {
        env.set("BUILDKITE_TRIGGERED_FROM_BUILD_ID", from.id.to_string());
        env.set("BUILDKITE_TRIGGERED_FROM_BUILD_NUMBER", from.number.to_string());
        env.set("BUILDKITE_TRIGGERED_FROM_BUILD_PIPELINE_SLUG", from.pipeline_slug);
    }
    of_job(&mut env, job);
    let mut given = Map::new();
    if let Work::Command(work) = texts::find(tx, step.id).await?.work {
        of_work(&mut env, job, &work);
        super::step::check_out(&mut env, &work);
        given = super::step::given(&work);
    }
    if let Some(group) = group_of(tx, &step).await? {
        env.set("BUILDKITE_GROUP_ID", group.id.to_string());
        env.set("BUILDKITE_GROUP_LABEL", group.label.unwrap_or_default());
        env.set_some("BUILDKITE_GROUP_KEY", group.key);
    }
    of_agent(&mut env, agent);
    if build.repository.is_none() {
        if is_at_least(agent.version.as_deref(), SKIPS_CHECKOUT) {
            env.set("BUILDKITE_SKIP_CHECKOUT", "true");
        } else {
            env.set("BUILDKITE_BOOTSTRAP_PHASES", "plugin,command");
        }
    }
    Ok(Beginning { env: env.0, step: given })
}

fn of_build(env: &mut Variables, build: &Build) {
    env.set("BUILDKITE_BUILD_ID", build.id.to_string());
    env.set("BUILDKITE_BUILD_NUMBER", build.number.to_string());
    env.set("BUILDKITE_REPO", build.repository.as_deref().unwrap_or(NO_REPOSITORY));
    env.set("BUILDKITE_COMMIT", build.commit.as_str());
    env.set("BUILDKITE_BRANCH", build.branch.as_str());
    env.set("BUILDKITE_PULL_REQUEST", "false");
    env.set("BUILDKITE_SOURCE", build.source.as_str());
    env.set("BUILDKITE_MESSAGE", build.message.clone().unwrap_or_default());
    env.set("BUILDKITE_PIPELINE_ID", build.pipeline.to_string());
    env.set("BUILDKITE_PIPELINE_SLUG", build.pipeline_slug.as_str());
    env.set("BUILDKITE_PIPELINE_NAME", build.pipeline_name.as_str());
    env.set("BUILDKITE_PIPELINE_DEFAULT_BRANCH", build.default_branch.as_str());
    env.set("BUILDKITE_PIPELINE_PROVIDER", "git");
}

fn of_job(env: &mut Variables, job: &Job) {
    env.set("BUILDKITE_JOB_ID", job.id.to_string());
    env.set("BUILDKITE_COMMAND", job.command.as_str());
    env.set("BUILDKITE_SCRIPT_PATH", job.command.as_str());
    env.set("BUILDKITE_LABEL", job.label.clone().unwrap_or_default());
    env.set("BUILDKITE_STEP_ID", job.step.to_string());
    env.set_some("BUILDKITE_STEP_KEY", job.step_key.clone());
    env.set("BUILDKITE_TIMEOUT", job.timeout_minutes.map_or_else(|| "false".to_owned(), |it| it.to_string()));
    env.set("BUILDKITE_RETRY_COUNT", job.retries_count.to_string());
    env.set_some("BUILDKITE_RETRY_TYPE", job.retry_type);
    env.set_some("BUILDKITE_PARALLEL_JOB", job.parallel.map(|(number, _)| number));
    env.set_some("BUILDKITE_PARALLEL_JOB_COUNT", job.parallel.map(|(_, count)| count));
}

/// What the step hands on to the agent by way of variables.
fn of_work(env: &mut Variables, job: &Job, work: &CommandWork) {
    if !work.artifact_paths.is_empty() {
        env.set("BUILDKITE_ARTIFACT_PATHS", work.artifact_paths.join(";"));
    }
    let plugins = job.plugins.clone().or_else(|| work.passed_on.get("plugins").map(ToString::to_string));
    env.set_some("BUILDKITE_PLUGINS", plugins);
    env.set_some("BUILDKITE_IMAGE", work.passed_on.get("image").and_then(|image| image.as_str()));
}

fn of_agent(env: &mut Variables, agent: &Agent) {
    env.set("BUILDKITE_AGENT_ID", agent.id.to_string());
    env.set("BUILDKITE_AGENT_NAME", agent.name.as_str());
    env.set("BUILDKITE_AGENT_META_DATA_QUEUE", agent.queue.as_str());
    for tag in &agent.tags {
        let (key, value) = tag.split_once('=').unwrap_or((tag.as_str(), "true"));
        let name: String =
            key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        env.set(&format!("BUILDKITE_AGENT_META_DATA_{name}"), value);
    }
}

async fn others(tx: &mut Tx, build: &Build, other: Option<countersign_domain::id::BuildId>) -> Result<Option<Build>> {
    match other {
        Some(id) => Ok(builds::find(tx, build.organization, id).await?),
        None => Ok(None),
    }
}

/// The group that a step is in, if it is in one.
async fn group_of(tx: &mut Tx, step: &StepRow) -> Result<Option<StepRow>> {
    let Some(parent) = step.parent else { return Ok(None) };
    let parent = steps::find(tx, step.organization, parent).await?;
    Ok(parent.filter(|it| it.step.kind == Kind::Group))
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
