//! Artifacts: announcing, bytes, ends, searching, and how far a job reaches.

use std::time::Duration;

use countersign_control::access::actions::{KeepHouse, ReadArtifacts, UploadArtifacts, ViewBuilds};
use countersign_control::artifacts::{Announced, Artifact, Ended, Limits, MAX_BATCH, NewArtifact, NewBatch, Search};
use countersign_control::{Action, Control, Error, PageRequest, Result, Settings};
use countersign_domain::artifact::ArtifactState;
use countersign_domain::id::ArtifactId;
use countersign_store::{IntoValue, Store};
use countersign_testkit::{SeededEntropy, World};

use crate::acting::{Job, build, connect, field_of, finish, may, next, running_job, start, take};
use crate::sql;

/// SHA-1 of `hello`.
const SHA1: &str = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";
/// SHA-256 of `hello`.
pub const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// A file that says `hello`.
pub fn hello(path: &str) -> NewArtifact {
    NewArtifact {
        path: path.to_owned(),
        absolute_path: format!("/build/{path}"),
        size: 5,
        sha1: SHA1.to_owned(),
        sha256: SHA256.to_owned(),
        content_type: "text/plain".to_owned(),
        url: None,
    }
}

/// A batch with an id of its own.
pub fn batch(artifacts: Vec<NewArtifact>) -> NewBatch {
    let id = countersign_domain::Id::<()>::new(countersign_domain::Timestamp::EPOCH, &SeededEntropy::new(next()));
    NewBatch { id: id.to_string(), upload_destination: String::new(), artifacts }
}

pub async fn try_announce(control: &Control, job: &Job, batch: NewBatch) -> Result<Announced> {
    control.announce_artifacts(&may::<UploadArtifacts>(control, &job.caller), batch).await
}

pub async fn announce(control: &Control, job: &Job, paths: &[&str]) -> Announced {
    let files = paths.iter().map(|path| hello(path)).collect();
    try_announce(control, job, batch(files)).await.expect("announced")
}

/// The id and the query of a signed address.
pub fn taken_apart(address: &str) -> (ArtifactId, String) {
    let (place, query) = address.split_once('?').expect("a query");
    let id = place.strip_prefix("http://localhost:8420/v3/artifacts/").expect("the server's own address");
    (id.parse().expect("an id"), query.to_owned())
}

pub async fn send(control: &Control, address: &str, bytes: &'static [u8]) -> Result<()> {
    let (id, query) = taken_apart(address);
    let mut upload = control.begin_upload(id, &query).await?;
    for byte in bytes.chunks(2) {
        if let Err(error) = upload.push(bytes::Bytes::from_static(byte)).await {
            upload.abandon().await;
            return Err(error);
        }
    }
    upload.finish().await
}

pub async fn fetch(control: &Control, address: &str) -> Result<Vec<u8>> {
    let (id, query) = taken_apart(address);
    let download = control.begin_download(id, &query).await?;
    Ok(download.read(0..download.size()).await?.to_vec())
}

pub async fn end(control: &Control, job: &Job, ids: &[ArtifactId], how: Ended) -> Result<()> {
    let ended = ids.iter().map(|id| (*id, how)).collect();
    control.end_artifacts(&may::<UploadArtifacts>(control, &job.caller), ended).await
}

/// Leaves files behind, whole.
pub async fn leave(control: &Control, job: &Job, paths: &[&str]) -> Vec<ArtifactId> {
    let announced = announce(control, job, paths).await;
    for address in &announced.addresses {
        send(control, address, b"hello").await.expect("taken in");
    }
    end(control, job, &announced.ids, Ended::Finished).await.expect("ended");
    announced.ids
}

pub async fn find(control: &Control, job: &Job, search: Search) -> Vec<(Artifact, Option<String>)> {
    control.search_artifacts(&may::<ReadArtifacts>(control, &job.caller), search).await.expect("an answer")
}

async fn paths(control: &Control, job: &Job, search: Search) -> Vec<String> {
    let mut paths: Vec<_> = find(control, job, search).await.into_iter().map(|(it, _)| it.path).collect();
    paths.sort_unstable();
    paths
}

pub fn query(query: &str) -> Search {
    Search { query: query.to_owned(), state: "finished".to_owned(), ..Search::default() }
}

pub async fn blobs(world: &World) -> Vec<String> {
    world.database.blobs().names().await.expect("the names of blobs")
}

pub async fn what_is_announced_sent_and_ended_is_found_and_fetched(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let ids = leave(control, &job, &["pkg/a.txt", "b.log"]).await;
    let found = find(control, &job, query("pkg/*")).await;
    let [(artifact, Some(address))] = &found[..] else { panic!("one is found: {found:?}") };
    assert_eq!((artifact.id, artifact.size, artifact.state), (ids[0], 5, ArtifactState::Finished));
    assert_eq!(fetch(control, address).await.expect("its bytes"), b"hello");
    let admin = world.admin::<ViewBuilds>();
    let (seen, address) = control.artifact(&admin, ids[1]).await.expect("a person sees it");
    assert_eq!(
        (seen.path.as_str(), fetch(control, &address.expect("an address")).await),
        ("b.log", Ok(b"hello".to_vec()))
    );
    let page = PageRequest::first(1);
    let of_build = control.build_artifacts(&admin, job.build, page).await.expect("a page");
    assert_eq!((of_build.items.len(), of_build.has_more), (1, true));
    let after = PageRequest { after: Some(of_build.items[0].id), limit: 9 };
    assert_eq!(control.job_artifacts(&admin, job.id, after).await.expect("a page").items.len(), 1);
}

pub async fn a_batch_that_comes_again_has_the_same_ids(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let new = batch(vec![hello("a"), hello("b")]);
    let first = try_announce(control, &job, new.clone()).await.expect("announced");
    world.clock.advance(Duration::from_secs(5));
    let again = try_announce(control, &job, new.clone()).await.expect("announced again");
    assert_eq!(first.ids, again.ids);
    let other = NewBatch { artifacts: vec![hello("a"), hello("c")], ..new.clone() };
    assert!(matches!(try_announce(control, &job, other).await, Err(Error::Conflict(_))));
    // Another job's batch of the same id is another batch.
    let second = running_job(control, &world.acme).await;
    assert_ne!(try_announce(control, &second, new).await.expect("announced").ids, first.ids);
    let rows = "SELECT COUNT(*) AS n FROM artifacts WHERE job_id = $1";
    assert_eq!(sql::value::<i64>(control, rows, vec![job.id.into_value()], "n").await, 2);
}

pub async fn what_cannot_be_taken_is_named_and_makes_nothing(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    for bad in [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a\\b",
        "NUL",
        "C:x",
        "a\0b",
        "a\u{202e}b",
        "a//b",
        "b.",
        &"a".repeat(2_000),
    ] {
        let outcome = try_announce(control, &job, batch(vec![hello("good"), hello(bad)])).await;
        let message = outcome.as_ref().expect_err("refused").to_string();
        assert_eq!(field_of(outcome), "artifacts[1].path", "{bad:?}");
        let head: String = format!("{bad:?}").chars().take(8).filter(|c| *c != '"').collect();
        assert!(message.contains(&head), "{message} names {bad:?}");
    }
    let with = |change: fn(&mut NewArtifact)| {
        let mut file = hello("a");
        change(&mut file);
        batch(vec![file])
    };
    for (field, new) in [
        ("artifacts[0].file_size", with(|file| file.size = -1)),
        ("artifacts[0].file_size", with(|file| file.size = (5 << 30) + 1)),
        ("artifacts[0].sha1sum", with(|file| file.sha1 = "x".to_owned())),
        ("artifacts[0].sha256sum", with(|file| file.sha256 = SHA256.to_uppercase())),
        ("artifacts[0].absolute_path", with(|file| file.absolute_path = "a\0".to_owned())),
        ("artifacts[1].path", batch(vec![hello("a"), hello("a")])),
        ("artifacts", batch(vec![])),
        ("artifacts", batch((0..=MAX_BATCH).map(|n| hello(&n.to_string())).collect())),
        ("id", NewBatch { id: "one".to_owned(), ..batch(vec![hello("a")]) }),
        ("upload_destination", NewBatch { upload_destination: "file:///etc".to_owned(), ..batch(vec![hello("a")]) }),
    ] {
        assert_eq!(field_of(try_announce(control, &job, new).await), field);
    }
    assert_eq!(
        sql::value::<i64>(
            control,
            "SELECT COUNT(*) AS n FROM artifacts WHERE organization_id = $1",
            vec![world.acme.created.organization.id.into_value()],
            "n"
        )
        .await,
        0
    );
}

pub async fn the_limits_of_a_job_hold(world: &mut World) {
    let keys = crate::worlds::ring(&world.control.keys());
    world.control.store().close().await;
    let store = Store::open(world.database.options(world.clock.clone())).await.expect("opens");
    let limits = Limits { per_job: 3, size: 5, size_per_job: 12 };
    let settings = Settings { artifacts: limits, ..Settings::default() };
    let entropy = std::sync::Arc::new(SeededEntropy::new(next()));
    world.control =
        Control::new(store, keys, world.clock.clone(), entropy, settings).keeping_blobs(world.database.blobs());
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let large = NewArtifact { size: 6, ..hello("large") };
    assert_eq!(field_of(try_announce(control, &job, batch(vec![large])).await), "artifacts[0].file_size");
    let three = batch(vec![hello("a"), hello("b"), hello("c")]);
    let message = try_announce(control, &job, three).await.expect_err("15 bytes").to_string();
    assert!(message.contains("15 bytes") && message.contains("12"), "{message}");
    let two = announce(control, &job, &["a", "b"]).await;
    let empty = NewArtifact { size: 0, ..hello("c") };
    try_announce(control, &job, batch(vec![empty.clone()])).await.expect("an empty one fits");
    let message = try_announce(control, &job, batch(vec![NewArtifact { path: "d".to_owned(), ..empty }])).await;
    let message = message.expect_err("a fourth").to_string();
    assert!(message.contains("4 artifacts") && message.contains('3'), "{message}");
    // What failed gives its bytes back, and not its place.
    end(control, &job, &two.ids, Ended::Failed).await.expect("ended");
    assert!(matches!(try_announce(control, &job, batch(vec![hello("e")])).await, Err(Error::Conflict(_))));
}

pub async fn an_end_that_is_told_again_changes_nothing(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let announced = announce(control, &job, &["a", "b"]).await;
    send(control, &announced.addresses[0], b"hello").await.expect("taken in");
    // All or none.
    assert!(matches!(end(control, &job, &announced.ids, Ended::Finished).await, Err(Error::Conflict(_))));
    assert_eq!(paths(control, &job, query("*")).await, [""; 0]);
    end(control, &job, &announced.ids[..1], Ended::Finished).await.expect("ended");
    end(control, &job, &announced.ids[1..], Ended::Failed).await.expect("ended");
    let rows = "SELECT COUNT(*) AS n FROM audit_events WHERE action = 'artifacts.ended' AND subject_id = $1";
    let count = async || sql::value::<i64>(control, rows, vec![job.id.into_value()], "n").await;
    assert_eq!(count().await, 2);
    end(control, &job, &announced.ids[..1], Ended::Finished).await.expect("again");
    end(control, &job, &announced.ids, Ended::Failed).await.expect("what is there does not fail any more");
    assert_eq!(count().await, 2);
    assert_eq!(paths(control, &job, query("*")).await, ["a"]);
}

pub async fn a_search_finds_the_newest_of_each_path(world: &World) {
    let control = &world.control;
    let steps = "steps: [{command: a, key: one, label: First}, {command: b, key: two}]";
    build(control, &world.acme, steps).await;
    let (agent, other) =
        (connect(control, world.acme.agent_token(), &[]).await, connect(control, world.acme.agent_token(), &[]).await);
    let (one, two) = (take(control, &agent).await, take(control, &other).await);
    for job in [&one, &two] {
        start(control, job).await;
    }
    let old = leave(control, &one, &["log.txt", "a/b/c.txt"]).await;
    world.clock.advance(Duration::from_secs(1));
    let new = leave(control, &two, &["log.txt"]).await;
    let newest = find(control, &one, query("log.txt")).await;
    assert_eq!(newest.iter().map(|(it, _)| it.id).collect::<Vec<_>>(), new);
    let all = Search { include_duplicates: true, ..query("*.txt") };
    assert_eq!(paths(control, &one, all).await, ["a/b/c.txt", "log.txt", "log.txt"]);
    for (scope, count) in [("one", 2), ("First", 2), ("two", 1), (one.id.to_string().as_str(), 2), ("three", 0)] {
        let found = find(control, &two, Search { scope: scope.to_owned(), ..query("*") }).await;
        assert_eq!(found.len(), count, "{scope}");
    }
    assert!(find(control, &two, Search { scope: "one".to_owned(), ..query("log.txt") }).await[0].0.id == old[0]);
    assert_eq!(
        field_of(control.search_artifacts(&may::<ReadArtifacts>(control, &one.caller), query("[a")).await),
        "query"
    );
    let odd = Search { state: "gone".to_owned(), ..query("*") };
    assert_eq!(field_of(control.search_artifacts(&may::<ReadArtifacts>(control, &one.caller), odd).await), "state");
}

pub async fn a_job_reaches_its_own_build_only(world: &World) {
    let control = &world.control;
    let (mine, other) = (running_job(control, &world.acme).await, running_job(control, &world.acme).await);
    let theirs = announce(control, &other, &["secret"]).await;
    send(control, &theirs.addresses[0], b"hello").await.expect("taken in");
    assert_eq!(end(control, &mine, &theirs.ids, Ended::Finished).await, Err(Error::NotFound("artifact")));
    end(control, &other, &theirs.ids, Ended::Finished).await.expect("ended");
    assert_eq!(paths(control, &mine, query("*")).await, [""; 0]);
    let foreign = Search { scope: other.id.to_string(), ..query("*") };
    assert_eq!(paths(control, &mine, foreign).await, [""; 0]);
    assert!(control.grant_on_build::<ReadArtifacts>(&mine.caller, other.build).is_err());
    assert!(control.grant_on_job::<UploadArtifacts>(&mine.caller, other.id).is_err());
}

pub async fn a_place_of_the_users_own_gets_the_bytes_itself(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let url = "https://bucket.example/a.txt".to_owned();
    let file = NewArtifact { url: Some(url.clone()), ..hello("a.txt") };
    let new = NewBatch { upload_destination: "s3://bucket/x".to_owned(), ..batch(vec![file]) };
    let announced = try_announce(control, &job, new).await.expect("announced");
    assert!(announced.addresses.is_empty() && announced.form.is_empty());
    end(control, &job, &announced.ids, Ended::Finished).await.expect("by the agent's word");
    let (found, address) = find(control, &job, query("a.txt")).await.remove(0);
    assert_eq!((found.upload_destination.as_deref(), address), (Some("s3://bucket/x"), Some(url)));
}

pub async fn what_nobody_brings_is_given_up(world: &World) {
    let control = &world.control;
    assert_eq!(<KeepHouse as Action>::NAME, "house.keep");
    let job = running_job(control, &world.acme).await;
    let announced = announce(control, &job, &["half", "never"]).await;
    send(control, &announced.addresses[0], b"hello").await.expect("taken in");
    let with = blobs(world).await.len();
    finish(control, &job, "0").await;
    world.clock.advance(Duration::from_secs(23 * 3600));
    assert_eq!(control.sweep().await.expect("swept").artifacts_abandoned, 0);
    world.clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(control.sweep().await.expect("swept").artifacts_abandoned, 2);
    assert_eq!(blobs(world).await.len(), with - 1, "its bytes have gone");
    let states = sql::rows(control, "SELECT state FROM artifacts WHERE job_id = $1", vec![job.id.into_value()]).await;
    assert!(states.iter().all(|row| row.get::<String>("state").as_deref() == Ok("error")));
    assert_eq!(control.sweep().await.expect("swept").artifacts_abandoned, 0);
}
