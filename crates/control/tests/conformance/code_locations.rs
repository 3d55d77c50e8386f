//! Code locations: set, removed, told of, and what agents are asked for them.

use std::time::Duration;

use countersign_control::access::actions::{
    DeleteDeployment, EditCodeLocations, ReadDagsterWorkspace, TakeDagsterRequests, TellCodeLocation, ViewAudit,
    ViewCodeLocations,
};
use countersign_control::code_locations::{
    CodeLocation, DagsterRequest, Definition, MAX_ERROR, MAX_LOCATIONS, MAX_MANIFEST, NewLocation, Outcome, Set, Taken,
    Told, state,
};
use countersign_control::dagster::{Answer, KEPT, MAX_OF_DEPLOYMENT, Reached, Withheld, Work};
use countersign_control::deployments::Deletion;
use countersign_control::{Caller, Control, Error, PageRequest, Result};
use countersign_domain::dagster::{AGAIN_AFTER, LocationState, RequestKind, RequestState};
use countersign_domain::id::DeploymentId;
use countersign_domain::{QueueScope, Role, Scope};
use countersign_store::IntoValue;
use countersign_store::code_locations::Entry;
use countersign_testkit::World;

use crate::acting::{caller, deployment, field_of, fresh_id, may, person};
use crate::dagster::{holder, only, requests, wanted, workspace};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["code_locations"
    one_is_added_changed_listed_and_removed,
    what_cannot_be_set_is_named_and_changes_nothing,
    there_is_an_end_to_how_many_there_are,
    only_admins_change_them_and_members_see_them,
    an_agent_tells_and_it_is_seen,
    what_is_told_of_an_older_one_is_not_kept,
    an_agent_tells_of_what_its_token_reaches,
    a_deleted_deployment_takes_them_along,
    a_change_is_asked_of_the_agents_of_its_queue_once,
    a_branch_deployment_is_woken,
    a_request_is_given_to_one_agent_and_once_more,
    what_nobody_does_in_time_says_so_and_goes,
    an_answer_ends_a_request_once,
    requests_are_given_to_those_who_reach_them,
];

/// A code location in a module.
pub fn module(deployment: DeploymentId, name: &str) -> NewLocation {
    NewLocation { deployment, name: name.to_owned(), definition: in_module("sales"), may_exist: false }
}

fn in_module(name: &str) -> Definition {
    Definition { module_name: Some(name.to_owned()), ..Definition::default() }
}

fn in_queue(queue: &str) -> Definition {
    Definition { queue: Some(queue.to_owned()), ..in_module("sales") }
}

async fn set(world: &World, new: NewLocation) -> Result<Set> {
    world.control.set_code_location(&world.admin::<EditCodeLocations>(), new).await
}

async fn again(world: &World, new: NewLocation) -> Set {
    set(world, NewLocation { may_exist: true, ..new }).await.expect("it is set")
}

async fn remove(world: &World, deployment: DeploymentId, name: &str) -> Result<CodeLocation> {
    world.control.remove_code_location(&world.admin::<EditCodeLocations>(), deployment, name).await
}

async fn list(world: &World, deployment: DeploymentId) -> Vec<CodeLocation> {
    world.control.code_locations(&world.admin::<ViewCodeLocations>(), deployment).await.expect("a list")
}

async fn one(world: &World, deployment: DeploymentId, name: &str) -> CodeLocation {
    world.control.code_location(&world.admin::<ViewCodeLocations>(), deployment, name).await.expect("it is there")
}

fn default_of(world: &World) -> DeploymentId {
    world.acme.created.organization.default_deployment
}

async fn agent(world: &World) -> Caller {
    caller(&world.control, world.acme.agent_token()).await
}

async fn tell(control: &Control, who: &Caller, deployment: &str, location: &str, outcome: Outcome) -> Result<Taken> {
    let told = Told { deployment: deployment.to_owned(), location: location.to_owned(), outcome };
    control.tell_code_location(&may::<TellCodeLocation>(control, who), told).await
}

fn loaded(definition: Definition) -> Outcome {
    Outcome::Loaded { definition: Box::new(definition), manifest: "{}".to_owned(), snapshots: Vec::new() }
}

fn failed(why: &str) -> Outcome {
    Outcome::Failed { error: why.to_owned() }
}

async fn asked(world: &World, deployment: DeploymentId) -> Vec<DagsterRequest> {
    let grant = world.admin::<ViewCodeLocations>();
    world.control.dagster_requests(&grant, deployment, PageRequest::first(50)).await.expect("a read").items
}

/// What an agent is given of the deployment `default`.
async fn take(world: &World, who: &Caller) -> Work {
    let grant = may::<TakeDagsterRequests>(&world.control, who);
    let wanted = wanted(&["default"], &[None], false);
    world.control.take_dagster_requests(&grant, wanted).await.expect("an answer")
}

async fn answer(world: &World, who: &Caller, request: &DagsterRequest) -> Result<Reached> {
    let answer = Answer {
        deployment: "default".to_owned(),
        request: request.id.to_string(),
        called: "DagsterCloudApiSuccess".to_owned(),
        error: None,
    };
    world.control.answer_dagster_request(&may::<TakeDagsterRequests>(&world.control, who), answer).await
}

/// The rows of the audit log that are about code locations, by name.
async fn actions(world: &World) -> Vec<String> {
    let page = world.control.audit_events(&world.admin::<ViewAudit>(), PageRequest::first(100)).await;
    let mut all: Vec<String> = page.expect("a read").items.into_iter().map(|it| it.action).collect();
    all.retain(|it| it.starts_with("code_location."));
    // Those of one moment stand in any order.
    all.sort_unstable();
    all
}

pub async fn one_is_added_changed_listed_and_removed(world: &World) {
    let control = &world.control;
    let default = default_of(world);
    let made = set(world, module(default, "sales")).await.expect("added");
    assert!(made.is_new);
    assert_eq!((made.location.created_by, made.location.deployment), (world.acme.admin.user(), default));
    assert_eq!(state(&made.location), LocationState::Waiting);
    set(world, module(default, "a stock of things")).await.expect("added");
    let names: Vec<_> = list(world, default).await.into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["a stock of things", "sales"]);

    world.clock.advance(Duration::from_secs(60));
    let other = Definition {
        commit_hash: Some("0a1b".to_owned()),
        container_context: Some("{\"k8s\":{}}".to_owned()),
        queue: Some("gpu".to_owned()),
        ..in_module("sales.defs")
    };
    let changed = again(world, NewLocation { definition: other.clone(), ..module(default, "sales") }).await;
    assert!(!changed.is_new);
    assert_eq!((changed.location.id, &changed.location.definition), (made.location.id, &other));
    assert_eq!((changed.location.created_at, changed.location.changed_at), (made.location.created_at, control.now()));
    assert_eq!(one(world, default, "sales").await.definition, other);

    world.clock.advance(Duration::from_secs(60));
    let same = again(world, NewLocation { definition: other.clone(), ..module(default, "sales") }).await;
    assert_eq!(same.location.changed_at, control.now(), "the same again is loaded again");

    let gone = remove(world, default, "sales").await.expect("removed");
    assert_eq!(gone.id, made.location.id);
    assert_eq!(list(world, default).await.len(), 1);
    let nothing = Err(Error::NotFound("code location"));
    assert_eq!(remove(world, default, "sales").await.map(drop), nothing);
    let grant = world.admin::<ViewCodeLocations>();
    assert_eq!(control.code_location(&grant, default, "sales").await.map(drop), nothing);
    assert!(set(world, module(default, "sales")).await.expect("its name is free").is_new);
    assert_eq!(
        actions(world).await,
        ["added", "added", "added", "changed", "changed", "removed"].map(|it| format!("code_location.{it}"))
    );
}

pub async fn what_cannot_be_set_is_named_and_changes_nothing(world: &World) {
    let default = default_of(world);
    set(world, module(default, "sales")).await.expect("added");
    let with = |definition| NewLocation { definition, ..module(default, "x") };
    let two = Definition { python_file: Some("a.py".to_owned()), ..in_module("a") };
    for (field, new) in [
        ("name", module(default, "")),
        ("name", module(default, "a\nb")),
        ("name", module(default, &"x".repeat(256))),
        ("module_name", with(Definition::default())),
        ("module_name", with(two)),
        ("image", with(Definition { image: Some("a\u{202E}".to_owned()), ..in_module("a") })),
        ("queue", with(in_queue("a b"))),
        ("container_context", with(Definition { container_context: Some("[]".to_owned()), ..in_module("a") })),
    ] {
        assert_eq!(field_of(set(world, new).await), field);
    }
    match set(world, module(default, "sales")).await {
        Err(Error::Conflict(why)) => assert!(why.contains("sales already"), "{why}"),
        other => panic!("{other:?}"),
    }
    let nowhere = set(world, module(fresh_id(&world.control), "sales")).await;
    assert_eq!(nowhere.map(drop), Err(Error::NotFound("deployment")));
    assert_eq!(list(world, default).await.len(), 1);
    assert_eq!(actions(world).await, ["code_location.added"]);
}

pub async fn there_is_an_end_to_how_many_there_are(world: &World) {
    let default = default_of(world);
    set(world, module(default, "first")).await.expect("added");
    // As many rows as there may be, but one.
    let text = "INSERT INTO code_locations (id, organization_id, deployment_id, name, definition, created_at, changed_at)
         SELECT $1, organization_id, deployment_id, $2, definition, created_at, changed_at FROM code_locations WHERE name = 'first'";
    for number in 1..MAX_LOCATIONS - 1 {
        let id = fresh_id::<()>(&world.control);
        let values = vec![id.into_value(), format!("l{number}").into_value()];
        assert_eq!(sql::change(&world.control, text, values).await, 1);
    }
    set(world, module(default, "last")).await.expect("the last one");
    match set(world, module(default, "beyond")).await {
        Err(Error::Conflict(why)) => assert!(why.contains(&MAX_LOCATIONS.to_string()), "{why}"),
        other => panic!("{other:?}"),
    }
    again(world, module(default, "first")).await;
}

pub async fn only_admins_change_them_and_members_see_them(world: &World) {
    let control = &world.control;
    let default = default_of(world);
    set(world, module(default, "sales")).await.expect("added");
    let member = person(control, &world.acme, "bob@acme.example", Role::Member).await;
    let seen = control.code_locations(&may::<ViewCodeLocations>(control, &member), default).await.expect("a list");
    assert_eq!(seen.len(), 1);
    let denied = control.grant_own::<EditCodeLocations>(&member).map(drop);
    assert!(matches!(denied, Err(Error::Denied { .. })), "{denied:?}");
    let stranger = may::<ViewCodeLocations>(control, &world.globex.admin);
    assert_eq!(control.code_locations(&stranger, default).await.map(drop), Err(Error::NotFound("deployment")));
}

pub async fn an_agent_tells_and_it_is_seen(world: &World) {
    let control = &world.control;
    let (default, agent) = (default_of(world), agent(world).await);
    set(world, module(default, "sales")).await.expect("added");
    let failed_first = tell(control, &agent, "default", "sales", failed("no module named sales")).await.expect("kept");
    assert!(failed_first.is_current);
    let it = one(world, default, "sales").await;
    assert_eq!((state(&it), it.error.as_deref()), (LocationState::Failed, Some("no module named sales")));
    let grant = || world.admin::<ViewCodeLocations>();
    assert_eq!(control.code_location_manifest(&grant(), default, "sales").await, Ok(None));

    world.clock.advance(Duration::from_secs(5));
    assert!(tell(control, &agent, "default", "sales", loaded(in_module("sales"))).await.expect("kept").is_current);
    let it = one(world, default, "sales").await;
    assert_eq!((state(&it), it.error, it.told_at), (LocationState::Loaded, None, Some(control.now())));
    assert_eq!(control.code_location_manifest(&grant(), default, "sales").await, Ok(Some("{}".to_owned())));
    tell(control, &agent, "default", "sales", loaded(in_module("sales"))).await.expect("kept");

    let long = "x".repeat(MAX_ERROR + 1);
    tell(control, &agent, "default", "sales", failed(&long)).await.expect("kept");
    let it = one(world, default, "sales").await;
    assert_eq!((state(&it), it.error.map(|it| it.len())), (LocationState::Failed, Some(MAX_ERROR)));
    let kept = control.code_location_manifest(&grant(), default, "sales").await;
    assert_eq!(kept, Ok(Some("{}".to_owned())), "what was loaded before stays known");
    assert_eq!(
        actions(world).await,
        ["added", "failed", "failed", "loaded"].map(|it| format!("code_location.{it}")),
        "what changes nothing writes nothing"
    );

    let manifest = "x".repeat(MAX_MANIFEST + 1);
    let outcome = Outcome::Loaded { definition: Box::new(in_module("sales")), manifest, snapshots: Vec::new() };
    assert_eq!(field_of(tell(control, &agent, "default", "sales", outcome).await), "manifest");
    let gone = tell(control, &agent, "default", "stock", failed("x")).await;
    assert_eq!(gone.map(drop), Err(Error::NotFound("code location")));
}

pub async fn what_is_told_of_an_older_one_is_not_kept(world: &World) {
    let control = &world.control;
    let (default, agent) = (default_of(world), agent(world).await);
    set(world, module(default, "sales")).await.expect("added");
    tell(control, &agent, "default", "sales", loaded(in_module("sales"))).await.expect("kept");
    world.clock.advance(Duration::from_secs(1));
    again(world, NewLocation { definition: in_module("other"), ..module(default, "sales") }).await;
    assert_eq!(state(&one(world, default, "sales").await), LocationState::Waiting);
    let late = tell(control, &agent, "default", "sales", loaded(in_module("sales"))).await.expect("an answer");
    assert!(!late.is_current);
    assert_eq!(state(&one(world, default, "sales").await), LocationState::Waiting);
    tell(control, &agent, "default", "sales", loaded(in_module("other"))).await.expect("kept");
    assert_eq!(state(&one(world, default, "sales").await), LocationState::Loaded);
}

pub async fn an_agent_tells_of_what_its_token_reaches(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let staging = deployment(control, &world.acme, "staging", None).await;
    set(world, module(prod, "sales")).await.expect("added");
    set(world, NewLocation { definition: in_queue("gpu"), ..module(prod, "learning") }).await.expect("added");
    let (outside, _) = holder(world, only(&[staging], false)).await;
    let taken = tell(control, &outside, "prod", "sales", failed("x")).await.expect("an answer");
    assert_eq!((taken.reached.withheld, taken.is_current), (Some(Withheld::Deployments), false));
    let queues = QueueScope::Only(["gpu".parse().expect("a queue")].into());
    let (gpu, _) = holder(world, Scope { queues, ..only(&[prod], false) }).await;
    let taken = tell(control, &gpu, "prod", "sales", failed("x")).await.expect("an answer");
    assert_eq!(taken.reached.withheld, Some(Withheld::Queues));
    assert!(tell(control, &gpu, "prod", "learning", failed("x")).await.expect("kept").is_current);
    let stranger = caller(control, world.globex.agent_token()).await;
    let taken = tell(control, &stranger, "staging", "sales", failed("x")).await.expect("an answer");
    assert_eq!(taken.reached.withheld, Some(Withheld::Deployments));
    let states: Vec<_> = list(world, prod).await.iter().map(state).collect();
    assert_eq!(states, [LocationState::Failed, LocationState::Waiting]);

    let sees = async |who: &Caller, queues: &[Option<&str>]| {
        let grant = may::<ReadDagsterWorkspace>(control, who);
        let all = control.read_dagster_workspace(&grant, wanted(&["prod"], queues, false)).await.expect("a read");
        let names = |it: Vec<Entry>| it.into_iter().map(|it| it.name);
        all.entries.into_iter().flat_map(names).collect::<Vec<_>>()
    };
    assert_eq!(sees(&gpu, &[Some("gpu"), None]).await, ["learning"]);
    assert_eq!(sees(&agent(world).await, &[None]).await, ["sales"]);
    assert_eq!(sees(&agent(world).await, &[]).await, ["sales"], "no queue is the one without a name");
    assert_eq!(sees(&agent(world).await, &[Some("gpu"), None]).await, ["learning", "sales"]);
    assert_eq!(sees(&outside, &[None]).await, [""; 0]);
}

pub async fn a_deleted_deployment_takes_them_along(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    set(world, module(prod, "sales")).await.expect("added");
    let deletion = Deletion { deployment: prod, force: false };
    control.delete_deployment(&world.admin::<DeleteDeployment>(), deletion).await.expect("they are no work");
    assert_eq!(set(world, module(prod, "x")).await.map(drop), Err(Error::NotFound("deployment")));
    assert_eq!(remove(world, prod, "sales").await.map(drop), Err(Error::NotFound("deployment")));
    let view = world.admin::<ViewCodeLocations>();
    assert_eq!(control.code_locations(&view, prod).await.map(drop), Err(Error::NotFound("deployment")));
    for text in [
        "SELECT COUNT(*) AS n FROM code_locations WHERE deployment_id = $1",
        "SELECT COUNT(*) AS n FROM dagster_requests WHERE deployment_id = $1",
    ] {
        let values = vec![prod.into_value()];
        assert_eq!(sql::value::<i64>(control, text, values, "n").await, 0, "{text}");
    }
    let there = workspace(control, &agent(world).await, wanted(&["prod"], &[None], false)).await.expect("a read");
    assert_eq!(there.withheld, Some(Withheld::Deployments));
}

pub async fn a_change_is_asked_of_the_agents_of_its_queue_once(world: &World) {
    let default = default_of(world);
    let queues = async |world: &World| -> Vec<Option<String>> {
        let mut all: Vec<_> = asked(world, default).await.into_iter().map(|it| it.queue).collect();
        all.sort_unstable();
        all
    };
    set(world, module(default, "sales")).await.expect("added");
    set(world, module(default, "stock")).await.expect("added");
    assert_eq!(queues(world).await, [None], "the one that waits does for both");
    let work = take(world, &agent(world).await).await;
    assert_eq!(work.given.len(), 1);
    assert_eq!(work.given[0].request.kind, RequestKind::Check);
    again(world, module(default, "sales")).await;
    assert_eq!(queues(world).await, [None, None], "who has one may have looked before the change");
    again(world, NewLocation { definition: in_queue("gpu"), ..module(default, "sales") }).await;
    let gpu = Some("gpu".to_owned());
    assert_eq!(queues(world).await, [None, None, gpu.clone()], "the others let it go with the one that waits");
    take(world, &agent(world).await).await;
    remove(world, default, "sales").await.expect("removed");
    assert_eq!(queues(world).await, [None, None, gpu], "one for them waits");
    remove(world, default, "stock").await.expect("removed");
    assert_eq!(queues(world).await.len(), 4);
}

pub async fn a_branch_deployment_is_woken(world: &World) {
    let control = &world.control;
    let branch = deployment(control, &world.acme, "pull-17", Some(default_of(world))).await;
    set(world, module(branch, "sales")).await.expect("added");
    let mut kinds: Vec<_> = asked(world, branch).await.into_iter().map(|it| (it.location, it.kind)).collect();
    kinds.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(kinds, [(None, RequestKind::Check), (Some("sales".to_owned()), RequestKind::Ping)]);
    assert!(control.grant_own::<TakeDagsterRequests>(&world.acme.admin).is_err(), "people take nothing");
    let agent = agent(world).await;
    let taking = may::<TakeDagsterRequests>(control, &agent);
    let work = control.take_dagster_requests(&taking, wanted(&[], &[None], true)).await.expect("an answer");
    let names: Vec<_> = work.given.iter().map(|it| it.deployment.name.as_str()).collect();
    assert_eq!(names, ["pull-17", "pull-17"], "an agent learns of a branch deployment by what it is to do there");
    assert_eq!(work.reached.served.len(), 0);
    let pinged = control.ping_code_location(&world.admin::<EditCodeLocations>(), branch, "sales").await.expect("asked");
    assert_eq!((pinged.kind, pinged.state()), (RequestKind::Ping, RequestState::Waiting));
    let nothing = control.ping_code_location(&world.admin::<EditCodeLocations>(), branch, "stock").await;
    assert_eq!(nothing.map(drop), Err(Error::NotFound("code location")));
}

pub async fn a_request_is_given_to_one_agent_and_once_more(world: &World) {
    let (default, agent) = (default_of(world), agent(world).await);
    set(world, module(default, "sales")).await.expect("added");
    let given = async || take(world, &agent).await.given.len();
    assert_eq!(given().await, 1);
    assert_eq!(given().await, 0, "an agent has it");
    assert_eq!(asked(world, default).await[0].state(), RequestState::Offered);
    world.clock.advance(AGAIN_AFTER - Duration::from_micros(1));
    assert_eq!(given().await, 0);
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(given().await, 1, "whoever had it may be gone");
    world.control.sweep().await.expect("a round");
    assert_eq!(asked(world, default).await[0].state(), RequestState::Offered);
    world.clock.advance(AGAIN_AFTER);
    assert_eq!(given().await, 0, "twice, and no more");
    world.control.sweep().await.expect("a round");
    let it = &asked(world, default).await[0];
    assert_eq!((it.state(), it.offers), (RequestState::NotAnswered, 2));
}

pub async fn what_nobody_does_in_time_says_so_and_goes(world: &World) {
    let default = default_of(world);
    set(world, module(default, "sales")).await.expect("added");
    world.clock.advance(RequestKind::Check.life());
    assert_eq!(take(world, &agent(world).await).await.given.len(), 0, "it is not worth doing any more");
    let swept = world.control.sweep().await.expect("a round");
    assert_eq!(swept.requests_ended, 1);
    let it = &asked(world, default).await[0];
    assert_eq!((it.state(), it.ended_at), (RequestState::NotTaken, Some(world.control.now())));
    assert!(it.state().to_string().contains("before an agent took it"), "a reason is given: {}", it.state());
    again(world, module(default, "sales")).await;
    assert_eq!(asked(world, default).await.len(), 2, "one that is over does for nothing");
    world.clock.advance(KEPT);
    world.control.sweep().await.expect("a round");
    assert_eq!(asked(world, default).await.len(), 2, "not a moment early");
    world.clock.advance(Duration::from_micros(1));
    world.control.sweep().await.expect("a round");
    assert_eq!(asked(world, default).await.len(), 1);
}

pub async fn an_answer_ends_a_request_once(world: &World) {
    let control = &world.control;
    let (default, agent) = (default_of(world), agent(world).await);
    set(world, module(default, "sales")).await.expect("added");
    let waiting = asked(world, default).await.remove(0);
    answer(world, &agent, &waiting).await.expect("an answer");
    assert_eq!(asked(world, default).await[0].state(), RequestState::Waiting, "nobody has it who could answer");
    take(world, &agent).await;
    answer(world, &agent, &waiting).await.expect("an answer");
    let it = &asked(world, default).await[0];
    assert_eq!((it.state(), it.answer.as_deref()), (RequestState::Answered, Some("DagsterCloudApiSuccess")));
    let first = it.ended_at;
    world.clock.advance(AGAIN_AFTER);
    assert_eq!(take(world, &agent).await.given.len(), 0);
    answer(world, &agent, &waiting).await.expect("an answer");
    assert_eq!(asked(world, default).await[0].ended_at, first, "the first one counts");

    let prod = deployment(control, &world.acme, "prod", None).await;
    set(world, module(prod, "sales")).await.expect("added");
    let other = asked(world, prod).await.remove(0);
    assert_eq!(answer(world, &agent, &other).await.map(drop), Err(Error::NotFound("request")), "of another deployment");
    let garbage =
        Answer { deployment: "default".to_owned(), request: "x".to_owned(), called: String::new(), error: None };
    let grant = may::<TakeDagsterRequests>(control, &agent);
    assert_eq!(field_of(control.answer_dagster_request(&grant, garbage).await), "request_id");
    let (outside, _) = holder(world, only(&[prod], false)).await;
    let refused = answer(world, &outside, &waiting).await.expect("an answer");
    assert_eq!(refused.withheld, Some(Withheld::Deployments));
}

pub async fn requests_are_given_to_those_who_reach_them(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let branch = deployment(control, &world.acme, "pull-17", Some(prod)).await;
    set(world, module(prod, "sales")).await.expect("added");
    set(world, NewLocation { definition: in_queue("gpu"), ..module(prod, "learning") }).await.expect("added");
    set(world, module(branch, "sales")).await.expect("added");
    let (only_prod, _) = holder(world, only(&[prod], false)).await;
    let (branches, _) = holder(world, only(&[], true)).await;
    let queues = QueueScope::Only(["gpu".parse().expect("a queue")].into());
    let (gpu, _) = holder(world, Scope { queues, ..only(&[prod], false) }).await;
    let stranger = caller(control, world.globex.agent_token()).await;
    let count = async |who: &Caller, list: &[&str], queues: &[Option<&str>], branches| {
        let grant = may::<TakeDagsterRequests>(control, who);
        let work = control.take_dagster_requests(&grant, wanted(list, queues, branches)).await.expect("an answer");
        work.given.len()
    };
    assert_eq!(count(&stranger, &["pull-17"], &[None], false).await, 0);
    assert_eq!(count(&only_prod, &["pull-17"], &[None], true).await, 0);
    assert_eq!(count(&only_prod, &[], &[None], true).await, 0);
    assert_eq!(count(&branches, &["prod"], &[None], false).await, 0);
    assert_eq!(count(&gpu, &["prod"], &[None], false).await, 0, "the token serves none of these queues");
    assert_eq!(count(&only_prod, &["prod"], &[Some("gpu")], false).await, 1, "the agent serves one of them");
    assert_eq!(count(&gpu, &["prod"], &[Some("gpu"), None], false).await, 0, "which is taken");
    assert_eq!(count(&only_prod, &["prod"], &[Some("gpu"), None], false).await, 1);
    assert_eq!(count(&branches, &["pull-17"], &[None], true).await, 2, "each of them once");
    let reached = requests(control, &only_prod, wanted(&["staging"], &[None], false)).await.expect("an answer");
    assert_eq!(reached.withheld, Some(Withheld::Deployments));

    for number in 0..=MAX_OF_DEPLOYMENT {
        let name = format!("l{number}");
        set(world, module(prod, &name)).await.expect("added");
        control.ping_code_location(&world.admin::<EditCodeLocations>(), prod, &name).await.expect("asked");
    }
    let limit = usize::try_from(MAX_OF_DEPLOYMENT).expect("a small number");
    assert_eq!(count(&only_prod, &["prod"], &[None], false).await, limit, "the oldest first");
    assert_eq!(count(&only_prod, &["prod"], &[None], false).await, 2, "the rest: one check, and eleven pings");
}
