//! Invitations: good once, for one thing, for a while.

use std::sync::Arc;
use std::time::Duration;

use countersign_control::access::actions::{
    AcceptInvitation, CreateBuild, CreateInvitation, RemoveMember, ViewAudit, ViewInvitations, ViewOrganization,
    WithdrawInvitation,
};
use countersign_control::audit::Period;
use countersign_control::invitations::{
    Invitation, InvitationReference, IssuedInvitation, Joined, LIFETIME, MAX_LIFETIME, NewInvitation, State,
};
use countersign_control::members::MemberReference;
use countersign_control::{Control, Error, PageRequest, Result};
use countersign_domain::{Kind, Refusal, Role, Timestamp, TokenSecret};
use countersign_testkit::{SeededEntropy, World};

use crate::acting::{caller, field_of, may, next, refusal, refusal_of, try_caller, try_caller_from};

pub const CASES: &[crate::run::Case] = crate::list::cases!["invitations"
    whoever_accepts_one_is_a_member_and_it_is_used_up,
    somebody_who_is_known_keeps_their_name,
    one_is_good_for_seven_days_and_not_a_moment_longer,
    what_cannot_be_taken_makes_none,
    an_address_has_one_at_a_time,
    a_withdrawn_one_is_refused,
    of_two_who_accept_one_wins,
    one_that_ends_on_the_way_makes_nobody_a_member,
    one_is_good_for_nothing_else,
    guesses_have_a_pace,
    a_key_is_needed_while_one_can_be_accepted,
    they_are_listed_newest_first,
];

fn new(email: &str) -> NewInvitation {
    NewInvitation { email: email.to_owned(), role: Role::Member, expires_at: None }
}

pub async fn try_invite(world: &World, new: NewInvitation) -> Result<IssuedInvitation> {
    world.control.create_invitation(&world.admin::<CreateInvitation>(), new).await
}

pub async fn invite(world: &World, email: &str) -> IssuedInvitation {
    try_invite(world, new(email)).await.expect("an invitation is made")
}

pub async fn try_accept(control: &Control, value: &TokenSecret, name: Option<&str>) -> Result<Joined> {
    let grant = control.grant_own::<AcceptInvitation>(&try_caller(control, value.reveal()).await?)?;
    control.accept_invitation(&grant, name.map(str::to_owned)).await
}

async fn withdraw(world: &World, it: &Invitation) -> Result<Invitation> {
    let reference = InvitationReference::PublicId(it.public_id.clone());
    world.control.withdraw_invitation(&world.admin::<WithdrawInvitation>(), reference).await
}

/// The conflict that somebody meets who invites a member.
pub async fn nobody_is_invited_who_is_a_member(world: &World, email: &str) {
    match try_invite(world, new(email)).await {
        Err(Error::Conflict(words)) => assert!(words.starts_with(&format!("{email} is a member already.")), "{words}"),
        other => panic!("{other:?}"),
    }
}

pub async fn whoever_accepts_one_is_a_member_and_it_is_used_up(world: &World) {
    let control = &world.control;
    let issued = try_invite(world, NewInvitation { role: Role::Admin, ..new("Bob@Acme.example") }).await.expect("made");
    assert_eq!(issued.invitation.email, "bob@acme.example");
    world.clock.advance(Duration::from_millis(1));
    let joined = try_accept(control, &issued.secret, Some("Bob Builder")).await.expect("accepted");
    assert_eq!((joined.member.user.name.as_str(), joined.member.role), ("Bob Builder", Role::Admin));
    assert_eq!(joined.organization.slug, "acme");
    let bob = caller(control, joined.user_secret.reveal()).await;
    assert_eq!(bob.user(), Some(joined.member.user.id));
    may::<CreateInvitation>(control, &bob);
    let again = try_accept(control, &issued.secret, None).await.map(drop);
    assert_eq!(again, Err(Error::refused(Refusal::Expired, issued.secret.public_id().clone())));
    let found = control.invitation(&world.admin(), InvitationReference::Id(issued.invitation.id)).await.expect("there");
    assert_eq!((found.state(control.now()), found.accepted_by), (State::Accepted, bob.user()));
    let events = control
        .audit_events(&world.admin::<ViewAudit>(), Period::default(), PageRequest::first(2))
        .await
        .expect("rows")
        .items;
    let mut actions: Vec<_> = events.iter().map(|it| it.action.as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["invitation.accepted", "user_token.created"]);
    for event in &events {
        assert_eq!((event.actor_kind.as_str(), event.actor_name.as_str()), ("invitation", "bob@acme.example"));
        assert_eq!(event.credential.as_deref(), Some(issued.secret.public_id().as_str()));
        assert!(!event.detail.contains(issued.secret.reveal()) && !event.detail.contains(joined.user_secret.reveal()));
    }
    // What nobody says is read from the address.
    let issued = invite(world, "carol.jones@acme.example").await;
    assert_eq!(try_accept(control, &issued.secret, None).await.expect("accepted").member.user.name, "carol.jones");
}

pub async fn somebody_who_is_known_keeps_their_name(world: &World) {
    let control = &world.control;
    let issued = invite(world, "bob@acme.example").await;
    let first = try_accept(control, &issued.secret, Some("Bob")).await.expect("accepted");
    let id = first.member.user.id;
    control.remove_member(&world.admin::<RemoveMember>(), MemberReference::Id(id)).await.expect("removed");
    let issued = invite(world, "bob@acme.example").await;
    let second = try_accept(control, &issued.secret, Some("Mallory")).await.expect("accepted");
    assert_eq!((second.member.user.id, second.member.user.name.as_str()), (id, "Bob"));
    assert_eq!(refusal(control, first.user_secret.reveal()).await, Refusal::Revoked, "what was taken back stays so");
    caller(control, second.user_secret.reveal()).await;
}

pub async fn one_is_good_for_seven_days_and_not_a_moment_longer(world: &World) {
    let control = &world.control;
    let (one, two) = (invite(world, "one@acme.example").await, invite(world, "two@acme.example").await);
    let end = control.now().plus(LIFETIME);
    assert_eq!(one.invitation.expires_at, end);
    world.clock.set(end.minus(Duration::from_micros(1)));
    try_accept(control, &one.secret, None).await.expect("in time");
    world.clock.set(end);
    assert_eq!(refusal_of(try_accept(control, &two.secret, None).await.map(drop)), Refusal::Expired);
    // Its address is free again.
    let again = invite(world, "two@acme.example").await;
    try_accept(control, &again.secret, None).await.expect("accepted");
}

pub async fn what_cannot_be_taken_makes_none(world: &World) {
    let now = world.control.now();
    let until = |at: Timestamp| NewInvitation { expires_at: Some(at), ..new("bob@acme.example") };
    for at in [now, now.plus(MAX_LIFETIME).plus(Duration::from_micros(1)), Timestamp::LATEST] {
        assert_eq!(field_of(try_invite(world, until(at)).await), "expiresAt", "{at}");
    }
    for email in ["", "bob", "bob@", "a b@c.example", "x@service-users.invalid", "X@Service-Users.INVALID"] {
        assert_eq!(field_of(try_invite(world, new(email)).await), "email", "{email}");
    }
    let issued = try_invite(world, until(now.plus(MAX_LIFETIME))).await.expect("the longest");
    for name in ["", " ", "a\nb", &"x".repeat(101)] {
        assert_eq!(field_of(try_accept(&world.control, &issued.secret, Some(name)).await), "name", "{name:?}");
    }
    try_accept(&world.control, &issued.secret, Some("Bob")).await.expect("nothing of that used it up");
}

pub async fn an_address_has_one_at_a_time(world: &World) {
    nobody_is_invited_who_is_a_member(world, "ada@acme.example").await;
    let first = invite(world, "bob@acme.example").await;
    assert!(matches!(try_invite(world, new("BOB@acme.example")).await, Err(Error::Conflict(_))));
    withdraw(world, &first.invitation).await.expect("withdrawn");
    let second = invite(world, "bob@acme.example").await;
    try_accept(&world.control, &second.secret, None).await.expect("accepted");
    nobody_is_invited_who_is_a_member(world, "bob@acme.example").await;
}

pub async fn a_withdrawn_one_is_refused(world: &World) {
    let control = &world.control;
    let issued = invite(world, "bob@acme.example").await;
    let withdrawn = withdraw(world, &issued.invitation).await.expect("withdrawn");
    assert_eq!(withdrawn.withdrawn_by, world.acme.admin.user());
    assert_eq!(refusal_of(try_accept(control, &issued.secret, None).await.map(drop)), Refusal::Revoked);
    world.clock.advance(Duration::from_secs(1));
    let again = withdraw(world, &issued.invitation).await.expect("so it is already");
    assert_eq!(again.withdrawn_at, withdrawn.withdrawn_at);
    let issued = invite(world, "carol@acme.example").await;
    try_accept(control, &issued.secret, None).await.expect("accepted");
    assert!(matches!(withdraw(world, &issued.invitation).await, Err(Error::Conflict(_))));
    assert!(InvitationReference::parse(issued.secret.reveal()).is_err(), "a value names nothing");
}

pub async fn of_two_who_accept_one_wins(world: &World) {
    for round in 0..8 {
        let control = &world.control;
        let issued = invite(world, &format!("p{round}@acme.example")).await;
        let value: &Arc<TokenSecret> = &issued.secret;
        let (one, two) = tokio::join!(try_accept(control, value, None), try_accept(control, value, None));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let lost = [one, two].into_iter().find_map(Result::err);
        assert_eq!(lost, Some(Error::refused(Refusal::Expired, value.public_id().clone())));
    }
}

pub async fn one_that_ends_on_the_way_makes_nobody_a_member(world: &World) {
    let control = &world.control;
    let issued = invite(world, "bob@acme.example").await;
    let grant = may::<AcceptInvitation>(control, &caller(control, issued.secret.reveal()).await);
    withdraw(world, &issued.invitation).await.expect("withdrawn");
    assert_eq!(refusal_of(control.accept_invitation(&grant, None).await.map(drop)), Refusal::Revoked);
    let issued = invite(world, "bob@acme.example").await;
    let grant = may::<AcceptInvitation>(control, &caller(control, issued.secret.reveal()).await);
    world.clock.advance(LIFETIME);
    assert_eq!(refusal_of(control.accept_invitation(&grant, None).await.map(drop)), Refusal::Expired);
}

pub async fn one_is_good_for_nothing_else(world: &World) {
    let control = &world.control;
    let issued = invite(world, "bob@acme.example").await;
    let holder = caller(control, issued.secret.reveal()).await;
    assert_eq!(refusal_of(control.grant_own::<ViewOrganization>(&holder).map(drop)), Refusal::Kind);
    assert_eq!(refusal_of(control.grant_own::<CreateBuild>(&holder).map(drop)), Refusal::Kind);
    assert_eq!(refusal_of(control.grant_own::<AcceptInvitation>(&world.acme.admin).map(drop)), Refusal::Kind);
    let elsewhere = control.grant::<AcceptInvitation>(&holder, world.globex.created.organization.id);
    assert_eq!(elsewhere.map(drop), Err(Error::NotFound("organization")));
}

pub async fn guesses_have_a_pace(world: &World) {
    let control = &world.control;
    let issued = invite(world, "bob@acme.example").await;
    let guess = async |ip: &str| {
        let value = TokenSecret::mint(&control.settings().prefix, Kind::Invitation, &SeededEntropy::new(next()));
        try_caller_from(control, value.reveal(), ip).await.map(drop)
    };
    let tried = async |ip: &str| {
        let mut tried = 0;
        while guess(ip).await == Err(Error::unknown()) {
            tried += 1;
            assert!(tried < 1_000, "there is no end");
        }
        tried
    };
    for (ip, neighbour) in [("192.0.2.77", "192.0.2.77"), ("2001:db8::1", "2001:db8::ffff:2")] {
        assert_eq!(tried(ip).await, 60, "{ip}");
        assert!(matches!(guess(neighbour).await, Err(Error::TooMany { .. })), "{neighbour}");
        let also = try_caller_from(control, issued.secret.reveal(), neighbour).await.map(drop);
        assert!(matches!(also, Err(Error::TooMany { .. })), "a right one is not looked up either: {also:?}");
    }
    try_caller(control, issued.secret.reveal()).await.expect("another address is not held back");
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(tried("192.0.2.77").await, 2, "one a second comes back");
}

pub async fn a_key_is_needed_while_one_can_be_accepted(world: &World) {
    let control = &world.control;
    let needed = async || control.needed_keys().await.expect("a count").values().sum::<i64>();
    let before = needed().await;
    let issued = invite(world, "bob@acme.example").await;
    assert_eq!(needed().await, before + 1);
    withdraw(world, &issued.invitation).await.expect("withdrawn");
    assert_eq!(needed().await, before);
    invite(world, "bob@acme.example").await;
    world.clock.advance(LIFETIME);
    assert_eq!(needed().await, before - 1, "that of the twin has run out too");
}

pub async fn they_are_listed_newest_first(world: &World) {
    let control = &world.control;
    let mut ids = Vec::new();
    for number in 0..4 {
        world.clock.advance(Duration::from_millis(1));
        ids.insert(0, invite(world, &format!("p{number}@acme.example")).await.invitation);
    }
    withdraw(world, &ids[1]).await.expect("withdrawn");
    let ids: Vec<_> = ids.into_iter().map(|it| it.id).collect();
    let grant = world.admin::<ViewInvitations>();
    let list = async |pending, after, limit| {
        let page = control.list_invitations(&grant, pending, PageRequest { after, limit }).await.expect("a page");
        (page.items.iter().map(|it| it.id).collect::<Vec<_>>(), page.has_more)
    };
    assert_eq!(list(None, None, 9).await, (ids.clone(), false));
    assert_eq!(list(None, Some(ids[0]), 2).await, (ids[1..3].to_vec(), true));
    assert_eq!(list(Some(true), None, 9).await.0, [ids[0], ids[2], ids[3]]);
    assert_eq!(list(Some(false), None, 9).await.0, [ids[1]]);
    for (pending, count) in [(None, 4), (Some(true), 3), (Some(false), 1)] {
        assert_eq!(control.count_invitations(&grant, pending).await, Ok(count));
    }
    world.clock.advance(LIFETIME);
    assert_eq!(control.count_invitations(&grant, Some(true)).await, Ok(0));
}
