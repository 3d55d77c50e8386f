//! Ids of another organization: every operation that takes one answers as for an id that nothing has.

mod ids;

use std::fmt::Debug;

use countersign_control::access::actions::{
    AcceptJob, CancelBuild, CreateAgentToken, CreateBuild, PauseAgent, Ping, RegisterAgent, ReportDagsterRun,
    ReportJob, RevealAgentToken, RevealUserToken, RevokeAgentToken, RevokeUserToken, RotateAgentToken, StopAgent,
    UpdateAgentToken, UpdateUserToken, UploadArtifacts, ViewAgentTokens, ViewAgents, ViewBuilds, ViewDagsterRuns,
    ViewOrganization, ViewQueues, ViewUserTokens, WriteMetaData,
};
use countersign_control::agent_tokens::{NewAgentToken, Revocation, Rotation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::artifacts::Ended;
use countersign_control::builds::{NewBuild, Room, Wanted};
use countersign_control::dagster_runs::Termination;
use countersign_control::deployments::{Deletion, DeploymentChange, NewDeployment};
use countersign_control::invitations::InvitationReference;
use countersign_control::members::{MemberReference, RoleChange};
use countersign_control::queues::{NewQueue, QueueChange, QueueReference};
use countersign_control::service_users::ServiceUserChange;
use countersign_control::steps::Answer;
use countersign_control::user_tokens::{NewUserToken, UserTokenChange};
use countersign_control::{Error, PageRequest};
use countersign_domain::{DeploymentScope, Role, Scope};
use countersign_testkit::World;

use crate::acting::{connect, may, registration, running_job};
use crate::{code_locations, dagster, dagster_runs, updating};

use ids::Ids;

/// What operations answered, by name.
#[derive(Default)]
struct Answers(Vec<(String, String)>);

impl Answers {
    fn keep<T: Debug>(&mut self, operation: &str, answer: &Result<T, Error>) {
        self.0.push((operation.to_owned(), format!("{answer:?}")));
    }
}

pub async fn ids_of_another_organization_are_ids_that_nothing_has(world: &World) {
    let foreign = every(world, &Ids::of_globex(world).await).await;
    let missing = every(world, &Ids::of_nobody(world)).await;
    assert_eq!(foreign.0.len(), missing.0.len());
    for ((operation, foreign), (_, missing)) in foreign.0.iter().zip(&missing.0) {
        assert_eq!(foreign, missing, "{operation} tells a foreign id (left) from a missing one (right)");
        let nothing = ["NotFound(", "Invalid(", "Ok(None)", "Ok([])", "Ok(0)", "Ok(Page { items: []", "reason: Scope"]
            .into_iter()
            .chain(["Ok(Situation { revoked_at: None, agents: [], dagster_agents: [] })"]);
        assert!(nothing.into_iter().any(|it| foreign.contains(it)), "{operation} answers {foreign}");
    }
}

async fn every(world: &World, ids: &Ids) -> Answers {
    let mut answers = Answers::default();
    agent_tokens(world, ids, &mut answers).await;
    user_tokens(world, ids, &mut answers).await;
    members(world, ids, &mut answers).await;
    people(world, ids, &mut answers).await;
    machines(world, ids, &mut answers).await;
    answers
}

async fn agent_tokens(world: &World, ids: &Ids, answers: &mut Answers) {
    let control = &world.control;
    for token in ids.agent_tokens() {
        let change = updating::change(token.clone());
        answers.keep("update", &control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await);
        answers.keep("reveal", &control.reveal_agent_token(&world.admin::<RevealAgentToken>(), token.clone()).await);
        let rotation = Rotation { token: token.clone(), old_valid_until: None, expected: None };
        answers.keep("rotate", &control.rotate_agent_token(&world.admin::<RotateAgentToken>(), rotation).await);
        let finished = control.finish_agent_token_rotation(&world.admin::<RotateAgentToken>(), token.clone()).await;
        answers.keep("finish", &finished);
        let revocation =
            Revocation { token, reason: "no more".to_owned(), connected_agents: Reach::Disconnect, expected: None };
        answers.keep("revoke", &control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation).await);
    }
    let grant = world.admin::<ViewAgentTokens>();
    let id = ids.agent_token;
    answers.keep("agent_token", &control.agent_token(&grant, id).await);
    answers.keep("user token as agent token", &control.agent_token(&grant, ids.user_token).await);
    answers.keep("secrets", &control.agent_token_secrets(&grant, id).await);
    answers.keep("agents of token", &control.agent_token_agents(&grant, id, PageRequest::first(9)).await);
    answers.keep("count of agents of token", &control.count_agent_token_agents(&grant, id).await);
    answers.keep("refusals", &control.agent_token_refusals(&grant, id).await);
    answers.keep("situation", &control.agent_token_situation(&grant, id).await);
    let page = PageRequest::first(9);
    answers.keep("events of token", &control.token_audit_events(&world.admin(), id, page).await);
    let scope = Scope {
        deployments: DeploymentScope::Only { deployments: [ids.deployment].into(), all_branches: false },
        ..Scope::widest()
    };
    let new = NewAgentToken { scope: Some(scope.clone()), ..NewAgentToken::default() };
    answers.keep("scope of a new token", &control.create_agent_token(&world.admin::<CreateAgentToken>(), new).await);
    let own = TokenReference::Id(world.acme.created.agent_token.id);
    let change = updating::Change { scope: Some(scope), ..updating::change(own) };
    answers.keep("scope of a token", &control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await);
}

async fn user_tokens(world: &World, ids: &Ids, answers: &mut Answers) {
    let control = &world.control;
    for token in ids.user_tokens() {
        let change = UserTokenChange { token: token.clone(), description: Some(None), expires_at: None };
        answers.keep("user token", &control.user_token(&world.admin::<ViewUserTokens>(), token.clone()).await);
        answers.keep("update own", &control.update_user_token(&world.admin::<UpdateUserToken>(), change).await);
        answers.keep("reveal own", &control.reveal_user_token(&world.admin::<RevealUserToken>(), token.clone()).await);
        answers.keep("revoke own", &control.revoke_user_token(&world.admin::<RevokeUserToken>(), token, None).await);
    }
}

async fn members(world: &World, ids: &Ids, answers: &mut Answers) {
    let control = &world.control;
    let names = [MemberReference::Id(ids.user), parsed(ids.email), parsed(ids.service_user)];
    for member in names {
        let of = || member.clone();
        answers.keep("member of the list", &control.find_member(&world.admin(), of()).await);
        let change = RoleChange { member: of(), role: Role::Member, keep_tokens: false };
        answers.keep("role", &control.change_member_role(&world.admin(), change).await);
        answers.keep("remove", &control.remove_member(&world.admin(), of()).await);
        answers.keep("link", &control.issue_member_sign_in_link(&world.admin(), of()).await);
        let page = PageRequest::first(9);
        answers.keep("tokens of a member", &control.member_tokens(&world.admin(), of(), page).await);
        let change = ServiceUserChange { service_user: of(), name: None, description: Some(None) };
        answers.keep("describe", &control.update_service_user(&world.admin(), change).await);
        let new = control.create_service_user_token(&world.admin(), of(), NewUserToken::default()).await;
        answers.keep("token for a service user", &new.map(drop));
    }
    for token in ids.user_tokens() {
        let ada = || MemberReference::Id(world.acme.created.admin.id);
        let of = MemberReference::Id(ids.user);
        let look = async |of| control.member_token(&world.admin(), of, token.clone()).await;
        answers.keep("a look at their token", &look(of.clone()).await);
        answers.keep("a look at her token", &look(ada()).await);
        answers.keep("their token", &control.revoke_member_token(&world.admin(), of, token.clone(), None).await);
        answers.keep("her token", &control.revoke_member_token(&world.admin(), ada(), token, None).await);
    }
    answers.keep("sign-in", &control.end_sign_in(&world.admin(), ids.sign_in.clone()).await);
    answers.keep("passkey's name", &control.rename_passkey(&world.admin(), ids.passkey, "mine").await);
    answers.keep("identity", &control.forget_identity(&world.admin(), "globex").await);
    answers.keep("passkey", &control.remove_passkey(&world.admin(), ids.passkey).await);
    let invitation = || InvitationReference::Id(ids.invitation);
    answers.keep("invitation", &control.invitation(&world.admin(), invitation()).await);
    answers.keep("withdraw", &control.withdraw_invitation(&world.admin(), invitation()).await);
}

fn parsed(name: &str) -> MemberReference {
    MemberReference::parse(name).expect("a name")
}

async fn people(world: &World, ids: &Ids, answers: &mut Answers) {
    let control = &world.control;
    let to_organization = control.grant::<ViewOrganization>(&world.acme.admin, ids.organization);
    answers.keep("organization", &to_organization.map(|_| ()));
    answers.keep("member", &control.member(&world.admin::<ViewOrganization>(), ids.user).await);
    let view = world.admin::<ViewAgents>();
    answers.keep("agent", &control.agent(&view, ids.agent).await);
    answers.keep("job of agent", &control.agent_job(&view, ids.agent).await);
    answers.keep(
        "work of a Dagster+ agent",
        &control.dagster_agent_serving(&view, ids.dagster_agent).await.map(|it| it.len()),
    );
    answers.keep("Dagster+ agent", &control.dagster_agent(&view, ids.dagster_agent).await.map(drop));
    answers.keep(
        "work of Dagster+ agents",
        &control.dagster_agents_served(&view, vec![ids.dagster_agent]).await.map(|it| it.len()),
    );
    let page = PageRequest::first(9);
    let told = control.agent_audit_events(&world.admin(), ids.agent.cast(), page).await;
    answers.keep("what is told of an agent", &told.map(|it| it.items.len()));
    answers.keep("status of a deployment", &control.dagster_status(&view, Some(ids.deployment)).await);
    answers.keep("stop", &control.stop_agent(&world.admin::<StopAgent>(), ids.agent, true).await);
    answers.keep("pause", &control.pause_agent(&world.admin::<PauseAgent>(), ids.agent, None, None).await);
    answers.keep("resume", &control.resume_agent(&world.admin::<PauseAgent>(), ids.agent).await);
    let view = world.admin::<ViewBuilds>();
    answers.keep("build", &control.build(&view, ids.build).await);
    answers.keep("jobs of build", &control.build_jobs(&view, ids.build).await);
    answers.keep("annotations of build", &control.build_annotations(&view, ids.build).await);
    answers.keep("build at a glance", &control.build_at_a_glance(&view, ids.build).await.map(drop));
    let room = Room { annotations: (9, 9), meta_data: (9, 9) };
    answers.keep("what is left on build", &control.left_on_build(&view, ids.build, room).await.map(drop));
    answers.keep("news of job", &control.job_pulse(&view, ids.job).await);
    answers.keep("tries of job", &control.job_tries(&view, ids.job).await.map(drop));
    answers.keep("meta-data of build", &control.build_meta_data(&view, ids.build).await);
    answers.keep("job", &control.job(&view, ids.job).await);
    answers.keep("whole build", &control.whole_builds(&view, vec![ids.build], true).await.map(drop));
    answers.keep("job with all", &control.entry(&view, ids.job).await.map(drop));
    answers.keep("step with all", &control.entry(&view, ids.step.cast()).await.map(drop));
    answers.keep("variables of job", &control.job_env(&view, ids.job).await);
    answers.keep("length of log", &control.job_log_extent(&view, ids.job).await);
    let by = Wanted { creator: Some(ids.user), ..Wanted::default() };
    answers.keep("builds of somebody", &control.find_builds(&view, by, PageRequest::first(9)).await);
    let by = Wanted { creator: Some(ids.user), ..Wanted::default() };
    let found = control.search_builds(&view, by, PageRequest::first(9)).await;
    answers.keep("search for builds of somebody", &found.map(|it| it.items));
    answers.keep("another priority", &control.prioritize_job(&world.admin(), ids.job, 5).await);
    answers.keep("delete an artifact", &control.delete_artifact(&world.admin(), ids.artifact).await);
    answers.keep("log of job", &control.job_log(&view, ids.job, 0).await);
    let page = PageRequest::first(9);
    answers.keep("artifacts of build", &control.build_artifacts(&view, ids.build, page).await);
    answers.keep("artifacts of job", &control.job_artifacts(&view, ids.job, PageRequest::first(9)).await);
    answers.keep("artifact", &control.artifact(&view, ids.artifact).await);
    answers.keep("steps of build", &control.build_steps(&view, ids.build, None).await);
    answers.keep("parts of build", &control.build_parts(&view, ids.build).await);
    answers.keep("step", &control.step(&view, ids.step).await);
    answers.keep("text of step", &control.step_text(&view, ids.step).await);
    answers.keep("pipeline", &control.pipeline_by_id(&view, ids.pipeline).await);
    let wanted = Wanted { pipeline: Some(ids.pipeline), ..Wanted::default() };
    answers.keep("builds of pipeline", &control.find_builds(&view, wanted.clone(), PageRequest::first(9)).await);
    answers.keep("number of builds of pipeline", &control.count_builds(&view, wanted).await);
    let view = world.admin::<ViewQueues>();
    answers.keep("queue", &control.queue(&view, ids.queue).await);
    answers.keep("queue by its name", &control.queue_by_name(&view, ids.deployment, "default").await);
    answers.keep("rebuild", &control.rebuild(&world.admin::<CreateBuild>(), ids.build).await);
    answers.keep("retry", &control.retry_job(&world.admin(), ids.job).await);
    answers.keep("cancel a job", &control.cancel_job(&world.admin(), ids.job).await);
    answers.keep("unblock", &control.unblock_step(&world.admin(), ids.step, Answer::default()).await);
    let queue = QueueReference { deployment: Some(ids.deployment_name.clone()), queue: "q".to_owned() };
    answers.keep("pause a queue", &control.pause_queue_dispatch(&world.admin(), queue, None).await);
    answers.keep("cancel", &control.cancel_build(&world.admin::<CancelBuild>(), ids.build).await);
    answers.keep("deployment", &control.deployment(&world.admin(), ids.deployment).await);
    let new = NewDeployment { name: "b".to_owned(), parent: Some(ids.deployment), ..NewDeployment::default() };
    answers.keep("parent of a deployment", &control.create_deployment(&world.admin(), new).await);
    let change = DeploymentChange { name: Some("c".to_owned()), ..DeploymentChange::of(ids.deployment) };
    answers.keep("rename a deployment", &control.update_deployment(&world.admin(), change).await);
    let own = world.acme.created.organization.default_deployment;
    let change = DeploymentChange { default_queue: Some(Some(ids.queue)), ..DeploymentChange::of(own) };
    answers.keep("queue of a deployment", &control.update_deployment(&world.admin(), change).await);
    let new = NewQueue { deployment: ids.deployment, key: "k".to_owned(), description: None };
    answers.keep("queue in a deployment", &control.create_queue(&world.admin(), new).await.map(drop));
    let change = QueueChange { queue: ids.queue, description: Some(None) };
    answers.keep("change a queue", &control.update_queue(&world.admin(), change).await);
    answers.keep("delete a queue", &control.delete_queue(&world.admin(), ids.queue).await);
    let standing = control.queues_of(&world.admin::<ViewQueues>(), ids.deployment).await;
    answers.keep("queues of a deployment", &standing);
    let grant = world.admin::<ViewAgentTokens>();
    answers
        .keep("tokens of a deployment", &control.cluster_tokens(&grant, ids.deployment, PageRequest::first(9)).await);
    answers.keep("number of tokens of a deployment", &control.count_cluster_tokens(&grant, ids.deployment).await);
    answers.keep("token of a cluster", &control.cluster_token(&grant, ids.agent_token).await);
    let new = control.create_cluster_token(&world.admin(), ids.deployment, NewAgentToken::default()).await;
    answers.keep("token for a deployment", &new.map(drop));
    let new = code_locations::module(ids.deployment, "globex");
    answers.keep("set a code location", &control.set_code_location(&world.admin(), new).await.map(drop));
    let removed = control.remove_code_location(&world.admin(), ids.deployment, "globex").await;
    answers.keep("remove a code location", &removed.map(drop));
    let reloaded = control.reload_code_location(&world.admin(), ids.deployment, "globex").await;
    answers.keep("load a code location again", &reloaded.map(drop));
    let pinged = control.ping_code_location(&world.admin(), ids.deployment, "globex").await;
    answers.keep("ask for a code location", &pinged.map(drop));
    answers.keep("code locations", &control.code_locations(&world.admin(), ids.deployment).await.map(drop));
    answers.keep("code location", &control.code_location(&world.admin(), ids.deployment, "globex").await.map(drop));
    let new = dagster_runs::new_run(ids.deployment, "sell");
    answers.keep("launch a run", &control.launch_run(&world.admin(), new).await.map(drop));
    let view = world.admin::<ViewDagsterRuns>();
    let page = PageRequest::first(9);
    answers.keep("runs", &control.dagster_runs(&view, ids.deployment, None, page).await.map(drop));
    answers.keep("number of runs", &control.count_dagster_runs(&view, ids.deployment, None).await);
    answers.keep("a run", &control.dagster_run(&view, ids.dagster_run).await.map(drop));
    let events = control.dagster_run_events(&view, ids.dagster_run, 0, 9).await;
    answers.keep("events of a run", &events.map(drop));
    answers.keep("logs of a run", &control.dagster_run_logs(&view, ids.dagster_run).await.map(drop));
    let asked = Termination { run: ids.dagster_run, force: true };
    answers.keep("terminate a run", &control.terminate_run(&world.admin(), asked).await.map(drop));
    let page = PageRequest::first(9);
    answers.keep("requests", &control.dagster_requests(&world.admin(), ids.deployment, page).await);
    let deletion = Deletion { deployment: ids.deployment, force: true };
    answers.keep("delete a deployment", &control.delete_deployment(&world.admin(), deletion).await);
    let new = NewBuild {
        definition: crate::acting::ONE_STEP.to_owned(),
        pipeline: "demo".to_owned(),
        queue: None,
        deployment: Some(ids.deployment_name.clone()),
        message: None,
        ..NewBuild::default()
    };
    answers.keep("deployment of a build", &control.create_build(&world.admin::<CreateBuild>(), new).await);
}

async fn machines(world: &World, ids: &Ids, answers: &mut Answers) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &["queue=other"]).await;
    answers.keep("accept", &control.accept_job(&may::<AcceptJob>(control, &agent.caller), ids.job).await);
    answers.keep("acquire", &control.acquire_job(&may::<AcceptJob>(control, &agent.caller), ids.job).await);
    answers.keep("ping of another organization", &control.grant::<Ping>(&agent.caller, ids.organization).map(|_| ()));
    let job = running_job(control, &world.acme).await;
    let step = || ids.step.to_string();
    answers.keep("another step", &control.export_step(&may(control, &job.caller), step(), None).await);
    answers.keep("cancel another step", &control.cancel_step(&may(control, &job.caller), step(), None).await);
    answers.keep("report another job", &control.grant_on_job::<ReportJob>(&job.caller, ids.job).map(|_| ()));
    answers
        .keep("write to another build", &control.grant_on_build::<WriteMetaData>(&job.caller, ids.build).map(|_| ()));
    let grant = may::<UploadArtifacts>(control, &job.caller);
    answers.keep("end another's artifact", &control.end_artifacts(&grant, vec![(ids.artifact, Ended::Finished)]).await);
    let caller = crate::acting::caller(control, world.acme.agent_token()).await;
    let tags = format!("deployment={}", ids.deployment_name);
    let grant = may::<RegisterAgent>(control, &caller);
    let outcome = control.register_agent(&grant, registration(&[&tags])).await;
    answers.keep("join another's deployment", &outcome.map(|_| ()));
    // "prod" of another organization, "nowhere" of nobody: this one's answer says neither.
    let told = dagster::heartbeat(&dagster::process(control), &[&ids.deployment_name]);
    let served = dagster::beat(control, &caller, told).await.map(|it| it.served.len());
    answers.keep("serve another's deployment", &served);
    let grant = may::<ReportDagsterRun>(control, &caller);
    let event = dagster_runs::event(ids.dagster_run, "PIPELINE_SUCCESS");
    let stored = control.store_run_events(&grant, "default".to_owned(), None, vec![event]).await;
    answers.keep("tell of another's run", &stored.map(drop));
}
