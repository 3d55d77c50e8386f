//! Agents of both protocols in one list.

use std::time::Duration;

use countersign_control::PageRequest;
use countersign_control::access::actions::{DisconnectAgent, PauseAgent, StopAgent, ViewAgents, ViewAudit};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::agents::{AnyAgentId, Protocol, Sought, Standing};
use countersign_control::dagster::CodeServer;
use countersign_control::{Caller, Error};
use countersign_domain::dagster::RUNNING_FOR;
use countersign_domain::id::Id;
use countersign_testkit::World;

use crate::acting::{Agent, caller, connect, deployment, field_of, fresh_id, may, token};
use crate::dagster::{beat, heartbeat, process};

pub const CASES: &[crate::run::Case] = crate::list::cases!["every_agent"
    both_protocols_are_one_list_in_the_order_in_which_they_came,
    each_filter_is_of_both_protocols,
    a_dagster_agent_is_found_with_what_it_serves,
    what_was_done_to_an_agent_is_told_of_it,
];

async fn part(world: &World, sought: Sought, of: Option<Protocol>, page: PageRequest<AnyAgentId>) -> Vec<AnyAgentId> {
    let part = world.control.every_agent(&world.admin::<ViewAgents>(), sought, of, page).await.expect("a list");
    part.items.iter().map(countersign_control::agents::AnyAgent::id).collect()
}

async fn all(world: &World, sought: Sought, of: Option<Protocol>) -> Vec<AnyAgentId> {
    part(world, sought, of, PageRequest::first(40)).await
}

/// A Buildkite agent that has come.
async fn registered(world: &World, token: &str, tags: &[&str]) -> (Agent, AnyAgentId) {
    world.clock.advance(Duration::from_millis(1));
    let agent = connect(&world.control, token, tags).await;
    let id = agent.id.cast();
    (agent, id)
}

/// A Dagster+ agent that has come, with a label; it serves deployments and, in the first, queues.
async fn dagster(world: &World, holder: &Caller, label: &str, places: &[&str], queues: &[&str]) -> AnyAgentId {
    world.clock.advance(Duration::from_millis(1));
    let control = &world.control;
    let mut new = heartbeat(&process(control), places);
    new.label = Some(label.to_owned());
    new.tasks[0].default_queue = queues.is_empty();
    new.tasks[0].queues = queues.iter().map(|&it| it.to_owned()).collect();
    beat(control, holder, new).await.expect("kept");
    let grant = world.admin::<ViewAgents>();
    let page = control.dagster_agents(&grant, false, PageRequest::first(1)).await.expect("a list");
    page.items[0].id.cast()
}

pub async fn both_protocols_are_one_list_in_the_order_in_which_they_came(world: &World) {
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let mut made: Vec<AnyAgentId> = Vec::new();
    for number in 0..6 {
        let id = match number % 3 {
            0 => registered(world, world.acme.agent_token(), &[]).await.1,
            _ => dagster(world, &holder, &format!("north-{number}"), &["default"], &[]).await,
        };
        made.insert(0, id);
    }
    assert_eq!(all(world, Sought::default(), None).await, made);
    for limit in 1..=7 {
        for standing in [Standing::There, Standing::Any] {
            let (mut after, mut seen) = (None, Vec::new());
            loop {
                let sought = Sought { standing, ..Sought::default() };
                let page = PageRequest { after, limit };
                let found =
                    control.every_agent(&world.admin::<ViewAgents>(), sought, None, page).await.expect("a list");
                assert!(found.items.len() <= limit as usize);
                seen.extend(found.items.iter().map(countersign_control::agents::AnyAgent::id));
                after = found.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(seen, made, "{limit} at a time");
        }
    }
    assert_eq!(all(world, Sought::default(), Some(Protocol::Buildkite)).await, [made[2], made[5]]);
    assert_eq!(all(world, Sought::default(), Some(Protocol::Dagster)).await, [made[0], made[1], made[3], made[4]]);
}

pub async fn each_filter_is_of_both_protocols(world: &World) {
    let control = &world.control;
    let default = world.acme.created.organization.default_deployment;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let issued = token(world, NewAgentToken::default()).await;
    let (first, other) = (world.acme.agent_token(), issued.secret.reveal().to_owned());
    let holder = caller(control, first).await;
    let others = caller(control, &other).await;

    let silent = dagster(world, &holder, "silent", &["default"], &["fast"]).await;
    world.clock.advance(RUNNING_FOR);
    let (left, gone) = registered(world, first, &["queue=fast", "north=1"]).await;
    control.disconnect_agent(&may::<DisconnectAgent>(control, &left.caller)).await.expect("gone");
    let (_, plain) = registered(world, first, &["north=1"]).await;
    let (paused_agent, paused) = registered(world, &other, &["queue=fast", "deployment=prod"]).await;
    let north = dagster(world, &holder, "North-1", &["default"], &["fast", "gpu"]).await;
    let east = dagster(world, &others, "east%1", &["prod", "default"], &[]).await;
    let (leaving, stopping) = registered(world, first, &[]).await;
    control.pause_agent(&world.admin::<PauseAgent>(), paused_agent.id, None, None).await.expect("paused");
    control.stop_agent(&world.admin::<StopAgent>(), leaving.id, false).await.expect("told");

    let anyone = || Sought { standing: Standing::Any, ..Sought::default() };
    let text = |text: &str| Sought { search: Some(text.to_owned()), ..anyone() };
    let queue = |queue: &str| Sought { queue: Some(queue.to_owned()), ..anyone() };
    let of = |deployment| Sought { deployment: Some(deployment), ..anyone() };
    let with = |token| Sought { token: Some(token), ..anyone() };
    let stands = |standing| Sought { standing, ..Sought::default() };
    let twin = &world.globex.created;
    for (sought, expected) in [
        (anyone(), vec![stopping, east, north, paused, plain, gone, silent]),
        (stands(Standing::There), vec![stopping, east, north, paused, plain]),
        (stands(Standing::Paused), vec![paused]),
        (stands(Standing::Stopping), vec![stopping]),
        (stands(Standing::Gone), vec![gone, silent]),
        (text("NORTH"), vec![north, plain, gone]),
        (text("EAST%1"), vec![east]),
        (text("east_1"), vec![]),
        (text("e%1"), vec![]),
        (text("nobody"), vec![]),
        (queue("fast"), vec![north, paused, gone, silent]),
        (queue("gpu"), vec![north]),
        (queue("gp"), vec![]),
        (queue("FAST"), vec![]),
        (queue(","), vec![]),
        (queue("default"), vec![stopping, east, plain]),
        (of(prod), vec![east, paused]),
        (of(default), vec![stopping, east, north, plain, gone, silent]),
        (Sought { queue: Some("default".to_owned()), ..of(prod) }, vec![east]),
        (Sought { queue: Some("fast".to_owned()), standing: Standing::There, ..of(default) }, vec![north]),
        (with(issued.token.token.id), vec![east, paused]),
        (Sought { search: Some("east%".to_owned()), ..with(issued.token.token.id) }, vec![east]),
        (with(twin.agent_token.id), vec![]),
        (of(twin.organization.default_deployment), vec![]),
    ] {
        assert_eq!(all(world, sought.clone(), None).await, expected, "{sought:?}");
        // The same one by one, and by protocol.
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = PageRequest { after, limit: 1 };
            let found = control.every_agent(&world.admin::<ViewAgents>(), sought.clone(), None, page).await;
            let found = found.expect("a list");
            seen.extend(found.items.iter().map(countersign_control::agents::AnyAgent::id));
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "{sought:?}");
        let only: Vec<_> = expected.iter().copied().filter(|it| [silent, north, east].contains(it)).collect();
        assert_eq!(all(world, sought.clone(), Some(Protocol::Dagster)).await, only, "{sought:?}");
    }
    let whole = control.dagster_agent(&world.admin(), east.cast()).await.expect("there").process;
    assert_eq!(all(world, text(&whole.to_string()), None).await, [east], "a process is found by all of its id");
    for (field, wrong) in [("queue", queue("a\0b")), ("search", text("a\0b")), ("search", text(&"s".repeat(100_000)))] {
        let grant = world.admin::<ViewAgents>();
        assert_eq!(field_of(control.every_agent(&grant, wrong, None, PageRequest::first(9)).await), field);
    }
}

pub async fn a_dagster_agent_is_found_with_what_it_serves(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let default = world.acme.created.organization.default_deployment;
    let holder = caller(control, world.acme.agent_token()).await;
    let mut new = heartbeat(&process(control), &["prod", "default"]);
    let server = |name: &str, status: &str| CodeServer {
        location: name.to_owned(),
        status: status.to_owned(),
        error: (status == "FAILED").then(Default::default),
    };
    new.tasks[0].code_servers = vec![server("sales", "RUNNING"), server("etl", "FAILED")];
    new.tasks[0].queues = vec!["gpu".to_owned()];
    beat(control, &holder, new).await.expect("kept");
    let grant = || world.admin::<ViewAgents>();
    let known = control.dagster_agents(&grant(), false, PageRequest::first(9)).await.expect("a read").items;
    let found = control.dagster_agent(&grant(), known[0].id).await.expect("there");
    assert_eq!(format!("{found:?}"), format!("{:?}", known[0]));
    assert_eq!(control.dagster_agent(&grant(), fresh_id(control)).await.map(drop), Err(Error::NotFound("agent")));
    let served = control.dagster_agents_served(&grant(), vec![found.id, fresh_id(control)]).await.expect("a read");
    assert_eq!(served.len(), 1);
    let served = &served[&found.id];
    assert_eq!(served.iter().map(|it| it.deployment).collect::<Vec<_>>(), [default, prod], "by name");
    let locations: Vec<_> = served[1].locations.iter().map(|it| (it.name.as_str(), it.status.as_str())).collect();
    assert_eq!(locations, [("sales", "RUNNING"), ("etl", "FAILED")]);
    assert_eq!((served[1].default_queue, served[1].queues.as_slice()), (true, &["gpu".to_owned()][..]));
}

pub async fn what_was_done_to_an_agent_is_told_of_it(world: &World) {
    let control = &world.control;
    let (agent, id) = registered(world, world.acme.agent_token(), &[]).await;
    connect(control, world.acme.agent_token(), &[]).await;
    control.pause_agent(&world.admin::<PauseAgent>(), agent.id, Some("hot".to_owned()), None).await.expect("paused");
    let holder = caller(control, world.acme.agent_token()).await;
    let other = dagster(world, &holder, "north", &["default"], &[]).await;
    let told = async |id: AnyAgentId| {
        let page = control.agent_audit_events(&world.admin::<ViewAudit>(), id, PageRequest::first(9)).await;
        let mut told: Vec<_> = page.expect("a read").items.into_iter().map(|it| it.action).collect();
        // Of one millisecond, and in no order therefore.
        told.sort_unstable();
        told
    };
    assert_eq!(told(id).await, ["agent.connected", "agent.paused", "agent.registered"]);
    assert_eq!(told(other).await, ["dagster_agent.registered"]);
    assert_eq!(told(Id::nil()).await, [""; 0]);
}
