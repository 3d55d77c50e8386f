//! Runs of code locations' jobs: launched, taken, told of, stopped, lost.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_control::access::actions::{
    LaunchDagsterRun, ReportDagsterRun, TakeDagsterRequests, TerminateDagsterRun, ViewDagsterRuns,
};
use countersign_control::code_locations::{Definition, NewLocation, Outcome};
use countersign_control::dagster::{Given, Reached, Withheld};
use countersign_control::dagster_runs::{
    DagsterRun, Launched, MAX_OPEN_RUNS, NewEvent, NewLog, NewRun, RunsWanted, Termination,
};
use countersign_control::{Caller, Control, Error, PageRequest, Result};
use countersign_domain::Timestamp;
use countersign_domain::dagster::{MAX_RUN_CONFIG, MAX_RUN_TAGS, RUN_KEPT, RequestKind, RunStatus};
use countersign_domain::id::{DagsterRunId, DeploymentId};
use countersign_store::IntoValue;
use countersign_testkit::World;
use serde_json::{Value, json};

use crate::acting::{caller, deployment, field_of, fresh_id, may};
use crate::code_locations::{agent, default_of, module, set, tell};
use crate::dagster::{holder, only, wanted};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["dagster_runs"
    a_run_goes_from_launch_to_its_end,
    what_cannot_be_launched_is_named,
    a_key_stands_for_one_run,
    a_run_is_its_tokens,
    a_run_is_stopped_by_the_agent_that_has_it,
];

/// Where the code is.
pub fn pointer() -> Value {
    json!({ "__class__": "ModuleCodePointer", "module": "sales", "fn_name": "defs", "working_directory": null })
}

/// What an agent tells of a code location in which runs can be launched.
fn manifest() -> String {
    let snapshot = format!("snapshots/{}", DagsterRunId::nil());
    json!({
        "repositories": [{ "name": "__repository__", "code_pointer": pointer(), "stored_snapshot": { "uri": snapshot } }],
        "executable_path": "/bin/python",
    })
    .to_string()
}

/// A code location that is loaded.
pub async fn loaded(world: &World, deployment: DeploymentId, named: &str, location: &str) {
    let new = NewLocation { may_exist: true, ..module(deployment, location) };
    let definition = set(world, new).await.expect("set").location.definition;
    told(&world.control, &agent(world).await, named, location, definition).await;
}

/// An agent tells that it has loaded a code location.
pub async fn told(control: &Control, who: &Caller, named: &str, location: &str, definition: Definition) {
    let outcome = Outcome::Loaded { definition: Box::new(definition), manifest: manifest(), snapshots: Vec::new() };
    assert!(tell(control, who, named, location, outcome).await.expect("told").is_current);
}

pub fn new_run(deployment: DeploymentId, job: &str) -> NewRun {
    NewRun {
        deployment,
        location: "sales".to_owned(),
        repository: None,
        job: job.to_owned(),
        config: json!({}),
        tags: BTreeMap::new(),
        key: None,
    }
}

async fn try_launch(world: &World, new: NewRun) -> Result<Launched> {
    world.control.launch_run(&world.admin::<LaunchDagsterRun>(), new).await
}

pub async fn launch(world: &World, deployment: DeploymentId) -> DagsterRun {
    try_launch(world, new_run(deployment, "sell")).await.expect("launched").run
}

pub async fn one(world: &World, run: DagsterRunId) -> DagsterRun {
    world.control.dagster_run(&world.admin::<ViewDagsterRuns>(), run).await.expect("it is there")
}

/// What is given to an agent for a deployment, without what is asked of code locations.
pub async fn take(world: &World, who: &Caller, named: &str) -> Vec<Given> {
    let grant = may::<TakeDagsterRequests>(&world.control, who);
    let work = world.control.take_dagster_requests(&grant, wanted(&[named], &[None], false)).await.expect("an answer");
    work.given.into_iter().filter(|it| it.run.is_some()).collect()
}

pub fn event(run: DagsterRunId, kind: &str) -> NewEvent {
    NewEvent {
        run: run.to_string(),
        kind: Some(kind.to_owned()),
        step: None,
        level: 10,
        occurred_at: Timestamp::EPOCH,
        message: format!("it says {kind}"),
        entry: "{}".to_owned(),
    }
}

pub async fn store(world: &World, who: &Caller, named: &str, key: Option<&str>, it: NewEvent) -> Result<Reached> {
    let grant = may::<ReportDagsterRun>(&world.control, who);
    world.control.store_run_events(&grant, named.to_owned(), key.map(str::to_owned), vec![it]).await
}

pub async fn tells(world: &World, who: &Caller, run: DagsterRunId, kind: &str) -> RunStatus {
    store(world, who, "default", None, event(run, kind)).await.expect("kept");
    one(world, run).await.status
}

async fn events(world: &World, run: DagsterRunId) -> Vec<(i64, Option<String>)> {
    let all = world.control.dagster_run_events(&world.admin::<ViewDagsterRuns>(), run, 0, 500).await;
    all.expect("a read").into_iter().map(|it| (it.number, it.kind)).collect()
}

pub async fn terminate(world: &World, run: DagsterRunId, force: bool) -> Result<DagsterRun> {
    world.control.terminate_run(&world.admin::<TerminateDagsterRun>(), Termination { run, force }).await
}

/// A run that an agent has been given in the deployment `default`.
pub async fn taken(world: &World, who: &Caller) -> DagsterRun {
    let run = launch(world, default_of(world)).await;
    let given = take(world, who, "default").await;
    assert_eq!(given.iter().map(|it| it.request.run).collect::<Vec<_>>(), [Some(run.id)]);
    run
}

pub async fn a_run_goes_from_launch_to_its_end(world: &World) {
    let control = &world.control;
    let (default, agent) = (default_of(world), agent(world).await);
    loaded(world, default, "default", "sales").await;
    let tags = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
    let new = NewRun { config: json!({ "ops": {} }), tags, ..new_run(default, "sell") };
    let Launched { run, is_new } = try_launch(world, new).await.expect("launched");
    assert!(is_new);
    assert_eq!(
        (run.status, run.repository.as_str(), run.created_by),
        (RunStatus::NotStarted, "__repository__", world.acme.admin.user())
    );
    let origin: Value = serde_json::from_str(&run.origin).expect("JSON");
    assert_eq!(origin["executable_path"], "/bin/python");

    let given = take(world, &agent, "default").await;
    assert_eq!(given[0].request.kind, RequestKind::Launch);
    assert_eq!(given[0].run.as_ref().map(|it| (it.id, it.status)), Some((run.id, RunStatus::Starting)));
    let now = one(world, run.id).await;
    assert_eq!((now.status, now.taken_at), (RunStatus::Starting, Some(control.now())));
    assert_eq!(tells(world, &agent, run.id, "ENGINE_EVENT").await, RunStatus::Starting);
    let more = BTreeMap::from([("process/pid".to_owned(), "17".to_owned())]);
    let grant = may::<ReportDagsterRun>(control, &agent);
    control.add_run_tags(&grant, "default".to_owned(), &run.id.to_string(), more).await.expect("added");
    assert_eq!(tells(world, &agent, run.id, "PIPELINE_START").await, RunStatus::Started);
    world.clock.advance(Duration::from_secs(7));
    assert_eq!(tells(world, &agent, run.id, "PIPELINE_SUCCESS").await, RunStatus::Success);
    let done = one(world, run.id).await;
    assert_eq!(done.ended_at, Some(control.now()));
    assert_eq!(done.tags.len(), 2);
    assert_eq!(tells(world, &agent, run.id, "PIPELINE_FAILURE").await, RunStatus::Success, "an end stays");
    let told: Vec<i64> = events(world, run.id).await.into_iter().map(|it| it.0).collect();
    assert_eq!(told, [1, 2, 3, 4]);

    let list = async |status| {
        let grant = world.admin::<ViewDagsterRuns>();
        let page = control.dagster_runs(&grant, default, status, PageRequest::first(5)).await.expect("a page");
        page.items.len()
    };
    assert_eq!(
        (list(None).await, list(Some(RunStatus::Success)).await, list(Some(RunStatus::Failure)).await),
        (1, 1, 0)
    );
    let stranger = may::<ViewDagsterRuns>(control, &world.globex.admin);
    assert_eq!(control.dagster_run(&stranger, run.id).await.map(drop), Err(Error::NotFound("run")));
    let ended = terminate(world, run.id, true).await;
    assert!(matches!(&ended, Err(Error::Conflict(why)) if why.contains("launch it anew")), "{ended:?}");

    world.clock.advance(RUN_KEPT + Duration::from_micros(1));
    let swept = control.sweep().await.expect("a round");
    assert_eq!(swept.runs_removed, 1);
    assert_eq!(list(None).await, 0);
}

pub async fn what_cannot_be_launched_is_named(world: &World) {
    let default = default_of(world);
    let nothing = try_launch(world, new_run(default, "sell")).await;
    assert_eq!(nothing.map(drop), Err(Error::NotFound("code location")));
    set(world, module(default, "sales")).await.expect("added");
    match try_launch(world, new_run(default, "sell")).await {
        Err(Error::Conflict(why)) => assert!(why.contains("wait until it is loaded"), "{why}"),
        other => panic!("{other:?}"),
    }
    loaded(world, default, "default", "sales").await;
    let many: BTreeMap<_, _> = (0..=MAX_RUN_TAGS).map(|it| (it.to_string(), String::new())).collect();
    let tag = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let base = || new_run(default, "sell");
    for (field, new) in [
        ("job", new_run(default, "")),
        ("job", new_run(default, "a\nb")),
        ("repository", NewRun { repository: Some("other".to_owned()), ..base() }),
        ("config", NewRun { config: json!([]), ..base() }),
        ("config", NewRun { config: json!({ "a": "x".repeat(MAX_RUN_CONFIG) }), ..base() }),
        ("tags", NewRun { tags: many, ..base() }),
        ("tags", NewRun { tags: tag("", "a"), ..base() }),
        ("tags", NewRun { tags: tag("a", "\0"), ..base() }),
        ("idempotencyKey", NewRun { key: Some("x".repeat(256)), ..base() }),
    ] {
        assert_eq!(field_of(try_launch(world, new).await), field);
    }
    let nowhere = try_launch(world, new_run(fresh_id(&world.control), "sell")).await;
    assert_eq!(nowhere.map(drop), Err(Error::NotFound("deployment")));
    assert!(world.control.grant_own::<LaunchDagsterRun>(&agent(world).await).is_err(), "agents launch nothing");

    let run = launch(world, default).await;
    // As many as there may be.
    let text = "INSERT INTO dagster_runs (id, organization_id, deployment_id, location, repository, job, origin, config, tags, status,
         created_at, updated_at, events, event_bytes, events_dropped) SELECT $1, organization_id, deployment_id, location, repository, job,
         origin, config, tags, status, created_at, updated_at, 0, 0, 0 FROM dagster_runs WHERE id = $2";
    for _ in 1..MAX_OPEN_RUNS {
        let values = vec![fresh_id::<()>(&world.control).into_value(), run.id.into_value()];
        assert_eq!(sql::change(&world.control, text, values).await, 1);
    }
    match try_launch(world, base()).await {
        Err(Error::TooMany { what, .. }) => assert!(what.contains("terminate some"), "{what}"),
        other => panic!("{other:?}"),
    }
}

pub async fn a_key_stands_for_one_run(world: &World) {
    let default = default_of(world);
    loaded(world, default, "default", "sales").await;
    let with = |job: &str| NewRun { key: Some("k1".to_owned()), ..new_run(default, job) };
    let first = try_launch(world, with("sell")).await.expect("launched");
    let again = try_launch(world, with("sell")).await.expect("answered");
    assert_eq!((again.run.id, first.is_new, again.is_new), (first.run.id, true, false));
    match try_launch(world, with("buy")).await {
        Err(Error::Conflict(why)) => assert!(why.contains("another key"), "{why}"),
        other => panic!("{other:?}"),
    }
    let other = NewRun { config: json!({ "ops": {} }), ..with("sell") };
    assert!(matches!(try_launch(world, other).await, Err(Error::Conflict(_))), "with another configuration");
    assert_eq!(take(world, &agent(world).await, "default").await.len(), 1);

    let who = agent(world).await;
    let event = || event(first.run.id, "ENGINE_EVENT");
    store(world, &who, "default", Some("e1"), event()).await.expect("kept");
    store(world, &who, "default", Some("e1"), event()).await.expect("the same again");
    store(world, &who, "default", Some("e2"), event()).await.expect("kept");
    assert_eq!(events(world, first.run.id).await.len(), 2);
}

pub async fn a_run_is_its_tokens(world: &World) {
    let control = &world.control;
    let (default, first) = (default_of(world), agent(world).await);
    let prod = deployment(control, &world.acme, "prod", None).await;
    loaded(world, default, "default", "sales").await;
    let run = launch(world, default).await;
    let unknown = || Err(Error::NotFound("run"));
    let early = store(world, &first, "default", None, event(run.id, "PIPELINE_START")).await;
    assert_eq!(early.map(drop), unknown(), "nobody has it yet");
    assert_eq!(take(world, &first, "default").await.len(), 1);
    let (second, _) = holder(world, only(&[default, prod], false)).await;
    let stranger = caller(control, world.globex.agent_token()).await;
    for other in [&second, &stranger] {
        let stored = store(world, other, "default", None, event(run.id, "PIPELINE_SUCCESS")).await;
        assert_eq!(stored.map(drop), unknown());
        let grant = may::<ReportDagsterRun>(control, other);
        let tags = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        let tagged = control.add_run_tags(&grant, "default".to_owned(), &run.id.to_string(), tags).await;
        assert_eq!(tagged.map(drop), unknown());
        let wanted = RunsWanted { ids: Some(vec![run.id.to_string()]), ..RunsWanted::default() };
        let seen = control.run_records(&grant, "default".to_owned(), wanted).await.expect("a read");
        assert_eq!(seen.it.map(|it| it.len()), Some(0));
        let log = NewLog { run: run.id.to_string(), name: "a".to_owned(), stream: "stdout".to_owned(), size: 1 };
        assert_eq!(control.run_log_address(&grant, "default".to_owned(), log).await.map(drop), unknown());
    }
    let elsewhere = store(world, &first, "prod", None, event(run.id, "PIPELINE_SUCCESS")).await;
    assert_eq!(elsewhere.map(drop), unknown(), "of another deployment");
    let (outside, _) = holder(world, only(&[prod], false)).await;
    let refused = store(world, &outside, "default", None, event(run.id, "PIPELINE_SUCCESS")).await.expect("an answer");
    assert_eq!(refused.withheld, Some(Withheld::Deployments));
    assert_eq!(one(world, run.id).await.status, RunStatus::Starting);
    let grant = may::<ReportDagsterRun>(control, &first);
    let seen = async |wanted| control.run_records(&grant, "default".to_owned(), wanted).await.expect("a read").it;
    assert_eq!(seen(RunsWanted::default()).await.map(|it| it.len()), Some(1));
    let done = RunsWanted { statuses: vec!["SUCCESS".to_owned()], ..RunsWanted::default() };
    assert_eq!(seen(done).await.map(|it| it.len()), Some(0));
    assert_eq!(
        field_of(store(world, &first, "default", None, NewEvent { run: "x".to_owned(), ..event(run.id, "A") }).await),
        "runId"
    );
}

pub async fn a_run_is_stopped_by_the_agent_that_has_it(world: &World) {
    let (default, first) = (default_of(world), agent(world).await);
    loaded(world, default, "default", "sales").await;
    let early = launch(world, default).await;
    let gone = terminate(world, early.id, false).await.expect("stopped");
    assert_eq!((gone.status, gone.ended_at.is_some()), (RunStatus::Canceled, true));
    assert_eq!(take(world, &first, "default").await.len(), 0, "nobody is to start it any more");

    let run = taken(world, &first).await;
    tells(world, &first, run.id, "PIPELINE_START").await;
    let asked = terminate(world, run.id, false).await.expect("asked");
    assert_eq!((asked.status, asked.cancel_requested_at), (RunStatus::Started, Some(world.control.now())));
    terminate(world, run.id, false).await.expect("asked again");
    let (second, _) = holder(world, only(&[default], false)).await;
    assert_eq!(take(world, &second, "default").await.len(), 0, "another agent knows nothing of its worker");
    let given = take(world, &first, "default").await;
    assert_eq!(given.iter().map(|it| it.request.kind).collect::<Vec<_>>(), [RequestKind::Terminate], "asked once");
    assert_eq!(tells(world, &first, run.id, "PIPELINE_CANCELING").await, RunStatus::Canceling);
    assert_eq!(tells(world, &first, run.id, "PIPELINE_CANCELED").await, RunStatus::Canceled);

    let silent = taken(world, &first).await;
    let gone = terminate(world, silent.id, true).await.expect("stopped");
    assert_eq!((gone.status, gone.reason.as_deref()), (RunStatus::Canceled, Some("canceled by force")));
    let nothing = terminate(world, fresh_id(&world.control), true).await;
    assert_eq!(nothing.map(drop), Err(Error::NotFound("run")));
}
