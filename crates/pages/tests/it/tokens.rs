//! The stories of agent tokens and user tokens, told by forms alone.

use std::time::Duration;

use countersign_control::access::actions::ViewAudit;
use countersign_control::audit::Wanted;
use countersign_control::{MAX_PAGE, PageRequest};

use crate::browser::Server;

const LIST: &str = "/organizations/acme/settings/tokens";
const USER_TOKENS: &str = "/organizations/acme/settings/user-tokens";

/// The value of a token in a page.
fn value(page: &str, kind: &str) -> Option<String> {
    let at = page.find(&format!("csn{kind}_"))?;
    Some(page[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
}

#[tokio::test]
async fn a_new_token_shows_its_value_also_after_a_reload_until_ten_minutes_are_over() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let token = ada.create(&[("description", "Fleet of the site generator"), ("org_agent", "on")]).await;
    let first = ada.page(&format!("{token}/value")).await;
    let shown = value(&first, "at").expect("the value");
    assert!(server.world.authenticate(&shown).await.is_ok(), "it registers agents");
    for command in ["buildkite-agent start", "countersign agent start", "dagster_cloud_api:"] {
        assert!(first.contains(command), "{command}: {first}");
    }
    server.world.clock.advance(Duration::from_secs(9 * 60));
    assert_eq!(value(&ada.page(&format!("{token}/value")).await, "at"), Some(shown));
    assert_eq!(value(&ada.follow(&format!("{token}/value")).await.text, "at"), None, "a link elsewhere shows nothing");
    assert_eq!(value(&ada.page(&token).await, "at"), None, "not before it is asked for");
    server.world.clock.advance(Duration::from_secs(2 * 60));
    assert_eq!(value(&ada.page(&format!("{token}/value")).await, "at"), None);
    ada.prove().await;
    let closed = ada.post(&format!("{token}/reveal"), &[]).await;
    assert!(closed.text.contains("10 minutes"), "{}", closed.text);
}

#[tokio::test]
async fn the_page_of_a_new_token_shows_nothing_once_it_is_new_no_more_whatever_its_policy() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let agents = ada.create(&[("description", "fleet"), ("org_agent", "on"), ("reveal_policy", "always")]).await;
    let fields = [("description", "script"), ("reveal_policy", "always")];
    let answer = ada.post(&format!("{USER_TOKENS}/new"), &fields).await;
    let own = answer.location().strip_suffix("/value").expect("the page with the value").to_owned();
    let both = [(agents, "at"), (own, "ut")];
    for (token, kind) in &both {
        assert!(value(&ada.page(&format!("{token}/value")).await, kind).is_some(), "{token}");
    }
    server.world.clock.advance(Duration::from_secs(10 * 60));
    ada.prove().await;
    for (token, kind) in &both {
        assert_eq!(value(&ada.page(&format!("{token}/value")).await, kind), None, "{token}");
        let asked = ada.post(&format!("{token}/reveal"), &[]).await;
        assert!(value(&asked.text, kind).is_some(), "{}", asked.text);
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_revealed_is_in_the_answer_once() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let fields = [("description", "once"), ("org_agent", "on"), ("reveal_policy", "never")];
    let answer = ada.post(&format!("{LIST}/new"), &fields).await;
    assert_eq!((answer.status.as_u16(), answer.headers["cache-control"].as_bytes()), (200, &b"no-store"[..]));
    let shown = value(&answer.text, "at").expect("the value");
    assert!(server.world.authenticate(&shown).await.is_ok());
    assert_eq!(value(&ada.page(LIST).await, "at"), None);
}

#[tokio::test]
async fn a_rotated_token_is_not_said_to_be_created() {
    let server = Server::new().await;
    let ada = server.admin().await;
    for policy in ["never", "always"] {
        let fields = [("description", "rotated"), ("org_agent", "on"), ("reveal_policy", policy)];
        ada.post(&format!("{LIST}/new"), &fields).await;
        let list = ada.page(LIST).await;
        let token = list.split("\">rotated</a>").next().and_then(|it| it.rsplit('"').next()).expect("its page");
        let rotated = ada.fill(&format!("{token}/rotate"), &[("old_valid_until", "")]).await;
        let page = if policy == "never" {
            assert!(rotated.text.contains("has a new value"), "{}", rotated.text);
            rotated.text
        } else {
            assert_eq!((rotated.status.as_u16(), rotated.location()), (303, format!("{token}/value").as_str()));
            assert!(rotated.cookie("countersign-notice").expect("a notice").contains("=rotated"));
            ada.page(rotated.location()).await
        };
        assert!(value(&page, "at").is_some() && !page.contains("The token is created"), "{page}");
        assert_eq!(page.contains("never again"), policy == "never", "{page}");
        server.world.clock.advance(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn a_description_is_needed_and_what_was_written_is_kept() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let fields = [("description", " "), ("org_agent", "on"), ("queues", "deploy"), ("networks", "10.0.0.1/8")];
    let answer = ada.post(&format!("{LIST}/new"), &fields).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    let fields = [("description", " "), ("org_agent", "on"), ("queues", "deploy")];
    let answer = ada.post(&format!("{LIST}/new"), &fields).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(
        answer.text.contains(r#"id="description-error""#) && answer.text.contains(">deploy</textarea>"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_token_is_revealed_described_permitted_and_revoked() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let token = ada.create(&[("description", "before"), ("org_agent", "on"), ("reveal_policy", "always")]).await;
    server.world.clock.advance(Duration::from_secs(3600));

    // Reveal token.
    let led = ada.post(&format!("{token}/reveal"), &[]).await;
    assert!(led.asks_for_proof(), "{} {}", led.status, led.text);
    ada.prove().await;
    let shown = ada.post(&format!("{token}/reveal"), &[]).await;
    assert!(value(&shown.text, "at").is_some(), "{}", shown.text);
    assert!(shown.text.contains("was recorded in the audit log") && !shown.text.contains(">Reveal token<"));
    assert!(ada.page(&token).await.contains(">Reveal token<"));
    assert_eq!(ada.get(&format!("{token}/reveal")).await.location(), token);

    // The pencil.
    let saved = ada.post(&format!("{token}/edit"), &[("description", "Mended fleet")]).await;
    assert_eq!((saved.status.as_u16(), saved.location()), (303, token.as_str()), "{}", saved.text);
    assert!(ada.page(LIST).await.contains("Mended fleet"));

    // Edit: Org Agent off, one deployment.
    let default = server.world.acme.created.organization.default_deployment.to_string();
    let nothing = ada.fill(&format!("{token}/permissions"), &[("queues", "")]).await;
    assert_eq!(nothing.status, 422, "{}", nothing.text);
    let saved = ada.fill(&format!("{token}/permissions"), &[("deployment", &default), ("queues", "deploy")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let page = ada.page(&token).await;
    assert!(page.contains("default; queue deploy"), "{page}");

    // Revoke: what will happen is shown, and what was shown has to be confirmed.
    let asked = ada.page(&format!("{token}/revoke")).await;
    assert!(asked.contains("What will happen") && asked.contains("No agent is connected with it."), "{asked}");
    let fields = [("reason", "leaked"), ("shown", "another"), ("connected_agents", "KEEP")];
    let changed = ada.post(&format!("{token}/revoke"), &fields).await;
    assert!(changed.status == 422 && changed.text.contains("has changed since"), "{}", changed.text);
    let unsaid = ada.fill(&format!("{token}/revoke"), &[("reason", ""), ("connected_agents", "KEEP")]).await;
    assert_eq!(unsaid.status, 422, "{}", unsaid.text);
    let done = ada.fill(&format!("{token}/revoke"), &[("reason", "leaked"), ("connected_agents", "KEEP")]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, token.as_str()), "{}", done.text);
    let page = ada.page(&token).await;
    assert!(page.contains("Revoked") && page.contains("leaked"), "{page}");
    assert!(page.contains("Ended with the token") && !page.contains("<dt>Expires</dt>"), "{page}");
    assert!(!ada.page(LIST).await.contains("Mended fleet"), "the list shows live ones");
    assert!(ada.page(&format!("{LIST}?filter=revoked")).await.contains("Mended fleet"));

    let events = Wanted { action: Some("agent_token.".to_owned()), ..Wanted::default() };
    let grant = server.world.admin::<ViewAudit>();
    let log =
        server.world.control.search_audit_events(&grant, events, PageRequest::first(MAX_PAGE)).await.expect("a log");
    // The clock stands still, so their order says nothing.
    let mut actions: Vec<_> = log.items.iter().map(|it| it.action.as_str()).collect();
    actions.sort_unstable();
    actions.retain(|it| *it != "agent_token.created");
    assert_eq!(actions, ["agent_token.revealed", "agent_token.revoked", "agent_token.updated", "agent_token.updated"],);
}

#[tokio::test]
async fn tokens_are_searched_and_come_in_parts() {
    let server = Server::new().await;
    let ada = server.admin().await;
    for number in 0..55 {
        server.world.clock.advance(Duration::from_millis(5));
        ada.create(&[("description", &format!("Fleet {number}")), ("org_agent", "on")]).await;
    }
    let first = ada.page(LIST).await;
    assert!(first.contains("Fleet 54") && !first.contains("Fleet 4<"), "{first}");
    let next = first.split(r#"rel="next" href=""#).nth(1).and_then(|it| it.split('"').next()).expect("a next part");
    let second = ada.page(&next.replace("&#38;", "&")).await;
    assert!(second.contains("Fleet 4<") && !second.contains("Fleet 54"), "{second}");
    let found = ada.page(&format!("{LIST}?search=FLEET+17")).await;
    assert!(found.contains("Fleet 17") && !found.contains("Fleet 18"), "{found}");
    let none = ada.page(&format!("{LIST}?search=nothing")).await;
    assert!(none.contains("No tokens match"), "{none}");
}

#[tokio::test]
async fn a_user_token_is_ones_own() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let made = ada.post(&format!("{USER_TOKENS}/new"), &[("description", "script")]).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let page = ada.page(made.location()).await;
    let shown = value(&page, "ut").expect("the value");
    assert!(server.world.authenticate(&shown).await.is_ok());
    let token = made.location().strip_suffix("/value").expect("its page").to_owned();

    let grace = server.member().await;
    for path in [token.clone(), format!("{token}/value"), format!("{token}/edit"), format!("{token}/revoke")] {
        assert_eq!(grace.get(&path).await.status, 404, "{path}");
    }
    // An Organization Admin sees hers and revokes it, and never reveals it.
    let id = server.world.globex.created.admin.id;
    let hers = ada.page(&format!("{USER_TOKENS}?for={id}")).await;
    assert!(hers.contains("of ") && hers.contains("Revoke") && !hers.contains("Reveal token"), "{hers}");
    let revoke = hers.split("/revoke?for=").next().and_then(|it| it.rsplit('"').next()).expect("a way");
    let done = ada.post(&format!("{revoke}/revoke"), &[("for", &id.to_string()), ("reason", "left")]).await;
    assert_eq!(done.status, 303, "{}", done.text);
}
