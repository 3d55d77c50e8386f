//! Signing in by a provider of OpenID Connect: whom it vouches for, what is taken of it, and what it proves.

use std::time::Duration;

use countersign_control::access::actions::{
    AcceptInvitation, ForgetIdentity, ProveAgain, RemoveMember, RevokeAgentToken, ViewSignIns,
};
use countersign_control::members::MemberReference;
use countersign_control::signing_in::{
    AskedFor, CHALLENGE_LIFETIME, Method, PROOF, ProviderAnswer, REDISCOVERED, SignedIn,
};
use countersign_control::{Caller, Control, Error, Result};
use countersign_domain::{Refusal, Role};
use countersign_store::IntoValue;
use countersign_testkit::World;
use countersign_testkit::provider::{CLIENT, FakeProvider, ISSUER};
use serde_json::{Value, json};

use crate::acting::{caller, field_of, may, person};
use crate::invitations::invite;
use crate::signing_in::{ADA, PASSWORD, browser, by_link, cookie, ended, try_sign_in};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["provider"
    whoever_is_known_signs_in_by_it,
    what_it_does_not_vouch_for_is_not_taken,
    an_answer_is_taken_once_in_time_and_in_one_browser,
    it_proves_by_asking_anew,
    an_invitation_is_accepted_by_the_address_that_it_names,
    it_may_be_silent_and_have_other_keys,
];

const BOB: &str = "bob@acme.example";

async fn sign_in(control: &Control, answer: &ProviderAnswer) -> Result<SignedIn> {
    control.sign_in_by_provider(&browser(), answer).await
}

/// Goes there and comes back.
async fn visit(control: &Control, provider: &FakeProvider, email: &str, change: Value) -> Result<SignedIn> {
    let question = control.ask_provider().await?;
    sign_in(control, &provider.visit(control, &question, email, &change)).await
}

async fn linked(control: &Control) -> i64 {
    let text = "SELECT COUNT(*) AS n FROM audit_events WHERE action = 'identity.linked'";
    sql::value(control, text, vec![], "n").await
}

pub async fn whoever_is_known_signs_in_by_it(world: &World) {
    let control = &world.control;
    assert!(control.provider().is_none());
    assert_eq!(control.ask_provider().await, Err(Error::NotFound("provider to sign in by")));
    let provider = FakeProvider::of(control);
    assert_eq!(control.provider().map(|it| it.host()), Some("login.example.com"));

    let it = visit(control, &provider, "Ada@Acme.example", json!({})).await.expect("signed in");
    assert_eq!((it.sign_in.method, it.organization.slug.as_str()), (Method::Provider, "acme"));
    assert_eq!(it.member.user.email, ADA);
    control.must_be_proved(&cookie(control, &it).await).expect("signing in is a proof");
    assert_eq!(linked(control).await, 1);

    // From then on by what the provider calls her, whatever her address is there, or here.
    let same = || json!({ "sub": "subject of Ada@Acme.example" });
    let it = visit(control, &provider, "lovelace@elsewhere.example", same()).await.expect("signed in");
    assert_eq!(it.member.user.email, ADA);
    assert_eq!(linked(control).await, 1);
    // Whom it calls otherwise is somebody else, though the address is hers now.
    assert_eq!(field_of(visit(control, &provider, ADA, json!({ "sub": "another" })).await), "provider");
    // Until she has it forgotten what it called her.
    let ada = cookie(control, &it).await;
    let known = control.list_identities(&may::<ViewSignIns>(control, &ada)).await.expect("listed");
    let [known] = known.as_slice() else { panic!("{known:?}") };
    assert_eq!((known.issuer.as_str(), known.subject.as_str()), (ISSUER, "subject of Ada@Acme.example"));
    let forget = async || control.forget_identity(&may::<ForgetIdentity>(control, &ada), ISSUER).await;
    assert_eq!(forget().await, Ok(()));
    assert_eq!(forget().await, Err(Error::NotFound("identity")));
    visit(control, &provider, ADA, json!({ "sub": "another" })).await.expect("signed in");
    assert_eq!(linked(control).await, 2);
    // Nobody has set a password by it.
    assert_eq!(field_of(try_sign_in(control, ADA, PASSWORD, crate::acting::IP).await), "password");

    // Somebody who is a member of nothing does not get in.
    let bob = person(control, &world.acme, BOB, Role::Member).await.user().expect("a person");
    let bobs = visit(control, &provider, BOB, json!({})).await.expect("signed in");
    // Whoever signs in in somebody else's browser, or accepts an invitation there, ends what it held; a stranger does not.
    let in_his = async |email: &str, change: Value| {
        let answer = provider.visit(control, &control.ask_provider().await.expect("asked"), email, &change);
        control.sign_in_by_provider(&cookie(control, &bobs).await, &answer).await
    };
    assert_eq!(field_of(in_his("nobody@acme.example", json!({})).await), "provider");
    in_his(ADA, json!({ "sub": "another" })).await.expect("signed in");
    assert_eq!(ended(control, &bobs).await, Refusal::Revoked);
    control.remove_member(&world.admin::<RemoveMember>(), MemberReference::Id(bob)).await.expect("removed");
    assert_eq!(field_of(visit(control, &provider, BOB, json!({})).await), "provider");
    crate::service_users::acting(world, "robot", Role::Member).await;
    let robot = sql::value::<String>(control, "SELECT email FROM users WHERE name = 'robot'", vec![], "email").await;
    assert_eq!(field_of(visit(control, &provider, &robot, json!({})).await), "provider", "a program never signs in");
}

pub async fn what_it_does_not_vouch_for_is_not_taken(world: &World) {
    let control = &world.control;
    let provider = FakeProvider::of(control);
    let now = control.now().as_secs();
    let wrong = visit(control, &provider, "nobody@acme.example", json!({})).await.expect_err("nobody");
    for change in [
        json!({ "email_verified": false }),
        json!({ "email_verified": null }),
        json!({ "email": null }),
        json!({ "email": "no address" }),
        json!({ "iss": "https://login.example.com" }),
        json!({ "aud": "another client" }),
        json!({ "aud": [CLIENT, "another client"] }),
        json!({ "azp": "another client" }),
        json!({ "nonce": "another" }),
        json!({ "nonce": null }),
        json!({ "exp": now }),
        json!({ "sub": "" }),
        json!({ "sub": "x".repeat(256) }),
    ] {
        let outcome = visit(control, &provider, ADA, change.clone()).await;
        assert_eq!(outcome.map(drop), Err(wrong.clone()), "{change}");
    }
    assert_eq!(linked(control).await, 0);
    visit(control, &provider, ADA, json!({ "azp": CLIENT, "aud": [CLIENT] })).await.expect("signed in");
}

pub async fn an_answer_is_taken_once_in_time_and_in_one_browser(world: &World) {
    let control = &world.control;
    let provider = FakeProvider::of(control);
    let ask = async || {
        let question = control.ask_provider().await.expect("asked");
        provider.visit(control, &question, ADA, &json!({}))
    };
    let (mine, other) = (ask().await, ask().await);
    assert_eq!(mine.asked_for(), Some(AskedFor::SignIn));
    let wrong = [
        ProviderAnswer { cookie: other.cookie.clone(), ..mine.clone() },
        ProviderAnswer { state: other.state.clone(), ..mine.clone() },
        ProviderAnswer { state: String::new(), ..mine.clone() },
        ProviderAnswer { cookie: String::new(), ..mine.clone() },
        ProviderAnswer { cookie: "sign-in~".to_owned(), ..mine.clone() },
        ProviderAnswer { code: String::new(), ..mine.clone() },
        ProviderAnswer { code: "x".repeat(10_000), ..mine.clone() },
        ProviderAnswer { code: "no code".to_owned(), ..mine.clone() },
    ];
    for (number, answer) in wrong.iter().enumerate() {
        assert_eq!(field_of(sign_in(control, answer).await), "provider", "answer {number}");
    }
    // Another's code in one's own browser: the verifier is not its.
    let answer = ProviderAnswer { code: other.code.clone(), ..mine.clone() };
    assert_eq!(field_of(sign_in(control, &answer).await), "provider");
    sign_in(control, &mine).await.expect("signed in");
    assert_eq!(field_of(sign_in(control, &mine).await), "provider", "taken before");

    let late = ask().await;
    world.clock.advance(CHALLENGE_LIFETIME);
    assert_eq!(field_of(sign_in(control, &late).await), "provider");
    // It comes in time, and is over by when the provider has answered, whose own token would be good for longer.
    let longer = || json!({ "exp": control.now().plus(2 * CHALLENGE_LIFETIME).as_secs() });
    for (takes, is_taken) in [(CHALLENGE_LIFETIME, false), (CHALLENGE_LIFETIME - Duration::from_micros(1), true)] {
        let question = control.ask_provider().await.expect("asked");
        let answer = provider.visit(control, &question, ADA, &longer());
        provider.be_slow(&world.clock, takes);
        let outcome = sign_in(control, &answer).await;
        if is_taken {
            outcome.expect("signed in");
        } else {
            assert_eq!(field_of(outcome), "provider", "after {takes:?}");
        }
    }
}

pub async fn it_proves_by_asking_anew(world: &World) {
    let control = &world.control;
    let provider = FakeProvider::of(control);
    person(control, &world.acme, BOB, Role::Admin).await;
    let it = visit(control, &provider, ADA, json!({})).await.expect("signed in");
    let elsewhere = visit(control, &provider, ADA, json!({})).await.expect("signed in");
    let bob = by_link(world, BOB, PASSWORD).await;
    world.clock.advance(PROOF);
    let prove = async |who: &Caller, email: &str, change: Value| {
        let question = control.ask_provider_again(&may::<ProveAgain>(control, who)).await?;
        assert!(question.url.contains("prompt=login") && question.url.contains("max_age=0"), "{}", question.url);
        let answer = provider.visit(control, &question, email, &change);
        assert_eq!(answer.asked_for(), Some(AskedFor::Proof));
        assert_eq!(field_of(sign_in(control, &answer).await), "provider", "it is good for nothing else");
        control.prove_by_provider(&may::<ProveAgain>(control, who), &answer).await
    };
    let ada = cookie(control, &it).await;
    assert_eq!(control.grant_own::<RevokeAgentToken>(&ada).map(drop), Err(Error::Unproved));
    let long_ago = control.now().as_secs() - 61;
    assert_eq!(field_of(prove(&ada, ADA, json!({ "auth_time": long_ago })).await), "provider");
    assert_eq!(field_of(prove(&ada, ADA, json!({ "auth_time": null })).await), "provider");
    assert_eq!(field_of(prove(&ada, BOB, json!({})).await), "provider", "somebody else");
    // By the address alone nobody proves anything.
    assert_eq!(field_of(prove(&cookie(control, &bob).await, BOB, json!({})).await), "provider");
    assert_eq!(prove(&ada, ADA, json!({})).await, Ok(control.now().plus(PROOF)));
    may::<RevokeAgentToken>(control, &cookie(control, &it).await);
    let other = cookie(control, &elsewhere).await;
    assert_eq!(
        control.grant_own::<RevokeAgentToken>(&other).map(drop),
        Err(Error::Unproved),
        "another browser of hers"
    );
    let by_token = control.ask_provider_again(&world.admin::<ProveAgain>()).await.map(drop);
    assert_eq!(by_token, Err(Error::NotFound("sign-in")));
}

pub async fn an_invitation_is_accepted_by_the_address_that_it_names(world: &World) {
    let control = &world.control;
    let provider = FakeProvider::of(control);
    let accept = async |invited: &str, email: &str| {
        let issued = invite(world, invited).await;
        let holder = caller(control, issued.secret.reveal()).await;
        let question = control.ask_provider_of_invited(&may::<AcceptInvitation>(control, &holder)).await?;
        let answer = provider.visit(control, &question, email, &json!({}));
        assert_eq!(answer.asked_for(), Some(AskedFor::Invitation));
        let grant = may::<AcceptInvitation>(control, &holder);
        control.accept_invitation_by_provider(&grant, &browser(), Some("Carol"), &answer).await
    };
    assert_eq!(field_of(accept("carol@acme.example", "mallory@acme.example").await), "provider");
    let it = accept("dave@acme.example", "Dave@acme.example").await.expect("a member");
    assert_eq!((it.member.user.name.as_str(), it.sign_in.method), ("Carol", Method::Provider));
    let issued = invite(world, "erin@acme.example").await;
    let grant = may::<AcceptInvitation>(control, &caller(control, issued.secret.reveal()).await);
    let question = control.ask_provider_of_invited(&grant).await.expect("asked");
    let answer = provider.visit(control, &question, "erin@acme.example", &json!({}));
    let before = cookie(control, &it).await;
    control.accept_invitation_by_provider(&grant, &before, None, &answer).await.expect("a member");
    assert_eq!(ended(control, &it).await, Refusal::Revoked, "it was Dave's browser before");
    visit(control, &provider, "Dave@acme.example", json!({})).await.expect("from then on without an invitation");
    assert_eq!(linked(control).await, 2);
    let text = "SELECT COUNT(*) AS n FROM passwords WHERE user_id = $1";
    let user = vec![it.sign_in.user.into_value()];
    assert_eq!(sql::value::<i64>(control, text, user, "n").await, 0, "they need none");
}

pub async fn it_may_be_silent_and_have_other_keys(world: &World) {
    let control = &world.control;
    let provider = FakeProvider::of(control);
    provider.be_silent(true);
    let silent = |outcome: Result<()>| matches!(outcome, Err(Error::Unavailable { code: "provider", .. }));
    assert!(silent(control.ask_provider().await.map(drop)));
    let calls = provider.calls();
    provider.be_silent(false);
    assert!(silent(control.ask_provider().await.map(drop)), "it is left alone for a moment");
    assert_eq!(provider.calls(), calls);
    world.clock.advance(Duration::from_secs(5));
    visit(control, &provider, ADA, json!({})).await.expect("signed in");
    let calls = provider.calls();
    let question = control.ask_provider().await.expect("asked");
    assert_eq!(provider.calls(), calls, "what it said is known");
    let answer = provider.visit(control, &question, ADA, &json!({}));
    provider.be_silent(true);
    assert!(silent(sign_in(control, &answer).await.map(drop)), "nobody says that it was refused");
    provider.be_silent(false);

    // A key that it has only now is asked for, once a minute.
    world.clock.advance(Duration::from_secs(60));
    provider.change_key(control, true);
    visit(control, &provider, ADA, json!({})).await.expect("signed in");
    provider.change_key(control, false);
    let calls = provider.calls();
    assert_eq!(field_of(visit(control, &provider, ADA, json!({})).await), "provider", "a key that it does not own to");
    assert_eq!(provider.calls(), calls + 1, "for the code alone");
    provider.change_key(control, true);
    world.clock.advance(REDISCOVERED);
    visit(control, &provider, ADA, json!({})).await.expect("signed in");
}
