//! Service users: members that are programs, whose tokens Organization Admins manage.

use std::time::Duration;

use countersign_control::access::actions::{
    CreateInvitation, CreateOrganization, CreateServiceUser, CreateServiceUserToken, CreateUserToken,
    RevealServiceUserToken, RevealUserToken, RevokeMemberToken, RevokeUserToken, UpdateServiceUser, UpdateUserToken,
    ViewAudit, ViewUserTokens,
};
use countersign_control::audit::Period;
use countersign_control::members::MemberReference;
use countersign_control::organizations::NewOrganization;
use countersign_control::service_users::{NewServiceUser, ServiceUserChange};
use countersign_control::user_tokens::{IssuedUserToken, NewUserToken, UserTokenReference};
use countersign_control::{Action, Caller, Control, Error, PageRequest, Result};
use countersign_domain::id::UserId;
use countersign_domain::{Refusal, RevealPolicy, Role};
use countersign_testkit::World;

use crate::acting::{caller, field_of, may, person, refusal};
use crate::members::{change, named, remove};
use crate::texts::{honest, naughty};

pub const CASES: &[crate::run::Case] = crate::list::cases!["service_users"
    one_is_made_described_and_removed,
    what_cannot_be_taken_is_named,
    its_tokens_are_the_admins_business,
    it_makes_and_sees_no_credentials,
    its_address_is_nobodys,
    no_text_is_a_fault_of_ours,
];

fn new(name: &str) -> NewServiceUser {
    NewServiceUser { name: name.to_owned(), description: None, role: Role::Member }
}

async fn try_create(world: &World, new: NewServiceUser) -> Result<UserId> {
    let made = world.control.create_service_user(&world.admin::<CreateServiceUser>(), new).await;
    made.map(|it| it.user.id)
}

/// A service user of acme's.
pub async fn service_user(world: &World, name: &str, role: Role) -> UserId {
    try_create(world, NewServiceUser { role, ..new(name) }).await.expect("a service user is made")
}

/// One of acme's with a token, as a caller.
pub async fn acting(world: &World, name: &str, role: Role) -> Caller {
    let id = service_user(world, name, role).await;
    token_of(world, id).await
}

/// The same service user by another token.
pub async fn token_of(world: &World, id: UserId) -> Caller {
    let issued = token(world, id, NewUserToken::default()).await;
    caller(&world.control, issued.secret.reveal()).await
}

async fn token(world: &World, of: UserId, new: NewUserToken) -> IssuedUserToken {
    let grant = world.admin::<CreateServiceUserToken>();
    world.control.create_service_user_token(&grant, named(of), new).await.expect("a token is made")
}

async fn update(world: &World, change: ServiceUserChange) -> Result<(String, Option<String>)> {
    let after = world.control.update_service_user(&world.admin::<UpdateServiceUser>(), change).await?;
    Ok((after.user.name, after.user.description))
}

pub async fn one_is_made_described_and_removed(world: &World) {
    let control = &world.control;
    let description = Some("Deploys from CI".to_owned());
    let id = try_create(world, NewServiceUser { description, ..new("deployer") }).await.expect("made");
    let by_name = MemberReference::parse("deployer").expect("a name");
    let found = control.find_member(&world.admin(), by_name.clone()).await.expect("found");
    assert_eq!((found.user.id, found.user.is_service, found.role), (id, true, Role::Member));
    let change_ = ServiceUserChange { service_user: by_name, name: Some("releaser".to_owned()), description: None };
    let after = update(world, change_).await.expect("changed");
    assert_eq!(after, ("releaser".to_owned(), Some("Deploys from CI".to_owned())));
    let change_ = ServiceUserChange { service_user: named(id), name: None, description: Some(None) };
    assert_eq!(update(world, change_).await.expect("changed"), ("releaser".to_owned(), None));
    service_user(world, "deployer", Role::Member).await;
    change(control, &world.acme.admin, id, Role::Admin).await.expect("like any member");
    let issued = token(world, id, NewUserToken::default()).await;
    let robot = caller(control, issued.secret.reveal()).await;
    may::<UpdateServiceUser>(control, &robot);
    let removal = remove(control, &world.acme.admin, id).await.expect("the last person who is one stays all the same");
    assert_eq!((removal.tokens_revoked, removal.member.user.is_service), (1, true));
    assert_eq!(refusal(control, issued.secret.reveal()).await, Refusal::Revoked);
    service_user(world, "releaser", Role::Member).await;
}

pub async fn what_cannot_be_taken_is_named(world: &World) {
    let control = &world.control;
    for name in ["", "a b", "a@b", "ä", "a\0", "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b99", &"x".repeat(101)] {
        assert_eq!(field_of(try_create(world, new(name)).await), "name", "{name:?}");
    }
    let empty = NewServiceUser { description: Some(String::new()), ..new("robot") };
    assert_eq!(field_of(try_create(world, empty).await), "description");
    let id = service_user(world, "robot", Role::Member).await;
    assert!(matches!(try_create(world, new("robot")).await, Err(Error::Conflict(_))));
    service_user(world, "releaser", Role::Member).await;
    let change_ =
        |name: &str| ServiceUserChange { service_user: named(id), name: Some(name.to_owned()), description: None };
    assert!(matches!(update(world, change_("Releaser")).await, Err(Error::Conflict(_))), "in whatever case of letters");
    assert_eq!(update(world, change_("robot")).await.expect("its own name").0, "robot");
    assert_eq!(field_of(update(world, change_("/")).await), "name");
    let ada = ServiceUserChange { service_user: named(world.acme.created.admin.id), ..change_("ada") };
    assert_eq!(update(world, ada).await, Err(Error::NotFound("service user")), "a person is none");
    let past = NewUserToken { expires_at: Some(control.now()), ..NewUserToken::default() };
    let made = control.create_service_user_token(&world.admin(), named(id), past).await;
    assert_eq!(field_of(made), "expiresAt");
}

pub async fn its_tokens_are_the_admins_business(world: &World) {
    let control = &world.control;
    let id = service_user(world, "robot", Role::Member).await;
    let issued = token(world, id, NewUserToken { description: Some("CI".to_owned()), ..NewUserToken::default() }).await;
    assert_eq!((issued.token.user, issued.token.created_by), (Some(id), world.acme.admin.user()));
    let robot = caller(control, issued.secret.reveal()).await;
    assert_eq!(robot.user(), Some(id));
    let reveal = async |token| {
        let grant = world.admin::<RevealServiceUserToken>();
        control.reveal_service_user_token(&grant, named(id), UserTokenReference::Id(token)).await
    };
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(reveal(issued.token.id).await.expect("in time").reveal(), issued.secret.reveal());
    let newest = control
        .audit_events(&world.admin::<ViewAudit>(), Period::default(), PageRequest::first(1))
        .await
        .expect("a row")
        .items;
    assert_eq!(newest[0].action, "user_token.revealed");
    let never = NewUserToken { reveal_policy: Some(RevealPolicy::Never), ..NewUserToken::default() };
    let never = token(world, id, never).await;
    assert!(matches!(reveal(never.token.id).await, Err(Error::Conflict(_))));
    let own = world.acme.created.user_token.id;
    assert!(
        matches!(reveal(own).await, Err(Error::NotFound("user token"))),
        "an admin's own is not the service user's"
    );
    world.clock.advance(Duration::from_secs(600));
    assert!(matches!(reveal(issued.token.id).await, Err(Error::Conflict(_))), "the window is over");
    let grant = world.admin::<RevokeMemberToken>();
    let reference = UserTokenReference::Id(issued.token.id);
    control.revoke_member_token(&grant, named(id), reference, None).await.expect("revoked");
    assert_eq!(refusal(control, issued.secret.reveal()).await, Refusal::Revoked);
    let bob = person(control, &world.acme, "bob@acme.example", Role::Member).await;
    let denied = control.grant_own::<CreateServiceUserToken>(&bob).map(drop);
    assert!(matches!(denied, Err(Error::Denied { .. })));
}

pub async fn it_makes_and_sees_no_credentials(world: &World) {
    let control = &world.control;
    let id = service_user(world, "robot", Role::Admin).await;
    let issued = token(world, id, NewUserToken::default()).await;
    let robot: Caller = caller(control, issued.secret.reveal()).await;
    fn is_denied<A: Action>(control: &Control, robot: &Caller) {
        let outcome = control.grant_own::<A>(robot).map(drop);
        assert!(matches!(outcome, Err(Error::Denied { .. })), "{}: {outcome:?}", A::NAME);
    }
    is_denied::<CreateUserToken>(control, &robot);
    is_denied::<UpdateUserToken>(control, &robot);
    is_denied::<RevealUserToken>(control, &robot);
    is_denied::<CreateServiceUser>(control, &robot);
    is_denied::<CreateServiceUserToken>(control, &robot);
    is_denied::<RevealServiceUserToken>(control, &robot);
    is_denied::<CreateInvitation>(control, &robot);
    let own = || UserTokenReference::Id(issued.token.id);
    let listed = control.user_tokens(&may::<ViewUserTokens>(control, &robot), PageRequest::first(9)).await;
    assert_eq!(listed.expect("a list").items.len(), 1);
    control.revoke_user_token(&may::<RevokeUserToken>(control, &robot), own(), None).await.expect("revoked");
    assert_eq!(refusal(control, issued.secret.reveal()).await, Refusal::Revoked);
}

pub async fn its_address_is_nobodys(world: &World) {
    let control = &world.control;
    let id = service_user(world, "robot", Role::Admin).await;
    let email = control.find_member(&world.admin(), named(id)).await.expect("found").user.email;
    let grant = may::<CreateOrganization>(control, &world.operator);
    let new = NewOrganization { slug: "initech".to_owned(), name: None, admin: email, reveal_policy: None };
    assert_eq!(field_of(control.create_organization(&grant, new).await), "admin");
}

pub async fn no_text_is_a_fault_of_ours(world: &World) {
    let control = &world.control;
    let id = service_user(world, "robot", Role::Member).await;
    for text in naughty() {
        honest("name", &text, try_create(world, new(&text)).await);
        let some = Some(text.clone());
        honest("description", &text, try_create(world, NewServiceUser { description: some, ..new("other") }).await);
        let change_ = ServiceUserChange {
            service_user: named(id),
            name: Some(text.clone()),
            description: Some(Some(text.clone())),
        };
        honest("change", &text, update(world, change_).await);
        honest("reference", &text, MemberReference::parse(&text));
        honest(
            "invited",
            &text,
            crate::invitations::try_invite(
                world,
                countersign_control::invitations::NewInvitation {
                    email: text.clone(),
                    role: Role::Member,
                    expires_at: None,
                },
            )
            .await,
        );
        let issued = crate::invitations::invite(world, &format!("p{}@acme.example", crate::acting::next())).await;
        honest("name of a person", &text, crate::invitations::try_accept(control, &issued.secret, Some(&text)).await);
    }
}
