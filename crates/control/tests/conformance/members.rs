//! Members: who is one, as what, and what is lost when that ends.

use std::sync::Arc;
use std::time::Duration;

use countersign_control::access::actions::{
    ChangeMemberRole, CreateBuild, CreateInvitation, CreateUserToken, RemoveMember, RevokeMemberToken, ViewAudit,
    ViewMemberTokens, ViewMembers, ViewUserTokens,
};
use countersign_control::audit::Period;
use countersign_control::builds::NewBuild;
use countersign_control::invitations::{InvitationReference, NewInvitation, State};
use countersign_control::members::{MemberReference, Removal, RoleChange, RoleChanged, Wanted};
use countersign_control::user_tokens::{NewUserToken, UserTokenReference};
use countersign_control::{Caller, Control, Error, PageRequest, Result};
use countersign_domain::id::UserId;
use countersign_domain::{Refusal, Role, TokenSecret};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{
    ONE_STEP, another_token, caller, field_of, fresh_id, may, person, refusal, refusal_of, try_caller_from,
};
use crate::service_users::service_user;
use crate::{invitations, sql};

pub const CASES: &[crate::run::Case] = crate::list::cases!["members"
    members_are_listed_in_pages_and_chosen,
    a_demoted_admin_loses_tokens_and_invitations_at_once,
    a_demoted_admin_may_keep_their_tokens,
    a_promoted_member_keeps_their_tokens,
    a_removed_member_is_gone_at_once,
    the_last_admin_can_be_neither_demoted_nor_removed,
    two_admins_who_take_each_others_role_leave_one,
    two_admins_who_remove_each_other_leave_one,
    a_role_that_is_not_known_opens_nothing,
    a_token_that_is_made_on_the_way_goes_too,
    an_admin_sees_and_revokes_the_tokens_of_another,
    nobody_but_an_admin_looks_at_the_tokens_of_others,
];

/// A member by id.
pub fn named(user: UserId) -> MemberReference {
    MemberReference::Id(user)
}

fn id(who: &Caller) -> UserId {
    who.user().expect("a person")
}

pub async fn change(control: &Control, by: &Caller, whose: UserId, role: Role) -> Result<RoleChanged> {
    let grant = control.grant_own::<ChangeMemberRole>(by)?;
    control.change_member_role(&grant, RoleChange { member: named(whose), role, keep_tokens: false }).await
}

pub async fn remove(control: &Control, by: &Caller, whose: UserId) -> Result<Removal> {
    control.remove_member(&control.grant_own::<RemoveMember>(by)?, named(whose)).await
}

async fn invited_by(control: &Control, by: &Caller) -> (InvitationReference, Arc<TokenSecret>) {
    let new = NewInvitation { email: "new@acme.example".to_owned(), role: Role::Admin, expires_at: None };
    let issued = control.create_invitation(&may::<CreateInvitation>(control, by), new).await.expect("made");
    (InvitationReference::Id(issued.invitation.id), issued.secret)
}

pub async fn members_are_listed_in_pages_and_chosen(world: &World) {
    let control = &world.control;
    let ada = world.acme.created.admin.id;
    let mut all = vec![ada];
    for (number, role) in [Role::Member, Role::Admin, Role::Member].into_iter().enumerate() {
        world.clock.advance(Duration::from_millis(1));
        all.insert(0, id(&person(control, &world.acme, &format!("p{number}@acme.example"), role).await));
    }
    world.clock.advance(Duration::from_millis(1));
    all.insert(0, service_user(world, "robot", Role::Member).await);
    let grant = world.admin::<ViewMembers>();
    let list = async |wanted, after, limit| {
        let page = control.members(&grant, wanted, PageRequest { after, limit }).await.expect("a page");
        (page.items.iter().map(|it| it.user.id).collect::<Vec<_>>(), page.has_more)
    };
    let everybody = Wanted::default();
    assert_eq!(list(everybody.clone(), None, 9).await, (all.clone(), false));
    assert_eq!(list(everybody.clone(), None, 2).await, (all[..2].to_vec(), true));
    assert_eq!(list(everybody.clone(), Some(all[1]), 9).await, (all[2..].to_vec(), false));
    for (wanted, found) in [
        (Wanted { service: Some(true), ..everybody.clone() }, vec![all[0]]),
        (Wanted { service: Some(false), role: Some(Role::Admin), search: None }, vec![all[2], ada]),
        (Wanted { role: Some(Role::Member), ..everybody.clone() }, vec![all[0], all[1], all[3]]),
        (Wanted { service: Some(true), role: Some(Role::Admin), search: None }, vec![]),
        // By a name, and by the address of a person: nobody knows that of a service user.
        (Wanted { search: Some("ROBOT".to_owned()), ..everybody.clone() }, vec![all[0]]),
        (Wanted { search: Some("P2@acme".to_owned()), ..everybody.clone() }, vec![all[1]]),
        (Wanted { search: Some("@".to_owned()), ..everybody.clone() }, all[1..].to_vec()),
        (Wanted { search: Some("@".to_owned()), service: Some(false), role: Some(Role::Admin) }, vec![all[2], ada]),
        // No sign stands for others.
        (Wanted { search: Some("_".to_owned()), ..everybody.clone() }, vec![]),
        (Wanted { search: Some("%".to_owned()), ..everybody.clone() }, vec![]),
        (Wanted { search: Some("\\".to_owned()), ..everybody.clone() }, vec![]),
        (Wanted { search: Some("!".to_owned()), ..everybody.clone() }, vec![]),
    ] {
        let count = i64::try_from(found.len()).expect("few");
        assert_eq!(control.count_members(&grant, wanted.clone()).await, Ok(count), "{wanted:?}");
        assert_eq!(list(wanted.clone(), None, 9).await.0, found, "{wanted:?}");
    }
    for name in [ada.to_string(), "ADA@acme.example".to_owned(), " ada@acme.example ".to_owned()] {
        let reference = MemberReference::parse(&name).expect("a name");
        assert_eq!(control.find_member(&grant, reference).await.expect("found").user.id, ada, "{name}");
    }
    let reference = MemberReference::parse("robot").expect("a name");
    assert_eq!(control.find_member(&grant, reference).await.expect("found").user.id, all[0]);
    for name in ["nobody@acme.example", "nothing", "ada"] {
        let reference = MemberReference::parse(name).expect("a name");
        assert_eq!(control.find_member(&grant, reference).await.err(), Some(Error::NotFound("member")), "{name}");
    }
    for name in ["", "a b", "a@b@c", "\0"] {
        assert_eq!(MemberReference::parse(name).err(), Some(Error::NotFound("member")), "{name}");
    }
}

pub async fn a_demoted_admin_loses_tokens_and_invitations_at_once(world: &World) {
    let control = &world.control;
    let eve = person(control, &world.acme, "eve@acme.example", Role::Admin).await;
    let (secret, other) = another_token(control, &eve).await;
    let (invitation, value) = invited_by(control, &other).await;
    let begun = may::<CreateBuild>(control, &other);
    world.clock.advance(Duration::from_millis(1));
    let changed = change(control, &world.acme.admin, id(&eve), Role::Member).await.expect("changed");
    assert_eq!((changed.member.role, changed.tokens_revoked, changed.invitations_withdrawn), (Role::Member, 2, 1));
    assert_eq!(refusal(control, secret.reveal()).await, Refusal::Revoked);
    assert_eq!(refusal(control, value.reveal()).await, Refusal::Revoked);
    let found = control.invitation(&world.admin(), invitation).await.expect("it is still listed");
    assert_eq!(found.state(control.now()), State::Withdrawn);
    let new = NewBuild { definition: ONE_STEP.to_owned(), pipeline: "p".to_owned(), ..NewBuild::default() };
    assert_eq!(refusal_of(control.create_build(&begun, new).await), Refusal::Revoked, "what was begun does not commit");
    let events = control
        .audit_events(&world.admin::<ViewAudit>(), Period::default(), PageRequest::first(1))
        .await
        .expect("a row")
        .items;
    assert_eq!(
        (events[0].action.as_str(), events[0].subject_name.as_str()),
        ("member.role_changed", "eve@acme.example")
    );
    let named = events[0].detail.contains(secret.public_id().as_str());
    assert!(named, "what was taken back is named: {}", events[0].detail);
    let again = change(control, &world.acme.admin, id(&eve), Role::Member).await.expect("nothing to do");
    assert_eq!((again.tokens_revoked, again.member.generation), (0, changed.member.generation));
}

pub async fn a_demoted_admin_may_keep_their_tokens(world: &World) {
    let control = &world.control;
    let eve = person(control, &world.acme, "eve@acme.example", Role::Admin).await;
    let (secret, eve) = another_token(control, &eve).await;
    let (_, value) = invited_by(control, &eve).await;
    let keep = RoleChange { member: named(id(&eve)), role: Role::Member, keep_tokens: true };
    let changed = control.change_member_role(&world.admin(), keep).await.expect("changed");
    assert_eq!((changed.tokens_revoked, changed.invitations_withdrawn), (0, 1));
    let eve = caller(control, secret.reveal()).await;
    let denied = control.grant_own::<ChangeMemberRole>(&eve).map(drop);
    assert!(matches!(denied, Err(Error::Denied { .. })), "a member from the next call on: {denied:?}");
    assert_eq!(refusal(control, value.reveal()).await, Refusal::Revoked, "an invitation would bring the role back");
}

pub async fn a_promoted_member_keeps_their_tokens(world: &World) {
    let control = &world.control;
    let bob = person(control, &world.acme, "bob@acme.example", Role::Member).await;
    let (secret, _) = another_token(control, &bob).await;
    let changed = change(control, &world.acme.admin, id(&bob), Role::Admin).await.expect("changed");
    assert_eq!((changed.member.role, changed.tokens_revoked), (Role::Admin, 0));
    may::<ChangeMemberRole>(control, &caller(control, secret.reveal()).await);
}

pub async fn a_removed_member_is_gone_at_once(world: &World) {
    let control = &world.control;
    let eve = person(control, &world.acme, "eve@acme.example", Role::Admin).await;
    let (secret, eve) = another_token(control, &eve).await;
    let (_, value) = invited_by(control, &eve).await;
    let begun = may::<CreateUserToken>(control, &eve);
    let removal = remove(control, &world.acme.admin, id(&eve)).await.expect("removed");
    assert_eq!((removal.tokens_revoked, removal.invitations_withdrawn), (2, 1));
    for gone in [&secret, &value] {
        assert_eq!(refusal(control, gone.reveal()).await, Refusal::Revoked);
    }
    assert_eq!(refusal_of(control.create_user_token(&begun, NewUserToken::default()).await), Refusal::Revoked);
    assert_eq!(remove(control, &world.acme.admin, id(&eve)).await.err(), Some(Error::NotFound("member")));
    let found = control.find_member(&world.admin(), named(id(&eve))).await;
    assert_eq!(found.err(), Some(Error::NotFound("member")));
    let nobody = change(control, &world.acme.admin, fresh_id(control), Role::Admin).await;
    assert_eq!(nobody.err(), Some(Error::NotFound("member")));
}

pub async fn the_last_admin_can_be_neither_demoted_nor_removed(world: &World) {
    let control = &world.control;
    let (ada, of) = (&world.acme.admin, id(&world.acme.admin));
    // A program that is an Organization Admin is no person who could be asked.
    service_user(world, "robot", Role::Admin).await;
    let bob = person(control, &world.acme, "bob@acme.example", Role::Member).await;
    for refused in [change(control, ada, of, Role::Member).await.err(), remove(control, ada, of).await.err()] {
        let Some(Error::Conflict(why)) = refused else { panic!("{refused:?}") };
        assert!(why.starts_with("ada@acme.example is the last Organization Admin"), "{why}");
    }
    caller(control, world.acme.user_token()).await;
    change(control, ada, id(&bob), Role::Admin).await.expect("there are two");
    let left = remove(control, ada, of).await.expect("whoever is not the last one may go");
    assert!(left.tokens_revoked >= 1);
    assert_eq!(refusal(control, world.acme.user_token()).await, Refusal::Revoked);
}

/// Two fresh Organization Admins, who are the only ones.
async fn two_admins(world: &World, round: usize) -> [Caller; 2] {
    let control = &world.control;
    let of = world.acme.created.organization.id;
    let text = "UPDATE members SET role = 'member' WHERE organization_id = $1 AND user_id <> $2";
    sql::change(control, text, vec![of.into_value(), id(&world.acme.admin).into_value()]).await;
    // The first admin makes tokens for the others, and does not count.
    let text = "UPDATE users SET is_service = TRUE WHERE id = $1";
    sql::change(control, text, vec![id(&world.acme.admin).into_value()]).await;
    let mut made = Vec::new();
    for name in ["one", "two"] {
        made.push(person(control, &world.acme, &format!("{name}{round}@acme.example"), Role::Admin).await);
    }
    made.try_into().expect("two")
}

async fn admins(world: &World) -> i64 {
    let wanted = Wanted { service: Some(false), role: Some(Role::Admin), search: None };
    world.control.count_members(&world.admin::<ViewMembers>(), wanted).await.expect("a count")
}

/// Both try at once; one of them does it, and the other finds that they may not any more.
fn one_of<T: std::fmt::Debug>(outcomes: [Result<T>; 2]) {
    let done = outcomes.iter().filter(|it| it.is_ok()).count();
    assert_eq!(done, 1, "{outcomes:?}");
    for error in outcomes.into_iter().filter_map(Result::err) {
        let is_refused = matches!(error, Error::Unauthenticated { .. } | Error::Denied { .. } | Error::Conflict(_));
        assert!(is_refused, "{error:?}");
    }
}

pub async fn two_admins_who_take_each_others_role_leave_one(world: &World) {
    for round in 0..8 {
        let [one, two] = two_admins(world, round).await;
        let control = &world.control;
        let (first, second) =
            tokio::join!(change(control, &one, id(&two), Role::Member), change(control, &two, id(&one), Role::Member),);
        one_of([first, second]);
        assert_eq!(admins(world).await, 1);
    }
}

pub async fn two_admins_who_remove_each_other_leave_one(world: &World) {
    for round in 0..8 {
        let [one, two] = two_admins(world, round).await;
        let control = &world.control;
        // Each may also go by themself: then the other is the last one.
        let (first, second) = if round % 2 == 0 {
            tokio::join!(remove(control, &one, id(&two)), remove(control, &two, id(&one)))
        } else {
            tokio::join!(remove(control, &one, id(&one)), remove(control, &two, id(&two)))
        };
        one_of([first, second]);
        assert_eq!(admins(world).await, 1);
    }
}

/// A row that was not written by this program, or by a later one.
pub async fn a_role_that_is_not_known_opens_nothing(world: &World) {
    let control = &world.control;
    let bob = person(control, &world.acme, "bob@acme.example", Role::Admin).await;
    let (secret, bob) = another_token(control, &bob).await;
    let grant = may::<CreateUserToken>(control, &bob);
    let of = world.acme.created.organization.id;
    let set = async |role: &str| {
        let text =
            "UPDATE members SET role = $3, generation = generation + 1 WHERE organization_id = $1 AND user_id = $2";
        sql::change(control, text, vec![of.into_value(), id(&bob).into_value(), role.into_value()]).await;
    };
    for role in ["emperor", "", "Admin", "viewer"] {
        set(role).await;
        let shown = try_caller_from(control, secret.reveal(), "192.0.2.1").await;
        assert!(shown.is_err(), "{role}: {shown:?}");
        let begun = control.create_user_token(&grant, NewUserToken::default()).await;
        assert!(begun.is_err(), "{role}: what was begun before");
    }
    // So that the organization can be read again.
    set("member").await;
    caller(control, secret.reveal()).await;
}

pub async fn a_token_that_is_made_on_the_way_goes_too(world: &World) {
    let control = &world.control;
    for round in 0..8 {
        let bob = person(control, &world.acme, &format!("bob{round}@acme.example"), Role::Member).await;
        let (first_is_made, go) = tokio::sync::oneshot::channel();
        let making = async {
            let grant = may::<CreateUserToken>(control, &bob);
            control.create_user_token(&grant, NewUserToken::default()).await.expect("nobody removes him yet");
            first_is_made.send(()).expect("it is waited for");
            // The two meet: it goes on until it is refused.
            while control.create_user_token(&grant, NewUserToken::default()).await.is_ok() {}
        };
        let removing = async {
            go.await.expect("a first token");
            remove(control, &world.acme.admin, id(&bob)).await.expect("removed");
        };
        tokio::join!(making, removing);
        let text = "SELECT COUNT(*) AS n FROM tokens WHERE user_id = $1 AND revoked_at IS NULL";
        let live: i64 = sql::value(control, text, vec![id(&bob).into_value()], "n").await;
        assert_eq!(live, 0);
    }
}

pub async fn an_admin_sees_and_revokes_the_tokens_of_another(world: &World) {
    let control = &world.control;
    let bob = person(control, &world.acme, "bob@acme.example", Role::Member).await;
    let (secret, bob) = another_token(control, &bob).await;
    let theirs = control.user_tokens(&may::<ViewUserTokens>(control, &bob), PageRequest::first(9)).await;
    let theirs: Vec<_> = theirs.expect("a list").items.iter().map(|it| it.id).collect();
    let view = world.admin::<ViewMemberTokens>();
    let seen = control.member_tokens(&view, named(id(&bob)), PageRequest::first(9)).await.expect("a list");
    assert_eq!(seen.items.iter().map(|it| it.id).collect::<Vec<_>>(), theirs);
    let part = control.member_tokens(&view, named(id(&bob)), PageRequest::first(1)).await.expect("a list");
    assert!(part.has_more && part.items.len() == 1);
    let one = control.member_token(&view, named(id(&bob)), UserTokenReference::Id(theirs[0])).await.expect("a look");
    assert_eq!(one.id, theirs[0]);
    let hers = control.member_token(&view, named(id(&world.acme.admin)), UserTokenReference::Id(theirs[0])).await;
    assert_eq!(hers.err(), Some(Error::NotFound("user token")), "it is not hers");
    let nobody = control.member_tokens(&view, named(fresh_id(control)), PageRequest::first(9)).await;
    assert_eq!(nobody.err(), Some(Error::NotFound("member")));

    let revoke = async |whose, reason: Option<&str>| {
        let token = UserTokenReference::PublicId(secret.public_id().clone());
        let grant = world.admin::<RevokeMemberToken>();
        control.revoke_member_token(&grant, named(whose), token, reason.map(str::to_owned)).await
    };
    let ada = id(&world.acme.admin);
    assert_eq!(revoke(ada, None).await.err(), Some(Error::NotFound("user token")), "it is not hers");
    assert_eq!(field_of(revoke(id(&bob), Some(" ")).await), "reason");
    caller(control, secret.reveal()).await;
    let token = revoke(id(&bob), Some("left on a train")).await.expect("revoked");
    assert_eq!((token.revoked_reason.as_deref(), token.revoked_by), (Some("left on a train"), Some(ada)));
    assert_eq!(refusal(control, secret.reveal()).await, Refusal::Revoked);
    let again = revoke(id(&bob), Some("again")).await.expect("revoked");
    assert_eq!(again.revoked_reason.as_deref(), Some("left on a train"));
    let agent_token = UserTokenReference::Id(world.acme.created.agent_token.id);
    let other = control.revoke_member_token(&world.admin(), named(id(&bob)), agent_token, None).await;
    assert_eq!(other.err(), Some(Error::NotFound("user token")));
}

pub async fn nobody_but_an_admin_looks_at_the_tokens_of_others(world: &World) {
    let control = &world.control;
    let bob = person(control, &world.acme, "bob@acme.example", Role::Member).await;
    let denied = |outcome: Result<()>| assert!(matches!(outcome, Err(Error::Denied { .. })), "{outcome:?}");
    denied(control.grant_own::<ViewMemberTokens>(&bob).map(drop));
    denied(control.grant_own::<RevokeMemberToken>(&bob).map(drop));
    denied(control.grant_own::<ChangeMemberRole>(&bob).map(drop));
    denied(control.grant_own::<RemoveMember>(&bob).map(drop));
    // Not even an Organization Admin makes or reveals a token of a person: those operations are for service users.
    let (secret, bob) = another_token(control, &bob).await;
    let made = control.create_service_user_token(&world.admin(), named(id(&bob)), NewUserToken::default()).await;
    assert_eq!(made.err(), Some(Error::NotFound("service user")));
    let token = UserTokenReference::PublicId(secret.public_id().clone());
    let shown = control.reveal_service_user_token(&world.admin(), named(id(&bob)), token).await;
    assert_eq!(shown.err(), Some(Error::NotFound("service user")));
    invitations::nobody_is_invited_who_is_a_member(world, "bob@acme.example").await;
}
