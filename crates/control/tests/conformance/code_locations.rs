//! Code locations: set, removed, and told of.

use std::time::Duration;

use countersign_control::access::actions::{
    DeleteDeployment, EditCodeLocations, ReadDagsterWorkspace, TellCodeLocation, ViewAudit, ViewCodeLocations,
};
use countersign_control::audit::Period;
use countersign_control::code_locations::{
    CALM, CodeLocation, Definition, MAX_DEFINITIONS, MAX_ERROR, MAX_LOCATIONS, MAX_MANIFEST, NewLocation, Outcome, Set,
    Taken, Told, state,
};
use countersign_control::dagster::Withheld;
use countersign_control::deployments::Deletion;
use countersign_control::{Caller, Control, Error, PageRequest, Result};
use countersign_domain::dagster::LocationState;
use countersign_domain::id::DeploymentId;
use countersign_domain::{QueueScope, Role, Scope};
use countersign_store::IntoValue;
use countersign_store::code_locations::Entry;
use countersign_testkit::World;

use crate::acting::{caller, deployment, field_of, fresh_id, may, person};
use crate::dagster::{holder, only, wanted, workspace};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["code_locations"
    one_is_added_changed_listed_and_removed,
    what_cannot_be_set_is_named_and_changes_nothing,
    there_is_an_end_to_how_many_there_are,
    there_is_an_end_to_how_large_they_are_together,
    only_admins_change_them_and_members_see_them,
    an_agent_tells_and_it_is_seen,
    what_is_told_of_an_older_one_is_not_kept,
    an_agent_tells_of_what_its_token_reaches,
    a_deleted_deployment_takes_them_along,
];

/// A code location in a module.
pub fn module(deployment: DeploymentId, name: &str) -> NewLocation {
    NewLocation { deployment, name: name.to_owned(), definition: in_module("sales"), may_exist: false }
}

fn in_module(name: &str) -> Definition {
    Definition { module_name: Some(name.to_owned()), ..Definition::default() }
}

pub fn in_queue(queue: &str) -> Definition {
    Definition { queue: Some(queue.to_owned()), ..in_module("sales") }
}

pub async fn set(world: &World, new: NewLocation) -> Result<Set> {
    world.control.set_code_location(&world.admin::<EditCodeLocations>(), new).await
}

pub async fn again(world: &World, new: NewLocation) -> Set {
    set(world, NewLocation { may_exist: true, ..new }).await.expect("it is set")
}

pub async fn remove(world: &World, deployment: DeploymentId, name: &str) -> Result<CodeLocation> {
    world.control.remove_code_location(&world.admin::<EditCodeLocations>(), deployment, name).await
}

async fn list(world: &World, deployment: DeploymentId) -> Vec<CodeLocation> {
    world.control.code_locations(&world.admin::<ViewCodeLocations>(), deployment).await.expect("a list")
}

async fn one(world: &World, deployment: DeploymentId, name: &str) -> CodeLocation {
    world.control.code_location(&world.admin::<ViewCodeLocations>(), deployment, name).await.expect("it is there")
}

pub fn default_of(world: &World) -> DeploymentId {
    world.acme.created.organization.default_deployment
}

pub async fn agent(world: &World) -> Caller {
    caller(&world.control, world.acme.agent_token()).await
}

pub async fn tell(
    control: &Control,
    who: &Caller,
    deployment: &str,
    location: &str,
    outcome: Outcome,
) -> Result<Taken> {
    let told = Told { deployment: deployment.to_owned(), location: location.to_owned(), outcome };
    control.tell_code_location(&may::<TellCodeLocation>(control, who), told).await
}

fn loaded(definition: Definition) -> Outcome {
    Outcome::Loaded { definition: Box::new(definition), manifest: "{}".to_owned(), snapshots: Vec::new() }
}

fn failed(why: &str) -> Outcome {
    Outcome::Failed { definition: None, error: why.to_owned() }
}

/// The rows of the audit log that are about code locations, by name.
async fn actions(world: &World) -> Vec<String> {
    let page =
        world.control.audit_events(&world.admin::<ViewAudit>(), Period::default(), PageRequest::first(100)).await;
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

    world.clock.advance(Duration::from_secs(60));
    let grant = || world.admin::<EditCodeLocations>();
    let anew = control.reload_code_location(&grant(), default, "sales").await.expect("asked");
    assert_eq!((anew.changed_at, &anew.definition, state(&anew)), (control.now(), &other, LocationState::Waiting));
    let nowhere = control.reload_code_location(&grant(), default, "nowhere").await;
    assert_eq!(nowhere.map(drop), Err(Error::NotFound("code location")));

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
        ["added", "added", "added", "changed", "changed", "reloaded", "removed"]
            .map(|it| format!("code_location.{it}"))
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

pub async fn there_is_an_end_to_how_large_they_are_together(world: &World) {
    let default = default_of(world);
    let context = format!(r#"{{"k8s": "{}"}}"#, "x".repeat(60 * 1024));
    let large = |name: &str| {
        let definition = Definition { container_context: Some(context.clone()), ..in_module("sales") };
        NewLocation { definition, ..module(default, name) }
    };
    let fit = MAX_DEFINITIONS.unsigned_abs() / 1024 / 60 - 1;
    for number in 0..fit {
        set(world, large(&format!("l{number}"))).await.expect("added");
    }
    set(world, module(default, "small")).await.expect("added");
    for number in 0..2 {
        match set(world, large(&format!("more{number}"))).await {
            Ok(_) if number == 0 => {}
            Err(Error::Conflict(why)) if number == 1 => assert!(why.contains(&MAX_DEFINITIONS.to_string()), "{why}"),
            other => panic!("{number}: {other:?}"),
        }
    }
    again(world, NewLocation { definition: in_module("other"), ..module(default, "l0") }).await;
    set(world, large("more1")).await.expect("there is room again");
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
    let manifest = async || {
        let text = "SELECT manifest FROM code_locations WHERE deployment_id = $1";
        sql::value::<Option<String>>(control, text, vec![default.into_value()], "manifest").await
    };
    assert_eq!(manifest().await, None);

    world.clock.advance(CALM);
    assert!(tell(control, &agent, "default", "sales", loaded(in_module("sales"))).await.expect("kept").is_current);
    let it = one(world, default, "sales").await;
    assert_eq!((state(&it), it.error, it.told_at), (LocationState::Loaded, None, Some(control.now())));
    assert_eq!(it.told_by.as_ref(), Some(&world.acme.created.agent_token.public_id));
    assert_eq!(manifest().await.as_deref(), Some("{}"));
    tell(control, &agent, "default", "sales", loaded(in_module("sales"))).await.expect("kept");

    world.clock.advance(CALM);
    let long = "x".repeat(MAX_ERROR + 1);
    tell(control, &agent, "default", "sales", failed(&long)).await.expect("kept");
    let it = one(world, default, "sales").await;
    assert_eq!((state(&it), it.error.map(|it| it.len())), (LocationState::Failed, Some(MAX_ERROR)));
    assert_eq!(manifest().await.as_deref(), Some("{}"), "what was loaded before stays known");
    assert_eq!(
        actions(world).await,
        ["added", "failed", "failed", "loaded"].map(|it| format!("code_location.{it}")),
        "what changes nothing writes nothing"
    );
    world.clock.advance(CALM - Duration::from_micros(1));
    tell(control, &agent, "default", "sales", loaded(in_module("sales"))).await.expect("kept");
    assert_eq!(state(&one(world, default, "sales").await), LocationState::Loaded);
    assert_eq!(actions(world).await.len(), 4, "now this and now that leaves no row for each");

    let long = "x".repeat(MAX_MANIFEST + 1);
    let outcome = Outcome::Loaded { definition: Box::new(in_module("sales")), manifest: long, snapshots: Vec::new() };
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
    let definition = Some(Box::new(in_module("sales")));
    let failed = Outcome::Failed { definition, error: "no module named sales".to_owned() };
    assert!(!tell(control, &agent, "default", "sales", failed).await.expect("an answer").is_current);
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
