//! Snapshots of code locations: announced, sent, confirmed, loaded with, and removed.

use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use bytes::Bytes;
use countersign_control::access::actions::{RevokeAgentToken, TellCodeLocation};
use countersign_control::agent_tokens::{Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::code_locations::{MissingJob, Outcome};
use countersign_control::dagster::{
    ANNOUNCED_KEPT, Checked, MAX_ANNOUNCED, MAX_ANNOUNCED_BYTES, MAX_SNAPSHOT_BYTES, NewSnapshot, UNUSED_KEPT, Whole,
    Withheld,
};
use countersign_control::{Caller, Control, Error, Result};
use countersign_domain::dagster::{SnapshotKind, most_packed, pack};
use countersign_domain::id::{DagsterSnapshotId, DeploymentId};
use countersign_domain::text::hex;
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{caller, deployment, field_of, fresh_id, may};
use crate::code_locations::{agent, default_of, module, remove, set, tell};
use crate::dagster::{holder, only};
use crate::{sql, updating};

pub const CASES: &[crate::run::Case] = crate::list::cases!["dagster_snapshots"
    what_is_announced_and_sent_is_stored_once,
    what_is_not_what_was_announced_is_refused,
    an_address_ends_with_what_its_token_reaches,
    what_is_announced_has_its_place,
    one_token_announces_no_more_than_it_may,
    what_nothing_is_loaded_with_goes,
    what_comes_whole_is_kept_alike,
];

/// A moment.
const MOMENT: Duration = Duration::from_micros(1);

/// A snapshot as an agent announces it.
pub fn new(deployment: &str, kind: SnapshotKind, text: &str) -> NewSnapshot {
    NewSnapshot {
        deployment: deployment.to_owned(),
        kind: kind.to_string(),
        sha1: hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref()),
        size: i64::try_from(text.len()).expect("a small text"),
    }
}

async fn check(control: &Control, who: &Caller, new: NewSnapshot) -> Result<Checked> {
    control.check_dagster_snapshot(&may::<TellCodeLocation>(control, who), new).await
}

/// The id and the query of the address that was given.
fn address(checked: &Checked) -> (DagsterSnapshotId, String) {
    let id = checked.snapshot.as_ref().expect("a snapshot").id;
    let address = checked.address.as_deref().expect("it is to be sent");
    (id, address.split_once('?').expect("a query").1.to_owned())
}

async fn send(control: &Control, checked: &Checked, text: &str) -> Result<()> {
    let (id, query) = address(checked);
    let incoming = control.begin_dagster_snapshot(id, &query).await?.expect("it has not come");
    incoming.finish(Bytes::from(pack(text.as_bytes()).expect("into memory"))).await
}

/// A snapshot of the deployment `default`, there.
pub async fn stored(control: &Control, who: &Caller, kind: SnapshotKind, text: &str) -> DagsterSnapshotId {
    let checked = check(control, who, new("default", kind, text)).await.expect("an answer");
    send(control, &checked, text).await.expect("it is taken");
    checked.snapshot.expect("a snapshot").id
}

async fn count(control: &Control, of: DeploymentId) -> i64 {
    let text = "SELECT COUNT(*) AS n FROM dagster_snapshots WHERE deployment_id = $1";
    sql::value(control, text, vec![of.into_value()], "n").await
}

pub async fn what_is_announced_and_sent_is_stored_once(world: &World) {
    let (control, agent) = (&world.control, agent(world).await);
    let announced = check(control, &agent, new("default", SnapshotKind::Error, "why")).await.expect("an answer");
    let (id, query) = address(&announced);
    let confirm = async || {
        let grant = may::<TellCodeLocation>(control, &agent);
        control.confirm_dagster_snapshot(&grant, "default".to_owned(), id).await
    };
    assert!(matches!(confirm().await, Err(Error::Conflict(_))), "it has not come");
    send(control, &announced, "why").await.expect("it is taken");
    let confirmed = confirm().await.expect("it is there").snapshot.expect("a snapshot");
    assert_eq!((confirmed.id, confirmed.stored_at), (id, Some(control.now())));
    assert!(control.begin_dagster_snapshot(id, &query).await.expect("an answer").is_none(), "once");
    let again = check(control, &agent, new("default", SnapshotKind::Error, "why")).await.expect("an answer");
    assert_eq!((again.snapshot.map(|it| it.id), again.address), (Some(id), None));
    assert_eq!(count(control, default_of(world)).await, 1);
    let grant = may::<TellCodeLocation>(control, &agent);
    let (_, text) = control.dagster_error_snapshot(&grant, "default".to_owned(), id).await.expect("a read");
    assert_eq!(text.as_deref(), Some("why"));

    // Of another deployment, and of another organization.
    let prod = deployment(control, &world.acme, "prod", None).await;
    let elsewhere = control.confirm_dagster_snapshot(&grant, "prod".to_owned(), id).await;
    assert_eq!(elsewhere.map(drop), Err(Error::NotFound("snapshot")));
    let (outside, _) = holder(world, only(&[prod], false)).await;
    let refused = check(control, &outside, new("default", SnapshotKind::Error, "why")).await.expect("an answer");
    assert_eq!((refused.reached.withheld, refused.snapshot), (Some(Withheld::Deployments), None));
    let stranger = caller(control, world.globex.agent_token()).await;
    let theirs =
        control.confirm_dagster_snapshot(&may::<TellCodeLocation>(control, &stranger), "default".to_owned(), id).await;
    assert_eq!(theirs.map(drop), Err(Error::NotFound("snapshot")));
}

pub async fn what_is_not_what_was_announced_is_refused(world: &World) {
    let (control, agent) = (&world.control, agent(world).await);
    let announced = check(control, &agent, new("default", SnapshotKind::Job, "ab")).await.expect("an answer");
    for other in ["ac", "a", "abc"] {
        assert_eq!(field_of(send(control, &announced, other).await), "snapshot", "{other}");
    }
    let (id, query) = address(&announced);
    for wrong in [String::new(), format!("{query}0"), query.replace("signature=", "signature=0")] {
        let refused = control.begin_dagster_snapshot(id, &wrong).await;
        assert!(matches!(refused, Err(Error::Denied { .. })), "{wrong}: {refused:?}");
    }
    for (field, new) in [
        ("type", NewSnapshot { kind: "jobs".to_owned(), ..new("default", SnapshotKind::Job, "") }),
        ("sha1", NewSnapshot { sha1: "AB".repeat(20), ..new("default", SnapshotKind::Job, "") }),
        ("size", NewSnapshot { size: -1, ..new("default", SnapshotKind::Job, "") }),
        ("size", NewSnapshot { size: i64::MAX, ..new("default", SnapshotKind::Repository, "") }),
    ] {
        assert_eq!(field_of(check(control, &agent, new).await), field);
    }
    send(control, &announced, "ab").await.expect("after all that");
    world.clock.advance(ANNOUNCED_KEPT + MOMENT);
    let late = control.begin_dagster_snapshot(id, &query).await;
    assert!(matches!(late, Err(Error::Denied { .. })), "its address is old: {late:?}");
}

pub async fn an_address_ends_with_what_its_token_reaches(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let staging = deployment(control, &world.acme, "staging", None).await;
    let nothing = || Err(Error::NotFound("snapshot"));
    let revoke = async |token: TokenReference| {
        let revocation =
            Revocation { token, reason: "over".to_owned(), connected_agents: Reach::Disconnect, expected: None };
        control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation).await.expect("revoked");
    };

    let (narrowed, token) = holder(world, only(&[prod], false)).await;
    let announced = check(control, &narrowed, new("prod", SnapshotKind::Job, "one")).await.expect("an answer");
    let scope = Some(only(&[staging], false));
    let change = updating::Change { scope, connected_agents: Reach::Keep, ..updating::change(token) };
    updating::update(world, change).await.expect("narrowed");
    assert_eq!(send(control, &announced, "one").await, nothing());

    let (revoked, token) = holder(world, only(&[prod], false)).await;
    let announced = check(control, &revoked, new("prod", SnapshotKind::Job, "two")).await.expect("an answer");
    revoke(token).await;
    assert_eq!(send(control, &announced, "two").await, nothing());

    // One who is sending when it happens.
    let (sending, token) = holder(world, only(&[prod], false)).await;
    let announced = check(control, &sending, new("prod", SnapshotKind::Job, "three")).await.expect("an answer");
    let (id, query) = address(&announced);
    let incoming = control.begin_dagster_snapshot(id, &query).await.expect("an answer").expect("it has not come");
    revoke(token).await;
    let packed = Bytes::from(pack(b"three").expect("into memory"));
    assert_eq!(incoming.finish(packed).await, nothing());
    assert_eq!(count(control, prod).await, 2, "it is given up, and its bytes with it");

    // Whoever still reaches it sends it.
    let agent = agent(world).await;
    let announced = check(control, &agent, new("prod", SnapshotKind::Job, "two")).await.expect("an answer");
    send(control, &announced, "two").await.expect("it is taken");
}

pub async fn what_is_announced_has_its_place(world: &World) {
    let (control, agent, default) = (&world.control, agent(world).await, default_of(world));
    check(control, &agent, new("default", SnapshotKind::Job, "ab")).await.expect("an answer");
    let fill = async |left: i64| {
        let text =
            "UPDATE dagster_snapshots SET packed = $1, stored_at = used_at WHERE deployment_id = $2 AND size = 2";
        let values = vec![(MAX_SNAPSHOT_BYTES - left).into_value(), default.into_value()];
        sql::change(control, text, values).await
    };
    let needed = i64::try_from(most_packed(3)).expect("a small number");
    fill(needed - 1).await;
    match check(control, &agent, new("default", SnapshotKind::Job, "abc")).await {
        Err(Error::TooMany { what, retry_after }) => {
            assert!(what.contains("The deployment default has as many snapshots"), "{what}");
            assert_eq!(retry_after, Duration::from_secs(60));
        }
        other => panic!("{other:?}"),
    }
    check(control, &agent, new("default", SnapshotKind::Job, "ab")).await.expect("what has its place keeps it");
    fill(needed).await;
    let announced = check(control, &agent, new("default", SnapshotKind::Job, "abc")).await.expect("it just fits");
    let refused = check(control, &agent, new("default", SnapshotKind::Job, "abcd")).await;
    assert!(matches!(refused, Err(Error::TooMany { .. })), "what was announced counts: {refused:?}");
    send(control, &announced, "abc").await.expect("it is taken");
}

pub async fn one_token_announces_no_more_than_it_may(world: &World) {
    let (control, agent, default) = (&world.control, agent(world).await, default_of(world));
    let job = |text: &str| new("default", SnapshotKind::Job, text);
    let first = check(control, &agent, job("ab")).await.expect("an answer");
    let refused = async || match check(control, &agent, job("abc")).await {
        Err(Error::TooMany { what, retry_after }) => {
            assert!(what.contains("announced as many snapshots for the deployment default"), "{what}");
            assert_eq!(retry_after, Duration::from_secs(60));
        }
        other => panic!("{other:?}"),
    };
    let text = "UPDATE dagster_snapshots SET packed = $1 WHERE deployment_id = $2 AND size = 2";
    let size = async |bytes: i64| sql::change(control, text, vec![bytes.into_value(), default.into_value()]).await;
    assert_eq!(size(MAX_ANNOUNCED_BYTES).await, 1);
    refused().await;
    assert_eq!(size(2_000).await, 1);
    let more = "INSERT INTO dagster_snapshots (id, organization_id, deployment_id, kind, sha1, size, packed, announced_by, created_at, used_at)
         SELECT $1, organization_id, deployment_id, kind, $2, size, 1, announced_by, created_at, used_at FROM dagster_snapshots WHERE id = $3";
    let (id, _) = address(&first);
    for number in 1..MAX_ANNOUNCED {
        let sha1 = format!("{number:040x}");
        let values = vec![fresh_id::<()>(control).into_value(), sha1.into_value(), id.into_value()];
        assert_eq!(sql::change(control, more, values).await, 1);
    }
    refused().await;
    check(control, &agent, job("ab")).await.expect("what is announced stays so");
    let (second, _) = holder(world, only(&[default], false)).await;
    check(control, &second, job("abc")).await.expect("another token has room of its own");
    send(control, &first, "ab").await.expect("it is taken");
    check(control, &agent, job("abcd")).await.expect("there is room again");
}

pub async fn what_nothing_is_loaded_with_goes(world: &World) {
    let (control, agent, default) = (&world.control, agent(world).await, default_of(world));
    set(world, module(default, "sales")).await.expect("added");
    let job = new("default", SnapshotKind::Job, "{}").sha1;
    let text = format!("{{\"external_job_refs\": [{{\"name\": \"sell\", \"snapshot_id\": \"{job}\"}}]}}");
    let repository = stored(control, &agent, SnapshotKind::Repository, &text).await;
    stored(control, &agent, SnapshotKind::Repository, "{}").await;
    let told = async || {
        let definition = Box::new(module(default, "sales").definition);
        let outcome = Outcome::Loaded { definition, manifest: "{}".to_owned(), snapshots: vec![repository] };
        tell(control, &agent, "default", "sales", outcome).await.expect("an answer")
    };
    let asked = told().await;
    assert_eq!((asked.is_current, asked.missing), (false, vec![MissingJob { repository, name: "sell".to_owned() }]));
    stored(control, &agent, SnapshotKind::Job, "{}").await;
    let kept = told().await;
    assert_eq!((kept.is_current, kept.missing), (true, vec![]));
    assert_eq!(count(control, default).await, 3);

    let removed = async || control.sweep().await.expect("a round").snapshots_removed;
    world.clock.advance(UNUSED_KEPT);
    assert_eq!(removed().await, 0, "not a moment early");
    world.clock.advance(MOMENT);
    assert_eq!(removed().await, 1, "the other repository; what is loaded stays, with its job");
    check(control, &agent, new("default", SnapshotKind::Job, "late")).await.expect("an answer");
    world.clock.advance(ANNOUNCED_KEPT);
    assert_eq!(removed().await, 0);
    world.clock.advance(MOMENT);
    assert_eq!(removed().await, 1, "what was announced and has not come");
    assert_eq!(count(control, default).await, 2);
    remove(world, default, "sales").await.expect("removed");
    assert_eq!(removed().await, 2, "nothing is loaded with them any more");
}

pub async fn what_comes_whole_is_kept_alike(world: &World) {
    let (control, agent) = (&world.control, agent(world).await);
    let grant = may::<TellCodeLocation>(control, &agent);
    let room = control.room_for_dagster_snapshots(&grant).await.expect("there is a place");
    let keep = async |deployment: &str, text: &str| {
        let whole = Whole { deployment: deployment.to_owned(), kind: SnapshotKind::Error, text: text.to_owned() };
        control.keep_dagster_snapshot(&grant, &room, whole).await.expect("an answer")
    };
    let first = keep("default", "why").await.snapshot.expect("a snapshot");
    assert!(first.stored_at.is_some());
    let again = keep("default", "why").await.snapshot.expect("a snapshot");
    assert_eq!((first.id, count(control, default_of(world)).await), (again.id, 1));
    let (_, text) = control.dagster_error_snapshot(&grant, "default".to_owned(), first.id).await.expect("a read");
    assert_eq!(text.as_deref(), Some("why"));
    let announced = check(control, &agent, new("default", SnapshotKind::Error, "why")).await.expect("an answer");
    assert_eq!((announced.snapshot.map(|it| it.id), announced.address), (Some(first.id), None));
    let refused = keep("nowhere", "why").await;
    assert_eq!((refused.reached.withheld, refused.snapshot), (Some(Withheld::Deployments), None));
}
