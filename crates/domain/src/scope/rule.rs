//! Which rule of a scope lets a use through, or stops it. What [`Scope`] allows is read from these, so an explanation cannot say
//! anything else than what is enforced.

use std::{fmt, net::IpAddr};

use crate::{Network, id::DeploymentId, text::QueueName};

use super::{DeploymentScope, QueueScope, Scope};

/// What a scope says of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeploymentRule {
    /// It reaches every deployment.
    Every,
    /// The deployment is one of those that it names.
    Named,
    /// It is a branch deployment, and all of them are reached.
    AllBranches,
    /// It is none of those that are reached.
    Outside,
}

/// What a scope says of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueRule {
    /// It reaches any queue.
    Any,
    /// The queue is one of those that it names.
    Named,
    /// It is none of them.
    Outside,
}

/// What a scope says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NetworkRule {
    /// The token may be used from anywhere.
    Anywhere,
    /// The address lies in this one of the scope's networks, the first in their order.
    Within(Network),
    /// It lies in none of them.
    Outside,
}

impl DeploymentRule {
    /// Whether it lets the use through.
    #[must_use]
    pub const fn allows(self) -> bool {
        !matches!(self, Self::Outside)
    }

    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Every => "every_deployment",
            Self::Named => "deployment_named",
            Self::AllBranches => "all_branch_deployments",
            Self::Outside => "deployment_outside",
        }
    }
}

impl QueueRule {
    /// Whether it lets the use through.
    #[must_use]
    pub const fn allows(self) -> bool {
        !matches!(self, Self::Outside)
    }

    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any_queue",
            Self::Named => "queue_named",
            Self::Outside => "queue_outside",
        }
    }
}

impl NetworkRule {
    /// What networks say of an address; none at all are *anywhere*.
    #[must_use]
    pub fn of(networks: &[Network], address: IpAddr) -> Self {
        if networks.is_empty() {
            return Self::Anywhere;
        }
        networks.iter().find(|network| network.contains(address)).map_or(Self::Outside, |it| Self::Within(*it))
    }

    /// Whether it lets the use through.
    #[must_use]
    pub const fn allows(self) -> bool {
        !matches!(self, Self::Outside)
    }

    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anywhere => "anywhere",
            Self::Within(_) => "network_named",
            Self::Outside => "network_outside",
        }
    }
}

impl fmt::Display for DeploymentRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Every => "the token reaches every deployment, branch deployments too",
            Self::Named => "the token names this deployment",
            Self::AllBranches => "this is a branch deployment, and the token reaches all of them",
            Self::Outside => "the token does not reach this deployment; widen its deployments to let it in",
        })
    }
}

impl fmt::Display for QueueRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "the token reaches any queue",
            Self::Named => "the token names this queue",
            Self::Outside => "the token does not reach this queue; widen its queues to let it in",
        })
    }
}

impl fmt::Display for NetworkRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anywhere => f.write_str("the token may be used from anywhere"),
            Self::Within(network) => write!(f, "the address lies in {network}, which the token names"),
            Self::Outside => {
                f.write_str("the address lies in none of the token's networks; widen its networks to let it in")
            }
        }
    }
}

impl Scope {
    /// What it says of an address.
    #[must_use]
    pub fn network_rule(&self, address: IpAddr) -> NetworkRule {
        NetworkRule::of(&self.networks, address)
    }

    /// What it says of a queue.
    #[must_use]
    pub fn queue_rule(&self, queue: &QueueName) -> QueueRule {
        match &self.queues {
            QueueScope::Any => QueueRule::Any,
            QueueScope::Only(queues) if queues.contains(queue) => QueueRule::Named,
            QueueScope::Only(_) => QueueRule::Outside,
        }
    }

    /// What it says of a deployment. A branch deployment that is named, and reached with all others too, is named.
    #[must_use]
    pub fn deployment_rule(&self, deployment: DeploymentId, is_branch: bool) -> DeploymentRule {
        match &self.deployments {
            DeploymentScope::Every => DeploymentRule::Every,
            DeploymentScope::Only { deployments, .. } if deployments.contains(&deployment) => DeploymentRule::Named,
            DeploymentScope::Only { all_branches: true, .. } if is_branch => DeploymentRule::AllBranches,
            DeploymentScope::Only { .. } => DeploymentRule::Outside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_word_and_says_what_to_do() {
        let network: Network = "192.0.2.0/24".parse().expect("a network");
        let of_deployments =
            [DeploymentRule::Every, DeploymentRule::Named, DeploymentRule::AllBranches, DeploymentRule::Outside];
        let of_queues = [QueueRule::Any, QueueRule::Named, QueueRule::Outside];
        let of_networks = [NetworkRule::Anywhere, NetworkRule::Within(network), NetworkRule::Outside];
        assert_eq!(
            of_deployments.map(DeploymentRule::as_str),
            ["every_deployment", "deployment_named", "all_branch_deployments", "deployment_outside"]
        );
        assert_eq!(of_queues.map(QueueRule::as_str), ["any_queue", "queue_named", "queue_outside"]);
        assert_eq!(of_networks.map(NetworkRule::as_str), ["anywhere", "network_named", "network_outside"]);
        for (words, of) in [
            (of_deployments.map(|it| it.to_string()).to_vec(), "deployment"),
            (of_queues.map(|it| it.to_string()).to_vec(), "queue"),
            (of_networks.map(|it| it.to_string()).to_vec(), "token"),
        ] {
            assert!(words.iter().all(|it| it.contains(of)), "{words:?}");
            let refusals: Vec<_> = words.iter().filter(|it| it.contains("to let it in")).collect();
            assert_eq!(
                refusals,
                [words.last().expect("words")],
                "what is refused says how it is let in, and nothing else does"
            );
        }
        assert!(NetworkRule::Within(network).to_string().contains("192.0.2.0/24"));
    }
}
