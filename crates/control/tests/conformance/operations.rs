//! Every operation that changes something: who calls it, and what it writes into the audit log.

use std::future::Future;

use countersign_control::access::actions::{
    AcceptJob, Annotate, AppendLog, CancelBuild, CancelJob, CancelOwnBuild, ConnectAgent, ControlOwnAgent,
    CreateAgentToken, CreateBuild, CreateDeployment, CreateOrganization, CreatePipeline, CreateQueue, DagsterHeartbeat,
    DeleteArtifact, DeleteDeployment, DeleteQueue, DisconnectAgent, ManageOperatorTokens, PauseAgent, PauseQueue, Ping,
    PrioritizeJob, RegisterAgent, ReportJob, RequestOidcToken, RetryJob, RevealAgentToken, RevokeAgentToken,
    RotateAgentToken, StopAgent, UnblockStep, UpdateAgentToken, UpdateDeployment, UpdateJob, UpdatePipeline,
    UpdateQueue, UploadArtifacts, UploadPipeline, ViewBuilds, WriteMetaData, WriteSteps,
};
use countersign_control::agent_tokens::{NewAgentToken, Revocation, Rotation, TokenReference};
use countersign_control::agents::{Instruction, Reach};
use countersign_control::artifacts::Ended;
use countersign_control::builds::{NewAnnotation, NewBuild, Upload};
use countersign_control::deployments::{Deletion, DeploymentChange, NewDeployment};
use countersign_control::jobs::NewChunk;
use countersign_control::oidc::TokenRequest;
use countersign_control::organizations::NewOrganization;
use countersign_control::pipelines::{NewPipeline, PipelineChange};
use countersign_control::queues::{NewQueue, Queue, QueueChange, QueueReference};
use countersign_control::steps::{Answer, StepChange};
use countersign_control::{Control, Result};
use countersign_domain::id::{BuildId, Id, StepId};
use countersign_store::BoxFuture;
use countersign_testkit::World;

use crate::acting::{ONE_STEP, build, deployment, ended, finish, may, ping, registration, take, token, try_register};
pub use crate::cast::Cast;
use crate::cast::in_queue;
use crate::{artifacts, dagster, updating};

/// What is about to be done: the grant has been made.
pub struct Pending(BoxFuture<'static, Result<()>>);

impl Pending {
    /// Does it.
    pub async fn go(self) -> Result<()> {
        self.0.await
    }
}

/// Whose credential an operation is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Person,
    Operator,
    AgentToken,
    Session,
    Job,
}

/// An operation that changes something.
pub struct Operation {
    pub name: &'static str,
    pub by: By,
    /// The rows that it writes into the audit log.
    pub writes: &'static [&'static str],
    /// Makes what it needs, and the grant.
    pub prepare: for<'a> fn(&'a World, &'a mut Cast) -> BoxFuture<'a, Pending>,
}

pub fn pending(doing: impl Future<Output = Result<()>> + Send + 'static) -> Pending {
    Pending(Box::pin(doing))
}

/// An agent token of acme's that can be changed.
async fn some_token(world: &World) -> TokenReference {
    TokenReference::Id(token(world, NewAgentToken::default()).await.token.token.id)
}

fn queue_of(cast: &Cast) -> QueueReference {
    QueueReference { deployment: None, queue: cast.queue.clone() }
}

fn a_queue(world: &World, cast: &Cast) -> NewQueue {
    let deployment = world.acme.created.organization.default_deployment;
    NewQueue { deployment, key: format!("k-{}", cast.queue), description: None }
}

/// A queue of acme's that nothing is in.
async fn an_idle_queue(world: &World, cast: &Cast) -> Id<Queue> {
    world.control.create_queue(&world.admin::<CreateQueue>(), a_queue(world, cast)).await.expect("a queue").id
}

/// The first step of a build.
async fn first_step(control: &Control, cast: &Cast, build: BuildId) -> StepId {
    let steps = control.build_steps(&may::<ViewBuilds>(control, &cast.person), build, None).await;
    steps.expect("its steps")[0].id
}

macro_rules! operations {
    ($($name:literal by $by:ident writes [$($row:literal),*] |$control:ident, $world:ident, $cast:ident| $prepare:block)*) => {
        /// Those operations.
        pub const ALL: &[Operation] = &[$(Operation {
            name: $name,
            by: By::$by,
            writes: &[$($row),*],
            prepare: |$world, $cast| Box::pin(async move {
                let $control = $world.control.clone();
                $prepare
            }),
        }),*];
    };
}
pub(crate) use operations;

/// Every one of them.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    ALL.iter().chain(crate::people_operations::ALL)
}

operations! {
    "create_agent_token" by Person writes ["agent_token.created"] |control, world, cast| {
        let grant = may::<CreateAgentToken>(&control, &cast.person);
        pending(async move { control.create_agent_token(&grant, NewAgentToken::default()).await.map(drop) })
    }
    "update_agent_token" by Person writes ["agent_token.updated"] |control, world, cast| {
        let grant = may::<UpdateAgentToken>(&control, &cast.person);
        let change = updating::Change { is_public: Some(true), ..updating::change(some_token(world).await) };
        pending(async move { control.update_agent_token(&grant, change).await.map(drop) })
    }
    "reveal_agent_token" by Person writes ["agent_token.revealed"] |control, world, cast| {
        let grant = may::<RevealAgentToken>(&control, &cast.person);
        let id = some_token(world).await;
        pending(async move { control.reveal_agent_token(&grant, id).await.map(drop) })
    }
    "rotate_agent_token" by Person writes ["agent_token.rotated"] |control, world, cast| {
        let grant = may::<RotateAgentToken>(&control, &cast.person);
        let rotation = Rotation { token: some_token(world).await, old_valid_until: None };
        pending(async move { control.rotate_agent_token(&grant, rotation).await.map(drop) })
    }
    "revoke_agent_token" by Person writes ["agent_token.revoked"] |control, world, cast| {
        let grant = may::<RevokeAgentToken>(&control, &cast.person);
        let token = TokenReference::Id(cast.holder_token);
        let revocation = Revocation { token, reason: "over".to_owned(), connected_agents: Reach::Disconnect };
        pending(async move { control.revoke_agent_token(&grant, revocation).await.map(drop) })
    }
    "stop_agent" by Person writes ["agent.stop_requested"] |control, world, cast| {
        let (grant, agent) = (may::<StopAgent>(&control, &cast.person), cast.job.agent.id);
        pending(async move { control.stop_agent(&grant, agent, true).await.map(drop) })
    }
    "pause_agent" by Person writes ["agent.paused"] |control, world, cast| {
        let (grant, agent) = (may::<PauseAgent>(&control, &cast.person), cast.agent.id);
        pending(async move { control.pause_agent(&grant, agent, None, Some(5)).await.map(drop) })
    }
    "resume_agent" by Person writes ["agent.resumed"] |control, world, cast| {
        let (grant, agent) = (may::<PauseAgent>(&control, &cast.person), cast.agent.id);
        control.pause_agent(&grant, agent, None, None).await.expect("paused");
        pending(async move { control.resume_agent(&grant, agent).await.map(drop) })
    }
    "create_build" by Person writes ["build.created"] |control, world, cast| {
        let grant = may::<CreateBuild>(&control, &cast.person);
        let (definition, pipeline, queue) = (ONE_STEP.to_owned(), format!("p-{}", cast.queue), Some("nobody".to_owned()));
        let new = NewBuild { definition, pipeline, queue, message: Some("hello".to_owned()), ..NewBuild::default() };
        pending(async move { control.create_build(&grant, new).await.map(drop) })
    }
    "rebuild" by Person writes ["build.created"] |control, world, cast| {
        let (grant, build) = (may::<CreateBuild>(&control, &cast.person), cast.job.build);
        pending(async move { control.rebuild(&grant, build).await.map(drop) })
    }
    "retry_job" by Person writes ["job.retried"] |control, world, cast| {
        finish(&control, &cast.job, "1").await;
        let (grant, job) = (may::<RetryJob>(&control, &cast.person), cast.job.id);
        pending(async move { control.retry_job(&grant, job).await.map(drop) })
    }
    "cancel_job" by Person writes ["job.canceled"] |control, world, cast| {
        let (grant, job) = (may::<CancelJob>(&control, &cast.person), cast.job.id);
        pending(async move { control.cancel_job(&grant, job).await.map(drop) })
    }
    "prioritize_job" by Person writes ["job.prioritized"] |control, world, cast| {
        let id = build(&control, &world.acme, &in_queue("nobody")).await.id;
        let jobs = control.build_jobs(&may::<ViewBuilds>(&control, &cast.person), id).await.expect("its jobs");
        let (grant, job) = (may::<PrioritizeJob>(&control, &cast.person), jobs[0].id);
        pending(async move { control.prioritize_job(&grant, job, 9).await.map(drop) })
    }
    "delete_artifact" by Person writes ["artifact.deleted"] |control, world, cast| {
        let id = artifacts::leave(&control, &cast.job, &["a.txt"]).await[0];
        let grant = may::<DeleteArtifact>(&control, &cast.person);
        pending(async move { control.delete_artifact(&grant, id).await })
    }
    "unblock_step" by Person writes ["step.unblocked"] |control, world, cast| {
        let build = build(&control, &world.acme, "steps: [{block: Go}]").await;
        let (step, grant) = (first_step(&control, cast, build.id).await, may::<UnblockStep>(&control, &cast.person));
        pending(async move { control.unblock_step(&grant, step, Answer::default()).await.map(drop) })
    }
    "create_pipeline" by Person writes ["pipeline.created"] |control, world, cast| {
        let grant = may::<CreatePipeline>(&control, &cast.person);
        let new = NewPipeline { name: format!("n-{}", cast.queue), ..NewPipeline::default() };
        pending(async move { control.create_pipeline(&grant, new).await.map(drop) })
    }
    "update_pipeline" by Person writes ["pipeline.updated"] |control, world, cast| {
        let grant = may::<UpdatePipeline>(&control, &cast.person);
        let change = PipelineChange { slug: "demo".to_owned(), name: Some("Demo".to_owned()), ..PipelineChange::default() };
        pending(async move { control.update_pipeline(&grant, change).await.map(drop) })
    }
    "pause_queue_dispatch" by Person writes ["queue.paused"] |control, world, cast| {
        let grant = may::<PauseQueue>(&control, &cast.person);
        let queue = queue_of(cast);
        pending(async move { control.pause_queue_dispatch(&grant, queue, None).await.map(drop) })
    }
    "resume_queue_dispatch" by Person writes ["queue.resumed"] |control, world, cast| {
        let grant = may::<PauseQueue>(&control, &cast.person);
        let queue = queue_of(cast);
        pending(async move { control.resume_queue_dispatch(&grant, queue).await.map(drop) })
    }
    "cancel_build" by Person writes ["build.canceled"] |control, world, cast| {
        let (grant, build) = (may::<CancelBuild>(&control, &cast.person), cast.job.build);
        pending(async move { control.cancel_build(&grant, build).await.map(drop) })
    }
    "create_deployment" by Person writes ["deployment.created"] |control, world, cast| {
        let grant = may::<CreateDeployment>(&control, &cast.person);
        let new = NewDeployment { name: format!("d-{}", cast.queue), ..NewDeployment::default() };
        pending(async move { control.create_deployment(&grant, new).await.map(drop) })
    }
    "update_deployment" by Person writes ["deployment.updated"] |control, world, cast| {
        let id = deployment(&control, &world.acme, &format!("d-{}", cast.queue), None).await;
        let grant = may::<UpdateDeployment>(&control, &cast.person);
        let change = DeploymentChange { name: Some(format!("e-{}", cast.queue)), ..DeploymentChange::of(id) };
        pending(async move { control.update_deployment(&grant, change).await.map(drop) })
    }
    "delete_deployment" by Person writes ["deployment.deleted"] |control, world, cast| {
        let id = deployment(&control, &world.acme, &format!("d-{}", cast.queue), None).await;
        let grant = may::<DeleteDeployment>(&control, &cast.person);
        pending(async move { control.delete_deployment(&grant, Deletion { deployment: id, force: false }).await.map(drop) })
    }
    "create_queue" by Person writes ["queue.created"] |control, world, cast| {
        let (grant, new) = (may::<CreateQueue>(&control, &cast.person), a_queue(world, cast));
        pending(async move { control.create_queue(&grant, new).await.map(drop) })
    }
    "update_queue" by Person writes ["queue.updated"] |control, world, cast| {
        let (queue, grant) = (an_idle_queue(world, cast).await, may::<UpdateQueue>(&control, &cast.person));
        let change = QueueChange { queue, description: Some(Some("other".to_owned())) };
        pending(async move { control.update_queue(&grant, change).await.map(drop) })
    }
    "delete_queue" by Person writes ["queue.deleted"] |control, world, cast| {
        let (queue, grant) = (an_idle_queue(world, cast).await, may::<DeleteQueue>(&control, &cast.person));
        pending(async move { control.delete_queue(&grant, queue).await.map(drop) })
    }
    "create_cluster_token" by Person writes ["agent_token.created"] |control, world, cast| {
        let grant = may::<CreateAgentToken>(&control, &cast.person);
        let of = world.acme.created.organization.default_deployment;
        pending(async move { control.create_cluster_token(&grant, of, NewAgentToken::default()).await.map(drop) })
    }
    "create_operator_token" by Operator writes ["operator_token.created"] |control, world, cast| {
        let grant = may::<ManageOperatorTokens>(&control, &cast.operator);
        pending(async move { control.create_operator_token(&grant, "another").await.map(drop) })
    }
    "revoke_operator_token" by Operator writes ["operator_token.revoked"] |control, world, cast| {
        let grant = may::<ManageOperatorTokens>(&control, &cast.operator);
        let other = control.create_operator_token(&grant, "another").await.expect("made").0.public_id;
        pending(async move { control.revoke_operator_token(&grant, other, "over").await.map(drop) })
    }
    "create_organization" by Operator writes ["agent_token.created", "organization.created", "user_token.created"] |control, world, cast| {
        let grant = may::<CreateOrganization>(&control, &cast.operator);
        let slug = format!("org-{}", cast.queue);
        let new = NewOrganization { admin: format!("{slug}@x.example"), slug, name: None, reveal_policy: None };
        pending(async move { control.create_organization(&grant, new).await.map(drop) })
    }
    "register_agent" by AgentToken writes ["agent.registered"] |control, world, cast| {
        let grant = may::<RegisterAgent>(&control, &cast.holder);
        pending(async move { control.register_agent(&grant, registration(&["queue=nobody"])).await.map(drop) })
    }
    "connect_agent" by Session writes ["agent.connected"] |control, world, cast| {
        cast.agent = try_register(&control, cast.holder_secret.reveal(), &["queue=nobody"]).await.expect("registered");
        let grant = may::<ConnectAgent>(&control, &cast.agent.caller);
        pending(async move { control.connect_agent(&grant).await })
    }
    "disconnect_agent" by Session writes ["agent.disconnected"] |control, world, cast| {
        let grant = may::<DisconnectAgent>(&control, &cast.agent.caller);
        pending(async move { control.disconnect_agent(&grant).await.map(drop) })
    }
    "ping" by Session writes ["job.assigned"] |control, world, cast| {
        build(&control, &world.acme, &in_queue(&cast.queue)).await;
        let grant = may::<Ping>(&control, &cast.agent.caller);
        pending(async move { control.ping(&grant).await.map(drop) })
    }
    "accept_job" by Session writes ["job.accepted"] |control, world, cast| {
        build(&control, &world.acme, &in_queue(&cast.queue)).await;
        let Instruction::TakeJob(job) = ping(&control, &cast.agent).await else { panic!("no job is offered") };
        let grant = may::<AcceptJob>(&control, &cast.agent.caller);
        pending(async move { control.accept_job(&grant, job).await.map(drop) })
    }
    "start_job" by Job writes ["job.started"] |control, world, cast| {
        build(&control, &world.acme, &in_queue(&cast.queue)).await;
        cast.job = take(&control, &cast.agent).await;
        let grant = may::<ReportJob>(&control, &cast.job.caller);
        pending(async move { control.start_job(&grant).await })
    }
    "finish_job" by Job writes ["job.finished"] |control, world, cast| {
        let grant = may::<ReportJob>(&control, &cast.job.caller);
        pending(async move { control.finish_job(&grant, ended("1")).await.map(drop) })
    }
    "set_job_timeout" by Job writes ["job.updated"] |control, world, cast| {
        let grant = may::<UpdateJob>(&control, &cast.job.caller);
        pending(async move { control.set_job_timeout(&grant, "7").await.map(drop) })
    }
    "upload_pipeline" by Job writes ["pipeline.uploaded"] |control, world, cast| {
        let grant = may::<UploadPipeline>(&control, &cast.job.caller);
        let pipeline = serde_json::json!({ "steps": ["wait"] });
        let upload = Upload { uuid: "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".to_owned(), pipeline, replace: false };
        pending(async move { control.upload_pipeline(&grant, upload).await })
    }
    "update_step" by Job writes ["step.updated"] |control, world, cast| {
        let grant = may::<WriteSteps>(&control, &cast.job.caller);
        let (step, attribute) = (first_step(&control, cast, cast.job.build).await.to_string(), "label".to_owned());
        let change = StepChange { step, uuid: None, attribute, value: "new".to_owned(), append: false };
        pending(async move { control.update_step(&grant, change).await })
    }
    "cancel_step" by Job writes ["step.canceled"] |control, world, cast| {
        let grant = may::<WriteSteps>(&control, &cast.job.caller);
        let step = first_step(&control, cast, cast.job.build).await.to_string();
        pending(async move { control.cancel_step(&grant, step, None).await.map(drop) })
    }
    "cancel_own_build" by Job writes ["build.canceled"] |control, world, cast| {
        let grant = may::<CancelOwnBuild>(&control, &cast.job.caller);
        pending(async move { control.cancel_own_build(&grant).await.map(drop) })
    }
    // The log itself is the record.
    "append_log" by Job writes [] |control, world, cast| {
        let grant = may::<AppendLog>(&control, &cast.job.caller);
        let chunk = NewChunk { sequence: 1, offset: 0, content: b"line\n".to_vec() };
        pending(async move { control.append_log(&grant, chunk).await })
    }
    "dagster_heartbeat" by AgentToken writes ["dagster_agent.registered"] |control, world, cast| {
        let grant = may::<DagsterHeartbeat>(&control, &cast.holder);
        let new = dagster::heartbeat(&dagster::process(&control), &["default"]);
        pending(async move { control.dagster_heartbeat(&grant, new).await.map(drop) })
    }
    "set_meta_data" by Job writes ["meta_data.set"] |control, world, cast| {
        let grant = may::<WriteMetaData>(&control, &cast.job.caller);
        pending(async move { control.set_meta_data(&grant, "key".to_owned(), "value".to_owned()).await })
    }
    "set_meta_data_batch" by Job writes ["meta_data.set"] |control, world, cast| {
        let grant = may::<WriteMetaData>(&control, &cast.job.caller);
        let items = ["a", "b"].map(|key| (key.to_owned(), "value".to_owned())).to_vec();
        pending(async move { control.set_meta_data_batch(&grant, items).await })
    }
    "annotate" by Job writes ["annotation.written"] |control, world, cast| {
        let grant = may::<Annotate>(&control, &cast.job.caller);
        let note = NewAnnotation { body: Some("note".to_owned()), ..NewAnnotation::default() };
        pending(async move { control.annotate(&grant, note).await })
    }
    "announce_artifacts" by Job writes ["artifacts.announced"] |control, world, cast| {
        let grant = may::<UploadArtifacts>(&control, &cast.job.caller);
        let new = artifacts::batch(vec![artifacts::hello("a.txt")]);
        pending(async move { control.announce_artifacts(&grant, new).await.map(drop) })
    }
    "end_artifacts" by Job writes ["artifacts.ended"] |control, world, cast| {
        let grant = may::<UploadArtifacts>(&control, &cast.job.caller);
        let new = artifacts::batch(vec![artifacts::hello("a.txt")]);
        let ids = control.announce_artifacts(&grant, new).await.expect("announced").ids;
        let ended = ids.into_iter().map(|id| (id, Ended::Failed)).collect();
        pending(async move { control.end_artifacts(&grant, ended).await })
    }
    "remove_annotation" by Job writes ["annotation.removed"] |control, world, cast| {
        let grant = may::<Annotate>(&control, &cast.job.caller);
        let note = NewAnnotation { body: Some("note".to_owned()), ..NewAnnotation::default() };
        control.annotate(&grant, note).await.expect("written");
        pending(async move { control.remove_annotation(&grant, "default", None).await })
    }
    "request_oidc_token" by Job writes ["oidc_token.issued"] |control, world, cast| {
        control.keep_oidc_keys().await.expect("there is a key");
        let grant = may::<RequestOidcToken>(&control, &cast.job.caller);
        pending(async move { control.request_oidc_token(&grant, TokenRequest::default()).await.map(drop) })
    }
    "stop_own_agent" by Job writes ["agent.stop_requested"] |control, world, cast| {
        let grant = may::<ControlOwnAgent>(&control, &cast.job.caller);
        pending(async move { control.stop_own_agent(&grant, false).await.map(drop) })
    }
    "pause_own_agent" by Job writes ["agent.paused"] |control, world, cast| {
        let grant = may::<ControlOwnAgent>(&control, &cast.job.caller);
        pending(async move { control.pause_own_agent(&grant, None, None).await.map(drop) })
    }
    "resume_own_agent" by Job writes ["agent.resumed"] |control, world, cast| {
        let grant = may::<ControlOwnAgent>(&control, &cast.job.caller);
        control.pause_own_agent(&grant, None, None).await.expect("paused");
        pending(async move { control.resume_own_agent(&grant).await.map(drop) })
    }
}
