//! Agents of one deployment, one queue, one token.

use countersign_control::access::actions::ViewAgentTokens;
use countersign_control::deployments::Deployment;
use countersign_domain::id::{DeploymentId, TokenId};

use crate::parts::Choice;
use crate::query::Query;
use crate::visit::Visit;

/// What is asked for beside a text; what is no id is as if nothing were said.
pub(super) struct Narrow {
    pub deployment: Option<DeploymentId>,
    pub queue: String,
    /// For whoever sees tokens.
    pub token: Option<TokenId>,
}

impl Narrow {
    pub(super) fn of(visit: &Visit, query: &Query) -> Self {
        Self {
            deployment: query.said("deployment").and_then(|id| id.parse().ok()),
            queue: query.said("queue").unwrap_or_default().to_owned(),
            token: query.said("token").and_then(|id| id.parse().ok()).filter(|_| visit.can::<ViewAgentTokens>()),
        }
    }

    /// Whether anything is asked for.
    pub(super) const fn is_anything(&self) -> bool {
        self.deployment.is_some() || !self.queue.is_empty() || self.token.is_some()
    }
}

/// The most deployments that are offered. The page of each leads to its agents.
const MOST: usize = 100;

/// Choices of a deployment, the chosen one among them.
pub(super) fn choices(deployments: &[Deployment], chosen: Option<DeploymentId>) -> Vec<Choice> {
    let is_chosen = |it: &Deployment| chosen == Some(it.id);
    let offered = deployments.iter().enumerate().filter(|(at, it)| *at < MOST || is_chosen(it)).map(|(_, it)| it);
    let each = offered.map(|it| Choice::new(it.id.to_string(), it.name.clone(), is_chosen(it)));
    std::iter::once(Choice::new("", "Every deployment", chosen.is_none())).chain(each).collect()
}

/// What it means that there are no rows: where all are shown, where a text is searched, where a list begins, where more are to be looked at.
pub(super) const fn none(is_all: bool, is_searched: bool, is_first: bool, goes_on: bool) -> &'static str {
    match (is_all, is_searched, is_first) {
        _ if goes_on => "None of those that were looked at fits.",
        (_, _, false) => "No more agents.",
        (false, true, true) => "No connected agent fits the search.",
        (true, true, true) => "No agent fits the search.",
        (false, false, true) => "No agent is connected.",
        (true, false, true) => "No agent is known.",
    }
}

/// The same of Dagster+ agents, which are not searched.
pub(super) const fn none_of_dagster(is_all: bool, is_first: bool) -> &'static str {
    match (is_all, is_first) {
        (_, false) => "No more Dagster+ agents.",
        (false, true) => "No Dagster+ agent runs.",
        (true, true) => "No Dagster+ agent is known.",
    }
}
