//! Ways in: links, and invitations that are accepted in a browser. Neither gives away somebody who is not its maker's to give.

use std::time::Duration;

use countersign_control::access::actions::{
    AcceptInvitation, CreateInvitation, EndSignIns, IssueMemberSignInLink, ViewAudit, ViewOrganization,
};
use countersign_control::audit::Period;
use countersign_control::invitations::NewInvitation;
use countersign_control::members::{MemberReference, RoleChange};
use countersign_control::signing_in::{Ending, IssuedLink, LINK_LIFETIME, SignedIn};
use countersign_control::{Caller, Control, Error, PageRequest, Result};
use countersign_domain::{Refusal, Role, TokenSecret};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{field_of, may, person, refusal_of};
use crate::invitations::invite;
use crate::signing_in::{ADA, PASSWORD, browser, by_link, cookie, link, organization, try_cookie, try_sign_in};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["signing_in_links"
    a_link_is_good_once_for_a_day,
    of_two_who_use_one_link_one_wins,
    of_two_links_that_are_made_at_once_one_is_good,
    a_link_is_for_a_member_and_says_so_in_the_audit_log,
    an_admin_makes_links_for_plain_members_of_no_other_organization,
    a_link_of_an_admin_ends_with_their_say,
    a_link_of_an_admin_ends_with_the_admin,
    whoever_is_invited_sets_a_password_and_is_signed_in,
    an_invitation_gives_nobody_away_who_is_known,
    a_password_set_in_one_place_opens_no_other,
    whoever_belongs_to_nothing_begins_anew,
    what_was_taken_is_told_and_nothing_is_not,
    how_a_link_has_ended_is_known,
];

const BOB: &str = "bob@acme.example";

async fn open(control: &Control, value: &TokenSecret, password: &str) -> Result<SignedIn> {
    control.use_sign_in_link(&browser(), value.reveal(), password).await
}

pub async fn a_link_is_good_once_for_a_day(world: &World) {
    let control = &world.control;
    let first = link(world, ADA).await;
    assert!(first.secret.reveal().starts_with("csnsl_"), "{:?}", first.secret);
    for password in ["short", ADA, &"x".repeat(129)] {
        assert_eq!(field_of(open(control, &first.secret, password).await), "password", "it is not used up");
    }
    let before = open(control, &first.secret, PASSWORD).await.expect("signed in");
    cookie(control, &before).await;
    // Whether it is still good is said before anything else is asked.
    for password in [PASSWORD, "short"] {
        assert_eq!(refusal_of(open(control, &first.secret, password).await), Refusal::Expired);
    }

    // It is how a forgotten password is replaced: whoever knew the old one is out.
    let (older, newer) = (link(world, ADA).await, link(world, ADA).await);
    assert_eq!(refusal_of(open(control, &older.secret, PASSWORD).await), Refusal::Expired, "a newer one was made");
    world.clock.advance(LINK_LIFETIME.saturating_sub(Duration::from_micros(1)));
    open(control, &newer.secret, "another one altogether").await.expect("signed in");
    assert_eq!(refusal_of(try_cookie(control, before.secret.reveal(), None).await), Refusal::Revoked);
    assert_eq!(field_of(try_sign_in(control, ADA, PASSWORD, "192.0.2.1").await), "password");
    let late = link(world, ADA).await;
    world.clock.advance(LINK_LIFETIME);
    for password in [PASSWORD, "short"] {
        assert_eq!(refusal_of(open(control, &late.secret, password).await), Refusal::Expired);
    }

    let unknown = control.use_sign_in_link(&browser(), "csnsl_nonsense", PASSWORD).await.map(drop);
    assert_eq!(unknown, Err(Error::unknown()));
    let token = control.use_sign_in_link(&browser(), world.acme.user_token(), PASSWORD).await;
    assert_eq!(refusal_of(token), Refusal::Kind);
}

pub async fn of_two_who_use_one_link_one_wins(world: &World) {
    let control = &world.control;
    for _ in 0..4 {
        let it = link(world, ADA).await;
        let (one, two) = tokio::join!(open(control, &it.secret, PASSWORD), open(control, &it.secret, PASSWORD));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let lost = [one, two].into_iter().find_map(Result::err);
        assert_eq!(lost, Some(Error::refused(Refusal::Expired, it.secret.public_id().clone())));
    }
}

pub async fn of_two_links_that_are_made_at_once_one_is_good(world: &World) {
    let control = &world.control;
    for _ in 0..8 {
        world.clock.advance(Duration::from_millis(1));
        tokio::join!(link(world, ADA), link(world, ADA));
        let text = "SELECT COUNT(*) AS n FROM sign_in_links
                    WHERE created_by IS NULL AND used_at IS NULL AND expires_at > $1";
        assert_eq!(sql::value::<i64>(control, text, vec![control.now().into_value()], "n").await, 1);
    }
}

pub async fn a_link_is_for_a_member_and_says_so_in_the_audit_log(world: &World) {
    let control = &world.control;
    let issue = async |email: &str| control.issue_sign_in_link(&may(control, &world.operator), email).await;
    assert_eq!(field_of(issue("no address").await), "email");
    assert!(matches!(issue("nobody@acme.example").await, Err(Error::NotFound(_))));
    let robot = crate::service_users::acting(world, "robot", Role::Member).await;
    let Caller::User(robot) = robot else { panic!("a service user") };
    assert_eq!(field_of(issue(&robot.email).await), "email", "a service user never signs in");
    let issued = link(world, &ADA.to_uppercase()).await;
    assert_eq!(issued.email, ADA);
    world.clock.advance(Duration::from_millis(1));
    let it = open(control, &issued.secret, PASSWORD).await.expect("signed in");
    let events = control
        .audit_events(&world.admin::<ViewAudit>(), Period::default(), PageRequest::first(3))
        .await
        .expect("rows")
        .items;
    let mut actions: Vec<_> = events.iter().map(|it| it.action.as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["password.changed", "sign_in.begun", "sign_in_link.used"]);
    for event in &events {
        assert_eq!((event.actor_kind.as_str(), event.actor_name.as_str()), ("user", ADA));
        assert_eq!(event.credential.as_deref(), Some(it.secret.public_id().as_str()));
        assert_eq!(event.ip.as_deref(), Some(crate::acting::IP));
        for secret in [it.secret.reveal(), issued.secret.reveal(), PASSWORD, "argon2"] {
            assert!(!format!("{event:?}").contains(secret), "{event:?}");
        }
    }
}

async fn by_admin(world: &World, member: &Caller) -> Result<IssuedLink> {
    let grant = world.admin::<IssueMemberSignInLink>();
    world.control.issue_member_sign_in_link(&grant, MemberReference::Id(member.user().expect("a person"))).await
}

pub async fn an_admin_makes_links_for_plain_members_of_no_other_organization(world: &World) {
    let control = &world.control;
    let bob = person(control, &world.acme, BOB, Role::Member).await;
    let issued = by_admin(world, &bob).await.expect("made");
    assert_eq!(issued.link.created_by, world.acme.admin.user());
    assert_eq!(open(control, &issued.secret, PASSWORD).await.expect("signed in").member.user.email, BOB);
    let refused = async |whom: &Caller| matches!(by_admin(world, whom).await, Err(Error::Conflict(_)));
    let eve = person(control, &world.acme, "eve@acme.example", Role::Admin).await;
    assert!(refused(&eve).await && refused(&world.acme.admin).await, "another admin, and oneself");
    let robot = crate::service_users::acting(world, "robot", Role::Member).await;
    assert!(refused(&robot).await, "a service user");
    let carol = person(control, &world.acme, "carol@acme.example", Role::Member).await;
    organization(world, "umbrella", "carol@acme.example").await;
    assert!(refused(&carol).await, "somebody whose sign-in reaches another organization");
    assert!(matches!(by_admin(world, &world.globex.admin).await, Err(Error::NotFound("member"))));
    let plain = control.grant_own::<IssueMemberSignInLink>(&bob).map(drop);
    assert!(matches!(plain, Err(Error::Denied { .. })));
}

pub async fn a_link_of_an_admin_ends_with_their_say(world: &World) {
    let control = &world.control;
    let bob = person(control, &world.acme, BOB, Role::Member).await;
    let issued = by_admin(world, &bob).await.expect("made");
    // Meanwhile they join another organization, which is none of that admin's business.
    let new = NewInvitation { email: BOB.to_owned(), role: Role::Member, expires_at: None };
    let peter = organization(world, "initrode", "peter@initrode.example").await;
    let grant = may::<CreateInvitation>(control, &peter);
    let invited = control.create_invitation(&grant, new).await.expect("made");
    crate::invitations::try_accept(control, &invited.secret, None).await.expect("accepted");
    assert_eq!(refusal_of(open(control, &issued.secret, PASSWORD).await), Refusal::Revoked);
    let carol = person(control, &world.acme, "carol@acme.example", Role::Member).await;
    let issued = by_admin(world, &carol).await.expect("made");
    let user = carol.user().expect("a person");
    crate::acting::set_role(control, world.acme.created.organization.id, user, Role::Admin).await;
    assert_eq!(refusal_of(open(control, &issued.secret, PASSWORD).await), Refusal::Revoked);
    open(control, &link(world, BOB).await.secret, PASSWORD).await.expect("the operator's is good");
}

pub async fn a_link_of_an_admin_ends_with_the_admin(world: &World) {
    let control = &world.control;
    let bob = person(control, &world.acme, BOB, Role::Member).await;
    let of = world.acme.created.organization.id;
    let whom = || MemberReference::Id(bob.user().expect("a person"));
    for by in ["demotion", "removal", "whatever else"] {
        let eve = person(control, &world.acme, &format!("{}@acme.example", by.replace(' ', "-")), Role::Admin).await;
        let user = eve.user().expect("a person");
        let grant = may::<IssueMemberSignInLink>(control, &eve);
        let kept = control.issue_member_sign_in_link(&grant, whom()).await.expect("made");
        let refusal = match by {
            "demotion" => {
                let change = RoleChange { member: MemberReference::Id(user), role: Role::Member, keep_tokens: true };
                control.change_member_role(&world.admin(), change).await.expect("changed");
                // It is over, and not good again with the role.
                crate::acting::set_role(control, of, user, Role::Admin).await;
                Refusal::Expired
            }
            "removal" => {
                control.remove_member(&world.admin(), MemberReference::Id(user)).await.expect("removed");
                let text = "INSERT INTO members (organization_id, user_id, role, generation, created_at)
                            VALUES ($1, $2, 'admin', 9, 1)";
                sql::change(control, text, vec![of.into_value(), user.into_value()]).await;
                Refusal::Expired
            }
            _ => {
                crate::acting::set_role(control, of, user, Role::Member).await;
                Refusal::Revoked
            }
        };
        assert_eq!(refusal_of(open(control, &kept.secret, PASSWORD).await), refusal, "{by}");
    }
    let own = by_admin(world, &bob).await.expect("made");
    open(control, &own.secret, PASSWORD).await.expect("another admin's is good");
}

async fn accept(control: &Control, value: &TokenSecret, name: Option<&str>, password: &str) -> Result<SignedIn> {
    let holder = crate::acting::try_caller(control, value.reveal()).await?;
    let grant = control.grant_own::<AcceptInvitation>(&holder)?;
    control.accept_invitation_and_sign_in(&grant, &browser(), name, password).await
}

pub async fn whoever_is_invited_sets_a_password_and_is_signed_in(world: &World) {
    let control = &world.control;
    let issued = invite(world, BOB).await;
    for password in ["short", BOB, "Robert the Builder"] {
        let outcome = accept(control, &issued.secret, Some("Robert the Builder"), password).await;
        assert_eq!(field_of(outcome), "password", "{password}");
    }
    assert_eq!(field_of(accept(control, &issued.secret, Some(""), PASSWORD).await), "name");
    let it = accept(control, &issued.secret, Some("Bob"), PASSWORD).await.expect("accepted");
    assert_eq!((it.member.user.name.as_str(), it.organization.slug.as_str()), ("Bob", "acme"));
    let bob = cookie(control, &it).await;
    may::<ViewOrganization>(control, &bob);
    assert_eq!(refusal_of(accept(control, &issued.secret, None, PASSWORD).await), Refusal::Expired);
    // Whoever was signed in with the same browser is not any more.
    let issued = invite(world, "carol@acme.example").await;
    let grant = may::<AcceptInvitation>(control, &crate::acting::caller(control, issued.secret.reveal()).await);
    control.accept_invitation_and_sign_in(&grant, &bob, None, PASSWORD).await.expect("accepted");
    assert_eq!(refusal_of(try_cookie(control, it.secret.reveal(), None).await), Refusal::Revoked);
    try_sign_in(control, BOB, PASSWORD, "192.0.2.1").await.expect("signed in");
    for round in 0..4 {
        let issued = invite(world, &format!("p{round}@acme.example")).await;
        let accepting = || accept(control, &issued.secret, None, PASSWORD);
        let (one, two) = tokio::join!(accepting(), accepting());
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    }
}

pub async fn an_invitation_gives_nobody_away_who_is_known(world: &World) {
    let control = &world.control;
    organization(world, "umbrella", "carol@umbrella.example").await;
    // Carol belongs to another organization and has no password yet: whoever opens the invitation is not to set it.
    let first = invite(world, "carol@umbrella.example").await;
    let without = accept(control, &first.secret, None, PASSWORD).await.map(drop);
    by_link(world, "carol@umbrella.example", PASSWORD).await;
    let wrong = accept(control, &first.secret, None, "wrong horse battery").await.map(drop);
    assert_eq!(wrong, without, "whether she has one is not told");
    assert_eq!(field_of(wrong), "password", "the invitation is not used up");
    let it = accept(control, &first.secret, Some("Mallory"), PASSWORD).await.expect("it was she");
    assert_eq!((it.organization.slug.as_str(), it.member.user.name.as_str()), ("acme", "carol"));
    try_cookie(control, it.secret.reveal(), Some("umbrella")).await.expect("one sign-in for all of hers");
    // Somebody who has left and never had a password is nobody's but their own.
    let bob = person(control, &world.acme, BOB, Role::Member).await.user().expect("a person");
    control.remove_member(&world.admin(), MemberReference::Id(bob)).await.expect("removed");
    let new = NewInvitation { email: BOB.to_owned(), role: Role::Member, expires_at: None };
    let again = control.create_invitation(&world.admin::<CreateInvitation>(), new).await.expect("made");
    accept(control, &again.secret, None, PASSWORD).await.expect("accepted");
    // Known in the meantime, by the other way to accept.
    let token = invite(world, "dora@acme.example").await;
    crate::invitations::try_accept(control, &token.secret, None).await.expect("accepted");
    assert_eq!(refusal_of(accept(control, &token.secret, None, PASSWORD).await), Refusal::Expired);
}

pub async fn a_password_set_in_one_place_opens_no_other(world: &World) {
    const VICTIM: &str = "victim@initech.example";
    let control = &world.control;
    // An admin invites an address that nobody has, accepts it themselves, and keeps the password.
    let planted = invite(world, VICTIM).await;
    let thiefs = accept(control, &planted.secret, None, PASSWORD).await.expect("accepted");
    let new = NewInvitation { email: VICTIM.to_owned(), role: Role::Admin, expires_at: None };
    let gavin = organization(world, "hooli", "gavin@hooli.example").await;
    let grant = may::<CreateInvitation>(control, &gavin);
    let honest = control.create_invitation(&grant, new).await.expect("made");
    let by_api = crate::invitations::try_accept(control, &honest.secret, None).await.map(drop);
    assert!(matches!(by_api, Err(Error::Conflict(_))), "{by_api:?}");
    let there = try_cookie(control, thiefs.secret.reveal(), Some("hooli")).await.map(drop);
    assert_eq!(there, Err(Error::NotFound("organization")), "nothing was joined");

    // The same by the operator, who makes an organization for that address.
    let waiting = link(world, VICTIM).await;
    organization(world, "initech", VICTIM).await;
    assert_eq!(refusal_of(try_cookie(control, thiefs.secret.reveal(), None).await), Refusal::Revoked);
    assert_eq!(field_of(try_sign_in(control, VICTIM, PASSWORD, "192.0.2.1").await), "password");
    assert_eq!(refusal_of(open(control, &waiting.secret, PASSWORD).await), Refusal::Expired);
    let text = "SELECT COUNT(*) AS n FROM audit_events e JOIN organizations o ON o.id = e.organization_id
                WHERE e.action = 'password.dropped' AND o.slug = 'initech'";
    assert_eq!(sql::value::<i64>(control, text, vec![], "n").await, 1);
    // Without a password nobody can sign in as them, and the invitation is good by the API.
    crate::invitations::try_accept(control, &honest.secret, None).await.expect("accepted");
}

pub async fn whoever_belongs_to_nothing_begins_anew(world: &World) {
    const NEW: &str = "another one altogether";
    let control = &world.control;
    let leave = async |it: &SignedIn| {
        let member = MemberReference::Id(it.member.user.id);
        control.remove_member(&world.admin(), member).await.expect("removed");
    };
    let before = accept(control, &invite(world, BOB).await.secret, None, PASSWORD).await.expect("accepted");
    leave(&before).await;
    let after = accept(control, &invite(world, BOB).await.secret, None, NEW).await.expect("accepted");
    assert_eq!(after.member.user.id, before.member.user.id);
    assert_eq!(refusal_of(try_cookie(control, before.secret.reveal(), None).await), Refusal::Revoked);
    assert_eq!(field_of(try_sign_in(control, BOB, PASSWORD, "192.0.2.1").await), "password");
    try_sign_in(control, BOB, NEW, "192.0.2.1").await.expect("signed in");
    leave(&after).await;
    let again = invite(world, BOB).await;
    crate::invitations::try_accept(control, &again.secret, None).await.expect("accepted");
    assert_eq!(refusal_of(try_cookie(control, after.secret.reveal(), None).await), Refusal::Revoked);
    assert_eq!(field_of(try_sign_in(control, BOB, NEW, "192.0.2.1").await), "password", "by the API there is none");
}

pub async fn what_was_taken_is_told_and_nothing_is_not(world: &World) {
    let control = &world.control;
    // Makes an organization for somebody; how many links and sign-ins of theirs the row about it says to have ended, if there is one.
    let told = async |email: &str| {
        let slug = email.split('@').next().expect("a name");
        let of = organization(world, slug, email).await.organization().expect("its own");
        let text = "SELECT detail FROM audit_events WHERE action = 'password.dropped' AND organization_id = $1";
        let details = sql::details(control, text, vec![of.into_value()]).await;
        assert!(details.len() < 2);
        details.first().map(|it| (it["links_ended"].as_u64(), it["sign_ins_ended"].as_u64()))
    };
    let known = async |name: &str| {
        let email = format!("{name}@acme.example");
        person(control, &world.acme, &email, Role::Member).await;
        email
    };
    assert_eq!(told("nobody-yet@acme.example").await, None);
    assert_eq!(told(&known("nothing").await).await, None);

    let email = known("a-link").await;
    link(world, &email).await;
    assert_eq!(told(&email).await, Some((Some(1), Some(0))));

    let email = known("a-password").await;
    let it = by_link(world, &email, PASSWORD).await;
    let grant = may::<EndSignIns>(control, &cookie(control, &it).await);
    control.sign_out(&grant).await.expect("signed out");
    assert_eq!(told(&email).await, Some((Some(0), Some(0))));

    // As of somebody who signed in by a passkey or a provider.
    let email = known("a-sign-in").await;
    let it = by_link(world, &email, PASSWORD).await;
    let text = "DELETE FROM passwords WHERE user_id = $1";
    assert_eq!(sql::change(control, text, vec![it.member.user.id.into_value()]).await, 1);
    assert_eq!(told(&email).await, Some((Some(0), Some(1))));
    assert_eq!(refusal_of(try_cookie(control, it.secret.reveal(), None).await), Refusal::Revoked);
}

pub async fn how_a_link_has_ended_is_known(world: &World) {
    let control = &world.control;
    let ended = async |it: &IssuedLink| {
        let refused = open(control, &it.secret, PASSWORD).await.expect_err("refused");
        control.how_it_ended(&refused).await.expect("looked up")
    };
    let bob = person(control, &world.acme, BOB, Role::Member).await;
    let used = link(world, BOB).await;
    open(control, &used.secret, PASSWORD).await.expect("signed in");
    assert_eq!(ended(&used).await, Some(Ending::Used));
    // The newer one ends the older one, and has its own time.
    let (older, newer) = (link(world, ADA).await, link(world, ADA).await);
    let powerless = by_admin(world, &bob).await.expect("made");
    let acme = world.acme.created.organization.id;
    crate::acting::set_role(control, acme, bob.user().expect("a person"), Role::Admin).await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(ended(&older).await, Some(Ending::TakenBack));
    assert_eq!(ended(&powerless).await, Some(Ending::TakenBack), "its maker has no say in an Organization Admin");
    world.clock.advance(LINK_LIFETIME.saturating_sub(Duration::from_secs(1)));
    assert_eq!(ended(&newer).await, Some(Ending::Late));
    let strange = control.how_it_ended(&Error::unknown()).await.expect("looked up");
    assert_eq!(strange, None);
}
