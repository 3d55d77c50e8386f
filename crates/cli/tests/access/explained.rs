//! Who is let in, asked in every way at once: of agents that come to both protocols, of `explain`, and of the two faces that tell people of it.
//! What each says is compared with a reference that knows nothing of them.

use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use countersign_control::access::actions::{
    CreateAgentToken, CreateDeployment, RevokeAgentToken, ViewAgentTokens, ViewOrganization,
};
use countersign_control::agent_tokens::{NewAgentToken, Question, Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::deployments::NewDeployment;
use countersign_domain::id::{DeploymentId, TokenId};
use countersign_testkit::scopes::{self, Coming, Plain, QUEUES};
use countersign_testkit::{Engine, World};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::faces;

/// How many scopes there are on an engine. On PostgreSQL only the storing and reading of scopes can differ, and each write costs some ten times as much.
const fn scopes_on(engine: Engine) -> usize {
    match engine {
        Engine::Sqlite => 500,
        Engine::Postgres => 50,
    }
}
/// How many come with each.
const EACH: usize = 10;
/// Of so many tokens one is revoked, and another has expired, before anybody comes.
const ENDED_OF: usize = 20;
/// How long a token lives that is to expire, and a little longer than any window in which calls are counted.
const HOUR: Duration = Duration::from_secs(3_600);
const NAMES: [&str; 4] = ["default", "prod", "one", "two"];

/// What an agent is told: nothing, or the word of the refusal.
type Verdict = Option<&'static str>;

struct Table {
    world: World,
    routes: Router,
    ids: Vec<DeploymentId>,
}

/// A token, and how it has ended.
struct Tried {
    id: TokenId,
    value: String,
    ended: Verdict,
}

#[tokio::test]
async fn every_face_says_the_same_of_5000_cases() {
    for engine in Engine::all() {
        let table = Table::new(engine).await;
        let mut runner = scopes::runner(1);
        let mut counts = std::collections::BTreeMap::new();
        let count = scopes_on(engine);
        for number in 0..count {
            let (plain, coming) = scopes::next(&mut runner, EACH);
            let tried = table.token(number, &plain).await;
            let told = table.graphql(&tried, &coming).await;
            for ((at, coming), graphql) in coming.iter().enumerate().zip(told) {
                let named = is_named(at);
                let wanted = wanted(&plain, coming, named, tried.ended);
                let words = format!("{}, {plain:?}, {coming:?}, {:?}", engine.name(), tried.ended);
                let told = [
                    ("explain", table.explain(&tried, coming, named).await),
                    ("GraphQL", graphql),
                    ("REST", table.rest(&tried, coming, named).await),
                    ("the Agent API", table.register(&tried, coming, named).await),
                ];
                for (who, said) in told {
                    assert_eq!(said.as_deref(), wanted, "{who}: {words}");
                }
                if named {
                    assert_eq!(table.pop(&tried, coming).await.as_deref(), wanted, "the Dagster+ API: {words}");
                } else {
                    let meant = meant(&plain).filter(|_| plain.allows_network(coming.from) && tried.ended.is_none());
                    let told = table.meant(&tried, coming.from).await;
                    assert_eq!(told.as_deref(), meant.map(|at| NAMES[at]), "the Dagster+ API: {words}");
                }
                *counts.entry(wanted).or_insert(0_usize) += 1;
            }
        }
        assert_eq!(counts.values().sum::<usize>(), count * EACH);
        for verdict in [None, Some("network"), Some("scope"), Some("revoked"), Some("expired")] {
            let of_it = counts.get(&verdict).copied().unwrap_or_default();
            assert!(of_it > count * EACH / 50, "too few of {verdict:?}: {counts:?}");
        }
        println!("{}: {} cases, 0 disagreements: {counts:?}", engine.name(), count * EACH);
    }
}

/// Of so many that come one names no deployment. Of the Dagster+ API this is asked by a call that knows no queue.
const UNNAMED_OF: usize = 5;

/// What the reference says. Somebody whose token has ended is told that first; then the network; of queue and deployment one word is said.
fn wanted(plain: &Plain, coming: &Coming, named: bool, ended: Verdict) -> Verdict {
    let joins = if named { Some(coming.deployment) } else { meant(plain) };
    if ended.is_some() {
        ended
    } else if !plain.allows_network(coming.from) {
        Some("network")
    } else if plain.allows_queue(coming.queue) && joins.is_some_and(|at| plain.allows_deployment(at)) {
        None
    } else {
        Some("scope")
    }
}

const fn is_named(at: usize) -> bool {
    !at.is_multiple_of(UNNAMED_OF)
}

/// Which deployment an agent joins that names none: the token's only one, else the default, else the only full one.
fn meant(plain: &Plain) -> Option<usize> {
    let Some((members, all_branches)) = &plain.deployments else { return Some(0) };
    let mut members = members.clone();
    members.sort_unstable();
    members.dedup();
    if let ([only], false) = (&members[..], all_branches) {
        return Some(*only);
    }
    let full: Vec<usize> = members.into_iter().filter(|at| !scopes::is_branch(*at)).collect();
    match full[..] {
        [0, ..] => Some(0),
        [only] => Some(only),
        _ => None,
    }
}

impl Table {
    async fn new(engine: Engine) -> Self {
        let world = World::new(engine).await;
        let default = world.acme.created.organization.default_deployment;
        for (name, parent) in [("prod", None), ("one", Some(default)), ("two", Some(default))] {
            let new = NewDeployment { name: name.to_owned(), parent, ..NewDeployment::default() };
            world.control.create_deployment(&world.admin::<CreateDeployment>(), new).await.expect("a deployment");
        }
        let all = world.control.deployments(&world.admin::<ViewOrganization>()).await.expect("deployments");
        let id = |name: &&str| all.iter().find(|it| it.name == *name).expect("it was made").id;
        Self { routes: faces::of(&world), ids: NAMES.iter().map(id).collect(), world }
    }

    async fn token(&self, number: usize, plain: &Plain) -> Tried {
        let control = &self.world.control;
        let expires = number % ENDED_OF == 1;
        let expires_at = expires.then(|| control.now().plus(HOUR));
        let new = NewAgentToken { scope: Some(plain.scope(&self.ids)), expires_at, ..NewAgentToken::default() };
        let issued = control.create_agent_token(&self.world.admin::<CreateAgentToken>(), new).await.expect("a token");
        let id = issued.token.token.id;
        let revoked = number.is_multiple_of(ENDED_OF);
        if revoked {
            let revocation = Revocation {
                token: TokenReference::Id(id),
                reason: "tried".to_owned(),
                connected_agents: Reach::Keep,
                expected: None,
            };
            let grant = self.world.admin::<RevokeAgentToken>();
            control.revoke_agent_token(&grant, revocation).await.expect("it is revoked");
        }
        // Nobody is refused for coming too often.
        self.world.clock.advance(HOUR);
        let ended = if revoked {
            Some("revoked")
        } else if expires {
            Some("expired")
        } else {
            None
        };
        Tried { id, value: issued.secret.reveal().to_owned(), ended }
    }

    async fn explain(&self, tried: &Tried, coming: &Coming, named: bool) -> Option<String> {
        let (deployment, queue, from) = written(coming, named);
        let token = TokenReference::Id(tried.id);
        let question = Question::read(token, deployment, Some(queue), Some(&from)).expect("a question");
        let grant = self.world.admin::<ViewAgentTokens>();
        let it = self.world.control.explain_agent_token(&grant, question).await.expect("an explanation");
        let refusal = it.decisive().refusal().map(|reason| reason.as_str().to_owned());
        assert_eq!(it.is_allowed(), refusal.is_none());
        refusal
    }

    /// All of a token's in one call.
    async fn graphql(&self, tried: &Tried, all: &[Coming]) -> Vec<Option<String>> {
        let field = |(at, coming): (usize, &Coming)| {
            let (deployment, queue, from) = written(coming, is_named(at));
            let deployment = deployment.map_or_else(|| "null".to_owned(), |name| format!("{name:?}"));
            format!(
                "a{at}: explain(deployment: {deployment}, queue: {queue:?}, address: {from:?}) {{ allowed decidedBy {{ refusal }} }} "
            )
        };
        let fields: String = all.iter().enumerate().map(field).collect();
        let query = format!("{{ agentToken(slug: \"acme/{}\") {{ {fields} }} }}", tried.id);
        let body = json!({ "query": query }).to_string();
        let answer = self.send("POST", "/graphql", self.world.acme.user_token(), Some(body), here()).await;
        let (_, answer) = answer;
        let explained = &answer["data"]["agentToken"];
        let verdict = |at| {
            let it = &explained[format!("a{at}")];
            read(&it["allowed"], &it["decidedBy"]["refusal"], &answer)
        };
        (0..all.len()).map(verdict).collect()
    }

    async fn rest(&self, tried: &Tried, coming: &Coming, named: bool) -> Option<String> {
        let (deployment, queue, from) = written(coming, named);
        let deployment = deployment.unwrap_or_default();
        let path = format!(
            "/v2/organizations/acme/agent-tokens/{}/explain?deployment={deployment}&queue={queue}&address={from}",
            tried.id
        );
        let (_, answer) = self.send("GET", &path, self.world.acme.user_token(), None, here()).await;
        read(&answer["allowed"], &answer["decided_by"]["refusal"], &answer)
    }

    async fn register(&self, tried: &Tried, coming: &Coming, named: bool) -> Option<String> {
        let (deployment, queue, _) = written(coming, named);
        let mut tags = vec![format!("queue={queue}")];
        tags.extend(deployment.map(|name| format!("deployment={name}")));
        let body = json!({ "name": "tried", "meta_data": tags }).to_string();
        let (status, answer) = self.send("POST", "/v3/register", &tried.value, Some(body), coming.from).await;
        enforced(status, &answer)
    }

    async fn pop(&self, tried: &Tried, coming: &Coming) -> Option<String> {
        const POP: &str = "mutation($names: [String!], $queues: [String]) { userCloudAgent { \
             popUserCloudAgentRequests(forFullDeployments: $names, agentQueues: $queues) { requestId } } }";
        let (deployment, queue, _) = written(coming, true);
        // The queue of that name is the one without a name there.
        let queue = (queue != "default").then_some(queue);
        let body = json!({ "query": POP, "variables": { "names": [deployment], "queues": [queue] } }).to_string();
        let (status, answer) = self.send("POST", "/dagster/graphql", &tried.value, Some(body), coming.from).await;
        enforced(status, &answer)
    }

    /// The deployment of a Dagster+ agent whose configuration names none; none when it is told that none is meant, or is refused.
    async fn meant(&self, tried: &Tried, from: IpAddr) -> Option<String> {
        let body = json!({ "query": "{ deploymentInfo { deploymentName } }" }).to_string();
        let (status, answer) = self.send("POST", "/dagster/graphql", &tried.value, Some(body), from).await;
        let name = answer["data"]["deploymentInfo"]["deploymentName"].as_str();
        assert_eq!(name.is_some(), status.is_success(), "{answer}");
        name.map(str::to_owned)
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<String>,
        from: IpAddr,
    ) -> (StatusCode, Value) {
        let (name, word) = crate::dagster::header_of(path);
        let request = Request::builder().method(method).uri(path).header(name, format!("{word}{token}"));
        let request = request.header("Content-Type", "application/json");
        let request = request.body(Body::from(body.unwrap_or_default())).expect("a request");
        let (status, text) = faces::answer(&self.routes, request, from).await;
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {status} {text}")))
    }
}

/// Deployment, queue and address as they are asked for.
fn written(coming: &Coming, named: bool) -> (Option<&'static str>, &'static str, String) {
    (named.then_some(NAMES[coming.deployment]), QUEUES[coming.queue], coming.from.to_string())
}

fn here() -> IpAddr {
    IpAddr::from([127, 0, 0, 1])
}

/// What an explanation says; one that is none is a fault.
fn read(allowed: &Value, refusal: &Value, answer: &Value) -> Option<String> {
    let allowed = allowed.as_bool().unwrap_or_else(|| panic!("no explanation: {answer}"));
    assert_eq!(allowed, refusal.is_null(), "{answer}");
    refusal.as_str().map(str::to_owned)
}

/// What an agent was told.
fn enforced(status: StatusCode, answer: &Value) -> Option<String> {
    match answer["reason"].as_str() {
        None if status.is_success() => None,
        Some(reason) if !status.is_success() => Some(reason.to_owned()),
        _ => panic!("neither let in nor refused with a reason: {status} {answer}"),
    }
}
