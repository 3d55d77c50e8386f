//! Those who call, and the server that they call.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use countersign_control::access::actions::{
    AcceptJob, ConnectAgent, CreateBuild, CreateUserToken, ManageOperatorTokens, Ping, RegisterAgent, ReportJob,
    RevokeUserToken,
};
use countersign_control::agents::{Instruction, Registration};
use countersign_control::builds::NewBuild;
use countersign_control::user_tokens::{NewUserToken, UserTokenReference};
use countersign_domain::id::{AgentId, BuildId, DeploymentId, JobId};
use countersign_domain::token::Prefix;
use countersign_domain::{Kind, TokenSecret};
use countersign_store::{Lane, Sql, StoreError, params};
use countersign_testkit::{Engine, SeededEntropy, Tenant, World};
use http::{Request, StatusCode};

use crate::faces;

use crate::words::Words;

/// An operation of a face, with a call that would succeed for whoever may.
pub struct Operation {
    pub name: String,
    pub method: &'static str,
    pub path: String,
    /// `{…}` in path and body stand for ids of acme's.
    pub body: Option<String>,
}

/// Those who call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    Anonymous,
    Garbage,
    Unknown,
    Admin,
    Member,
    Foreign,
    Revoked,
    Operator,
    AgentToken,
    Session,
    EndedSession,
    Job,
    OtherJob,
    EndedJob,
    Invitation,
}

impl Caller {
    pub const ALL: [Self; 15] = [
        Self::Anonymous,
        Self::Garbage,
        Self::Unknown,
        Self::Admin,
        Self::Member,
        Self::Foreign,
        Self::Revoked,
        Self::Operator,
        Self::AgentToken,
        Self::Session,
        Self::EndedSession,
        Self::Job,
        Self::OtherJob,
        Self::EndedJob,
        Self::Invitation,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Garbage => "garbage",
            Self::Unknown => "unknown",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Foreign => "foreign-admin",
            Self::Revoked => "revoked-user",
            Self::Operator => "operator",
            Self::AgentToken => "agent-token",
            Self::Session => "session",
            Self::EndedSession => "ended-session",
            Self::Job => "job",
            Self::OtherJob => "other-job",
            Self::EndedJob => "ended-job",
            Self::Invitation => "invitation",
        }
    }
}

/// An agent with a job that it has taken.
pub struct Worker {
    pub agent: AgentId,
    pub session: String,
    pub build: BuildId,
    pub job: JobId,
    pub token: String,
}

/// A server, and a value for everyone who calls it.
pub struct Cast {
    pub world: World,
    routes: Router,
    member: String,
    revoked: String,
    operator: String,
    unknown: String,
    ended_session: String,
    ended_job: String,
    worker: Worker,
    other: Worker,
    /// What operations name of acme's.
    pub words: Words,
}

const ADD_DEPLOYMENT: Sql = Sql {
    name: "add deployment",
    text: "INSERT INTO deployments (id, organization_id, name, parent_id, created_at) VALUES ($1, $2, 'far', NULL, 0)",
};

impl Cast {
    pub async fn assemble() -> Self {
        let world = World::new(Engine::Sqlite).await;
        let routes = faces::of(&world);
        let member = world.member().await;
        let revoked = user_token(&world, true).await;
        let operator = {
            let grant = world.control.grant_own::<ManageOperatorTokens>(&world.operator).expect("the operator may");
            let (_, secret) = world.control.create_operator_token(&grant, "for tests").await.expect("a token");
            secret.reveal().to_owned()
        };
        let unknown =
            TokenSecret::mint(&Prefix::default(), Kind::UserToken, &SeededEntropy::new(99)).reveal().to_owned();
        let ended = ended(&world, &world.acme).await;
        let worker_ = worker(&world).await;
        let other = worker(&world).await;
        let words = Words::of(&world, &world.acme, &worker_, ended.job).await;
        Self {
            routes,
            member,
            revoked,
            operator,
            unknown,
            ended_session: ended.session,
            ended_job: ended.token,
            worker: worker_,
            other,
            words,
            world,
        }
    }

    pub fn value(&self, caller: Caller) -> Option<&str> {
        Some(match caller {
            Caller::Anonymous => return None,
            Caller::Garbage => "garbage",
            Caller::Unknown => &self.unknown,
            Caller::Admin => self.world.acme.user_token(),
            Caller::Member => &self.member,
            Caller::Foreign => self.world.globex.user_token(),
            Caller::Revoked => &self.revoked,
            Caller::Operator => &self.operator,
            Caller::AgentToken => self.world.acme.agent_token(),
            Caller::Session => &self.worker.session,
            Caller::EndedSession => &self.ended_session,
            Caller::Job => &self.worker.token,
            Caller::OtherJob => &self.other.token,
            Caller::EndedJob => &self.ended_job,
            Caller::Invitation => self.words.value("{invitation-value}").expect("it was prepared"),
        })
    }

    /// What the caller meets.
    pub async fn call(&self, operation: &Operation, caller: Caller) -> String {
        self.call_with(operation, self.value(caller)).await
    }

    /// The tokens of two jobs that run elsewhere: in another deployment of acme's, and in globex.
    pub async fn elsewhere(&self) -> [String; 2] {
        let of = self.world.acme.created.organization.id;
        let id = DeploymentId::new(self.world.control.now(), &SeededEntropy::new(12));
        let values = params![id, of].to_vec();
        let far: Result<(), StoreError> = self
            .world
            .control
            .store()
            .transact(Lane::Normal, values, |tx, values| {
                Box::pin(async move { tx.execute(ADD_DEPLOYMENT, values).await.map(drop) })
            })
            .await;
        far.expect("a deployment");
        let far = worker_in(&self.world, &self.world.acme, Some("far")).await;
        let foreign = worker_in(&self.world, &self.world.globex, None).await;
        [far.token, foreign.token]
    }

    /// What whoever shows this value meets.
    pub async fn call_with(&self, operation: &Operation, value: Option<&str>) -> String {
        let (status, text) = self.ask(operation, value, &self.words).await;
        outcome(status, &text)
    }

    /// The whole answer to an operation on what is named so.
    pub async fn ask(&self, operation: &Operation, value: Option<&str>, words: &Words) -> (StatusCode, String) {
        let mut request = Request::builder().method(operation.method).uri(words.fill(&operation.path));
        if let Some(value) = value {
            let (name, word) = crate::dagster::header_of(&operation.path);
            request = request.header(name, format!("{word}{value}"));
        }
        let body = operation.body.as_deref().map(|body| words.fill(body));
        if body.is_some() {
            request = request.header("Content-Type", "application/json");
        }
        let request = request.body(Body::from(body.unwrap_or_default())).expect("a request");
        faces::answer(&self.routes, request, "192.0.2.1".parse().expect("an address")).await
    }
}

/// The status, and the word that says why.
pub fn outcome(status: StatusCode, body: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let reason = json["reason"].as_str();
    let error = &json["errors"][0];
    let word = reason
        .or_else(|| error["extensions"]["reason"].as_str())
        .or_else(|| error["extensions"]["type"].as_str())
        .or_else(|| error["message"].as_str());
    // What the Dagster face answers in the place of the object.
    let in_its_place = json["data"].as_object().and_then(|data| {
        data.values().find_map(|value| value["__typename"].as_str().filter(|name| name.ends_with("Error")))
    });
    let word = word.or(in_its_place);
    let is_null = json["data"].as_object().is_some_and(|data| data.values().all(serde_json::Value::is_null));
    match word {
        Some(word) => format!("{} {word}", status.as_u16()),
        None if is_null => format!("{} null", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

async fn user_token(world: &World, revoke: bool) -> String {
    let issued = world.control.create_user_token(&world.admin::<CreateUserToken>(), NewUserToken::default()).await;
    let issued = issued.expect("a user token");
    if revoke {
        let reference = UserTokenReference::Id(issued.token.id);
        let revoked = world.control.revoke_user_token(&world.admin::<RevokeUserToken>(), reference, None).await;
        revoked.expect("it is revoked");
    }
    issued.secret.reveal().to_owned()
}

/// A fresh agent that has taken a fresh job and started it.
async fn worker(world: &World) -> Worker {
    worker_in(world, &world.acme, None).await
}

/// The same in an organization, and in a deployment that is not its default.
pub async fn worker_in(world: &World, tenant: &Tenant, deployment: Option<&str>) -> Worker {
    let control = &world.control;
    let token = world.authenticate(tenant.agent_token()).await.expect("a live token");
    let grant = control.grant_own::<RegisterAgent>(&token).expect("it may register");
    let tags = deployment.map(|name| format!("deployment={name}")).into_iter().collect();
    let new = Registration { version: Some("3.137.0".to_owned()), tags, ..Registration::default() };
    let registered = control.register_agent(&grant, new).await.expect("it registers");
    let session = registered.session.reveal().to_owned();
    let caller = world.authenticate(&session).await.expect("a live session");
    control.connect_agent(&control.grant_own::<ConnectAgent>(&caller).expect("it may")).await.expect("it connects");
    let build = build_in(world, tenant, deployment).await;
    let ping = control.grant_own::<Ping>(&caller).expect("it may");
    let Ok(Instruction::TakeJob(job)) = control.ping(&ping).await else { panic!("no job was offered") };
    let accept = control.grant_own::<AcceptJob>(&caller).expect("it may");
    let accepted = control.accept_job(&accept, job).await.expect("it takes the job");
    Worker { agent: registered.agent.id, session, build, job, token: accepted.secret.reveal().to_owned() }
}

/// A build of one job that nobody has taken.
pub async fn build_in(world: &World, tenant: &Tenant, deployment: Option<&str>) -> BuildId {
    world.clock.advance(Duration::from_millis(5));
    let new = NewBuild {
        definition: "steps: [{command: 'true'}]".to_owned(),
        pipeline: "matrix".to_owned(),
        queue: None,
        deployment: deployment.map(str::to_owned),
        message: None,
        ..NewBuild::default()
    };
    let grant = world.control.grant_own::<CreateBuild>(&tenant.admin).expect("an admin may");
    world.control.create_build(&grant, new).await.expect("a build").id
}

/// A worker whose job has ended, and that has left.
pub async fn ended(world: &World, tenant: &Tenant) -> Worker {
    let worker = worker_in(world, tenant, None).await;
    finish(world, &worker).await;
    leave(world, &worker).await;
    worker
}

async fn finish(world: &World, worker: &Worker) {
    let caller = world.authenticate(&worker.token).await.expect("a live job token");
    let grant = world.control.grant_own::<ReportJob>(&caller).expect("it may");
    let how = countersign_control::jobs::Finished {
        exit_status: "0".to_owned(),
        signal: None,
        signal_reason: None,
        chunks_failed: 0,
        ignore_agent_in_dispatches: false,
    };
    world.control.finish_job(&grant, how).await.expect("it ends");
}

async fn leave(world: &World, worker: &Worker) {
    let caller = world.authenticate(&worker.session).await.expect("a live session");
    let grant = world.control.grant_own(&caller).expect("it may");
    world.control.disconnect_agent(&grant).await.expect("it leaves");
}
