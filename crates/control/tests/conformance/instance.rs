//! Setting an instance up, its organizations, and its operator's tokens.

use std::sync::Arc;

use countersign_control::access::actions::{CreateOrganization, ManageOperatorTokens, ViewOrganization};
use countersign_control::organizations::{Created, NewOrganization};
use countersign_control::{Control, Error, Result, Settings};
use countersign_domain::{Clock, KeyRing, Kind, Refusal, RevealPolicy, Role};
use countersign_store::Store;
use countersign_testkit::{Engine, SeededEntropy, TestDatabase, World};
use tokio::task::JoinSet;

use crate::acting::{caller, connect, field_of, may, next, refusal, refusal_of};
use crate::sql;

fn organization(slug: &str, admin: &str) -> NewOrganization {
    NewOrganization { slug: slug.to_owned(), name: None, admin: admin.to_owned(), reveal_policy: None }
}

async fn create(world: &World, new: NewOrganization) -> Result<Created> {
    let grant = may::<CreateOrganization>(&world.control, &world.operator);
    world.control.create_organization(&grant, new).await
}

async fn initialize(control: &Control, new: NewOrganization) -> Result<Created> {
    control.initialize(&may(control, &control.local_operator()), new).await
}

/// A system on an empty database of the same engine.
async fn empty(world: &World) -> (TestDatabase, Control) {
    let engines = [Engine::Sqlite, Engine::Postgres];
    let same = engines.into_iter().find(|it| it.name() == world.control.store().engine_name()).expect("an engine");
    let database = TestDatabase::new(same).await;
    let store = Store::create(database.options(world.clock.clone())).await.expect("a store");
    let entropy = Arc::new(SeededEntropy::new(next()));
    let keys = KeyRing::generate(world.clock.now(), &*entropy);
    (database, Control::new(store, keys, world.clock.clone(), entropy, Settings::default()))
}

async fn rows(control: &Control) -> i64 {
    let text =
        "SELECT (SELECT COUNT(*) FROM organizations) + (SELECT COUNT(*) FROM tokens) + (SELECT COUNT(*) FROM users)
        + (SELECT COUNT(*) FROM members) + (SELECT COUNT(*) FROM audit_events) + (SELECT COUNT(*) FROM instance) AS n";
    sql::value(control, text, vec![], "n").await
}

pub async fn of_two_that_set_up_at_once_one_wins(world: &World) {
    for _ in 0..3 {
        let (_database, control) = empty(world).await;
        assert_eq!(control.is_initialized().await, Ok(false));
        let mut setting_up = JoinSet::new();
        for number in 0..4 {
            let control = control.clone();
            setting_up.spawn(async move {
                initialize(&control, organization(&format!("o{number}"), &format!("a{number}@x.example"))).await
            });
        }
        let outcomes = setting_up.join_all().await;
        assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 1);
        assert!(outcomes.iter().all(|it| matches!(it, Ok(_) | Err(Error::Conflict(_)))), "{outcomes:?}");
        assert_eq!(control.is_initialized().await, Ok(true));
        let after = rows(&control).await;
        assert!(matches!(initialize(&control, organization("late", "l@x.example")).await, Err(Error::Conflict(_))));
        assert_eq!(rows(&control).await, after, "nothing is changed");
        let created = outcomes.into_iter().find_map(Result::ok).expect("one");
        caller(&control, created.user_secret.reveal()).await;
        control.store().close().await;
    }
}

pub async fn an_organization_begins_with_all_it_needs(world: &World) {
    let control = &world.control;
    let new = NewOrganization {
        name: Some("Initech, Inc.".to_owned()),
        reveal_policy: Some(RevealPolicy::Never),
        ..organization("initech", "Peter@Initech.example")
    };
    let created = create(world, new).await.expect("made");
    let admin = caller(control, created.user_secret.reveal()).await;
    assert_eq!(control.organization(&may(control, &admin)).await.expect("seen").name, "Initech, Inc.");
    let deployments = control.deployments(&may(control, &admin)).await.expect("seen");
    assert_eq!(deployments.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["default"]);
    assert_eq!(deployments[0].id, created.organization.default_deployment);
    let member = control.member(&may::<ViewOrganization>(control, &admin), created.admin.id).await.expect("seen");
    assert_eq!((member.role, member.user.email.as_str()), (Role::Admin, "peter@initech.example"));
    assert_eq!(created.agent_token.description.as_deref(), Some("Default agent registration token"));
    for token in [&created.agent_token, &created.user_token] {
        assert_eq!((token.reveal_policy, token.data_key.is_none()), (RevealPolicy::Never, true));
    }
    let agent = connect(control, created.agent_secret.reveal(), &[]).await;
    assert_eq!(agent.caller.organization(), Some(created.organization.id));
    // A token of one organization is nothing in the other.
    let into_acme = control.grant::<ViewOrganization>(&admin, world.acme.created.organization.id);
    assert_eq!(into_acme.map(|_| ()), Err(Error::NotFound("organization")));
}

pub async fn one_person_may_be_in_several_organizations_with_tokens_for_each(world: &World) {
    let control = &world.control;
    let ada = &world.acme.created.admin;
    let second = create(world, organization("initech", "ADA@acme.example")).await.expect("made");
    assert_eq!(second.admin.id, ada.id);
    let there = caller(control, second.user_secret.reveal()).await;
    assert_eq!(there.organization(), Some(second.organization.id));
    let page = control.user_tokens(&may(control, &there), countersign_control::PageRequest::first(9)).await;
    let ids: Vec<_> = page.expect("a list").items.iter().map(|it| it.id).collect();
    assert_eq!(ids, [second.user_token.id], "only those for this organization");
    let other = countersign_control::user_tokens::UserTokenReference::Id(world.acme.created.user_token.id);
    let outcome = control.revoke_user_token(&may(control, &there), other, None).await;
    assert!(matches!(outcome, Err(Error::NotFound(_))));
}

pub async fn what_cannot_be_made_is_named(world: &World) {
    for (field, new) in [
        ("slug", organization("", "a@x.example")),
        ("slug", organization("Ac me", "a@x.example")),
        ("slug", organization("-acme", "a@x.example")),
        ("admin", organization("fine", "nobody")),
        ("admin", organization("fine", "a@x.example\0")),
        ("name", NewOrganization { name: Some("a\u{202E}".to_owned()), ..organization("fine", "a@x.example") }),
    ] {
        assert_eq!(field_of(create(world, new).await), field);
    }
    let before = rows(&world.control).await;
    assert!(matches!(create(world, organization("acme", "new@x.example")).await, Err(Error::Conflict(_))));
    assert_eq!(rows(&world.control).await, before, "no person is left behind");
}

pub async fn organizations_of_one_slug_at_once_become_one(world: &World) {
    let mut making = JoinSet::new();
    for number in 0..4 {
        let (control, operator) = (world.control.clone(), world.operator.clone());
        making.spawn(async move {
            let grant = may::<CreateOrganization>(&control, &operator);
            control.create_organization(&grant, organization("same", &format!("p{number}@x.example"))).await
        });
    }
    let outcomes = making.join_all().await;
    assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|it| matches!(it, Ok(_) | Err(Error::Conflict(_)))), "{outcomes:?}");
}

pub async fn an_operators_token_makes_organizations_and_sees_none(world: &World) {
    let control = &world.control;
    let manage = || may::<ManageOperatorTokens>(control, &world.operator);
    let (row, secret) = control.create_operator_token(&manage(), "robot").await.expect("made");
    assert_eq!((secret.kind(), row.organization.is_nil()), (Kind::OperatorToken, true));
    assert_eq!((row.reveal_policy, row.data_key.is_none()), (RevealPolicy::Never, true));
    let robot = caller(control, secret.reveal()).await;
    let grant = may::<CreateOrganization>(control, &robot);
    control.create_organization(&grant, organization("initech", "p@x.example")).await.expect("made");
    let acme = world.acme.created.organization.id;
    assert_eq!(refusal_of(control.grant::<ViewOrganization>(&robot, acme).map(|_| ())), Refusal::Kind);
    let listed = control.operator_tokens(&manage()).await.expect("a list");
    assert_eq!(listed.iter().map(|it| it.id).collect::<Vec<_>>(), [row.id]);

    control.revoke_operator_token(&manage(), row.public_id.clone(), "gone").await.expect("revoked");
    control.revoke_operator_token(&manage(), row.public_id, "again").await.expect("saying it again is allowed");
    assert_eq!(refusal(control, secret.reveal()).await, Refusal::Revoked);
    let late = control.create_organization(&grant, organization("late", "p@x.example")).await;
    assert_eq!(refusal_of(late), Refusal::Revoked);
    let listed = control.operator_tokens(&manage()).await.expect("a list");
    assert_eq!(listed[0].revoked_reason.as_deref(), Some("gone"));
    let agent_token = world.acme.created.agent_token.public_id.clone();
    let outcome = control.revoke_operator_token(&manage(), agent_token, "x").await;
    assert!(matches!(outcome, Err(Error::NotFound(_))), "an organization's token is none of them");
    for text in ["", "a\0"] {
        assert_eq!(field_of(control.create_operator_token(&manage(), text).await), "description");
    }
}
