//! What people look at: parts of builds however large, pictures of them, logs by their lines, and how an organization is doing.

use std::time::Duration;

use countersign_control::access::actions::{
    AppendLog, DisconnectAgent, RevokeAgentToken, ViewAgentTokens, ViewAgents, ViewBuilds, ViewQueues,
};
use countersign_control::agent_tokens::{DAYS, NewAgentToken, Revocation, TokenReference};
use countersign_control::agents::{MOMENTS, Reach};
use countersign_control::builds::{Cursor, Entry, MAX_DRAWN};
use countersign_control::deployment_roles::Place;
use countersign_control::jobs::{LogLines, LogWindow, MAX_LINE, NewChunk};
use countersign_control::queues::WAITS_SINCE;
use countersign_control::{Error, PageRequest};
use countersign_domain::Refusal;
use countersign_domain::graph::Kind;
use countersign_testkit::World;

use crate::acting::{Job, build, connect, deployment, finish, may, refusal, running_job, start, take, token};
use crate::artifacts::announce;
use crate::deployment_roles::{ROLES, member_with};
use crate::signing_in::organization;

pub const CASES: &[crate::run::Case] = crate::list::cases!["watching"
    a_build_comes_in_parts_without_gap_or_repeat,
    a_graph_has_every_step_and_an_end,
    whatever_changes_changes_the_pulse,
    a_log_is_read_by_its_lines,
    lines_behind_a_gap_wait_for_the_end_of_the_job,
    a_line_that_is_too_long_is_cut_and_counted,
    artifacts_are_found_by_their_path,
    waits_are_told_by_queue,
    agents_are_counted_over_time,
    what_an_agent_did_is_listed,
    refused_attempts_are_told_to_admins_alone,
    agents_that_come_with_a_token_are_counted_by_day,
];

/// A name for each entry of a build.
fn names(entries: &[Entry]) -> Vec<String> {
    let name = |it: &Entry| match &it.job {
        Some(job) => job.id.to_string(),
        None => it.step.id.to_string(),
    };
    entries.iter().map(name).collect()
}

pub async fn a_build_comes_in_parts_without_gap_or_repeat(world: &World) {
    let definition = "steps:
  - {command: echo, parallelism: 5}
  - wait
  - group: g
    steps: [{command: echo}, {command: echo, parallelism: 2}]
  - {block: b}
  - {command: echo}
";
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    let build = build(control, &world.acme, definition).await;
    let whole = control.build_window(&grant, build.id, Cursor::default(), 100).await.expect("a build");
    assert!(whole.next.is_none());
    let all = names(&whole.entries);
    assert_eq!(all.len(), 12);
    let kinds: Vec<_> = whole.entries.iter().map(|it| it.step.step.kind).collect();
    let groups = kinds.iter().filter(|kind| **kind == Kind::Group).count();
    assert_eq!((kinds[5], kinds[6], groups), (Kind::Wait, Kind::Group, 1), "{kinds:?}");
    for limit in 1..=13 {
        let (mut found, mut after) = (Vec::new(), Cursor::default());
        loop {
            let part = control.build_window(&grant, build.id, after, limit).await.expect("a part");
            assert!(part.entries.len() <= limit as usize);
            found.extend(names(&part.entries));
            match part.next {
                // As it comes back from an address.
                Some(next) => after = next.to_string().parse().expect("a cursor"),
                None => break,
            }
            assert!(found.len() <= all.len(), "it does not end");
        }
        assert_eq!(found, all, "{limit} at a time");
    }
    let beyond = "zzzz".parse().expect("a cursor");
    let behind = control.build_window(&grant, build.id, beyond, 10).await.expect("an empty part");
    assert!(behind.entries.is_empty() && behind.next.is_none());
    let foreign = control.build_window(&world.globex.may(control), build.id, Cursor::default(), 10).await;
    assert!(matches!(foreign, Err(Error::NotFound("build"))), "{foreign:?}");
}

pub async fn a_graph_has_every_step_and_an_end(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    let definition = "steps: [{command: a, key: a}, {command: b, key: b, depends_on: a}, wait, {command: c}]";
    let small = build(control, &world.acme, definition).await;
    let graph = control.build_graph(&grant, small.id).await.expect("a build").expect("a graph");
    let (a, b) = (graph.steps[0].id, graph.steps[1].id);
    assert_eq!(graph.steps.len(), 4);
    assert!(graph.waits.contains(&(a, b)), "{:?}", graph.waits);
    assert!(!graph.waits.contains(&(b, a)));
    let many = vec!["{command: a}"; MAX_DRAWN + 1].join(", ");
    let large = build(control, &world.acme, &format!("steps: [{many}]")).await;
    assert!(control.build_graph(&grant, large.id).await.expect("a build").is_none());
    assert!(matches!(control.build_graph(&world.globex.may(control), small.id).await, Err(Error::NotFound("build"))));
}

pub async fn whatever_changes_changes_the_pulse(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    let made = build(control, &world.acme, "steps: [{command: echo}]").await;
    let pulse = async || control.build_pulse(&grant, made.id).await.expect("a pulse");
    let waiting = pulse().await;
    assert_eq!(pulse().await, waiting, "nothing has changed");
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let job = take(control, &agent).await;
    start(control, &job).await;
    let running = pulse().await;
    assert_ne!(running, waiting);
    finish(control, &job, "1").await;
    let ended = pulse().await;
    assert_ne!(ended, running);
    assert!(ended.state.is_finished());
    assert!(matches!(control.build_pulse(&world.globex.may(control), made.id).await, Err(Error::NotFound("build"))));
}

async fn write(world: &World, job: &Job, sequence: i64, offset: usize, content: &[u8]) {
    let offset = i64::try_from(offset).expect("an offset");
    let chunk = NewChunk { sequence, offset, content: content.to_vec() };
    world.control.append_log(&may::<AppendLog>(&world.control, &job.caller), chunk).await.expect("kept");
}

async fn lines(world: &World, job: &Job, first: i64, lines: usize) -> LogLines {
    let wanted = LogWindow { first, lines, bytes: usize::MAX, before: 3 };
    world.control.job_log_lines(&world.admin::<ViewBuilds>(), job.id, wanted).await.expect("lines")
}

fn text(lines: &LogLines) -> Vec<String> {
    lines.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

pub async fn a_log_is_read_by_its_lines(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    let nothing = lines(world, &job, 1, 10).await;
    assert_eq!((nothing.first, nothing.lines.len(), nothing.ended, nothing.reaches_end), (1, 0, 0, true));
    // Pieces end in the middle of lines, and one has no line break at all.
    let log: String = (1..=40).map(|line| format!("line {line}\n")).collect::<String>() + "the last";
    let mut offset = 0;
    for (sequence, size) in (1..).zip([5, 50, 1, 3, 100, 2, 200, 1_000]) {
        let piece = &log.as_bytes()[offset.min(log.len())..(offset + size).min(log.len())];
        if !piece.is_empty() {
            write(world, &job, sequence, offset, piece).await;
        }
        offset += size;
    }
    let expected: Vec<&str> = log.lines().collect();
    for first in 1..=41 {
        for count in [1, 7, 100] {
            let found = lines(world, &job, first, count).await;
            let from = usize::try_from(first - 1).expect("a number");
            let wanted: Vec<&str> = expected[from..].iter().copied().take(count).collect();
            assert_eq!((found.first, found.ended), (first, 40));
            assert_eq!(text(&found), wanted, "{count} lines from {first}");
            let before: Vec<_> = found.before.iter().map(|line| String::from_utf8_lossy(line)).collect();
            assert_eq!(before, expected[from.saturating_sub(3)..from], "before line {first}");
            assert_eq!(found.reaches_end, from + wanted.len() == expected.len(), "{count} lines from {first}");
        }
    }
    for (asked, first) in [(0, 1), (-3, 1), (i64::MIN, 1), (999, 41), (i64::MAX, 41)] {
        assert_eq!(lines(world, &job, asked, 1).await.first, first, "{asked}");
    }
    let bounded = LogWindow { first: 1, lines: 100, bytes: 10, before: 0 };
    let grant = world.admin::<ViewBuilds>();
    let few = world.control.job_log_lines(&grant, job.id, bounded).await.expect("lines");
    assert_eq!(text(&few), ["line 1", "line 2"], "the line that reaches the bound is the last");
    let foreign = world.control.job_log_lines(&world.globex.may(&world.control), job.id, bounded).await;
    assert!(matches!(foreign, Err(Error::NotFound("job"))), "{foreign:?}");
}

pub async fn lines_behind_a_gap_wait_for_the_end_of_the_job(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    write(world, &job, 1, 0, b"one\n").await;
    write(world, &job, 3, 8, b"three\nfour\n").await;
    let open = lines(world, &job, 1, 10).await;
    assert_eq!((text(&open), open.ended), (vec!["one".to_owned()], 1));
    finish(&world.control, &job, "0").await;
    let ended = lines(world, &job, 1, 10).await;
    assert_eq!((text(&ended).join(","), ended.ended), ("one,three,four".to_owned(), 3));
    assert_eq!(text(&lines(world, &job, 3, 10).await), ["four"]);
}

pub async fn a_line_that_is_too_long_is_cut_and_counted(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    let long = vec![b'a'; MAX_LINE + 10];
    write(world, &job, 1, 0, &long).await;
    write(world, &job, 2, long.len(), b"bc\ntwo\n").await;
    let found = lines(world, &job, 1, 10).await;
    assert_eq!(found.lines.iter().map(Vec::len).collect::<Vec<_>>(), [MAX_LINE, 3]);
    assert_eq!((text(&lines(world, &job, 2, 10).await), found.ended), (vec!["two".to_owned()], 2));
}

pub async fn artifacts_are_found_by_their_path(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    let job = running_job(control, &world.acme).await;
    announce(control, &job, &["a.txt", "b/a.txt"]).await;
    let found = async |path: &str| {
        let page = PageRequest::first(10);
        let page = control.build_artifacts_at(&grant, job.build, path.to_owned(), page).await.expect("a list");
        page.items.into_iter().map(|it| it.path).collect::<Vec<_>>()
    };
    assert_eq!(found("a.txt").await, ["a.txt"]);
    assert_eq!(found("b/a.txt").await, ["b/a.txt"]);
    assert_eq!(found("%").await, [""; 0]);
    assert_eq!(found("a\0").await, [""; 0]);
    let foreign = control
        .build_artifacts_at(&world.globex.may(control), job.build, "a.txt".to_owned(), PageRequest::first(10))
        .await;
    assert!(matches!(foreign, Err(Error::NotFound("build"))), "{foreign:?}");
}

pub async fn waits_are_told_by_queue(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewQueues>());
    let other = organization(world, "initech", "peter@initech.example").await;
    assert!(control.queue_waits(&grant).await.expect("waits").is_empty());
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    for seconds in [1, 2, 9] {
        build(control, &world.acme, "steps: [{command: echo}]").await;
        world.clock.advance(Duration::from_secs(seconds));
        let job = take(control, &agent).await;
        start(control, &job).await;
        finish(control, &job, "0").await;
    }
    let waits = control.queue_waits(&grant).await.expect("waits");
    let told: Vec<_> =
        waits.iter().map(|it| (it.queue.as_str(), it.jobs, it.p50.as_secs(), it.p95.as_secs())).collect();
    assert_eq!(told, [("default", 3, 2, 9)]);
    assert!(control.queue_waits(&may(control, &other)).await.expect("waits").is_empty());
    world.clock.advance(WAITS_SINCE + Duration::from_secs(1));
    assert!(control.queue_waits(&grant).await.expect("waits").is_empty(), "that is long ago");
}

pub async fn agents_are_counted_over_time(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewAgents>());
    let other = organization(world, "initech", "peter@initech.example").await;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    world.clock.advance(Duration::from_secs(3 * 3600));
    connect(control, world.acme.agent_token(), &[]).await;
    control.disconnect_agent(&may::<DisconnectAgent>(control, &agent.caller)).await.expect("gone");
    let told = control.agents_over_time(&grant).await.expect("numbers");
    let counts: Vec<usize> = told.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts.len(), MOMENTS as usize);
    assert!(told.is_sorted() && told.last().is_some_and(|(at, _)| *at == control.now()), "the present is the last");
    assert_eq!((counts[0], counts[counts.len() - 3], counts[counts.len() - 1]), (0, 1, 1), "{counts:?}");
    let foreign = control.agents_over_time(&may(control, &other)).await.expect("numbers");
    assert!(foreign.iter().all(|(_, count)| *count == 0));
}

pub async fn what_an_agent_did_is_listed(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        world.clock.advance(Duration::from_millis(5));
        build(control, &world.acme, "steps: [{command: echo}]").await;
        let job = take(control, &agent).await;
        start(control, &job).await;
        finish(control, &job, "0").await;
        expected.insert(0, job.id);
    }
    let first = control.agent_past_jobs(&grant, agent.id, PageRequest::first(2)).await.expect("a page");
    assert_eq!((first.items[0].number, first.items[0].pipeline_slug.as_str()), (3, "demo"), "each with its build");
    let after = first.items.last().map(|it| it.job.id);
    let second = control.agent_past_jobs(&grant, agent.id, PageRequest { after, limit: 2 }).await.expect("a page");
    let found: Vec<_> = first.items.iter().chain(&second.items).map(|it| it.job.id).collect();
    assert_eq!((found, first.has_more, second.has_more), (expected, true, false));
    let foreign = control.agent_past_jobs(&world.globex.may(control), agent.id, PageRequest::first(2)).await;
    assert!(matches!(foreign, Err(Error::NotFound("agent"))), "{foreign:?}");
}

pub async fn refused_attempts_are_told_to_admins_alone(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewAgentTokens>());
    let other = organization(world, "initech", "peter@initech.example").await;
    let issued = token(world, NewAgentToken::default()).await;
    let revocation = Revocation {
        token: TokenReference::Id(issued.token.token.id),
        reason: "leaked".to_owned(),
        connected_agents: Reach::Keep,
        expected: None,
    };
    control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation).await.expect("revoked");
    for _ in 0..2 {
        assert_eq!(refusal(control, issued.secret.reveal()).await, Refusal::Revoked);
    }
    let told = control.refused_attempts(&grant, 10).await.expect("a list");
    let told: Vec<_> = told.iter().map(|it| (it.refused.token, it.refused.reason, it.refused.count)).collect();
    assert_eq!(told, [(issued.token.token.id, Refusal::Revoked, 2)]);
    assert!(control.refused_attempts(&grant, 0).await.expect("a list").is_empty());
    assert!(control.refused_attempts(&may(control, &other), 10).await.expect("a list").is_empty());
    let prod = deployment(control, &world.acme, "prod", None).await;
    let who = member_with(world, Place::Deployment(prod), ROLES[4]).await;
    let refused = control.refused_attempts(&may::<ViewAgentTokens>(control, &who), 10).await;
    assert!(matches!(refused, Err(Error::Denied { .. })), "{refused:?}");
}

pub async fn agents_that_come_with_a_token_are_counted_by_day(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewAgentTokens>());
    let id = world.acme.created.agent_token.id;
    for agents in [2, 0, 1] {
        for _ in 0..agents {
            connect(control, world.acme.agent_token(), &[]).await;
        }
        world.clock.advance(Duration::from_secs(24 * 3600));
    }
    let told = control.agent_token_registrations(&grant, id).await.expect("numbers");
    let counts: Vec<usize> = told.iter().rev().take(5).map(|(_, count)| *count).collect();
    assert_eq!((told.len(), counts), (DAYS as usize, vec![0, 1, 0, 2, 0]));
    let foreign = control.agent_token_registrations(&world.globex.may(control), id).await.expect("numbers");
    assert!(foreign.iter().all(|(_, count)| *count == 0), "another organization's token brought nobody");
}
