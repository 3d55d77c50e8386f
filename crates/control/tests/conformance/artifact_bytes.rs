//! The bytes of artifacts: what an address is good for, what is taken in, and what leaves no trace.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_control::artifacts::{DOWNLOAD_TIME, Ended, FormField, NewArtifact, Search, UPLOAD_GRACE, UPLOAD_TIME};
use countersign_control::{Error, Result};
use countersign_testkit::World;

use crate::acting::{field_of, finish, fresh_id, running_job};
use crate::artifacts::{
    SHA256, announce, batch, blobs, end, fetch, find, hello, leave, query, send, taken_apart, try_announce,
};

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
