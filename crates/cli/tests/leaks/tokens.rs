//! Agent and user tokens through the GraphQL API: everything that can be done with them.

use countersign_testkit::harness::api;
use countersign_testkit::harness::http::{Call, Connection};
use countersign_testkit::harness::installation::Installation;
use serde_json::json;

use crate::hunt::{Client, Hunt};

/// How many agent tokens are made; half of them get a second secret.
const AGENT_TOKENS: usize = 280;
/// How many user tokens are made.
const USER_TOKENS: usize = 160;
/// How many people are invited; each invitation is tried twice, which is within the pace of one address.
const INVITATIONS: usize = 20;
/// How many organizations the operator makes.
const ORGANIZATIONS: usize = 10;

/// Makes, shows, rotates, changes and revokes tokens of each kind that people handle.
pub async fn drive(installation: &Installation, hunt: &mut Hunt) {
    let mut admin = Admin {
        client: Client { connection: Connection::new(installation.listen), hunt },
        value: installation.made.user_token.clone(),
        organization: installation.made.organization.clone(),
    };
    for number in 0..AGENT_TOKENS {
        admin.agent_token(number).await;
    }
    for number in 0..USER_TOKENS {
        admin.user_token(number).await;
    }
    for number in 0..INVITATIONS {
        admin.invitation(number).await;
    }
    for operator in admin.client.hunt.values("ot").into_iter().take(ORGANIZATIONS) {
        admin.organization(&operator).await;
    }
    admin.look_around().await;
}

struct Admin<'a> {
    client: Client<'a>,
    value: String,
    organization: String,
}

impl Admin<'_> {
    fn call(&self, query: &str, variables: &serde_json::Value) -> Call {
        api::graphql(&self.value, query, variables)
    }

    async fn agent_token(&mut self, number: usize) {
        let query = "mutation($organization: ID!, $policy: RevealPolicy) {
            agentTokenCreate(input: {organizationID: $organization, description: \"canary\", revealPolicy: $policy}) {
                tokenValue agentTokenEdge { node { id uuid publicId } } } }";
        let policy = ["WINDOW", "ALWAYS", "NEVER"][number % 3];
        let call = self.call(query, &json!({ "organization": self.organization, "policy": policy }));
        let (value, answer) =
            self.client.obtain("at", "agentTokenCreate", &call, "/data/agentTokenCreate/tokenValue").await;
        let answer = answer.json();
        let id = answer["data"]["agentTokenCreate"]["agentTokenEdge"]["node"]["id"].as_str().expect("an id").to_owned();

        let reveal = self.call(
            "mutation($id: ID!) { agentTokenReveal(input: {id: $id}) { tokenValue publicId } }",
            &json!({ "id": id }),
        );
        if policy == "NEVER" {
            self.client.ask("agentTokenReveal, never", &reveal).await;
        } else {
            self.client.see_again("agentTokenReveal", &reveal, &value).await;
        }
        let field =
            self.call("query($id: ID!) { node(id: $id) { ... on AgentToken { token } } }", &json!({ "id": id }));
        match policy {
            "NEVER" => self.client.ask("the deprecated field `token`, never", &field).await,
            _ => self.client.see_again("the deprecated field `token`", &field, &value).await,
        };
        if number.is_multiple_of(2) {
            let rotate = self.call(
                "mutation($id: ID!) { agentTokenRotate(input: {id: $id}) { tokenValue oldValidUntil } }",
                &json!({ "id": id }),
            );
            self.client.obtain("at", "agentTokenRotate", &rotate, "/data/agentTokenRotate/tokenValue").await;
        }
        let update = self.call(
            "mutation($id: ID!) { agentTokenUpdate(input: {id: $id, description: \"changed\"}) { agentToken { description } } }",
            &json!({ "id": id }),
        );
        self.client.ask("agentTokenUpdate", &update).await;
        if number % 4 == 1 {
            // As the first documentation has it: the value itself is the id.
            let answer =
                self.client.ask("agentTokenRevoke by value", &api::revoke_agent_token(&self.value, &value)).await;
            assert!(api::is_revoked(&answer), "{} {}", answer.status, answer.text());
            self.client.ask("agentTokenReveal, revoked", &reveal).await;
            self.client.ask("GET token, revoked", &api::identify(&value)).await;
        } else {
            self.client.ask("GET token", &api::identify(&value)).await;
        }
    }

    async fn user_token(&mut self, number: usize) {
        let call = api::create_user_token(&self.value, "canary");
        let (value, answer) =
            self.client.obtain("ut", "userTokenCreate", &call, "/data/userTokenCreate/tokenValue").await;
        let answer = answer.json();
        let id = answer["data"]["userTokenCreate"]["userToken"]["id"].as_str().expect("an id").to_owned();
        let reveal =
            self.call("mutation($id: ID!) { userTokenReveal(input: {id: $id}) { tokenValue } }", &json!({ "id": id }));
        self.client.see_again("userTokenReveal", &reveal, &value).await;
        self.client.ask("viewer", &api::graphql(&value, "{ viewer { user { email } } }", &json!({}))).await;
        if number.is_multiple_of(3) {
            let answer = self.client.ask("userTokenRevoke", &api::revoke_user_token(&self.value, &id)).await;
            assert!(api::is_user_token_revoked(&answer), "{} {}", answer.status, answer.text());
            self.client
                .ask("viewer, revoked", &api::graphql(&value, "{ viewer { user { email } } }", &json!({})))
                .await;
        }
    }

    async fn invitation(&mut self, number: usize) {
        let query =
            "mutation($email: String!) { organizationInvitationCreate(input: {email: $email}) { invitationValue } }";
        let create = self.call(query, &json!({ "email": format!("canary{number}@acme.example") }));
        let at = "/data/organizationInvitationCreate/invitationValue";
        let (value, _) = self.client.obtain("iv", "organizationInvitationCreate", &create, at).await;
        let query = "mutation { organizationInvitationAccept(input: {name: \"Canary\"}) { userTokenValue } }";
        let accept = api::graphql(&value, query, &json!({}));
        let at = "/data/organizationInvitationAccept/userTokenValue";
        self.client.obtain("ut", "organizationInvitationAccept", &accept, at).await;
        self.client.ask("organizationInvitationAccept, used", &accept).await;
        self.client.ask("organizationInvitationCreate again", &create).await;
    }

    async fn organization(&mut self, operator: &str) {
        let slug = format!("org-{}", api::public_id(operator).to_lowercase());
        let query =
            "mutation($slug: String!) { organizationCreate(input: {slug: $slug, admin: \"grace@example.com\"}) {
            userTokenValue agentTokenValue } }";
        let call = api::graphql(operator, query, &json!({ "slug": slug }));
        let answer = self.client.connection.call(&call).await.expect("the server answers");
        let body = answer.json();
        let value = |name: &str| body["data"]["organizationCreate"][name].as_str().map(str::to_owned);
        let (Some(user), Some(agent)) = (value("userTokenValue"), value("agentTokenValue")) else {
            panic!("organizationCreate: {} {}", answer.status, answer.text())
        };
        self.client.hunt.canary("ut", &user);
        self.client.hunt.canary("at", &agent);
        self.client.hunt.said("answer to organizationCreate", &answer.body, &[&user, &agent]);
        self.client.ask("organizationCreate again", &call).await;
    }

    async fn look_around(&mut self) {
        let list = "{ organization(slug: \"acme\") { id name agentTokens(first: 100) {
            edges { node { id uuid description publicId revokedReason lastUsedIp permissions { agentTokenRevoke { allowed } } } } }
            agents(first: 100) { edges { node { id name ipAddress } } } } }";
        for query in [list, "{ viewer { user { name email } } }", "{ __schema { types { name } } }"] {
            let call = self.call(query, &json!({}));
            self.client.ask("a query", &call).await;
        }
        for path in ["/healthz", "/readyz", "/metrics", "/graphql", "/v1", "/", "/v3", "/no/such/path"] {
            self.client.ask(path, &Call::get(path)).await;
            let call = Call::get(path).bearer(&self.value).header("accept", "text/html");
            self.client.ask(path, &call).await;
        }
    }
}
