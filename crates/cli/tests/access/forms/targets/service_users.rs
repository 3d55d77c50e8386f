//! Service users, and their tokens.

use countersign_control::access::actions::{CreateServiceUser, CreateServiceUserToken};
use countersign_control::members::MemberReference;
use countersign_control::service_users::NewServiceUser;
use countersign_control::user_tokens::NewUserToken;
use countersign_domain::{RevealPolicy, Role};
use countersign_testkit::World;

use super::Making;

pub async fn service_users(world: &World, making: &mut Making) {
    let control = &world.control;
    let fields = [("name", "deployer"), ("description", "for a test"), ("role", "member")];
    making.form("/organizations/{organization}/settings/members/new-service-user", &[], &fields);
    let new = NewServiceUser { name: "robot".to_owned(), description: None, role: Role::Member };
    let made = control.create_service_user(&world.admin::<CreateServiceUser>(), new).await;
    let robot = made.expect("a service user").user.id;
    let new = NewUserToken { reveal_policy: Some(RevealPolicy::Always), ..NewUserToken::default() };
    let grant = world.admin::<CreateServiceUserToken>();
    let issued = control.create_service_user_token(&grant, MemberReference::Id(robot), new).await;
    let (robot, token) = (robot.to_string(), issued.expect("a token").token.id.to_string());
    let places = [("{member}", robot.as_str()), ("{token}", token.as_str())];
    let new = [("description", "made"), ("reveal_policy", "always")];
    making.form("/organizations/{organization}/settings/members/{member}/tokens/new", &places, &new);
    making.form("/organizations/{organization}/settings/members/{member}/tokens/{token}/reveal", &places, &[]);
    let fields = [("name", "android"), ("description", "another one")];
    making.form("/organizations/{organization}/settings/members/{member}/edit", &places, &fields);
}
