//! Members, invitations and service users, from the first invitation to the last token.

use countersign_domain::Kind;
use countersign_domain::TokenSecret;
use countersign_domain::token::Prefix;
use countersign_testkit::SeededEntropy;
use serde_json::{Value, json};

use crate::client::{Answer, Server};

const INVITE: &str =
    "mutation($input: OrganizationInvitationCreateInput!) { organizationInvitationCreate(input: $input) {
    invitationValue invitation { id publicId email role state expiresAt createdBy { email } } } }";
const ACCEPT: &str =
    "mutation($input: OrganizationInvitationAcceptInput!) { organizationInvitationAccept(input: $input) {
    organizationSlug role user { name email bot } userToken { description } userTokenValue } }";
const UPDATE: &str = "mutation($input: OrganizationMemberUpdateInput!) { organizationMemberUpdate(input: $input) {
    organizationMember { role } userTokensRevoked invitationsWithdrawn } }";
const DELETE: &str = "mutation($input: OrganizationMemberDeleteInput!) { organizationMemberDelete(input: $input) {
    deletedOrganizationMemberID user { email } userTokensRevoked } }";

async fn invite(server: &Server, email: &str, role: &str) -> String {
    let made = server.ask(INVITE, json!({ "input": { "email": email, "role": role } })).await.ok();
    made.text_at("/data/organizationInvitationCreate/invitationValue")
}

async fn accept(server: &Server, value: &str, name: &str) -> Answer {
    server.ask_as(value, ACCEPT, json!({ "input": { "name": name } })).await
}

/// Bob, who has joined as a plain member: his token's value.
async fn bob(server: &Server) -> String {
    let value = invite(server, "bob@acme.example", "MEMBER").await;
    accept(server, &value, "Bob").await.ok().text_at("/data/organizationInvitationAccept/userTokenValue")
}

#[tokio::test]
async fn an_invitation_is_made_listed_and_accepted_once() {
    let server = Server::new().await;
    let made = server.ask(INVITE, json!({ "input": { "email": "Bob@acme.example" } })).await.ok();
    let invitation = made.at("/data/organizationInvitationCreate/invitation");
    assert_eq!(
        (&invitation["email"], &invitation["role"], &invitation["state"], &invitation["createdBy"]["email"]),
        (&json!("bob@acme.example"), &json!("MEMBER"), &json!("PENDING"), &json!("ada@acme.example"))
    );
    let value = made.text_at("/data/organizationInvitationCreate/invitationValue");
    let again = server.ask(INVITE, json!({ "input": { "email": "bob@acme.example" } })).await;
    assert_eq!(again.kind(), "conflict");

    let joined = accept(&server, &value, "Bob Builder").await.ok().at("/data/organizationInvitationAccept");
    let wanted = json!({ "name": "Bob Builder", "email": "bob@acme.example", "bot": false });
    assert_eq!(
        (&joined["organizationSlug"], &joined["role"], &joined["user"]),
        (&json!("acme"), &json!("MEMBER"), &wanted)
    );
    let token = joined["userTokenValue"].as_str().expect("a value");
    let seen = server.ask_as(token, "{ viewer { user { email } } }", json!({})).await.ok();
    assert_eq!(seen.text_at("/data/viewer/user/email"), "bob@acme.example");

    let used = accept(&server, &value, "Bob").await;
    assert_eq!((used.status.as_u16(), used.text_at("/errors/0/extensions/reason")), (401, "expired".to_owned()));
    let list = "query($pending: Boolean) { viewer { organizations(first: 1) { edges { node {
        invitations(first: 10, pending: $pending) { count edges { node { state acceptedBy { name } } } } } } } } }";
    let at = "/data/viewer/organizations/edges/0/node/invitations";
    let ended = server.ask(list, json!({ "pending": false })).await.ok().at(at);
    let wanted =
        json!({ "count": 1, "edges": [{ "node": { "state": "ACCEPTED", "acceptedBy": { "name": "Bob Builder" } } }] });
    assert_eq!(ended, wanted);
    assert_eq!(server.ask(list, json!({ "pending": true })).await.ok().at(at)["count"], 0);
    // A member sees who is one, and no invitations.
    assert_eq!(server.ask_as(token, list, json!({})).await.kind(), "forbidden");
}

#[tokio::test]
async fn an_invitation_opens_nothing_else_and_a_guess_opens_nothing() {
    let server = Server::new().await;
    let value = invite(&server, "bob@acme.example", "ADMIN").await;
    for query in [
        "mutation { serviceUserCreate(input: {name: \"robot\"}) { serviceUser { id } } }",
        "mutation { organizationInvitationCreate(input: {email: \"eve@acme.example\"}) { invitationValue } }",
        "query { organization(slug: \"acme\") { id } }",
    ] {
        let answer = server.ask_as(&value, query, json!({})).await;
        assert_eq!(
            (answer.kind(), answer.text_at("/errors/0/extensions/reason")),
            ("forbidden".to_owned(), "kind".to_owned())
        );
    }
    assert_eq!(server.ask_as(&value, "{ viewer { id } }", json!({})).await.ok().at("/data/viewer"), Value::Null);
    let mut statuses = Vec::new();
    for seed in 0..70 {
        let guess = TokenSecret::mint(&Prefix::default(), Kind::Invitation, &SeededEntropy::new(1_000 + seed));
        statuses.push(accept(&server, guess.reveal(), "Eve").await.status.as_u16());
    }
    assert!(statuses.starts_with(&[401; 50]) && statuses.ends_with(&[429; 5]), "{statuses:?}");
    let nothing = server.ask_as(server.world.acme.user_token(), ACCEPT, json!({ "input": {} })).await;
    assert_eq!(nothing.text_at("/errors/0/extensions/reason"), "kind");
}

#[tokio::test]
async fn a_role_is_given_and_taken_and_a_member_removed() {
    let server = Server::new().await;
    let token = bob(&server).await;
    let change = |id: &str, role: &str| json!({ "input": { "id": id, "role": role } });
    let denied = server.ask_as(&token, UPDATE, change("bob@acme.example", "ADMIN")).await;
    assert_eq!(denied.kind(), "forbidden");
    let up = server.ask(UPDATE, change("bob@acme.example", "ADMIN")).await.ok().at("/data/organizationMemberUpdate");
    assert_eq!(
        up,
        json!({ "organizationMember": { "role": "ADMIN" }, "userTokensRevoked": 0, "invitationsWithdrawn": 0 })
    );
    // He takes the role of the one who gave it, who is not the last.
    let down = server.ask_as(&token, UPDATE, change("ada@acme.example", "MEMBER")).await.ok();
    assert_eq!(down.at("/data/organizationMemberUpdate/userTokensRevoked"), 1);
    assert_eq!(server.ask("{ viewer { id } }", json!({})).await.status, 401);
    let last = server.ask_as(&token, UPDATE, change("bob@acme.example", "MEMBER")).await;
    assert_eq!(last.kind(), "conflict");
    assert!(last.error().contains("the last Organization Admin"), "{}", last.error());
    let last = server.ask_as(&token, DELETE, json!({ "input": { "id": "bob@acme.example" } })).await;
    assert_eq!(last.kind(), "conflict");
    let gone = server.ask_as(&token, DELETE, json!({ "input": { "id": "ada@acme.example" } })).await.ok();
    assert_eq!(gone.text_at("/data/organizationMemberDelete/user/email"), "ada@acme.example");
    let nobody = server.ask_as(&token, DELETE, json!({ "input": { "id": "ada@acme.example" } })).await;
    assert_eq!(nobody.error(), "No member found");
}

#[tokio::test]
async fn members_are_listed_and_one_is_looked_at() {
    let server = Server::new().await;
    let token = bob(&server).await;
    server.ask("mutation { serviceUserCreate(input: {name: \"robot\"}) { serviceUser { id } } }", json!({})).await.ok();
    let query =
        "query($only: Boolean) { organization(slug: \"acme\") { members(serviceUsers: $only) { count edges { node {
        id role isServiceUser user { email name machineUser } } } } } }";
    let people = server.ask_as(&token, query, json!({ "only": false })).await.ok().at("/data/organization/members");
    assert_eq!(people["count"], 2);
    let robots =
        server.ask_as(&token, query, json!({ "only": true })).await.ok().at("/data/organization/members/edges");
    assert_eq!(
        (&robots[0]["node"]["user"]["name"], &robots[0]["node"]["user"]["machineUser"]),
        (&json!("robot"), &json!(true))
    );
    let id = people["edges"][0]["node"]["id"].clone();
    let node = "query($id: ID!) { node(id: $id) { __typename ... on OrganizationMember { user { email } organization { slug } } } }";
    let seen = server.ask_as(&token, node, json!({ "id": id })).await.ok().at("/data/node");
    assert_eq!((&seen["__typename"], &seen["organization"]["slug"]), (&json!("OrganizationMember"), &json!("acme")));
    let one = "query($id: ID!) { organization(slug: \"acme\") { member(id: $id) { user { email } } } }";
    for (name, found) in
        [("ada@acme.example", true), ("grace@globex.example", false), ("robot", true), ("\u{0}", false)]
    {
        let answer = server.ask_as(&token, one, json!({ "id": name })).await.ok().at("/data/organization/member");
        assert_eq!(!answer.is_null(), found, "{name}");
    }
    let may = "{ organization(slug: \"acme\") { permissions { organizationMemberUpdate { allowed } organizationMemberView { allowed }
        organizationInvitationCreate { allowed } } } }";
    let allowed = server.ask_as(&token, may, json!({})).await.ok().at("/data/organization/permissions");
    let wanted = json!({ "organizationMemberUpdate": { "allowed": false }, "organizationMemberView": { "allowed": true },
        "organizationInvitationCreate": { "allowed": false } });
    assert_eq!(allowed, wanted);
}

#[tokio::test]
async fn the_tokens_of_another_are_seen_and_revoked_and_nothing_more() {
    let server = Server::new().await;
    let token = bob(&server).await;
    let list = "query($id: ID!) { organization(slug: \"acme\") { member(id: $id) { userTokens { edges { node { id publicId state } } } } } }";
    let tokens = server.ask(list, json!({ "id": "bob@acme.example" })).await.ok();
    let tokens = tokens.at("/data/organization/member/userTokens/edges");
    assert_eq!(tokens.as_array().map(Vec::len), Some(1));
    assert_eq!(server.ask_as(&token, list, json!({ "id": "ada@acme.example" })).await.kind(), "forbidden");
    let id = tokens[0]["node"]["id"].clone();
    for query in [
        "mutation($id: ID!) { userTokenReveal(input: {id: $id}) { tokenValue } }",
        "mutation($id: ID!) { userTokenUpdate(input: {id: $id, description: \"mine\"}) { userToken { id } } }",
        "mutation($id: ID!) { userTokenRevoke(input: {id: $id}) { userToken { id } } }",
    ] {
        assert_eq!(server.ask(query, json!({ "id": id })).await.error(), "No user token found");
    }
    let reveal = "mutation($id: ID!) { serviceUserTokenReveal(input: {serviceUserId: \"bob@acme.example\", id: $id}) { tokenValue } }";
    assert_eq!(server.ask(reveal, json!({ "id": id })).await.error(), "No service user found");
    let create = "mutation { serviceUserTokenCreate(input: {serviceUserId: \"bob@acme.example\"}) { tokenValue } }";
    assert_eq!(server.ask(create, json!({})).await.error(), "No service user found");
    let revoke =
        "mutation($input: OrganizationMemberTokenRevokeInput!) { organizationMemberTokenRevoke(input: $input) {
        userToken { state revokedReason } } }";
    let input = json!({ "memberId": "bob@acme.example", "id": id, "reason": "left on a train" });
    assert_eq!(server.ask_as(&token, revoke, json!({ "input": input })).await.kind(), "forbidden");
    let revoked = server.ask(revoke, json!({ "input": input })).await.ok();
    let wanted = json!({ "state": "REVOKED", "revokedReason": "left on a train" });
    assert_eq!(revoked.at("/data/organizationMemberTokenRevoke/userToken"), wanted);
    assert_eq!(server.ask_as(&token, "{ viewer { id } }", json!({})).await.status, 401);
}

#[tokio::test]
async fn a_service_user_has_tokens_that_an_admin_makes() {
    let server = Server::new().await;
    let create = "mutation($input: ServiceUserCreateInput!) { serviceUserCreate(input: $input) { serviceUser { id role description } } }";
    let input = json!({ "name": "robot", "description": "CI", "role": "ADMIN" });
    let made = server.ask(create, json!({ "input": input })).await.ok().at("/data/serviceUserCreate/serviceUser");
    assert_eq!((&made["role"], &made["description"]), (&json!("ADMIN"), &json!("CI")));
    assert_eq!(server.ask(create, json!({ "input": input })).await.kind(), "conflict");
    let bad = server.ask(create, json!({ "input": { "name": "a b" } })).await;
    assert_eq!(bad.at("/errors/0/extensions/fields/0/field"), "name");
    let issue = "mutation($id: ID!) { serviceUserTokenCreate(input: {serviceUserId: $id, description: \"CI\"}) { tokenValue userToken { publicId } } }";
    let issued = server.ask(issue, json!({ "id": made["id"] })).await.ok();
    let value = issued.text_at("/data/serviceUserTokenCreate/tokenValue");
    let public = issued.text_at("/data/serviceUserTokenCreate/userToken/publicId");
    let reveal =
        "mutation($id: ID!) { serviceUserTokenReveal(input: {serviceUserId: \"robot\", id: $id}) { tokenValue } }";
    let shown = server.ask(reveal, json!({ "id": public })).await.ok();
    assert_eq!(shown.text_at("/data/serviceUserTokenReveal/tokenValue"), value);
    let own = "mutation { userTokenCreate(input: {}) { tokenValue } }";
    assert_eq!(server.ask_as(&value, own, json!({})).await.kind(), "forbidden");
    let update = "mutation { serviceUserUpdate(input: {id: \"robot\", name: \"r2\", description: null}) { serviceUser { description user { name } } } }";
    let wanted = json!({ "description": null, "user": { "name": "r2" } });
    assert_eq!(server.ask(update, json!({})).await.ok().at("/data/serviceUserUpdate/serviceUser"), wanted);
    let gone = server.ask(DELETE, json!({ "input": { "id": "r2" } })).await.ok();
    assert_eq!(gone.at("/data/organizationMemberDelete/userTokensRevoked"), 1);
    assert_eq!(server.ask_as(&value, "{ viewer { id } }", json!({})).await.status, 401);
}
