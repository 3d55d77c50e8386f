//! Scopes at random, and a reference that compares bits and lists, and nothing cleverer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use countersign_domain::id::DeploymentId;
use countersign_domain::{DeploymentScope, Network, QueueScope, Scope};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The queues that are come with.
pub const QUEUES: [&str; 4] = ["default", "linux", "Linux", "gpu.large-1"];
/// How many deployments there are: 0 and 1 are full ones, 2 and 3 branches of the first.
pub const DEPLOYMENTS: usize = 4;

/// A scope in the plainest form: `None` is everything.
#[derive(Debug, Clone)]
pub struct Plain {
    /// Indexes into the deployments, and whether all branch deployments are one more member.
    pub deployments: Option<(Vec<usize>, bool)>,
    /// Indexes into [`QUEUES`].
    pub queues: Option<Vec<usize>>,
    /// Addresses and how many of their bits count.
    pub networks: Vec<(IpAddr, u8)>,
}

/// What an agent comes with.
#[derive(Debug, Clone)]
pub struct Coming {
    /// Which deployment.
    pub deployment: usize,
    /// Which of [`QUEUES`].
    pub queue: usize,
    /// Its address.
    pub from: IpAddr,
}

/// Whether it is a branch deployment.
#[must_use]
pub const fn is_branch(deployment: usize) -> bool {
    deployment >= 2
}

fn bits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(it) => format!("4:{:032b}", u32::from(it)),
        IpAddr::V6(it) => match it.to_ipv4_mapped() {
            Some(mapped) => format!("4:{:032b}", u32::from(mapped)),
            None => format!("6:{:0128b}", u128::from(it)),
        },
    }
}

/// Whether the first bits are the same.
fn lies_in(address: IpAddr, (network, length): (IpAddr, u8)) -> bool {
    let (address, network) = (bits(address), bits(network));
    let counted = 2 + usize::from(length);
    address[..2] == network[..2] && address[..counted] == network[..counted]
}

impl Plain {
    /// Whether this part lets it in.
    #[must_use]
    pub fn allows_network(&self, from: IpAddr) -> bool {
        // A network without a bit that counts is everything, of both families.
        self.networks.is_empty()
            || self.networks.iter().any(|(_, length)| *length == 0)
            || self.networks.iter().any(|network| lies_in(from, *network))
    }

    /// Whether this part lets it in.
    #[must_use]
    pub fn allows_queue(&self, queue: usize) -> bool {
        self.queues.as_ref().is_none_or(|queues| queues.contains(&queue))
    }

    /// Whether this part lets it in.
    #[must_use]
    pub fn allows_deployment(&self, deployment: usize) -> bool {
        match &self.deployments {
            None => true,
            Some((members, all_branches)) => members.contains(&deployment) || (*all_branches && is_branch(deployment)),
        }
    }

    /// The same as the program has it, with the ids of the deployments.
    ///
    /// # Panics
    /// For fewer than [`DEPLOYMENTS`] ids.
    #[must_use]
    pub fn scope(&self, ids: &[DeploymentId]) -> Scope {
        let network = |(address, length): &(IpAddr, u8)| {
            let length = *length;
            let cut = match address {
                IpAddr::V4(it) => {
                    let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                    IpAddr::V4(Ipv4Addr::from(u32::from(*it) & mask))
                }
                IpAddr::V6(it) => {
                    let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                    IpAddr::V6(Ipv6Addr::from(u128::from(*it) & mask))
                }
            };
            format!("{cut}/{length}").parse::<Network>().expect("a network")
        };
        Scope {
            deployments: match &self.deployments {
                None => DeploymentScope::Every,
                Some((members, all_branches)) => DeploymentScope::Only {
                    deployments: members.iter().map(|it| ids[*it]).collect(),
                    all_branches: *all_branches,
                },
            },
            queues: match &self.queues {
                None => QueueScope::Any,
                Some(queues) => {
                    QueueScope::Only(queues.iter().map(|it| QUEUES[*it].parse().expect("a queue")).collect())
                }
            },
            networks: self.networks.iter().map(network).collect(),
        }
    }
}

/// Addresses that are often near each other.
fn addresses() -> impl Strategy<Value = IpAddr> {
    let v4 = prop_oneof![any::<u32>(), (0_u32..8).prop_map(|low| 0x0A00_0000 | low), Just(0), Just(u32::MAX)];
    let v6 = prop_oneof![any::<u128>(), (0_u128..8).prop_map(|low| (0x2001_0db8 << 96) | low), Just(0), Just(1)];
    // IPv4 in the clothes of IPv6 is only come from: as a network it is written in its own.
    prop_oneof![v4.prop_map(|it| IpAddr::V4(it.into())), v6.prop_map(|it| IpAddr::V6(it.into()))]
        .prop_filter("mapped", |it| !matches!(it, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()))
}

fn networks() -> impl Strategy<Value = (IpAddr, u8)> {
    (addresses(), any::<u8>(), any::<bool>()).prop_map(|(address, length, is_narrow)| {
        let most = if address.is_ipv4() { 32 } else { 128 };
        (address, if is_narrow { most - length % 4 } else { length % (most + 1) })
    })
}

fn scopes() -> impl Strategy<Value = Plain> {
    let deployments = (vec(0..4_usize, 0..4), any::<bool>())
        .prop_filter("an empty set is no scope", |(members, all_branches)| !members.is_empty() || *all_branches);
    let deployments = proptest::option::of(deployments);
    (deployments, proptest::option::of(vec(0..QUEUES.len(), 1..4)), vec(networks(), 0..4))
        .prop_map(|(deployments, queues, networks)| Plain { deployments, queues, networks })
}

/// Half of them come from an address near one of the scope's networks.
fn coming(networks: &[(IpAddr, u8)]) -> impl Strategy<Value = Coming> + use<> {
    let first = networks.first().map(|(address, _)| *address);
    (0..DEPLOYMENTS, 0..QUEUES.len(), addresses(), any::<(bool, bool, u8)>()).prop_map(
        move |(deployment, queue, far, (is_near, is_mapped, flip))| {
            let near = first.filter(|_| is_near).map(|address| match address {
                IpAddr::V4(it) => {
                    IpAddr::V4((u32::from(it) ^ 1_u32.checked_shl(u32::from(flip % 40)).unwrap_or(0)).into())
                }
                IpAddr::V6(it) => {
                    IpAddr::V6((u128::from(it) ^ 1_u128.checked_shl(u32::from(flip % 160)).unwrap_or(0)).into())
                }
            });
            let from = match near.unwrap_or(far) {
                IpAddr::V4(it) if is_mapped => IpAddr::V6(it.to_ipv6_mapped()),
                other => other,
            };
            Coming { deployment, queue, from }
        },
    )
}

/// A scope, and so many who come.
pub fn cases(each: usize) -> impl Strategy<Value = (Plain, Vec<Coming>)> {
    scopes().prop_flat_map(move |scope| (Just(scope.clone()), vec(coming(&scope.networks), each)))
}

/// A runner that makes the same cases each time.
#[must_use]
pub fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// The next case of a runner.
///
/// # Panics
/// When none can be made.
#[must_use]
pub fn next(runner: &mut TestRunner, each: usize) -> (Plain, Vec<Coming>) {
    cases(each).new_tree(runner).expect("a case").current()
}
