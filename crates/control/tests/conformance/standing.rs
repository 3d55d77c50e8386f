//! A credential that ends while its call is on the way: the grant was made, and nothing of the call commits.

use std::time::Duration;

use countersign_control::Error;
use countersign_control::access::actions::{
    CreateAgentToken, CreateUserToken, RegisterAgent, RotateAgentToken, UpdateUserToken,
};
use countersign_control::agent_tokens::{NewAgentToken, Rotation, TokenReference};
use countersign_control::jobs::LATE_CHUNKS;
use countersign_control::user_tokens::{NewUserToken, UserTokenChange, UserTokenReference};
use countersign_domain::{Refusal, Role};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{another_token, caller, may, person, refusal_of, registration, set_role, token};
use crate::dump::Dump;
use crate::operations::{By, Cast, all};
use crate::sql;

pub async fn an_ended_credential_commits_nothing(world: &World) {
    let control = &world.control;
    for operation in all() {
        let name = operation.name;
        let mut cast = Cast::new(world).await;
        let pending = (operation.prepare)(world, &mut cast).await;
        let reason = cast.end(world, operation.by).await;
        if operation.name == "append_log" {
            // A piece of the log may come a little later, and nothing else.
            world.clock.advance(LATE_CHUNKS);
        }
        let before = Dump::whole(control).await;
        match pending.go().await {
            Err(Error::Unauthenticated { reason: given, token: Some(shown) }) => {
                assert_eq!(given, reason, "{name}");
                assert_eq!(Some(shown), cast.of(operation.by).public_id(), "{name}");
            }
            other => panic!("{name} went on after its credential had ended: {other:?}"),
        }
        assert_eq!(before.changes(&Dump::whole(control).await, &[]), [""; 0], "{name}");
    }
}

pub async fn a_person_who_is_demoted_commits_nothing(world: &World) {
    of_a_person_who_is(world, true).await;
}

pub async fn a_person_who_is_removed_commits_nothing(world: &World) {
    of_a_person_who_is(world, false).await;
}

/// Every operation of people, begun by somebody who is demoted, or else removed, on the way.
async fn of_a_person_who_is(world: &World, demoted: bool) {
    let control = &world.control;
    let of = world.acme.created.organization.id;
    for operation in all().filter(|it| it.by == By::Person) {
        let name = operation.name;
        let mut cast = Cast::new(world).await;
        let pending = (operation.prepare)(world, &mut cast).await;
        let user = cast.person.user().expect("a person");
        if demoted {
            set_role(control, of, user, Role::Member).await;
        } else {
            let text = "DELETE FROM members WHERE organization_id = $1 AND user_id = $2";
            sql::change(control, text, vec![of.into_value(), user.into_value()]).await;
        }
        let before = Dump::whole(control).await;
        let outcome = pending.go().await;
        if demoted {
            assert!(matches!(outcome, Err(Error::Denied { .. })), "{name}: {outcome:?}");
        } else {
            assert_eq!(refusal_of(outcome), Refusal::Revoked, "{name}");
        }
        assert_eq!(before.changes(&Dump::whole(control).await, &[]), [""; 0], "{name}");
    }
}

pub async fn a_demoted_person_is_a_member_from_the_next_call_on(world: &World) {
    let control = &world.control;
    let eve = person(control, &world.acme, "eve@acme.example", Role::Admin).await;
    let (secret, eve) = another_token(control, &eve).await;
    set_role(control, world.acme.created.organization.id, eve.user().expect("a person"), Role::Member).await;
    let eve = caller(control, secret.reveal()).await;
    let denied = control.grant_own::<CreateAgentToken>(&eve).map(|_| ());
    assert!(matches!(
        denied,
        Err(Error::Denied {
            action: "agent_token.create",
            needs: "an Organization Admin, or whoever manages the agent tokens of every deployment that the token reaches"
        })
    ));
    assert!(control.grant_own::<CreateUserToken>(&eve).is_ok());
    set_role(control, world.acme.created.organization.id, eve.user().expect("a person"), Role::Admin).await;
    let late = control.create_user_token(&may(control, &eve), NewUserToken::default()).await;
    assert!(matches!(late, Err(Error::Denied { .. })), "a role that has changed either way is asked for anew");
    assert!(control.grant_own::<CreateAgentToken>(&caller(control, secret.reveal()).await).is_ok());
}

pub async fn time_that_runs_out_on_the_way_counts(world: &World) {
    let control = &world.control;
    let (secret, who) = another_token(control, &world.acme.admin).await;
    let at = control.now().plus(Duration::from_secs(5));
    let change = UserTokenChange {
        token: UserTokenReference::PublicId(secret.public_id().clone()),
        description: None,
        expires_at: Some(Some(at)),
    };
    control.update_user_token(&world.admin::<UpdateUserToken>(), change).await.expect("a change");
    let grant = may::<CreateAgentToken>(control, &who);
    world.clock.set(at.minus(Duration::from_micros(1)));
    control.create_agent_token(&grant, NewAgentToken::default()).await.expect("in time");
    world.clock.set(at);
    let late = control.create_agent_token(&grant, NewAgentToken::default()).await;
    assert_eq!(refusal_of(late), Refusal::Expired);
}

pub async fn a_value_that_is_rotated_out_on_the_way_registers_nobody(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let grant = may::<RegisterAgent>(control, &caller(control, issued.secret.reveal()).await);
    let rotation = Rotation {
        token: TokenReference::Id(issued.token.token.id),
        old_valid_until: Some(control.now()),
        expected: None,
    };
    let rotated = control.rotate_agent_token(&world.admin::<RotateAgentToken>(), rotation).await.expect("rotated");
    assert_eq!(refusal_of(control.register_agent(&grant, registration(&[])).await), Refusal::Rotated);
    let grant = may::<RegisterAgent>(control, &caller(control, rotated.secret.reveal()).await);
    control.register_agent(&grant, registration(&[])).await.expect("the new one is good");
}
