//! Scopes, against a reference.

use countersign_control::access::actions::{RegisterAgent, ViewAgentTokens};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_domain::id::DeploymentId;
use countersign_domain::{Id, Refusal};
use countersign_testkit::World;
use countersign_testkit::scopes::{QUEUES, cases, is_branch, next, runner};

use crate::acting::{deployment, may, refusal_of, registration, token, try_caller_from};

/// How many random cases the rule is tried on.
const CASES: u32 = 10_000;
/// How many of them go through the whole system.
const THROUGH_THE_SYSTEM: usize = 120;

/// The rule itself.
pub fn the_rule_is_what_the_reference_says() {
    let ids: Vec<DeploymentId> = (1..5_u8).map(|n| Id::from_bytes([n; 16])).collect();
    let (mut allowed, mut refused) = ([0; 3], [0; 3]);
    let outcome = runner(CASES).run(&cases(1), |(plain, coming)| {
        let coming = &coming[0];
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
    let mut runner = runner(CASES);
    for _ in 0..CASES {
        let (plain, coming) = next(&mut runner, 1);
        let coming = &coming[0];
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
    let (mut runner, mut counts) = (runner(CASES), [0; 3]);
    for _ in 0..THROUGH_THE_SYSTEM {
        let (plain, coming) = next(&mut runner, 1);
        let coming = &coming[0];
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
