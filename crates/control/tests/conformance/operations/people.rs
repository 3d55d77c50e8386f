//! What people and the operator change.

use countersign_control::access::actions::{
    CancelBuild, CancelJob, CreateAgentToken, CreateBuild, CreateDeployment, CreateOrganization, CreatePipeline,
    CreateQueue, DeleteArtifact, DeleteDeployment, DeleteQueue, EditCodeLocations, IssueSignInLink, LaunchDagsterRun,
    ManageOperatorTokens, PauseAgent, PauseQueue, PrioritizeJob, RetryJob, RevealAgentToken, RevokeAgentToken,
    RotateAgentToken, StopAgent, TerminateDagsterRun, UnblockStep, UpdateAgentToken, UpdateDeployment,
    UpdateOrganization, UpdatePipeline, UpdateQueue, ViewBuilds,
};
use countersign_control::agent_tokens::{NewAgentToken, Revocation, Rotation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::builds::NewBuild;
use countersign_control::dagster_runs::Termination;
use countersign_control::deployments::{Deletion, DeploymentChange, NewDeployment};
use countersign_control::organizations::{NewOrganization, OrganizationChange};
use countersign_control::pipelines::{NewPipeline, PipelineChange};
use countersign_control::queues::{NewQueue, Queue, QueueChange, QueueReference};
use countersign_control::steps::Answer;
use countersign_domain::id::Id;
use countersign_testkit::World;

use crate::acting::{ONE_STEP, build, deployment, finish, may, next, token};
use crate::cast::Cast;
use crate::cast::in_queue;
use crate::{artifacts, code_locations, dagster_runs, updating};

use super::{By, Operation, first_step, operations, pending};

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
        let rotation = Rotation { token: some_token(world).await, old_valid_until: None, expected: None };
        pending(async move { control.rotate_agent_token(&grant, rotation).await.map(drop) })
    }
    "finish_agent_token_rotation" by Person writes ["agent_token.rotation_finished"] |control, world, cast| {
        let grant = may::<RotateAgentToken>(&control, &cast.person);
        let id = some_token(world).await;
        let rotation = Rotation { token: id.clone(), old_valid_until: None, expected: None };
        control.rotate_agent_token(&grant, rotation).await.expect("rotated");
        pending(async move { control.finish_agent_token_rotation(&grant, id).await.map(drop) })
    }
    "revoke_agent_token" by Person writes ["agent_token.revoked"] |control, world, cast| {
        let grant = may::<RevokeAgentToken>(&control, &cast.person);
        let token = TokenReference::Id(cast.holder_token);
        let revocation = Revocation { token, reason: "over".to_owned(), connected_agents: Reach::Disconnect, expected: None };
        pending(async move { control.revoke_agent_token(&grant, revocation).await.map(drop) })
    }
    "set_code_location" by Person writes ["code_location.added"] |control, world, cast| {
        let new = code_locations::module(world.acme.created.organization.default_deployment, &format!("l{}", next()));
        let grant = may::<EditCodeLocations>(&control, &cast.person);
        pending(async move { control.set_code_location(&grant, new).await.map(drop) })
    }
    "ping_code_location" by Person writes ["code_location.pinged"] |control, world, cast| {
        let new = code_locations::module(world.acme.created.organization.default_deployment, &format!("l{}", next()));
        let (deployment, name) = (new.deployment, new.name.clone());
        let grant = may::<EditCodeLocations>(&control, &cast.person);
        control.set_code_location(&world.admin(), new).await.expect("set");
        pending(async move { control.ping_code_location(&grant, deployment, &name).await.map(drop) })
    }
    "reload_code_location" by Person writes ["code_location.reloaded"] |control, world, cast| {
        let new = code_locations::module(world.acme.created.organization.default_deployment, &format!("l{}", next()));
        let (deployment, name) = (new.deployment, new.name.clone());
        let grant = may::<EditCodeLocations>(&control, &cast.person);
        control.set_code_location(&world.admin(), new).await.expect("set");
        pending(async move { control.reload_code_location(&grant, deployment, &name).await.map(drop) })
    }
    "remove_code_location" by Person writes ["code_location.removed"] |control, world, cast| {
        let new = code_locations::module(world.acme.created.organization.default_deployment, &format!("l{}", next()));
        let (deployment, name) = (new.deployment, new.name.clone());
        let grant = may::<EditCodeLocations>(&control, &cast.person);
        control.set_code_location(&world.admin(), new).await.expect("set");
        pending(async move { control.remove_code_location(&grant, deployment, &name).await.map(drop) })
    }
    "launch_run" by Person writes ["dagster_run.launched"] |control, world, cast| {
        let default = world.acme.created.organization.default_deployment;
        dagster_runs::loaded(world, default, "default", "sales").await;
        let grant = may::<LaunchDagsterRun>(&control, &cast.person);
        pending(async move { control.launch_run(&grant, dagster_runs::new_run(default, "sell")).await.map(drop) })
    }
    "terminate_run" by Person writes ["dagster_run.ended", "dagster_run.terminated"] |control, world, cast| {
        let default = world.acme.created.organization.default_deployment;
        dagster_runs::loaded(world, default, "default", "sales").await;
        let run = dagster_runs::launch(world, default).await.id;
        let grant = may::<TerminateDagsterRun>(&control, &cast.person);
        pending(async move { control.terminate_run(&grant, Termination { run, force: false }).await.map(drop) })
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
        // Its first build would create the pipeline too.
        let (definition, pipeline, queue) = (ONE_STEP.to_owned(), "demo".to_owned(), Some("nobody".to_owned()));
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
    "update_organization" by Person writes ["organization.updated"] |control, world, cast| {
        let grant = may::<UpdateOrganization>(&control, &cast.person);
        let change = OrganizationChange { name: Some(format!("n-{}", next())), ..OrganizationChange::default() };
        pending(async move { control.update_organization(&grant, change).await.map(drop) })
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
    "issue_sign_in_link" by Operator writes ["sign_in_link.issued"] |control, world, cast| {
        let grant = may::<IssueSignInLink>(&control, &cast.operator);
        let email = world.acme.created.admin.email.clone();
        pending(async move { control.issue_sign_in_link(&grant, &email).await.map(drop) })
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
}
