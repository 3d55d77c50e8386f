//! The rows of sign-ins: how many there may be, whose they are, under which key, and until when they are kept.

use std::time::Duration;

use countersign_control::access::actions::{EndSignIns, ViewSignIns};
use countersign_control::signing_in::{KEPT, MAX_SIGN_INS, SignedIn};
use countersign_control::{Error, Presented};
use countersign_domain::{Refusal, Role};
use countersign_store::IntoValue;
use countersign_testkit::{SeededEntropy, World};

use crate::acting::{IP, may, next, origin, person};
use crate::signing_in::{ADA, PASSWORD, by_link, cookie, ended, try_sign_in};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["signing_in_rows"
    one_more_than_the_most_ends_the_oldest,
    where_each_was_used_is_known_before_it_is_written,
    a_person_ends_their_own_alone,
    the_digest_moves_to_a_newer_key,
    what_ended_long_ago_is_removed,
];

pub async fn one_more_than_the_most_ends_the_oldest(world: &World) {
    let control = &world.control;
    let first = by_link(world, ADA, PASSWORD).await;
    // As many as there may be, without hashing a password for each.
    let copy = "INSERT INTO sign_ins (id, user_id, organization_id, public_id, digest, key_id, method, created_at, seen_at, expires_at, ip)
        VALUES ($1, $2, $3, $4, $5, $6, 'password', $7, $7, $8, '192.0.2.1')";
    for number in 1..MAX_SIGN_INS {
        world.clock.advance(Duration::from_millis(1));
        let it = &first.sign_in;
        let values = vec![
            crate::acting::fresh_id::<countersign_domain::id::of::SignIn>(control).into_value(),
            it.user.into_value(),
            it.organization.into_value(),
            format!("copy{number:07}").into_value(),
            it.digest.as_bytes().into_value(),
            it.digest.key().to_string().into_value(),
            it.created_at.into_value(),
            it.expires_at.into_value(),
        ];
        assert_eq!(sql::change(control, copy, values).await, 1);
    }
    cookie(control, &first).await;
    world.clock.advance(Duration::from_millis(1));
    let last = try_sign_in(control, ADA, PASSWORD, IP).await.expect("signed in");
    assert_eq!(ended(control, &first).await, Refusal::Revoked);
    let ada = cookie(control, &last).await;
    let all = control.list_sign_ins(&may::<ViewSignIns>(control, &ada)).await.expect("listed");
    assert_eq!(i64::try_from(all.len()), Ok(MAX_SIGN_INS));
    assert_eq!(all.iter().position(|it| it.is_this_one), Some(0), "newest first");
}

pub async fn where_each_was_used_is_known_before_it_is_written(world: &World) {
    const ELSEWHERE: &str = "198.51.100.7";
    let control = &world.control;
    let (here, there) =
        (by_link(world, ADA, PASSWORD).await, try_sign_in(control, ADA, PASSWORD, IP).await.expect("signed in"));
    let listed = async || {
        let ada = cookie(control, &here).await;
        let all = control.list_sign_ins(&may::<ViewSignIns>(control, &ada)).await.expect("listed");
        let it = all.into_iter().find(|it| it.sign_in.id == there.sign_in.id).expect("it is listed").sign_in;
        (it.seen_at, it.ip)
    };
    let first = control.now();
    assert_eq!(listed().await, (first, IP.to_owned()));
    world.clock.advance(Duration::from_secs(90));
    let presented = Presented { value: Some(there.secret.reveal()), origin: origin(ELSEWHERE) };
    control.authenticate_sign_in(presented, None).await.expect("signed in");
    let second = control.now();
    assert_eq!(listed().await, (second, ELSEWHERE.to_owned()));
    world.clock.advance(Duration::from_secs(90));
    control.flush_usage().await.expect("written");
    assert_eq!(listed().await, (second, ELSEWHERE.to_owned()));
}

pub async fn a_person_ends_their_own_alone(world: &World) {
    let control = &world.control;
    person(control, &world.acme, "bob@acme.example", Role::Member).await;
    let bob = by_link(world, "bob@acme.example", PASSWORD).await;
    let (here, there) =
        (by_link(world, ADA, PASSWORD).await, try_sign_in(control, ADA, PASSWORD, IP).await.expect("signed in"));
    let ada = cookie(control, &here).await;
    let grant = || may::<EndSignIns>(control, &ada);
    let end = async |it: &SignedIn| control.end_sign_in(&grant(), it.sign_in.public_id.clone()).await;
    assert_eq!(end(&bob).await, Err(Error::NotFound("sign-in")), "also for an admin");
    cookie(control, &bob).await;
    end(&there).await.expect("ended");
    assert_eq!(ended(control, &there).await, Refusal::Revoked);
    assert_eq!(end(&there).await, Err(Error::NotFound("sign-in")));
    let all = control.list_sign_ins(&may::<ViewSignIns>(control, &ada)).await.expect("listed");
    assert_eq!(all.iter().map(|it| it.sign_in.id).collect::<Vec<_>>(), [here.sign_in.id]);
    assert!(all[0].is_this_one && all[0].sign_in.ip == IP);
}

pub async fn the_digest_moves_to_a_newer_key(world: &World) {
    let control = &world.control;
    let it = by_link(world, ADA, PASSWORD).await;
    let mut ring = crate::worlds::ring(&control.keys());
    let new = ring.add(control.now(), &SeededEntropy::new(next()));
    control.set_keys(ring);
    cookie(control, &it).await;
    control.flush_usage().await.expect("written");
    let text = "SELECT key_id FROM sign_ins WHERE id = $1";
    let by: String = sql::value(control, text, vec![it.sign_in.id.into_value()], "key_id").await;
    assert_eq!(by, new.to_string());
    cookie(control, &it).await;
    // The password moves once somebody shows it.
    let text = "SELECT key_id FROM passwords WHERE user_id = $1";
    let key = async || sql::value::<String>(control, text, vec![it.sign_in.user.into_value()], "key_id").await;
    assert_ne!(key().await, new.to_string());
    try_sign_in(control, ADA, PASSWORD, IP).await.expect("signed in");
    assert_eq!(key().await, new.to_string());
    try_sign_in(control, ADA, PASSWORD, IP).await.expect("signed in");
}

pub async fn what_ended_long_ago_is_removed(world: &World) {
    let control = &world.control;
    let rows = async || {
        let text = "SELECT (SELECT COUNT(*) FROM sign_ins WHERE organization_id = $1) + (SELECT COUNT(*) FROM sign_in_links WHERE user_id = $2) AS n";
        let created = &world.acme.created;
        sql::value::<i64>(control, text, vec![created.organization.id.into_value(), created.admin.id.into_value()], "n")
            .await
    };
    let it = by_link(world, ADA, PASSWORD).await;
    let ada = cookie(control, &it).await;
    control.sign_out(&may::<EndSignIns>(control, &ada)).await.expect("signed out");
    assert_eq!(rows().await, 2);
    world.clock.advance(KEPT);
    control.remove_expired().await.expect("a round");
    assert_eq!(rows().await, 2, "the link ran out a day later");
    world.clock.advance(Duration::from_secs(24 * 3600 + 1));
    assert_eq!(control.remove_expired().await.expect("a round").sign_ins, 2);
    assert_eq!(rows().await, 0);
}
