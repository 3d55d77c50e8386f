//! Passkeys: what they are good for, once, in time, by their person alone; and what is not taken for one.

use std::time::Duration;

use countersign_control::access::actions::{
    AddPasskey, ProveAgain, RemoveMember, RemovePasskey, RenamePasskey, RevokeAgentToken, ViewPasskeys,
};
use countersign_control::members::MemberReference;
use countersign_control::signing_in::{
    CHALLENGE_LIFETIME, KEPT, MAX_ANSWER, MAX_PASSKEY_NAME, MAX_PASSKEYS, Method, OwnPasskey, PROOF, PasskeyAnswer,
    SignedIn,
};
use countersign_control::{Caller, Control, Error, Result};
use countersign_domain::id::PasskeyId;
use countersign_domain::{Refusal, Role};
use countersign_store::IntoValue;
use countersign_testkit::{Authenticator, World};

use crate::acting::{IP, field_of, fresh_id, may, next, origin, person};
use crate::signing_in::{ADA, PASSWORD, browser, by_link, cookie, ended};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["passkeys"
    somebody_adds_a_passkey_and_signs_in_and_proves_by_it,
    what_was_asked_is_answered_once_and_in_time,
    an_answer_is_for_what_was_asked_and_for_whom,
    what_is_no_passkey_of_ours_is_not_taken,
    a_passkey_is_its_persons_alone,
    what_was_taken_away_is_worth_nothing,
    a_user_token_adds_none_and_a_sign_in_proves_first,
    one_more_than_the_most_is_refused,
    passkeys_from_one_network_have_a_pace,
    answers_are_kept_no_longer_than_anybody_asks,
];

const BOB: &str = "bob@acme.example";

/// Adds a passkey of somebody who is signed in and has proved it.
pub async fn add(control: &Control, who: &Caller, name: Option<&str>) -> (Authenticator, OwnPasskey) {
    let mut authenticator = Authenticator::new();
    let question = control.ask_for_new_passkey(&may::<AddPasskey>(control, who)).await.expect("asked");
    let answer = authenticator.make(&question);
    let added = control.add_passkey(&may::<AddPasskey>(control, who), &answer, name).await.expect("added");
    (authenticator, added)
}

/// A row behind the system's back: a passkey that nobody can show.
pub async fn row(control: &Control, who: &Caller, name: &str) -> PasskeyId {
    let id = fresh_id::<countersign_domain::id::of::Passkey>(control);
    let text =
        "INSERT INTO passkeys (id, user_id, credential_id, kept, name, created_at) VALUES ($1, $2, $3, '{}', $4, 0)";
    let user = who.user().expect("a person");
    let values = vec![id.into_value(), user.into_value(), id.as_bytes().into_value(), name.into_value()];
    assert_eq!(sql::change(control, text, values).await, 1);
    id
}

async fn sign_in(control: &Control, answer: &PasskeyAnswer) -> Result<SignedIn> {
    control.sign_in_by_passkey(&browser(), answer).await
}

async fn show(control: &Control, authenticator: &mut Authenticator) -> Result<SignedIn> {
    let answer = authenticator.show(&control.ask_for_passkey().expect("asked"));
    sign_in(control, &answer).await
}

async fn prove(control: &Control, who: &Caller, authenticator: &mut Authenticator) -> Result<()> {
    let question = control.ask_for_own_passkey(&may::<ProveAgain>(control, who)).await?;
    let answer = authenticator.show(&question);
    control.prove_by_passkey(&may::<ProveAgain>(control, who), &answer).await.map(drop)
}

async fn own(control: &Control, who: &Caller) -> Vec<OwnPasskey> {
    control.list_passkeys(&may::<ViewPasskeys>(control, who)).await.expect("listed")
}

/// The rows of the audit log about one thing, oldest first.
async fn audited(control: &Control, id: PasskeyId) -> Vec<String> {
    let text = "SELECT action FROM audit_events WHERE subject_id = $1 ORDER BY id";
    let rows = sql::rows(control, text, vec![id.into_value()]).await;
    rows.iter().map(|row| row.get("action").expect("a text")).collect()
}

pub async fn somebody_adds_a_passkey_and_signs_in_and_proves_by_it(world: &World) {
    let control = &world.control;
    assert!(control.has_passkeys());
    let ada = cookie(control, &by_link(world, ADA, PASSWORD).await).await;
    let none = control.ask_for_own_passkey(&may::<ProveAgain>(control, &ada)).await.map(drop);
    assert_eq!(none, Err(Error::NotFound("passkey")), "she has none yet");
    let (mut phone, added) = add(control, &ada, Some(" Phone ")).await;
    assert_eq!((added.name.as_str(), added.created_at, added.used_at), ("Phone", control.now(), None));
    world.clock.advance(Duration::from_millis(1));
    let (_, second) = add(control, &ada, None).await;
    assert_eq!(second.name, "Passkey");
    world.clock.advance(Duration::from_secs(1));

    let it = show(control, &mut phone).await.expect("signed in");
    assert_eq!((it.sign_in.method, it.organization.slug.as_str()), (Method::Passkey, "acme"));
    assert_eq!(it.member.user.email, ADA);
    let again = cookie(control, &it).await;
    assert_eq!(again.user(), ada.user());
    control.must_be_proved(&again).expect("signing in is a proof");
    assert_eq!(own(control, &again).await[1].used_at, Some(control.now()));
    show(control, &mut phone).await.expect("again");

    world.clock.advance(PROOF);
    let again = cookie(control, &it).await;
    assert_eq!(control.grant_own::<RevokeAgentToken>(&again).map(drop), Err(Error::Unproved));
    let question = control.ask_for_own_passkey(&may::<ProveAgain>(control, &again)).await.expect("asked");
    assert_eq!(question.options["publicKey"]["allowCredentials"].as_array().map(Vec::len), Some(2));
    assert_eq!(question.expires_at, control.now().plus(CHALLENGE_LIFETIME));
    prove(control, &again, &mut phone).await.expect("proved");
    may::<RevokeAgentToken>(control, &cookie(control, &it).await);

    // Its person calls it something else.
    let rename = async |name: &str| {
        let grant = may::<RenamePasskey>(control, &again);
        control.rename_passkey(&grant, added.id, name).await
    };
    assert_eq!(rename("Old phone").await.map(|it| it.name), Ok("Old phone".to_owned()));
    for name in ["", " ", "a\nb", &"x".repeat(MAX_PASSKEY_NAME + 1)] {
        assert_eq!(field_of(rename(name).await), "name", "{name:?}");
    }
    assert_eq!(audited(control, added.id).await, ["passkey.added", "passkey.renamed"]);
    let text = "SELECT detail FROM audit_events WHERE subject_id = $1 AND action = 'sign_in.proved'";
    let detail: String = sql::value(control, text, vec![it.sign_in.id.into_value()], "detail").await;
    assert!(detail.contains(r#""method":"passkey""#), "{detail}");

    // Somebody else in whose browser she signs in is not signed in there any more.
    person(control, &world.acme, BOB, Role::Member).await;
    let bobs = by_link(world, BOB, PASSWORD).await;
    let answer = phone.show(&control.ask_for_passkey().expect("asked"));
    control.sign_in_by_passkey(&cookie(control, &bobs).await, &answer).await.expect("signed in");
    assert_eq!(ended(control, &bobs).await, Refusal::Revoked);
}

pub async fn what_was_asked_is_answered_once_and_in_time(world: &World) {
    let control = &world.control;
    let ada = cookie(control, &by_link(world, ADA, PASSWORD).await).await;
    let (mut phone, _) = add(control, &ada, None).await;
    phone.counter = 0;
    let answer = phone.show(&control.ask_for_passkey().expect("asked"));
    sign_in(control, &answer).await.expect_err("it counted when it was made, and does not any more");

    // One that does not count is told apart by what it was asked alone.
    let mut uncounted = Authenticator::new();
    uncounted.counter = 0;
    let question = control.ask_for_new_passkey(&may::<AddPasskey>(control, &ada)).await.expect("asked");
    let made = uncounted.make(&question);
    control.add_passkey(&may::<AddPasskey>(control, &ada), &made, None).await.expect("added");
    let again = control.add_passkey(&may::<AddPasskey>(control, &ada), &made, None).await;
    assert_eq!(field_of(again), "passkey", "taken before");
    let answer = uncounted.show(&control.ask_for_passkey().expect("asked"));
    sign_in(control, &answer).await.expect("signed in");
    assert_eq!(field_of(sign_in(control, &answer).await), "passkey", "taken before");
    let answer = uncounted.show(&control.ask_for_passkey().expect("asked"));
    let both = tokio::join!(sign_in(control, &answer), sign_in(control, &answer));
    assert!(matches!(both, (Ok(_), Err(Error::Invalid(_))) | (Err(Error::Invalid(_)), Ok(_))), "{both:?}");

    let (late, in_time) = (control.ask_for_passkey().expect("asked"), control.ask_for_passkey().expect("asked"));
    world.clock.advance(CHALLENGE_LIFETIME.saturating_sub(Duration::from_micros(1)));
    sign_in(control, &uncounted.show(&in_time)).await.expect("to the last moment");
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(field_of(sign_in(control, &uncounted.show(&late)).await), "passkey");
}

pub async fn an_answer_is_for_what_was_asked_and_for_whom(world: &World) {
    let control = &world.control;
    let here = by_link(world, ADA, PASSWORD).await;
    let ada = cookie(control, &here).await;
    let (mut phone, _) = add(control, &ada, None).await;
    let there = show(control, &mut phone).await.expect("signed in");
    let elsewhere = cookie(control, &there).await;

    let to_sign_in = control.ask_for_passkey().expect("asked");
    let to_prove = control.ask_for_own_passkey(&may::<ProveAgain>(control, &ada)).await.expect("asked");
    let to_add = control.ask_for_new_passkey(&may::<AddPasskey>(control, &ada)).await.expect("asked");
    let prove = async |who: &Caller, answer: &PasskeyAnswer| {
        control.prove_by_passkey(&may::<ProveAgain>(control, who), answer).await.map(drop)
    };
    assert_eq!(field_of(sign_in(control, &phone.show(&to_prove)).await), "passkey");
    assert_eq!(field_of(prove(&ada, &phone.show(&to_sign_in)).await), "passkey");
    assert_eq!(field_of(prove(&elsewhere, &phone.show(&to_prove)).await), "passkey", "another browser of hers");
    let mut other = Authenticator::new();
    let made = other.make(&to_add);
    let add = async |who: &Caller| control.add_passkey(&may::<AddPasskey>(control, who), &made, None).await;
    assert_eq!(field_of(add(&elsewhere).await), "passkey");
    prove(&ada, &phone.show(&to_prove)).await.expect("proved");
    add(&ada).await.expect("added");

    // What a browser signs says for which call it is.
    let shown = phone.show(&control.ask_for_passkey().expect("asked"));
    let grafted = PasskeyAnswer { challenge: control.ask_for_passkey().expect("asked").challenge, ..shown.clone() };
    assert_eq!(field_of(sign_in(control, &grafted).await), "passkey", "another question's challenge");
    sign_in(control, &shown).await.expect("signed in");
}

pub async fn what_is_no_passkey_of_ours_is_not_taken(world: &World) {
    let control = &world.control;
    let ada = cookie(control, &by_link(world, ADA, PASSWORD).await).await;
    let (mut phone, _) = add(control, &ada, None).await;
    let mut outcomes = Vec::new();

    let mut stranger = Authenticator::new();
    stranger.user.clone_from(&phone.user);
    outcomes.push(("a key that is not known", show(control, &mut stranger).await));
    stranger.credential.clone_from(&phone.credential);
    stranger.counter = 1_000;
    outcomes.push(("another key of the same name", show(control, &mut stranger).await));
    let whose = phone.user.replace(vec![7; 16]);
    outcomes.push(("another person", show(control, &mut phone).await));
    phone.user = None;
    outcomes.push(("nobody", show(control, &mut phone).await));
    phone.user = whose;
    for site in ["http://localhost", "https://localhost:8420", "http://evil.example", "http://a.localhost:8420"] {
        let ours = std::mem::replace(&mut phone.site, site);
        outcomes.push((site, show(control, &mut phone).await));
        phone.site = ours;
    }
    phone.verifies = false;
    outcomes.push(("nobody was verified", show(control, &mut phone).await));
    phone.verifies = true;
    show(control, &mut phone).await.expect("signed in");
    phone.counter -= 1;
    outcomes.push(("a copy, which counts the same", show(control, &mut phone).await));
    let wrong = outcomes[0].1.as_ref().expect_err("refused").clone();
    for (what, outcome) in outcomes {
        assert_eq!(outcome.map(drop), Err(wrong.clone()), "{what}");
    }

    let good = phone.show(&control.ask_for_passkey().expect("asked"));
    let long = format!("{}{}", good.credential, " ".repeat(MAX_ANSWER));
    for text in ["", "{}", "null", "\0", &good.credential[1..], &long] {
        let answer = PasskeyAnswer { credential: text.to_owned(), ..good.clone() };
        assert_eq!(field_of(sign_in(control, &answer).await), "passkey", "{text:.40}");
    }
    for text in ["", ".", "\0", &good.challenge[1..], &good.challenge.repeat(100)] {
        let answer = PasskeyAnswer { challenge: text.to_owned(), ..good.clone() };
        assert_eq!(field_of(sign_in(control, &answer).await), "passkey", "{text:.40}");
    }
    sign_in(control, &good).await.expect("signed in");

    // The same when one is added.
    for (verifies, site) in [(false, None), (true, Some("https://evil.example")), (true, None)] {
        let question = control.ask_for_new_passkey(&may::<AddPasskey>(control, &ada)).await.expect("asked");
        let mut it = Authenticator::new();
        it.verifies = verifies;
        it.site = site.unwrap_or(it.site);
        let outcome = control.add_passkey(&may::<AddPasskey>(control, &ada), &it.make(&question), None).await;
        if verifies && site.is_none() {
            outcome.expect("added");
        } else {
            assert_eq!(field_of(outcome), "passkey", "{verifies} {site:?}");
        }
    }
}

pub async fn a_passkey_is_its_persons_alone(world: &World) {
    let control = &world.control;
    person(control, &world.acme, BOB, Role::Admin).await;
    let ada = cookie(control, &by_link(world, ADA, PASSWORD).await).await;
    let bobs = by_link(world, BOB, PASSWORD).await;
    let bob = cookie(control, &bobs).await;
    let (mut hers, added) = add(control, &ada, Some("hers")).await;
    let (mut his, _) = add(control, &bob, Some("his")).await;
    assert_eq!(own(control, &bob).await.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["his"]);
    assert_eq!(field_of(prove(control, &ada, &mut his).await), "passkey");
    hers.user.clone_from(&his.user);
    assert_eq!(field_of(show(control, &mut hers).await), "passkey", "it says that it is his");

    let rename = control.rename_passkey(&may::<RenamePasskey>(control, &bob), added.id, "mine").await;
    assert_eq!(rename, Err(Error::NotFound("passkey")));
    let remove = control.remove_passkey(&may::<RemovePasskey>(control, &bob), added.id).await;
    assert_eq!(remove, Err(Error::NotFound("passkey")));
    // An authenticator that calls its key as somebody else's is called takes nothing of theirs.
    let question = control.ask_for_new_passkey(&may::<AddPasskey>(control, &bob)).await.expect("asked");
    let mut copy = Authenticator::new();
    copy.credential.clone_from(&hers.credential);
    let answer = copy.make(&question);
    let outcome = control.add_passkey(&may::<AddPasskey>(control, &bob), &answer, None).await;
    assert!(matches!(outcome, Err(Error::Conflict(_))), "{outcome:?}");
    assert_eq!(own(control, &ada).await, [added]);

    // Who is a member of nothing any more is answered like nobody.
    let whom = MemberReference::Id(bob.user().expect("a person"));
    control.remove_member(&world.admin::<RemoveMember>(), whom).await.expect("removed");
    assert_eq!(field_of(show(control, &mut his).await), "passkey");
    assert_eq!(ended(control, &bobs).await, Refusal::Revoked);
}

pub async fn what_was_taken_away_is_worth_nothing(world: &World) {
    let control = &world.control;
    let ada = cookie(control, &by_link(world, ADA, PASSWORD).await).await;
    let (mut phone, added) = add(control, &ada, None).await;
    let (mut other, _) = add(control, &ada, None).await;
    let begun = phone.show(&control.ask_for_passkey().expect("asked"));
    let question = control.ask_for_own_passkey(&may::<ProveAgain>(control, &ada)).await.expect("asked");
    world.clock.advance(Duration::from_millis(1));
    let remove = async || control.remove_passkey(&may::<RemovePasskey>(control, &ada), added.id).await;
    assert_eq!(remove().await, Ok(()));
    assert_eq!(remove().await, Err(Error::NotFound("passkey")));
    assert_eq!(field_of(sign_in(control, &begun).await), "passkey");
    let proof = control.prove_by_passkey(&may::<ProveAgain>(control, &ada), &phone.show(&question)).await;
    assert_eq!(field_of(proof), "passkey");
    show(control, &mut other).await.expect("the other one stays");
    assert_eq!(audited(control, added.id).await, ["passkey.added", "passkey.removed"]);
}

pub async fn a_user_token_adds_none_and_a_sign_in_proves_first(world: &World) {
    let control = &world.control;
    let by_token = control.ask_for_new_passkey(&world.admin::<AddPasskey>()).await.map(drop);
    assert_eq!(by_token, Err(Error::NotFound("sign-in")));
    let by_token = control.ask_for_own_passkey(&world.admin::<ProveAgain>()).await.map(drop);
    assert_eq!(by_token, Err(Error::NotFound("sign-in")));
    let it = by_link(world, ADA, PASSWORD).await;
    let ada = cookie(control, &it).await;
    let question = control.ask_for_new_passkey(&may::<AddPasskey>(control, &ada)).await.expect("asked");
    let made = Authenticator::new().make(&question);
    let by_token = control.add_passkey(&world.admin::<AddPasskey>(), &made, None).await.map(drop);
    assert_eq!(by_token, Err(Error::NotFound("sign-in")));
    world.clock.advance(PROOF);
    let ada = cookie(control, &it).await;
    assert_eq!(control.grant_own::<AddPasskey>(&ada).map(drop), Err(Error::Unproved));
    assert_eq!(control.grant_own::<RemovePasskey>(&ada).map(drop), Err(Error::Unproved));
    may::<ViewPasskeys>(control, &ada);
}

pub async fn one_more_than_the_most_is_refused(world: &World) {
    let control = &world.control;
    let ada = cookie(control, &by_link(world, ADA, PASSWORD).await).await;
    for number in 1..MAX_PASSKEYS {
        row(control, &ada, &format!("{number}")).await;
    }
    let ask = async || control.ask_for_new_passkey(&may::<AddPasskey>(control, &ada)).await;
    let (first, second) = (ask().await.expect("asked"), ask().await.expect("asked"));
    assert_eq!(first.options["publicKey"]["excludeCredentials"].as_array().map(Vec::len), Some(MAX_PASSKEYS - 1));
    let (first, second) = (Authenticator::new().make(&first), Authenticator::new().make(&second));
    let grants = (may::<AddPasskey>(control, &ada), may::<AddPasskey>(control, &ada));
    let both =
        tokio::join!(control.add_passkey(&grants.0, &first, None), control.add_passkey(&grants.1, &second, None),);
    assert!(matches!(both, (Ok(_), Err(Error::Conflict(_))) | (Err(Error::Conflict(_)), Ok(_))), "{both:?}");
    assert!(matches!(ask().await, Err(Error::Conflict(_))));
    assert_eq!(own(control, &ada).await.len(), MAX_PASSKEYS);
}

pub async fn passkeys_from_one_network_have_a_pace(world: &World) {
    let control = &world.control;
    let nothing = PasskeyAnswer { challenge: String::new(), credential: "{}".to_owned() };
    let from = async |ip: &str| control.sign_in_by_passkey(&Caller::Anonymous(origin(ip)), &nothing).await;
    let ip = format!("192.0.2.{}", next() % 100 + 100);
    for _ in 0..60 {
        assert_eq!(field_of(from(&ip).await), "passkey");
    }
    assert!(matches!(from(&ip).await, Err(Error::TooMany { .. })));
    assert_eq!(field_of(from(IP).await), "passkey", "from elsewhere it goes on");
}

pub async fn answers_are_kept_no_longer_than_anybody_asks(world: &World) {
    let control = &world.control;
    let rows = async || {
        let text = "SELECT COUNT(*) AS n FROM sign_in_answers WHERE user_id = $1";
        sql::value::<i64>(control, text, vec![world.acme.created.admin.id.into_value()], "n").await
    };
    let ada = cookie(control, &by_link(world, ADA, PASSWORD).await).await;
    control.ask_for_passkey().expect("asked");
    assert_eq!(rows().await, 0, "asking leaves nothing");
    let (mut phone, _) = add(control, &ada, None).await;
    show(control, &mut phone).await.expect("signed in");
    assert_eq!(rows().await, 2);
    world.clock.advance(KEPT + CHALLENGE_LIFETIME);
    control.remove_expired().await.expect("a round");
    assert_eq!(rows().await, 2);
    world.clock.advance(Duration::from_secs(61));
    control.remove_expired().await.expect("a round");
    assert_eq!(rows().await, 0);
}
