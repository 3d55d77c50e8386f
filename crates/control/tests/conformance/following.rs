//! What pages ask for again and again: no more is read than there is room for, and whatever changes is news.

use std::time::Duration;

use countersign_control::access::actions::{
    Annotate, AppendLog, CancelBuild, RetryJob, UnblockStep, ViewBuilds, WriteMetaData,
};
use countersign_control::builds::{Cursor, NewAnnotation, Room, Wanted};
use countersign_control::jobs::{LogLines, LogWindow, NewChunk};
use countersign_control::steps::Answer;
use countersign_control::{Error, MAX_PAGE, PageRequest};
use countersign_domain::build::{BuildState, RetryType};
use countersign_testkit::World;

use crate::acting::{Job, build, connect, finish, may, running_job, start, take};

pub const CASES: &[crate::run::Case] = crate::list::cases!["following"
    the_last_part_of_a_log_ends_with_its_last_line,
    a_piece_that_fills_a_gap_is_news,
    every_step_that_moves_is_news,
    tries_of_a_job_are_told_in_their_order,
    of_what_jobs_left_no_more_is_read_than_there_is_room_for,
    builds_under_way_are_counted_by_state,
    a_canceled_build_says_who_did_it,
    all_that_is_wrong_with_an_answer_is_said_at_once,
];

async fn write(world: &World, job: &Job, sequence: i64, offset: usize, content: &[u8]) {
    let offset = i64::try_from(offset).expect("an offset");
    let chunk = NewChunk { sequence, offset, content: content.to_vec() };
    world.control.append_log(&may::<AppendLog>(&world.control, &job.caller), chunk).await.expect("kept");
}

async fn last(world: &World, job: &Job, first: i64, lines: usize, bytes: usize) -> LogLines {
    let wanted = LogWindow { first, lines, bytes, before: 0 };
    world.control.job_log_lines(&world.admin::<ViewBuilds>(), job.id, wanted).await.expect("lines")
}

pub async fn the_last_part_of_a_log_ends_with_its_last_line(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    let nothing = last(world, &job, i64::MAX, 300, 1_000).await;
    assert_eq!((nothing.first, nothing.lines.len(), nothing.reaches_end), (1, 0, true));
    let log: String = (1..=1_000).map(|line| format!("{line:0>199}\n")).collect();
    let mut offset = 0;
    for (sequence, piece) in (1..).zip(log.as_bytes().chunks(70_000)) {
        write(world, &job, sequence, offset, piece).await;
        offset += piece.len();
    }
    for (lines, bytes, first) in [(300, usize::MAX, 701), (300, 20_000, 901), (300, 1, 1_000), (1, 20_000, 1_000)] {
        // The log ends with a line break: the line behind it is none.
        for asked in [1_001, 5_000, i64::MAX] {
            let found = last(world, &job, asked, lines, bytes).await;
            assert_eq!((found.first, found.next(), found.reaches_end), (first, 1_001, true), "{lines} and {bytes}");
            assert!(found.lines.last().is_some_and(|line| line.ends_with(b"01000")), "{lines} and {bytes}");
        }
    }
    write(world, &job, 90, offset, b"and more").await;
    let found = last(world, &job, i64::MAX, 2, 1_000).await;
    assert_eq!((found.first, found.next(), found.ended, found.reaches_end), (1_000, 1_002, 1_000, true));
    assert_eq!(found.lines.last().map(Vec::as_slice), Some(&b"and more"[..]));
    assert_eq!(last(world, &job, 1_001, 2, 1_000).await.first, 1_001, "one that is there is where one asks for it");
    let job = running_job(&world.control, &world.acme).await;
    write(world, &job, 1, 0, b"$ make").await;
    let begun = last(world, &job, i64::MAX, 300, 1_000).await;
    assert_eq!((begun.first, begun.lines.len(), begun.ended), (1, 1, 0), "the first line has not ended");
}

pub async fn a_piece_that_fills_a_gap_is_news(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    let job = running_job(control, &world.acme).await;
    let pulse = async || control.job_pulse(&grant, job.id).await.expect("a pulse");
    let before = pulse().await;
    assert_eq!(pulse().await, before, "nothing has changed");
    write(world, &job, 3, 8, b"three\n").await;
    let with_gap = pulse().await;
    assert_ne!(with_gap, before);
    write(world, &job, 2, 4, b"two\n").await;
    let filled = pulse().await;
    assert_ne!(filled, with_gap, "the log is no longer and shows more");
    finish(control, &job, "0").await;
    let ended = pulse().await;
    assert!(ended != filled && ended.state.is_finished() && ended.finished_at.is_some());
    let foreign = control.job_pulse(&world.globex.may(control), job.id).await;
    assert!(matches!(foreign, Err(Error::NotFound("job"))), "{foreign:?}");
}

pub async fn every_step_that_moves_is_news(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    let definition = "steps: [{command: a, parallelism: 2}, {block: b}, {command: c}]";
    let made = build(control, &world.acme, definition).await;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let mut seen = Vec::new();
    let mut look = async |what: &str| {
        let pulse = control.build_pulse(&grant, made.id).await.expect("a pulse");
        assert!(!seen.contains(&pulse), "{what} is no news");
        seen.push(pulse);
    };
    look("making").await;
    for exit_status in ["0", "1"] {
        let job = take(control, &agent).await;
        look("taking").await;
        start(control, &job).await;
        look("starting").await;
        finish(control, &job, exit_status).await;
        look("ending").await;
        if exit_status == "1" {
            control.retry_job(&world.admin::<RetryJob>(), job.id).await.expect("again");
            look("trying again").await;
        }
    }
    let job = take(control, &agent).await;
    start(control, &job).await;
    let annotation = NewAnnotation { body: Some("a".to_owned()), ..NewAnnotation::default() };
    control.annotate(&may::<Annotate>(control, &job.caller), annotation).await.expect("noted");
    look("noting").await;
    finish(control, &job, "0").await;
    look("asking").await;
    let window = control.build_window(&grant, made.id, Cursor::default(), MAX_PAGE).await.expect("a build");
    let block = window.entries.iter().find(|it| it.job.is_none()).expect("the block").step.id;
    control.unblock_step(&world.admin::<UnblockStep>(), block, Answer::default()).await.expect("answered");
    look("answering").await;
}

pub async fn tries_of_a_job_are_told_in_their_order(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    build(control, &world.acme, "steps: [{command: a, parallelism: 2}]").await;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let first = take(control, &agent).await;
    start(control, &first).await;
    finish(control, &first, "1").await;
    let second = control.retry_job(&world.admin::<RetryJob>(), first.id).await.expect("again");
    for asked in [first.id, second.id] {
        let tries = control.job_tries(&grant, asked).await.expect("tries");
        let told: Vec<_> = tries.iter().map(|it| (it.id, it.retry_type, it.exit_status.as_deref())).collect();
        assert_eq!(
            told,
            [(first.id, None, Some("1")), (second.id, Some(RetryType::Manual), None)],
            "the other parallel job is no try of it"
        );
    }
    let foreign = control.job_tries(&world.globex.may(control), first.id).await;
    assert!(matches!(foreign, Err(Error::NotFound("job"))), "{foreign:?}");
}

pub async fn of_what_jobs_left_no_more_is_read_than_there_is_room_for(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    let job = running_job(control, &world.acme).await;
    for (context, priority) in [("a", 3), ("b", 10), ("c", 1)] {
        let new = NewAnnotation {
            body: Some("ä".repeat(1_000)),
            context: Some(context.to_owned()),
            priority: Some(priority),
            ..NewAnnotation::default()
        };
        control.annotate(&may::<Annotate>(control, &job.caller), new).await.expect("noted");
        let grant = may::<WriteMetaData>(control, &job.caller);
        control.set_meta_data(&grant, context.to_owned(), "v".repeat(500)).await.expect("set");
    }
    let room = Room { annotations: (2, 10), meta_data: (1, 20) };
    let left = control.left_on_build(&grant, job.build, room).await.expect("a build");
    let notes: Vec<_> =
        left.annotations.iter().map(|(it, size)| (it.context.as_str(), it.content.body.as_str(), *size)).collect();
    let start = "ä".repeat(10);
    assert_eq!(notes, [("b", start.as_str(), 2_000), ("a", start.as_str(), 2_000)]);
    assert_eq!((left.annotations_count, left.keys_count), (3, 3));
    assert_eq!(left.meta_data, [("a".to_owned(), "v".repeat(20))]);
    let id = left.annotations[0].0.id;
    let whole = control.build_annotation(&grant, job.build, id).await.expect("an annotation");
    assert_eq!(whole.content.body, "ä".repeat(1_000));
    let other = build(control, &world.acme, "steps: [{command: echo}]").await;
    let missing = control.build_annotation(&grant, other.id, id).await;
    assert!(matches!(missing, Err(Error::NotFound("annotation"))), "{missing:?}");
    let hers = world.globex.may::<ViewBuilds>(control);
    assert!(matches!(control.left_on_build(&hers, job.build, room).await, Err(Error::NotFound("build"))));
    assert!(matches!(control.build_annotation(&hers, job.build, id).await, Err(Error::NotFound("build"))));
    assert!(matches!(control.build_at_a_glance(&hers, job.build).await, Err(Error::NotFound("build"))));
}

pub async fn builds_under_way_are_counted_by_state(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    for _ in 0..2 {
        build(control, &world.acme, "steps: [{block: b}]").await;
        // Ids of one millisecond are in no order.
        world.clock.advance(Duration::from_millis(5));
    }
    let running = running_job(control, &world.acme).await;
    let mut counts = control.count_builds_under_way(&grant).await.expect("counts");
    counts.sort_unstable();
    let mut expected = vec![(BuildState::Blocked, 2), (BuildState::Running, 1)];
    expected.sort_unstable();
    assert_eq!(counts, expected);
    let pipeline = control.pipeline(&grant, "demo").await.expect("a pipeline").id;
    for of in [None, Some(pipeline)] {
        let wanted = |states: &[BuildState]| Wanted { pipeline: of, states: states.to_vec(), ..Wanted::default() };
        let find = async |states: &[BuildState], after| {
            let page = PageRequest { after, limit: 1 };
            control.find_builds(&grant, wanted(states), page).await.expect("a page").items
        };
        assert_eq!(find(&[BuildState::Running, BuildState::Blocked], None).await[0].id, running.build);
        let newest = find(&[BuildState::Blocked], None).await[0].id;
        let oldest = find(&[BuildState::Blocked], Some(newest)).await[0].id;
        assert!(newest > oldest && find(&[BuildState::Blocked], Some(oldest)).await.is_empty());
        assert!(find(&[BuildState::Failing], None).await.is_empty());
    }
    finish(control, &running, "0").await;
    assert_eq!(control.count_builds_under_way(&grant).await.expect("counts"), [(BuildState::Blocked, 2)]);
}

pub async fn a_canceled_build_says_who_did_it(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    let job = running_job(control, &world.acme).await;
    let before = control.build_at_a_glance(&grant, job.build).await.expect("a build");
    assert!(before.canceler.is_none() && before.creator.is_some());
    control.cancel_build(&world.admin::<CancelBuild>(), job.build).await.expect("canceled");
    let after = control.build_at_a_glance(&grant, job.build).await.expect("a build");
    assert_eq!(after.canceler.map(|it| it.email).as_deref(), Some("ada@acme.example"));
    assert!(after.build.canceled_at.is_some());
}

pub async fn all_that_is_wrong_with_an_answer_is_said_at_once(world: &World) {
    let (control, grant) = (&world.control, world.admin::<ViewBuilds>());
    let definition = "steps:
  - block: b
    fields:
      - {text: One, key: one}
      - {text: Two, key: two, format: '[0-9]+'}
      - {select: Three, key: three, options: [{label: A, value: a}]}
      - {text: Four, key: four, required: false}
";
    let made = build(control, &world.acme, definition).await;
    let window = control.build_window(&grant, made.id, Cursor::default(), 1).await.expect("a build");
    let block = window.entries[0].step.id;
    let fields = [("two", "x"), ("three", "b")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let refused = control.unblock_step(&world.admin::<UnblockStep>(), block, Answer { fields }).await;
    let Err(Error::Invalid(faults)) = refused else { panic!("{refused:?}") };
    let fields: Vec<&str> = faults.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["fields.one", "fields.two", "fields.three"]);
}
