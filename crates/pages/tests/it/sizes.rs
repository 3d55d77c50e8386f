//! How large pages are, of an organization that has much of everything: below 100 kB, whatever there is to list and to choose from.

use countersign_control::access::actions::{
    CreateAgentToken, CreateDeployment, CreateInvitation, CreateServiceUser, CreateTeam,
};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::deployments::NewDeployment;
use countersign_control::invitations::NewInvitation;
use countersign_control::service_users::NewServiceUser;
use countersign_control::teams::NewTeam;
use countersign_domain::{DeploymentScope, Role, Scope};
use countersign_testkit::World;

use crate::browser::Server;

/// The most bytes of a page.
const MOST: usize = 100_000;
/// Nearly as many as an organization can have.
const DEPLOYMENTS: usize = 990;
const SETTINGS: &str = "/organizations/acme/settings";
/// The longest descriptions, of the signs that take most bytes of a page: one that is escaped, and one of four bytes.
const HEAVY: [&str; 2] = ["\"", "👩"];
const LONGEST: usize = 1_000;

/// What there is one of in addresses.
struct Filled {
    /// The path of a token that reaches as many deployments as one can.
    token: String,
    team: String,
    deployment: String,
}

fn heavy(number: usize) -> String {
    HEAVY[number % HEAVY.len()].repeat(LONGEST)
}

/// Fills acme.
async fn fill(world: &World) -> Filled {
    let control = &world.control;
    let (mut made, mut team) = (Vec::new(), String::new());
    for number in 0..DEPLOYMENTS {
        let name = format!("deployment-{number:04}-of-a-name-with-some-length");
        let new = NewDeployment { name, description: Some(heavy(number)), ..NewDeployment::default() };
        made.push(control.create_deployment(&world.admin::<CreateDeployment>(), new).await.expect("one").id);
    }
    for number in 0..150 {
        let name = format!("team-{number:03}-of-a-name-with-some-length");
        let new = NewTeam { name, description: Some(heavy(number)) };
        team = control.create_team(&world.admin::<CreateTeam>(), new).await.expect("one").id.to_string();
        let name = format!("service-user-{number:03}-of-a-name-with-some-length");
        let new = NewServiceUser { name, description: Some(heavy(number)), role: Role::Member };
        control.create_service_user(&world.admin::<CreateServiceUser>(), new).await.expect("one");
    }
    for number in 0..60 {
        let email = format!("somebody-{number}-with-a-long-name@a-long-domain.example");
        let new = NewInvitation { email, role: Role::Member, expires_at: None };
        control.create_invitation(&world.admin::<CreateInvitation>(), new).await.expect("one");
    }
    let few = made.iter().take(100).copied().collect();
    let scope =
        Scope { deployments: DeploymentScope::Only { deployments: few, all_branches: true }, ..Scope::widest() };
    let mut token = String::new();
    for number in 0..60 {
        let new =
            NewAgentToken { description: Some(heavy(number)), scope: Some(scope.clone()), ..NewAgentToken::default() };
        let issued = control.create_agent_token(&world.admin::<CreateAgentToken>(), new).await.expect("one");
        token = format!("{SETTINGS}/tokens/{}", issued.token.token.id);
    }
    let deployment = made.last().expect("one").to_string();
    Filled { token, team, deployment }
}

/// An address of something that is there, where the list of routes has only the id of a token.
fn in_place(server: &Server, filled: &Filled, path: &str) -> String {
    let token = server.world.acme.created.agent_token.id;
    path.replace(&format!("/teams/{token}"), &format!("/teams/{}", filled.team))
        .replace(&format!("/deployments/{token}"), &format!("/deployments/{}", filled.deployment))
}

#[tokio::test]
async fn no_page_is_over_100_kb() {
    let server = Server::new().await;
    let filled = Box::pin(fill(&server.world)).await;
    let token = &filled.token;
    let ada = server.admin().await;
    let routes = server.routes();
    let mut paths: Vec<String> =
        routes.iter().filter(|it| it.method == "GET").map(|it| in_place(&server, &filled, it.path)).collect();
    paths.extend(["", "/permissions", "/revoke"].map(|below| format!("{token}{below}")));
    let mut count = 0;
    for path in paths {
        // Streams do not end.
        if path.ends_with("/events") || path.ends_with("/export") {
            continue;
        }
        let answer = ada.get(&path).await;
        let kind = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if answer.status != 200 || !kind.starts_with("text/html") {
            continue;
        }
        assert!(answer.text.len() < MOST, "{path} has {} bytes", answer.text.len());
        count += 1;
    }
    assert!(count > 20, "only {count} pages were weighed");

    // The other parts of a list are reached.
    let mut page = ada.page(&format!("{SETTINGS}/deployments")).await;
    let mut whole = String::new();
    loop {
        whole.push_str(&page);
        let next = page.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
        let Some(next) = next.map(|next| next.replace("&amp;", "&").replace("&#38;", "&")) else { break };
        page = ada.page(&next).await;
    }
    let lost = (0..DEPLOYMENTS).filter(|number| !whole.contains(&format!("deployment-{number:04}-of"))).count();
    assert_eq!(lost, 0, "{lost} deployments are in no part of the list");
}

#[tokio::test]
async fn of_many_deployments_others_are_named() {
    let server = Server::new().await;
    Box::pin(fill(&server.world)).await;
    let ada = server.admin().await;
    let wrong = [("description", "Named"), ("other_deployments", "nowhere"), ("queues", ""), ("networks", "")];
    let again = ada.post(&format!("{SETTINGS}/tokens/new"), &wrong).await;
    assert_eq!(again.status, 422);
    assert!(
        again.text.contains("No deployment is called") && again.text.contains(">nowhere</textarea>"),
        "{}",
        again.text
    );
    let name = "deployment-0777-of-a-name-with-some-length";
    let right = [("description", "Named"), ("other_deployments", name), ("queues", ""), ("networks", "")];
    let path = ada.create(&right).await;
    assert!(ada.page(&path).await.contains(name));
    ada.prove().await;
    let boxes = ada.page(&format!("{path}/permissions")).await;
    assert!(boxes.contains(name) && !boxes.contains("deployment-0778"), "one is ticked, the others are named: {boxes}");
    let branch = [("name", "a-branch"), ("parent", name), ("expires_at", "")];
    assert_eq!(ada.post(&format!("{SETTINGS}/deployments/new"), &branch).await.status, 303);
    let lost = ada.post(&format!("{SETTINGS}/deployments/new"), &[("name", "other"), ("parent", "nowhere")]).await;
    assert!(lost.status == 422 && lost.text.contains("id=\"parent-error\""), "{}", lost.text);
}
