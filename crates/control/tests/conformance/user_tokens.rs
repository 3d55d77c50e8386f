//! User tokens: everyone manages their own and nobody else's.

use std::time::Duration;

use countersign_control::access::actions::{
    CreateUserToken, RevealUserToken, RevokeUserToken, UpdateUserToken, ViewUserTokens,
};
use countersign_control::user_tokens::{IssuedUserToken, NewUserToken, UserTokenChange, UserTokenReference};
use countersign_control::{Caller, Error, PageRequest, Result};
use countersign_domain::id::TokenId;
use countersign_domain::{Refusal, RevealPolicy, Role, TokenSecret};
use countersign_testkit::World;

use crate::acting::{caller, field_of, may, person, refusal, refusal_of};
use crate::revealing::sealed_copies;

async fn create(world: &World, who: &Caller, new: NewUserToken) -> IssuedUserToken {
    let grant = may::<CreateUserToken>(&world.control, who);
    world.control.create_user_token(&grant, new).await.expect("a token is made")
}

async fn list(world: &World, who: &Caller, page: PageRequest<TokenId>) -> (Vec<TokenId>, bool) {
    let page = world.control.user_tokens(&may::<ViewUserTokens>(&world.control, who), page).await.expect("a list");
    (page.items.iter().map(|it| it.id).collect(), page.has_more)
}

async fn reveal(world: &World, who: &Caller, id: TokenId) -> Result<TokenSecret> {
    let grant = may::<RevealUserToken>(&world.control, who);
    world.control.reveal_user_token(&grant, UserTokenReference::Id(id)).await
}

async fn revoke(world: &World, who: &Caller, id: TokenId, reason: Option<&str>) -> Result<()> {
    let grant = may::<RevokeUserToken>(&world.control, who);
    let reason = reason.map(ToOwned::to_owned);
    world.control.revoke_user_token(&grant, UserTokenReference::Id(id), reason).await.map(|_| ())
}

pub async fn a_person_makes_lists_and_reads_their_own(world: &World) {
    let control = &world.control;
    let bob = person(control, &world.acme, "bob@acme.example", Role::Member).await;
    let (first, _) = list(world, &bob, PageRequest::first(9)).await;
    let mut made = first.clone();
    for description in [None, Some("laptop".to_owned()), Some("CI".to_owned())] {
        world.clock.advance(Duration::from_millis(1));
        let new = NewUserToken { description: description.clone(), ..NewUserToken::default() };
        let issued = create(world, &bob, new).await;
        assert_eq!((issued.token.user, &issued.token.description), (bob.user(), &description));
        let again = caller(control, issued.secret.reveal()).await;
        assert_eq!(again.user(), bob.user());
        let grant = may::<ViewUserTokens>(control, &bob);
        for name in [issued.token.id.to_string(), issued.token.public_id.to_string()] {
            let reference = UserTokenReference::parse(&name).expect("a name");
            let found = control.user_token(&grant, reference).await.expect("their own");
            assert_eq!(found.id, issued.token.id);
        }
        made.insert(0, issued.token.id);
    }
    assert_eq!(list(world, &bob, PageRequest::first(9)).await, (made.clone(), false));
    assert_eq!(list(world, &bob, PageRequest::first(3)).await, (made[..3].to_vec(), true));
    let rest = PageRequest { after: Some(made[2]), limit: 9 };
    assert_eq!(list(world, &bob, rest).await, (made[3..].to_vec(), false));
    assert!(UserTokenReference::parse("nonsense").is_err());
}

pub async fn another_persons_token_is_nobodys_business(world: &World) {
    let control = &world.control;
    let admin = &world.acme.admin;
    let bob = person(control, &world.acme, "bob@acme.example", Role::Member).await;
    let issued = create(world, &bob, NewUserToken::default()).await;
    let id = issued.token.id;
    // Not even an Organization Admin's.
    for who in [admin, &person(control, &world.acme, "eve@acme.example", Role::Admin).await] {
        assert!(!list(world, who, PageRequest::first(50)).await.0.contains(&id));
        for reference in [UserTokenReference::Id(id), UserTokenReference::PublicId(issued.token.public_id.clone())] {
            let view = may::<ViewUserTokens>(control, who);
            assert!(matches!(control.user_token(&view, reference.clone()).await, Err(Error::NotFound(_))));
            let change = UserTokenChange { token: reference, description: Some(None), expires_at: None };
            let update = may::<UpdateUserToken>(control, who);
            assert!(matches!(control.update_user_token(&update, change).await, Err(Error::NotFound(_))));
        }
        assert!(matches!(reveal(world, who, id).await, Err(Error::NotFound(_))));
        assert!(matches!(revoke(world, who, id, None).await, Err(Error::NotFound(_))));
    }
    caller(control, issued.secret.reveal()).await;
    let own = world.acme.created.user_token.id;
    assert!(matches!(revoke(world, &bob, own, None).await, Err(Error::NotFound(_))));
    let agents = world.acme.created.agent_token.id;
    assert!(matches!(revoke(world, admin, agents, None).await, Err(Error::NotFound(_))), "an agent token is none");
}

pub async fn null_and_absent_differ(world: &World) {
    let control = &world.control;
    let admin = &world.acme.admin;
    let at = control.now().plus(Duration::from_secs(60));
    let new = NewUserToken { description: Some("one".to_owned()), expires_at: Some(at), ..NewUserToken::default() };
    let id = create(world, admin, new).await.token.id;
    let update = async |description, expires_at| {
        let change = UserTokenChange { token: UserTokenReference::Id(id), description, expires_at };
        control.update_user_token(&world.admin::<UpdateUserToken>(), change).await
    };
    let same = update(None, None).await.expect("an empty change");
    assert_eq!((same.description.as_deref(), same.expires_at), (Some("one"), Some(at)));
    let one = update(Some(None), None).await.expect("a change");
    assert_eq!((one.description, one.expires_at), (None, Some(at)));
    let one = update(Some(Some("two".to_owned())), Some(None)).await.expect("a change");
    assert_eq!((one.description.as_deref(), one.expires_at), (Some("two"), None));
    assert_eq!(field_of(update(Some(Some(" ".to_owned())), None).await), "description");
    assert_eq!(field_of(update(None, Some(Some(control.now()))).await), "expiresAt");
    revoke(world, admin, id, None).await.expect("revoked");
    assert!(matches!(update(Some(None), None).await, Err(Error::Conflict(_))));
}

pub async fn a_change_destroys_what_has_closed_and_nothing_else(world: &World) {
    let control = &world.control;
    let admin = &world.acme.admin;
    let end = control.now().plus(Duration::from_secs(60));
    let until = || NewUserToken { expires_at: Some(end), ..NewUserToken::default() };
    let (open, closed) = (create(world, admin, until()).await, create(world, admin, until()).await);
    let update = async |of: &IssuedUserToken, description: Option<Option<String>>, expires_at| {
        let change = UserTokenChange { token: UserTokenReference::Id(of.token.id), description, expires_at };
        control.update_user_token(&world.admin::<UpdateUserToken>(), change).await.expect("a change");
    };
    update(&open, Some(Some("laptop".to_owned())), Some(None)).await;
    assert_eq!(sealed_copies(world, open.token.id).await, 2);
    assert_eq!(reveal(world, admin, open.token.id).await.expect("revealed").reveal(), open.secret.reveal());
    // What had ended is good again, and its value stays unseen, though the window is still open and no sweep has come by.
    world.clock.set(end);
    update(&closed, None, Some(None)).await;
    assert_eq!(sealed_copies(world, closed.token.id).await, 0);
    caller(control, closed.secret.reveal()).await;
    assert!(matches!(reveal(world, admin, closed.token.id).await, Err(Error::Conflict(_))));
}

pub async fn the_window_and_the_expiry_hold_for_them_too(world: &World) {
    let control = &world.control;
    let admin = &world.acme.admin;
    let end = control.now().plus(Duration::from_secs(600));
    let window = create(world, admin, NewUserToken::default()).await;
    let never = NewUserToken { reveal_policy: Some(RevealPolicy::Never), ..NewUserToken::default() };
    let never = create(world, admin, never).await.token.id;
    let expiring = NewUserToken { expires_at: Some(end), ..NewUserToken::default() };
    let expiring = create(world, admin, expiring).await;
    world.clock.set(end.minus(Duration::from_micros(1)));
    assert_eq!(reveal(world, admin, window.token.id).await.expect("revealed").reveal(), window.secret.reveal());
    assert!(matches!(reveal(world, admin, never).await, Err(Error::Conflict(_))));
    caller(control, expiring.secret.reveal()).await;
    world.clock.set(end);
    assert!(matches!(reveal(world, admin, window.token.id).await, Err(Error::Conflict(_))));
    control.sweep().await.expect("a sweep");
    assert_eq!(sealed_copies(world, window.token.id).await, 0);
    assert_eq!(refusal(control, expiring.secret.reveal()).await, Refusal::Expired);
    caller(control, window.secret.reveal()).await;
}

pub async fn a_revoked_one_is_refused_and_keeps_its_first_reason(world: &World) {
    let control = &world.control;
    let admin = &world.acme.admin;
    let issued = create(world, admin, NewUserToken::default()).await;
    let id = issued.token.id;
    assert_eq!(field_of(revoke(world, admin, id, Some("a\0")).await), "reason");
    revoke(world, admin, id, Some("lost the laptop")).await.expect("revoked");
    revoke(world, admin, id, Some("again")).await.expect("revoked");
    let view = world.admin::<ViewUserTokens>();
    let row = control.user_token(&view, UserTokenReference::Id(id)).await.expect("it is still listed");
    assert_eq!(row.revoked_reason.as_deref(), Some("lost the laptop"));
    let refused = crate::acting::try_caller(control, issued.secret.reveal()).await;
    assert_eq!(refused.err(), Some(Error::refused(Refusal::Revoked, issued.secret.public_id().clone())));
    assert_eq!(sealed_copies(world, id).await, 0);
}

pub async fn the_very_token_of_the_call_can_be_revoked(world: &World) {
    let (secret, who) = crate::acting::another_token(&world.control, &world.acme.admin).await;
    let Caller::User(user) = &who else { panic!("a person") };
    revoke(world, &who, user.token().expect("a token"), None).await.expect("revoked");
    assert_eq!(refusal(&world.control, secret.reveal()).await, Refusal::Revoked);
    assert_eq!(refusal_of(revoke(world, &who, user.token().expect("a token"), None).await), Refusal::Revoked);
}
