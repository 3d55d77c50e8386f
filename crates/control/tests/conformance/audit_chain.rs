//! Sealing the audit log: behind the writers, one sealer at a time, each row in one place.

use countersign_control::Control;
use countersign_control::access::actions::{CreateAgentToken, ViewAudit, ViewInstance};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::audit::{AuditLog, Chain, Export, Period, Verdict};
use countersign_domain::KeyRing;
use countersign_domain::id::OrganizationId;
use countersign_store::{IntoValue, Lane, StoreError, audit};
use countersign_testkit::{SeededEntropy, World};
use tokio::task::JoinSet;

use crate::acting::{fresh_id, may, next, token};
use crate::sql;

/// The state of acme's log.
pub async fn chain(world: &World) -> Chain {
    world.control.verify_audit(&world.admin::<ViewAudit>()).await.expect("an answer")
}

/// Writes rows into a log as operations do, many at once.
pub async fn write_rows(control: &Control, of: OrganizationId, count: usize) {
    let events: Vec<_> = (0..count)
        .map(|number| audit::Event {
            id: fresh_id(control),
            organization: of,
            occurred_at: control.now(),
            actor_kind: "system".to_owned(),
            actor_id: None,
            actor_name: "conformance".to_owned(),
            credential: None,
            action: format!("row.{number}"),
            subject_kind: "row".to_owned(),
            subject_id: fresh_id(control),
            subject_name: String::new(),
            detail: "{}".to_owned(),
            ip: None,
            user_agent: None,
            request_id: None,
            sealed: None,
        })
        .collect();
    let written: Result<(), StoreError> = control
        .store()
        .transact(Lane::Normal, events, |tx, events| {
            Box::pin(async move {
                for event in events {
                    audit::insert(tx, event).await?;
                }
                Ok(())
            })
        })
        .await;
    written.expect("the rows are written");
}

/// The places of an organization's rows.
async fn places(control: &Control, of: OrganizationId) -> Vec<i64> {
    let text = "SELECT sequence FROM audit_events WHERE organization_id = $1 ORDER BY sequence";
    let rows = sql::rows(control, text, vec![of.into_value()]).await;
    rows.iter().map(|row| row.get("sequence").expect("each row is sealed")).collect()
}

pub async fn rows_are_sealed_behind_and_in_one_chain_per_organization(world: &World) {
    let control = &world.control;
    let before = chain(world).await;
    assert_eq!((before.unsealed, &before.verdict), (0, &Verdict::Holds));
    token(world, NewAgentToken::default()).await;
    let open = chain(world).await;
    assert_eq!((open.sealed, open.unsealed, open.verdict), (before.sealed, 1, Verdict::Holds));
    assert_eq!(control.seal_audit().await, Ok(1));
    assert_eq!(control.seal_audit().await, Ok(0));
    let sealed = chain(world).await;
    assert_eq!((sealed.sealed, sealed.unsealed, sealed.verdict), (before.sealed + 1, 0, Verdict::Holds));
    let of = world.acme.created.organization.id;
    assert_eq!(places(control, of).await, (1..=sealed.sealed).collect::<Vec<_>>());
    let operator = may::<ViewInstance>(control, &world.operator);
    for AuditLog { of, .. } in control.audit_logs(&operator).await.expect("a list") {
        assert_eq!(control.verify_audit_of(&operator, of).await.expect("an answer").verdict, Verdict::Holds);
    }
}

pub async fn more_rows_than_a_batch_and_a_page_hold(world: &World) {
    let control = &world.control;
    let of = world.acme.created.organization.id;
    write_rows(control, of, 1_207).await;
    assert_eq!(control.seal_audit().await, Ok(1_207));
    let end = chain(world).await;
    assert_eq!((end.unsealed, end.verdict), (0, Verdict::Holds));
    assert_eq!(places(control, of).await, (1..=end.sealed).collect::<Vec<_>>());
    let operator = may::<ViewInstance>(control, &world.operator);
    let (mut exported, mut from) = (Vec::new(), Some(Export::of(Period::default())));
    while let Some(place) = from {
        let part = control.export_audit(&operator, of, place).await.expect("a part");
        exported.extend(part.items.iter().map(|event| event.sealed.clone().expect("sealed").0));
        from = part.next;
    }
    assert_eq!(exported, (1..=end.sealed).collect::<Vec<_>>());
}

pub async fn several_sealers_at_once_make_one_chain(world: &World) {
    let control = &world.control;
    let of = world.acme.created.organization.id;
    for _ in 0..3 {
        write_rows(control, of, 450).await;
        let mut sealing = JoinSet::new();
        for _ in 0..4 {
            let control = control.clone();
            sealing.spawn(async move { control.seal_audit().await.expect("sealed") });
        }
        let counts = sealing.join_all().await;
        assert_eq!(counts.iter().sum::<u64>(), 450, "each row once: {counts:?}");
        assert_eq!(chain(world).await.verdict, Verdict::Holds);
    }
    let end = chain(world).await;
    assert_eq!(places(control, of).await, (1..=end.sealed).collect::<Vec<_>>());
}

pub async fn the_first_sealers_of_a_new_log_may_come_at_once(world: &World) {
    let control = &world.control;
    let grant = may(control, &world.operator);
    let new = countersign_control::organizations::NewOrganization {
        slug: "initech".to_owned(),
        name: None,
        admin: "p@x.example".to_owned(),
        reveal_policy: None,
    };
    let of = control.create_organization(&grant, new).await.expect("made").organization.id;
    let mut sealing = JoinSet::new();
    for _ in 0..4 {
        let control = control.clone();
        sealing.spawn(async move { control.seal_audit().await.expect("sealed") });
    }
    assert_eq!(sealing.join_all().await.iter().sum::<u64>(), 3);
    let operator = may::<ViewInstance>(control, &world.operator);
    assert_eq!(control.verify_audit_of(&operator, of).await.expect("an answer").verdict, Verdict::Holds);
}

pub async fn writers_do_not_wait_for_the_sealer_nor_it_for_them(world: &World) {
    let control = &world.control;
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let (control, admin) = (control.clone(), world.acme.admin.clone());
        tasks.spawn(async move {
            for _ in 0..15 {
                let grant = may::<CreateAgentToken>(&control, &admin);
                control.create_agent_token(&grant, NewAgentToken::default()).await.expect("made");
            }
        });
    }
    for _ in 0..2 {
        let control = control.clone();
        tasks.spawn(async move {
            for _ in 0..20 {
                control.seal_audit().await.expect("sealed");
            }
        });
    }
    tasks.join_all().await;
    control.seal_audit().await.expect("sealed");
    let end = chain(world).await;
    assert_eq!((end.unsealed, end.verdict), (0, Verdict::Holds));
}

pub async fn another_key_ring_does_not_fit(world: &World) {
    let control = &world.control;
    let ours = crate::worlds::ring(&control.keys());
    control.set_keys(KeyRing::generate(control.now(), &SeededEntropy::new(next())));
    assert!(matches!(chain(world).await.verdict, Verdict::Broken { .. }));
    token(world, NewAgentToken::default()).await;
    assert!(control.seal_audit().await.is_err(), "nothing is sealed on a head that nobody vouches for");
    control.set_keys(ours);
    assert_eq!(chain(world).await.verdict, Verdict::Holds);
    assert_eq!(control.seal_audit().await, Ok(1));
}
