//! An organization at a glance, and an agent's own page.

use std::time::Duration;

use countersign_control::access::actions::RevokeAgentToken;
use countersign_control::agent_tokens::{Revocation, TokenReference};
use countersign_control::agents::Reach;

use crate::browser::Server;
use crate::cast;

const OVERVIEW: &str = "/organizations/acme";

#[tokio::test]
async fn an_organization_is_seen_at_a_glance() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    let empty = ada.page(OVERVIEW).await;
    assert!(
        empty.contains("No queue yet") && empty.contains("Agents connected in the last 24 hours: none."),
        "{empty}"
    );
    cast::build(&server.world, "steps: [{command: echo one}, {command: echo two}, {block: Look, depends_on: []}]")
        .await;
    server.world.clock.advance(Duration::from_secs(65));
    cast::running(&server.world).await;
    let page = ada.page(OVERVIEW).await;
    for part in [
        "<strong>1</strong> agent connected",
        "<strong>1</strong> job running",
        "<strong>1</strong> job waiting for an agent",
        "<strong>1</strong> build under way",
        "<strong>0</strong> builds waiting only for a person",
        "<svg class=\"waits\"",
        "1 min 5 s",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Beside a job that runs, a question holds nothing up; alone, it does.
    cast::build(&server.world, "steps: [{block: Release}]").await;
    let page = ada.page(OVERVIEW).await;
    assert!(page.contains("<strong>1</strong> build waiting only for a person"), "{page}");
    let hers = grace.page(OVERVIEW).await;
    assert!(hers.contains("agent connected") && !hers.contains("Refused attempts") && !hers.contains("Tokens that"));
}

#[tokio::test]
async fn tokens_that_somebody_should_look_at_stand_there() {
    let server = Server::new().await;
    let ada = server.admin().await;
    ada.create(&[("description", "Ends soon"), ("org_agent", "on"), ("expires_at", "2026-01-20T00:00")]).await;
    let page = ada.page(OVERVIEW).await;
    assert!(page.contains("Ends soon") && page.contains("Refused attempts"), "{page}");
    let control = &server.world.control;
    let revocation = Revocation {
        token: TokenReference::Id(server.world.acme.created.agent_token.id),
        reason: "leaked".to_owned(),
        connected_agents: Reach::Keep,
        expected: None,
    };
    control.revoke_agent_token(&server.world.admin::<RevokeAgentToken>(), revocation).await.expect("revoked");
    assert!(server.world.authenticate(server.world.acme.agent_token()).await.is_err());
    let page = ada.page(OVERVIEW).await;
    assert!(page.contains("127.0.0.1") && page.contains("revoked"), "{page}");
}

#[tokio::test]
async fn an_agent_has_a_page_with_what_it_did() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    cast::build(&server.world, "steps: [{command: make test, label: Unit}]").await;
    let job = cast::running(&server.world).await;
    let path = format!("/organizations/acme/agents/{}", job.agent);
    assert!(ada.page("/organizations/acme/agents").await.contains(&format!("href=\"{path}\"")));
    let page = ada.page(&path).await;
    for part in ["builder", "It runs", "Unit", "demo #1", "Drain</button>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let hers = grace.page(&path).await;
    assert!(hers.contains("Unit") && !hers.contains("Drain</button>"), "{hers}");
    let paused = ada.post(&format!("{path}/pause"), &[("note", "Mended")]).await;
    assert_eq!(paused.status, 303, "{}", paused.text);
    assert!(ada.page(&path).await.contains("Mended"));
    job.ends(&server.world, "0").await;
    let page = ada.page(&path).await;
    assert!(page.contains("Passed") && !page.contains("It runs"), "{page}");
    let elsewhere = server.signed_in("grace@globex.example").await;
    assert_eq!(elsewhere.get(&format!("/organizations/globex/agents/{}", job.agent)).await.status, 404);
}

#[tokio::test]
async fn a_row_says_what_changed_in_words_and_leads_to_a_build() {
    let server = Server::new().await;
    cast::build(&server.world, "steps: [{command: echo one}]").await;
    let ada = server.admin().await;
    let log = ada.page("/organizations/acme/settings/audit-log").await;
    assert!(log.contains("<i>message</i> <bdi>&#34;Mend the gate&#34;</bdi>") && !log.contains("{&#34;"), "{log}");
    assert!(log.contains("<a href=\"/organizations/acme/builds/demo/1\" class=\"word\">demo#1</a>"), "{log}");
    assert!(log.contains(" data-seconds>") && !log.contains("null"), "{log}");
}

#[tokio::test]
async fn the_audit_log_is_exported_whole() {
    let server = Server::new().await;
    let ada = server.admin().await;
    ada.create(&[("description", "Fleet"), ("org_agent", "on")]).await;
    let answer = ada.get("/organizations/acme/settings/audit-log/export").await;
    let name = answer.headers["content-disposition"].to_str().expect("a text");
    assert_eq!((answer.status.as_u16(), name), (200, "attachment; filename=\"audit-log-acme.jsonl\""));
    assert!(answer.text.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{}", answer.text);
    let followed = ada.follow("/organizations/acme/settings/audit-log/export").await;
    assert_eq!((followed.status.as_u16(), followed.location()), (303, "/organizations/acme/settings/audit-log"));
    assert!(answer.text.contains("agent_token.created") && !answer.text.contains("globex"), "{}", answer.text);
}

#[tokio::test]
async fn the_audit_log_is_seen_and_exported_by_time() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let now = || server.world.control.now().to_string();
    server.world.clock.advance(Duration::from_secs(60));
    ada.create(&[("description", "Pelican"), ("org_agent", "on")]).await;
    server.world.clock.advance(Duration::from_secs(3_600));
    let from = now();
    ada.prove().await;
    ada.create(&[("description", "Heron"), ("org_agent", "on")]).await;
    server.world.clock.advance(Duration::from_secs(3_600));
    let until = now();
    ada.prove().await;
    ada.create(&[("description", "Ibis"), ("org_agent", "on")]).await;
    let log = "/organizations/acme/settings/audit-log";
    let shown = async |query: &str| {
        let page = ada.get(&format!("{log}{query}")).await;
        (page.status.as_u16(), ["Pelican", "Heron", "Ibis"].map(|it| page.text.contains(it)))
    };
    let minute = |at: &str| at[..16].replace(':', "%3A");
    for path in ["", "/export"] {
        assert_eq!(shown(&format!("{path}?from={from}")).await, (200, [false, true, true]), "{path}");
        assert_eq!(shown(&format!("{path}?until={until}")).await, (200, [true, true, false]), "{path}");
        assert_eq!(shown(&format!("{path}?from={from}&until={until}")).await, (200, [false, true, false]), "{path}");
        let as_browsers = format!("{path}?from={}&until={}", minute(&from), minute(&until));
        assert_eq!(shown(&as_browsers).await, (200, [false, true, false]), "{path}");
    }
    let narrowed = ada.page(&format!("{log}?from={from}&until={until}")).await;
    assert!(narrowed.contains("Export the rows of this time") && narrowed.contains("/export?from="), "{narrowed}");
    for (query, part) in [
        ("from=soon", "From is not a point in time"),
        ("until=2027-13-01T00:00", "Until is not a point in time"),
        ("from=2027-01-02T00:00&until=2027-01-01T00:00", "Until is not after the beginning"),
    ] {
        let wrong = ada.get(&format!("{log}?{query}")).await;
        assert!(wrong.status == 422 && wrong.text.contains(part), "{query}: {}", wrong.text);
        assert!(wrong.text.contains("aria-invalid") && wrong.text.contains("-error\""), "{query}: {}", wrong.text);
        assert_eq!(ada.get(&format!("{log}/export?{query}")).await.status, 422, "{query}");
    }
}

#[tokio::test]
async fn who_may_not_see_tokens_hears_no_news_of_them() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    let token = server.world.acme.created.agent_token.id;
    let tokens = format!("/organizations/acme/settings/tokens/{token}/events");
    assert_eq!(ada.listen(&tokens).await.status(), 200);
    assert_eq!(grace.listen(&tokens).await.status(), 403);
    for browser in [&ada, &grace] {
        assert_eq!(browser.listen("/organizations/acme/agents/events").await.status(), 200);
    }
    let globex = server.world.globex.created.agent_token.id;
    let answer = ada.listen(&format!("/organizations/acme/settings/tokens/{globex}/events")).await;
    assert_eq!(answer.status(), 404);
    let page = ada.page(&format!("/organizations/acme/settings/tokens/{token}")).await;
    assert!(page.contains("Waiting for the first agent") && page.contains("data-stream"), "{page}");
}
