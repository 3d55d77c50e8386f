//! Who is let in, and what they may see.

use countersign_control::access::actions::ManageOperatorTokens;
use serde_json::{Value, json};

use crate::client::Server;

const VIEWER: &str = "{ viewer { user { email } } }";

#[tokio::test]
async fn without_an_accepted_credential_nothing_is_executed() {
    let server = Server::new().await;
    let body = json!({ "query": VIEWER }).to_string();
    let bare = |header: Option<&str>| {
        let mut request = http::Request::post("/graphql").header("content-type", "application/json");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        request.body(axum::body::Body::from(body.clone())).expect("a request")
    };
    let unknown = server.send(bare(None)).await;
    assert_eq!(unknown.status, 401);
    assert_eq!(unknown.header("www-authenticate"), "Bearer");
    insta::assert_snapshot!(unknown.text, @r#"{"errors":[{"message":"Authentication required. Please supply a valid API Access Token: a user token, as `Authorization: Bearer VALUE`.","extensions":{"type":"unauthenticated"}}]}"#);
    let good = server.world.acme.user_token();
    let changed =
        format!("{}{}", &good[..good.len() - 7], if good.ends_with("AAAAAAA") { "BBBBBBB" } else { "AAAAAAA" });
    for header in ["Bearer", "Bearer x", "Basic YTpi", &format!("Bearer {changed}"), &format!("Bearer {good}x")] {
        let other = server.send(bare(Some(header))).await;
        assert_eq!((other.status, &other.text), (unknown.status, &unknown.text), "{header}");
    }
    assert_eq!(
        server.send(bare(Some(&format!("Token {good}")))).await.ok().at("/data/viewer/user/email"),
        "ada@acme.example"
    );
}

#[tokio::test]
async fn a_verified_credential_is_told_its_reason_and_its_public_id() {
    let server = Server::new().await;
    let agent_token = server.ask_as(server.world.acme.agent_token(), VIEWER, json!({})).await;
    assert_eq!(
        (agent_token.status.as_u16(), agent_token.text_at("/errors/0/extensions/reason")),
        (401, "kind".to_owned())
    );
    let public_id = server.world.acme.created.agent_token.public_id.as_str();
    assert_eq!(agent_token.text_at("/errors/0/extensions/token"), public_id);
    assert!(!agent_token.text.contains(server.world.acme.agent_token()));

    let token = server.world.acme.user_token();
    let query = "mutation($id: ID!) { userTokenRevoke(input: {id: $id, reason: \"lost\"}) { userToken { state } } }";
    let id = server.world.acme.created.user_token.public_id.to_string();
    let revoked = server.ask(query, json!({ "id": id })).await.ok();
    assert_eq!(revoked.at("/data/userTokenRevoke/userToken/state"), "REVOKED");
    let refused = server.ask_as(token, VIEWER, json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.text_at("/errors/0/extensions/reason")), (401, "revoked".to_owned()));
    assert!(refused.error().contains("This token was revoked."), "{}", refused.text);
}

/// Whatever is asked about the twin answers what is asked about nothing.
#[tokio::test]
async fn another_organization_is_as_if_it_did_not_exist() {
    let server = Server::new().await;
    let globex = server.world.globex.user_token().to_owned();
    let twin = server
        .ask_as(
            &globex,
            "{ organization(slug: \"globex\") { id uuid agentTokens(first: 1) { edges { node { id uuid publicId } } }
               deployments { edges { node { id } } } } viewer { user { id } userTokens(first: 1) { edges { node { id } } } } }",
            json!({}),
        )
        .await
        .ok();
    let agent = server.agent(server.world.globex.agent_token(), "spy").await;
    let agent_id = server
        .ask_as(&globex, "query($s: ID!) { agent(slug: $s) { id } }", json!({ "s": format!("globex/{agent}") }))
        .await
        .ok()
        .text_at("/data/agent/id");
    let token = twin.at("/data/organization/agentTokens/edges/0/node");
    let organization = twin.text_at("/data/organization/id");

    for id in [
        organization.clone(),
        twin.text_at("/data/viewer/user/id"),
        twin.text_at("/data/viewer/userTokens/edges/0/node/id"),
        twin.text_at("/data/organization/deployments/edges/0/node/id"),
        token["id"].as_str().expect("an id").to_owned(),
        agent_id.clone(),
    ] {
        let node = server.ask("query($id: ID!) { node(id: $id) { __typename id } }", json!({ "id": id })).await.ok();
        assert_eq!(node.at("/data/node"), Value::Null, "{id}");
    }
    let uuid = token["uuid"].as_str().expect("a uuid");
    let slugs = json!({ "t": format!("globex/{uuid}"), "u": format!("acme/{uuid}"), "a": format!("globex/{agent}"),
        "b": format!("acme/{agent}"), "o": twin.at("/data/organization/uuid") });
    let query = "query($t: ID!, $u: ID!, $a: ID!, $b: ID!, $o: ID!) { t: agentToken(slug: $t) { id } u: agentToken(slug: $u) { id }
        a: agent(slug: $a) { id } b: agent(slug: $b) { id } o: organization(uuid: $o) { id } s: organization(slug: \"globex\") { id } }";
    let nothing = server.ask(query, slugs).await.ok();
    assert_eq!(nothing.at("/data"), json!({ "t": null, "u": null, "a": null, "b": null, "o": null, "s": null }));

    let missing = "QWdlbnRUb2tlbi0tLTAxOTJmM2ExLTdjM2UtN2IyMS05ZjYwLTNhNWMxZTBkNGI3Nw==";
    let revoke = "mutation($id: ID!) { agentTokenRevoke(input: {id: $id, reason: \"r\", connectedAgents: DISCONNECT}) { agentsTouched } }";
    let absent = server.ask(revoke, json!({ "id": missing })).await;
    assert_eq!(absent.error(), "No agent token found");
    for id in [
        &token["id"],
        &token["uuid"],
        &token["publicId"],
        &json!(server.world.globex.agent_token()),
        &json!(organization),
    ] {
        let foreign = server.ask(revoke, json!({ "id": id })).await;
        assert_eq!((foreign.status, &foreign.text), (absent.status, &absent.text), "{id}");
    }
    let create = "mutation($id: ID!) { agentTokenCreate(input: {organizationID: $id}) { tokenValue } }";
    assert_eq!(server.ask(create, json!({ "id": organization })).await.error(), "No organization found");
    let stop = "mutation($id: ID!) { agentStop(input: {id: $id}) { agent { id } } }";
    assert_eq!(server.ask(stop, json!({ "id": agent_id })).await.error(), "No agent found");
    let query = "query($s: ID!) { agent(slug: $s) { connectionState } }";
    let spy = server.ask_as(&globex, query, json!({ "s": format!("globex/{agent}") })).await.ok();
    assert_eq!(spy.at("/data/agent/connectionState"), "connected");
}

#[tokio::test]
async fn permissions_are_data() {
    let server = Server::new().await;
    let query = "{ organization(slug: \"acme\") { permissions { agentTokenCreate { allowed code message } teamView { allowed code message } suiteView { allowed code message } } } }";
    let answer = server.ask(query, json!({})).await.ok();
    let wanted = json!({
        "agentTokenCreate": { "allowed": true, "code": null, "message": null },
        "teamView": { "allowed": true, "code": null, "message": null },
        "suiteView": { "allowed": false, "code": "not_supported", "message": "This server has no test suites." },
    });
    assert_eq!(answer.at("/data/organization/permissions"), wanted);
}

#[tokio::test]
async fn the_operator_makes_organizations_and_sees_nothing_inside_one() {
    let server = Server::new().await;
    let control = &server.world.control;
    let grant = control.grant_own::<ManageOperatorTokens>(&server.world.operator).expect("the operator may");
    let (_, secret) = control.create_operator_token(&grant, "ops").await.expect("an operator token");
    let create = "mutation($slug: String!) { organizationCreate(input: {slug: $slug, admin: \"hedy@initech.example\"}) {
        organization { id slug name } admin { email } userTokenValue agentTokenValue agentToken { description state } } }";
    let made = server.ask_as(secret.reveal(), create, json!({ "slug": "initech" })).await.ok();
    assert_eq!(made.at("/data/organizationCreate/organization/slug"), "initech");
    assert_eq!(made.at("/data/organizationCreate/agentToken/description"), "Default agent registration token");
    let hedy = made.text_at("/data/organizationCreate/userTokenValue");
    let own =
        server.ask_as(&hedy, "{ viewer { organizations { count edges { node { slug } } } } }", json!({})).await.ok();
    assert_eq!(own.at("/data/viewer/organizations/edges/0/node/slug"), "initech");

    let again = server.ask_as(secret.reveal(), create, json!({ "slug": "initech" })).await;
    assert_eq!((again.kind(), again.at("/data")), ("conflict".to_owned(), json!({ "organizationCreate": null })));
    let inside =
        server.ask_as(secret.reveal(), "{ viewer { id } organization(slug: \"acme\") { id } }", json!({})).await;
    assert_eq!(inside.at("/data"), json!({ "viewer": null, "organization": null }));
    assert_eq!(inside.kind(), "forbidden");
    let by_user = server.ask(create, json!({ "slug": "hooli" })).await;
    assert_eq!((by_user.kind(), by_user.status.as_u16()), ("forbidden".to_owned(), 200));
}
