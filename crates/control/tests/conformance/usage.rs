//! What is gathered in memory and written behind: last used, last heard, what was refused.

use std::time::Duration;

use countersign_control::access::actions::{
    CreateBuild, Heartbeat, RegisterAgent, ViewAgentTokens, ViewAgents, ViewUserTokens,
};
use countersign_control::agent_tokens::{Liveness, NewAgentToken};
use countersign_control::agents::Reach;
use countersign_control::user_tokens::UserTokenReference;
use countersign_control::{Control, PageRequest};
use countersign_domain::id::TokenId;
use countersign_domain::{Network, QueueScope, Refusal, Scope, Timestamp};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{
    caller, connect, may, refusal, refusal_of, refused, running_job, token, try_caller_from, try_register,
};
use crate::sql;
use crate::tokens::revoke;

async fn written(control: &Control, id: TokenId) -> (Option<Timestamp>, Option<String>) {
    let text = "SELECT last_used_at, last_used_ip FROM tokens WHERE id = $1";
    let row = &sql::rows(control, text, vec![id.into_value()]).await[0];
    (row.get("last_used_at").expect("a time"), row.get("last_used_ip").expect("an address"))
}

pub async fn when_and_from_where_a_token_was_used_is_seen_at_once_and_written_behind(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let id = issued.token.token.id;
    let view = world.admin::<ViewAgentTokens>();
    let seen = async || {
        let token = control.agent_token(&view, id).await.expect("the token").token;
        let page = control.agent_tokens(&view, Liveness::Any, PageRequest::first(50)).await.expect("a list");
        let listed = page.items.into_iter().find(|it| it.token.id == id).expect("listed").token;
        assert_eq!((listed.last_used_at, &listed.last_used_ip), (token.last_used_at, &token.last_used_ip));
        let secret = control.agent_token_secrets(&view, id).await.expect("its secrets").remove(0);
        assert_eq!((secret.last_used_at, &secret.last_used_ip), (token.last_used_at, &token.last_used_ip));
        (token.last_used_at, token.last_used_ip)
    };
    assert_eq!(seen().await, (None, None));
    for ip in ["192.0.2.1", "2001:db8::1"] {
        world.clock.advance(Duration::from_secs(1));
        let before = written(control, id).await;
        try_caller_from(control, issued.secret.reveal(), ip).await.expect("accepted");
        let now = (Some(control.now()), Some(ip.to_owned()));
        assert_eq!(written(control, id).await, before, "not on the way of the call");
        assert_eq!(seen().await, now);
        control.flush_usage().await.expect("written");
        assert_eq!(written(control, id).await, now);
        assert_eq!(seen().await, now);
    }
    // A node that writes late does not take it back.
    let latest = written(control, id).await;
    world.clock.set(control.now().minus(Duration::from_secs(30)));
    caller(control, issued.secret.reveal()).await;
    control.flush_usage().await.expect("written");
    assert_eq!(written(control, id).await, latest);
}

pub async fn a_refused_use_is_no_use(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    revoke(world, issued.token.token.id, Reach::Keep).await;
    assert_eq!(refusal(control, issued.secret.reveal()).await, Refusal::Revoked);
    control.flush_usage().await.expect("written");
    assert_eq!(written(control, issued.token.token.id).await, (None, None));
}

pub async fn user_tokens_show_it_too(world: &World) {
    let control = &world.control;
    world.clock.advance(Duration::from_secs(9));
    caller(control, world.acme.user_token()).await;
    let own = UserTokenReference::Id(world.acme.created.user_token.id);
    let token = control.user_token(&world.admin::<ViewUserTokens>(), own).await.expect("their own");
    assert_eq!(token.last_used_at, Some(control.now()));
    let page = control.user_tokens(&world.admin::<ViewUserTokens>(), PageRequest::first(9)).await.expect("a list");
    assert_eq!(page.items[0].last_used_at, Some(control.now()));
}

pub async fn when_an_agent_was_heard_is_seen_at_once_and_written_behind(world: &World) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    control.flush_usage().await.expect("written");
    let text = "SELECT last_seen_at, heartbeat_at FROM agents WHERE id = $1";
    let row = async || {
        let row = &sql::rows(control, text, vec![agent.id.into_value()]).await[0];
        let time = |column| row.get::<Option<Timestamp>>(column).expect("a time");
        (time("last_seen_at"), time("heartbeat_at"))
    };
    let before = row().await;
    world.clock.advance(Duration::from_secs(5));
    let answered = control.heartbeat(&may::<Heartbeat>(control, &caller(control, agent.session.reveal()).await));
    assert_eq!(answered, Ok(control.now()));
    assert_eq!(row().await, before);
    let seen = control.agent(&world.admin::<ViewAgents>(), agent.id).await.expect("the agent");
    assert_eq!((seen.last_seen_at, seen.heartbeat_at), (Some(control.now()), Some(control.now())));
    control.flush_usage().await.expect("written");
    assert_eq!(row().await, (Some(control.now()), Some(control.now())));
    // Any other call is heard as well, and is no heartbeat.
    let heartbeat = control.now();
    world.clock.advance(Duration::from_secs(5));
    caller(control, agent.session.reveal()).await;
    control.flush_usage().await.expect("written");
    assert_eq!(row().await, (Some(control.now()), Some(heartbeat)));
}

pub async fn refusals_are_counted_by_reason_and_address(world: &World) {
    let control = &world.control;
    let networks: Vec<Network> = vec!["192.0.2.0/24".parse().expect("a network")];
    let queues = QueueScope::Only(["linux".parse().expect("a queue")].into());
    let new = NewAgentToken { scope: Some(Scope { queues, networks, ..Scope::widest() }), ..NewAgentToken::default() };
    let issued = token(world, new).await;
    let value = issued.secret.reveal();
    let first = control.now();
    for ip in ["10.0.0.1", "10.0.0.1", "10.0.0.2"] {
        assert_eq!(refusal_of(try_caller_from(control, value, ip).await), Refusal::Network);
    }
    assert_eq!(refusal_of(try_register(control, value, &["queue=mac"]).await), Refusal::Scope);
    let as_agent_token = caller(control, value).await;
    assert_eq!(refusal_of(control.grant_own::<CreateBuild>(&as_agent_token).map(drop)), Refusal::Kind);
    control.flush_usage().await.expect("written");
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(refusal_of(try_caller_from(control, value, "10.0.0.1").await), Refusal::Network);
    revoke(world, issued.token.token.id, Reach::Keep).await;
    assert_eq!(refusal(control, value).await, Refusal::Revoked);

    let view = world.admin::<ViewAgentTokens>();
    let counted = control.agent_token_refusals(&view, issued.token.token.id).await.expect("a list");
    let mut told: Vec<_> = counted
        .iter()
        .map(|it| (it.reason.as_str(), it.ip.as_str(), it.count, it.first_at == first, it.last_at == control.now()))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("kind", "192.0.2.10", 1, true, false),
            ("network", "10.0.0.1", 3, true, true),
            ("network", "10.0.0.2", 1, true, false),
            ("revoked", "192.0.2.10", 1, false, true),
            ("scope", "192.0.2.10", 1, true, false),
        ]
    );
    assert!(counted.is_sorted_by(|a, b| a.last_at >= b.last_at), "newest first");
    assert!(counted.iter().all(|it| it.public_id == *issued.secret.public_id()));
    let other = control.agent_token_refusals(&view, world.acme.created.agent_token.id).await.expect("a list");
    assert_eq!(other.len(), 0);
}

pub async fn the_figures_count_every_refusal_by_reason(world: &World) {
    let control = &world.control;
    let figure = async |reason: Refusal| refused(control, reason).await;
    let before = figure(Refusal::Unknown).await;
    let mut wrong = world.acme.agent_token().to_owned();
    wrong.replace_range(20..21, if wrong.as_bytes()[20] == b'a' { "b" } else { "a" });
    for value in ["garbage", &wrong, ""] {
        assert_eq!(refusal(control, value).await, Refusal::Unknown);
    }
    assert_eq!(figure(Refusal::Unknown).await, before + 3);
    let job = running_job(control, &world.acme).await;
    let kinds = figure(Refusal::Kind).await;
    assert_eq!(refusal_of(control.grant_own::<RegisterAgent>(&job.caller).map(drop)), Refusal::Kind);
    assert_eq!(figure(Refusal::Kind).await, kinds + 1);
    crate::acting::finish(control, &job, "0").await;
    world.clock.advance(countersign_control::jobs::LATE_CHUNKS);
    let expired = figure(Refusal::Expired).await;
    assert_eq!(refusal(control, job.secret.reveal()).await, Refusal::Expired);
    assert_eq!(figure(Refusal::Expired).await, expired + 1);
    assert_eq!(figure(Refusal::Rate).await, 0);
    let gauges = control.gauges().await.expect("figures");
    let connected = gauges.agents.iter().find(|(state, _)| state == "connected").map(|(_, count)| *count);
    assert_eq!(connected, Some(2), "acme's and the twin's, and no name of either");
}
