//! Who acts in a case, and what they act on: callers, agents, builds, running jobs.

use std::sync::Arc;

use countersign_control::access::actions::{
    AcceptJob, ConnectAgent, CreateAgentToken, CreateBuild, CreateUserToken, Ping, RegisterAgent, ReportJob,
};
use countersign_control::agent_tokens::{Issued, NewAgentToken};
use countersign_control::agents::{Instruction, Registration};
use countersign_control::builds::{Build, NewBuild};
use countersign_control::jobs::{Accepted, Finished};
use countersign_control::user_tokens::NewUserToken;
use countersign_control::{Action, Caller, Control, Error, Grant, Origin, Presented, Result, Settings};
use countersign_domain::id::{AgentId, BuildId, DeploymentId, Id, JobId, OrganizationId, UserId};
use countersign_domain::{Refusal, Role, TokenSecret};
use countersign_store::organizations::{self, Deployment};
use countersign_store::users::{self, User};
use countersign_store::{IntoValue, Lane, Store, StoreError};
use countersign_testkit::{SeededEntropy, Tenant, World};

use crate::sql;

/// Where calls come from.
pub const IP: &str = "192.0.2.10";
/// What they call themselves.
pub const USER_AGENT: &str = "conformance/1.0";
/// In which request.
pub const REQUEST: &str = "req-0001";

/// One step that says a word.
pub const ONE_STEP: &str = "steps: [{command: echo one}]";

/// Where a call comes from, at an address.
pub fn origin(ip: &str) -> Origin {
    Origin {
        ip: ip.parse().expect("an address"),
        user_agent: Some(USER_AGENT.to_owned()),
        request_id: Some(REQUEST.to_owned()),
    }
}

/// Who shows a value.
pub async fn try_caller(control: &Control, value: &str) -> Result<Caller> {
    try_caller_from(control, value, IP).await
}

/// Who shows a value from an address.
pub async fn try_caller_from(control: &Control, value: &str, ip: &str) -> Result<Caller> {
    control.authenticate(Presented { value: Some(value), origin: origin(ip) }).await
}

/// Who shows a value that is accepted.
pub async fn caller(control: &Control, value: &str) -> Caller {
    try_caller(control, value).await.expect("the value is accepted")
}

/// What a caller may do in their own organization.
pub fn may<A: Action>(control: &Control, caller: &Caller) -> Grant<A> {
    control.grant_own(caller).expect("the table allows it")
}

/// Why a value is refused.
pub async fn refusal(control: &Control, value: &str) -> Refusal {
    refusal_of(try_caller(control, value).await)
}

/// Why an outcome is a refused credential.
pub fn refusal_of<T: std::fmt::Debug>(outcome: Result<T>) -> Refusal {
    match outcome {
        Err(Error::Unauthenticated { reason, .. }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

/// The field at which an outcome is invalid.
pub fn field_of<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    match outcome {
        Err(Error::Invalid(fields)) => fields.first().expect("a field is named").field.clone(),
        other => panic!("not invalid: {other:?}"),
    }
}

/// Makes an agent token of acme's.
pub async fn token(world: &World, new: NewAgentToken) -> Issued {
    world.control.create_agent_token(&world.admin::<CreateAgentToken>(), new).await.expect("a token is made")
}

/// An agent that has a session.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its session token.
    pub session: Arc<TokenSecret>,
    /// Who it is.
    pub caller: Caller,
}

/// Tags as an agent sends them.
pub fn registration(tags: &[&str]) -> Registration {
    Registration {
        name: "agent-%random".to_owned(),
        version: Some("3.137.0".to_owned()),
        hostname: Some("host".to_owned()),
        tags: tags.iter().map(ToString::to_string).collect(),
        ..Registration::default()
    }
}

/// Registers an agent, or says why not.
pub async fn try_register(control: &Control, token: &str, tags: &[&str]) -> Result<Agent> {
    let grant: Grant<RegisterAgent> = control.grant_own(&try_caller(control, token).await?)?;
    let registered = control.register_agent(&grant, registration(tags)).await?;
    let caller = try_caller(control, registered.session.reveal()).await?;
    Ok(Agent { id: registered.agent.id, session: registered.session, caller })
}

/// Registers an agent and connects it.
pub async fn connect(control: &Control, token: &str, tags: &[&str]) -> Agent {
    let agent = try_register(control, token, tags).await.expect("the agent registers");
    let grant = may::<ConnectAgent>(control, &agent.caller);
    control.connect_agent(&grant).await.expect("the agent connects");
    agent
}

/// What an agent is told.
pub async fn ping(control: &Control, agent: &Agent) -> Instruction {
    let grant = may::<Ping>(control, &agent.caller);
    control.ping(&grant).await.expect("a connected agent is answered")
}

/// Creates a build in a tenant.
pub async fn build(control: &Control, tenant: &Tenant, definition: &str) -> Build {
    let new = NewBuild {
        definition: definition.to_owned(),
        pipeline: "demo".to_owned(),
        queue: None,
        deployment: None,
        message: None,
        ..NewBuild::default()
    };
    control.create_build(&may::<CreateBuild>(control, &tenant.admin), new).await.expect("a build is made")
}

/// A job that an agent took.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its build.
    pub build: BuildId,
    /// Who runs it.
    pub agent: Agent,
    /// Its token.
    pub secret: Arc<TokenSecret>,
    /// Who it is.
    pub caller: Caller,
}

/// Takes a job that an agent was offered.
pub async fn accept(control: &Control, agent: &Agent, job: JobId) -> Result<Accepted> {
    control.accept_job(&may::<AcceptJob>(control, &agent.caller), job).await
}

/// Pings, and takes the job that is offered.
pub async fn take(control: &Control, agent: &Agent) -> Job {
    let Instruction::TakeJob(id) = ping(control, agent).await else { panic!("no job is offered") };
    let accepted = accept(control, agent, id).await.expect("the offered job is taken");
    let caller = caller(control, accepted.secret.reveal()).await;
    Job { id, build: accepted.job.build, agent: agent.clone(), secret: accepted.secret, caller }
}

/// The command starts.
pub async fn start(control: &Control, job: &Job) {
    control.start_job(&may::<ReportJob>(control, &job.caller)).await.expect("an accepted job starts");
}

/// A build of one step in a tenant, whose job a fresh agent runs.
pub async fn running_job(control: &Control, tenant: &Tenant) -> Job {
    build(control, tenant, ONE_STEP).await;
    let agent = connect(control, tenant.agent_token(), &[]).await;
    let job = take(control, &agent).await;
    start(control, &job).await;
    job
}

/// How a job ended, by its exit status.
pub fn ended(exit_status: &str) -> Finished {
    Finished {
        exit_status: exit_status.to_owned(),
        signal: None,
        signal_reason: None,
        chunks_failed: 0,
        ignore_agent_in_dispatches: false,
    }
}

/// The job ends.
pub async fn finish(control: &Control, job: &Job, exit_status: &str) {
    let grant = may::<ReportJob>(control, &job.caller);
    control.finish_job(&grant, ended(exit_status)).await.expect("a running job ends");
}

/// A fresh user token of the same person, and who shows it.
pub async fn another_token(control: &Control, person: &Caller) -> (Arc<TokenSecret>, Caller) {
    let grant = may::<CreateUserToken>(control, person);
    let issued = control.create_user_token(&grant, NewUserToken::default()).await.expect("a user token is made");
    let caller = caller(control, issued.secret.reveal()).await;
    (issued.secret, caller)
}

/// A new person in an organization, and who shows their user token.
pub async fn person(control: &Control, tenant: &Tenant, email: &str, role: Role) -> Caller {
    let of = tenant.created.organization.id;
    let id = fresh_id::<countersign_domain::id::of::User>(control);
    let user = User {
        id,
        email: email.to_owned(),
        name: email.to_owned(),
        is_service: false,
        description: None,
        created_at: control.now(),
    };
    let added: std::result::Result<(), StoreError> = control
        .store()
        .transact(Lane::Normal, user, move |tx, user| {
            Box::pin(async move {
                users::insert(tx, user).await?;
                users::insert_member(tx, of, user.id, role).await
            })
        })
        .await;
    added.expect("a person is added");
    // No operation makes a token for somebody else: one of the admin's is made theirs.
    let (secret, _) = another_token(control, &tenant.admin).await;
    let text = "UPDATE tokens SET user_id = $1, created_by = $1 WHERE public_id = $2";
    sql::change(control, text, vec![id.into_value(), secret.public_id().as_str().into_value()]).await;
    caller(control, secret.reveal()).await
}

/// Gives a member another role.
pub async fn set_role(control: &Control, of: OrganizationId, user: UserId, role: Role) {
    let text = "UPDATE members SET role = $3, generation = generation + 1 WHERE organization_id = $1 AND user_id = $2";
    let changed =
        sql::change(control, text, vec![of.into_value(), user.into_value(), role.as_str().into_value()]).await;
    assert_eq!(changed, 1);
}

/// A further deployment of a tenant.
pub async fn deployment(control: &Control, tenant: &Tenant, name: &str, parent: Option<DeploymentId>) -> DeploymentId {
    let of = tenant.created.organization.id;
    let new = Deployment { parent, ..Deployment::named(fresh_id(control), name.to_owned(), control.now()) };
    let id = new.id;
    let added: std::result::Result<(), StoreError> = control
        .store()
        .transact(Lane::Normal, new, move |tx, new| Box::pin(organizations::insert_deployment(tx, of, new)))
        .await;
    added.expect("a deployment is added");
    id
}

/// An id that no row has.
pub fn fresh_id<T>(control: &Control) -> Id<T> {
    Id::new(control.now(), &SeededEntropy::new(next()))
}

/// A number that no earlier call got.
pub fn next() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The server stops, and starts again on the same database.
pub async fn restart(world: &mut World) {
    let keys = crate::worlds::ring(&world.control.keys());
    world.control.store().close().await;
    let store = Store::open(world.database.options(world.clock.clone())).await;
    let store = store.expect("the database opens again");
    world.control =
        Control::new(store, keys, world.clock.clone(), Arc::new(SeededEntropy::new(next())), Settings::default())
            .keeping_blobs(world.database.blobs());
}

/// How many calls were refused for a reason, as the figures say.
pub async fn refused(control: &Control, reason: Refusal) -> u64 {
    let gauges = control.gauges().await.expect("figures");
    gauges.refusals.into_iter().find(|(it, _)| *it == reason).expect("each reason").1
}
