//! What is chosen of some is taken as it is or not at all: never is another choice taken in its place.

use countersign_control::access::actions::ViewAudit;
use countersign_control::audit::Period;
use countersign_control::{MAX_PAGE, PageRequest};

use crate::browser::Server;

const SETTINGS: &str = "/organizations/acme/settings";

/// Where a form is sent, what is in it besides, and the choice by its name and its label.
type Case<'a> = (String, &'a [(&'a str, &'a str)], (&'a str, &'a str));

#[tokio::test]
async fn what_is_none_of_the_choices_is_a_fault_at_its_field() {
    let server = Server::new().await;
    let (ada, _) = (server.admin().await, server.member().await);
    let world = &server.world;
    let token = format!("{SETTINGS}/tokens/{}", world.acme.created.agent_token.id);
    let grace = world.globex.created.admin.id;
    let hers = format!("{SETTINGS}/members/{grace}");
    let default = format!("{SETTINGS}/deployments/{}", world.acme.created.organization.default_deployment);
    let robot =
        ada.post(&format!("{SETTINGS}/members/new-service-user"), &[("name", "robot"), ("role", "member")]).await;
    let robot = robot.location().to_owned();
    let before = rows(&server).await;
    let made = [("description", "made"), ("org_agent", "on")];
    let forms: [Case<'_>; 12] = [
        (format!("{token}/revoke"), &[("reason", "leaked")], ("connected_agents", "Connected agents")),
        (format!("{token}/permissions"), &[("org_agent", "on")], ("connected_agents", "Connected agents")),
        (format!("{SETTINGS}/tokens/new"), &made, ("reveal_policy", "The value can be revealed")),
        (format!("{SETTINGS}/user-tokens/new"), &made[..1], ("reveal_policy", "The value can be revealed")),
        (format!("{robot}/tokens/new"), &made[..1], ("reveal_policy", "The value can be revealed")),
        (
            format!("{SETTINGS}/edit"),
            &[("name", "Acme"), ("slug", "acme")],
            ("reveal_policy", "The value can be revealed"),
        ),
        (format!("{SETTINGS}/deployments/members-role"), &[], ("role", "Role")),
        (format!("{SETTINGS}/members/invite"), &[("email", "new@acme.example")], ("role", "Role")),
        (format!("{SETTINGS}/members/new-service-user"), &[("name", "other")], ("role", "Role")),
        (format!("{hers}/role"), &[], ("role", "Role")),
        (format!("{default}/roles/new"), &[("member", "grace@globex.example")], ("role", "Role")),
        ("/appearance".to_owned(), &[], ("theme", "Appearance")),
    ];
    for (path, fields, (name, label)) in forms {
        for none in ["", "zzz", "DISCONECT", "owner", "viewer "] {
            let is_carrying = ["/revoke", "/permissions", "/edit"].iter().any(|end| path.ends_with(end));
            let fields = [fields, &[(name, none)]].concat();
            let answer = if is_carrying { ada.fill(&path, &fields).await } else { ada.post(&path, &fields).await };
            assert_eq!(answer.status, 422, "{path} {name}={none}: {} {}", answer.location(), answer.text);
            let said = format!("{label}: choose one of those that are offered");
            assert!(answer.text.contains(&said), "{path} {name}={none}: {}", answer.text);
        }
    }
    let place = ada.post(&format!("{hers}/roles/new"), &[("place", "zzz"), ("role", "editor")]).await;
    assert!(place.status == 422 && place.text.contains("Deployment is none any more"), "{}", place.text);
    assert_eq!(rows(&server).await, before, "nothing was done");
}

/// How much was done: each change is a row of the audit log.
async fn rows(server: &Server) -> usize {
    let page = server
        .world
        .control
        .audit_events(&server.world.admin::<ViewAudit>(), Period::default(), PageRequest::first(MAX_PAGE))
        .await;
    page.expect("a log").items.len()
}

#[tokio::test]
async fn whoever_takes_their_own_role_is_asked_first() {
    let server = Server::new().await;
    let (ada, _) = (server.admin().await, server.member().await);
    let member = |id| format!("{SETTINGS}/members/{id}");
    let (own, hers) = (member(server.world.acme.created.admin.id), member(server.world.globex.created.admin.id));
    let plain = [("role", "member")];
    let keep = [("role", "member"), ("keep_tokens", "on")];
    assert_eq!(ada.post(&format!("{hers}/role"), &[("role", "admin")]).await.location(), hers);
    for (fields, says) in [(&plain[..], "are revoked"), (&keep[..], "tokens stand")] {
        let asked = ada.post(&format!("{own}/role"), fields).await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        assert!(asked.text.contains("This is you") && asked.text.contains(says), "{}", asked.text);
        assert!(asked.text.contains(r#"name="confirmed" value="on""#), "{}", asked.text);
        assert!(ada.page(&own).await.contains("Change the role"), "nothing was done");
    }
    let done = ada.post(&format!("{own}/role"), &[("role", "member"), ("confirmed", "on")]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, own.as_str()), "{}", done.text);
    assert!(!ada.page(&own).await.contains("Change the role"));
    assert_eq!(
        ada.post(&format!("{own}/role"), &[("role", "zzz")]).await.status,
        403,
        "who may comes before what is chosen"
    );
}
