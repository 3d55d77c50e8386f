//! The rows of the audit log: each change writes its own, complete, in the same transaction; what fails writes none.

use std::collections::BTreeSet;

use countersign_control::access::actions::{CreateAgentToken, ViewAudit};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::audit::Period;
use countersign_control::{Caller, Control, Error, PageRequest};
use countersign_domain::Id;
use countersign_store::Row;
use countersign_testkit::World;

use crate::acting::{IP, REQUEST, USER_AGENT, connect};
use crate::dump::Dump;
use crate::operations::{By, Cast, all};
use crate::sql;

async fn events(control: &Control) -> Vec<Row> {
    sql::rows(control, "SELECT * FROM audit_events", vec![]).await
}

fn text(row: &Row, column: &str) -> Option<String> {
    row.get(column).expect("a text or nothing")
}

fn ids(events: &[Row]) -> BTreeSet<Id<()>> {
    events.iter().map(|row| row.get("id").expect("an id")).collect()
}

pub async fn every_change_writes_its_row(world: &World) {
    let control = &world.control;
    for operation in all() {
        let name = operation.name;
        let mut cast = Cast::new(world).await;
        let pending = (operation.prepare)(world, &mut cast).await;
        let before = ids(&events(control).await);
        pending.go().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let mut new: Vec<Row> = events(control).await;
        new.retain(|row| !before.contains(&row.get("id").expect("an id")));
        let mut actions: Vec<_> = new.iter().filter_map(|row| text(row, "action")).collect();
        actions.sort_unstable();
        assert_eq!(actions, operation.writes, "{name}");
        for row in &new {
            complete(world, name, row, &cast, operation.by);
        }
    }
}

fn complete(world: &World, name: &str, row: &Row, cast: &Cast, by: By) {
    let caller = cast.of(by);
    let kind = match by {
        By::Person => "user",
        By::Operator => "operator",
        By::AgentToken => "agent_token",
        By::Session => "agent",
        By::Job => "job",
    };
    assert_eq!(text(row, "actor_kind").as_deref(), Some(kind), "{name}");
    let actor: Option<Id<()>> = match caller {
        Caller::User(it) => Some(it.user.cast()),
        Caller::AgentToken(it) => Some(it.token.cast()),
        Caller::Session(it) => Some(it.agent.cast()),
        Caller::Job(it) => Some(it.job.cast()),
        _ => None,
    };
    assert_eq!(row.get::<Option<Id<()>>>("actor_id").expect("an id or nothing"), actor, "{name}");
    assert!(text(row, "actor_name").is_some_and(|it| !it.is_empty()), "{name}");
    assert_eq!(text(row, "credential"), caller.public_id().map(|id| id.to_string()), "{name}");
    assert_eq!(text(row, "ip").as_deref(), Some(IP), "{name}");
    assert_eq!(text(row, "user_agent").as_deref(), Some(USER_AGENT), "{name}");
    assert_eq!(text(row, "request_id").as_deref(), Some(REQUEST), "{name}");
    assert_eq!(row.get::<i64>("occurred_at").expect("a time"), world.control.now().as_micros(), "{name}");
    assert!(text(row, "subject_kind").is_some_and(|it| !it.is_empty()), "{name}");
    assert!(!row.get::<Id<()>>("subject_id").expect("an id").is_nil(), "{name}");
    assert!(text(row, "subject_name").is_some_and(|it| !it.is_empty()), "{name} does not say what it was done to");
    let of: Id<countersign_domain::id::of::Organization> = row.get("organization_id").expect("an id");
    match caller.organization() {
        Some(own) => assert_eq!(of, own, "{name}"),
        None => assert_ne!(of, world.acme.created.organization.id, "{name} is no business of acme's"),
    }
    let detail = text(row, "detail").expect("a detail");
    let parsed: serde_json::Value = serde_json::from_str(&detail).expect("JSON");
    assert!(parsed.is_object(), "{name}: {detail}");
    for secret in [&cast.person_secret, &cast.holder_secret, &cast.agent.session, &cast.job.secret] {
        let inner = secret.reveal().rsplit('_').next().expect("a secret part");
        assert!(!format!("{detail}{:?}", text(row, "subject_name")).contains(inner), "{name} writes a secret");
    }
}

pub async fn without_its_row_no_change_commits(world: &World) {
    let control = &world.control;
    for operation in all().filter(|it| !it.writes.is_empty()) {
        let name = operation.name;
        let mut cast = Cast::new(world).await;
        let pending = (operation.prepare)(world, &mut cast).await;
        // The log cannot be written any more.
        sql::change(control, "ALTER TABLE audit_events RENAME TO elsewhere", vec![]).await;
        let before = Dump::without(control, "audit_events").await;
        let outcome = pending.go().await;
        let after = Dump::without(control, "audit_events").await;
        sql::change(control, "ALTER TABLE elsewhere RENAME TO audit_events", vec![]).await;
        assert!(matches!(outcome, Err(Error::Internal(_))), "{name}: {outcome:?}");
        assert_eq!(before.changes(&after, &[]), [""; 0], "{name} has changed something without its row");
    }
}

pub async fn what_fails_writes_no_row(world: &World) {
    let control = &world.control;
    let before = ids(&events(control).await);
    crate::foreign::ids_of_another_organization_are_ids_that_nothing_has(world).await;
    let empty = NewAgentToken { description: Some(String::new()), ..NewAgentToken::default() };
    assert!(control.create_agent_token(&world.admin::<CreateAgentToken>(), empty).await.is_err());
    let after = events(control).await;
    let new = after.iter().filter(|row| !before.contains(&row.get("id").expect("an id")));
    // Only what that case had to make for itself.
    let wanted = [
        "agent.registered",
        "agent.connected",
        "pipeline.created",
        "build.created",
        "job.assigned",
        "job.accepted",
        "job.started",
    ];
    for row in new {
        let action = text(row, "action").expect("an action");
        assert!(wanted.contains(&action.as_str()), "{action} was written by an operation that failed");
    }
}

pub async fn what_changes_nothing_writes_no_row(world: &World) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let before = ids(&events(control).await);
    control.connect_agent(&crate::acting::may(control, &agent.caller)).await.expect("connected already");
    crate::acting::ping(control, &agent).await;
    control.sweep().await.expect("a sweep");
    control.flush_usage().await.expect("written");
    assert_eq!(ids(&events(control).await), before);
}

pub async fn work_of_the_server_itself_says_why(world: &World) {
    let control = &world.control;
    let slow = connect(control, world.acme.agent_token(), &[]).await;
    crate::acting::build(control, &world.acme, crate::acting::ONE_STEP).await;
    crate::acting::ping(control, &slow).await;
    let newest = async || {
        let page = control
            .audit_events(&world.admin::<ViewAudit>(), Period::default(), PageRequest::first(1))
            .await
            .expect("a list");
        let event = page.items.into_iter().next().expect("a row");
        assert_eq!((event.actor_kind.as_str(), event.ip, event.credential), ("system", None, None));
        assert!(!event.subject_name.is_empty(), "{}", event.action);
        (event.action, event.subject_kind, event.actor_name)
    };
    let told = |action: &str, subject: &str, why: &str| (action.to_owned(), subject.to_owned(), why.to_owned());
    world.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(control.sweep().await.expect("a sweep").jobs_returned, 1);
    assert_eq!(newest().await, told("job.returned", "job", "return jobs that were not taken"));
    world.clock.advance(std::time::Duration::from_secs(181));
    control.give_up_silent_agents().await.expect("a round");
    assert_eq!(newest().await, told("agent.lost", "agent", "not heard for too long"));
    world.clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(control.close_windows().await, Ok(2));
    let (action, subject, why) = newest().await;
    assert_eq!((action.as_str(), why.as_str()), ("token.value_destroyed", "the time to reveal is over"));
    assert!(["agent_token", "user_token"].contains(&subject.as_str()), "{subject}");
}

pub async fn the_log_is_listed_newest_first_in_pages(world: &World) {
    let control = &world.control;
    for _ in 0..7 {
        world.clock.advance(std::time::Duration::from_millis(1));
        crate::acting::token(world, NewAgentToken::default()).await;
    }
    let list =
        async |page| control.audit_events(&world.admin::<ViewAudit>(), Period::default(), page).await.expect("a list");
    let all = list(PageRequest::first(100)).await.items;
    assert!(all.is_sorted_by(|a, b| a.id > b.id) && all.len() == 10, "{} rows", all.len());
    let (mut seen, mut page) = (Vec::new(), PageRequest::first(4));
    loop {
        let part = list(page).await;
        seen.extend(part.items.iter().map(|event| event.id));
        page.after = seen.last().copied();
        if !part.has_more {
            break;
        }
    }
    assert_eq!(seen, all.iter().map(|event| event.id).collect::<Vec<_>>());
}
