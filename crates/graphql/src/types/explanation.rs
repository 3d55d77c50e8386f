//! Whether an agent token may be used for something, and which rule decides.

use async_graphql::Object;
use countersign_control::Result;
use countersign_control::agent_tokens::{Check, Explanation, Question, TokenReference};
use countersign_domain::id::TokenId;

use crate::call::Call;

pub(crate) struct AgentTokenExplanation(Explanation);

/// Whether an agent that came with a token would be let in, and which rule decides. Asking changes nothing and counts as no use.
#[Object]
impl AgentTokenExplanation {
    /// Whether it would be let in.
    async fn allowed(&self) -> bool {
        self.0.is_allowed()
    }

    /// The check that decides: the first that refuses; when none does, that of the deployment.
    async fn decided_by(&self) -> AgentTokenCheck {
        AgentTokenCheck(self.0.decisive())
    }

    /// Everything that is looked at, in the order in which an agent's call is.
    async fn checks(&self) -> Vec<AgentTokenCheck> {
        self.0.checks().iter().copied().map(AgentTokenCheck).collect()
    }

    /// The name of the deployment that was meant; null when there is none of that name.
    async fn deployment(&self) -> Option<&str> {
        self.0.deployment.as_deref()
    }
}

pub(crate) struct AgentTokenCheck(Check);

/// One thing that must let a use through.
#[Object]
impl AgentTokenCheck {
    /// What is looked at: `token`, `network`, `queue` or `deployment`.
    async fn part(&self) -> &str {
        self.0.part()
    }

    /// Whether it lets the use through.
    async fn allowed(&self) -> bool {
        self.0.allows()
    }

    /// The rule that applies, as a word: `active`, `revoked`, `expired`, `rotated`; `anywhere`, `network_named`, `network_outside`; `any_queue`,
    /// `queue_named`, `queue_outside`; `every_deployment`, `deployment_named`, `all_branch_deployments`, `deployment_outside`,
    /// `no_such_deployment`, `no_deployment_named`.
    async fn rule(&self) -> &str {
        self.0.rule()
    }

    /// The same in words.
    async fn words(&self) -> String {
        self.0.to_string()
    }

    /// The reason that an agent would be told, where this refuses it: `revoked`, `expired`, `rotated`, `network` or `scope`.
    async fn refusal(&self) -> Option<&str> {
        self.0.refusal().map(|reason| reason.as_str())
    }
}

pub(crate) async fn explain(
    call: &Call,
    token: TokenId,
    deployment: Option<&str>,
    queue: Option<&str>,
    address: Option<&str>,
) -> Result<AgentTokenExplanation> {
    let question = Question::read(TokenReference::Id(token), deployment, queue, address)?;
    Ok(AgentTokenExplanation(call.control.explain_agent_token(&call.may()?, question).await?))
}
