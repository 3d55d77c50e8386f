//! The bytes of artifacts: what an address is good for, what is taken in, and what leaves no trace.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_control::access::actions::RevokeAgentToken;
use countersign_control::agent_tokens::{NewAgentToken, Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::artifacts::{
    DOWNLOAD_TIME, DOWNLOADS_OF_BUILD, Ended, FormField, LOOK_EVERY, NewArtifact, PLACE_TIME, Search, UPLOAD_GRACE,
    UPLOAD_TIME, UPLOADS_OF_JOB,
};
use countersign_control::{Error, Result};
use countersign_store::IntoValue;
use countersign_store::blobs::BlobName;
use countersign_testkit::World;

use crate::acting::{ONE_STEP, build, connect, field_of, finish, fresh_id, running_job, start, take, token};
use crate::artifacts::{
    SHA256, announce, batch, blobs, end, fetch, find, hello, leave, query, send, taken_apart, try_announce,
};
use crate::sql;

/// So long nothing is waited for that comes only when the clock goes on.
const SILENCE: Duration = Duration::from_millis(20);

fn is_denied<T: std::fmt::Debug>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Denied { .. }))
}

pub async fn an_address_is_good_for_one_thing_and_for_a_time(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let announced = announce(control, &job, &["a", "b"]).await;
    let [first, second] = &announced.addresses[..] else { panic!("two addresses") };
    let ((a, for_a), (b, for_b)) = (taken_apart(first), taken_apart(second));
    assert!(is_denied(&control.begin_upload(a, &for_b).await), "an address is for one artifact");
    assert!(is_denied(&control.begin_download(a, &for_a).await), "and for one direction");
    for odd in ["", "expires=1", &for_a.replace("signature=", "signature=0"), &format!("{for_a}&x=y")] {
        assert!(is_denied(&control.begin_upload(a, odd).await), "{odd}");
    }
    assert!(is_denied(&control.begin_upload(fresh_id(control), &for_a).await));
    world.clock.advance(UPLOAD_TIME);
    assert!(is_denied(&control.begin_upload(b, &for_b).await), "it has expired");
    leave(control, &job, &["c"]).await;
    let (_, address) = find(control, &job, query("c")).await.remove(0);
    let address = address.expect("an address");
    world.clock.advance(DOWNLOAD_TIME - Duration::from_secs(1));
    fetch(control, &address).await.expect("in time");
    world.clock.advance(Duration::from_secs(1));
    assert!(is_denied(&fetch(control, &address).await), "it has expired");
}

pub async fn nothing_is_taken_in_after_the_end(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let announced = announce(control, &job, &["a", "b"]).await;
    send(control, &announced.addresses[0], b"hello").await.expect("taken in");
    end(control, &job, &announced.ids[..1], Ended::Finished).await.expect("ended");
    assert!(matches!(send(control, &announced.addresses[0], b"hello").await, Err(Error::Conflict(_))));
    finish(control, &job, "0").await;
    send(control, &announced.addresses[1], b"hello").await.expect("a grace after the job's end");
    world.clock.advance(UPLOAD_GRACE);
    assert!(matches!(send(control, &announced.addresses[1], b"hello").await, Err(Error::Conflict(_))));
}

pub async fn a_form_names_its_file_by_path(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let announced = announce(control, &job, &["a", "b"]).await;
    let form = |path: &str| -> BTreeMap<FormField, String> {
        let given = announced.form.iter().map(|(name, value)| (*name, value.clone()));
        let given: BTreeMap<_, _> = given.chain([("path", path.to_owned())]).collect();
        FormField::ALL.into_iter().map(|field| (field, given[field.name()].clone())).collect()
    };
    let mut upload = control.begin_form_upload(&form("b")).await.expect("begun");
    upload.push(bytes::Bytes::from_static(b"hello")).await.expect("taken in");
    upload.finish().await.expect("finished");
    end(control, &job, &announced.ids[1..], Ended::Finished).await.expect("it is the second");
    assert_eq!(field_of(control.begin_form_upload(&form("c")).await), "path");
    for field in FormField::ALL {
        let mut without = form("a");
        without.remove(&field);
        assert!(control.begin_form_upload(&without).await.is_err(), "without {field:?}");
        if field != FormField::Path {
            let mut other = form("a");
            other.insert(field, fresh_id::<()>(control).to_string());
            assert!(is_denied(&control.begin_form_upload(&other).await), "another {field:?}");
        }
    }
}

pub async fn an_upload_that_is_dropped_in_the_middle_cannot_be_seen(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let big = NewArtifact { size: 3 << 20, ..hello("big") };
    let announced = try_announce(control, &job, batch(vec![big])).await.expect("announced");
    let (id, query) = taken_apart(&announced.addresses[0]);
    let before = blobs(world).await;
    let mut upload = control.begin_upload(id, &query).await.expect("begun");
    upload.push(vec![0; 2 << 20].into()).await.expect("taken in");
    assert_eq!(blobs(world).await, before);
    drop(upload);
    assert_eq!(blobs(world).await, before);
    assert!(matches!(end(control, &job, &announced.ids, Ended::Finished).await, Err(Error::Conflict(_))));
}

pub async fn bytes_that_are_not_as_announced_leave_nothing(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let before = blobs(world).await;
    let announced = announce(control, &job, &["a"]).await;
    let address = &announced.addresses[0];
    for lie in [&b"hellO"[..], b"hell", b"hello!", b""] {
        assert!(matches!(send(control, address, lie).await, Err(Error::Conflict(_))), "{lie:?}");
        assert!(matches!(end(control, &job, &announced.ids, Ended::Finished).await, Err(Error::Conflict(_))));
    }
    // Of two hashes both count.
    let mixed = NewArtifact { sha256: SHA256.replace('2', "3"), ..hello("b") };
    let mixed = try_announce(control, &job, batch(vec![mixed])).await.expect("announced");
    assert!(matches!(send(control, &mixed.addresses[0], b"hello").await, Err(Error::Conflict(_))));
    assert_eq!(blobs(world).await, before, "nothing can be seen");
    assert!(
        find(control, &job, Search { query: "*".to_owned(), ..Search::default() })
            .await
            .iter()
            .all(|(_, url)| url.is_none())
    );
    send(control, address, b"hello").await.expect("the truth is taken in");
    send(control, address, b"hello").await.expect("and again, when its answer was lost");
    end(control, &job, &announced.ids, Ended::Finished).await.expect("ended");
}

/// What comes of it, while the clock goes on for as long as a place is waited for.
async fn in_time<T>(world: &World, outcome: impl Future<Output = Result<T>>) -> Result<T> {
    let mut outcome = std::pin::pin!(outcome);
    for _ in 0..PLACE_TIME.as_secs() * 100 {
        if let Ok(outcome) = tokio::time::timeout(SILENCE, &mut outcome).await {
            return outcome;
        }
        world.clock.advance(Duration::from_secs(1));
    }
    panic!("nobody waits so long")
}

fn is_busy<T: std::fmt::Debug>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Unavailable { code: "busy", .. }))
}

pub async fn what_failed_is_gone_with_its_bytes(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let before = blobs(world).await;
    let announced = announce(control, &job, &["a", "b"]).await;
    send(control, &announced.addresses[0], b"hello").await.expect("taken in");
    let found = find(control, &job, Search { query: "a".to_owned(), ..Search::default() }).await;
    let address = found[0].1.clone().expect("an address");
    // One is whole when it fails, the other on its way.
    let (id, query) = taken_apart(&announced.addresses[1]);
    let mut under_way = control.begin_upload(id, &query).await.expect("begun");
    under_way.push(bytes::Bytes::from_static(b"hello")).await.expect("taken in");
    end(control, &job, &announced.ids, Ended::Failed).await.expect("ended");
    assert!(matches!(under_way.finish().await, Err(Error::Conflict(_))));
    assert_eq!(blobs(world).await, before, "nothing stays");
    assert_eq!(fetch(control, &address).await, Err(Error::NotFound("artifact")));
    for (id, address) in announced.ids.iter().zip(&announced.addresses) {
        assert!(matches!(send(control, address, b"hello").await, Err(Error::Conflict(_))), "nothing comes after it");
        assert!(matches!(end(control, &job, &[*id], Ended::Finished).await, Err(Error::Conflict(_))));
    }
}

pub async fn the_bytes_of_what_failed_count_until_they_are_gone(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let before = blobs(world).await.len();
    let most = control.settings().artifacts.size_per_job;
    let all = control.settings().artifacts.size;
    let announced = announce(control, &job, &["a"]).await;
    send(control, &announced.addresses[0], b"hello").await.expect("taken in");
    // As when the store of artifacts was away, or the server ended, before they could be removed.
    let fails = "UPDATE artifacts SET state = 'error' WHERE id = $1";
    assert_eq!(sql::change(control, fails, vec![announced.ids[0].into_value()]).await, 1);
    let fill = |size: u64| NewArtifact { size: i64::try_from(size).expect("it fits"), ..hello(&format!("{size}")) };
    for count in 0..most / all - 1 {
        let more = NewArtifact { path: format!("more {count}"), ..fill(all) };
        try_announce(control, &job, batch(vec![more])).await.expect("there is room");
    }
    let rest = all - 5;
    let message = try_announce(control, &job, batch(vec![fill(rest + 1)])).await.expect_err("too many").to_string();
    assert!(message.contains("bytes together"), "{message}");
    assert_eq!(control.sweep().await.expect("swept").artifacts_emptied, 1);
    assert_eq!(blobs(world).await.len(), before);
    try_announce(control, &job, batch(vec![fill(rest + 1)])).await.expect("there is room again");
    assert_eq!(control.sweep().await.expect("swept").artifacts_emptied, 0);
}

pub async fn what_is_there_is_never_written_again(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let announced = announce(control, &job, &["a"]).await;
    let (id, query) = taken_apart(&announced.addresses[0]);
    let mut tries = Vec::new();
    for bytes in [&b"hello"[..], b"hello", b"hellO", b"hello"] {
        let mut upload = control.begin_upload(id, &query).await.expect("begun");
        upload.push(bytes::Bytes::from_static(bytes)).await.expect("taken in");
        tries.push(upload);
    }
    let mut tries = tries.into_iter();
    let mut next = || tries.next().expect("another try").finish();
    next().await.expect("the first");
    // Behind the server's back, so that writing again can be seen.
    let store = world.database.blobs();
    let name = BlobName::of_artifact(world.acme.created.organization.id, job.build, id);
    store.delete(&name).await.expect("taken away");
    next().await.expect("the same again is no fault");
    assert!(matches!(next().await, Err(Error::Conflict(_))), "other bytes are one");
    end(control, &job, &announced.ids, Ended::Finished).await.expect("ended");
    assert!(matches!(next().await, Err(Error::Conflict(_))), "nothing comes after the end");
    assert!(store.size(&name).await.is_err(), "it was not written again");
}

pub async fn uploads_that_drip_hold_up_their_own_job_alone(world: &World) {
    let control = &world.control;
    let (one, other) = (running_job(control, &world.acme).await, running_job(control, &world.acme).await);
    let paths: Vec<String> = (0..=UPLOADS_OF_JOB).map(|number| number.to_string()).collect();
    let announced = announce(control, &one, &paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut held = Vec::new();
    for address in &announced.addresses[..UPLOADS_OF_JOB] {
        let (id, query) = taken_apart(address);
        held.push(control.begin_upload(id, &query).await.expect("begun"));
    }
    let last = &announced.addresses[UPLOADS_OF_JOB];
    assert!(is_busy(&in_time(world, send(control, last, b"hello")).await), "it waits, and is told to come again");
    leave(control, &other, &["x"]).await;
    let sending = send(control, last, b"hello");
    let freeing = async {
        tokio::time::timeout(SILENCE, std::future::pending::<()>()).await.expect_err("nothing comes");
        held.pop();
    };
    tokio::join!(sending, freeing).0.expect("it waited for the place");
}

pub async fn an_upload_ends_with_its_job_and_with_its_agents_token(world: &World) {
    let control = &world.control;
    let push = bytes::Bytes::from_static(b"h");
    let job = running_job(control, &world.acme).await;
    let announced = announce(control, &job, &["a"]).await;
    let (id, query) = taken_apart(&announced.addresses[0]);
    let mut upload = control.begin_upload(id, &query).await.expect("begun");
    finish(control, &job, "0").await;
    world.clock.advance(LOOK_EVERY);
    upload.push(push.clone()).await.expect("a grace after the job's end");
    world.clock.advance(UPLOAD_GRACE);
    assert!(matches!(upload.push(push.clone()).await, Err(Error::Conflict(_))));

    let issued = token(world, NewAgentToken::default()).await;
    build(control, &world.acme, ONE_STEP).await;
    let agent = connect(control, issued.secret.reveal(), &[]).await;
    let job = take(control, &agent).await;
    start(control, &job).await;
    let announced = announce(control, &job, &["a"]).await;
    let (id, query) = taken_apart(&announced.addresses[0]);
    let mut upload = control.begin_upload(id, &query).await.expect("begun");
    let revocation = Revocation {
        token: TokenReference::Id(issued.token.token.id),
        reason: "stolen".to_owned(),
        connected_agents: Reach::Disconnect,
        expected: None,
    };
    control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation).await.expect("revoked");
    world.clock.advance(LOOK_EVERY);
    assert!(matches!(upload.push(push).await, Err(Error::Conflict(_))), "no grace for it");
    assert!(matches!(control.begin_upload(id, &query).await, Err(Error::Conflict(_))));
}

pub async fn downloads_that_drip_hold_up_their_own_build_alone(world: &World) {
    let control = &world.control;
    let (one, other) = (running_job(control, &world.acme).await, running_job(control, &world.acme).await);
    leave(control, &one, &["a"]).await;
    leave(control, &other, &["b"]).await;
    let address = find(control, &one, query("a")).await.remove(0).1.expect("an address");
    let others = find(control, &other, query("b")).await.remove(0).1.expect("an address");
    let (id, signed) = taken_apart(&address);
    let mut held = Vec::new();
    for _ in 0..DOWNLOADS_OF_BUILD {
        held.push(control.begin_download(id, &signed).await.expect("begun"));
    }
    assert!(is_busy(&in_time(world, fetch(control, &address)).await), "it waits, and is told to come again");
    assert_eq!(fetch(control, &others).await.expect("another build's"), b"hello");
    held.pop();
    assert_eq!(fetch(control, &address).await.expect("a place is free"), b"hello");
}
