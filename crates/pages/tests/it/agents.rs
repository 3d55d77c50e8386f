//! Agents of both protocols on one page, and a Dagster+ agent's own.

use std::time::Duration;

use countersign_control::PageRequest;
use countersign_control::access::actions::{DagsterHeartbeat, ViewAgents};
use countersign_control::agent_tokens::{Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::dagster::{CodeServer, Heartbeat, Task, Trouble};
use countersign_domain::id::DagsterAgentId;
use countersign_testkit::World;

use crate::browser::Server;
use crate::cast;

const AGENTS: &str = "/organizations/acme/agents";

/// A Dagster+ agent with two code locations, one of which failed, and a fault of its own.
async fn north(world: &World) -> DagsterAgentId {
    let control = &world.control;
    let token = world.authenticate(world.acme.agent_token()).await.expect("the token is accepted");
    let trouble = |message: &str| Trouble {
        at: Some(control.now().as_micros()),
        class: Some("ModuleNotFoundError".to_owned()),
        message: message.to_owned(),
        trace: "line 7, in start".to_owned(),
    };
    let server = |location: &str, error: Option<Trouble>| CodeServer {
        location: location.to_owned(),
        status: if error.is_some() { "FAILED" } else { "RUNNING" }.to_owned(),
        error,
    };
    let new = Heartbeat {
        process: "0198f3a1-7c3e-4b21-9f60-3a5c1e0d4b77".to_owned(),
        label: Some("north".to_owned()),
        launcher: Some("ProcessUserCodeLauncher".to_owned()),
        version: Some("1.13.27".to_owned()),
        image_tag: None,
        errors: vec![trouble("The agent is tired")],
        tasks: vec![Task {
            deployment: "default".to_owned(),
            default_queue: true,
            queues: vec!["gpu".to_owned()],
            code_servers: vec![server("sales", None), server("etl", Some(trouble("No module named etl")))],
            run_workers: Vec::new(),
        }],
    };
    let grant = control.grant_own::<DagsterHeartbeat>(&token).expect("it tells of itself");
    control.dagster_heartbeat(&grant, new).await.expect("kept");
    let page = control.dagster_agents(&world.admin::<ViewAgents>(), false, PageRequest::first(1)).await;
    page.expect("a list").items[0].id
}

#[tokio::test]
async fn agents_of_both_protocols_are_one_list_each_with_what_only_it_has() {
    let server = Server::new().await;
    let world = &server.world;
    let (ada, grace) = (server.admin().await, server.member().await);
    cast::build(world, "steps: [{command: make test, label: Unit}]").await;
    let job = cast::running(world).await;
    world.clock.advance(Duration::from_secs(1));
    let id = north(world).await;
    let page = ada.page(AGENTS).await;
    assert_eq!(page.matches("<table").count(), 2, "the tokens and the agents: {page}");
    let rows = [format!("href=\"{AGENTS}/dagster/{id}\""), format!("href=\"{AGENTS}/{}\"", job.agent)];
    let places: Vec<_> = rows.iter().map(|row| page.find(row.as_str())).collect();
    assert!(places[0].is_some() && places[0] < places[1], "the newest first: {places:?} {page}");
    for part in [
        "Running</span>",
        "Connected</span>",
        "Unit",
        "2 code locations: sales and etl",
        "1 failed",
        "1 error",
        "default and gpu",
        "Dagster+, Process",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Only what has a word for it is paused and drained.
    assert_eq!((page.matches("/pause\"").count(), page.matches(">Drain<").count()), (1, 1), "{page}");
    let hers = grace.page(AGENTS).await;
    assert!(hers.contains(">north</a>") && !hers.contains(">Drain<") && !hers.contains("Reveal Agent Token"), "{hers}");

    let shown = async |query: &str| {
        let page = ada.page(&format!("{AGENTS}?{query}")).await;
        (page.contains(">builder</a>"), page.contains(">north</a>"))
    };
    for (query, expected) in [
        ("kind=dagster", (false, true)),
        ("kind=buildkite", (true, false)),
        ("kind=nothing", (true, true)),
        ("search=NORT", (false, true)),
        ("search=build", (true, false)),
        ("queue=gpu", (false, true)),
        ("queue=default", (true, true)),
        ("show=paused", (false, false)),
        ("show=all", (true, true)),
        ("show=gone", (false, false)),
    ] {
        assert_eq!(shown(query).await, expected, "{query}");
    }
    let paused = ada.post(&format!("{AGENTS}/{}/pause", job.agent), &[("note", "Mended")]).await;
    assert_eq!(paused.status, 303, "{}", paused.text);
    assert_eq!(shown("show=paused").await, (true, false));
    world.clock.advance(Duration::from_secs(600));
    assert!(shown("show=gone").await.1, "it was heard too long ago");
}

#[tokio::test]
async fn a_list_of_both_goes_on_where_it_ended() {
    let server = Server::new().await;
    let world = &server.world;
    let ada = server.admin().await;
    let token = world.authenticate(world.acme.agent_token()).await.expect("the token is accepted");
    for number in 0..45 {
        world.clock.advance(Duration::from_secs(6));
        let new = Heartbeat {
            process: format!("0198f3a1-7c3e-4b21-9f60-{number:012}"),
            label: Some(format!("agent-{number:02}-")),
            tasks: vec![Task { deployment: "default".to_owned(), default_queue: true, ..Task::default() }],
            ..Heartbeat::default()
        };
        let grant = world.control.grant_own::<DagsterHeartbeat>(&token).expect("it tells of itself");
        world.control.dagster_heartbeat(&grant, new).await.expect("kept");
    }
    cast::build(world, "steps: [{command: make test, label: Unit}]").await;
    cast::running(world).await;
    let first = ada.page(AGENTS).await;
    assert!(first.contains(">builder</a>") && first.contains("agent-44-") && first.contains("agent-21-"), "{first}");
    assert!(!first.contains("agent-20-"), "25 agents are a part");
    let next = first.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a way on");
    let second = ada.page(&next.replace("&#38;", "&")).await;
    assert!(second.contains("agent-20-") && second.contains("agent-00-") && !second.contains("agent-21-"), "{second}");
    assert!(!second.contains("rel=\"next\"") && !second.contains(">builder</a>"), "{second}");
}

#[tokio::test]
async fn a_dagster_agent_has_a_page_with_what_went_wrong() {
    let server = Server::new().await;
    let world = &server.world;
    let (ada, grace) = (server.admin().await, server.member().await);
    let id = north(world).await;
    let path = format!("{AGENTS}/dagster/{id}");
    // The name of an action may be broken behind each of its parts.
    let page = ada.page(&path).await.replace("<wbr>", "");
    for part in [
        "<h1>north</h1>",
        "Running</span>",
        "Default agent registration token",
        "ProcessUserCodeLauncher",
        "1.13.27",
        "default and gpu",
        "sales",
        "No module named etl",
        "id=\"errors\"",
        "The agent is tired",
        "line 7, in start",
        "dagster_agent.registered",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let token = world.acme.created.agent_token.id;
    let of_token = ada.page(&format!("/organizations/acme/settings/tokens/{token}")).await;
    assert!(of_token.contains(&format!("<a href=\"{path}\">north</a>")), "its token's page leads there: {of_token}");
    let log = ada.page("/organizations/acme/settings/audit-log?search=dagster_agent.registered").await;
    assert!(log.contains(&format!("href=\"{path}\"")), "a row of the audit log leads there: {log}");
    let hers = grace.page(&path).await.replace("<wbr>", "");
    assert!(hers.contains("The agent is tired") && !hers.contains("dagster_agent.registered"), "{hers}");
    assert!(!hers.contains("Default agent registration token"), "{hers}");
    let elsewhere = server.signed_in("grace@globex.example").await;
    assert_eq!(elsewhere.get(&format!("/organizations/globex/agents/dagster/{id}")).await.status, 404);
    assert_eq!(ada.get(&format!("{AGENTS}/{id}")).await.status, 404, "it is no agent of the other protocol");
    let revocation = Revocation {
        token: TokenReference::Id(world.acme.created.agent_token.id),
        reason: "leaked".to_owned(),
        connected_agents: Reach::Keep,
        expected: None,
    };
    world.control.revoke_agent_token(&world.admin(), revocation).await.expect("revoked");
    assert!(ada.page(&path).await.contains("Refused</span>"));
}
