//! What a job's token says.

use countersign_domain::Tags;
use countersign_domain::Timestamp;
use countersign_domain::text::FieldError;
use countersign_store::agents::Agent;
use countersign_store::builds::Build;
use countersign_store::jobs::Job;
use countersign_store::organizations::{Deployment, Organization};
use serde_json::{Map, Value, json};

/// What every token says beside issuer, subject, audience and times.
pub const STANDARD_CLAIMS: [&str; 10] = [
    "organization_slug",
    "pipeline_slug",
    "build_number",
    "build_branch",
    "build_commit",
    "step_key",
    "job_id",
    "agent_id",
    "build_source",
    "runner_environment",
];
/// What a token says when it is asked to; `agent_tag:NAME` besides.
pub const OPTIONAL_CLAIMS: [&str; 6] =
    ["organization_id", "pipeline_id", "build_id", "cluster_id", "cluster_name", "queue_key"];
/// What can stand as the subject by itself: ids, which no renaming changes.
pub const SUBJECT_CLAIMS: [&str; 6] =
    ["organization_id", "pipeline_id", "cluster_id", "build_id", "job_id", "agent_id"];
/// Under this name AWS looks for session tags.
const AWS_TAGS: &str = "https://aws.amazon.com/tags";
/// Before the name of an agent's tag.
const AGENT_TAG: &str = "agent_tag:";
/// The most bytes of such a name, as long as clouds let the keys of tags be.
const MAX_AGENT_TAG: usize = 128;
/// A build's tag is said only when there is one.
const BUILD_TAG: &str = "build_tag";

/// What there is to say of a job.
pub(super) struct Facts(Map<String, Value>);

impl Facts {
    /// Gathers them. What a pipeline can set for itself is not among them: branch, commit and the like are those of the build, and the tag
    /// is that of whoever made the build.
    pub(super) fn gather(
        job: &Job,
        build: &Build,
        organization: &Organization,
        deployment: &Deployment,
        agent: &Agent,
        tag: Option<&str>,
    ) -> Self {
        let mut facts = Map::new();
        let mut say = |name: &str, value: Value| facts.insert(name.to_owned(), value);
        say("organization_slug", json!(organization.slug));
        say("pipeline_slug", json!(build.pipeline_slug));
        say("build_number", json!(build.number));
        say("build_branch", json!(build.branch));
        say("build_commit", json!(build.commit));
        say("step_key", json!(job.step_key));
        say("job_id", json!(job.id));
        say("agent_id", json!(agent.id));
        say("build_source", json!(build.source.as_str()));
        say("runner_environment", json!("self-hosted"));
        say("organization_id", json!(organization.id));
        say("pipeline_id", json!(build.pipeline));
        say("build_id", json!(build.id));
        say("cluster_id", json!(deployment.id));
        say("cluster_name", json!(deployment.name));
        say("queue_key", json!(job.queue));
        if let Some(tag) = tag.filter(|tag| !tag.is_empty()) {
            say(BUILD_TAG, json!(tag));
        }
        // A row holds what was checked when the agent registered; what cannot be read says nothing.
        let tags = Tags::parse(agent.tags.clone()).unwrap_or_default();
        for tag in tags.as_slice() {
            let name = tag.split_once('=').map_or(tag.as_str(), |(name, _)| name);
            say(&format!("{AGENT_TAG}{name}"), json!(tags.get(name)));
        }
        Self(facts)
    }

    fn get(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or(Value::Null)
    }

    fn text(&self, name: &str) -> String {
        match self.get(name) {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// The subject that no claim stands for: organization, pipeline, ref, commit and step. A colon inside a part is written `%3A`, so that
    /// no branch can look like another part.
    fn subject(&self) -> String {
        let part = |name| self.text(name).replace('%', "%25").replace(':', "%3A");
        let reference = match self.get(BUILD_TAG) {
            Value::Null => format!("refs/heads/{}", part("build_branch")),
            _ => format!("refs/tags/{}", part(BUILD_TAG)),
        };
        format!(
            "organization:{}:pipeline:{}:ref:{reference}:commit:{}:step:{}",
            part("organization_slug"),
            part("pipeline_slug"),
            part("build_commit"),
            part("step_key"),
        )
    }
}

/// What is asked of a token's contents, checked.
pub(super) struct Wanted {
    pub(super) issuer: String,
    /// None for the organization's own address.
    pub(super) audience: Option<String>,
    pub(super) claims: Vec<String>,
    pub(super) aws_session_tags: Vec<String>,
    pub(super) subject_claim: Option<String>,
}

impl Wanted {
    /// Everything that the token says. Not before now, by the second; until `until`.
    pub(super) fn say(&self, facts: &Facts, now: Timestamp, until: Timestamp) -> Value {
        let subject = match &self.subject_claim {
            Some(name) => facts.text(name),
            None => facts.subject(),
        };
        let audience = match &self.audience {
            Some(audience) => audience.clone(),
            None => format!("{}/{}", self.issuer, facts.text("organization_slug")),
        };
        let mut token = json!({
            "iss": self.issuer,
            "sub": subject,
            "aud": audience,
            "iat": now.as_secs(),
            "nbf": now.as_secs(),
            "exp": until.as_secs(),
        });
        let build_tag = (facts.get(BUILD_TAG) != Value::Null).then_some(BUILD_TAG);
        let said = STANDARD_CLAIMS.into_iter().chain(build_tag);
        let asked = self.claims.iter().chain(&self.subject_claim).map(String::as_str);
        for name in said.chain(asked) {
            token[name] = facts.get(name);
        }
        if !self.aws_session_tags.is_empty() {
            // AWS takes texts only, each in a list.
            let tags: Map<_, _> =
                self.aws_session_tags.iter().map(|name| (name.clone(), json!([facts.text(name)]))).collect();
            token[AWS_TAGS] = json!({ "principal_tags": tags });
        }
        token
    }
}

/// Whether a claim can be asked for.
pub(super) fn check_claim(field: String, name: &str) -> Result<(), FieldError> {
    let is_standard = STANDARD_CLAIMS.contains(&name) || name == BUILD_TAG;
    let tag = name.strip_prefix(AGENT_TAG).unwrap_or_default();
    if tag.len() > MAX_AGENT_TAG {
        let what = format!("names a tag of {} bytes; at most {MAX_AGENT_TAG} are possible", tag.len());
        return Err(FieldError::new(field, what));
    }
    let is_tag = !tag.is_empty();
    if is_standard || is_tag || OPTIONAL_CLAIMS.contains(&name) {
        return Ok(());
    }
    let known = OPTIONAL_CLAIMS.join(", ");
    Err(FieldError::new(field, format!("is no claim that can be asked for: {known}, {AGENT_TAG}NAME")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pairs: &[(&str, Value)]) -> Facts {
        Facts(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    #[test]
    fn a_part_cannot_pass_for_another() {
        let forged = facts(&[
            ("organization_slug", json!("acme")),
            ("pipeline_slug", json!("app")),
            ("build_branch", json!("main:commit:1:step:deploy")),
            ("build_commit", json!("2")),
            ("step_key", Value::Null),
        ]);
        assert_eq!(
            forged.subject(),
            "organization:acme:pipeline:app:ref:refs/heads/main%3Acommit%3A1%3Astep%3Adeploy:commit:2:step:"
        );
        let tagged = facts(&[("build_tag", json!("v1")), ("build_branch", json!("main"))]);
        assert!(tagged.subject().contains(":ref:refs/tags/v1:"));
    }

    #[test]
    fn session_tags_are_texts() {
        let wanted = Wanted {
            issuer: "https://ci.example".to_owned(),
            audience: None,
            claims: vec![],
            aws_session_tags: vec!["build_number".to_owned(), "step_key".to_owned()],
            subject_claim: Some("job_id".to_owned()),
        };
        let facts = facts(&[("build_number", json!(7)), ("job_id", json!("j")), ("organization_slug", json!("acme"))]);
        let token = wanted.say(&facts, Timestamp::from_micros(1_999_999), Timestamp::from_micros(2_000_000));
        assert_eq!(token[AWS_TAGS], json!({ "principal_tags": { "build_number": ["7"], "step_key": [""] } }));
        assert_eq!(token["aud"], "https://ci.example/acme");
        assert_eq!((&token["sub"], &token["iat"], &token["exp"]), (&json!("j"), &json!(1), &json!(2)));
    }
}
