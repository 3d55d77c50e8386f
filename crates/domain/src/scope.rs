//! What a token reaches: deployments, queues and networks.

use std::{collections::BTreeSet, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{Network, id::DeploymentId, text::QueueName};

mod rule;

pub use rule::{DeploymentRule, NetworkRule, QueueRule};

/// Most networks in one scope.
pub const MAX_NETWORKS: usize = 64;
/// Most queues in one scope.
pub const MAX_QUEUES: usize = 100;
/// Most deployments in one scope, branch deployments as a whole not counted.
pub const MAX_DEPLOYMENTS: usize = 100;

/// The deployments that a token reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentScope {
    /// Every deployment of the organization, branch deployments too, also those made later.
    Every,
    /// A set of them.
    Only {
        /// The members that have an id.
        deployments: BTreeSet<DeploymentId>,
        /// Whether all branch deployments, as a whole, are one more member.
        all_branches: bool,
    },
}

/// The queues that a token reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueScope {
    /// Any queue, also those made later.
    Any,
    /// A set of them, by name, in whatever deployment.
    Only(BTreeSet<QueueName>),
}

/// What a token reaches. All three must let a use through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Where its agents may work.
    pub deployments: DeploymentScope,
    /// Which queues its agents may serve.
    pub queues: QueueScope,
    /// Where it may be used from; empty for anywhere.
    pub networks: Vec<Network>,
}

/// The scope cannot be given to a token. The message follows the name of the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadScope {
    /// A set without members, which would let nothing through.
    #[error("is an empty set, so the token could be used for nothing; name at least one, or leave it out for all")]
    Empty(Part),
    /// More members than one scope may have.
    #[error("has {count} members; at most {limit} are possible")]
    TooMany {
        /// Which part of the scope.
        part: Part,
        /// How many there were.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// A part of a scope, to name it in an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its deployments.
    Deployments,
    /// Its queues.
    Queues,
    /// Its networks.
    Networks,
}

impl BadScope {
    /// The part that is wrong.
    #[must_use]
    pub const fn part(&self) -> Part {
        match self {
            Self::Empty(part) | Self::TooMany { part, .. } => *part,
        }
    }
}

impl Part {
    /// The part's name as a field.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployments => "deployments",
            Self::Queues => "queues",
            Self::Networks => "networks",
        }
    }
}

impl DeploymentScope {
    /// The deployment, when there is one alone that the token reaches.
    #[must_use]
    pub fn only_one(&self) -> Option<DeploymentId> {
        match self {
            Self::Only { deployments, all_branches: false } if deployments.len() == 1 => deployments.first().copied(),
            Self::Only { .. } | Self::Every => None,
        }
    }

    /// Whether all that another scope reaches is reached by this one too.
    #[must_use]
    pub fn contains(&self, other: &Self, is_branch: impl Fn(DeploymentId) -> bool) -> bool {
        match (self, other) {
            (Self::Every, _) => true,
            (Self::Only { .. }, Self::Every) => false,
            (
                Self::Only { deployments, all_branches },
                Self::Only { deployments: others, all_branches: all_of_other },
            ) => {
                (*all_branches || !all_of_other)
                    && others.iter().all(|id| deployments.contains(id) || (*all_branches && is_branch(*id)))
            }
        }
    }
}

impl Scope {
    /// Every deployment, any queue, from anywhere.
    #[must_use]
    pub const fn widest() -> Self {
        Self { deployments: DeploymentScope::Every, queues: QueueScope::Any, networks: Vec::new() }
    }

    /// The scope in its one canonical form: networks sorted, each once, and none when one of them is `0.0.0.0/0` or `::/0`, which
    /// both mean *anywhere* (as `0.0.0.0/0` does in Buildkite's API, which knows IPv4 only).
    ///
    /// # Errors
    /// [`BadScope`] for an empty set and for more members than the limits of this module.
    pub fn checked(mut self) -> Result<Self, BadScope> {
        if self.networks.iter().any(Network::is_everything) {
            self.networks.clear();
        }
        self.networks.sort_unstable();
        self.networks.dedup();
        within(Part::Networks, self.networks.len(), MAX_NETWORKS)?;
        if let QueueScope::Only(queues) = &self.queues {
            not_empty(Part::Queues, queues.is_empty())?;
            within(Part::Queues, queues.len(), MAX_QUEUES)?;
        }
        if let DeploymentScope::Only { deployments, all_branches } = &self.deployments {
            not_empty(Part::Deployments, deployments.is_empty() && !all_branches)?;
            within(Part::Deployments, deployments.len(), MAX_DEPLOYMENTS)?;
        }
        Ok(self)
    }

    /// Whether the token may be used from this address.
    #[must_use]
    pub fn allows_network(&self, address: IpAddr) -> bool {
        self.network_rule(address).allows()
    }

    /// Whether an agent of the token may serve this queue.
    #[must_use]
    pub fn allows_queue(&self, queue: &QueueName) -> bool {
        self.queue_rule(queue).allows()
    }

    /// The same for the name that a row has; a text that is no name is no queue.
    #[must_use]
    pub fn allows_queue_named(&self, queue: &str) -> bool {
        queue.parse().is_ok_and(|queue| self.allows_queue(&queue))
    }

    /// The same for a row that may name none: then it is about the queue without a name.
    #[must_use]
    pub fn allows_optional_queue(&self, queue: Option<&str>) -> bool {
        queue.map_or_else(|| self.allows_queue(&QueueName::default()), |queue| self.allows_queue_named(queue))
    }

    /// Whether an agent of the token may work in this deployment.
    #[must_use]
    pub fn allows_deployment(&self, deployment: DeploymentId, is_branch: bool) -> bool {
        self.deployment_rule(deployment, is_branch).allows()
    }

    /// The networks as an API renders them; *anywhere* is both of the networks that hold everything.
    #[must_use]
    pub fn network_texts(&self) -> Vec<String> {
        if self.networks.is_empty() {
            return vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()];
        }
        self.networks.iter().map(ToString::to_string).collect()
    }
}

fn not_empty(part: Part, is_empty: bool) -> Result<(), BadScope> {
    if is_empty { Err(BadScope::Empty(part)) } else { Ok(()) }
}

fn within(part: Part, count: usize, limit: usize) -> Result<(), BadScope> {
    if count > limit { Err(BadScope::TooMany { part, count, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn deployment(n: u128) -> DeploymentId {
        DeploymentId::from_uuid(Uuid::from_u128(n))
    }

    fn only(deployments: impl IntoIterator<Item = DeploymentId>, all_branches: bool) -> Scope {
        let deployments = DeploymentScope::Only { deployments: deployments.into_iter().collect(), all_branches };
        Scope { deployments, ..Scope::widest() }
    }

    fn queue(name: &str) -> QueueName {
        name.parse().expect("a queue name")
    }

    #[test]
    fn a_scope_contains_what_it_reaches_and_no_more() {
        let of = |ids: &[u128], all_branches| only(ids.iter().map(|n| deployment(*n)), all_branches).deployments;
        // 3 is a branch deployment.
        let contains = |one: &DeploymentScope, other: &DeploymentScope| one.contains(other, |id| id == deployment(3));
        let every = DeploymentScope::Every;
        for other in [&every, &of(&[1, 3], true), &of(&[2], false)] {
            assert!(contains(&every, other), "{other:?}");
            assert!(contains(other, other), "{other:?}");
        }
        assert!(contains(&of(&[1, 2], false), &of(&[2], false)));
        assert!(contains(&of(&[1], true), &of(&[1, 3], false)));
        for (one, other) in [
            (of(&[1], false), of(&[1, 2], false)),
            (of(&[1], false), of(&[1], true)),
            (of(&[1], false), of(&[3], false)),
            (of(&[], true), of(&[2], true)),
            (of(&[1, 2, 3], true), DeploymentScope::Every),
        ] {
            assert!(!contains(&one, &other), "{other:?} in {one:?}");
        }
    }

    #[test]
    fn every_deployment_includes_branches() {
        assert!(Scope::widest().allows_deployment(deployment(1), false));
        assert!(Scope::widest().allows_deployment(deployment(1), true));
    }

    #[test]
    fn all_branches_is_one_member_of_the_set() {
        let scope = only([deployment(1)], true);
        assert!(scope.allows_deployment(deployment(1), false));
        assert!(scope.allows_deployment(deployment(2), true));
        assert!(!scope.allows_deployment(deployment(2), false));
        // A branch deployment can also be a member by its own id.
        assert!(only([deployment(3)], false).allows_deployment(deployment(3), true));
        assert!(!only([deployment(3)], false).allows_deployment(deployment(4), true));
    }

    #[test]
    fn queues_and_networks_must_match() {
        let scope = Scope {
            queues: QueueScope::Only([queue("linux")].into()),
            networks: vec!["10.0.0.0/8".parse().expect("a network")],
            ..Scope::widest()
        };
        assert!(scope.allows_queue(&queue("linux")));
        assert!(!scope.allows_queue(&queue("Linux")));
        assert!(scope.allows_optional_queue(Some("linux")) && !scope.allows_optional_queue(Some("a b")));
        assert!(Scope::widest().allows_optional_queue(None) && !scope.allows_optional_queue(None));
        assert!(scope.allows_network("10.9.9.9".parse().expect("an address")));
        assert!(scope.allows_network("::ffff:10.9.9.9".parse().expect("an address")));
        assert!(!scope.allows_network("11.0.0.1".parse().expect("an address")));
        assert!(Scope::widest().allows_network("::1".parse().expect("an address")));
    }

    #[test]
    fn everything_is_no_networks_at_all() {
        for everything in ["0.0.0.0/0", "::/0"] {
            let networks = ["10.0.0.0/8", everything].map(|n| n.parse().expect("a network")).to_vec();
            let scope = Scope { networks, ..Scope::widest() }.checked().expect("a scope");
            assert_eq!(scope, Scope::widest());
        }
        assert_eq!(Scope::widest().network_texts(), ["0.0.0.0/0", "::/0"]);
    }

    #[test]
    fn networks_are_sorted_and_kept_once() {
        let networks = ["192.0.2.1", "10.0.0.0/8", "192.0.2.1/32"].map(|n| n.parse().expect("a network")).to_vec();
        let scope = Scope { networks, ..Scope::widest() }.checked().expect("a scope");
        assert_eq!(scope.network_texts(), ["10.0.0.0/8", "192.0.2.1/32"]);
    }

    #[test]
    fn sets_are_neither_empty_nor_boundless() {
        assert_eq!(only([], false).checked(), Err(BadScope::Empty(Part::Deployments)));
        assert!(only([], true).checked().is_ok());
        let none = Scope { queues: QueueScope::Only(BTreeSet::new()), ..Scope::widest() };
        assert_eq!(none.checked(), Err(BadScope::Empty(Part::Queues)));
        assert!(only((1..=100).map(deployment), false).checked().is_ok());
        let many = only((1..=101).map(deployment), false).checked();
        assert_eq!(many, Err(BadScope::TooMany { part: Part::Deployments, count: 101, limit: 100 }));
        let networks = (0..65).map(|n| format!("10.0.0.{n}").parse().expect("a network")).collect();
        let many = Scope { networks, ..Scope::widest() }.checked();
        assert_eq!(many, Err(BadScope::TooMany { part: Part::Networks, count: 65, limit: 64 }));
        let queues = QueueScope::Only((0..101).map(|n| queue(&format!("q{n}"))).collect());
        let many = Scope { queues, ..Scope::widest() }.checked();
        assert_eq!(many, Err(BadScope::TooMany { part: Part::Queues, count: 101, limit: 100 }));
    }

    #[test]
    fn a_scope_survives_json() {
        let scope = Scope {
            queues: QueueScope::Only([queue("linux")].into()),
            networks: vec!["10.0.0.0/8".parse().expect("a network")],
            ..only([deployment(1)], true)
        };
        let text = serde_json::to_string(&scope).expect("JSON");
        assert_eq!(serde_json::from_str::<Scope>(&text).expect("a scope"), scope);
    }

    #[test]
    fn one_deployment_is_told_where_there_is_one_alone() {
        let (one, other) = (deployment(1), deployment(2));
        let of = |ids: &[DeploymentId], all_branches| only(ids.iter().copied(), all_branches).deployments;
        assert_eq!(of(&[one], false).only_one(), Some(one));
        assert_eq!(of(&[one], true).only_one(), None, "and all branch deployments");
        assert_eq!(of(&[one, other], false).only_one(), None);
        assert_eq!(of(&[], false).only_one(), None);
        assert_eq!(DeploymentScope::Every.only_one(), None);
    }

    #[test]
    fn each_part_is_called_as_the_field_is() {
        let words = [Part::Deployments, Part::Queues, Part::Networks].map(Part::as_str);
        assert_eq!(words, ["deployments", "queues", "networks"]);
    }
}
