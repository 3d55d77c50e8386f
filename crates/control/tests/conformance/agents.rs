//! Listing agents, and searching them.

use std::time::Duration;

use countersign_control::access::actions::{DisconnectAgent, ViewAgentTokens, ViewAgents};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::agents::Wanted;
use countersign_control::{MAX_PAGE, PageRequest};
use countersign_domain::id::AgentId;
use countersign_testkit::World;

use crate::acting::{Agent, caller, connect, deployment, field_of, may, registration, token};

pub const CASES: &[crate::run::Case] = crate::list::cases!["agents"
    newest_first_in_pages,
    a_search_is_by_name_and_tags_in_any_case_of_letters,
    a_list_is_of_one_deployment_one_queue_and_one_token,
    a_token_lists_the_agents_that_are_connected_with_it,
];

async fn list(world: &World, wanted: Wanted, page: PageRequest<AgentId>) -> (Vec<AgentId>, bool) {
    let page = world.control.agents(&world.admin::<ViewAgents>(), wanted, page).await.expect("a list");
    (page.items.iter().map(|it| it.id).collect(), page.has_more)
}

async fn named(world: &World, name: &str, tags: &[&str]) -> Agent {
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let mut new = registration(tags);
    name.clone_into(&mut new.name);
    world.clock.advance(Duration::from_millis(1));
    let registered = control.register_agent(&may(control, &holder), new).await.expect("registered");
    let caller = caller(control, registered.session.reveal()).await;
    control.connect_agent(&may(control, &caller)).await.expect("connected");
    Agent { id: registered.agent.id, session: registered.session, caller }
}

pub async fn newest_first_in_pages(world: &World) {
    let mut made = Vec::new();
    for number in 0..7 {
        made.insert(0, named(world, &format!("a{number}"), &[]).await.id);
    }
    assert_eq!(list(world, Wanted::default(), PageRequest::first(MAX_PAGE)).await, (made.clone(), false));
    assert_eq!(list(world, Wanted::default(), PageRequest::first(7)).await, (made.clone(), false));
    assert_eq!(list(world, Wanted::default(), PageRequest::first(3)).await, (made[..3].to_vec(), true));
    let rest = PageRequest { after: Some(made[2]), limit: 3 };
    assert_eq!(list(world, Wanted::default(), rest).await, (made[3..6].to_vec(), true));
}

pub async fn a_search_is_by_name_and_tags_in_any_case_of_letters(world: &World) {
    let linux = named(world, "Build-Linux_1", &["queue=fast", "os=Debian"]).await.id;
    let mac = named(world, "build-mac%2", &["gpu"]).await.id;
    let umlaut = named(world, "Übung", &[]).await.id;
    let search = async |text: &str| {
        let wanted = || Wanted { search: Some(text.to_owned()), ..Wanted::default() };
        let (found, _) = list(world, wanted(), PageRequest::first(9)).await;
        let count = world.control.count_agents(&world.admin::<ViewAgents>(), wanted()).await.expect("a count");
        assert_eq!(count, i64::try_from(found.len()).expect("few"), "{text}");
        found
    };
    assert_eq!(search("BUILD").await, [mac, linux]);
    assert_eq!(search("linux").await, [linux]);
    assert_eq!(search("GPU").await, [mac]);
    assert_eq!(search("os=debian").await, [linux]);
    assert_eq!(search("Übung").await, [umlaut]);
    assert_eq!(search("lin%1").await, [linux; 0], "a sign of the pattern is no wildcard");
    assert_eq!(search("mac%2").await, [mac]);
    assert_eq!(search("").await, [umlaut, mac, linux]);
    assert_eq!(search("_").await, [linux], "one that stands for any sign would find all");
    for none in ["\\", "!", "\"", "[", "]", ",", "l_n", "\",\""] {
        assert_eq!(search(none).await, [linux; 0], "{none}: tags are looked at, not how they are kept");
    }
    let odd = named(world, "odd", &["said=\"no\"", "a,b", "c:\\d!"]).await.id;
    for text in ["\"no\"", "a,b", "C:\\D", "d!"] {
        assert_eq!(search(text).await, [odd], "{text}");
    }
    assert_eq!(search("nobody").await, [linux; 0]);
    let grant = world.admin::<ViewAgents>();
    for text in ["a\0b".to_owned(), "s".repeat(100_000)] {
        let wanted = || Wanted { search: Some(text.clone()), ..Wanted::default() };
        assert_eq!(field_of(world.control.agents(&grant, wanted(), PageRequest::first(9)).await), "search");
        assert_eq!(field_of(world.control.count_agents(&grant, wanted()).await), "search");
    }
}

pub async fn a_list_is_of_one_deployment_one_queue_and_one_token(world: &World) {
    let control = &world.control;
    let default = world.acme.created.organization.default_deployment;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let issued = token(world, NewAgentToken::default()).await;
    let fast = named(world, "a", &["queue=fast"]).await.id;
    let plain = named(world, "b", &[]).await;
    control.disconnect_agent(&may::<DisconnectAgent>(control, &plain.caller)).await.expect("gone");
    world.clock.advance(Duration::from_millis(1));
    let there = connect(control, issued.secret.reveal(), &["queue=fast", "deployment=prod"]).await.id;
    let of = |deployment: Option<_>, queue: Option<&str>, token: Option<_>| Wanted {
        deployment,
        queue: queue.map(str::to_owned),
        token,
        ..Wanted::default()
    };
    let first = Some(world.acme.created.agent_token.id);
    for (wanted, expected) in [
        (of(None, None, None), vec![there, plain.id, fast]),
        (of(Some(prod), None, None), vec![there]),
        (of(Some(default), None, None), vec![plain.id, fast]),
        (of(None, Some("fast"), None), vec![there, fast]),
        (of(Some(default), Some("fast"), None), vec![fast]),
        (of(None, None, Some(issued.token.token.id)), vec![there]),
        (of(None, Some("fast"), first), vec![fast]),
        (of(Some(prod), None, first), vec![]),
        (of(None, Some("FAST"), None), vec![]),
        (of(Some(world.globex.created.organization.default_deployment), None, None), vec![]),
        (of(None, None, Some(world.globex.created.agent_token.id)), vec![]),
    ] {
        for live_only in [false, true] {
            let wanted = Wanted { live_only, ..wanted.clone() };
            let count = control.count_agents(&world.admin::<ViewAgents>(), wanted.clone()).await.expect("a count");
            let (found, _) = list(world, wanted.clone(), PageRequest::first(9)).await;
            // One of them is gone.
            let there: Vec<_> = expected.iter().copied().filter(|it| !live_only || *it != plain.id).collect();
            assert_eq!((&found, count), (&there, i64::try_from(there.len()).expect("few")), "{wanted:?}");
        }
    }
    let nul = of(None, Some("a\0b"), None);
    assert_eq!(field_of(control.agents(&world.admin::<ViewAgents>(), nul, PageRequest::first(9)).await), "queue");
}

pub async fn a_token_lists_the_agents_that_are_connected_with_it(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let id = issued.token.token.id;
    let mut mine = Vec::new();
    for _ in 0..3 {
        world.clock.advance(Duration::from_millis(1));
        mine.insert(0, connect(control, issued.secret.reveal(), &[]).await);
    }
    connect(control, world.acme.agent_token(), &[]).await;
    crate::acting::try_register(control, issued.secret.reveal(), &[]).await.expect("one that has not connected");
    let gone = mine.pop().expect("one");
    control.disconnect_agent(&may::<DisconnectAgent>(control, &gone.caller)).await.expect("gone");
    let grant = world.admin::<ViewAgentTokens>();
    let page = control.agent_token_agents(&grant, id, PageRequest::first(9)).await.expect("a list");
    let found: Vec<_> = page.items.iter().map(|it| it.id).collect();
    assert_eq!(found, mine.iter().map(|it| it.id).collect::<Vec<_>>());
    assert_eq!(control.count_agent_token_agents(&grant, id).await, Ok(2));
    let page = control.agent_token_agents(&grant, id, PageRequest::first(1)).await.expect("a list");
    assert!(page.has_more);
    // What was heard of them and is not written yet is shown in each list alike.
    world.clock.advance(Duration::from_secs(7));
    caller(control, mine[0].session.reveal()).await;
    let page = control.agent_token_agents(&grant, id, PageRequest::first(1)).await.expect("a list");
    assert_eq!(page.items[0].last_seen_at, Some(control.now()));
}
