//! What one agent or one job can take from all others has an end, and honest fleets fit within it.

use std::time::Duration;

use countersign_control::access::actions::{
    Annotate, ReadArtifacts, RegisterAgent, RequestOidcToken, ViewBuilds, WriteMetaData, WriteSteps,
};
use countersign_control::agents::{Instruction, Registration};
use countersign_control::artifacts::{MAX_FOUND, MAX_FOUND_BYTES, NewArtifact, Search};
use countersign_control::builds::{MAX_BODIES, MAX_META_DATA, NewAnnotation};
use countersign_control::oidc::TokenRequest;
use countersign_control::steps::StepChange;
use countersign_control::{Control, Error, Result, Settings};
use countersign_domain::Refusal;
use countersign_store::{IntoValue, Store};
use countersign_testkit::{SeededEntropy, World};

use crate::acting::{
    Job, build, caller, connect, field_of, finish, may, next, ping, refusal_of, registration, running_job, start, take,
    try_register,
};
use crate::artifacts::{batch, find, hello, leave, query, try_announce};
use crate::sql;

/// The same system with other settings.
pub async fn set(world: &mut World, settings: Settings) {
    let keys = crate::worlds::ring(&world.control.keys());
    world.control.store().close().await;
    let store = Store::open(world.database.options(world.clock.clone())).await.expect("opens");
    let entropy = std::sync::Arc::new(SeededEntropy::new(next()));
    world.control =
        Control::new(store, keys, world.clock.clone(), entropy, settings).keeping_blobs(world.database.blobs());
}

pub fn too_many<T: std::fmt::Debug>(outcome: Result<T>) -> (String, Duration) {
    match outcome {
        Err(Error::TooMany { what, retry_after }) => (what, retry_after),
        other => panic!("not too many: {other:?}"),
    }
}

/// How many bytes the details of the audit log have.
async fn audited(world: &World) -> i64 {
    let text = "SELECT CAST(COALESCE(SUM(OCTET_LENGTH(detail)), 0) AS BIGINT) AS n FROM audit_events";
    sql::value(&world.control, text, vec![], "n").await
}

/// Files in batches of a hundred.
async fn announce_many(world: &World, job: &Job, batches: usize, file: impl Fn(usize) -> NewArtifact) {
    for number in 0..batches {
        let files = (0..100).map(|at| file(number * 100 + at)).collect();
        try_announce(&world.control, job, batch(files)).await.expect("announced");
    }
}

pub async fn a_search_goes_on_over_stretches_of_which_nothing_is_chosen(world: &World) {
    let control = &world.control;
    build(control, &world.acme, "steps: [{command: a, key: one}, {command: b, key: two}]").await;
    let (agent, other) =
        (connect(control, world.acme.agent_token(), &[]).await, connect(control, world.acme.agent_token(), &[]).await);
    let (one, two) = (take(control, &agent).await, take(control, &other).await);
    for job in [&one, &two] {
        start(control, job).await;
    }
    let oldest = leave(control, &one, &["first.txt"]).await;
    world.clock.advance(Duration::from_secs(1));
    announce_many(world, &two, 11, |number| hello(&format!("d/{number}"))).await;
    let first = |found: Vec<(countersign_control::artifacts::Artifact, Option<String>)>| {
        found.into_iter().map(|(it, _)| it.id).collect::<Vec<_>>()
    };
    assert_eq!(first(find(control, &two, query("first.txt")).await), oldest, "behind 1,100 others");
    let scoped = Search { scope: "one".to_owned(), state: String::new(), ..query("*") };
    assert_eq!(first(find(control, &two, scoped).await), oldest);
    let every = Search { state: String::new(), ..query("*") };
    assert_eq!(find(control, &two, every).await.len(), 1_101);
}

pub async fn an_answer_to_a_search_has_an_end_in_bytes(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let place = "p".repeat(4_000);
    let long = NewArtifact { absolute_path: place, ..hello("x") };
    let needed = MAX_FOUND_BYTES / 4_000 + 200;
    assert!(needed < MAX_FOUND);
    announce_many(world, &job, needed.div_ceil(100), |number| NewArtifact {
        path: format!("{number:05}"),
        ..long.clone()
    })
    .await;
    let grant = may::<ReadArtifacts>(control, &job.caller);
    let search = |words: &str| Search { state: String::new(), ..query(words) };
    assert_eq!(field_of(control.search_artifacts(&grant, search("*")).await), "query");
    assert_eq!(find(control, &job, search("000*")).await.len(), 100);
}

pub async fn a_job_leaves_so_many_audit_rows_at_once_and_then_so_many_a_second(world: &World) {
    let control = &world.control;
    let (job, other) = (running_job(control, &world.acme).await, running_job(control, &world.acme).await);
    // Of a step that there is not, so that nothing is written.
    let one = async |job: &Job| {
        let (step, attribute) = ("nothing".to_owned(), "label".to_owned());
        let change = StepChange { step, uuid: None, attribute, value: "new".to_owned(), append: false };
        match control.update_step(&may::<WriteSteps>(control, &job.caller), change).await {
            Err(Error::NotFound("step")) => Ok(()),
            refused => refused,
        }
    };
    let mut made = 0;
    let (what, retry_after) = loop {
        match one(&job).await {
            Ok(()) => made += 1,
            refused => break too_many(refused),
        }
        assert!(made < 10_000, "there is no end");
    };
    assert!(made >= 1_000, "a job with many artifacts needs hundreds of calls; {made} were let through");
    assert!(what.contains("a second") && retry_after <= Duration::from_secs(1), "{what} {retry_after:?}");
    assert!(one(&other).await.is_ok(), "another job has its own");
    world.clock.advance(Duration::from_secs(1));
    assert!(one(&job).await.is_ok(), "it comes back");
    // What a job says of itself is never held up, and reading leaves no row.
    while one(&job).await.is_ok() {}
    control.meta_data_keys(&may(control, &job.caller)).await.expect("read");
    finish(control, &job, "0").await;
}

pub async fn what_a_job_writes_into_the_audit_log_has_an_end(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let grant = may::<RequestOidcToken>(control, &job.caller);
    let asked = |claims: Vec<String>| TokenRequest { claims, ..TokenRequest::default() };
    let long = format!("agent_tag:{}", "y".repeat(129));
    assert_eq!(field_of(control.request_oidc_token(&grant, asked(vec![long])).await), "claims[0]");
    let before = audited(world).await;
    let most = vec![format!("agent_tag:{}", "y".repeat(128)); 50];
    control.request_oidc_token(&grant, asked(most)).await.expect("issued");
    let key = "k".repeat(255);
    let items = vec![(key, String::new()); 3_500];
    control.set_meta_data_batch(&may(control, &job.caller), items).await.expect("one key");
    let many = (0..3_500).map(|number| (format!("{}{number}", "k".repeat(200)), String::new())).collect();
    control.set_meta_data_batch(&may(control, &job.caller), many).await.expect("many keys");
    let grown = audited(world).await - before;
    assert!(grown <= 3 * 4 * 1024 + 1024, "three calls wrote {grown} bytes");
    let text = "SELECT detail FROM audit_events WHERE action = 'meta_data.set'";
    let details: Vec<String> =
        sql::rows(control, text, vec![]).await.iter().map(|row| row.get("detail").expect("a text")).collect();
    assert!(details.iter().any(|detail| detail.contains(r#""count":1,"#)), "{details:?}");
    assert!(details.iter().any(|detail| detail.contains(r#""count":3500,"#)), "{details:?}");
}

pub async fn a_build_has_so_many_bytes_of_meta_data_and_annotations(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let value = "v".repeat(100_000);
    let write = may::<WriteMetaData>(control, &job.caller);
    let mut written = 0;
    let refused = loop {
        match control.set_meta_data(&write, format!("k{written}"), value.clone()).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1_000, "there is no end");
    };
    assert!(matches!(&refused, Error::Conflict(what) if what.contains("16 MiB")), "{refused:?}");
    assert_eq!(written, MAX_META_DATA / 100_004);
    let seen = control.build_meta_data(&world.admin::<ViewBuilds>(), job.build).await.expect("seen");
    assert_eq!(seen.len(), usize::try_from(written).expect("a few"));
    control.set_meta_data(&write, "k0".to_owned(), String::new()).await.expect("what is there can be made smaller");

    let body = "b".repeat(1024 * 1024);
    let annotate = async |number: i64| {
        let new =
            NewAnnotation { body: Some(body.clone()), context: Some(format!("c{number}")), ..NewAnnotation::default() };
        control.annotate(&may::<Annotate>(control, &job.caller), new).await
    };
    let fit = MAX_BODIES / (1024 * 1024);
    for number in 0..fit {
        annotate(number).await.expect("written");
    }
    let refused = annotate(fit).await;
    assert!(matches!(&refused, Err(Error::Conflict(what)) if what.contains("16 MiB")), "{refused:?}");
}

pub async fn a_priority_is_within_what_pipelines_may_say(world: &World) {
    let control = &world.control;
    let id = build(control, &world.acme, "steps: [{command: a, key: a}, {command: b, key: b}]").await.id;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let job = take(control, &agent).await;
    start(control, &job).await;
    let update = async |value: String| {
        let (step, attribute) = ("b".to_owned(), "priority".to_owned());
        let change = StepChange { step, uuid: None, attribute, value, append: false };
        control.update_step(&may::<WriteSteps>(control, &job.caller), change).await
    };
    for wrong in [i64::MAX.to_string(), (i64::from(i32::MAX) + 1).to_string(), "1.5".to_owned(), "high".to_owned()] {
        assert_eq!(field_of(update(wrong).await), "value");
    }
    for right in [i32::MAX, i32::MIN, 7] {
        update(right.to_string()).await.expect("changed");
    }
    let jobs = control.build_jobs(&world.admin::<ViewBuilds>(), id).await.expect("its jobs");
    assert_eq!(jobs.iter().map(|job| job.priority).collect::<Vec<_>>(), [0, 7]);
}

pub async fn demands_that_nobody_fits_hide_no_job(world: &World) {
    let control = &world.control;
    let steps: Vec<String> = (0..700)
        .map(|number| format!("{{command: x, agents: {{a{number:05}: '1', os: linux}}}}"))
        .chain((0..700).map(|number| format!("{{command: x, agents: {{os: linux, x{number:05}: '1'}}}}")))
        .collect();
    build(control, &world.acme, &format!("steps: [{}]", steps.join(", "))).await;
    let wanted = build(control, &world.acme, "steps: [{command: legit, agents: {zone: eu}}]").await;
    let agent = connect(control, world.acme.agent_token(), &["os=linux", "zone=eu"]).await;
    let Instruction::TakeJob(job) = ping(control, &agent).await else { panic!("the job that fits is offered") };
    let jobs = control.build_jobs(&world.admin::<ViewBuilds>(), wanted.id).await.expect("its jobs");
    assert_eq!(jobs[0].id, job);
    let stranger = connect(control, world.acme.agent_token(), &["os=mac"]).await;
    assert_eq!(ping(control, &stranger).await, Instruction::Idle);
}

pub async fn a_token_has_so_many_agents_at_one_time(world: &mut World) {
    set(world, Settings { max_agents_per_token: 3, ..Settings::default() }).await;
    let control = &world.control;
    let token = world.acme.agent_token();
    let mut agents = Vec::new();
    for _ in 0..3 {
        agents.push(connect(control, token, &[]).await);
    }
    let (what, _) = too_many(try_register(control, token, &[]).await);
    assert!(what.contains("3 agents") && what.contains("--max-agents-per-token"), "{what}");
    control.disconnect_agent(&may(control, &agents[0].caller)).await.expect("gone");
    connect(control, token, &[]).await;
}

pub async fn agents_register_with_a_token_at_a_rate(world: &World) {
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let grant = may::<RegisterAgent>(control, &holder);
    // With a name that cannot be, so that nothing is written.
    let one = async || control.register_agent(&grant, Registration { name: " ".to_owned(), ..registration(&[]) }).await;
    let mut tried = 0;
    let refused = loop {
        match one().await {
            Err(Error::Invalid(_)) => tried += 1,
            refused => break refused,
        }
        assert!(tried < 50_000, "there is no end");
    };
    assert_eq!(refusal_of(refused.map(drop)), Refusal::Rate);
    assert!(tried >= 5_000, "a fleet that restarts at once; {tried} were let through");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(field_of(one().await.map(drop)), "name", "it comes back");
    control.flush_usage().await.expect("written");
    let text = "SELECT count FROM refusals WHERE reason = 'rate' AND organization_id = $1";
    let of = world.acme.created.organization.id.into_value();
    assert_eq!(sql::value::<i64>(control, text, vec![of], "count").await, 1, "its admins see that it was refused");
}

pub async fn many_artifacts_of_an_honest_job_are_announced_without_a_pause(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    for number in 0..10_000_usize.div_ceil(30) {
        let files = (number * 30..10_000.min(number * 30 + 30)).map(|at| hello(&at.to_string())).collect();
        try_announce(&world.control, &job, batch(files)).await.expect("announced");
    }
}
