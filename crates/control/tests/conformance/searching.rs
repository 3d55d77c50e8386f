//! What people do on pages alone: searching lists, seeing what hangs on a token, finishing a rotation.

use std::time::Duration;

use countersign_control::access::actions::{RotateAgentToken, UpdateAgentToken, ViewAgentTokens, ViewAudit};
use countersign_control::agent_tokens::{
    AgentTokenChange, EXPIRING, Found, NewAgentToken, Rotation, Search, Selection, TokenReference, UNUSED,
};
use countersign_control::agents::{Reach, Wanted as Agents};
use countersign_control::audit::{Extent, Period, Wanted as Events};
use countersign_control::{Error, MAX_PAGE, PageRequest, Part};
use countersign_domain::id::{AuditEventId, TokenId};
use countersign_domain::{DeploymentScope, QueueScope, Refusal, Scope, Timestamp};
use countersign_store::tokens::search::{self, Among, Searched, Wanted};
use countersign_store::{IntoValue, StoreError, audit};
use countersign_testkit::{Tenant, World};

use crate::acting::{caller, connect, deployment, refusal, running_job, token};
use crate::sql;
use crate::tokens::revoke;

pub const CASES: &[crate::run::Case] = crate::list::cases!["searching"
    tokens_are_searched_by_words_and_by_where_they_stand,
    a_search_comes_in_pages_without_gap_or_repeat,
    a_search_looks_so_far_and_goes_on_from_there,
    tokens_that_end_or_that_nobody_uses_come_in_an_order_of_their_own,
    a_search_of_the_audit_log_goes_on_from_where_it_looked,
    agents_of_a_token_are_counted_where_it_is_listed,
    what_many_reach_is_what_each_reaches,
    the_audit_log_is_searched,
    a_rotation_is_finished_before_its_time,
];

async fn made(world: &World, description: &str, expires_in: Option<Duration>) -> TokenId {
    world.clock.advance(Duration::from_millis(5));
    let expires_at = expires_in.map(|time| world.control.now().plus(time));
    let new = NewAgentToken { description: Some(description.to_owned()), expires_at, ..NewAgentToken::default() };
    token(world, new).await.token.token.id
}

async fn page(world: &World, search: Search, page: PageRequest<TokenId>) -> Part<Found, TokenId> {
    world.control.search_agent_tokens(&world.admin::<ViewAgentTokens>(), search, page).await.expect("a list")
}

/// What the found tokens are called; the default one of the organization is left out.
async fn found(world: &World, selection: Selection, text: Option<&str>) -> Vec<String> {
    let search = Search { selection, text: text.map(str::to_owned) };
    let page = page(world, search, PageRequest::first(MAX_PAGE)).await;
    let default = world.acme.created.agent_token.id;
    let others = page.items.into_iter().filter(|it| it.token.token.id != default);
    others.filter_map(|it| it.token.token.description).collect()
}

pub async fn tokens_are_searched_by_words_and_by_where_they_stand(world: &World) {
    let day = Duration::from_secs(24 * 3600);
    made(world, "Site generator", None).await;
    made(world, "Short", Some(day)).await;
    made(world, "Soon", Some(EXPIRING + day)).await;
    let gone = made(world, "100% gone", None).await;
    revoke(world, gone, Reach::Keep).await;
    assert_eq!(found(world, Selection::All, None).await, ["100% gone", "Soon", "Short", "Site generator"]);
    assert_eq!(found(world, Selection::Live, None).await, ["Soon", "Short", "Site generator"]);
    assert_eq!(found(world, Selection::Revoked, None).await, ["100% gone"]);
    assert_eq!(found(world, Selection::Expiring, None).await, ["Short"]);
    assert_eq!(found(world, Selection::Unused, None).await, [""; 0]);

    // A month and two days later.
    world.clock.advance(EXPIRING + 2 * day);
    assert_eq!(found(world, Selection::Live, None).await, ["Site generator"], "what has expired is not accepted");
    assert_eq!(found(world, Selection::Unused, None).await, ["Site generator"]);
    assert!(UNUSED < EXPIRING + 2 * day);
    let used = world.acme.agent_token();
    caller(&world.control, used).await;
    let default = world.acme.created.agent_token.id;
    let is_unused = async || {
        let unused = Search { selection: Selection::Unused, text: None };
        let listed = page(world, unused, PageRequest::first(MAX_PAGE)).await;
        listed.items.iter().any(|it| it.token.token.id == default)
    };
    assert!(!is_unused().await, "it was used a moment ago");
    let text = "SELECT last_used_at FROM tokens WHERE id = $1";
    let kept: Option<i64> = sql::value(&world.control, text, vec![default.into_value()], "last_used_at").await;
    assert_eq!(kept, None, "a list writes nothing");
    world.clock.advance(UNUSED);
    assert!(!is_unused().await, "it is not so long ago yet, though it is not written");
    world.clock.advance(Duration::from_micros(1));
    assert!(is_unused().await);

    let word = async |text| found(world, Selection::All, Some(text)).await;
    assert_eq!(word("SITE gen").await, ["Site generator"]);
    assert_eq!(word("nothing of the sort").await, [""; 0]);
    assert_eq!(word("0% g").await, ["100% gone"]);
    assert_eq!(word("%").await, ["100% gone"], "no sign stands for others");
    assert_eq!([word("_").await, word("!").await, word("\\").await].concat(), [""; 0]);
    let by_id = async |selection, tenant: &Tenant| {
        let text = Some(tenant.created.agent_token.public_id.as_str().to_owned());
        let found = page(world, Search { selection, text }, PageRequest::first(MAX_PAGE)).await.items;
        found.iter().map(|it| it.token.token.id).collect::<Vec<_>>()
    };
    assert_eq!(by_id(Selection::All, &world.acme).await, [default]);
    assert_eq!(by_id(Selection::Live, &world.acme).await, [default]);
    assert_eq!(by_id(Selection::Revoked, &world.acme).await, Vec::new(), "it is live");
    assert_eq!(by_id(Selection::All, &world.globex).await, Vec::new(), "the twin's");

    for text in ["a\0b".to_owned(), "x".repeat(1_001)] {
        let search = Search { selection: Selection::All, text: Some(text) };
        let grant = world.admin::<ViewAgentTokens>();
        let outcome = world.control.search_agent_tokens(&grant, search, PageRequest::first(9)).await;
        assert!(matches!(&outcome, Err(Error::Invalid(faults)) if faults[0].field == "search"), "{outcome:?}");
    }
}

pub async fn a_search_comes_in_pages_without_gap_or_repeat(world: &World) {
    let mut wanted = Vec::new();
    for number in 0..7 {
        wanted.insert(0, made(world, &format!("part {number}"), None).await);
        made(world, "another", None).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let search = Search { selection: Selection::Live, text: Some("part".to_owned()) };
        let part = page(world, search, PageRequest { after, limit: 3 }).await;
        seen.extend(part.items.iter().map(|it| it.token.token.id));
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, wanted);
}

/// What a search finds that looks at three tokens in one call, call by call.
async fn by_threes(world: &World, among: Among, text: Option<&str>) -> Vec<Vec<TokenId>> {
    let of = world.acme.created.organization.id;
    let wanted = Wanted { among, text: text.map(str::to_owned), within: 3 };
    let (mut calls, mut after) = (Vec::new(), None);
    loop {
        let found: Result<Searched, StoreError> = world
            .control
            .store()
            .read((wanted.clone(), after), move |tx, (wanted, after)| {
                Box::pin(search::search(tx, of, None, wanted, Timestamp::EPOCH, *after, 2))
            })
            .await;
        let found = found.expect("a read");
        let ids: Vec<_> = found.rows.iter().map(|it| it.token.id).collect();
        after = if ids.len() < 2 { found.last } else { ids.last().copied() };
        calls.push(ids);
        assert!(calls.len() < 50, "it comes to an end");
        if after.is_none() {
            return calls;
        }
    }
}

pub async fn a_search_looks_so_far_and_goes_on_from_there(world: &World) {
    let old = made(world, "the needle", None).await;
    for _ in 0..7 {
        made(world, "hay", None).await;
    }
    let new = made(world, "another needle", None).await;
    let calls = by_threes(world, Among::All, Some("needle")).await;
    assert_eq!(calls.concat(), [new, old]);
    assert!(calls.len() > 2 && calls.iter().any(Vec::is_empty), "no call looks at all: {calls:?}");
    assert_eq!(by_threes(world, Among::Live, Some("needle")).await.concat(), [new, old]);
    assert_eq!(by_threes(world, Among::Revoked, Some("needle")).await.concat(), Vec::new());
    let all = by_threes(world, Among::All, None).await;
    assert_eq!(all.concat().len(), 10, "with the default token");
    assert!(all.iter().rev().skip(1).all(|call| call.len() == 2), "where nothing is left out, every call is full");
}

pub async fn tokens_that_end_or_that_nobody_uses_come_in_an_order_of_their_own(world: &World) {
    let day = Duration::from_secs(24 * 3600);
    let mut ends = Vec::new();
    for days in [9, 3, 9, 6, 1] {
        ends.push((days, made(world, &format!("ends in {days}"), Some(days * day)).await));
    }
    ends.sort();
    let wanted: Vec<_> = ends.iter().map(|(_, id)| *id).collect();
    let before = world.control.now().plus(EXPIRING);
    assert_eq!(by_threes(world, Among::Expiring(before), None).await.concat(), wanted, "by when they end");
    assert_eq!(by_threes(world, Among::Expiring(before), Some("in 9")).await.concat(), wanted[3..]);

    let mut forgotten = Vec::new();
    for _ in 0..2 {
        for _ in 0..5 {
            let used = made(world, "used", None).await;
            let text = "UPDATE tokens SET last_used_at = $2 WHERE id = $1";
            let at = world.control.now().plus(UNUSED);
            sql::change(&world.control, text, vec![used.into_value(), at.into_value()]).await;
        }
        forgotten.push(made(world, "forgotten", None).await);
    }
    let since = world.control.now().plus(day);
    let default = world.acme.created.agent_token.id;
    let calls = by_threes(world, Among::Unused(since), None).await;
    let found = calls.concat().into_iter().filter(|id| *id != default && !wanted.contains(id));
    assert_eq!(found.collect::<Vec<_>>(), forgotten, "the oldest first");
    assert!(calls.iter().any(Vec::is_empty), "no call looks at all: {calls:?}");
}

pub async fn a_search_of_the_audit_log_goes_on_from_where_it_looked(world: &World) {
    let of = world.acme.created.organization.id;
    let old = made(world, "the first", None).await;
    for _ in 0..7 {
        made(world, "another", None).await;
    }
    let subject = world.control.agent_token(&world.admin::<ViewAgentTokens>(), old).await.expect("the token");
    let text = Some(subject.token.public_id.to_string());
    let wanted = Events { action: Some("agent_token.created".to_owned()), text, ..Events::default() };
    let (mut calls, mut after) = (Vec::new(), AuditEventId::last());
    loop {
        let found: Result<_, StoreError> = world
            .control
            .store()
            .read((wanted.clone(), after), move |tx, (wanted, after)| {
                Box::pin(audit::search(tx, of, wanted, 3, *after, 2))
            })
            .await;
        let (events, last) = found.expect("a read");
        calls.push(events.into_iter().map(|it| it.subject_id.cast()).collect::<Vec<TokenId>>());
        assert!(calls.len() < 50, "it comes to an end");
        let Some(last) = last else { break };
        after = last;
    }
    assert_eq!(calls.concat(), [old]);
    assert!(calls.len() > 2, "no call looks at all: {calls:?}");
}

/// More tokens than one statement takes, each of another scope than the one before it.
pub async fn what_many_reach_is_what_each_reaches(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let default = world.acme.created.organization.default_deployment;
    for number in 0..66_u32 {
        let deployments = match number % 3 {
            0 => DeploymentScope::Every,
            1 => DeploymentScope::Only { deployments: [prod].into(), all_branches: false },
            _ => DeploymentScope::Only { deployments: [prod, default].into(), all_branches: true },
        };
        let queues = match number % 2 {
            0 => QueueScope::Any,
            _ => QueueScope::Only(["linux", "mac"].map(|it| it.parse().expect("a queue")).into()),
        };
        let network = |text: String| text.parse().expect("a network");
        let networks = vec![network(format!("192.0.2.{number}/32")), network(format!("10.0.{number}.0/24"))];
        let scope = Some(Scope { deployments, queues, networks });
        token(world, NewAgentToken { scope, ..NewAgentToken::default() }).await;
    }
    let grant = world.admin::<ViewAgentTokens>();
    let all = page(world, Search::default(), PageRequest::first(MAX_PAGE)).await.items;
    assert_eq!(all.len(), 67);
    for it in &all {
        let alone = control.agent_token(&grant, it.token.token.id).await.expect("the token");
        assert_eq!(it.token.scope, alone.scope);
    }
    let mut ids: Vec<_> = all.iter().map(|it| it.token.token.id).collect();
    ids.push(world.globex.created.agent_token.id);
    let described = control.agent_token_descriptions(&grant, ids).await.expect("a read");
    assert_eq!(described.len(), 67, "the twin's is not there");
    assert!(all.iter().all(|it| described.get(&it.token.token.id) == Some(&it.token.token.description)));

    let job = running_job(control, &world.acme).await;
    let agents = control.agents(&world.admin(), Agents::default(), PageRequest::first(MAX_PAGE)).await.expect("a list");
    let ids = agents.items.iter().map(|it| it.id).collect();
    let jobs = control.agent_jobs(&world.admin(), ids).await.expect("a read");
    assert_eq!(jobs.len(), 1);
    let alone = control.agent_job(&world.admin(), *jobs.keys().next().expect("one")).await.expect("a read");
    assert_eq!(alone.map(|it| it.id), Some(job.id));
}

pub async fn agents_of_a_token_are_counted_where_it_is_listed(world: &World) {
    let value = token(world, NewAgentToken::default()).await;
    let id = value.token.token.id;
    let count = async || {
        let all = page(world, Search::default(), PageRequest::first(MAX_PAGE)).await;
        let it = all.items.into_iter().find(|it| it.token.token.id == id).expect("it is listed");
        (it.agents, it.dagster_agents, it.creator.map(|it| it.email))
    };
    let ada = Some(world.acme.created.admin.email.clone());
    assert_eq!(count().await, (0, 0, ada.clone()));
    connect(&world.control, value.secret.reveal(), &[]).await;
    connect(&world.control, value.secret.reveal(), &[]).await;
    assert_eq!(count().await, (2, 0, ada));
}

pub async fn the_audit_log_is_searched(world: &World) {
    let control = &world.control;
    let grant = world.admin::<ViewAudit>();
    let one = made(world, "one", None).await;
    let two = made(world, "number two", None).await;
    let change = AgentTokenChange { is_public: Some(true), ..AgentTokenChange::nothing(TokenReference::Id(one)) };
    control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await.expect("changed");
    let all = PageRequest::first(MAX_PAGE);
    let actions = async |wanted| {
        let page = control.search_audit_events(&grant, wanted, all).await.expect("a log");
        page.items.into_iter().map(|it| it.action).collect::<Vec<_>>()
    };
    let action = |text: &str| Events { action: Some(text.to_owned()), ..Events::default() };
    assert_eq!(actions(action("agent_token.upd")).await, ["agent_token.updated"]);
    assert_eq!(actions(action("nothing.")).await, [""; 0]);
    let everything = actions(Events::default()).await;
    assert_eq!(
        everything.len(),
        control.audit_events(&grant, Period::default(), all).await.expect("a log").items.len()
    );
    let by_ada = Events {
        action: Some("agent_token.created".to_owned()),
        text: Some("ADA@acme".to_owned()),
        ..Events::default()
    };
    assert_eq!(actions(by_ada).await, ["agent_token.created", "agent_token.created"]);

    // By what was done, and by what a token is called that it was done to.
    let text = |text: &str| Events { text: Some(text.to_owned()), ..Events::default() };
    assert_eq!(actions(text("token.UPD")).await, ["agent_token.updated"]);
    // No public id holds a space.
    assert_eq!(actions(text("Number Two")).await, ["agent_token.created"]);
    for none in ["_gent", "%", "tw_", "\\"] {
        assert_eq!(actions(text(none)).await, [""; 0], "{none}: no sign stands for others");
    }
    // What agents do themselves can be left out.
    connect(control, world.acme.agent_token(), &[]).await;
    let with_agents = actions(Events::default()).await;
    let people = actions(Events { people_only: true, ..Events::default() }).await;
    assert!(with_agents.iter().any(|it| it == "agent.registered"), "{with_agents:?}");
    assert!(people.iter().all(|it| !it.starts_with("agent.")) && people.len() >= 3, "{people:?}");
    // A change to what is so already is none.
    let same = AgentTokenChange { is_public: Some(true), ..AgentTokenChange::nothing(TokenReference::Id(one)) };
    control.update_agent_token(&world.admin::<UpdateAgentToken>(), same).await.expect("unchanged");

    let of_one = control.token_audit_events(&grant, one, all).await.expect("a log");
    let of_one: Vec<_> = of_one.items.into_iter().map(|it| it.action).collect();
    assert_eq!(of_one, ["agent_token.updated", "agent_token.created"]);
    assert_eq!(control.token_audit_events(&grant, two, all).await.map(|it| it.items.len()), Ok(1));
    let Extent { sealed, unsealed } = control.audit_extent(&grant).await.expect("an extent");
    assert_eq!(usize::try_from(sealed + unsealed), Ok(with_agents.len()));
}

pub async fn a_rotation_is_finished_before_its_time(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let reference = TokenReference::Id(issued.token.token.id);
    let grant = world.admin::<RotateAgentToken>();
    let early = control.finish_agent_token_rotation(&grant, reference.clone()).await;
    assert!(matches!(early, Err(Error::Conflict(_))), "there is one value alone: {early:?}");
    let rotation = Rotation { token: reference.clone(), old_valid_until: None, expected: None };
    let rotated = control.rotate_agent_token(&grant, rotation).await.expect("rotated");
    caller(control, issued.secret.reveal()).await;
    let ended = control.finish_agent_token_rotation(&grant, reference.clone()).await.expect("finished");
    assert_eq!(ended, [issued.secret.public_id().clone()]);
    assert_eq!(refusal(control, issued.secret.reveal()).await, Refusal::Rotated);
    caller(control, rotated.secret.reveal()).await;
    assert!(matches!(control.finish_agent_token_rotation(&grant, reference).await, Err(Error::Conflict(_))));
}
