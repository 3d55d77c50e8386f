//! Which Dagster+ agents there are: alive, too many, silent, and told of to each other.

use std::time::Duration;

use countersign_control::access::actions::{CheckDagsterDeployments, DagsterHeartbeat, SeeDagsterAgents, ViewAgents};
use countersign_control::agents::Registration;
use countersign_control::dagster::{CodeServer, Heartbeat, MAX_CODE_SERVERS, MAX_DEPLOYMENTS, MAX_QUEUES, Task};
use countersign_control::{Error, Settings};
use countersign_domain::dagster::{AgentStatus, RUNNING_FOR};
use countersign_domain::id::Id;
use countersign_domain::{Refusal, Scope, Timestamp};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{caller, deployment, field_of, fresh_id, may, refusal_of, registration, try_caller};
use crate::bounds::{set, too_many};
use crate::dagster::{agents, beat, heartbeat, holder, only, process, requests, wanted, workspace};
use crate::dump::Dump;
use crate::sql;

const DAY: Duration = Duration::from_secs(24 * 3600);

pub async fn status_follows_the_last_heartbeat(world: &World) {
    let control = &world.control;
    let grant = || world.admin::<ViewAgents>();
    let prod = deployment(control, &world.acme, "prod", None).await;
    let status = async |of| control.dagster_status(&grant(), of).await;
    let running = async || control.count_dagster_agents(&grant(), true).await.expect("a count");
    assert_eq!(status(None).await, Ok(AgentStatus::NeverSeen));
    let holder = caller(control, world.acme.agent_token()).await;
    beat(control, &holder, heartbeat(&process(control), &["default"])).await.expect("kept");
    assert_eq!((status(None).await, status(Some(prod)).await), (Ok(AgentStatus::Running), Ok(AgentStatus::NeverSeen)));
    assert_eq!(status(Some(fresh_id(control))).await, Err(Error::NotFound("deployment")));
    world.clock.advance(RUNNING_FOR - Duration::from_micros(1));
    assert_eq!((status(None).await, running().await), (Ok(AgentStatus::Running), 1));
    world.clock.advance(Duration::from_micros(1));
    assert_eq!((status(None).await, running().await), (Ok(AgentStatus::NotRunning), 0));
    assert_eq!(agents(world).await.len(), 1, "it is listed all the same");
}

pub async fn only_a_heartbeat_writes(world: &World) {
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let of = world.acme.created.organization.id;
    let before = Dump::of(control, of).await;
    for _ in 0..5 {
        requests(control, &holder, wanted(&["default"], &[None], true)).await.expect("a read");
        workspace(control, &holder, wanted(&["default"], &[None], false)).await.expect("a read");
        let see = may::<SeeDagsterAgents>(control, &holder);
        control.live_dagster_agents(&see, Timestamp::EPOCH).await.expect("a read");
    }
    assert_eq!(before.changes(&Dump::of(control, of).await, &[]), [""; 0]);
}

pub async fn agents_hear_of_all_that_live_whatever_they_reach(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let wide = caller(control, world.acme.agent_token()).await;
    let (narrow, _) = holder(world, only(&[prod], false)).await;
    let first = process(control);
    beat(control, &wide, heartbeat(&first, &["default"])).await.expect("kept");
    world.clock.advance(Duration::from_secs(600));
    let second = process(control);
    beat(control, &narrow, heartbeat(&second, &["prod"])).await.expect("kept");
    let since = async |at| {
        let see = may::<SeeDagsterAgents>(control, &narrow);
        let alive = control.live_dagster_agents(&see, at).await.expect("a read");
        alive.into_iter().map(|it| (it.process.to_string(), it.status)).collect::<Vec<_>>()
    };
    let second = (second, AgentStatus::Running);
    let first = (first, AgentStatus::NotRunning);
    assert_eq!(since(Timestamp::EPOCH).await, [second.clone(), first.clone()]);
    assert_eq!(since(control.now().minus(Duration::from_secs(600))).await, [second.clone(), first]);
    assert_eq!(since(control.now().minus(Duration::from_secs(599))).await, [second]);
}

pub async fn no_token_takes_the_place_of_another(world: &World) {
    let control = &world.control;
    let id = process(control);
    let one = caller(control, world.acme.agent_token()).await;
    let (other, _) = holder(world, Scope::widest()).await;
    beat(control, &one, heartbeat(&id, &["default"])).await.expect("kept");
    let impostor = Heartbeat { label: Some("impostor".to_owned()), ..heartbeat(&id, &["default"]) };
    beat(control, &other, impostor.clone()).await.expect("kept");
    let labels: Vec<_> = agents(world).await.into_iter().map(|it| (it.token, it.label)).collect();
    assert_eq!(labels.len(), 2);
    assert!(labels.contains(&(world.acme.created.agent_token.id, Some("north".to_owned()))), "{labels:?}");
    // A thousand processes of one token that call themselves the same are one agent, and none of them fails.
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (control, other, impostor) = (control.clone(), other.clone(), impostor.clone());
        running.spawn(async move { beat(&control, &other, impostor).await.map(drop) });
    }
    while let Some(done) = running.join_next().await {
        assert_eq!(done.expect("no panic"), Ok(()));
    }
    assert_eq!(agents(world).await.len(), 2);
}

pub async fn what_cannot_be_taken_is_named(world: &World) {
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let id = process(control);
    let server = CodeServer { location: "l".to_owned(), status: "RUNNING".to_owned(), error: None };
    let with = |change: fn(&mut Task, CodeServer)| {
        let mut new = heartbeat(&id, &["default"]);
        change(&mut new.tasks[0], server.clone());
        new
    };
    for (field, new) in [
        ("agent_id", heartbeat("north", &["default"])),
        ("agent_id", heartbeat("", &["default"])),
        ("code_server_heartbeats", with(|task, it| task.code_servers = vec![it; MAX_CODE_SERVERS + 1])),
        ("additional_queues", with(|task, _| task.queues = vec!["q".to_owned(); MAX_QUEUES + 1])),
        ("deployments", heartbeat(&id, &vec!["default"; MAX_DEPLOYMENTS + 1])),
    ] {
        assert_eq!(field_of(beat(control, &holder, new).await), field);
    }
    let many = vec![Some("q"); MAX_QUEUES + 1];
    assert_eq!(field_of(requests(control, &holder, wanted(&["default"], &many, false)).await), "agentQueues");
    assert_eq!(agents(world).await.len(), 0);
}

pub async fn a_token_has_so_many_agents_that_run(world: &mut World) {
    set(world, Settings { max_agents_per_token: 2, ..Settings::default() }).await;
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let known = process(control);
    for id in [known.clone(), process(control)] {
        beat(control, &holder, heartbeat(&id, &["default"])).await.expect("kept");
    }
    let (what, _) = too_many(beat(control, &holder, heartbeat(&process(control), &["default"])).await);
    assert!(what.contains("2 agents"), "{what}");
    beat(control, &holder, heartbeat(&known, &["default"])).await.expect("whoever is known goes on");
    world.clock.advance(RUNNING_FOR + Duration::from_micros(1));
    beat(control, &holder, heartbeat(&process(control), &["default"])).await.expect("they are gone");
}

pub async fn new_agents_of_a_token_come_at_a_rate(world: &World) {
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let known = process(control);
    beat(control, &holder, heartbeat(&known, &["default"])).await.expect("kept");
    // Registrations of the other kind of agents use up the same; with a name that cannot be, so that nothing is written.
    let register = || Registration { name: " ".to_owned(), ..registration(&[]) };
    while let Err(Error::Invalid(_)) = control.register_agent(&may(control, &holder), register()).await {}
    let refused = beat(control, &holder, heartbeat(&process(control), &["default"])).await;
    assert_eq!(refusal_of(refused), Refusal::Rate);
    beat(control, &holder, heartbeat(&known, &["default"])).await.expect("whoever is known goes on");
}

pub async fn an_agent_that_names_no_deployment_is_told_one(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let staging = deployment(control, &world.acme, "staging", None).await;
    let default = world.acme.created.organization.default_deployment;
    let told = async |scope| {
        let (holder, _) = holder(world, scope).await;
        control.only_dagster_deployment(&may::<CheckDagsterDeployments>(control, &holder)).await.map(|it| it.name)
    };
    assert_eq!(told(Scope::widest()).await.as_deref(), Ok("default"));
    assert_eq!(told(only(&[prod], false)).await.as_deref(), Ok("prod"));
    assert_eq!(told(only(&[prod, default], true)).await.as_deref(), Ok("default"));
    for scope in [only(&[prod, staging], false), only(&[], true)] {
        assert_eq!(field_of(told(scope).await), "deployment");
    }
}

pub async fn a_deployment_that_is_removed_leaves_nothing_behind(world: &World) {
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let gone = deployment(control, &world.acme, "gone", None).await;
    let id = process(control);
    beat(control, &holder, heartbeat(&id, &["gone", "default"])).await.expect("kept");
    sql::change(control, "DELETE FROM deployments WHERE id = $1", vec![gone.into_value()]).await;
    let known = &agents(world).await[0];
    let serving = control.dagster_agent_serving(&world.admin::<ViewAgents>(), known.id).await.expect("a read");
    assert_eq!(serving.len(), 1);
    let reached = beat(control, &holder, heartbeat(&id, &["gone", "default"])).await.expect("kept");
    assert_eq!((reached.served.len(), reached.refused.as_slice()), (1, &["gone".to_owned()][..]));
}

pub async fn those_that_are_silent_for_long_are_removed(world: &World) {
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let (first, second) = (process(control), process(control));
    beat(control, &holder, heartbeat(&first, &["default"])).await.expect("kept");
    beat(control, &holder, heartbeat(&second, &["default"])).await.expect("kept");
    world.clock.advance(DAY);
    beat(control, &holder, heartbeat(&second, &["default"])).await.expect("kept");
    world.clock.advance(29 * DAY);
    // The twin's agent lives for ever.
    assert_eq!(control.remove_expired().await.expect("a round").agents, 0);
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(control.remove_expired().await.expect("a round").agents, 1);
    let left: Vec<String> = agents(world).await.iter().map(|it| it.process.to_string()).collect();
    assert_eq!(left, [second]);
    let text = "SELECT subject_id FROM audit_events WHERE action = 'dagster_agent.removed'";
    let _: Id<()> = sql::value(control, text, vec![], "subject_id").await;
}

pub async fn another_credential_is_of_another_kind(world: &World) {
    let control = &world.control;
    for who in [&world.acme.admin, &try_caller(control, world.globex.user_token()).await.expect("a person")] {
        let refused = control.grant_own::<DagsterHeartbeat>(who).map(drop);
        assert_eq!(refusal_of(refused), Refusal::Kind);
    }
    let foreign = caller(control, world.globex.agent_token()).await;
    let refused = control.grant::<DagsterHeartbeat>(&foreign, world.acme.created.organization.id).map(drop);
    assert_eq!(refused, Err(Error::NotFound("organization")));
}
