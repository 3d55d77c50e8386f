//! A server in process, and an agent that calls it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use countersign_control::PageRequest;
use countersign_control::access::actions::{CreateAgentToken, RegisterAgent, ViewAgents};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::agents::Registration;
use countersign_control::dagster::DagsterAgent;
use countersign_domain::{DeploymentScope, Scope};
use countersign_http::{Edge, TrustedProxies};
use countersign_testkit::{Engine, SeededEntropy, World};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// Every document that an agent has, by what it does: written after its protocol.
pub const AGENTS: &str =
    "query Agents($heartbeatedSince: Float) { agents(heartbeatedSince: $heartbeatedSince) { id status } }";
pub const DEPLOYMENTS: &str = "query Deployments($deploymentNames: [String!]!) { deployments(deploymentNames: $deploymentNames) { deploymentName } }";
pub const WORKSPACE: &str = "query WorkspaceEntries($deploymentNames: [String!]!, $includeAllServerlessDeployments: Boolean!, \
     $agentQueues: [String]) { deployments(deploymentNames: $deploymentNames, \
     includeAllServerlessDeployments: $includeAllServerlessDeployments) { deploymentName isBranchDeployment \
     workspaceEntries(agentQueues: $agentQueues) { locationName serializedDeploymentMetadata hasOutdatedData hasLoadError \
     metadataTimestamp } } }";
// Two of its variables have nothing but white space between them.
pub const REQUESTS: &str = "mutation GetUserCloudRequests($forBranchDeployments: Boolean $forFullDeployments: [String!], $limit: Int, \
     $agentQueues: [String]) { userCloudAgent { popUserCloudAgentRequests(limit: $limit, forBranchDeployments: $forBranchDeployments, \
     forFullDeployments: $forFullDeployments, agentQueues: $agentQueues) { requestId requestApi requestBody deploymentName \
     isBranchDeployment } } }";
pub const HEARTBEATS: &str = "mutation AddAgentHeartbeats($serializedAgentHeartbeats: [AgentHeartbeatInput!], \
     $serializedErrors: [String!]) { userCloudAgent { addAgentHeartbeats(serializedAgentHeartbeats: $serializedAgentHeartbeats, \
     serializedErrors: $serializedErrors) { ok } } }";
pub const DEPLOYMENT_INFO: &str = "query DeploymentInfo { deploymentInfo { deploymentName deploymentType } }";

/// What a process calls itself.
pub const PROCESS: &str = "5e6d1c1f-64e4-4c06-9d60-0a3b54cf2f3a";

/// A server with two organizations, `acme` and its twin `globex`.
pub struct Server {
    pub world: World,
    router: Router,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }

    /// What was answered, without errors.
    pub fn data(&self) -> Value {
        let json = self.json();
        assert_eq!((self.status, json.get("errors")), (StatusCode::OK, None), "{}", self.text);
        json["data"].clone()
    }

    /// A refusal whose words an agent shows: its status, its reason and the words.
    pub fn refused(&self) -> (u16, String, String) {
        let json = self.json();
        for key in ["data", "errors", "maintenance"] {
            assert!(json.get(key).is_none(), "an agent would not show this: {}", self.text);
        }
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), text("reason"), text("message"))
    }
}

impl Server {
    pub async fn new() -> Self {
        let world = World::new(Engine::Sqlite).await;
        let edge = Edge::new(world.control.clone(), Arc::new(SeededEntropy::new(9)), TrustedProxies::default());
        let router = edge.layers(countersign_dagster::router(world.control.clone()));
        Self { world, router }
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        let answer = self.router.clone().oneshot(request).await.expect("the router answers");
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.expect("the body is whole").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).expect("the body is text"),
        }
    }

    /// A body as it is, with headers.
    pub async fn post(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::post("/dagster/graphql").header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// What an agent sends: its token, and the headers that come with it.
    pub async fn ask_as(&self, token: &str, query: &str, variables: Value) -> Answer {
        let headers = [
            ("Dagster-Cloud-Api-Token", token),
            ("Dagster-Cloud-Scope", "organization"),
            ("Dagster-Cloud-Version", "1.13.27"),
        ];
        self.post(&headers, json!({ "query": query, "variables": variables }).to_string()).await
    }

    /// What people's commands send: a user token, and nothing that says which kind it is.
    pub async fn person_as(&self, token: &str, query: &str, variables: Value) -> Answer {
        self.post(&[("Dagster-Cloud-Api-Token", token)], json!({ "query": query, "variables": variables }).to_string())
            .await
    }

    /// With acme's first user token: the answer's data.
    pub async fn person(&self, query: &str, variables: Value) -> Value {
        self.person_as(self.world.acme.user_token(), query, variables).await.data()
    }

    /// A body to an address.
    pub async fn post_at(&self, path: &str, headers: &[(&str, &str)], query: &str) -> Answer {
        let mut request = Request::post(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(json!({ "query": query }).to_string().into()).expect("a request")).await
    }

    /// The value of an agent's session token.
    pub async fn session(&self) -> String {
        let token = self.world.authenticate(self.world.acme.agent_token()).await.expect("a live token");
        let grant = self.world.control.grant_own::<RegisterAgent>(&token).expect("it may register");
        let registered = self.world.control.register_agent(&grant, Registration::default()).await;
        registered.expect("it registers").session.reveal().to_owned()
    }

    /// With acme's first token.
    pub async fn ask(&self, query: &str, variables: Value) -> Answer {
        self.ask_as(self.world.acme.agent_token(), query, variables).await
    }

    /// The value of a token that reaches the default deployment only.
    pub async fn narrow_token(&self) -> String {
        let default = self.world.acme.created.organization.default_deployment;
        let deployments = DeploymentScope::Only { deployments: [default].into(), all_branches: false };
        let scope = Scope { deployments, ..Scope::widest() };
        let new = NewAgentToken { scope: Some(scope), ..NewAgentToken::default() };
        let issued = self.world.control.create_agent_token(&self.world.admin::<CreateAgentToken>(), new).await;
        issued.expect("a token").secret.reveal().to_owned()
    }

    /// What people see of acme's agents.
    pub async fn agents(&self) -> Vec<DagsterAgent> {
        let grant = self.world.admin::<ViewAgents>();
        self.world.control.dagster_agents(&grant, false, PageRequest::first(9)).await.expect("a read").items
    }
}

/// Variables of a heartbeat for some deployments, with some errors.
pub fn heartbeat(process: &str, deployments: &[&str], errors: &[&str]) -> Value {
    let one = json!({
        "__class__": "AgentHeartbeat",
        "timestamp": 1_767_323_045.5,
        "agent_id": process,
        "agent_label": "north",
        "agent_type": "ProcessUserCodeLauncher",
        "errors": null,
        "agent_queues_config":
            { "__class__": "AgentQueuesConfig", "include_default_queue": true, "additional_queues": ["gpu"] },
        "metadata": { "version": "1.13.27", "utilization_metrics": {} },
        "run_worker_statuses": null,
        "code_server_heartbeats": [{
            "__class__": "CloudCodeServerHeartbeat", "location_name": "sales", "metadata": {},
            "server_status": { "__enum__": "CloudCodeServerStatus.FAILED" },
            "error": { "__class__": "SerializableErrorInfo", "message": "no module named sales\n", "stack": ["  line 1\n"],
                       "cls_name": "ModuleNotFoundError", "cause": null, "context": null },
        }],
    });
    let beat = |name: &&str| json!({ "deploymentName": name, "serializedAgentHeartbeat": one.to_string() });
    let error = |text: &&str| {
        let info = json!({ "__class__": "SerializableErrorInfo", "message": text, "stack": [], "cls_name": "OSError",
                           "cause": null, "context": null });
        json!({ "__class__": "TimestampedError", "timestamp": 12.5, "error": info }).to_string()
    };
    let beats: Vec<Value> = deployments.iter().map(beat).collect();
    let errors: Vec<String> = errors.iter().map(error).collect();
    json!({ "serializedAgentHeartbeats": beats, "serializedErrors": errors })
}
