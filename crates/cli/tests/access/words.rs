//! What `{…}` stands for in the addresses and bodies of the samples: ids, numbers and names of one organization's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use countersign_control::pipelines::PipelineChange;
use countersign_domain::id::JobId;
use countersign_testkit::{Tenant, World};

use crate::callers::{Worker, build_in};
use crate::{left, prepared};

/// Words and their values.
#[derive(Clone)]
pub struct Words(Vec<(&'static str, String)>);

/// An id as GraphQL has it.
pub fn global(kind: &str, id: impl std::fmt::Display) -> String {
    BASE64.encode(format!("{kind}---{id}"))
}

impl Words {
    /// Those of an organization, of which this agent has a job and another job has ended. Makes what is missing.
    pub async fn of(world: &World, tenant: &Tenant, worker: &Worker, ended: JobId) -> Self {
        let made = &tenant.created;
        let offered = left::offer(build_in(world, tenant, None).await, world, tenant).await;
        let artifact = left::artifact(world, &worker.token).await;
        let mut words = prepared::make(world, tenant, ended).await;
        let steps = Some("steps: [{command: 'true'}]".to_owned());
        let change = PipelineChange { slug: "matrix".to_owned(), steps, ..PipelineChange::default() };
        world.control.update_pipeline(&tenant.may(&world.control), change).await.expect("it has steps of its own");
        let (token, user_token) = (made.agent_token.id, made.user_token.id);
        words.extend([
            ("{slug}", made.organization.slug.to_string()),
            ("{pipeline-slug}", "matrix".to_owned()),
            ("{job}", worker.job.to_string()),
            ("{offered}", offered.to_string()),
            ("{build}", worker.build.to_string()),
            ("{artifact}", artifact.to_string()),
            ("{agent}", worker.agent.to_string()),
            ("{agent-token}", token.to_string()),
            ("{organization}", made.organization.id.to_string()),
            ("{global-organization}", global("Organization", made.organization.id)),
            ("{global-agent-token}", global("AgentToken", token)),
            ("{global-agent}", global("Agent", worker.agent)),
            ("{global-job}", global("Job", worker.job)),
            ("{global-build}", global("Build", worker.build)),
            ("{user-token}", user_token.to_string()),
        ]);
        Self(words)
    }

    /// What a word stands for.
    pub fn value(&self, word: &str) -> Option<&str> {
        self.0.iter().find(|(of, _)| *of == word).map(|(_, value)| value.as_str())
    }

    /// The same, but for one word.
    pub fn with(&self, word: &str, value: &str) -> Self {
        let mut words = self.clone();
        for (of, old) in &mut words.0 {
            if *of == word {
                value.clone_into(old);
            }
        }
        words
    }

    /// Those that stand in a text.
    pub fn used(&self, text: &str) -> Vec<&'static str> {
        self.0.iter().map(|(word, _)| *word).filter(|word| text.contains(word)).collect()
    }

    /// The text with what they stand for.
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }
}
