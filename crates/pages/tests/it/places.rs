//! The stories of deployments and teams.

use crate::browser::Server;

const SETTINGS: &str = "/organizations/acme/settings";

#[tokio::test]
async fn a_deployment_is_created_offered_to_tokens_and_deleted() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    let list = format!("{SETTINGS}/deployments");
    let wrong = ada.post(&format!("{list}/new"), &[("name", "no/slash"), ("parent", "")]).await;
    assert!(wrong.status == 422 && wrong.text.contains(r#"id="name-error""#), "{}", wrong.text);
    let made = ada.post(&format!("{list}/new"), &[("name", "staging"), ("parent", "")]).await;
    assert!(made.status == 303 && made.location().starts_with(&format!("{list}/")), "{}", made.text);
    assert!(ada.page(made.location()).await.contains("No queue yet"));
    let taken = ada.post(&format!("{list}/new"), &[("name", "staging"), ("parent", "")]).await;
    assert!(taken.status == 422 && taken.text.contains(r#"id="name-error""#), "{}", taken.text);
    assert!(ada.page(&format!("{SETTINGS}/tokens/new")).await.contains("staging"));

    let page = ada.page(&list).await;
    let way = page.split(&format!("{list}/")).find(|it| it.contains("/delete\"")).and_then(|it| it.split('"').next());
    let way = format!("{list}/{}", way.expect("a way"));
    assert_eq!(grace.get(&way).await.status, 403);
    let default = server.world.acme.created.organization.default_deployment;
    let refused = ada.post(&format!("{list}/{default}/delete"), &[]).await;
    assert!(refused.status == 422 && refused.text.contains(r#"tabindex="-1" autofocus"#), "{}", refused.text);
    assert!(ada.page(&way).await.contains("staging"));
    let done = ada.post(&way, &[]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, list.as_str()), "{}", done.text);
    assert!(!ada.page(&list).await.contains("staging"));
    assert_eq!(ada.get(&way).await.status, 404);
}

#[tokio::test]
async fn the_chain_is_read_for_a_form_alone() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    let log = format!("{SETTINGS}/audit-log");
    assert!(!ada.page(&format!("{log}?check=chain")).await.contains("The chain holds"));
    let checked = ada.post(&log, &[]).await;
    assert!(checked.status == 200 && checked.text.contains("The chain holds"), "{}", checked.text);
    assert_eq!(grace.post(&log, &[]).await.status, 403);
}

#[tokio::test]
async fn a_team_is_created_filled_and_deleted() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    let made = ada.post(&format!("{SETTINGS}/teams/new"), &[("name", "Release"), ("description", "ships")]).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let team = made.location().to_owned();
    let nobody = ada.post(&format!("{team}/members"), &[("member", "nobody@acme.example")]).await;
    assert!(nobody.status == 422 && nobody.text.contains(r#"id="member-error""#), "{}", nobody.text);
    assert_eq!(ada.get(&format!("{team}/members")).await.location(), team);
    let added = ada.post(&format!("{team}/members"), &[("member", "grace@globex.example")]).await;
    assert_eq!((added.status.as_u16(), added.location()), (303, team.as_str()), "{}", added.text);

    let list = ada.page(&format!("{SETTINGS}/teams")).await;
    assert!(list.contains(r#"<td data-label="Members" class="number">1</td>"#), "{list}");
    let seen = grace.page(&team).await;
    assert!(
        seen.contains("grace@globex.example") && !seen.contains("Remove<span") && !seen.contains("Add a member"),
        "{seen}"
    );
    assert_eq!(grace.get(&format!("{team}/delete")).await.status, 403);
    let out = format!("{team}/members/{}/remove", server.world.globex.created.admin.id);
    assert_eq!(ada.post(&out, &[]).await.location(), team);
    let again = ada.post(&out, &[]).await;
    assert_eq!(again.location(), team, "{}", again.text);
    assert!(again.cookie("countersign-notice").is_some_and(|it| it.contains("out-already")), "{:?}", again.headers);
    assert!(ada.page(&team).await.contains("Nobody is in the team"));
    assert_eq!(ada.post(&format!("{team}/delete"), &[]).await.location(), format!("{SETTINGS}/teams"));
    assert_eq!(ada.get(&team).await.status, 404);
    for way in [format!("{team}/delete"), out] {
        let again = ada.post(&way, &[]).await;
        assert_eq!(again.location(), format!("{SETTINGS}/teams"), "{}", again.text);
    }
}
