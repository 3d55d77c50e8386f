//! A server that listens, with every face, on a clock that stands still until a script moves it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use countersign_control::Settings;
use countersign_control::access::actions::{
    CreateDeployment, CreateQueue, CreateServiceUser, CreateTeam, IssueSignInLink,
};
use countersign_control::deployments::NewDeployment;
use countersign_control::queues::{NewQueue, Queue};
use countersign_control::service_users::NewServiceUser;
use countersign_control::teams::NewTeam;
use countersign_domain::Role;
use countersign_domain::id::{DeploymentId, Id, TeamId, TokenId, UserId};
use countersign_http::{Edge, TrustedProxies};
use countersign_testkit::routes::{self, Route};
use countersign_testkit::{Engine, Member, SeededEntropy, World};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::people::People;
use crate::provider::Wanted;
use crate::work::{self, Work};

/// Where Debian has its browser.
const CHROMIUM: &str = "/usr/bin/chromium";
/// What everybody here chooses.
const PASSWORD: &str = "correct horse battery staple";
const ADMIN: &str = "ada@acme.example";
/// Globex's admin, who is a member of acme.
const MEMBER: &str = "grace@globex.example";

/// A server with two organizations, `acme` and its twin `globex`.
pub struct Stage {
    pub world: World,
    address: SocketAddr,
    /// A deployment that can be deleted.
    deployment: DeploymentId,
    /// A queue in it.
    queue: Id<Queue>,
    team: TeamId,
    robot: UserId,
    work: Work,
    /// What a script has to be for people to sign in by it.
    provider: Option<Wanted>,
    /// Somebody of every role.
    people: Option<People>,
    serving: JoinHandle<()>,
}

impl Stage {
    /// By this name browsers take a page for as safe as one on HTTPS: without that there is no clipboard, and no passkey.
    pub async fn set() -> Self {
        Box::pin(Self::at("localhost", None)).await
    }

    /// One whose people sign in by a provider, which is another site.
    pub async fn with_provider() -> Self {
        Box::pin(Self::at("127.0.0.1", Some(Wanted::new().await))).await
    }

    /// One that somebody of every role looks at.
    pub async fn with_people() -> Self {
        let mut stage = Box::pin(Self::set()).await;
        // Where the pages are of, and where there is work.
        let shown = [stage.deployment, stage.world.acme.created.organization.default_deployment];
        stage.people = Some(Box::pin(People::of(&stage.world, &shown)).await);
        stage
    }

    async fn at(host: &str, provider: Option<Wanted>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let settings = Settings {
            public_url: format!("http://{host}:{}", address.port()),
            // The clock stands still, and a ping that is held would never end.
            ping_hold: Duration::ZERO,
            ..Settings::default()
        };
        let world = World::with(Engine::Sqlite, settings).await;
        world.member().await;
        if let Some(provider) = &provider {
            provider.be_that_of(&world.control);
        }
        let new = NewDeployment { name: "staging".to_owned(), ..NewDeployment::default() };
        let made = world.control.create_deployment(&world.admin::<CreateDeployment>(), new).await;
        let deployment = made.expect("a deployment").id;
        let new = NewTeam { name: "release".to_owned(), description: None };
        let team = world.control.create_team(&world.admin::<CreateTeam>(), new).await.expect("a team").id;
        let new = NewQueue { deployment, key: "deploy".to_owned(), description: None };
        let queue = world.control.create_queue(&world.admin::<CreateQueue>(), new).await.expect("a queue").id;
        let new = NewServiceUser { name: "robot".to_owned(), description: None, role: Role::Member };
        let robot = world.control.create_service_user(&world.admin::<CreateServiceUser>(), new).await;
        let robot = robot.expect("a service user").user.id;
        let work = Box::pin(Work::of(&world)).await;
        let routes = faces(&world).into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        Self { world, address, deployment, queue, team, robot, work, provider, people: None, serving }
    }

    /// A folder of the test's own.
    pub fn folder(&self) -> &Path {
        self.world.database.folder.path()
    }

    /// What a script is told first.
    pub async fn setting(&self, out: &Path, is_whole: bool) -> Value {
        let acme = &self.world.acme;
        json!({
            "address": self.world.control.settings().public_url,
            "direct": format!("http://{}", self.address),
            "organization": "acme",
            "password": PASSWORD,
            "chromium": CHROMIUM,
            "user_token": acme.user_token(),
            "admin": { "email": ADMIN, "link": self.link(ADMIN).await },
            "member": { "email": MEMBER, "link": self.link(MEMBER).await, "name": self.world.globex.created.admin.name },
            "pages": self.pages(self.deployment, acme.created.agent_token.id),
            "people": self.told_of_people().await,
            "provider": self.provider.as_ref().map(Wanted::told),
            "out": out.display().to_string(),
            "whole": is_whole,
        })
    }

    /// The job that runs writes more.
    pub async fn write(&self, text: &str) {
        self.work.write(&self.world, text).await;
    }

    /// A link by which somebody chooses a password and signs in.
    async fn link(&self, email: &str) -> String {
        let control = &self.world.control;
        let grant = control.grant_own::<IssueSignInLink>(&self.world.operator).expect("the operator may");
        let link = control.issue_sign_in_link(&grant, email).await.expect("a link");
        link.secret.reveal().to_owned()
    }

    /// What a script is told of the people of every role; null where there are none.
    async fn told_of_people(&self) -> Value {
        let Some(people) = &self.people else { return Value::Null };
        let mut members = Vec::new();
        for it in Member::ALL {
            members.push(json!({ "role": it.name(), "link": self.link(&it.email()).await }));
        }
        let token = self.world.acme.created.agent_token.id;
        let of_token = |page: &Value| page["route"].as_str().is_some_and(|it| it.contains("/settings/tokens/{token}"));
        let of_deployment = |page: &Value| {
            let is_of_one = |it: &str| it.contains("/deployments/{id}") && !it.contains("{queue}");
            page["route"].as_str().is_some_and(is_of_one)
        };
        json!({
            "members": members,
            "robot": people.robot,
            "token": self.pages(self.deployment, people.token).into_iter().filter(of_token).collect::<Vec<_>>(),
            "branch": self.pages(people.branch, token).into_iter().filter(of_deployment).collect::<Vec<_>>(),
        })
    }

    /// Every route that is asked for by GET, with something in the places that it leaves open.
    fn pages(&self, deployment: DeploymentId, agent_token: TokenId) -> Vec<Value> {
        let created = &self.world.acme.created;
        let shown = routes::pages().into_iter().filter(|route| route.method == "GET");
        let filled = shown.map(|Route { path, .. }| {
            let token = if path.contains("/user-tokens/") { created.user_token.id } else { agent_token };
            // What is a service user's alone is no other member's.
            let is_of_robot = path.contains("/members/{member}/edit") || path.contains("/members/{member}/tokens/");
            let member = if is_of_robot { self.robot } else { self.world.globex.created.admin.id };
            let address = path
                .replace("{organization}", "acme")
                .replace("{token}", &token.to_string())
                .replace("{member}", &member.to_string())
                .replace("{team}", &self.team.to_string())
                .replace("{queue}", &self.queue.to_string())
                .replace("/deployments/{id}", &format!("/deployments/{deployment}"))
                .replace("{agent}", &self.work.agent.to_string())
                .replace("{dagster_agent}", &self.work.dagster_agent.to_string())
                .replace("{pipeline}", work::PIPELINE)
                .replace("{build}", work::BUILD)
                .replace("{step}", &self.work.step.to_string())
                .replace("{job}", &self.work.job.to_string())
                .replace("{artifact}", &self.work.artifact.to_string())
                .replace("{passkey}", &self.team.to_string())
                .replace("{version}", "0")
                .replace("{name}", "pages.css")
                .replace("{*rest}", "nowhere");
            assert!(!address.contains('{'), "{path} leaves something open that nothing is known for here");
            json!({ "route": path, "path": address })
        });
        filled.collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The routes of every face, as a server has them.
fn faces(world: &World) -> Router {
    let control = &world.control;
    let edge = Edge::new(control.clone(), Arc::new(SeededEntropy::new(11)), TrustedProxies::default())
        .with_nowhere(countersign_pages::nowhere(control.clone()));
    let routes = countersign_buildkite::router(control.clone())
        .merge(countersign_graphql::router(control.clone(), countersign_graphql::Allowance::default()))
        .merge(countersign_dagster::router(control.clone()))
        .merge(countersign_pages::router(control.clone()))
        .merge(countersign_pages::development(control.clone(), true))
        .merge(edge.operation());
    edge.layers_with(routes, countersign_buildkite::streams(control.clone()))
}
