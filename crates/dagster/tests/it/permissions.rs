//! What an agent token reaches, one of Dagster's permissions at a time.

use countersign_control::access::actions::CreateDeployment;
use countersign_control::deployments::NewDeployment;
use http::StatusCode;
use serde_json::{Value, json};

use crate::server::{DEPLOYMENTS, REQUESTS, Server};
use crate::tokens::{CREATE, kind};

const GIVE: &str = "mutation($it: CreateOrUpdateCloudAgentPermissionsInput!) { createOrUpdateAgentPermissions(agentPermission: $it) { \
     __typename ... on DagsterCloudAgentToken { permissions { organizationPermissionGrant { grant } allBranchDeploymentsPermissionGrant { grant } \
     deploymentPermissionGrants { deploymentId grant deploymentScope } } } ... on UnauthorizedError { message } ... on PythonError { message } } }";
const TAKE: &str = "mutation($it: RemoveAgentPermissionsInput!) { removeAgentPermissions(agentPermission: $it) { __typename \
     ... on DagsterCloudAgentToken { permissions { organizationPermissionGrant { grant } allBranchDeploymentsPermissionGrant { grant } \
     deploymentPermissionGrants { deploymentId } } } ... on UnauthorizedError { message } ... on PythonError { message } } }";

/// A token that was made over this API.
struct Made {
    server: Server,
    id: Value,
    value: String,
    prod: Value,
}

impl Made {
    async fn new() -> Self {
        let server = Server::new().await;
        let new = NewDeployment { name: "prod".to_owned(), ..NewDeployment::default() };
        let grant = server.world.admin::<CreateDeployment>();
        server.world.control.create_deployment(&grant, new).await.expect("a deployment");
        let all = server.person("{ fullDeployments { deploymentName deploymentId } }", json!({})).await;
        let prod =
            all["fullDeployments"].as_array().and_then(|all| all.iter().find(|it| it["deploymentName"] == "prod"));
        let prod = prod.expect("it is listed")["deploymentId"].clone();
        let made = server.person(CREATE, json!({})).await;
        let made = &made["createAgentToken"];
        let value = made["token"].as_str().expect("a value").to_owned();
        let id = made["id"].clone();
        Self { server, id, value, prod }
    }

    fn input(&self, scope: &str, deployment: Option<&Value>) -> Value {
        json!({ "it": { "agentTokenId": self.id, "deploymentScope": scope, "deploymentId": deployment } })
    }

    async fn give(&self, scope: &str, deployment: Option<&Value>) -> Value {
        let mut input = self.input(scope, deployment);
        input["it"]["grant"] = json!("AGENT");
        self.server.person(GIVE, input).await
    }

    async fn take(&self, scope: &str, deployment: Option<&Value>) -> Value {
        self.server.person(TAKE, self.input(scope, deployment)).await
    }

    async fn reaches(&self, name: &str) -> bool {
        let answer = self.server.ask_as(&self.value, DEPLOYMENTS, json!({ "deploymentNames": [name] })).await;
        answer.status == StatusCode::OK
    }

    async fn reaches_branches(&self) -> bool {
        let wanted = json!({ "forBranchDeployments": true, "forFullDeployments": [] });
        self.server.ask_as(&self.value, REQUESTS, wanted).await.status == StatusCode::OK
    }
}

#[tokio::test]
async fn the_whole_organization_is_exchanged_for_single_deployments_and_back() {
    let made = Made::new().await;
    assert!(made.reaches("default").await && made.reaches("prod").await && made.reaches_branches().await);
    let last = made.take("ORGANIZATION", None).await;
    assert_eq!(kind(&last), "PythonError");
    let words = last["removeAgentPermissions"]["message"].as_str().expect("words");
    assert!(words.contains("last permission") && words.contains("revoke"), "{words}");
    assert!(made.reaches("default").await, "nothing has changed");

    let given = made.give("DEPLOYMENT", Some(&made.prod)).await;
    let permissions = &given["createOrUpdateAgentPermissions"]["permissions"];
    let single = json!([{ "deploymentId": made.prod, "grant": "AGENT", "deploymentScope": "DEPLOYMENT" }]);
    assert_eq!(permissions["deploymentPermissionGrants"], single);
    assert_eq!(permissions["organizationPermissionGrant"], json!({ "grant": "AGENT" }), "beside it");
    assert!(made.reaches("default").await, "the whole organization still counts");

    let left = made.take("ORGANIZATION", None).await;
    let permissions = &left["removeAgentPermissions"]["permissions"];
    assert_eq!(permissions["organizationPermissionGrant"], Value::Null);
    assert_eq!(permissions["allBranchDeploymentsPermissionGrant"], Value::Null);
    assert!(made.reaches("prod").await && !made.reaches("default").await && !made.reaches_branches().await);

    made.give("ALL_BRANCH_DEPLOYMENTS", None).await;
    assert!(made.reaches_branches().await && !made.reaches("default").await);
    made.take("DEPLOYMENT", Some(&made.prod)).await;
    assert!(!made.reaches("prod").await && made.reaches_branches().await);
    assert_eq!(kind(&made.take("ALL_BRANCH_DEPLOYMENTS", None).await), "PythonError", "the last one");
    made.give("ORGANIZATION", None).await;
    assert!(made.reaches("default").await);
    let left = made.take("ORGANIZATION", None).await;
    let branches = &left["removeAgentPermissions"]["permissions"]["allBranchDeploymentsPermissionGrant"];
    assert_eq!(branches, &json!({ "grant": "AGENT" }), "what was beside it counts again");
    assert!(made.reaches_branches().await && !made.reaches("default").await);
}

#[tokio::test]
async fn what_cannot_be_a_permission_is_named() {
    let made = Made::new().await;
    for (scope, deployment, said) in [
        ("DEPLOYMENT", None, "deploymentId"),
        ("ORGANIZATION", Some(&made.prod), "deploymentId"),
        ("DEPLOYMENT", Some(&json!(99_999)), "No deployment found"),
        // A number, but a token's.
        ("DEPLOYMENT", Some(&made.id), "No deployment found"),
    ] {
        let told = made.give(scope, deployment).await;
        assert_eq!(kind(&told), "PythonError", "{scope} {deployment:?}");
        let words = told["createOrUpdateAgentPermissions"]["message"].as_str().expect("words");
        assert!(words.contains(said), "{words}");
    }
    let mut input = made.input("ORGANIZATION", None);
    input["it"]["grant"] = json!("ADMIN");
    let told = made.server.person(GIVE, input.clone()).await;
    assert!(told["createOrUpdateAgentPermissions"]["message"].as_str().is_some_and(|words| words.contains("AGENT")));
    // Whoever may not hears that, and not what is wrong with the input.
    let member = made.server.world.member().await;
    assert_eq!(kind(&made.server.person_as(&member, GIVE, input).await.data()), "UnauthorizedError");
    let mut input = made.input("ORGANIZATION", None);
    input["it"]["grant"] = json!("AGENT");
    let foreign = made.server.world.globex.user_token().to_owned();
    let told = made.server.person_as(&foreign, GIVE, input).await.data();
    assert_eq!(told["createOrUpdateAgentPermissions"]["message"], "No agent token found.");
}
