//! Registering an agent: what the token's scope allows, which deployment it joins, what it may say of itself.

use countersign_control::access::actions::{IdentifyAgentToken, RegisterAgent, ViewAgents};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::agents::Registration;
use countersign_control::{Error, Result};
use countersign_domain::id::DeploymentId;
use countersign_domain::{AgentState, DeploymentScope, QueueScope, Refusal, Scope};
use countersign_testkit::World;

use crate::acting::{
    IP, USER_AGENT, caller, deployment, field_of, may, refusal_of, registration, token, try_caller_from, try_register,
};

async fn scoped(world: &World, scope: Scope) -> String {
    let new = NewAgentToken { scope: Some(scope), ..NewAgentToken::default() };
    token(world, new).await.secret.reveal().to_owned()
}

fn only(deployments: &[DeploymentId], all_branches: bool) -> Scope {
    let deployments = DeploymentScope::Only { deployments: deployments.iter().copied().collect(), all_branches };
    Scope { deployments, ..Scope::widest() }
}

/// The deployment that an agent with these tags joins.
async fn joins(world: &World, value: &str, tags: &[&str]) -> Result<DeploymentId> {
    let agent = try_register(&world.control, value, tags).await?;
    Ok(world.control.agent(&world.admin::<ViewAgents>(), agent.id).await.expect("the agent is there").deployment)
}

pub async fn what_an_agent_says_of_itself_is_kept(world: &World) {
    let control = &world.control;
    let grant = may::<RegisterAgent>(control, &caller(control, world.acme.agent_token()).await);
    let new = Registration {
        name: "%hostname-%pid".to_owned(),
        hostname: Some("builder".to_owned()),
        operating_system: Some("NAME=\"Debian\"\nID=debian".to_owned()),
        arch: Some("amd64".to_owned()),
        version: Some("3.137.0".to_owned()),
        build: Some("x".to_owned()),
        tags: vec!["queue=linux".to_owned(), "gpu".to_owned(), "os=a=b".to_owned()],
        priority: Some(" 7 ".to_owned()),
        pid: Some(4711),
        ignore_in_dispatches: false,
    };
    let id = control.register_agent(&grant, new).await.expect("registered").agent.id;
    let agent = control.agent(&world.admin::<ViewAgents>(), id).await.expect("the agent is there");
    assert_eq!((agent.name.as_str(), agent.queue.as_str()), ("builder-4711", "linux"));
    assert_eq!((agent.priority, agent.pid, agent.tags.len()), (Some(7), Some(4711), 3));
    assert_eq!((agent.ip.as_str(), agent.user_agent.as_deref()), (IP, Some(USER_AGENT)));
    assert_eq!((agent.state, agent.created_at), (AgentState::NeverConnected, control.now()));
    assert_eq!(agent.deployment, world.acme.created.organization.default_deployment);
    assert_eq!(agent.token, world.acme.created.agent_token.id);
}

pub async fn each_registration_is_a_new_agent(world: &World) {
    let control = &world.control;
    let one = try_register(control, world.acme.agent_token(), &["k=v"]).await.expect("registered");
    let other = try_register(control, world.acme.agent_token(), &["k=v"]).await.expect("registered");
    assert_ne!(one.id, other.id);
    assert_ne!(one.session.reveal(), other.session.reveal());
    caller(control, one.session.reveal()).await;
    caller(control, other.session.reveal()).await;
}

pub async fn what_cannot_be_taken_is_named(world: &World) {
    let control = &world.control;
    let grant = may::<RegisterAgent>(control, &caller(control, world.acme.agent_token()).await);
    let named = |name: &str| Registration { name: name.to_owned(), ..registration(&[]) };
    let many: Vec<&str> = vec!["a=b"; 101];
    for (field, new) in [
        ("name", named(" ")),
        ("name", named("a\u{202E}b")),
        ("name", named(&"n".repeat(256))),
        ("meta_data", registration(&["queue=a b"])),
        ("meta_data", registration(&["queue=a", "queue=b"])),
        ("meta_data", registration(&["=v"])),
        ("meta_data", registration(&many)),
        ("meta_data", registration(&["a=\0"])),
        ("priority", Registration { priority: Some("high".to_owned()), ..registration(&[]) }),
        ("priority", Registration { priority: Some("99999999999999999999".to_owned()), ..registration(&[]) }),
    ] {
        assert_eq!(field_of(control.register_agent(&grant, new).await), field);
    }
    let before = control.count_agents(&world.admin::<ViewAgents>(), Default::default()).await;
    assert_eq!(before.expect("a count"), 0);
}

pub async fn a_queue_outside_the_scope_is_refused(world: &World) {
    let queues = QueueScope::Only(["linux", "mac"].map(|it| it.parse().expect("a queue")).into());
    let value = scoped(world, Scope { queues, ..Scope::widest() }).await;
    for tags in [&["queue=linux"][..], &["queue=mac", "gpu"]] {
        assert!(joins(world, &value, tags).await.is_ok(), "{tags:?}");
    }
    for tags in [&[][..], &["queue=default"], &["queue=Linux"], &["queue=linux2"]] {
        assert_eq!(refusal_of(joins(world, &value, tags).await), Refusal::Scope, "{tags:?}");
    }
}

pub async fn a_deployment_is_the_tags_or_the_only_one_or_the_default(world: &World) {
    let control = &world.control;
    let default = world.acme.created.organization.default_deployment;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let branch = deployment(control, &world.acme, "feature", Some(prod)).await;
    let tag = ["deployment=prod"];
    let at_branch = ["deployment=feature"];

    let widest = world.acme.agent_token();
    assert_eq!(joins(world, widest, &[]).await, Ok(default));
    assert_eq!(joins(world, widest, &tag).await, Ok(prod));
    assert_eq!(joins(world, widest, &at_branch).await, Ok(branch));
    assert_eq!(refusal_of(joins(world, widest, &["deployment=nowhere"]).await), Refusal::Scope);

    let one = scoped(world, only(&[prod], false)).await;
    assert_eq!(joins(world, &one, &[]).await, Ok(prod));
    assert_eq!(joins(world, &one, &tag).await, Ok(prod));
    for tags in [&at_branch, &["deployment=default"]] {
        assert_eq!(refusal_of(joins(world, &one, tags).await), Refusal::Scope);
    }

    let two = scoped(world, only(&[prod, branch], false)).await;
    assert_eq!(joins(world, &two, &[]).await, Ok(prod), "the only full one, without the default in scope");
    assert_eq!(joins(world, &two, &at_branch).await, Ok(branch));
    let with_default = scoped(world, only(&[prod, default], false)).await;
    assert_eq!(joins(world, &with_default, &[]).await, Ok(default));

    let staging = deployment(control, &world.acme, "staging", None).await;
    let several = scoped(world, only(&[prod, staging], true)).await;
    assert_eq!(refusal_of(joins(world, &several, &[]).await), Refusal::Scope, "none of the two is meant");

    let branches = scoped(world, only(&[], true)).await;
    assert_eq!(joins(world, &branches, &at_branch).await, Ok(branch));
    assert_eq!(refusal_of(joins(world, &branches, &tag).await), Refusal::Scope);
    assert_eq!(refusal_of(joins(world, &branches, &[]).await), Refusal::Scope);
}

pub async fn a_network_outside_the_list_is_refused(world: &World) {
    let networks = ["192.0.2.0/25", "2001:db8::7"].map(|it| it.parse().expect("a network")).to_vec();
    let value = scoped(world, Scope { networks, ..Scope::widest() }).await;
    for ip in ["192.0.2.0", "192.0.2.127", "::ffff:192.0.2.5", "2001:db8::7"] {
        assert!(try_caller_from(&world.control, &value, ip).await.is_ok(), "{ip}");
    }
    for ip in ["192.0.2.128", "192.0.3.1", "127.0.0.1", "::1", "2001:db8::8", "::ffff:192.0.2.200"] {
        let refused = try_caller_from(&world.control, &value, ip).await;
        assert!(matches!(&refused, Err(Error::Unauthenticated { token: Some(_), .. })), "its holder is told");
        assert_eq!(refusal_of(refused), Refusal::Network, "{ip}");
    }
}

pub async fn a_token_tells_its_holder_what_it_is(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let identify = async |value: &str| {
        let caller = caller(control, value).await;
        control.identify_agent_token(&may::<IdentifyAgentToken>(control, &caller)).await.expect("its identity")
    };
    let widest = identify(world.acme.agent_token()).await;
    assert_eq!(widest.organization.slug, "acme");
    assert_eq!((widest.deployment.is_none(), widest.queue), (true, None));
    assert_eq!(widest.token.id, world.acme.created.agent_token.id);
    let queues = QueueScope::Only(["linux".parse().expect("a queue")].into());
    let narrow = identify(&scoped(world, Scope { queues, ..only(&[prod], false) }).await).await;
    assert_eq!(
        (narrow.deployment.map(|it| it.name), narrow.queue.as_deref()),
        (Some("prod".to_owned()), Some("linux"))
    );
}
