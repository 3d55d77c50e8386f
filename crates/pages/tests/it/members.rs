//! The stories of members: inviting, changing a role, removing.

use std::time::Duration;

use crate::browser::{OWN, PASSWORD, Server, form};

const MEMBERS: &str = "/organizations/acme/settings/members";

#[tokio::test]
async fn whoever_is_invited_becomes_a_member_once() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let made = ada.post(&format!("{MEMBERS}/invite"), &[("email", "alan@acme.example"), ("role", "member")]).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let link = made.text.split("/invitation#").nth(1).and_then(|it| it.split('"').next()).expect("a link");
    assert!(ada.page(MEMBERS).await.contains("alan@acme.example"));
    assert!(!ada.page(MEMBERS).await.contains(link), "the value is shown once");

    let fields = [("link", link), ("name", "Alan"), ("password", PASSWORD)];
    let joined = server.send("POST", "/invitation", &OWN, &form(&fields)).await;
    assert_eq!((joined.status.as_u16(), joined.location()), (303, "/"), "{}", joined.text);
    assert!(ada.page(MEMBERS).await.contains(">Alan</a>"));
    let again = server.send("POST", "/invitation", &OWN, &form(&fields)).await;
    assert!(again.status == 422 && again.text.contains("was used already"), "{}", again.text);
    let empty = server.send("POST", "/invitation", &OWN, &form(&[("link", " "), ("password", PASSWORD)])).await;
    assert!(empty.status == 422 && empty.text.contains("Invitation is empty"), "{}", empty.text);
    let known = ada.post(&format!("{MEMBERS}/invite"), &[("email", "alan@acme.example"), ("role", "member")]).await;
    assert!(known.status == 422 && known.text.contains(r#"id="email-error""#), "{}", known.text);
}

#[tokio::test]
async fn an_invitation_is_withdrawn() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let made = ada.post(&format!("{MEMBERS}/invite"), &[("email", "alan@acme.example"), ("role", "member")]).await;
    let link = made.text.split("/invitation#").nth(1).and_then(|it| it.split('"').next()).expect("a link");
    let page = ada.page(MEMBERS).await;
    let way = page.split("/settings/invitations/").nth(1).and_then(|it| it.split('"').next()).expect("a way");
    let done = ada.post(&format!("/organizations/acme/settings/invitations/{way}"), &[]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, MEMBERS), "{}", done.text);
    let fields = [("link", link), ("name", "Alan"), ("password", PASSWORD)];
    let late = server.send("POST", "/invitation", &OWN, &form(&fields)).await;
    assert!(late.status == 422 && late.text.contains("was withdrawn"), "{}", late.text);
}

#[tokio::test]
async fn whoever_has_forgotten_their_password_gets_a_link_from_an_admin() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let made = ada.post(&format!("{MEMBERS}/invite"), &[("email", "alan@acme.example"), ("role", "member")]).await;
    let link = made.text.split("/invitation#").nth(1).and_then(|it| it.split('"').next()).expect("a link");
    let fields = [("link", link), ("name", "Alan"), ("password", PASSWORD)];
    assert_eq!(server.send("POST", "/invitation", &OWN, &form(&fields)).await.status, 303);
    let list = ada.page(MEMBERS).await;
    let his = list.split("\">Alan</a>").next().and_then(|it| it.rsplit('"').next()).expect("his page").to_owned();

    assert!(ada.page(&his).await.contains("Make a sign-in link"));
    let made = ada.post(&format!("{his}/sign-in-link"), &[]).await;
    assert_eq!((made.status.as_u16(), made.headers["cache-control"].as_bytes()), (200, &b"no-store"[..]));
    let link = made.text.split("/sign-in#").nth(1).and_then(|it| it.split('"').next()).expect("a link");
    assert!(!ada.page(&his).await.contains(link), "the value is shown once");
    let fields = [("link", link), ("password", "another horse battery staple")];
    let signed_in = server.send("POST", "/sign-in/link", &OWN, &form(&fields)).await;
    assert_eq!((signed_in.status.as_u16(), signed_in.location()), (303, "/"), "{}", signed_in.text);
    let again = server.send("POST", "/sign-in/link", &OWN, &form(&fields)).await;
    assert!(again.status == 422 && again.text.contains("was used already"), "{}", again.text);
    let link_of = |made: &str| made.split("/sign-in#").nth(1).and_then(|it| it.split('"').next()).map(str::to_owned);
    let older = link_of(&ada.post(&format!("{his}/sign-in-link"), &[]).await.text).expect("a link");
    let newer = link_of(&ada.post(&format!("{his}/sign-in-link"), &[]).await.text).expect("a link");
    let open = async |link: &str| {
        let fields = [("link", link), ("password", "another horse battery staple")];
        server.send("POST", "/sign-in/link", &OWN, &form(&fields)).await.text
    };
    assert!(open(&older).await.contains("a newer one was made"));
    server.world.clock.advance(Duration::from_secs(24 * 3600));
    assert!(open(&newer).await.contains("has run out"));
    assert!(open("").await.contains("is empty; paste the link"));
    let ada = server.admin().await;

    // Grace is an admin elsewhere: whoever runs the server makes hers.
    let grace = server.member().await;
    let hers = format!("{MEMBERS}/{}", server.world.globex.created.admin.id);
    let refused = ada.post(&format!("{hers}/sign-in-link"), &[]).await;
    assert!(refused.status == 422 && refused.text.contains("countersign sign-in-link"), "{}", refused.text);
    assert!(!grace.page(&his).await.contains("Make a sign-in link"));
    assert_eq!(grace.post(&format!("{his}/sign-in-link"), &[]).await.status, 403);

    server.world.clock.advance(Duration::from_secs(6 * 60));
    let led = ada.post(&format!("{his}/sign-in-link"), &[]).await;
    assert!(led.asks_for_proof(), "{} {}", led.status, led.text);
}

#[tokio::test]
async fn a_member_is_promoted_and_removed() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    let hers = format!("{MEMBERS}/{}", server.world.globex.created.admin.id);
    assert!(!grace.page(&hers).await.contains("Change the role"));
    let done = ada.post(&format!("{hers}/role"), &[("role", "admin")]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, hers.as_str()), "{}", done.text);
    assert!(grace.page(&hers).await.contains("Change the role"));

    server.world.clock.advance(Duration::from_secs(6 * 60));
    let led = ada.post(&format!("{hers}/remove"), &[]).await;
    assert!(led.asks_for_proof(), "{} {}", led.status, led.text);
    ada.prove().await;
    assert!(ada.page(&format!("{hers}/remove")).await.contains("What will happen"));
    let done = ada.post(&format!("{hers}/remove"), &[]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, MEMBERS), "{}", done.text);
    let again = ada.post(&format!("{hers}/remove"), &[]).await;
    assert_eq!((again.status.as_u16(), again.location()), (303, MEMBERS), "{}", again.text);
    assert!(again.cookie("countersign-notice").is_some_and(|it| it.contains("member-gone")), "{:?}", again.headers);
    assert_eq!(grace.get(&hers).await.status, 404, "the organization is not there for her any more");

    let own = format!("{MEMBERS}/{}", server.world.acme.created.admin.id);
    let last = ada.post(&format!("{own}/remove"), &[]).await;
    assert_eq!(last.status, 422, "{}", last.text);
    assert!(last.text.contains("last Organization Admin"), "{}", last.text);
}
