//! Changing an organization: its name, its slug, its reveal policy.

use countersign_control::access::actions::{
    CreateOrganization, RequestOidcToken, UpdateOrganization, ViewAudit, ViewOrganization, ViewSignIns,
};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::audit::Period;
use countersign_control::oidc::TokenRequest;
use countersign_control::organizations::{Created, MAX_SLUGS, NewOrganization, Organization, OrganizationChange};
use countersign_control::{Caller, Control, PageRequest, Result};
use countersign_domain::{RevealPolicy, Role};
use countersign_testkit::{Tenant, World};
use tokio::task::JoinSet;

use crate::acting::{caller, field_of, may, person, running_job, token};
use crate::deployments::conflict;
use crate::oidc::claims;
use crate::signing_in::{ADA, PASSWORD, by_link, cookie, organization};

pub const CASES: &[crate::run::Case] = crate::list::cases!["organizations"
    one_is_changed_by_its_admins,
    what_it_cannot_be_is_named,
    a_slug_that_it_leaves_is_given_to_no_other,
    of_two_that_choose_one_slug_at_once_one_has_it,
    a_slug_that_it_had_leads_its_members_to_it,
];

fn named(name: &str) -> OrganizationChange {
    OrganizationChange { name: Some(name.to_owned()), ..OrganizationChange::default() }
}

fn at(slug: &str) -> OrganizationChange {
    OrganizationChange { slug: Some(slug.to_owned()), ..OrganizationChange::default() }
}

async fn change(control: &Control, tenant: &Tenant, it: OrganizationChange) -> Result<Organization> {
    control.update_organization(&may::<UpdateOrganization>(control, &tenant.admin), it).await
}

/// Makes another one.
async fn create(world: &World, slug: &str) -> Result<Created> {
    let grant = may::<CreateOrganization>(&world.control, &world.operator);
    let admin = "ida@initech.example".to_owned();
    let new = NewOrganization { slug: slug.to_owned(), name: None, admin, reveal_policy: None };
    world.control.create_organization(&grant, new).await
}

pub async fn one_is_changed_by_its_admins(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    let it = OrganizationChange { default_reveal_policy: Some(RevealPolicy::Never), ..named("Acme Corporation") };
    let changed = change(control, acme, it).await.expect("changed");
    assert_eq!((changed.name.as_str(), changed.slug.as_str()), ("Acme Corporation", "acme"), "what is not said stays");
    let seen = control.organization(&world.admin::<ViewOrganization>()).await.expect("a read");
    assert_eq!((seen.name.as_str(), seen.default_reveal_policy), ("Acme Corporation", RevealPolicy::Never));
    let issued = token(world, NewAgentToken::default()).await;
    assert_eq!(issued.token.token.reveal_policy, RevealPolicy::Never, "a token that says nothing of it");

    let audit = async || {
        let page = control
            .audit_events(&world.admin::<ViewAudit>(), Period::default(), PageRequest::first(100))
            .await
            .expect("a log");
        page.items.into_iter().filter(|row| row.action == "organization.updated").collect::<Vec<_>>()
    };
    let rows = audit().await;
    assert_eq!(rows.len(), 1);
    let detail = rows[0].detail.to_string();
    assert!(detail.contains("Acme Corporation") && detail.contains("never") && !detail.contains("slug"), "{detail}");
    change(control, acme, named("Acme Corporation")).await.expect("it is so already");
    assert_eq!(audit().await.len(), 1, "what changes nothing leaves no row");

    let bob = person(control, acme, "bob@acme.example", Role::Member).await;
    assert!(control.grant_own::<UpdateOrganization>(&bob).is_err());
    let grant = control.grant_own::<ViewOrganization>(&world.globex.admin).expect("a grant");
    assert_eq!(control.organization(&grant).await.expect("a read").slug, "globex", "the twin is as it was");
}

pub async fn what_it_cannot_be_is_named(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    for (field, it) in [
        ("name", named("")),
        ("name", named("a\nb")),
        ("slug", at("Acme")),
        ("slug", at("")),
        ("slug", at("a/b")),
        ("slug", at(&"x".repeat(200))),
    ] {
        assert_eq!(field_of(change(control, acme, it).await), field);
    }
    let why = conflict(change(control, acme, OrganizationChange { slug: at("globex").slug, ..named("New") }).await);
    assert!(why.contains("the slug globex"), "{why}");
    let seen = control.organization(&world.admin::<ViewOrganization>()).await.expect("a read");
    assert_ne!(seen.name, "New", "all of a change or nothing");
}

pub async fn a_slug_that_it_leaves_is_given_to_no_other(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    let job = running_job(control, acme).await;
    let subject = async || {
        let grant = may::<RequestOidcToken>(control, &job.caller);
        let token = control.request_oidc_token(&grant, TokenRequest::default()).await.expect("a token");
        claims(token.reveal())["sub"].as_str().expect("a text").to_owned()
    };
    assert!(subject().await.starts_with("organization:acme:"));
    change(control, acme, at("acme-corporation")).await.expect("changed");
    assert!(subject().await.starts_with("organization:acme-corporation:"));

    // Other services trust `organization:acme:`; nobody else may ever say it.
    assert!(conflict(create(world, "acme").await).contains("the slug acme,"));
    assert!(conflict(change(control, &world.globex, at("acme")).await).contains("the slug acme,"));
    assert!(conflict(create(world, "acme-corporation").await).contains("or had it"));
    create(world, "initech").await.expect("one that nobody had is free");

    let back = change(control, acme, at("acme")).await.expect("its own it takes back");
    assert_eq!(back.slug, "acme");
    assert!(subject().await.starts_with("organization:acme:"));
    assert!(conflict(change(control, &world.globex, at("acme-corporation")).await).contains("or had it"));

    // It has had two; nobody takes every name there is.
    for number in 2..MAX_SLUGS {
        change(control, acme, at(&format!("acme-{number}"))).await.expect("changed");
    }
    assert!(conflict(change(control, acme, at("acme-more")).await).contains("the most there may be"));
    change(control, acme, at("acme-corporation")).await.expect("one of its own costs nothing");
    create(world, "acme-more").await.expect("what was refused is not kept");
}

pub async fn of_two_that_choose_one_slug_at_once_one_has_it(world: &World) {
    let mut choosing = JoinSet::new();
    let other = create(world, "initech").await.expect("made");
    let other = caller(&world.control, other.user_secret.reveal()).await;
    for admin in [&world.acme.admin, &other] {
        let (control, admin) = (world.control.clone(), admin.clone());
        choosing.spawn(async move {
            control.update_organization(&may::<UpdateOrganization>(&control, &admin), at("same")).await.map(drop)
        });
    }
    let outcomes = choosing.join_all().await;
    assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 1, "{outcomes:?}");
    let refused = outcomes.into_iter().find(Result::is_err).expect("the other one");
    conflict(refused);
}

pub async fn a_slug_that_it_had_leads_its_members_to_it(world: &World) {
    let control = &world.control;
    organization(world, "umbrella", ADA).await;
    change(control, &world.acme, at("acme-new")).await.expect("changed");
    let by_sign_in = cookie(control, &by_link(world, ADA, PASSWORD).await).await;
    let had = async |caller: &Caller, slug: &str| {
        let found = control.own_organization_that_had(&may::<ViewSignIns>(control, caller), slug).await;
        found.expect("looked up").map(|it| it.slug)
    };
    // A user token is for one organization; of what is not theirs nobody finds anything.
    for (slug, theirs, of_the_token) in [
        ("acme", Some("acme-new"), Some("acme-new")),
        ("acme-new", Some("acme-new"), Some("acme-new")),
        ("umbrella", Some("umbrella"), None),
        ("globex", None, None),
        ("nowhere", None, None),
    ] {
        assert_eq!(had(&by_sign_in, slug).await.as_deref(), theirs, "{slug}");
        assert_eq!(had(&world.acme.admin, slug).await.as_deref(), of_the_token, "{slug}");
    }
}
