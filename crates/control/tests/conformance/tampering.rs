//! Whoever changes the audit log behind the system's back is found out.

use countersign_control::Control;
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::audit::Verdict;
use countersign_domain::id::OrganizationId;
use countersign_store::{IntoValue, Row, Value};
use countersign_testkit::World;

use crate::acting::token;
use crate::audit_chain::chain;
use crate::sql;

/// The rows of acme's log and its head, to be put back.
struct Kept {
    rows: Vec<Row>,
    head: Row,
}

const COLUMNS: [&str; 17] = [
    "id",
    "organization_id",
    "occurred_at",
    "actor_kind",
    "actor_id",
    "actor_name",
    "credential",
    "action",
    "subject_kind",
    "subject_id",
    "subject_name",
    "detail",
    "ip",
    "user_agent",
    "request_id",
    "sequence",
    "hash",
];
const INSERT: &str =
    "INSERT INTO audit_events (id, organization_id, occurred_at, actor_kind, actor_id, actor_name, credential,
    action, subject_kind, subject_id, subject_name, detail, ip, user_agent, request_id, sequence, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

fn values(row: &Row) -> Vec<Value> {
    COLUMNS.iter().map(|column| row.value(column).expect("a column").clone()).collect()
}

async fn keep(control: &Control, of: OrganizationId) -> Kept {
    let text = "SELECT * FROM audit_events WHERE organization_id = $1 ORDER BY sequence";
    let rows = sql::rows(control, text, vec![of.into_value()]).await;
    let heads = sql::rows(control, "SELECT * FROM audit_heads WHERE organization_id = $1", vec![of.into_value()]).await;
    Kept { rows, head: heads.into_iter().next().expect("a head") }
}

async fn put_back(control: &Control, of: OrganizationId, kept: &Kept) {
    for text in
        ["DELETE FROM audit_events WHERE organization_id = $1", "DELETE FROM audit_heads WHERE organization_id = $1"]
    {
        sql::change(control, text, vec![of.into_value()]).await;
    }
    for row in &kept.rows {
        sql::change(control, INSERT, values(row)).await;
    }
    let columns = ["organization_id", "sequence", "hash", "mac", "key_id", "sealed_at"];
    let head = columns.map(|column| kept.head.value(column).expect("a column").clone()).to_vec();
    let text = "INSERT INTO audit_heads (organization_id, sequence, hash, mac, key_id, sealed_at) VALUES ($1, $2, $3, $4, $5, $6)";
    sql::change(control, text, head).await;
}

/// Ten sealed rows at least.
async fn log(world: &World) -> OrganizationId {
    for _ in 0..8 {
        token(world, NewAgentToken::default()).await;
    }
    world.control.seal_audit().await.expect("sealed");
    assert_eq!(chain(world).await.verdict, Verdict::Holds);
    world.acme.created.organization.id
}

async fn broken_at(world: &World, what: &str) -> i64 {
    match chain(world).await.verdict {
        Verdict::Broken { sequence, .. } => sequence,
        Verdict::Holds => panic!("nobody noticed: {what}"),
    }
}

pub async fn every_column_of_a_row_counts(world: &World) {
    let control = &world.control;
    let of = log(world).await;
    let kept = keep(control, of).await;
    let changes = [
        "UPDATE audit_events SET id = $3 WHERE organization_id = $1 AND sequence = $2",
        "UPDATE audit_events SET actor_id = $3 WHERE organization_id = $1 AND sequence = $2",
        "UPDATE audit_events SET subject_id = $3 WHERE organization_id = $1 AND sequence = $2",
    ];
    let texts = [
        "UPDATE audit_events SET actor_kind = $3 WHERE organization_id = $1 AND sequence = $2",
        "UPDATE audit_events SET actor_name = $3 WHERE organization_id = $1 AND sequence = $2",
        "UPDATE audit_events SET credential = $3 WHERE organization_id = $1 AND sequence = $2",
        "UPDATE audit_events SET action = $3 WHERE organization_id = $1 AND sequence = $2",
        "UPDATE audit_events SET subject_kind = $3 WHERE organization_id = $1 AND sequence = $2",
        "UPDATE audit_events SET subject_name = $3 WHERE organization_id = $1 AND sequence = $2",
        "UPDATE audit_events SET detail = $3 WHERE organization_id = $1 AND sequence = $2",
        "UPDATE audit_events SET ip = $3 WHERE organization_id = $1 AND sequence = $2",
        "UPDATE audit_events SET user_agent = $3 WHERE organization_id = $1 AND sequence = $2",
        "UPDATE audit_events SET request_id = $3 WHERE organization_id = $1 AND sequence = $2",
    ];
    let other: countersign_domain::Id<()> = crate::acting::fresh_id(control);
    let mut all: Vec<(&'static str, Value)> = changes.map(|text| (text, other.into_value())).to_vec();
    all.extend(texts.map(|text| (text, "another word".into_value())));
    all.extend(texts[7..].iter().map(|text| (*text, "".into_value())));
    all.push((
        "UPDATE audit_events SET occurred_at = occurred_at + $3 WHERE organization_id = $1 AND sequence = $2",
        1_i64.into_value(),
    ));
    all.push((
        "UPDATE audit_events SET hash = $3 WHERE organization_id = $1 AND sequence = $2",
        vec![7_u8; 32].into_value(),
    ));
    all.push((
        "UPDATE audit_events SET hash = $3 WHERE organization_id = $1 AND sequence = $2",
        vec![7_u8; 5].into_value(),
    ));
    for (text, value) in all {
        let sequence = 5;
        let changed = sql::change(control, text, vec![of.into_value(), sequence.into_value(), value]).await;
        assert_eq!(changed, 1, "{text}");
        assert_eq!(broken_at(world, text).await, sequence, "{text}");
        put_back(control, of, &kept).await;
    }
    assert_eq!(chain(world).await.verdict, Verdict::Holds, "put back, it holds");
}

pub async fn any_row_that_is_changed_or_removed_is_named(world: &World) {
    let control = &world.control;
    let of = log(world).await;
    let kept = keep(control, of).await;
    for sequence in 1..=i64::try_from(kept.rows.len()).expect("few") {
        for text in [
            "UPDATE audit_events SET detail = '{\"reason\":\"\"}' WHERE organization_id = $1 AND sequence = $2",
            "DELETE FROM audit_events WHERE organization_id = $1 AND sequence = $2",
            "UPDATE audit_events SET sequence = NULL, hash = NULL WHERE organization_id = $1 AND sequence = $2",
        ] {
            assert_eq!(sql::change(control, text, vec![of.into_value(), sequence.into_value()]).await, 1);
            assert_eq!(broken_at(world, text).await, sequence, "{text}");
            put_back(control, of, &kept).await;
        }
    }
}

pub async fn rows_that_change_places_are_found(world: &World) {
    let control = &world.control;
    let of = log(world).await;
    // Three steps, for no two rows may stand in one place.
    for (from, to) in [(3, -1), (4, 3), (-1, 4)] {
        let text = "UPDATE audit_events SET sequence = $3 WHERE organization_id = $1 AND sequence = $2";
        let values = vec![of.into_value(), i64::into_value(from), i64::into_value(to)];
        assert_eq!(sql::change(control, text, values).await, 1);
    }
    assert_eq!(broken_at(world, "two rows have changed places").await, 3);
}

pub async fn a_row_that_is_put_in_is_found_wherever_it_stands(world: &World) {
    let control = &world.control;
    let of = log(world).await;
    let kept = keep(control, of).await;
    let last = i64::try_from(kept.rows.len()).expect("few");
    let insert = async |sequence: i64| {
        let mut forged = values(&kept.rows[2]);
        forged[0] = crate::acting::fresh_id::<()>(control).into_value();
        forged[7] = "agent_token.forged".into_value();
        forged[15] = sequence.into_value();
        sql::change(control, INSERT, forged).await;
    };
    for (sequence, found) in [(0, 0), (-5, -5), (i64::MIN, i64::MIN), (last + 1, last + 1), (last + 100, last + 1)] {
        insert(sequence).await;
        assert_eq!(broken_at(world, "a row put in").await, found, "put in at {sequence}");
        put_back(control, of, &kept).await;
    }
    // In the middle, with all behind it moved on by one.
    let text = "UPDATE audit_events SET sequence = -sequence - 1 WHERE organization_id = $1 AND sequence >= 4";
    sql::change(control, text, vec![of.into_value()]).await;
    sql::change(
        control,
        "UPDATE audit_events SET sequence = -sequence WHERE organization_id = $1 AND sequence < 0",
        vec![of.into_value()],
    )
    .await;
    insert(4).await;
    assert!([4, last + 1].contains(&broken_at(world, "a row put in").await));
}

pub async fn a_tail_that_is_cut_off_is_found_also_with_a_head_to_match(world: &World) {
    let control = &world.control;
    let of = log(world).await;
    let kept = keep(control, of).await;
    let last = i64::try_from(kept.rows.len()).expect("few");
    for left in [last - 1, 3, 0] {
        let text = "DELETE FROM audit_events WHERE organization_id = $1 AND sequence > $2";
        sql::change(control, text, vec![of.into_value(), left.into_value()]).await;
        assert_eq!(broken_at(world, text).await, left + 1);
        // A head that says so too has no MAC that fits.
        let hash = kept
            .rows
            .get(usize::try_from(left - 1).unwrap_or(usize::MAX))
            .map_or_else(|| vec![0_u8; 32].into_value(), |row| row.value("hash").expect("a hash").clone());
        let text = "UPDATE audit_heads SET sequence = $2, hash = $3 WHERE organization_id = $1";
        sql::change(control, text, vec![of.into_value(), left.into_value(), hash]).await;
        broken_at(world, text).await;
        let text = "DELETE FROM audit_heads WHERE organization_id = $1";
        sql::change(control, text, vec![of.into_value()]).await;
        broken_at(world, "rows and head gone").await;
        put_back(control, of, &kept).await;
    }
    assert_eq!(chain(world).await.verdict, Verdict::Holds);
}

pub async fn a_head_that_was_taken_away_is_not_made_anew_and_stops_no_other_log(world: &World) {
    let control = &world.control;
    let of = log(world).await;
    let kept = keep(control, of).await;
    sql::change(control, "DELETE FROM audit_heads WHERE organization_id = $1", vec![of.into_value()]).await;
    token(world, NewAgentToken::default()).await;
    let new = countersign_control::organizations::NewOrganization {
        slug: "initech".to_owned(),
        name: None,
        admin: "p@x.example".to_owned(),
        reveal_policy: None,
    };
    let grant = crate::acting::may(control, &world.operator);
    let other = control.create_organization(&grant, new).await.expect("made").organization.id;
    assert!(control.seal_audit().await.is_err());
    broken_at(world, "a head taken away").await;
    let operator = crate::acting::may(control, &world.operator);
    let beside = control.verify_audit_of(&operator, other).await.expect("an answer");
    assert_eq!((beside.unsealed, beside.sealed, beside.verdict), (0, 3, Verdict::Holds));
    put_back(control, of, &kept).await;
    assert_eq!(chain(world).await.verdict, Verdict::Holds);
}

pub async fn a_changed_head_is_found_and_nothing_is_sealed_on_it(world: &World) {
    let control = &world.control;
    let of = log(world).await;
    let kept = keep(control, of).await;
    let other = world.globex.created.organization.id;
    let heads = [
        "UPDATE audit_heads SET sequence = sequence - 1 WHERE organization_id = $1",
        "UPDATE audit_heads SET sequence = sequence + 1 WHERE organization_id = $1",
        "UPDATE audit_heads SET hash = mac WHERE organization_id = $1",
        "UPDATE audit_heads SET mac = hash WHERE organization_id = $1",
        "UPDATE audit_heads SET key_id = '00000000' WHERE organization_id = $1",
    ];
    for text in heads {
        sql::change(control, text, vec![of.into_value()]).await;
        broken_at(world, text).await;
        token(world, NewAgentToken::default()).await;
        assert!(control.seal_audit().await.is_err(), "{text}");
        put_back(control, of, &kept).await;
    }
    // The head of another organization fits that one only.
    let text = "UPDATE audit_heads SET sequence = (SELECT h.sequence FROM audit_heads h WHERE h.organization_id = $2),
        hash = (SELECT h.hash FROM audit_heads h WHERE h.organization_id = $2),
        mac = (SELECT h.mac FROM audit_heads h WHERE h.organization_id = $2) WHERE organization_id = $1";
    sql::change(control, text, vec![of.into_value(), other.into_value()]).await;
    broken_at(world, text).await;
    put_back(control, of, &kept).await;
    assert_eq!(chain(world).await.verdict, Verdict::Holds);
}
