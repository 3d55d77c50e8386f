//! Every page and every role: who is not allowed sees neither the page nor the way to it.

use crate::browser::Server;
use crate::cast;

/// What each page answers an Organization Admin and a plain member of acme, both of whom have just proved who they are.
const PAGES: &[(&str, u16, u16)] = &[
    ("/account", 200, 200),
    ("/account/password", 200, 200),
    ("/account/passkeys/new", 200, 200),
    ("/account/passkeys/{token}/rename", 404, 404),
    ("/account/passkeys/{token}/remove", 404, 404),
    ("/organizations/acme", 200, 200),
    ("/organizations/acme/agents", 200, 200),
    ("/organizations/acme/agents/dagster/{token}", 404, 404),
    ("/organizations/acme/agents/{token}", 404, 404),
    ("/organizations/-/agents", 200, 200),
    ("/organizations/acme/builds", 200, 200),
    ("/organizations/acme/builds/demo/1", 200, 200),
    ("/organizations/acme/builds/demo/1/artifacts", 200, 200),
    ("/organizations/acme/builds/demo/1/artifacts/{token}", 404, 404),
    ("/organizations/acme/builds/demo/1/steps/{token}/unblock", 404, 404),
    ("/organizations/acme/builds/demo/1/jobs/{token}", 404, 404),
    ("/organizations/acme/builds/demo/1/jobs/{token}/log", 404, 404),
    ("/organizations/acme/settings", 200, 200),
    ("/organizations/acme/settings/edit", 200, 403),
    ("/organizations/acme/settings/tokens", 200, 403),
    ("/organizations/acme/settings/tokens/new", 200, 403),
    ("/organizations/acme/settings/tokens/{token}", 200, 403),
    ("/organizations/acme/settings/tokens/{token}/value", 200, 403),
    ("/organizations/acme/settings/tokens/{token}/edit", 200, 403),
    ("/organizations/acme/settings/tokens/{token}/permissions", 200, 403),
    ("/organizations/acme/settings/tokens/{token}/revoke", 200, 403),
    ("/organizations/acme/settings/tokens/{token}/rotate", 200, 403),
    ("/organizations/acme/settings/user-tokens", 200, 200),
    ("/organizations/acme/settings/user-tokens/new", 200, 200),
    ("/organizations/acme/settings/members", 200, 200),
    ("/organizations/acme/settings/members/invite", 200, 403),
    ("/organizations/acme/settings/members/{member}", 200, 200),
    ("/organizations/acme/settings/members/{member}/remove", 200, 403),
    ("/organizations/acme/settings/members/{member}/roles/new", 200, 403),
    ("/organizations/acme/settings/members/{member}/roles/take", 303, 303),
    ("/organizations/acme/settings/members/new-service-user", 200, 403),
    // A person is no service user.
    ("/organizations/acme/settings/members/{member}/edit", 404, 403),
    ("/organizations/acme/settings/members/{member}/tokens/new", 404, 403),
    ("/organizations/acme/settings/teams", 200, 200),
    ("/organizations/acme/settings/teams/new", 200, 403),
    ("/organizations/acme/settings/teams/{token}/roles/new", 404, 404),
    ("/organizations/acme/settings/deployments", 200, 200),
    ("/organizations/acme/settings/deployments/new", 200, 403),
    ("/organizations/acme/settings/deployments/members-role", 200, 403),
    ("/organizations/acme/settings/deployments/{default}", 200, 200),
    ("/organizations/acme/settings/deployments/{default}/edit", 200, 403),
    ("/organizations/acme/settings/deployments/{default}/queues/new", 200, 403),
    ("/organizations/acme/settings/deployments/{default}/roles/new", 200, 403),
    ("/organizations/acme/settings/deployments/{default}/roles/take", 303, 303),
    ("/organizations/acme/settings/deployments/{token}", 404, 404),
    ("/organizations/acme/settings/audit-log", 200, 403),
    ("/organizations/acme/settings/audit-log/export", 200, 403),
    ("/organizations/acme/nowhere", 404, 404),
];

#[tokio::test]
async fn every_page_is_for_whom_it_is() {
    let server = Server::new().await;
    cast::build(&server.world, "steps: [{command: echo one}]").await;
    let token = server.world.acme.created.agent_token.id.to_string();
    let member = server.world.acme.created.admin.id.to_string();
    let default = server.world.acme.created.organization.default_deployment.to_string();
    let filled =
        |path: &str| path.replace("{token}", &token).replace("{member}", &member).replace("{default}", &default);
    let (ada, grace) = (server.admin().await, server.member().await);
    for (path, of_admin, of_member) in PAGES {
        let path = filled(path);
        let (admin, member) = (ada.get(&path).await, grace.get(&path).await);
        assert_eq!((admin.status.as_u16(), member.status.as_u16()), (*of_admin, *of_member), "{path}: {}", member.text);
    }
    // Each route that shows a page of the organization is in the list.
    let shows = |path: &str| path.starts_with("/organizations/") || path.starts_with("/account");
    for route in server.routes().into_iter().filter(|it| it.method == "GET" && shows(it.path)) {
        // A deployment stands for each.
        let listed = |(path, ..): &(&str, u16, u16)| filled(&path.replace("{default}", "{token}")) == route.path;
        let is_other = route.path.ends_with("/reveal")
            || route.path.ends_with("/events")
            // A team and a deployment that can be deleted have to be made first: see `places`.
            || (route.path.starts_with("/organizations/acme/settings/teams/") && !route.path.ends_with("/new"))
            || (route.path.starts_with("/organizations/acme/settings/deployments/") && route.path.ends_with("/delete"))
            // So has a queue: see `settings`.
            || (route.path.contains("/queues/") && route.path.ends_with("/edit"))
            || route.path.starts_with("/organizations/acme/settings/user-tokens/");
        assert!(is_other || PAGES.iter().any(listed), "{} is not listed", route.path);
    }
}

#[tokio::test]
async fn nobody_is_shown_what_they_may_not_do() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    let of_admin = ada.page("/organizations/acme/settings").await;
    let of_member = grace.page("/organizations/acme/settings").await;
    for way in ["/organizations/acme/settings/tokens\"", "/organizations/acme/settings/audit-log\""] {
        assert!(of_admin.contains(way), "{way}: {of_admin}");
        assert!(!of_member.contains(way), "{way}: {of_member}");
    }
    let agents = grace.page("/organizations/acme/agents").await;
    assert!(!agents.contains("Reveal Agent Token"), "{agents}");
    assert!(ada.page("/organizations/acme/agents").await.contains("Reveal Agent Token"));
}

#[tokio::test]
async fn another_organization_is_not_there() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let globex = server.world.globex.created.agent_token.id;
    for path in [
        "/organizations/globex/agents".to_owned(),
        "/organizations/globex/settings/tokens".to_owned(),
        "/organizations/nowhere/agents".to_owned(),
        format!("/organizations/acme/settings/tokens/{globex}"),
        format!("/organizations/acme/settings/tokens/{globex}/revoke"),
    ] {
        let answer = ada.get(&path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        assert!(!answer.text.contains("grace@globex.example"), "{path}: {}", answer.text);
    }
}
