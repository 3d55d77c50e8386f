//! What members can do to others by roles in deployments: keep nothing that is taken from them, and use up nobody's room.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use countersign_control::Error;
use countersign_control::access::actions::{CreateAgentToken, PauseQueue};
use countersign_control::agent_tokens::{MAX_TOKENS_BY_OTHERS, NewAgentToken};
use countersign_control::deployment_roles::{Held, MAX_ROLES_BY_OTHERS, Place};
use countersign_control::queues::QueueReference;
use countersign_domain::{DeploymentRole, Role};
use countersign_store::IntoValue;
use countersign_testkit::World;
use tokio::task::JoinSet;

use crate::acting::deployment;
use crate::deployment_roles::{ROLES, everybody_is, give, holder, member, member_with, take};
use crate::managed_tokens::only;
use crate::service_users::{acting, token_of};
use crate::sql;
use crate::teams::many_teams;

pub const CASES: &[crate::run::Case] = crate::list::cases!["roles_at_bounds"
    a_stream_of_calls_keeps_no_role,
    others_leave_room_for_organization_admins,
    a_service_user_gives_roles_as_an_organization_admin_alone,
    there_is_an_end_to_tokens_of_others,
];

/// On PostgreSQL locks of rows would fail this: whoever shares one that is shared goes before whoever waits to change it.
pub async fn a_stream_of_calls_keeps_no_role(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    everybody_is(world, DeploymentRole::Viewer).await;
    let here = Place::Deployment(deployment(control, acme, "prod", None).await);
    let who = member_with(world, here, Held::plain(DeploymentRole::Editor)).await;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut stream = JoinSet::new();
    for _ in 0..6 {
        let (control, who, stop, done) = (control.clone(), who.clone(), Arc::clone(&stop), Arc::clone(&done));
        stream.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let grant = control.grant_own::<PauseQueue>(&who).expect("an Editor somewhere when it was asked");
                // One and the same, so that they wait for each other.
                let queue = QueueReference { deployment: Some("prod".to_owned()), queue: "linux".to_owned() };
                match control.pause_queue_dispatch(&grant, queue, None).await {
                    Ok(_) => _ = done.fetch_add(1, Ordering::Relaxed),
                    Err(Error::Denied { .. }) => tokio::task::yield_now().await,
                    Err(other) => panic!("neither done nor denied: {other:?}"),
                }
            }
        });
    }
    while done.load(Ordering::Relaxed) < 12 {
        tokio::task::yield_now().await;
    }
    let taken = take(control, &acme.admin, holder(&who), here).await;
    // What was under way had its place before. From here on there is nothing.
    let before = done.load(Ordering::Relaxed);
    for _ in 0..3 {
        let other = member(world).await;
        give(control, &acme.admin, holder(&other), here, ROLES[0]).await.expect("given beside the stream");
    }
    stop.store(true, Ordering::Relaxed);
    stream.join_all().await;
    taken.expect("it is taken while they go on");
    let after = done.load(Ordering::Relaxed);
    assert!(after <= before + 6, "{} were let after the role had gone", after - before);
}

pub async fn others_leave_room_for_organization_admins(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    let prod = deployment(control, acme, "prod", None).await;
    let admin = member_with(world, Place::AllBranches, Held::plain(DeploymentRole::Admin)).await;
    let target = member(world).await;
    let mut last = Place::AllBranches;
    for number in 0..=MAX_ROLES_BY_OTHERS {
        last = Place::Deployment(deployment(control, acme, &format!("b{number}"), Some(prod)).await);
        let given = give(control, &admin, holder(&target), last, ROLES[0]).await;
        if number < MAX_ROLES_BY_OTHERS {
            given.expect("there is room");
        } else {
            assert!(matches!(&given, Err(Error::Conflict(why)) if why.contains("from 50 on")), "{given:?}");
        }
    }
    give(control, &acme.admin, holder(&target), last, ROLES[0]).await.expect("an Organization Admin has room");
    give(control, &admin, holder(&target), last, ROLES[1]).await.expect("one that is there is replaced");
}

pub async fn a_service_user_gives_roles_as_an_organization_admin_alone(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    let here = Place::Deployment(deployment(control, acme, "prod", None).await);
    let robot = acting(world, "robot", Role::Member).await;
    give(control, &acme.admin, holder(&robot), here, Held::plain(DeploymentRole::Admin)).await.expect("given");
    let plain = token_of(world, robot.user().expect("a user")).await;
    let chief = acting(world, "chief", Role::Admin).await;
    let target = member(world).await;
    let given = give(control, &plain, holder(&target), here, ROLES[0]).await;
    assert!(matches!(given, Err(Error::Denied { .. })), "{given:?}");
    give(control, &chief, holder(&target), here, ROLES[0]).await.expect("given");
    take(control, &plain, holder(&target), here).await.expect("to take away is no way in");
}

pub async fn there_is_an_end_to_tokens_of_others(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    let prod = deployment(control, acme, "prod", None).await;
    let who = member_with(world, Place::Deployment(prod), ROLES[4]).await;
    let create = async |scope| {
        let new = NewAgentToken { scope: Some(scope), ..NewAgentToken::default() };
        control.create_agent_token(&control.grant_own::<CreateAgentToken>(&who)?, new).await
    };
    let first = create(only(&[prod], false)).await.expect("made").token.token.id;
    // As many again as there are teams, for each of which there is a fresh id.
    many_teams(world, MAX_TOKENS_BY_OTHERS - 1).await;
    let copies = "INSERT INTO tokens (id, organization_id, kind, family, public_id, is_public, every_deployment, all_branches, any_queue,
            reveal_policy, generation, created_at, created_by)
         SELECT m.id, t.organization_id, t.kind, t.family, SUBSTR(t.public_id, 1, 6) || CAST(10000 + CAST(SUBSTR(m.name, 2) AS BIGINT) AS TEXT), t.is_public, t.every_deployment, t.all_branches, t.any_queue,
            t.reveal_policy, t.generation, t.created_at, t.created_by
         FROM tokens t JOIN teams m ON m.organization_id = t.organization_id WHERE t.id = $1";
    assert_eq!(sql::change(control, copies, vec![first.into_value()]).await, 999);
    let more = create(only(&[prod], false)).await;
    assert!(matches!(&more, Err(Error::Conflict(why)) if why.contains("1000 agent tokens")), "{more:?}");
    let of = acme.created.organization.id;
    for text in [
        "UPDATE tokens SET revoked_at = 1 WHERE organization_id = $1 AND public_id LIKE '%10007'",
        "UPDATE tokens SET expires_at = 1 WHERE organization_id = $1 AND public_id LIKE '%10008'",
    ] {
        assert_eq!(sql::change(control, text, vec![of.into_value()]).await, 1);
        create(only(&[prod], false)).await.expect("what is good for nothing any more is not counted");
        assert!(create(only(&[prod], false)).await.is_err());
    }
}
