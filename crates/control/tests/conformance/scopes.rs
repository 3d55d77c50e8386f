//! Scopes, against a reference that compares bits and lists, and nothing cleverer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use countersign_control::access::actions::{RegisterAgent, ViewAgentTokens};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_domain::id::DeploymentId;
use countersign_domain::{DeploymentScope, Id, Network, QueueScope, Refusal, Scope};
use countersign_testkit::World;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::acting::{deployment, may, refusal_of, registration, token, try_caller_from};

/// How many random cases the rule is tried on.
const CASES: u32 = 10_000;
/// How many of them go through the whole system.
const THROUGH_THE_SYSTEM: usize = 120;
const QUEUES: [&str; 4] = ["default", "linux", "Linux", "gpu.large-1"];

/// A scope in the plainest form: `None` is everything.
#[derive(Debug, Clone)]
struct Plain {
    /// Indexes into the deployments, and whether all branch deployments are one more member.
    deployments: Option<(Vec<usize>, bool)>,
    queues: Option<Vec<usize>>,
    /// Addresses and how many of their bits count.
    networks: Vec<(IpAddr, u8)>,
}

/// What an agent comes with.
#[derive(Debug, Clone)]
struct Coming {
    deployment: usize,
    queue: usize,
    from: IpAddr,
}

/// Deployments 0 and 1 are full ones, 2 and 3 branches of the first.
const fn is_branch(deployment: usize) -> bool {
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
    fn allows_network(&self, from: IpAddr) -> bool {
        // A network without a bit that counts is everything, of both families.
        self.networks.is_empty()
            || self.networks.iter().any(|(_, length)| *length == 0)
            || self.networks.iter().any(|network| lies_in(from, *network))
    }

    fn allows_queue(&self, queue: usize) -> bool {
        self.queues.as_ref().is_none_or(|queues| queues.contains(&queue))
    }

    fn allows_deployment(&self, deployment: usize) -> bool {
        match &self.deployments {
            None => true,
            Some((members, all_branches)) => members.contains(&deployment) || (*all_branches && is_branch(deployment)),
        }
    }

    /// The same as the program has it.
    fn scope(&self, ids: &[DeploymentId]) -> Scope {
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
fn cases() -> impl Strategy<Value = (Plain, Coming)> {
    (scopes(), 0..4_usize, 0..QUEUES.len(), addresses(), any::<(bool, bool, u8)>()).prop_map(
        |(scope, deployment, queue, far, (is_near, is_mapped, flip))| {
            let near = scope.networks.first().filter(|_| is_near).map(|(address, _)| match *address {
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
            (scope, Coming { deployment, queue, from })
        },
    )
}

fn runner() -> TestRunner {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// The rule itself.
pub fn the_rule_is_what_the_reference_says() {
    let ids: Vec<DeploymentId> = (1..5_u8).map(|n| Id::from_bytes([n; 16])).collect();
    let (mut allowed, mut refused) = ([0; 3], [0; 3]);
    let outcome = runner().run(&cases(), |(plain, coming)| {
        let scope = plain.scope(&ids).checked().expect("a scope");
        let queue = QUEUES[coming.queue].parse().expect("a queue");
        let told = [
            (scope.allows_network(coming.from), plain.allows_network(coming.from)),
            (scope.allows_queue(&queue), plain.allows_queue(coming.queue)),
            (
                scope.allows_deployment(ids[coming.deployment], is_branch(coming.deployment)),
                plain.allows_deployment(coming.deployment),
            ),
        ];
        for (part, (given, wanted)) in told.into_iter().enumerate() {
            proptest::prop_assert_eq!(given, wanted, "part {}", part);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    // The cases are worth something: each part lets many through and stops many.
    let mut runner = runner();
    for _ in 0..CASES {
        let (plain, coming) = cases().new_tree(&mut runner).expect("a case").current();
        let told = [
            plain.allows_network(coming.from),
            plain.allows_queue(coming.queue),
            plain.allows_deployment(coming.deployment),
        ];
        for (part, is_allowed) in told.into_iter().enumerate() {
            if is_allowed { allowed[part] += 1 } else { refused[part] += 1 }
        }
    }
    assert!(
        allowed.iter().chain(&refused).all(|count| *count > CASES / 10),
        "let through {allowed:?}, stopped {refused:?}"
    );
}

pub async fn a_registration_is_let_in_as_the_reference_says(world: &World) {
    let control = &world.control;
    let (acme, names) = (&world.acme, ["default", "prod", "one", "two"]);
    let default = acme.created.organization.default_deployment;
    let prod = deployment(control, acme, "prod", None).await;
    let mut ids = vec![default, prod];
    for name in &names[2..] {
        ids.push(deployment(control, acme, name, Some(default)).await);
    }
    let (mut runner, mut counts) = (runner(), [0; 3]);
    for _ in 0..THROUGH_THE_SYSTEM {
        let (plain, coming) = cases().new_tree(&mut runner).expect("a case").current();
        let scope = plain.scope(&ids);
        let issued = token(world, NewAgentToken { scope: Some(scope.clone()), ..NewAgentToken::default() }).await;
        let kept = control.agent_token(&world.admin::<ViewAgentTokens>(), issued.token.token.id).await.expect("kept");
        assert_eq!(kept.scope, scope.checked().expect("a scope"), "what is kept is what was given");
        let shown = try_caller_from(control, issued.secret.reveal(), &coming.from.to_string()).await;
        if !plain.allows_network(coming.from) {
            assert_eq!(refusal_of(shown), Refusal::Network, "{plain:?} {coming:?}");
            counts[0] += 1;
            continue;
        }
        let grant = may::<RegisterAgent>(control, &shown.expect("inside the networks"));
        let tags = [format!("queue={}", QUEUES[coming.queue]), format!("deployment={}", names[coming.deployment])];
        let outcome = control.register_agent(&grant, registration(&[&tags[0], &tags[1]])).await;
        if plain.allows_queue(coming.queue) && plain.allows_deployment(coming.deployment) {
            let agent = outcome.unwrap_or_else(|error| panic!("{plain:?} {coming:?}: {error:?}")).agent;
            assert_eq!(agent.deployment, ids[coming.deployment]);
            counts[1] += 1;
        } else {
            assert_eq!(refusal_of(outcome), Refusal::Scope, "{plain:?} {coming:?}");
            counts[2] += 1;
        }
    }
    assert!(counts.iter().all(|count| *count > 10), "by network, let in, by scope: {counts:?}");
}
