//! Which agents are shown: of one kind, that stand somewhere, of one deployment, one queue, one token.

use countersign_control::access::actions::ViewAgentTokens;
use countersign_control::agents::{Protocol, Sought, Standing};
use countersign_control::deployments::Deployment;
use countersign_domain::id::{DeploymentId, TokenId};

use crate::parts::Choice;
use crate::query::Query;
use crate::visit::Visit;

/// Where agents stand, by what is said in an address, in the words of both protocols.
const STANDINGS: [(&str, Standing, &str); 5] = [
    ("", Standing::There, "Connected or running"),
    ("paused", Standing::Paused, "Paused"),
    ("stopping", Standing::Stopping, "Stopping"),
    ("gone", Standing::Gone, "Gone or not running"),
    ("all", Standing::Any, "All, those that are gone too"),
];

/// Kinds of agents, by what is said in an address.
const KINDS: [(&str, Option<Protocol>, &str); 3] = [
    ("", None, "Every kind"),
    ("buildkite", Some(Protocol::Buildkite), "Buildkite and native"),
    ("dagster", Some(Protocol::Dagster), "Dagster+"),
];

/// What is asked for; what is no id, no kind and nowhere to stand is as if nothing were said.
pub(super) struct Narrow {
    pub text: String,
    pub standing: Standing,
    pub kind: Option<Protocol>,
    pub deployment: Option<DeploymentId>,
    pub queue: String,
    /// For whoever sees tokens.
    pub token: Option<TokenId>,
}

impl Narrow {
    pub(super) fn of(visit: &Visit, query: &Query) -> Self {
        let said = |name: &str| query.said(name).unwrap_or_default();
        Self {
            text: said("search").to_owned(),
            standing: STANDINGS.iter().find(|it| it.0 == said("show")).map_or(Standing::There, |it| it.1),
            kind: KINDS.iter().find(|it| it.0 == said("kind")).and_then(|it| it.1),
            deployment: said("deployment").parse().ok(),
            queue: said("queue").to_owned(),
            token: said("token").parse().ok().filter(|_| visit.can::<ViewAgentTokens>()),
        }
    }

    /// The same for the operation.
    pub(super) fn sought(&self) -> Sought {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Sought {
            standing: self.standing,
            search: some(&self.text),
            deployment: self.deployment,
            queue: some(&self.queue),
            token: self.token,
        }
    }

    /// Whether anything is asked for but where they stand.
    pub(super) fn is_anything(&self) -> bool {
        self.kind.is_some() || !self.sought().is_everything()
    }

    /// What is said of it in an address, the token last.
    pub(super) fn said(&self) -> [(&'static str, String); 6] {
        let id = |id: Option<String>| id.unwrap_or_default();
        [
            ("search", self.text.clone()),
            ("show", word(&STANDINGS, |it| *it == self.standing)),
            ("kind", word(&KINDS, |it| *it == self.kind)),
            ("deployment", id(self.deployment.map(|it| it.to_string()))),
            ("queue", self.queue.clone()),
            ("token", id(self.token.map(|it| it.to_string()))),
        ]
    }

    pub(super) fn standings(&self) -> Vec<Choice> {
        STANDINGS.iter().map(|(word, it, words)| Choice::new(*word, *words, *it == self.standing)).collect()
    }

    pub(super) fn kinds(&self) -> Vec<Choice> {
        KINDS.iter().map(|(word, it, words)| Choice::new(*word, *words, *it == self.kind)).collect()
    }

    /// What it means that there are no rows, in a part that is the list's first, and behind which it goes on.
    pub(super) fn none(&self, is_first: bool, goes_on: bool) -> &'static str {
        match (self.standing, self.is_anything()) {
            _ if goes_on => "None of the agents that were looked at fits.",
            _ if !is_first => "No more agents.",
            (Standing::There, false) => "No agent is connected, and none runs.",
            (Standing::There, true) => "No agent that is connected or runs fits.",
            (Standing::Any, false) => "No agent is known.",
            (Standing::Paused, false) => "No agent is paused.",
            (Standing::Stopping, false) => "No agent is stopping.",
            (Standing::Gone, false) => "No agent is gone that is still known.",
            (_, true) => "No agent fits.",
        }
    }
}

/// What stands for something in an address.
fn word<T>(all: &[(&'static str, T, &'static str)], is_it: impl Fn(&T) -> bool) -> String {
    all.iter().find(|it| is_it(&it.1)).map(|it| it.0.to_owned()).unwrap_or_default()
}

/// The most deployments that are offered. The page of each leads to its agents.
pub(super) const MOST: usize = 100;

/// Choices of a deployment, the chosen one among them.
pub(super) fn choices(deployments: &[Deployment], chosen: Option<DeploymentId>) -> Vec<Choice> {
    let is_chosen = |it: &Deployment| chosen == Some(it.id);
    let offered = deployments.iter().enumerate().filter(|(at, it)| *at < MOST || is_chosen(it)).map(|(_, it)| it);
    let each = offered.map(|it| Choice::new(it.id.to_string(), it.name.clone(), is_chosen(it)));
    std::iter::once(Choice::new("", "Every deployment", chosen.is_none())).chain(each).collect()
}
