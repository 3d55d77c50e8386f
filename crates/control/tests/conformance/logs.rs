//! A job's log: pieces out of order, repeated, overlapping, too large.

use std::time::Duration;

use countersign_control::Error;
use countersign_control::access::actions::{AppendLog, ReportJob, ViewBuilds, WriteMetaData};
use countersign_control::jobs::{LATE_CHUNKS, LogPart, MAX_LOG, NewChunk};
use countersign_domain::Refusal;
use countersign_store::IntoValue;
use countersign_testkit::World;
use tokio::task::JoinSet;

use crate::acting::{Job, caller, field_of, finish, may, refusal, refusal_of, running_job};
use crate::sql;

const MICROSECOND: Duration = Duration::from_micros(1);
/// The most bytes of one piece.
const LARGEST: usize = 100 * 1024;
/// The bytes that a piece counts for at least.
const LEAST: i64 = 512;

fn chunk(sequence: i64, offset: i64, content: &[u8]) -> NewChunk {
    NewChunk { sequence, offset, content: content.to_vec() }
}

async fn append(world: &World, job: &Job, chunk: NewChunk) -> countersign_control::Result<()> {
    world.control.append_log(&may::<AppendLog>(&world.control, &job.caller), chunk).await
}

async fn read(world: &World, job: &Job, from: i64) -> LogPart {
    world.control.job_log(&world.admin::<ViewBuilds>(), job.id, from).await.expect("a log")
}

pub async fn pieces_come_in_any_order_and_are_read_in_theirs(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    append(world, &job, chunk(3, 8, b"three\n")).await.expect("kept");
    let part = read(world, &job, 0).await;
    assert_eq!((part.content.as_slice(), part.next, part.is_complete), (&b""[..], 0, false), "held back by the gap");
    append(world, &job, chunk(1, 0, b"one\n")).await.expect("kept");
    assert_eq!(read(world, &job, 0).await.content, b"one\n");
    append(world, &job, chunk(2, 4, b"two\n")).await.expect("kept");
    let part = read(world, &job, 0).await;
    assert_eq!((part.content.as_slice(), part.next), (&b"one\ntwo\nthree\n"[..], 14));
    assert_eq!(read(world, &job, 6).await.content, b"o\nthree\n");
    assert_eq!(read(world, &job, -7).await.next, 14);
    let beyond = read(world, &job, 99).await;
    assert_eq!((beyond.content.len(), beyond.next), (0, 99));
    assert_eq!(world.control.job(&world.admin::<ViewBuilds>(), job.id).await.expect("the job").log_size, 14);
}

pub async fn a_piece_that_was_taken_is_not_taken_twice(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    for _ in 0..3 {
        append(world, &job, chunk(1, 0, b"once\n")).await.expect("acknowledged");
    }
    append(world, &job, chunk(1, 0, b"other text\n")).await.expect("acknowledged, and thrown away");
    assert_eq!(read(world, &job, 0).await.content, b"once\n");
    append(world, &job, chunk(0, 5, b"zero\n")).await.expect("some clients count from 0");
    assert_eq!(read(world, &job, 0).await.content, b"once\nzero\n");
}

pub async fn bytes_are_kept_as_they_are(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    let bytes: Vec<u8> = (0..=255).collect();
    append(world, &job, chunk(1, 0, &bytes)).await.expect("kept");
    append(world, &job, chunk(2, 256, b"")).await.expect("an empty piece is taken");
    assert_eq!(read(world, &job, 0).await.content, bytes);
    append(world, &job, chunk(2, 256, b"more")).await.expect("kept: of the empty one nothing was");
    assert_eq!(read(world, &job, 256).await.content, b"more");
}

pub async fn an_ended_log_passes_over_gaps_and_says_that_it_is_whole(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    append(world, &job, chunk(1, 0, b"one\n")).await.expect("kept");
    append(world, &job, chunk(3, 100, b"three\n")).await.expect("kept");
    let part = read(world, &job, 0).await;
    assert_eq!((part.content.as_slice(), part.is_complete), (&b"one\n"[..], false));
    finish(&world.control, &job, "0").await;
    let part = read(world, &job, 0).await;
    assert_eq!((part.content.as_slice(), part.next, part.is_complete), (&b"one\nthree\n"[..], 106, true));
}

pub async fn pieces_come_a_little_after_the_end_and_nothing_else_does(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    append(world, &job, chunk(1, 0, b"one\n")).await.expect("kept");
    // Made before the end, as by calls that were under way then.
    let (reporting, writing) = (may::<ReportJob>(control, &job.caller), may::<WriteMetaData>(control, &job.caller));
    finish(control, &job, "0").await;
    append(world, &job, chunk(3, 8, b"three\n")).await.expect("kept: it was under way");
    let caller = caller(control, job.secret.reveal()).await;
    let job = Job { caller, ..job };
    world.clock.advance(LATE_CHUNKS - MICROSECOND);
    append(world, &job, chunk(2, 4, b"two\n")).await.expect("kept: the last moment");
    assert_eq!(read(world, &job, 0).await.content, b"one\ntwo\nthree\n");
    let refused = control.grant_own::<ReportJob>(&job.caller).map(drop);
    assert_eq!(refusal_of(refused), Refusal::Expired);
    assert_eq!(refusal_of(control.start_job(&reporting).await), Refusal::Expired);
    let written = control.set_meta_data(&writing, "late".to_owned(), "no".to_owned()).await;
    assert_eq!(refusal_of(written), Refusal::Expired);
    world.clock.advance(MICROSECOND);
    assert_eq!(refusal_of(append(world, &job, chunk(4, 14, b"late\n")).await), Refusal::Expired);
    assert_eq!(refusal(control, job.secret.reveal()).await, Refusal::Expired);
    assert_eq!(read(world, &job, 0).await.next, 14);
}

pub async fn no_piece_comes_late_from_an_agent_that_was_cut_off(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    finish(control, &job, "0").await;
    let late = Job { caller: caller(control, job.secret.reveal()).await, ..job };
    control.disconnect_agent(&may(control, &late.agent.caller)).await.expect("gone");
    assert_eq!(refusal_of(append(world, &late, chunk(1, 0, b"late\n")).await), Refusal::Expired);
    assert_eq!(refusal(control, late.secret.reveal()).await, Refusal::Expired);
}

pub async fn limits_are_named_and_the_job_goes_on_beyond_the_last(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    assert_eq!(field_of(append(world, &job, chunk(-1, 0, b"a")).await), "sequence");
    assert_eq!(field_of(append(world, &job, chunk(1, -1, b"a")).await), "offset");
    assert_eq!(field_of(append(world, &job, chunk(1, 0, &vec![b'a'; LARGEST + 1])).await), "size");
    append(world, &job, chunk(1, 0, &vec![b'a'; LARGEST])).await.expect("the largest");
    append(world, &job, chunk(2, MAX_LOG - 1, b"z")).await.expect("the last byte");
    for (sequence, offset) in [(3, MAX_LOG), (4, MAX_LOG - 1), (5, i64::MAX)] {
        let beyond = append(world, &job, chunk(sequence, offset, b"zz")).await;
        assert!(matches!(beyond, Err(Error::Conflict(_))), "{beyond:?}");
    }
    let size = world.control.job(&world.admin::<ViewBuilds>(), job.id).await.expect("the job").log_size;
    assert_eq!(size, MAX_LOG);
}

pub async fn pieces_that_overlap_fill_no_disk(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    append(world, &job, chunk(1, 0, b"abc")).await.expect("kept");
    let text = "UPDATE jobs SET log_stored = $2 WHERE id = $1";
    let nearly = 2 * MAX_LOG - 2 * LEAST;
    sql::change(&world.control, text, vec![job.id.into_value(), nearly.into_value()]).await;
    append(world, &job, chunk(2, 1, b"bcd")).await.expect("kept: however small, it takes half of the room");
    let larger = vec![b'x'; 513];
    for sequence in 3..9 {
        let full = append(world, &job, chunk(sequence, 2, &larger)).await;
        assert!(matches!(full, Err(Error::Conflict(_))), "{full:?}");
    }
    assert_eq!(read(world, &job, 0).await.content, b"abcd");
    append(world, &job, chunk(9, 4, b"e")).await.expect("kept: the last one");
    let full = append(world, &job, chunk(10, 5, b"f")).await;
    assert!(matches!(full, Err(Error::Conflict(_))), "one byte more: {full:?}");
    assert_eq!(read(world, &job, 0).await.content, b"abcde");
}

pub async fn three_uploads_at_once_do_not_wait_for_each_other(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    let before = world.control.store().collisions();
    // Agents have three under way all the time.
    for round in 0..40_i64 {
        let mut uploads = JoinSet::new();
        for part in 0..3 {
            let (control, caller) = (world.control.clone(), job.caller.clone());
            let number = round * 3 + part;
            uploads.spawn(async move {
                control.append_log(&may::<AppendLog>(&control, &caller), chunk(number, number * 2, b"a\n")).await
            });
        }
        assert!(uploads.join_all().await.iter().all(Result::is_ok));
    }
    assert_eq!(world.control.store().collisions(), before, "no two waited for each other");
    let (mut read_so_far, mut from) = (0, 0);
    while from < 240 {
        let part = read(world, &job, from).await;
        assert!(part.next > from);
        (read_so_far, from) = (read_so_far + part.content.len(), part.next);
    }
    assert_eq!(read_so_far, 240);
}

pub async fn a_long_log_is_read_in_parts(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    let line = b"a line of the log\n";
    let size = i64::try_from(line.len()).expect("small");
    for sequence in 1..=150 {
        append(world, &job, chunk(sequence, (sequence - 1) * size, line)).await.expect("kept");
    }
    finish(&world.control, &job, "0").await;
    let (mut content, mut from, mut parts) = (Vec::new(), 0, 0);
    loop {
        let part = read(world, &job, from).await;
        content.extend(part.content);
        parts += 1;
        if part.is_complete {
            break;
        }
        assert!(part.next > from, "each part goes on");
        from = part.next;
    }
    assert_eq!(content, line.repeat(150));
    assert!(parts > 1, "one answer holds a part only");
}
