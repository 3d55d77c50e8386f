//! Dagster+ agents: each call is decided by what their token reaches at that moment.

use std::time::Duration;

use countersign_control::access::actions::{
    CheckDagsterDeployments, DagsterHeartbeat, ReadDagsterWorkspace, TakeDagsterRequests, ViewAgents,
};
use countersign_control::agent_tokens::{NewAgentToken, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::dagster::{
    CodeServer, DagsterAgent, Heartbeat, Reached, RunWorker, Task, Trouble, Wanted, Withheld,
};
use countersign_control::{Caller, Control, PageRequest, Result};
use countersign_domain::id::DeploymentId;
use countersign_domain::{DeploymentScope, QueueScope, Refusal, Scope};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{caller, deployment, fresh_id, may, refusal, refusal_of, token};
use crate::{sql, tokens, updating};

/// What an agent says that serves these deployments.
pub fn heartbeat(process: &str, names: &[&str]) -> Heartbeat {
    let task = |name: &&str| Task { deployment: (*name).to_owned(), default_queue: true, ..Task::default() };
    Heartbeat {
        process: process.to_owned(),
        label: Some("north".to_owned()),
        launcher: Some("ProcessUserCodeLauncher".to_owned()),
        version: Some("1.13.27".to_owned()),
        tasks: names.iter().map(task).collect(),
        ..Heartbeat::default()
    }
}

/// What a process calls itself.
pub fn process(control: &Control) -> String {
    fresh_id::<()>(control).to_string()
}

/// Says that an agent is there.
pub async fn beat(control: &Control, holder: &Caller, new: Heartbeat) -> Result<Reached> {
    control.dagster_heartbeat(&may::<DagsterHeartbeat>(control, holder), new).await
}

pub async fn agents(world: &World) -> Vec<DagsterAgent> {
    let page = world.control.dagster_agents(&world.admin::<ViewAgents>(), false, PageRequest::first(9)).await;
    page.expect("a read").items
}

/// The holder of a fresh token with a scope.
pub async fn holder(world: &World, scope: Scope) -> (Caller, TokenReference) {
    let issued = token(world, NewAgentToken { scope: Some(scope), ..NewAgentToken::default() }).await;
    let id = TokenReference::Id(issued.token.token.id);
    (caller(&world.control, issued.secret.reveal()).await, id)
}

pub fn only(deployments: &[DeploymentId], all_branches: bool) -> Scope {
    let deployments = DeploymentScope::Only { deployments: deployments.iter().copied().collect(), all_branches };
    Scope { deployments, ..Scope::widest() }
}

pub fn wanted(names: &[&str], queues: &[Option<&str>], branches: bool) -> Wanted {
    let queues = queues.iter().map(|queue| queue.map(str::to_owned)).collect();
    Wanted { deployments: names.iter().map(|it| (*it).to_owned()).collect(), queues: Some(queues), branches }
}

fn names(reached: &Reached) -> Vec<&str> {
    reached.served.iter().map(|it| it.name.as_str()).collect()
}

pub async fn workspace(control: &Control, holder: &Caller, wanted: Wanted) -> Result<Reached> {
    let read = control.read_dagster_workspace(&may::<ReadDagsterWorkspace>(control, holder), wanted).await;
    read.map(|it| it.reached)
}

pub async fn requests(control: &Control, holder: &Caller, wanted: Wanted) -> Result<Reached> {
    let work = control.take_dagster_requests(&may::<TakeDagsterRequests>(control, holder), wanted).await;
    work.map(|it| it.reached)
}

pub async fn a_heartbeat_is_kept_in_the_place_of_the_one_before(world: &World) {
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let id = process(control);
    let trouble = |text: &str| Trouble { at: Some(7), message: text.to_owned(), ..Trouble::default() };
    let mut first = heartbeat(&id, &["prod", "default"]);
    first.errors = vec![trouble("newest"), trouble("older")];
    first.tasks[0].code_servers = vec![CodeServer {
        location: "sales".to_owned(),
        status: "FAILED".to_owned(),
        error: Some(trouble("no module")),
    }];
    first.tasks[0].run_workers = vec![RunWorker { run: "r1".to_owned(), status: "RUNNING".to_owned(), message: None }];
    first.tasks[0].queues = vec!["gpu".to_owned()];
    let reached = beat(control, &holder, first.clone()).await.expect("kept");
    assert_eq!((names(&reached), reached.withheld), (vec!["prod", "default"], None));

    let known = &agents(world).await[0];
    assert_eq!(known.process.to_string(), id);
    assert_eq!((known.label.as_deref(), known.version.as_deref()), (Some("north"), Some("1.13.27")));
    assert_eq!((known.created_at, known.heartbeat_at), (control.now(), control.now()));
    let grant = world.admin::<ViewAgents>();
    assert_eq!(control.dagster_agent_errors(&grant, known.id).await.expect("a read"), first.errors);
    assert_eq!(known.error_count, 2);
    let serving = control.dagster_agent_serving(&grant, known.id).await.expect("a read");
    assert_eq!(serving.iter().map(|it| it.deployment == prod).collect::<Vec<_>>(), [false, true], "by name");
    assert_eq!(serving[1].code_servers, first.tasks[0].code_servers);
    assert_eq!((serving[1].run_workers[0].run.as_str(), serving[1].queues.as_slice()), ("r1", &["gpu".to_owned()][..]));

    world.clock.advance(Duration::from_secs(30));
    let second = Heartbeat { label: Some("south".to_owned()), ..heartbeat(&id, &["prod"]) };
    beat(control, &holder, second).await.expect("kept");
    let all = agents(world).await;
    assert_eq!(all.len(), 1, "the same process");
    assert_eq!((all[0].id, all[0].label.as_deref(), all[0].error_count), (known.id, Some("south"), 0));
    assert_eq!((all[0].created_at, all[0].heartbeat_at), (known.created_at, control.now()));
    let serving = control.dagster_agent_serving(&grant, known.id).await.expect("a read");
    assert_eq!(serving.len(), 1);
    assert_eq!(serving[0].code_servers, []);
    let rows =
        sql::rows(control, "SELECT id FROM audit_events WHERE action = 'dagster_agent.registered'", vec![]).await;
    assert_eq!(rows.len(), 2, "one of acme's, one of the twin's: a sign of life writes none");
}

pub async fn what_a_token_does_not_reach_is_refused_by_name(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    deployment(control, &world.acme, "staging", None).await;
    let (holder, _) = holder(world, only(&[prod], false)).await;
    let check = async |list: &[&str]| {
        let list = list.iter().map(|it| (*it).to_owned()).collect();
        control
            .check_dagster_deployments(&may::<CheckDagsterDeployments>(control, &holder), list)
            .await
            .expect("a read")
    };
    let all = check(&["staging", "prod", "nowhere", "prod"]).await;
    assert_eq!(
        (names(&all), all.refused.as_slice()),
        (vec!["prod"], &["staging".to_owned(), "nowhere".to_owned()][..])
    );
    let id = holder.public_id().expect("a token");
    let words = all.words(&id);
    assert!(words.contains("`staging`, `nowhere`") && words.contains(id.as_str()), "{words}");
    // A name of another organization's, one that none can have and one that says things: in the same words, and not repeated.
    let other = check(&["a/b", "x\ny", ""]).await;
    let words = other.words(&id);
    assert!(words.contains("a name that none can have") && !words.contains("a/b") && !words.contains('\n'), "{words}");
    assert_eq!(other.withheld, Some(Withheld::Deployments));

    let some = workspace(control, &holder, wanted(&["prod", "staging"], &[None], false)).await.expect("a read");
    assert_eq!((names(&some), some.withheld), (vec!["prod"], None), "what is left is served");
    let none = requests(control, &holder, wanted(&["staging"], &[None], false)).await.expect("a read");
    assert_eq!(none.withheld, Some(Withheld::Deployments));
    let nothing = workspace(control, &holder, wanted(&[], &[], false)).await.expect("a read");
    assert_eq!((names(&nothing), nothing.withheld), (vec![], None));

    let id = process(control);
    let none = beat(control, &holder, heartbeat(&id, &["staging"])).await.expect("an answer");
    assert_eq!(none.withheld, Some(Withheld::Deployments));
    assert_eq!(agents(world).await.len(), 0, "nothing was kept");
    let some = beat(control, &holder, heartbeat(&id, &["staging", "prod"])).await.expect("kept");
    assert_eq!(names(&some), ["prod"]);
    let known = &agents(world).await[0];
    let serving = control.dagster_agent_serving(&world.admin::<ViewAgents>(), known.id).await.expect("a read");
    assert_eq!(serving.iter().map(|it| it.deployment).collect::<Vec<_>>(), [prod]);

    control.flush_usage().await.expect("written");
    let text = "SELECT count FROM refusals WHERE reason = 'scope' AND organization_id = $1";
    let of = world.acme.created.organization.id.into_value();
    assert_eq!(sql::value::<i64>(control, text, vec![of], "count").await, 6, "its admins see it");
}

pub async fn what_is_given_and_taken_counts_from_the_next_call_on(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let staging = deployment(control, &world.acme, "staging", None).await;
    let (holder, id) = holder(world, only(&[prod], false)).await;
    let asked = || wanted(&["prod", "staging"], &[None], false);
    let served = async || names(&requests(control, &holder, asked()).await.expect("a read")).len();
    assert_eq!(served().await, 1);
    let scope = |scope| updating::Change { scope: Some(scope), ..updating::change(id.clone()) };
    updating::update(world, scope(only(&[prod, staging], false))).await.expect("widened");
    assert_eq!(served().await, 2);
    beat(control, &holder, heartbeat(&process(control), &["prod", "staging"])).await.expect("kept");
    updating::update(world, scope(only(&[staging], false))).await.expect("narrowed");
    let left = workspace(control, &holder, asked()).await.expect("a read");
    assert_eq!(names(&left), ["staging"]);

    let issued = token(world, NewAgentToken::default()).await;
    let (value, id) = (issued.secret.reveal(), issued.token.token.id);
    let holder = caller(control, value).await;
    beat(control, &holder, heartbeat(&process(control), &["prod"])).await.expect("kept");
    let revoked = tokens::revoke(world, id, Reach::Keep).await;
    let labels: Vec<_> = revoked.dagster_agents.iter().map(|it| it.label.as_deref()).collect();
    assert_eq!(labels, [Some("north")], "who is cut off is named");
    assert_eq!(refusal(control, value).await, Refusal::Revoked, "whatever becomes of other agents");
    let late = beat(control, &holder, heartbeat(&process(control), &["prod"])).await;
    assert_eq!(refusal_of(late), Refusal::Revoked, "a heartbeat that was under way commits nothing");
    let ends: Vec<_> = agents(world).await.iter().map(|it| (it.token == id, it.token_revoked_at)).collect();
    assert!(ends.contains(&(true, Some(control.now()))) && ends.contains(&(false, None)), "its page says so: {ends:?}");
}

pub async fn queues_and_branches_must_be_within_reach(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    deployment(control, &world.acme, "feature", Some(prod)).await;
    let queues = QueueScope::Only(["gpu", "default"].map(|it| it.parse().expect("a queue")).into());
    let (both, _) = holder(world, Scope { queues, ..only(&[prod], false) }).await;
    let queues = QueueScope::Only(["gpu".parse().expect("a queue")].into());
    let (gpu, _) = holder(world, Scope { queues, ..only(&[prod], true) }).await;
    let (widest, _) = holder(world, Scope::widest()).await;
    let ask = async |who: &Caller, list: &[&str], queues: &[Option<&str>], branches| {
        let reached = requests(control, who, wanted(list, queues, branches)).await.expect("a read");
        (reached.served.len(), reached.withheld)
    };
    let queues = Some(Withheld::Queues);
    assert_eq!(ask(&both, &["prod"], &[None], false).await, (1, None));
    assert_eq!(ask(&both, &["prod"], &[], false).await, (1, None), "no queue is the one without a name");
    assert_eq!(ask(&gpu, &["prod"], &[None], false).await, (0, queues));
    assert_eq!(ask(&gpu, &["prod"], &[], false).await, (0, queues));
    assert_eq!(ask(&gpu, &["prod"], &[Some("cpu"), None], false).await, (0, queues));
    assert_eq!(ask(&gpu, &["prod"], &[Some("gpu"), None], false).await, (1, None), "one of them is enough");
    assert_eq!(ask(&gpu, &[], &[None], false).await, (0, None), "nothing is asked for");

    let branches = Some(Withheld::Branches);
    assert_eq!(ask(&both, &[], &[None], true).await, (0, branches));
    assert_eq!(ask(&both, &["prod"], &[None], true).await, (1, None), "the rest goes on");
    assert_eq!(ask(&gpu, &[], &[Some("gpu")], true).await, (0, None));
    assert_eq!(ask(&widest, &[], &[None], true).await, (0, None));
    assert_eq!(ask(&gpu, &["feature"], &[Some("gpu")], false).await, (1, None), "a branch is named like any other");
    assert_eq!(ask(&both, &["feature"], &[None], false).await, (0, Some(Withheld::Deployments)));
}
