//! Proving again who one is: what needs it, for how long it is good, and who never needs it.

use std::time::Duration;

use countersign_control::access::actions::{
    AcceptInvitation, ChangePassword, CreateAgentToken, CreateInvitation, CreateUserToken, DeleteDeployment,
    ProveAgain, RemoveMember, RevealAgentToken, RevealUserToken, RevokeAgentToken, RotateAgentToken, UpdateAgentToken,
    UpdateUserToken, ViewAgentTokens,
};
use countersign_control::agent_tokens::{AgentTokenChange, NewAgentToken, Rotation, TokenReference};
use countersign_control::invitations::NewInvitation;
use countersign_control::signing_in::{MAKER_SEES, PROOF};
use countersign_control::user_tokens::{NewUserToken, UserTokenChange, UserTokenReference};
use countersign_control::{Caller, Control, Error, Result};
use countersign_domain::id::TokenId;
use countersign_domain::{Password, Refusal, RevealPolicy, Role, Scope};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{field_of, may, refused, token};
use crate::signing_in::{ADA, PASSWORD, by_link, cookie};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["signing_in_proof"
    it_is_good_for_five_minutes,
    a_wrong_password_proves_nothing,
    each_wrong_password_is_counted,
    whoever_made_a_token_sees_its_value_for_ten_minutes,
    of_a_rotated_token_whoever_made_the_newest_value_sees_it,
    words_are_changed_without_a_proof_and_permissions_are_not,
    a_user_token_has_nothing_to_prove,
    whoever_has_no_password_proves_by_none,
];

const MICROSECOND: Duration = Duration::from_micros(1);

fn always() -> NewAgentToken {
    NewAgentToken { reveal_policy: Some(RevealPolicy::Always), ..NewAgentToken::default() }
}

async fn reveal(control: &Control, who: &Caller, id: TokenId) -> Result<()> {
    control.reveal_agent_token(&may::<RevealAgentToken>(control, who), TokenReference::Id(id)).await.map(drop)
}

/// What is answered to somebody who is to prove who they are.
const NO: Result<()> = Err(Error::Unproved);

fn prove_needed(control: &Control, who: &Caller) -> [Result<()>; 4] {
    [
        control.grant_own::<RevokeAgentToken>(who).map(drop),
        control.grant_own::<RemoveMember>(who).map(drop),
        control.grant_own::<CreateUserToken>(who).map(drop),
        control.grant_own::<CreateAgentToken>(who).map(drop),
    ]
}

pub async fn it_is_good_for_five_minutes(world: &World) {
    let control = &world.control;
    let it = by_link(world, ADA, PASSWORD).await;
    world.clock.advance(PROOF.saturating_sub(MICROSECOND));
    let ada = cookie(control, &it).await;
    assert_eq!(prove_needed(control, &ada), [Ok(()), Ok(()), Ok(()), Ok(())], "signing in is a proof");
    assert_eq!(control.must_be_proved(&ada), Ok(()));
    world.clock.advance(MICROSECOND);
    for who in [&ada, &cookie(control, &it).await] {
        assert_eq!(prove_needed(control, who), [NO, NO, NO, NO]);
        assert_eq!(control.must_be_proved(who), Err(Error::Unproved));
        may::<ViewAgentTokens>(control, who);
    }
    let until = control.prove_again(&may::<ProveAgain>(control, &ada), Password::shown(PASSWORD)).await;
    assert_eq!(until, Ok(control.now().plus(PROOF)));
    assert_eq!(control.must_be_proved(&ada), Err(Error::Unproved), "from the next call on");
    let ada = cookie(control, &it).await;
    assert_eq!(prove_needed(control, &ada), [Ok(()), Ok(()), Ok(()), Ok(())]);
    world.clock.advance(PROOF);
    assert_eq!(control.must_be_proved(&cookie(control, &it).await), Err(Error::Unproved));
}

pub async fn whoever_has_no_password_proves_by_none(world: &World) {
    let control = &world.control;
    let ada = cookie(control, &by_link(world, ADA, PASSWORD).await).await;
    let has = async || control.proves_by_password(&may::<ProveAgain>(control, &ada)).await;
    assert_eq!(has().await, Ok(true));
    let (text, of) = ("DELETE FROM passwords WHERE user_id = $1", world.acme.created.admin.id.into_value());
    assert_eq!(sql::change(control, text, vec![of]).await, 1);
    assert_eq!(has().await, Ok(false));
    let none = control.prove_again(&may::<ProveAgain>(control, &ada), Password::shown(PASSWORD)).await;
    assert_eq!(field_of(none), "password");
}

pub async fn a_wrong_password_proves_nothing(world: &World) {
    let control = &world.control;
    let it = by_link(world, ADA, PASSWORD).await;
    world.clock.advance(PROOF);
    let ada = cookie(control, &it).await;
    let prove = async |password: &str| {
        control.prove_again(&may::<ProveAgain>(control, &ada), Password::shown(password)).await.map(drop)
    };
    for _ in 0..10 {
        assert_eq!(field_of(prove("wrong horse battery").await), "password");
    }
    assert!(matches!(prove(PASSWORD).await, Err(Error::TooMany { .. })), "whoever stole a cookie guesses no better");
    assert_eq!(control.must_be_proved(&cookie(control, &it).await), Err(Error::Unproved));
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(prove(PASSWORD).await, Ok(()));
    let by_token = control.prove_again(&world.admin::<ProveAgain>(), Password::shown(PASSWORD)).await.map(drop);
    assert_eq!(by_token, Err(Error::NotFound("sign-in")));
}

pub async fn each_wrong_password_is_counted(world: &World) {
    const WRONG: &str = "wrong horse battery";
    let control = &world.control;
    let ada = cookie(control, &by_link(world, ADA, PASSWORD).await).await;
    let counted = async || refused(control, Refusal::Unknown).await;
    let before = counted().await;
    let proved = control.prove_again(&may::<ProveAgain>(control, &ada), Password::shown(WRONG)).await;
    assert_eq!((field_of(proved), counted().await), ("password".to_owned(), before + 1));
    let grant = may::<ChangePassword>(control, &ada);
    let changed = control.change_password(&grant, Password::shown(WRONG), "another one altogether").await;
    assert_eq!((field_of(changed), counted().await), ("password".to_owned(), before + 2));
    let new = NewInvitation { email: ADA.to_owned(), role: Role::Member, expires_at: None };
    let peter = crate::signing_in::organization(world, "initrode", "peter@initrode.example").await;
    let grant = may::<CreateInvitation>(control, &peter);
    let issued = control.create_invitation(&grant, new).await.expect("made");
    let holder = crate::acting::caller(control, issued.secret.reveal()).await;
    let grant = may::<AcceptInvitation>(control, &holder);
    let accepted = control.accept_invitation_and_sign_in(&grant, &ada, None, WRONG).await;
    assert_eq!((field_of(accepted), counted().await), ("password".to_owned(), before + 3));
    control.prove_again(&may::<ProveAgain>(control, &ada), Password::shown(PASSWORD)).await.expect("proved");
    assert_eq!(counted().await, before + 3, "a right one is not");
}

pub async fn whoever_made_a_token_sees_its_value_for_ten_minutes(world: &World) {
    let control = &world.control;
    let it = by_link(world, ADA, PASSWORD).await;
    let ada = cookie(control, &it).await;
    let mine = control.create_agent_token(&may::<CreateAgentToken>(control, &ada), always()).await.expect("made");
    let eve = crate::acting::person(control, &world.acme, "eve@acme.example", Role::Admin).await;
    let hers = control.create_agent_token(&may::<CreateAgentToken>(control, &eve), always()).await.expect("made");
    let (mine, hers) = (mine.token.token.id, hers.token.token.id);
    world.clock.advance(MAKER_SEES.saturating_sub(MICROSECOND));
    let ada = cookie(control, &it).await;
    assert_eq!(reveal(control, &ada, mine).await, Ok(()), "after a reload of the page, too");
    assert_eq!(reveal(control, &ada, hers).await, Err(Error::Unproved), "somebody else made it");
    world.clock.advance(MICROSECOND);
    assert_eq!(reveal(control, &ada, mine).await, Err(Error::Unproved));
    control.prove_again(&may::<ProveAgain>(control, &ada), Password::shown(PASSWORD)).await.expect("proved");
    let ada = cookie(control, &it).await;
    assert_eq!(reveal(control, &ada, mine).await, Ok(()));
    assert_eq!(reveal(control, &ada, hers).await, Ok(()));

    // The same of user tokens.
    let new = NewUserToken { reveal_policy: Some(RevealPolicy::Always), ..NewUserToken::default() };
    let own = control.create_user_token(&may::<CreateUserToken>(control, &ada), new).await.expect("made").token.id;
    let reveal_own = async |who: &Caller| {
        let grant = may::<RevealUserToken>(control, who);
        control.reveal_user_token(&grant, UserTokenReference::Id(own)).await.map(drop)
    };
    world.clock.advance(MAKER_SEES.saturating_sub(MICROSECOND));
    assert_eq!(reveal_own(&ada).await, Ok(()));
    world.clock.advance(MICROSECOND);
    assert_eq!(reveal_own(&ada).await, Err(Error::Unproved));
}

pub async fn of_a_rotated_token_whoever_made_the_newest_value_sees_it(world: &World) {
    let control = &world.control;
    let it = by_link(world, ADA, PASSWORD).await;
    let ada = cookie(control, &it).await;
    let eve = crate::acting::person(control, &world.acme, "eve@acme.example", Role::Admin).await;
    let made = async |by: &Caller| {
        control.create_agent_token(&may::<CreateAgentToken>(control, by), always()).await.expect("made").token.token.id
    };
    let rotated = async |by: &Caller, id: TokenId| {
        let rotation = Rotation { token: TokenReference::Id(id), old_valid_until: None, expected: None };
        control.rotate_agent_token(&may::<RotateAgentToken>(control, by), rotation).await.expect("rotated");
    };
    let (mine, hers) = (made(&ada).await, made(&eve).await);
    world.clock.advance(MICROSECOND);
    rotated(&ada, hers).await;
    world.clock.advance(PROOF);
    let ada = cookie(control, &it).await;
    assert_eq!(reveal(control, &ada, mine).await, Ok(()));
    assert_eq!(reveal(control, &ada, hers).await, Ok(()), "the value is hers that rotated, though not the token");
    rotated(&eve, mine).await;
    assert_eq!(reveal(control, &ada, mine).await, Err(Error::Unproved), "somebody else made the newest value");
    world.clock.advance(MAKER_SEES - PROOF);
    assert_eq!(reveal(control, &ada, hers).await, Err(Error::Unproved), "ten minutes after the rotation");
}

pub async fn words_are_changed_without_a_proof_and_permissions_are_not(world: &World) {
    let control = &world.control;
    let id = token(world, always()).await.token.token.id;
    let it = by_link(world, ADA, PASSWORD).await;
    world.clock.advance(PROOF);
    let ada = cookie(control, &it).await;
    let change = async |change: AgentTokenChange| {
        control.update_agent_token(&may::<UpdateAgentToken>(control, &ada), change).await.map(drop)
    };
    let nothing = || AgentTokenChange::nothing(TokenReference::Id(id));
    let words = AgentTokenChange { description: Some(Some("Production".to_owned())), ..nothing() };
    assert_eq!(change(words).await, Ok(()), "the pencil");
    for more in [
        AgentTokenChange { scope: Some(Scope::widest()), ..nothing() },
        AgentTokenChange { networks: Some(Vec::new()), ..nothing() },
        AgentTokenChange { is_public: Some(true), ..nothing() },
        AgentTokenChange { reveal_policy: Some(RevealPolicy::Always), ..nothing() },
        AgentTokenChange { expires_at: Some(None), description: Some(None), ..nothing() },
    ] {
        assert_eq!(change(more).await, Err(Error::Unproved));
    }
    let seen = control.agent_token(&world.admin::<ViewAgentTokens>(), id).await.expect("there");
    assert_eq!(seen.token.description.as_deref(), Some("Production"), "nothing of that was done");
    // The same of user tokens.
    let new =
        control.create_user_token(&world.admin::<CreateUserToken>(), NewUserToken::default()).await.expect("made");
    let change = async |description: Option<&str>, expires_at| {
        let change = UserTokenChange {
            token: UserTokenReference::Id(new.token.id),
            description: description.map(|text| Some(text.to_owned())),
            expires_at,
        };
        control.update_user_token(&may::<UpdateUserToken>(control, &ada), change).await.map(drop)
    };
    assert_eq!(change(Some("Release script"), None).await, Ok(()));
    assert_eq!(change(None, Some(None)).await, Err(Error::Unproved));
    let soon = control.now().plus(Duration::from_secs(60));
    assert_eq!(change(Some("Release script"), Some(Some(soon))).await, Err(Error::Unproved));
    let delete = control.grant_own::<DeleteDeployment>(&ada).map(drop);
    assert_eq!(delete, Err(Error::Unproved), "it takes everything with it");
}

pub async fn a_user_token_has_nothing_to_prove(world: &World) {
    let control = &world.control;
    let id = token(world, always()).await.token.token.id;
    world.clock.advance(MAKER_SEES + PROOF);
    let ada = &world.acme.admin;
    assert_eq!(control.must_be_proved(ada), Ok(()));
    assert_eq!(prove_needed(control, ada), [Ok(()), Ok(()), Ok(()), Ok(())]);
    assert_eq!(reveal(control, ada, id).await, Ok(()));
    assert_eq!(control.must_be_proved(&crate::signing_in::browser()), Ok(()), "nobody has nothing");
}
