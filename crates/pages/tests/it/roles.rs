//! Every page and every role: who is not allowed sees neither the page nor the way to it.

use countersign_control::access::actions::CreateDeployment;
use countersign_control::deployments::NewDeployment;
use countersign_domain::id::{DeploymentId, UserId};
use countersign_testkit::Member;

use crate::browser::{Browser, Server};
use crate::cast;

const SETTINGS: &str = "/organizations/acme/settings";

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

#[tokio::test]
async fn what_is_not_there_has_the_ways_around_it_and_tells_nothing() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    // Where one is a member, one goes on from there, whatever is missing.
    for path in ["/organizations/acme/nowhere", "/organizations/acme/settings/teams/none", "/organizations/-/nowhere"] {
        let lost = ada.get(path).await;
        assert_eq!(lost.status, 404, "{path}");
        assert!(
            lost.text.contains("href=\"/organizations/acme/builds\"") && lost.text.contains("Sign out"),
            "{path}: {}",
            lost.text
        );
    }
    let denied = grace.get(&format!("{SETTINGS}/audit-log")).await;
    assert!(denied.status == 403 && denied.text.contains("href=\"/organizations/acme/builds\""), "{}", denied.text);
    // An organization of others looks like one that is not there.
    for below in ["", "/agents", "/nowhere", "/settings/tokens"] {
        let (theirs, none) = (format!("/organizations/globex{below}"), format!("/organizations/nowhere{below}"));
        let (of_theirs, of_none) = (ada.get(&theirs).await, ada.get(&none).await);
        assert_eq!((of_theirs.status, of_none.status.as_u16()), (of_none.status, 404), "{below}");
        assert_eq!(of_theirs.text.replace(&theirs, &none), of_none.text, "{below}");
        assert!(of_none.text.contains("Sign out") && !of_none.text.contains("/builds\""), "{}", of_none.text);
    }
    let nobody = server.send("GET", "/organizations/acme/nowhere", &[], "").await;
    assert!(nobody.status == 404 && !nobody.text.contains("Sign out"), "{}", nobody.text);
    assert!(!nobody.text.contains("/builds\""), "{}", nobody.text);
}

/// Deployments of acme beside the default one.
struct Places {
    prod: DeploymentId,
    /// A branch deployment of it.
    branch: DeploymentId,
    /// Another full one.
    other: DeploymentId,
}

async fn places(server: &Server) -> Places {
    server.members_look_on().await;
    let control = &server.world.control;
    let made = async |name: &str, parent| {
        let new = NewDeployment { name: name.to_owned(), parent, ..NewDeployment::default() };
        control.create_deployment(&server.world.admin::<CreateDeployment>(), new).await.expect("a deployment").id
    };
    let prod = made("prod", None).await;
    Places { prod, branch: made("pull-1", Some(prod)).await, other: made("other", None).await }
}

/// Somebody who holds something in `prod`, signed in, and their id.
async fn holds<'a>(server: &'a Server, it: Member, at: &Places) -> (Browser<'a>, UserId) {
    let id = server.world.joins(it, &[at.prod], at.other).await;
    (server.signed_in(&it.email()).await, id)
}

#[tokio::test]
async fn a_deployment_is_created_and_deleted_by_whom_it_is_offered_to() {
    let server = Server::new().await;
    let at = places(&server).await;
    let (new, list) = (format!("{SETTINGS}/deployments/new"), format!("{SETTINGS}/deployments"));
    let (prod, branch) = (at.prod.to_string(), at.branch.to_string());
    let delete = |id: &str| format!("{list}/{id}/delete");
    // An Editor of one deployment creates none, and deletes no full one.
    for it in [Member::Editor, Member::TokenAdmin] {
        let (who, _) = holds(&server, it, &at).await;
        let shown = who.page(&list).await;
        assert!(!shown.contains("/deployments/new\"") && !shown.contains("/delete\""), "{shown}");
        for path in [&new, &delete(&prod), &delete(&branch)] {
            assert_eq!(who.get(path).await.status, 403, "{path}");
        }
        for parent in ["", prod.as_str()] {
            let sent = who.post(&new, &[("name", "pull-2"), ("parent", parent)]).await;
            assert_eq!(sent.status, 403, "{}", sent.text);
        }
        assert_eq!(who.post(&delete(&prod), &[]).await.status, 403);
    }
    // One of all branch deployments creates those alone.
    let (who, _) = holds(&server, Member::BranchAdmin, &at).await;
    assert!(who.page(&list).await.contains("/deployments/new\""));
    let form = who.page(&new).await;
    assert!(form.contains(">prod</option>") && !form.contains("a full deployment"), "{form}");
    assert_eq!(who.post(&new, &[("name", "full"), ("parent", "")]).await.status, 403);
    let made = who.post(&new, &[("name", "pull-2"), ("parent", &prod)]).await;
    assert_eq!(made.status, 303, "{}", made.text);
    assert_eq!(who.get(&delete(&prod)).await.status, 403);
    assert_eq!(who.get(&delete(&branch)).await.status, 200);
    assert_eq!(who.post(&delete(&branch), &[]).await.location(), list);
    // The name of what they may change otherwise is an Organization Admin's.
    let edit = format!("{}/edit", made.location());
    let renamed = who.post(&edit, &[("name", "mine"), ("description", "")]).await;
    assert_eq!(renamed.status, 403, "{}", renamed.text);
    assert_eq!(who.post(&edit, &[("description", "mine")]).await.status, 303);
}

#[tokio::test]
async fn nobody_is_offered_to_give_a_role_to_themself() {
    let server = Server::new().await;
    let at = places(&server).await;
    let (ada, prod) = (server.admin().await, at.prod.to_string());
    let (who, id) = holds(&server, Member::Admin, &at).await;
    let team = ada.post(&format!("{SETTINGS}/teams/new"), &[("name", "Ours")]).await.location().to_owned();
    let theirs = ada.post(&format!("{SETTINGS}/teams/new"), &[("name", "Theirs")]).await.location().to_owned();
    assert_eq!(ada.post(&format!("{team}/members"), &[("member", &Member::Admin.email())]).await.location(), team);
    let own = format!("{SETTINGS}/members/{id}");
    for page in [&own, &team] {
        let give = format!("{page}/roles/new");
        assert!(!who.page(page).await.contains("/roles/new\""), "{page}");
        assert_eq!(who.get(&give).await.status, 403, "{page}");
        assert_eq!(who.post(&give, &[("place", &prod), ("role", "viewer")]).await.status, 403, "{page}");
        assert!(ada.page(page).await.contains("/roles/new\""), "an Organization Admin may: {page}");
    }
    assert!(who.page(&theirs).await.contains("/roles/new\""));
    let form = who.page(&format!("{SETTINGS}/deployments/{prod}/roles/new")).await;
    assert!(form.contains(">Theirs</option>") && !form.contains(">Ours</option>"), "{form}");
    let sent = [("place", prod.as_str()), ("role", "viewer")];
    assert_eq!(who.post(&format!("{theirs}/roles/new"), &sent).await.location(), theirs);
    // What they hold they may lay down.
    assert_eq!(who.post(&format!("{own}/roles/take"), &[("of", &prod)]).await.location(), own);
    assert_eq!(who.get(&format!("{theirs}/roles/new")).await.status, 403);
}

#[tokio::test]
async fn what_brings_agent_tokens_is_replaced_by_an_organization_admin_alone() {
    let server = Server::new().await;
    let at = places(&server).await;
    let ada = server.admin().await;
    let (who, _) = holds(&server, Member::Admin, &at).await;
    let (_, other) = holds(&server, Member::TokenAdmin, &at).await;
    let (page, prod) = (format!("{SETTINGS}/members/{other}"), at.prod.to_string());
    // The only place where they give roles is the one where the other manages agent tokens.
    assert!(!who.page(&page).await.contains("/roles/new\""));
    assert!(ada.page(&page).await.contains("/roles/new\""));
    let sent = who.post(&format!("{page}/roles/new"), &[("place", &prod), ("role", "viewer")]).await;
    assert_eq!(sent.status, 403, "{}", sent.text);
}

#[tokio::test]
async fn a_token_is_let_reach_what_its_maker_manages() {
    let server = Server::new().await;
    let at = places(&server).await;
    let new = format!("{SETTINGS}/tokens/new");
    let (who, _) = holds(&server, Member::TokenAdmin, &at).await;
    let (prod, other) = (at.prod.to_string(), at.other.to_string());
    let made = who.post(&new, &[("description", "Hers"), ("deployment", &prod)]).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let path = made.location().strip_suffix("/value").expect("the page with the value").to_owned();
    for page in [new.clone(), format!("{path}/permissions")] {
        let form = who.page(&page).await;
        assert!(form.contains(&format!("value=\"{prod}\"")), "{form}");
        for word in [other.as_str(), "all_branches", "org_agent", "once Org Agent is off"] {
            assert!(!form.contains(word), "{word}: {form}");
        }
        for more in [("deployment", other.as_str()), ("all_branches", "on"), ("org_agent", "on")] {
            let fields = [("description", "More"), ("deployment", prod.as_str()), more];
            let sent = if page == new { who.post(&page, &fields).await } else { who.fill(&page, &fields).await };
            assert_eq!(sent.status, 403, "{page} {more:?}: {}", sent.text);
            // What was written is not lost, and it stands at the permissions why it was not taken.
            assert!(
                sent.text.contains(r#"id="scope-error""#) && sent.text.contains("more than you manage"),
                "{}",
                sent.text
            );
        }
    }
    let (who, _) = holds(&server, Member::BranchAdmin, &at).await;
    let form = who.page(&new).await;
    assert!(form.contains("all_branches") && form.contains(&at.branch.to_string()), "{form}");
    assert!(!form.contains(&prod) && !form.contains("org_agent"), "{form}");
}
