//! Agent tokens and user tokens.

use countersign_control::access::actions::{CreateAgentToken, CreateUserToken, RotateAgentToken};
use countersign_control::agent_tokens::{NewAgentToken, Rotation, TokenReference};
use countersign_control::user_tokens::NewUserToken;
use countersign_domain::id::DeploymentId;
use countersign_domain::{DeploymentScope, RevealPolicy, Scope};
use countersign_testkit::World;

use super::Making;
use crate::forms::browser::Server;

fn only(deployment: DeploymentId) -> Scope {
    let deployments = DeploymentScope::Only { deployments: [deployment].into(), all_branches: false };
    Scope { deployments, ..Scope::widest() }
}

/// Of a token that reaches one deployment alone, or every one.
pub async fn of_agents(server: &Server, making: &mut Making, deployment: Option<DeploymentId>) {
    let world = &server.world;
    let control = &world.control;
    let grant = world.admin::<CreateAgentToken>();
    let token = async || {
        let scope = deployment.map(only);
        let new = NewAgentToken { reveal_policy: Some(RevealPolicy::Always), scope, ..NewAgentToken::default() };
        control.create_agent_token(&grant, new).await.expect("a token").token.token.id
    };
    let id = deployment.map(|id| id.to_string());
    let reach = id.as_deref().map_or(("org_agent", "on"), |id| ("deployment", id));
    let permissions = [reach, ("queues", "deploy")];
    let new = [("description", "made"), reach, ("reveal_policy", "always")];
    making.form("/organizations/{organization}/settings/tokens/new", &[], &new);
    for (route, fields) in [
        ("/organizations/{organization}/settings/tokens/{token}/reveal", &[][..]),
        ("/organizations/{organization}/settings/tokens/{token}/edit", &[("description", "other")]),
    ] {
        making.form(route, &[("{token}", &token().await.to_string())], fields);
    }
    let rotated = token().await;
    let rotation = Rotation { token: TokenReference::Id(rotated), old_valid_until: None, expected: None };
    control.rotate_agent_token(&world.admin::<RotateAgentToken>(), rotation).await.expect("it is rotated");
    let finish = "/organizations/{organization}/settings/tokens/{token}/finish";
    making.form(finish, &[("{token}", &rotated.to_string())], &[]);
    // These carry what their page shows.
    for (route, fields) in [
        ("/organizations/{organization}/settings/tokens/{token}/permissions", &permissions[..]),
        ("/organizations/{organization}/settings/tokens/{token}/rotate", &[("old_valid_until", "2099-01-01T00:00")]),
        (
            "/organizations/{organization}/settings/tokens/{token}/revoke",
            &[("reason", "Left in a log"), ("connected_agents", "KEEP")],
        ),
    ] {
        let id = token().await.to_string();
        let path = route.replace("{organization}", "acme").replace("{token}", &id);
        let shown = shown(server, &making.ada, &path).await;
        making.form(route, &[("{token}", &id)], &[fields, &[("shown", shown.as_str())]].concat());
    }
}

/// What the form at an address was shown of.
pub async fn shown(server: &Server, cookie: &str, path: &str) -> String {
    let page = server.get(path, cookie).await;
    let shown = page.text.split("name=\"shown\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    shown.expect("the form carries what it shows").to_owned()
}

pub async fn of_users(world: &World, making: &mut Making) {
    let grant = world.admin::<CreateUserToken>();
    let new = [("description", "made"), ("reveal_policy", "always")];
    making.form("/organizations/{organization}/settings/user-tokens/new", &[], &new);
    for (route, fields) in [
        ("/organizations/{organization}/settings/user-tokens/{token}/reveal", &[][..]),
        ("/organizations/{organization}/settings/user-tokens/{token}/edit", &[("description", "other")]),
        ("/organizations/{organization}/settings/user-tokens/{token}/revoke", &[("reason", "Left in a log")]),
    ] {
        let new = NewUserToken { reveal_policy: Some(RevealPolicy::Always), ..NewUserToken::default() };
        let token = world.control.create_user_token(&grant, new).await.expect("a token").token.id;
        making.form(route, &[("{token}", &token.to_string())], fields);
    }
}
