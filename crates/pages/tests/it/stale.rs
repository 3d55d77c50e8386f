//! Forms that show what is no more as it was: nothing is saved from them without a word, and what was written in them is not lost.

use std::time::Duration;

use countersign_control::access::actions::{
    CreateAgentToken, RevokeAgentToken, UpdateAgentToken, UpdateOrganization, ViewAgentTokens, ViewAudit,
};
use countersign_control::agent_tokens::{AgentTokenChange, NewAgentToken, Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::audit::Period;
use countersign_control::organizations::OrganizationChange;
use countersign_control::{MAX_PAGE, PageRequest};
use countersign_domain::id::TokenId;
use countersign_domain::{DeploymentScope, RevealPolicy, Scope};

use crate::browser::{Answer, Server};
use crate::cast::{build, running};

const LIST: &str = "/organizations/acme/settings/tokens";
const SETTINGS: &str = "/organizations/acme/settings";
const STEPS: &str = "steps:\n  - command: sleep 60\n    key: work\n";

/// An agent token of every deployment, whose value can always be revealed; with the path of its page.
async fn token(server: &Server) -> (TokenId, String) {
    let new = NewAgentToken { reveal_policy: Some(RevealPolicy::Always), ..NewAgentToken::default() };
    let made = server.world.control.create_agent_token(&server.world.admin::<CreateAgentToken>(), new).await;
    let id = made.expect("a token").token.token.id;
    (id, format!("{LIST}/{id}"))
}

async fn scope(server: &Server, id: TokenId) -> Scope {
    let found = server.world.control.agent_token(&server.world.admin::<ViewAgentTokens>(), id).await;
    found.expect("the token").scope
}

async fn values(server: &Server, id: TokenId) -> usize {
    let grant = server.world.admin::<ViewAgentTokens>();
    server.world.control.agent_token_secrets(&grant, id).await.expect("its values").len()
}

/// How many rows of the audit log say this.
async fn rows(server: &Server, action: &str) -> usize {
    let grant = server.world.admin::<ViewAudit>();
    let page = server
        .world
        .control
        .audit_events(&grant, Period::default(), PageRequest::first(MAX_PAGE))
        .await
        .expect("a log");
    page.items.iter().filter(|row| row.action == action).count()
}

/// The value in a page.
fn value(page: &str) -> Option<String> {
    let rest = page.split(r#"id="token-value""#).nth(1)?.split(r#"value=""#).nth(1)?;
    rest.split('"').next().map(str::to_owned)
}

#[tokio::test]
async fn an_old_form_of_permissions_does_not_widen_a_token() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let (id, path) = token(&server).await;
    let permissions = format!("{path}/permissions");
    let shown = ada.shown(&permissions).await;

    // Somebody else narrows it meanwhile.
    let default = server.world.acme.created.organization.default_deployment;
    let only = DeploymentScope::Only { deployments: [default].into(), all_branches: false };
    let narrow = Scope { deployments: only, ..Scope::widest() };
    let change = AgentTokenChange { scope: Some(narrow.clone()), ..AgentTokenChange::nothing(TokenReference::Id(id)) };
    server.world.control.update_agent_token(&server.world.admin::<UpdateAgentToken>(), change).await.expect("narrowed");

    let old = [("org_agent", "on"), ("queues", "deploy"), ("connected_agents", "KEEP")];
    let answer = ada.post(&permissions, &[&old[..], &[("shown", shown.as_str())]].concat()).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(answer.text.contains("has changed since it was shown"), "{}", answer.text);
    assert!(answer.text.contains("By now the token reaches: <strong>default</strong>"), "{}", answer.text);
    assert!(answer.text.contains(">deploy</textarea>"), "what was written is kept: {}", answer.text);
    assert_eq!(scope(&server, id).await, narrow, "nothing was saved");
    let unsaid = ada.post(&permissions, &old).await;
    assert_eq!(unsaid.status, 422, "a form that says nothing of what it shows is none of ours: {}", unsaid.text);

    // The form that was shown again is of what is there now.
    let again = answer.text.split(r#"name="shown" value=""#).nth(1).and_then(|it| it.split('"').next());
    let again = again.expect("what is shown now");
    let saved = ada.post(&permissions, &[&old[..], &[("shown", again)]].concat()).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert_eq!(scope(&server, id).await.deployments, DeploymentScope::Every);
}

#[tokio::test]
async fn an_old_form_of_the_organization_takes_nothing_back() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let edit = format!("{SETTINGS}/edit");
    let shown = ada.shown(&edit).await;
    let change =
        OrganizationChange { default_reveal_policy: Some(RevealPolicy::Never), ..OrganizationChange::default() };
    let grant = server.world.admin::<UpdateOrganization>();
    server.world.control.update_organization(&grant, change).await.expect("changed");
    let old = [("name", "Acme Incorporated"), ("slug", "acme"), ("reveal_policy", "always"), ("shown", shown.as_str())];
    let answer = ada.post(&edit, &old).await;
    assert!(answer.status == 422 && answer.text.contains("has changed since"), "{}", answer.text);
    assert!(answer.text.contains("Acme Incorporated") && answer.text.contains("By now"), "{}", answer.text);
    assert!(!answer.text.contains(r#"id="slug-error""#), "nothing is wrong with the slug: {}", answer.text);
    assert!(ada.page(SETTINGS).await.contains("Never: it is shown once"));
    assert_eq!(ada.fill(&edit, &old[..3]).await.status, 303);
}

#[tokio::test]
async fn a_form_rotates_a_token_once() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let (id, path) = token(&server).await;
    let rotate = format!("{path}/rotate");
    let fields = [("old_valid_until", ""), ("shown", "1")];
    assert_eq!(ada.shown(&rotate).await, "1");
    server.world.clock.advance(Duration::from_secs(60));
    let first = ada.post(&rotate, &fields).await;
    assert_eq!((first.status.as_u16(), first.location()), (303, format!("{path}/value").as_str()), "{}", first.text);
    let shown = value(&ada.page(first.location()).await).expect("the new value");
    assert_eq!(value(&ada.page(first.location()).await), Some(shown), "a reload shows it again");
    for _ in 0..2 {
        let again = ada.post(&rotate, &fields).await;
        assert!(again.status == 422 && again.text.contains("was rotated meanwhile"), "{}", again.text);
    }
    assert_eq!(values(&server, id).await, 2);

    let past = ada.fill(&rotate, &[("old_valid_until", "2020-01-01T00:00")]).await;
    assert!(past.status == 422 && past.text.contains(r#"id="old_valid_until-error""#), "{}", past.text);
    assert!(past.text.contains("Finish the rotation now"), "{}", past.text);
    assert_eq!(values(&server, id).await, 2);
    server.world.clock.advance(Duration::from_secs(11 * 60));
    assert_eq!(value(&ada.page(first.location()).await), None, "it is new no more");
}

#[tokio::test]
async fn a_look_that_nobody_sees_reveals_nothing() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let made = ada.post(&format!("{LIST}/new"), &[("description", "fresh"), ("org_agent", "on")]).await;
    let own = ada.post(&format!("{SETTINGS}/user-tokens/new"), &[("description", "script")]).await;
    for (page, action) in [(made.location(), "agent_token.revealed"), (own.location(), "user_token.revealed")] {
        assert!(page.ends_with("/value"), "{page}");
        assert_eq!(ada.head(page).await.status, 200, "{page}");
        for purpose in ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"] {
            let answer = ada.get_with(page, &[("sec-purpose", purpose)]).await;
            assert!(answer.status == 403 && !answer.text.contains("csn"), "{page} {purpose}: {}", answer.text);
        }
        assert_eq!(rows(&server, action).await, 0, "{page}");
        assert!(ada.page(page).await.contains("token-value"), "{page}");
        assert_eq!(rows(&server, action).await, 1, "{page}");
    }
}

#[tokio::test]
async fn agents_that_were_kept_are_told_of_and_can_be_sent_away() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let world = &server.world;
    build(world, STEPS).await;
    running(world).await;
    let path = format!("{LIST}/{}", world.acme.created.agent_token.id);
    let revoke = format!("{path}/revoke");
    let first = ada.shown(&revoke).await;
    let fields = |reach| [("reason", "Left in a log"), ("connected_agents", reach)];
    let done = ada.fill(&revoke, &fields("KEEP")).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, path.as_str()), "{}", done.text);
    let notice = done.cookie("countersign-notice").expect("a notice");
    assert!(notice.contains("agent-token-revoked"), "{notice}");
    let page = ada.page(&path).await;
    assert!(page.contains("1 agent is still connected with it") && page.contains("Disconnect or drain"), "{page}");
    assert!(!page.contains("Can be revealed") && !page.contains("Reveal token"), "{page}");

    // Whoever had the form open is told that it was done, by whom, and does nothing by it.
    let late = ada.post(&revoke, &[&fields("DISCONNECT")[..], &[("shown", first.as_str())]].concat()).await;
    assert_eq!(late.status, 422, "{}", late.text);
    for told in ["The token is revoked already", "by ada", "Left in a log", "1 agent is still connected"] {
        assert!(late.text.contains(told), "{told}: {}", late.text);
    }
    assert!(!late.text.contains(r#"value="KEEP""#), "they are kept already: {}", late.text);
    let kept = ada.fill(&revoke, &fields("KEEP")).await;
    assert!(kept.status == 422 && kept.text.contains("Connected agents: choose"), "{}", kept.text);
    assert_eq!(rows(&server, "agent_token.revoked").await, 1);

    let form = ada.page(&revoke).await;
    assert!(form.contains("Agents of a revoked token") && form.contains("Have its agents leave"), "{form}");
    assert!(!form.contains("What will happen") && !form.contains("required checked"), "{form}");
    let gone = ada.fill(&revoke, &fields("DISCONNECT")).await;
    assert_eq!((gone.status.as_u16(), gone.location()), (303, path.as_str()), "{}", gone.text);
    let page = ada.page(&path).await;
    assert!(!page.contains("still connected") && !page.contains("Disconnect or drain"), "{page}");
    assert!(!page.contains("Waiting for the first agent"), "{page}");
    let nothing = ada.page(&revoke).await;
    assert!(
        nothing.contains("No agent is connected with it.")
            && !nothing.contains("<form method=\"post\" action=\"/organizations/acme/settings"),
        "{nothing}"
    );
}

/// What the page of a revoked token is asked to do says that it is revoked, by whom and why, and has no form.
fn says_that_it_is_revoked(answer: &Answer) {
    assert_eq!(answer.status, 409, "{}", answer.text);
    for told in ["The token is revoked", "by ada", "no more"] {
        assert!(answer.text.contains(told), "{told}: {}", answer.text);
    }
    assert!(!answer.text.contains("Save permissions") && !answer.text.contains("Rotate the token"), "{}", answer.text);
}

#[tokio::test]
async fn nothing_is_offered_of_a_revoked_token() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let (id, path) = token(&server).await;
    let forms = ["permissions", "rotate", "edit"].map(|below| format!("{path}/{below}"));
    let mut shown = Vec::new();
    for form in &forms[..2] {
        shown.push(ada.shown(form).await);
    }
    let revocation = Revocation {
        token: TokenReference::Id(id),
        reason: "no more".to_owned(),
        connected_agents: Reach::Keep,
        expected: None,
    };
    server
        .world
        .control
        .revoke_agent_token(&server.world.admin::<RevokeAgentToken>(), revocation)
        .await
        .expect("revoked");
    for form in &forms {
        says_that_it_is_revoked(&ada.get(form).await);
    }
    // Forms that were open before.
    let fields = [("org_agent", "on"), ("connected_agents", "KEEP"), ("shown", shown[0].as_str())];
    says_that_it_is_revoked(&ada.post(&forms[0], &fields).await);
    says_that_it_is_revoked(&ada.post(&forms[1], &[("old_valid_until", ""), ("shown", shown[1].as_str())]).await);
    says_that_it_is_revoked(&ada.post(&forms[2], &[("description", "other")]).await);
    assert_eq!((values(&server, id).await, scope(&server, id).await), (1, Scope::widest()));
    let page = ada.page(&path).await;
    for no in ["Waiting for the first agent", "Can be revealed", "Reveal token", "Edit permissions", ">Rotate<"] {
        assert!(!page.contains(no), "{no}: {page}");
    }
}
