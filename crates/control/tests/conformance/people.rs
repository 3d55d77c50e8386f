//! What people see of builds, jobs, pipelines and artifacts, and do to them.

use std::time::Duration;

use countersign_control::access::actions::{
    AppendLog, CreateBuild, DeleteArtifact, PrioritizeJob, RetryJob, ViewBuilds,
};
use countersign_control::artifacts::{Ended, Search};
use countersign_control::builds::{Build, NewBuild, Wanted};
use countersign_control::jobs::NewChunk;
use countersign_control::{Error, PageRequest};
use countersign_domain::build::JobState;
use countersign_domain::graph::Kind;
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{ONE_STEP, build, connect, field_of, finish, may, running_job, start, take};
use crate::artifacts::{announce, blobs, end, fetch, find, leave, query};
use crate::sql;

async fn make(world: &World, pipeline: &str, branch: &str, commit: &str) -> Build {
    world.clock.advance(Duration::from_secs(1));
    let new = NewBuild {
        definition: ONE_STEP.to_owned(),
        pipeline: pipeline.to_owned(),
        branch: Some(branch.to_owned()),
        commit: Some(commit.to_owned()),
        ..NewBuild::default()
    };
    world.control.create_build(&world.admin::<CreateBuild>(), new).await.expect("made")
}

pub async fn builds_are_chosen_by_who_made_them(world: &World) {
    let control = &world.control;
    let one = make(world, "demo", "main", "c1").await;
    let two = make(world, "other", "a%", "c2").await;
    let found = async |wanted: Wanted| {
        let page = control.find_builds(&world.admin::<ViewBuilds>(), wanted, PageRequest::first(9)).await;
        page.expect("a page").items.iter().map(|it| it.id).collect::<Vec<_>>()
    };
    let creator = Some(world.acme.created.admin.id);
    assert_eq!(found(Wanted { creator, ..Wanted::default() }).await, [two.id, one.id]);
    let pipeline = Some(one.pipeline);
    assert_eq!(found(Wanted { creator, pipeline, ..Wanted::default() }).await, [one.id]);
    let creator = Some(crate::acting::fresh_id(control));
    assert_eq!(found(Wanted { creator, ..Wanted::default() }).await, []);
    let count = control.count_builds(&world.admin::<ViewBuilds>(), Wanted { pipeline, ..Wanted::default() }).await;
    assert_eq!(count, Ok(1));
}

pub async fn a_whole_build_has_its_jobs_and_the_other_steps(world: &World) {
    let control = &world.control;
    let steps =
        "steps: [{command: a, key: a, artifact_paths: '*.txt'}, wait, {group: G, steps: [{command: b}]}, {block: Go}]";
    let id = build(control, &world.acme, steps).await.id;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let job = take(control, &agent).await;
    start(control, &job).await;
    finish(control, &job, "1").await;
    let again = control.retry_job(&world.admin::<RetryJob>(), job.id).await.expect("run again");
    let grant = world.admin::<ViewBuilds>();
    let whole = control.whole_builds(&grant, vec![id], true).await.expect("whole").remove(0);
    assert_eq!(whole.creator.map(|it| it.id), Some(world.acme.created.admin.id));
    let kinds: Vec<_> = whole.entries.iter().map(|it| (it.step.step.kind, it.job.is_some())).collect();
    let command = (Kind::Command, true);
    assert_eq!(kinds, [command, command, (Kind::Wait, false), command, (Kind::Block, false)]);
    let ids: Vec<_> = whole.entries.iter().filter_map(|it| it.job.as_ref().map(|job| job.id)).take(2).collect();
    assert_eq!(ids, [job.id, again.id]);
    assert_eq!(whole.entries[0].agent.as_ref().map(|it| it.id), Some(agent.id));
    let mut counts = whole.counts.clone();
    counts.sort_unstable();
    assert_eq!(
        counts,
        [(JobState::Waiting, false, 1), (JobState::Scheduled, false, 1)],
        "what was run again is not counted"
    );
    let block = &whole.entries[4].step;
    let (of, entry) = control.entry(&grant, block.id.cast()).await.expect("a step by its own id");
    assert_eq!((of.id, entry.step.id, entry.job.is_none()), (id, block.id, true));
    let of_command = control.entry(&grant, whole.entries[0].step.id.cast()).await;
    assert!(matches!(of_command, Err(Error::NotFound("job"))), "a command is shown by its jobs");
    let bare = control.whole_builds(&grant, vec![id], false).await.expect("whole").remove(0);
    assert!(bare.entries.is_empty() && !bare.counts.is_empty());
}

pub async fn a_job_that_waits_can_be_taken_sooner(world: &World) {
    let control = &world.control;
    build(control, &world.acme, ONE_STEP).await;
    let second = build(control, &world.acme, ONE_STEP).await.id;
    let job = control.build_jobs(&world.admin::<ViewBuilds>(), second).await.expect("its jobs").remove(0);
    let grant = world.admin::<PrioritizeJob>();
    for wrong in [i64::MIN, 2_147_483_648] {
        assert_eq!(field_of(control.prioritize_job(&grant, job.id, wrong).await), "priority");
    }
    assert_eq!(control.prioritize_job(&grant, job.id, 5).await.expect("sooner").priority, 5);
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    assert_eq!(take(control, &agent).await.id, job.id);
    let late = control.prioritize_job(&grant, job.id, 6).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    control.prioritize_job(&grant, job.id, 5).await.expect("what is so already changes nothing");
}

pub async fn the_variables_of_a_job_are_what_its_agent_is_told(world: &World) {
    let control = &world.control;
    let id = build(control, &world.acme, "{env: {A: pipeline}, steps: [{command: a, env: {B: step}}]}").await.id;
    let grant = world.admin::<ViewBuilds>();
    let job = control.build_jobs(&grant, id).await.expect("its jobs").remove(0).id;
    let before = control.job_env(&grant, job).await.expect("variables");
    assert_eq!((before["A"].as_str(), before["B"].as_str(), before.len()), ("pipeline", "step", 2));
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let taken = take(control, &agent).await;
    let after = control.job_env(&grant, job).await.expect("variables");
    assert_eq!((after["B"].as_str(), after["BUILDKITE_JOB_ID"].as_str()), ("step", job.to_string().as_str()));
    assert!(!after.values().any(|value| value.contains(taken.secret.reveal())), "no token");
}

pub async fn a_log_has_a_length_and_an_end(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let grant = world.admin::<ViewBuilds>();
    let size = async || control.job_log_extent(&grant, job.id).await.expect("a length").size();
    assert_eq!(size().await, 0);
    for (sequence, offset, content) in [(1, 0, "one\n"), (2, 2, "e\ntwo\n"), (4, 20, "four\n")] {
        let chunk = NewChunk { sequence, offset, content: content.into() };
        control.append_log(&may::<AppendLog>(control, &job.caller), chunk).await.expect("kept");
    }
    assert_eq!(size().await, 8, "what is behind a gap is held back");
    finish(control, &job, "0").await;
    let extent = control.job_log_extent(&grant, job.id).await.expect("a length");
    assert_eq!((extent.size(), extent.last(7)), (13, 6));
    assert_eq!(control.job_log(&grant, job.id, extent.last(7)).await.expect("its end").content, b"o\nfour\n");
}

pub async fn a_deleted_artifact_is_gone_with_its_bytes(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let ids = leave(control, &job, &["a.txt", "b.txt"]).await;
    let view = world.admin::<ViewBuilds>();
    let address = control.artifact(&view, ids[0]).await.expect("seen").1.expect("an address");
    let with = blobs(world).await.len();
    let grant = world.admin::<DeleteArtifact>();
    control.delete_artifact(&grant, ids[0]).await.expect("deleted");
    assert_eq!(blobs(world).await.len(), with - 1, "its bytes have gone");
    for gone in [control.delete_artifact(&grant, ids[0]).await.err(), control.artifact(&view, ids[0]).await.err()] {
        assert_eq!(gone, Some(Error::NotFound("artifact")));
    }
    assert_eq!(fetch(control, &address).await, Err(Error::NotFound("artifact")), "the address is good for nothing");
    assert_eq!(find(control, &job, query("*")).await.len(), 1);
    let page = PageRequest::first(9);
    assert_eq!(control.build_artifacts(&view, job.build, page).await.expect("a page").items.len(), 1);
    // What is on its way stays until that has ended.
    let coming = announce(control, &job, &["c.txt"]).await.ids;
    assert!(matches!(control.delete_artifact(&grant, coming[0]).await, Err(Error::Conflict(_))));
    end(control, &job, &coming, Ended::Failed).await.expect("ended");
    control.delete_artifact(&grant, coming[0]).await.expect("deleted");
    assert_eq!(control.remove_blobs().await.expect("looked at"), 0, "nothing is left to do");
}

pub async fn what_is_left_of_a_deleted_artifact_goes_with_the_next_sweep(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let ids = leave(control, &job, &["a.txt"]).await;
    let with = blobs(world).await.len();
    // The server stopped between the row and the bytes.
    let text = "UPDATE artifacts SET state = 'deleted', stored_at = NULL WHERE id = $1";
    sql::change(control, text, vec![ids[0].into_value()]).await;
    let text = "INSERT INTO blob_removals (artifact_id, organization_id, build_id, due_at, failures)
                SELECT id, organization_id, build_id, 0, 0 FROM artifacts WHERE id = $1";
    sql::change(control, text, vec![ids[0].into_value()]).await;
    assert_eq!(control.remove_blobs().await.expect("looked at"), 1);
    assert_eq!(blobs(world).await.len(), with - 1);
    assert_eq!(control.remove_blobs().await.expect("looked at"), 0);
}

pub async fn a_search_leaves_out_jobs_that_were_run_again(world: &World) {
    let control = &world.control;
    let first = running_job(control, &world.acme).await;
    leave(control, &first, &["old.txt", "log.txt"]).await;
    finish(control, &first, "1").await;
    control.retry_job(&world.admin::<RetryJob>(), first.id).await.expect("run again");
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let second = take(control, &agent).await;
    start(control, &second).await;
    world.clock.advance(Duration::from_secs(1));
    leave(control, &second, &["log.txt"]).await;
    let found = async |search: Search| {
        let mut paths: Vec<_> = find(control, &second, search).await.into_iter().map(|(it, _)| it.path).collect();
        paths.sort_unstable();
        paths
    };
    assert_eq!(found(query("*")).await, ["log.txt"]);
    assert_eq!(found(Search { include_retried_jobs: true, ..query("*") }).await, ["log.txt", "old.txt"]);
    let everything = Search { include_retried_jobs: true, include_duplicates: true, ..query("*") };
    assert_eq!(found(everything).await, ["log.txt", "log.txt", "old.txt"]);
    let view = world.admin::<ViewBuilds>();
    let page = control.build_artifacts(&view, second.build, PageRequest::first(9)).await.expect("a page");
    assert_eq!(page.items.len(), 3, "people see all of them");
}
