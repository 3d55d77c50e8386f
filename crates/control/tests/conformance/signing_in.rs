//! Signing in with a browser: what begins a sign-in, what it is good for, and what ends it.

use std::time::Duration;

use countersign_control::access::Who;
use countersign_control::access::actions::{
    ChangePassword, CreateAgentToken, EndSignIns, IssueSignInLink, ProveAgain, RemoveMember, ViewOrganization,
    ViewSignIns,
};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::members::MemberReference;
use countersign_control::organizations::NewOrganization;
use countersign_control::signing_in::{Attempt, IDLE, IssuedLink, LIFETIME, SignedIn};
use countersign_control::{Caller, Control, Error, Presented, Result};
use countersign_domain::{Kind, Password, Refusal, Role, TokenSecret};
use countersign_store::IntoValue;
use countersign_testkit::{SeededEntropy, World};

use crate::acting::{IP, caller, field_of, may, next, origin, person, refusal, refusal_of, set_role};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["signing_in"
    each_sign_in_has_a_value_of_its_own,
    signing_out_ends_it_at_once,
    a_changed_role_holds_from_the_next_call_on,
    who_is_no_member_any_more_is_not_signed_in,
    a_new_password_ends_all_others,
    it_ends_when_it_is_not_used_and_after_thirty_days,
    a_sign_in_is_for_a_cookie_and_nothing_else_is,
    nobody_learns_who_is_there,
    guesses_of_one_account_have_a_pace,
    one_person_sees_each_of_their_organizations,
];

/// A password that is one.
pub const PASSWORD: &str = "correct horse battery";
/// Acme's admin.
pub const ADA: &str = "ada@acme.example";
const BOB: &str = "bob@acme.example";

/// A browser in which nobody is signed in.
pub fn browser() -> Caller {
    Caller::Anonymous(origin(IP))
}

/// A link of the operator's.
pub async fn link(world: &World, email: &str) -> IssuedLink {
    let grant = may::<IssueSignInLink>(&world.control, &world.operator);
    world.control.issue_sign_in_link(&grant, email).await.expect("a link is made")
}

/// Signs somebody in by a link, and gives them a password.
pub async fn by_link(world: &World, email: &str, password: &str) -> SignedIn {
    let issued = link(world, email).await;
    world.control.use_sign_in_link(&browser(), issued.secret.reveal(), password).await.expect("signed in")
}

/// Tries an address and a password.
pub async fn try_sign_in(control: &Control, email: &str, password: &str, ip: &str) -> Result<SignedIn> {
    let attempt = Attempt { email: email.to_owned(), password: Password::shown(password) };
    control.sign_in(&Caller::Anonymous(origin(ip)), attempt).await
}

/// Who shows a value as a cookie.
pub async fn try_cookie(control: &Control, value: &str, organization: Option<&str>) -> Result<Caller> {
    control.authenticate_sign_in(Presented { value: Some(value), origin: origin(IP) }, organization).await
}

/// Who is signed in.
pub async fn cookie(control: &Control, it: &SignedIn) -> Caller {
    try_cookie(control, it.secret.reveal(), None).await.expect("signed in")
}

/// Why a sign-in is refused.
pub async fn ended(control: &Control, it: &SignedIn) -> Refusal {
    refusal_of(try_cookie(control, it.secret.reveal(), None).await)
}

/// What somebody who is signed in does, by a grant that was made before.
async fn create(control: &Control, grant: &countersign_control::Grant<CreateAgentToken>) -> Result<()> {
    control.create_agent_token(grant, NewAgentToken::default()).await.map(drop)
}

/// The admin of a further organization, who has this address.
pub async fn organization(world: &World, slug: &str, admin: &str) -> Caller {
    let grant = may(&world.control, &world.operator);
    let new = NewOrganization { slug: slug.to_owned(), name: None, admin: admin.to_owned(), reveal_policy: None };
    let made = world.control.create_organization(&grant, new).await.expect("made");
    crate::acting::caller(&world.control, made.user_secret.reveal()).await
}

pub async fn each_sign_in_has_a_value_of_its_own(world: &World) {
    let control = &world.control;
    let first = by_link(world, ADA, PASSWORD).await;
    assert_eq!((first.organization.slug.as_str(), first.member.role), ("acme", Role::Admin));
    assert!(first.secret.reveal().starts_with("csnsi_"), "{:?}", first.secret);
    let ada = cookie(control, &first).await;
    assert_eq!((ada.who(), ada.user()), (Who::Admin, world.acme.admin.user()));
    assert_eq!(ada.public_id().as_ref(), Some(first.secret.public_id()), "named in the audit log");
    create(control, &may(control, &ada)).await.expect("as with a user token");

    // The same browser signs in again: what it held before is worth nothing, to whoever planted or kept it.
    let attempt = Attempt { email: " ADA@acme.example ".to_owned(), password: Password::shown(PASSWORD) };
    let second = control.sign_in(&ada, attempt).await.expect("signed in");
    assert_ne!(second.secret.public_id(), first.secret.public_id());
    assert_eq!(ended(control, &first).await, Refusal::Revoked);
    cookie(control, &second).await;

    // Somebody else in the same browser, once they have shown who they are: whoever was signed in there before is not any more.
    person(control, &world.acme, BOB, Role::Member).await;
    by_link(world, BOB, PASSWORD).await;
    let bob = |password: &str| Attempt { email: BOB.to_owned(), password: Password::shown(password) };
    assert_eq!(
        field_of(control.sign_in(&cookie(control, &second).await, bob("wrong horse battery")).await),
        "password"
    );
    control.sign_in(&cookie(control, &second).await, bob(PASSWORD)).await.expect("signed in");
    assert_eq!(ended(control, &second).await, Refusal::Revoked);
    let third = try_sign_in(control, ADA, PASSWORD, IP).await.expect("signed in");
    let (issued, browser) = (link(world, BOB).await, cookie(control, &third).await);
    control.use_sign_in_link(&browser, issued.secret.reveal(), PASSWORD).await.expect("signed in");
    assert_eq!(ended(control, &third).await, Refusal::Revoked);
    for it in [&second, &third] {
        let text = "SELECT detail FROM audit_events WHERE action = 'sign_in.ended' AND subject_id = $1";
        let details = sql::details(control, text, vec![it.sign_in.id.into_value()]).await;
        assert_eq!(details, [serde_json::json!({ "because": "replaced" })]);
    }

    let rows = sql::rows(control, "SELECT phc FROM passwords WHERE phc <> 'globex'", vec![]).await;
    assert_eq!(rows.len(), 2);
    let mut salts = std::collections::BTreeSet::new();
    for row in rows {
        let phc: String = row.get("phc").expect("text");
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !phc.contains(PASSWORD), "{phc}");
        salts.insert(phc.split('$').nth(4).expect("a salt").to_owned());
    }
    assert_eq!(salts.len(), 2, "two that chose the same password cannot be told to have done so");
}

pub async fn signing_out_ends_it_at_once(world: &World) {
    let control = &world.control;
    let (here, there, third) = (
        by_link(world, ADA, PASSWORD).await,
        try_sign_in(control, ADA, PASSWORD, IP).await.expect("signed in"),
        try_sign_in(control, ADA, PASSWORD, IP).await.expect("signed in"),
    );
    let ada = cookie(control, &here).await;
    let begun = may::<CreateAgentToken>(control, &ada);
    control.sign_out(&may::<EndSignIns>(control, &ada)).await.expect("signed out");
    assert_eq!(ended(control, &here).await, Refusal::Revoked);
    assert_eq!(refusal_of(create(control, &begun).await), Refusal::Revoked, "what was begun before commits nothing");
    assert_eq!(refusal_of(control.sign_out(&may::<EndSignIns>(control, &ada)).await), Refusal::Revoked);

    let ada = cookie(control, &there).await;
    let count = control.sign_out_everywhere(&may::<EndSignIns>(control, &ada)).await;
    assert_eq!(count, Ok(2));
    for it in [&there, &third] {
        assert_eq!(ended(control, it).await, Refusal::Revoked);
    }
    // A user token is no sign-in, and stays.
    caller(control, world.acme.user_token()).await;
    let by_token = control.sign_out(&may::<EndSignIns>(control, &world.acme.admin)).await;
    assert_eq!(by_token, Err(Error::NotFound("sign-in")));
    // Two browsers that sign each other out at once do not wait for each other.
    for _ in 0..4 {
        let one = try_sign_in(control, ADA, PASSWORD, "192.0.2.77").await.expect("signed in");
        let two = try_sign_in(control, ADA, PASSWORD, "192.0.2.77").await.expect("signed in");
        let grants = (
            may::<EndSignIns>(control, &cookie(control, &one).await),
            may::<EndSignIns>(control, &cookie(control, &two).await),
        );
        let both = tokio::join!(control.sign_out_everywhere(&grants.0), control.sign_out_everywhere(&grants.1));
        assert!(matches!(both, (Ok(2), Err(_)) | (Err(_), Ok(2))), "{both:?}");
        world.clock.advance(Duration::from_secs(120));
    }
}

pub async fn a_changed_role_holds_from_the_next_call_on(world: &World) {
    let control = &world.control;
    let acme = world.acme.created.organization.id;
    let bob = person(control, &world.acme, "bob@acme.example", Role::Admin).await.user().expect("a person");
    let it = by_link(world, "bob@acme.example", PASSWORD).await;
    let begun = may::<CreateAgentToken>(control, &cookie(control, &it).await);
    set_role(control, acme, bob, Role::Member).await;
    assert!(matches!(create(control, &begun).await, Err(Error::Denied { .. })));
    let bob_now = cookie(control, &it).await;
    assert_eq!(bob_now.who(), Who::Member);
    assert!(matches!(control.grant_own::<CreateAgentToken>(&bob_now), Err(Error::Denied { .. })));
}

pub async fn who_is_no_member_any_more_is_not_signed_in(world: &World) {
    let control = &world.control;
    let bob = person(control, &world.acme, "bob@acme.example", Role::Admin).await.user().expect("a person");
    let it = by_link(world, "bob@acme.example", PASSWORD).await;
    let begun = may::<CreateAgentToken>(control, &cookie(control, &it).await);
    control.remove_member(&world.admin::<RemoveMember>(), MemberReference::Id(bob)).await.expect("removed");
    assert_eq!(refusal_of(create(control, &begun).await), Refusal::Revoked);
    assert_eq!(ended(control, &it).await, Refusal::Revoked);
    let named = try_cookie(control, it.secret.reveal(), Some("acme")).await.map(drop);
    assert_eq!(named, Err(Error::NotFound("organization")));
    assert_eq!(field_of(try_sign_in(control, "bob@acme.example", PASSWORD, IP).await), "password", "like nobody");
}

pub async fn a_new_password_ends_all_others(world: &World) {
    const NEW: &str = "another one altogether";
    let control = &world.control;
    let here = by_link(world, ADA, PASSWORD).await;
    let there = try_sign_in(control, ADA, PASSWORD, IP).await.expect("signed in");
    let begun = may::<CreateAgentToken>(control, &cookie(control, &there).await);
    let waiting = link(world, ADA).await;
    let grant = may::<ChangePassword>(control, &cookie(control, &here).await);
    let change = async |old: &str, new: &str| control.change_password(&grant, Password::shown(old), new).await;
    assert_eq!(field_of(change("wrong horse battery", NEW).await), "password");
    let weak =
        ["            ", "aaaaaaaaaaaa", "123456789012", "passwordpassword", "acmeacmeacme", "ada@acme.example1"];
    for new in weak.into_iter().chain(["short", &"x".repeat(129), ADA, "ADA@acme.example", PASSWORD]) {
        assert_eq!(field_of(change(PASSWORD, new).await), "newPassword", "{new}");
        // Each try of one's own password counts, whatever comes of the new one.
        world.clock.advance(Duration::from_secs(60));
    }
    cookie(control, &there).await;
    assert_eq!(change(PASSWORD, NEW).await, Ok(1));
    cookie(control, &here).await;
    assert_eq!(ended(control, &there).await, Refusal::Revoked);
    assert_eq!(refusal_of(create(control, &begun).await), Refusal::Revoked);
    let used = control.use_sign_in_link(&browser(), waiting.secret.reveal(), PASSWORD).await;
    assert_eq!(refusal_of(used), Refusal::Expired, "a link could set it back");
    assert_eq!(field_of(try_sign_in(control, ADA, PASSWORD, IP).await), "password");
    try_sign_in(control, ADA, NEW, IP).await.expect("signed in");
    caller(control, world.acme.user_token()).await;
}

pub async fn it_ends_when_it_is_not_used_and_after_thirty_days(world: &World) {
    const MICROSECOND: Duration = Duration::from_micros(1);
    let control = &world.control;
    let (idle, used) =
        (by_link(world, ADA, PASSWORD).await, try_sign_in(control, ADA, PASSWORD, IP).await.expect("signed in"));
    let end = control.now().plus(LIFETIME);
    assert_eq!(used.sign_in.expires_at, end);
    world.clock.advance(IDLE.saturating_sub(MICROSECOND));
    cookie(control, &used).await;
    control.flush_usage().await.expect("written");
    world.clock.advance(MICROSECOND);
    assert_eq!(ended(control, &idle).await, Refusal::Expired);
    let ada = cookie(control, &used).await;
    let all = control.list_sign_ins(&may::<ViewSignIns>(control, &ada)).await.expect("listed");
    assert_eq!(all.iter().map(|it| it.sign_in.id).collect::<Vec<_>>(), [used.sign_in.id], "what is over is not listed");
    for _ in 0..3 {
        cookie(control, &used).await;
        world.clock.advance(IDLE.saturating_sub(MICROSECOND));
        // Also when that it was used is written late.
        cookie(control, &used).await;
    }
    world.clock.set(end.minus(MICROSECOND));
    let grant = may::<ProveAgain>(control, &cookie(control, &used).await);
    control.prove_again(&grant, Password::shown(PASSWORD)).await.expect("proved");
    let ada = cookie(control, &used).await;
    let grant = may::<CreateAgentToken>(control, &ada);
    create(control, &grant).await.expect("to the last moment");
    world.clock.set(end);
    assert_eq!(refusal_of(create(control, &grant).await), Refusal::Expired);
    assert_eq!(ended(control, &used).await, Refusal::Expired);
    assert!(control.list_sign_ins(&world.admin::<ViewSignIns>()).await.is_ok_and(|all| all.is_empty()));
}

pub async fn a_sign_in_is_for_a_cookie_and_nothing_else_is(world: &World) {
    let control = &world.control;
    let it = by_link(world, ADA, PASSWORD).await;
    let shown = Err(Error::refused(Refusal::Kind, it.secret.public_id().clone()));
    assert_eq!(crate::acting::try_caller(control, it.secret.reveal()).await.map(drop), shown);
    let waiting = link(world, ADA).await;
    assert_eq!(refusal(control, waiting.secret.reveal()).await, Refusal::Kind);
    let invited = crate::invitations::invite(world, "carol@acme.example").await;
    let others = [world.acme.user_token(), world.acme.agent_token(), waiting.secret.reveal(), invited.secret.reveal()];
    for value in others {
        assert_eq!(refusal_of(try_cookie(control, value, None).await), Refusal::Kind);
    }
    for kind in Kind::ALL {
        let unknown = TokenSecret::mint(&control.settings().prefix, kind, &SeededEntropy::new(next()));
        let refused = try_cookie(control, unknown.reveal(), None).await.map(drop);
        assert_eq!(refused, Err(Error::unknown()), "{kind}");
    }
    for value in ["", "x", &it.secret.reveal()[1..]] {
        assert_eq!(try_cookie(control, value, None).await.map(drop), Err(Error::unknown()));
    }
    // Another secret behind the same public id.
    let other = TokenSecret::mint(&control.settings().prefix, Kind::SignIn, &SeededEntropy::new(next()));
    let text = "UPDATE sign_ins SET public_id = $1 WHERE public_id = $2";
    let ids = vec![other.public_id().as_str().into_value(), it.secret.public_id().as_str().into_value()];
    assert_eq!(sql::change(control, text, ids).await, 1);
    assert_eq!(try_cookie(control, other.reveal(), None).await.map(drop), Err(Error::unknown()));
    let nobody = control.authenticate_sign_in(Presented { value: None, origin: origin(IP) }, Some("acme")).await;
    assert!(matches!(nobody, Ok(Caller::Anonymous(_))));
}

pub async fn nobody_learns_who_is_there(world: &World) {
    let control = &world.control;
    by_link(world, ADA, PASSWORD).await;
    person(control, &world.acme, "bob@acme.example", Role::Member).await;
    crate::service_users::acting(world, "robot", Role::Member).await;
    let robot = sql::value::<String>(control, "SELECT email FROM users WHERE name = 'robot'", vec![], "email").await;
    let wrong = Err(Error::invalid("password", "The address or the password is wrong."));
    let long = "x".repeat(100_000);
    for (email, password) in [
        ("nobody@acme.example", PASSWORD),
        ("bob@acme.example", PASSWORD),
        (robot.as_str(), PASSWORD),
        (ADA, "wrong horse battery"),
        (ADA, ""),
        (ADA, long.as_str()),
        ("", PASSWORD),
        ("no address", PASSWORD),
        ("nul\0@acme.example", PASSWORD),
        (long.as_str(), PASSWORD),
    ] {
        let outcome = try_sign_in(control, email, password, IP).await.map(drop);
        assert_eq!(outcome, wrong, "{email:.40}");
    }
    try_sign_in(control, ADA, PASSWORD, IP).await.expect("signed in");
}

pub async fn guesses_of_one_account_have_a_pace(world: &World) {
    let control = &world.control;
    let here = by_link(world, ADA, PASSWORD).await;
    let guess = async |email: &str, ip: &str| try_sign_in(control, email, "wrong horse battery", ip).await.map(drop);
    for email in [ADA, "nobody@acme.example"] {
        for number in 0..10 {
            let spelled = if number % 2 == 0 { email.to_owned() } else { format!(" {} ", email.to_uppercase()) };
            assert_eq!(field_of(guess(&spelled, IP).await), "password");
        }
        match guess(email, IP).await {
            Err(Error::TooMany { retry_after, .. }) => assert_eq!(retry_after, Duration::from_secs(60)),
            other => panic!("{other:?}"),
        }
    }
    let right = try_sign_in(control, ADA, PASSWORD, IP).await;
    assert!(matches!(right, Err(Error::TooMany { .. })), "a right one is not looked at either");
    // A stranger's guesses keep out neither whoever is elsewhere nor whoever is signed in, even beside them.
    try_sign_in(control, ADA, PASSWORD, "198.51.100.1").await.expect("signed in");
    let grant = may::<ProveAgain>(control, &cookie(control, &here).await);
    control.prove_again(&grant, Password::shown(PASSWORD)).await.expect("proved");
    world.clock.advance(Duration::from_secs(60));
    try_sign_in(control, ADA, PASSWORD, IP).await.expect("not for ever");
    // One network tries the accounts of others.
    let mut tried = 0;
    while !matches!(guess(&format!("p{tried}@acme.example"), "2001:db8::1").await, Err(Error::TooMany { .. })) {
        tried += 1;
        assert!(tried <= 60);
    }
    let neighbour = guess("somebody@acme.example", "2001:db8::ffff").await;
    assert!(matches!(neighbour, Err(Error::TooMany { .. })), "{tried}: {neighbour:?}");
    assert_eq!(field_of(guess("somebody@acme.example", "2001:db8:0:1::1").await), "password");
}

pub async fn one_person_sees_each_of_their_organizations(world: &World) {
    let control = &world.control;
    organization(world, "umbrella", ADA).await;
    let it = by_link(world, ADA, PASSWORD).await;
    let at = async |slug: Option<&str>| try_cookie(control, it.secret.reveal(), slug).await;
    let slug = async |caller: Caller| {
        control.organization(&may::<ViewOrganization>(control, &caller)).await.expect("theirs").slug
    };
    assert_eq!(slug(at(Some("umbrella")).await.expect("theirs")).await, "umbrella");
    assert_eq!(slug(at(None).await.expect("signed in")).await, "umbrella", "the one that was looked at last");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(slug(at(Some("acme")).await.expect("theirs")).await, "acme");
    control.flush_usage().await.expect("written");
    assert_eq!(slug(at(None).await.expect("signed in")).await, "acme");
    for foreign in ["globex", "nowhere", "", "Not a slug", "nul\0"] {
        assert_eq!(at(Some(foreign)).await.map(drop), Err(Error::NotFound("organization")), "{foreign:?}");
    }
    let reached = async |caller: &Caller| {
        let all = control.own_organizations(&may::<ViewSignIns>(control, caller)).await.expect("listed");
        all.into_iter().map(|(it, role)| (it.slug, role)).collect::<Vec<_>>()
    };
    let both = [("acme".to_owned(), Role::Admin), ("umbrella".to_owned(), Role::Admin)];
    assert_eq!(reached(&at(None).await.expect("signed in")).await, both);
    assert_eq!(reached(&world.acme.admin).await, both[..1], "a user token is for one");
    // What one does in one organization is for that one.
    let ada = at(Some("umbrella")).await.expect("theirs");
    let elsewhere = control.grant::<CreateAgentToken>(&ada, world.acme.created.organization.id).map(drop);
    assert_eq!(elsewhere, Err(Error::NotFound("organization")));
    // Whoever leaves the one that they looked at last sees another one.
    let of = ada.organization().expect("one");
    let text = "DELETE FROM members WHERE organization_id = $1";
    sql::change(control, text, vec![of.into_value()]).await;
    assert_eq!(slug(at(None).await.expect("signed in")).await, "acme");
}
