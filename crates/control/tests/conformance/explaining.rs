//! What a token's owner is told of why an agent is let in or refused.

use std::time::Duration;

use countersign_control::access::actions::{RotateAgentToken, ViewAgentTokens};
use countersign_control::agent_tokens::{
    Check, Explanation, NewAgentToken, Question, Rotation, Standing, TokenReference,
};
use countersign_control::agents::Reach;
use countersign_control::{Error, Result};
use countersign_domain::id::TokenId;
use countersign_domain::scope::{NetworkRule, QueueRule};
use countersign_domain::{DeploymentScope, QueueScope, Refusal, Scope};
use countersign_testkit::World;

use crate::acting::{field_of, token};
use crate::tokens::revoke;

pub const CASES: &[crate::run::Case] = crate::list::cases!["explaining"
    what_is_said_is_read_and_nothing_said_is_nothing,
    each_part_of_a_scope_lets_in_or_refuses,
    a_token_that_does_not_stand_says_since_when,
    what_is_looked_at_is_an_agent_token,
];

async fn asked(world: &World, question: Question) -> Result<Explanation> {
    world.control.explain_agent_token(&world.admin::<ViewAgentTokens>(), question).await
}

/// The answer to what a person wrote of the deployment, the queue and the address.
async fn told(world: &World, token: TokenReference, [deployment, queue, address]: [&str; 3]) -> Explanation {
    let question = Question::read(token, Some(deployment), Some(queue), Some(address)).expect("a question");
    asked(world, question).await.expect("an answer")
}

/// What decides: whether it lets in, its part and rule, and what an agent would be told.
fn decisive(it: &Explanation) -> (bool, &'static str, &'static str, Option<Refusal>) {
    let check = it.decisive();
    assert_eq!(it.is_allowed(), check.allows());
    (check.allows(), check.part(), check.rule(), check.refusal())
}

pub async fn what_is_said_is_read_and_nothing_said_is_nothing(world: &World) {
    let named = || TokenReference::Id(world.acme.created.agent_token.id);
    let nothing = Question::read(named(), Some(" "), None, Some("")).expect("a question");
    assert_eq!((nothing.deployment, nothing.queue.as_str(), nothing.address), (None, "default", None));
    let all = Question::read(named(), Some(" prod "), Some("gpu"), Some("192.0.2.7")).expect("a question");
    assert_eq!(all.deployment.expect("one").as_str(), "prod");
    assert_eq!((all.queue.as_str(), all.address), ("gpu", Some([192, 0, 2, 7].into())));
    for (field, texts) in [("deployment", ["a\0", "", ""]), ("queue", ["", "no queue", ""]), ("address", ["", "", "1"])]
    {
        let [deployment, queue, address] = texts.map(Some);
        assert_eq!(field_of(Question::read(named(), deployment, queue, address)), field);
    }
}

pub async fn each_part_of_a_scope_lets_in_or_refuses(world: &World) {
    let open = TokenReference::Id(world.acme.created.agent_token.id);
    let it = told(world, open.clone(), ["", "", ""]).await;
    assert_eq!(decisive(&it), (true, "deployment", "every_deployment", None));
    assert_eq!(it.deployment.as_deref(), Some("default"));
    assert!(matches!(
        it.checks(),
        [Check::Token(Standing::Active), Check::Queue(QueueRule::Any), Check::Deployment(_)]
    ));
    let it = told(world, open, ["nowhere", "", "192.0.2.7"]).await;
    assert_eq!(decisive(&it), (false, "deployment", "no_such_deployment", Some(Refusal::Scope)));
    assert_eq!(
        (it.checks().len(), it.checks()[1], it.deployment.as_deref()),
        (4, Check::Network(NetworkRule::Anywhere), None)
    );

    let scope = Scope {
        deployments: DeploymentScope::Only {
            deployments: [world.acme.created.organization.default_deployment].into(),
            all_branches: false,
        },
        queues: QueueScope::Only(["gpu".parse().expect("a queue")].into()),
        networks: vec!["192.0.2.0/24".parse().expect("a network")],
    };
    let narrow = token(world, NewAgentToken { scope: Some(scope), ..NewAgentToken::default() }).await;
    let narrow = || TokenReference::Id(narrow.token.token.id);
    for (said, expected) in [
        (["default", "gpu", "192.0.2.7"], (true, "deployment", "deployment_named", None)),
        // The first that refuses decides, in the order in which an agent's call is looked at.
        (["nowhere", "cpu", "198.51.100.7"], (false, "network", "network_outside", Some(Refusal::Network))),
        (["nowhere", "cpu", "192.0.2.7"], (false, "queue", "queue_outside", Some(Refusal::Scope))),
        (["nowhere", "gpu", "192.0.2.7"], (false, "deployment", "no_such_deployment", Some(Refusal::Scope))),
        (["nowhere", "gpu", ""], (false, "deployment", "no_such_deployment", Some(Refusal::Scope))),
    ] {
        assert_eq!(decisive(&told(world, narrow(), said).await), expected, "{said:?}");
    }
    let words: Vec<String> =
        told(world, narrow(), ["nowhere", "gpu", "192.0.2.7"]).await.checks().iter().map(ToString::to_string).collect();
    assert!(words.iter().all(|it| !it.is_empty()), "{words:?}");
    assert_eq!(words.last().map(String::as_str), Some("the organization has no deployment of that name"));
}

pub async fn a_token_that_does_not_stand_says_since_when(world: &World) {
    let control = &world.control;
    let end = control.now().plus(Duration::from_secs(60));
    let ends = token(world, NewAgentToken { expires_at: Some(end), ..NewAgentToken::default() }).await.token.token.id;
    let kept = token(world, NewAgentToken::default()).await;
    let id = kept.token.token.id;
    let of = async |reference| told(world, reference, ["", "", ""]).await.decisive();
    assert!(of(TokenReference::Id(ends)).await.allows());
    world.clock.set(end);
    assert_eq!(of(TokenReference::Id(ends)).await, Check::Token(Standing::Expired(end)));
    assert_eq!(of(TokenReference::Id(ends)).await.refusal(), Some(Refusal::Expired));

    let old = kept.secret.public_id().clone();
    let rotation = Rotation {
        token: TokenReference::Id(id),
        old_valid_until: Some(end.plus(Duration::from_secs(60))),
        expected: None,
    };
    let rotated = control.rotate_agent_token(&world.admin::<RotateAgentToken>(), rotation).await.expect("rotated");
    assert!(of(TokenReference::PublicId(old.clone())).await.allows(), "until then");
    world.clock.set(rotated.old_valid_until);
    let by_old = of(TokenReference::PublicId(old)).await;
    assert_eq!(by_old, Check::Token(Standing::Rotated(rotated.old_valid_until)));
    assert_eq!((by_old.part(), by_old.rule(), by_old.refusal()), ("token", "rotated", Some(Refusal::Rotated)));
    assert!(by_old.to_string().contains("use the newest value"), "{by_old}");
    assert!(of(TokenReference::PublicId(rotated.secret.public_id().clone())).await.allows(), "the newest value");
    assert!(of(TokenReference::Id(id)).await.allows(), "the token, by no value");

    revoke(world, id, Reach::Keep).await;
    let now = control.now();
    let it = of(TokenReference::Id(id)).await;
    assert_eq!((it, it.refusal()), (Check::Token(Standing::Revoked(now)), Some(Refusal::Revoked)));
    assert!(it.to_string().contains("was revoked at"), "{it}");
}

pub async fn what_is_looked_at_is_an_agent_token(world: &World) {
    let (control, user) = (&world.control, &world.acme.created.user_token);
    let view = || world.admin::<ViewAgentTokens>();
    let not_found = |error| error == Error::NotFound("agent token");
    for reference in [TokenReference::Id(user.id), TokenReference::PublicId(user.public_id.clone())] {
        let question = Question::read(reference, None, None, None).expect("a question");
        assert!(asked(world, question).await.is_err_and(not_found), "a user token is explained to nobody so");
    }
    for id in [user.id, TokenId::nil()] {
        assert!(control.agent_token(&view(), id).await.is_err_and(not_found));
        assert!(control.agent_token_secrets(&view(), id).await.is_err_and(not_found));
    }
    let own = world.acme.created.agent_token.id;
    assert_eq!(control.agent_token(&view(), own).await.expect("there").token.id, own);
    assert_eq!(control.agent_token_secrets(&view(), own).await.expect("there").len(), 1);
}
