//! What has been kept long enough goes: not a moment early, in small batches, and nothing else with it.

use std::time::Duration;

use countersign_control::Error;
use countersign_control::access::actions::{
    Annotate, AppendLog, DisconnectAgent, RetryJob, UploadPipeline, ViewAgents, ViewAudit, ViewBuilds, WriteMetaData,
};
use countersign_control::audit::Period;
use countersign_control::builds::{NewAnnotation, Upload};
use countersign_control::jobs::NewChunk;
use countersign_control::maintenance::{BUILDS_AT_ONCE, Removed, TRY_AGAIN};
use countersign_domain::artifact::ArtifactState;
use countersign_domain::build::BuildState;
use countersign_domain::id::BuildId;
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{Job, ONE_STEP, build, connect, finish, may, restart, running_job, start, take};
use crate::artifacts::{blobs, find, leave, query};
use crate::sql;

const MICROSECOND: Duration = Duration::from_micros(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn round(world: &World) -> Removed {
    world.control.remove_expired().await.expect("a round")
}

/// A build that has ended and left one of everything.
async fn ended(world: &World) -> Job {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let chunk = NewChunk { sequence: 1, offset: 0, content: b"line\n".to_vec() };
    control.append_log(&may::<AppendLog>(control, &job.caller), chunk).await.expect("a log grows");
    let grant = may::<WriteMetaData>(control, &job.caller);
    control.set_meta_data(&grant, "release".to_owned(), "1".to_owned()).await.expect("a key is set");
    let note = NewAnnotation { body: Some("note".to_owned()), ..NewAnnotation::default() };
    control.annotate(&may::<Annotate>(control, &job.caller), note).await.expect("annotated");
    leave(control, &job, &["a.txt", "b.txt"]).await;
    let pipeline = serde_json::json!({ "steps": ["wait", { "group": "g", "steps": ["wait"] }] });
    let uuid = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".to_owned();
    let grant = may::<UploadPipeline>(control, &job.caller);
    control.upload_pipeline(&grant, Upload { uuid, pipeline, replace: false }).await.expect("uploaded");
    finish(control, &job, "0").await;
    job
}

async fn is_there(world: &World, id: BuildId) -> bool {
    match world.control.build(&world.admin::<ViewBuilds>(), id).await {
        Ok(_) => true,
        Err(Error::NotFound(_)) => false,
        Err(other) => panic!("{other:?}"),
    }
}

/// How many rows of a build there are, over all tables.
async fn rows(world: &World, id: BuildId) -> i64 {
    let text =
        "SELECT (SELECT COUNT(*) FROM builds WHERE id = $1) + (SELECT COUNT(*) FROM build_inputs WHERE build_id = $1)
        + (SELECT COUNT(*) FROM jobs WHERE build_id = $1) + (SELECT COUNT(*) FROM steps WHERE build_id = $1)
        + (SELECT COUNT(*) FROM artifacts WHERE build_id = $1) + (SELECT COUNT(*) FROM annotations WHERE build_id = $1)
        + (SELECT COUNT(*) FROM meta_data WHERE build_id = $1)
        + (SELECT COUNT(*) FROM job_log_chunks c JOIN jobs j ON j.id = c.job_id WHERE j.build_id = $1)
        + (SELECT COUNT(*) FROM step_texts t JOIN steps s ON s.id = t.step_id WHERE s.build_id = $1) AS n";
    sql::value(&world.control, text, vec![id.into_value()], "n").await
}

pub async fn a_build_goes_with_all_that_was_its_own_and_not_a_moment_early(world: &World) {
    let control = &world.control;
    let job = ended(world).await;
    let running = running_job(control, &world.acme).await;
    let before = blobs(world).await.len();
    world.clock.advance(365 * DAY);
    let young = build(control, &world.acme, ONE_STEP).await;
    assert_eq!(round(world).await.builds, 0);
    assert!(is_there(world, job.build).await, "to the last moment");
    world.clock.advance(MICROSECOND);
    assert_eq!(round(world).await.builds, 1);
    assert!(!is_there(world, job.build).await, "from then on nobody finds it");
    let again = control.retry_job(&world.admin::<RetryJob>(), job.id).await.map(drop);
    assert_eq!(again, Err(Error::NotFound("build")), "and it does not come back");
    round(world).await;
    assert_eq!(rows(world, job.build).await, 0);
    assert_eq!(blobs(world).await.len(), before - 2);
    assert_eq!(round(world).await, Removed::default());
    for kept in [running.build, young.id] {
        assert!(is_there(world, kept).await, "what has not ended stays");
    }
    let page = countersign_control::PageRequest::first(50);
    let events =
        control.audit_events(&world.admin::<ViewAudit>(), Period::default(), page).await.expect("the audit log").items;
    let of_it: Vec<&str> =
        events.iter().filter(|it| it.subject_id == job.build.cast()).map(|it| it.action.as_str()).collect();
    for action in ["build.created", "build.removed", "pipeline.uploaded"] {
        assert!(of_it.contains(&action), "{action}: {of_it:?}");
    }
}

pub async fn logs_and_artifacts_go_before_their_build(world: &World) {
    let control = &world.control;
    let job = ended(world).await;
    let before = blobs(world).await.len();
    let view = || world.admin::<ViewBuilds>();
    world.clock.advance(180 * DAY);
    assert_eq!(round(world).await, Removed::default());
    assert_eq!(control.job_log(&view(), job.id, 0).await.expect("a log").content, b"line\n");
    world.clock.advance(MICROSECOND);
    assert_eq!(round(world).await, Removed { logs: 1, artifacts: 2, files: 2, ..Removed::default() });
    assert_eq!(blobs(world).await.len(), before - 2);
    let log = control.job_log(&view(), job.id, 0).await.expect("a log");
    assert_eq!((log.content.len(), log.is_complete), (0, true));
    assert!(is_there(world, job.build).await);
    assert_eq!(round(world).await, Removed::default());

    // The build goes on, and what its new job leaves is kept as long again.
    control.retry_job(&world.admin::<RetryJob>(), job.id).await.expect("run again");
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let again = take(control, &agent).await;
    start(control, &again).await;
    leave(control, &again, &["c.txt"]).await;
    assert_eq!(find(control, &again, query("*")).await.len(), 1);
    world.clock.advance(180 * DAY + MICROSECOND);
    assert_eq!(round(world).await.artifacts, 0, "its build has not ended");
    finish(control, &again, "0").await;
    world.clock.advance(180 * DAY + MICROSECOND);
    assert_eq!(round(world).await.artifacts, 1);
    let states = sql::rows(control, "SELECT state FROM artifacts WHERE job_id = $1", vec![again.id.into_value()]).await;
    assert_eq!(states[0].get::<String>("state").as_deref(), Ok(ArtifactState::Deleted.as_str()));
}

pub async fn an_agent_finds_no_artifact_that_was_removed(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    leave(control, &job, &["a.txt"]).await;
    let (_, address) = find(control, &job, query("a.txt")).await.remove(0);
    let address = address.expect("an address");
    finish(control, &job, "1").await;
    // As if it had ended long ago: an address is not good for that long.
    let text = "UPDATE builds SET finished_at = finished_at - $2 WHERE id = $1";
    let long = i64::try_from((181 * DAY).as_micros()).expect("it fits");
    assert_eq!(sql::change(control, text, vec![job.build.into_value(), long.into_value()]).await, 1);
    assert_eq!(round(world).await.artifacts, 1);
    assert!(matches!(crate::artifacts::fetch(control, &address).await, Err(Error::NotFound("artifact"))));
    control.retry_job(&world.admin::<RetryJob>(), job.id).await.expect("run again");
    let again = take(control, &job.agent).await;
    start(control, &again).await;
    assert!(find(control, &again, query("*")).await.is_empty(), "an answer, and nothing in it");
}

pub async fn rounds_are_small_and_the_next_one_goes_on(world: &World) {
    let control = &world.control;
    let count = u64::try_from(BUILDS_AT_ONCE).expect("a count") + 1;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(build(control, &world.acme, ONE_STEP).await.id);
        let job = take(control, &agent).await;
        finish(control, &job, "0").await;
    }
    world.clock.advance(365 * DAY + MICROSECOND);
    assert_eq!(round(world).await.builds, count - 1);
    assert_eq!(round(world).await.builds, 1);
    for _ in 0..2 {
        round(world).await;
    }
    for id in all {
        assert_eq!(rows(world, id).await, 0);
    }
}

pub async fn a_build_that_others_name_goes_and_they_stay(world: &World) {
    let control = &world.control;
    let first = ended(world).await;
    world.clock.advance(DAY);
    let second = control.rebuild(&world.admin(), first.build).await.expect("rebuilt");
    let job = take(control, &first.agent).await;
    finish(control, &job, "0").await;
    world.clock.advance(364 * DAY + MICROSECOND);
    assert_eq!(round(world).await.builds, 1);
    round(world).await;
    assert_eq!(rows(world, first.build).await, 0);
    let second = control.build(&world.admin::<ViewBuilds>(), second.id).await.expect("it is there");
    assert_eq!((second.rebuilt_from, second.state), (None, BuildState::Passed));
}

pub async fn bytes_that_cannot_be_removed_are_tried_again_also_after_a_restart(world: &mut World) {
    let job = ended(world).await;
    let place = world.database.folder.path().join("blobs");
    let id = job.build.to_string();
    let names: Vec<String> = blobs(world).await.into_iter().filter(|name| name.contains(&id)).collect();
    // What stands in the file's place cannot be removed as a file.
    let stuck = place.join(&names[0]);
    std::fs::remove_file(&stuck).expect("removed");
    std::fs::create_dir(&stuck).expect("made");
    std::fs::write(stuck.join("x"), "x").expect("written");
    world.clock.advance(180 * DAY + MICROSECOND);
    let removed = round(world).await;
    assert_eq!((removed.artifacts, removed.files), (2, 1), "the other one is removed");
    let states = "SELECT COUNT(*) AS n FROM artifacts WHERE build_id = $1 AND state = 'deleted'";
    let deleted: i64 = sql::value(&world.control, states, vec![job.build.into_value()], "n").await;
    assert_eq!(deleted, 2, "nothing of it can be seen all the same");
    let failures = async |world: &World| -> Vec<i64> {
        let rows = sql::rows(&world.control, "SELECT failures FROM blob_removals", vec![]).await;
        rows.iter().map(|row| row.get("failures").expect("a count")).collect()
    };
    assert_eq!(failures(world).await, [1]);
    assert_eq!(round(world).await, Removed::default(), "not at once: others have their turn");
    assert_eq!(failures(world).await, [1]);
    restart(world).await;
    world.clock.advance(TRY_AGAIN);
    assert_eq!(round(world).await.files, 0);
    assert_eq!(failures(world).await, [2]);
    std::fs::remove_dir_all(&stuck).expect("removed");
    std::fs::write(&stuck, "hello").expect("written");
    world.clock.advance(TRY_AGAIN);
    assert_eq!(round(world).await.files, 1);
    assert_eq!(failures(world).await, [0; 0]);
    assert!(!stuck.exists());
}

pub async fn agents_go_that_are_gone_and_that_no_job_names(world: &World) {
    let control = &world.control;
    let gone = connect(control, world.acme.agent_token(), &[]).await;
    control.disconnect_agent(&may::<DisconnectAgent>(control, &gone.caller)).await.expect("gone");
    let named = running_job(control, &world.acme).await;
    finish(control, &named, "0").await;
    control.disconnect_agent(&may::<DisconnectAgent>(control, &named.agent.caller)).await.expect("gone");
    let stays = connect(control, world.acme.agent_token(), &[]).await;
    world.clock.advance(30 * DAY);
    assert_eq!(round(world).await.agents, 0);
    world.clock.advance(MICROSECOND);
    assert_eq!(round(world).await, Removed { agents: 1, ..Removed::default() });
    let agent = async |id| control.agent(&world.admin::<ViewAgents>(), id).await.map(drop);
    assert_eq!(agent(gone.id).await, Err(Error::NotFound("agent")));
    for kept in [named.agent.id, stays.id] {
        assert_eq!(agent(kept).await, Ok(()));
    }
    world.clock.advance(335 * DAY);
    assert_eq!(round(world).await.builds, 1, "the job goes with its build");
    round(world).await;
    assert_eq!(round(world).await.agents, 0);
    assert_eq!(agent(named.agent.id).await, Err(Error::NotFound("agent")), "and its agent after it");
}
