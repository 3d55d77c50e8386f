//! Runs of code locations' jobs at their bounds: what would harm whoever is given it, what is too much, and what comes too late.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_control::access::actions::{
    LaunchDagsterRun, ReportDagsterRun, TakeDagsterRequests, UpdateAgentToken, ViewDagsterRuns,
};
use countersign_control::agent_tokens::{AgentTokenChange, TokenReference};
use countersign_control::code_locations::{Definition, NewLocation, Outcome};
use countersign_control::dagster::{Answer, RunWorker};
use countersign_control::dagster_runs::{
    LATE_LOGS, MAX_EVENT_PAGE, MAX_RUNS_AT_ONCE, NewEvent, NewLog, NewRun, RunsWanted,
};
use countersign_control::{Caller, Error};
use countersign_domain::dagster::{
    AGAIN_AFTER, MAX_RUN_EVENT, MAX_RUN_LOG, MAX_RUN_LOG_BYTES, MAX_RUN_TAG_BYTES, MAX_RUN_TAG_VALUE, MAX_RUN_TAGS,
    RUN_SILENT_FOR, RUN_STARTS_WITHIN, RUNNING_FOR, RequestKind, RunStatus,
};
use countersign_domain::{QueueScope, Scope};
use countersign_store::IntoValue;
use countersign_testkit::World;
use serde_json::json;

use crate::acting::{deployment, field_of, fresh_id, may};
use crate::code_locations::{agent, default_of, module, set, tell};
use crate::dagster::{beat, heartbeat, holder, only, process};
use crate::dagster_runs::{event, launch, loaded, new_run, one, store, take, taken, tells, terminate, told};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["runs_at_bounds"
    nothing_is_given_that_agents_cannot_read,
    a_page_of_long_events_is_short,
    what_is_too_much_at_once_is_refused,
    whatever_is_out_of_reach_is_lost_and_nothing_else,
    whoever_took_a_request_answers_it_also_late,
    a_run_that_is_ended_by_force_is_stopped_too,
    a_run_ends_with_its_worker,
    logs_come_in_time,
    whoever_starts_slowly_has_time_while_its_agent_is_heard,
];

pub async fn nothing_is_given_that_agents_cannot_read(world: &World) {
    let default = default_of(world);
    loaded(world, default, "default", "sales").await;
    let tags = || BTreeMap::from([("__enum__".to_owned(), "a".to_owned())]);
    let config = json!({ "ops": { "a": [{ "__class__": "Path" }] } });
    for (field, new) in [
        ("config", NewRun { config, ..new_run(default, "sell") }),
        ("tags", NewRun { tags: tags(), ..new_run(default, "sell") }),
    ] {
        let grant = world.admin::<LaunchDagsterRun>();
        assert_eq!(field_of(world.control.launch_run(&grant, new).await), field);
    }
    let who = agent(world).await;
    let run = taken(world, &who).await;
    let grant = may::<ReportDagsterRun>(&world.control, &who);
    let tagged = world.control.add_run_tags(&grant, "default".to_owned(), &run.id.to_string(), tags()).await;
    assert_eq!(field_of(tagged), "tags");

    // What was said of the code location goes along, and is looked at too.
    let new = module(default, "sales");
    let container_context = Some("{\"k8s\": {\"__set__\": []}}".to_owned());
    let definition = Definition { container_context, ..new.definition.clone() };
    let set = set(world, NewLocation { may_exist: true, definition, ..new }).await.expect("set");
    let definition = set.location.definition;
    told(&world.control, &who, "default", "sales", definition.clone()).await;
    let conflict =
        async || match world.control.launch_run(&world.admin::<LaunchDagsterRun>(), new_run(default, "sell")).await {
            Err(Error::Conflict(why)) => why,
            other => panic!("{other:?}"),
        };
    assert!(conflict().await.contains("the key __set__"));
    let repository = json!({ "name": "r", "code_pointer": { "__class__": "PipelineRun" }, "stored_snapshot": { "uri": "snapshots/x" } });
    let manifest = json!({ "repositories": [repository] }).to_string();
    let outcome = Outcome::Loaded { definition: Box::new(definition), manifest, snapshots: Vec::new() };
    tell(&world.control, &who, "default", "sales", outcome).await.expect("told");
    assert!(conflict().await.contains("cannot be read by other agents"));
}

pub async fn a_page_of_long_events_is_short(world: &World) {
    let default = default_of(world);
    loaded(world, default, "default", "sales").await;
    let who = agent(world).await;
    let run = taken(world, &who).await;
    let long = NewEvent { entry: "x".repeat(MAX_RUN_EVENT), ..event(run.id, "ENGINE_EVENT") };
    let count = MAX_EVENT_PAGE / MAX_RUN_EVENT + 4;
    let grant = may::<ReportDagsterRun>(&world.control, &who);
    world.control.store_run_events(&grant, "default".to_owned(), None, vec![long; count]).await.expect("kept");
    let (mut after, mut pages) = (0, Vec::new());
    loop {
        let grant = world.admin::<ViewDagsterRuns>();
        let page = world.control.dagster_run_events(&grant, run.id, after, 500).await.expect("a read");
        let Some(last) = page.last() else { break };
        after = last.number;
        pages.push(page.len());
    }
    assert_eq!((pages.len(), pages.iter().sum::<usize>()), (2, count), "{pages:?}");
    let few = world.control.dagster_run_events(&world.admin::<ViewDagsterRuns>(), run.id, 0, 2).await.expect("a read");
    assert_eq!(few.len(), 2);
}

pub async fn what_is_too_much_at_once_is_refused(world: &World) {
    let control = &world.control;
    let default = default_of(world);
    loaded(world, default, "default", "sales").await;
    let long = "x".repeat(MAX_RUN_TAG_VALUE);
    let tags = (0..=MAX_RUN_TAG_BYTES / MAX_RUN_TAG_VALUE).map(|it| (it.to_string(), long.clone())).collect();
    let grant = world.admin::<LaunchDagsterRun>();
    let launched = control.launch_run(&grant, NewRun { tags, ..new_run(default, "sell") }).await;
    assert_eq!(field_of(launched), "tags");
    for key in ["process/pid", ".dagster/server_handle", "dagster/agent_id", "docker/container_id"] {
        let tags = [(key.to_owned(), "1".to_owned())].into();
        let launched = control.launch_run(&grant, NewRun { tags, ..new_run(default, "sell") }).await;
        assert_eq!(field_of(launched), "tags", "{key} is its agent's to say");
    }
    let tags = (0..MAX_RUN_TAGS).map(|it| (it.to_string(), String::new())).collect();
    let launched = control.launch_run(&grant, NewRun { tags, ..new_run(default, "sell") }).await;
    assert_eq!(field_of(launched), "tags", "some are left to its agent");

    let who = agent(world).await;
    let run = taken(world, &who).await;
    let grant = || may::<ReportDagsterRun>(control, &who);
    let of_many = (0..=MAX_RUNS_AT_ONCE).map(|_| event(fresh_id(control), "ENGINE_EVENT")).collect();
    let stored = control.store_run_events(&grant(), "default".to_owned(), None, of_many).await;
    assert_eq!(field_of(stored), "events");
    let all = vec![event(run.id, "ENGINE_EVENT"), event(run.id, "PIPELINE_START"), event(run.id, "PIPELINE_SUCCESS")];
    control.store_run_events(&grant(), "default".to_owned(), None, all).await.expect("kept");
    let done = one(world, run.id).await;
    assert_eq!((done.status, done.events), (RunStatus::Success, 3));
    let wanted = RunsWanted { ids: Some(vec![run.id.to_string(); 9]), ..RunsWanted::default() };
    let found = control.run_records(&grant(), "default".to_owned(), wanted).await.expect("a read");
    assert_eq!(found.it.map(|it| it.len()), Some(1), "each once");
}

pub async fn whatever_is_out_of_reach_is_lost_and_nothing_else(world: &World) {
    let control = &world.control;
    let default = default_of(world);
    let prod = deployment(control, &world.acme, "prod", None).await;
    loaded(world, default, "default", "sales").await;
    loaded(world, prod, "prod", "sales").await;
    let (who, reference) = holder(world, only(&[default, prod], false)).await;
    let TokenReference::Id(id) = reference else { panic!("a token has an id") };
    let narrow = async |scope| {
        let change = AgentTokenChange { scope: Some(scope), ..AgentTokenChange::nothing(TokenReference::Id(id)) };
        control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await.expect("narrowed");
    };
    let here = taken(world, &who).await;
    // More than one change ends, all of them older and in reach.
    let text = "INSERT INTO dagster_runs (id, organization_id, deployment_id, location, repository, job, origin, config, tags, status,
         created_at, updated_at, taken_at, taken_by, events, event_bytes, events_dropped) SELECT $1, organization_id, deployment_id, location,
         repository, job, origin, config, tags, status, created_at, updated_at, taken_at, taken_by, 1, 0, 0 FROM dagster_runs WHERE id = $2";
    for _ in 0..1_000 {
        let values = vec![fresh_id::<()>(control).into_value(), here.id.into_value()];
        assert_eq!(sql::change(control, text, values).await, 1);
    }
    let there = launch(world, prod).await;
    assert_eq!(take(world, &who, "prod").await.len(), 1);
    narrow(only(&[default], false)).await;
    assert_eq!(
        one(world, there.id).await.reason.as_deref(),
        Some("its agent's token no longer reaches the deployment")
    );
    assert_eq!(one(world, here.id).await.status, RunStatus::Starting);

    // What one change leaves, house-keeping finds.
    narrow(only(&[default, prod], false)).await;
    let again = launch(world, prod).await;
    assert_eq!(take(world, &who, "prod").await.len(), 1);
    let values = vec![prod.into_value()];
    assert_eq!(sql::change(control, "DELETE FROM token_deployments WHERE deployment_id = $1", values).await, 1);
    assert_eq!(control.sweep().await.expect("a round").runs_lost, 1);
    assert_eq!(one(world, again.id).await.status, RunStatus::Lost);

    let gpu = "gpu".parse().expect("a queue");
    narrow(Scope { queues: QueueScope::Only([gpu].into()), ..only(&[default], false) }).await;
    let lost = one(world, here.id).await;
    assert_eq!(lost.reason.as_deref(), Some("its agent's token no longer reaches the run's queue"));
    let told = store(world, &who, "default", None, event(here.id, "PIPELINE_SUCCESS")).await;
    assert_eq!(told.map(drop), Err(Error::NotFound("run")));
}

pub async fn whoever_starts_slowly_has_time_while_its_agent_is_heard(world: &World) {
    let control = &world.control;
    let default = default_of(world);
    loaded(world, default, "default", "sales").await;
    let who = agent(world).await;
    let (slow, process) = (taken(world, &who).await, process(control));
    let round = async |after: Duration| {
        world.clock.advance(after);
        beat(control, &who, heartbeat(&process, &["default"])).await.expect("heard");
        control.sweep().await.expect("a round");
        one(world, slow.id).await.status
    };
    assert_eq!(round(AGAIN_AFTER + Duration::from_secs(60)).await, RunStatus::Starting);
    assert_eq!(round(RUN_STARTS_WITHIN).await, RunStatus::Lost);
    let silent = taken(world, &who).await;
    world.clock.advance(AGAIN_AFTER + RUNNING_FOR);
    control.sweep().await.expect("a round");
    assert_eq!(one(world, silent.id).await.status, RunStatus::Lost, "nobody is at it any more");
}

pub async fn whoever_took_a_request_answers_it_also_late(world: &World) {
    let control = &world.control;
    let default = default_of(world);
    loaded(world, default, "default", "sales").await;
    let (first, second) = (agent(world).await, holder(world, only(&[default], false)).await.0);
    let run = launch(world, default).await;
    let given = take(world, &first, "default").await;
    let answer = async |who: &Caller| {
        let answer = Answer {
            deployment: "default".to_owned(),
            request: given[0].request.id.to_string(),
            called: "DagsterCloudApiErrorResponse".to_owned(),
            error: Some("no image".to_owned()),
        };
        control.answer_dagster_request(&may::<TakeDagsterRequests>(control, who), answer).await.expect("taken");
        one(world, run.id).await.status
    };
    assert_eq!(answer(&second).await, RunStatus::Starting, "it was not offered to this one");
    beat(control, &first, heartbeat(&process(control), &["default"])).await.expect("heard");
    world.clock.advance(AGAIN_AFTER);
    control.sweep().await.expect("a round");
    assert_eq!(one(world, run.id).await.status, RunStatus::Starting, "its agent is heard");
    assert_eq!(answer(&second).await, RunStatus::Starting);
    assert_eq!(answer(&first).await, RunStatus::Failure);
}

pub async fn a_run_that_is_ended_by_force_is_stopped_too(world: &World) {
    let default = default_of(world);
    loaded(world, default, "default", "sales").await;
    let who = agent(world).await;
    let run = taken(world, &who).await;
    terminate(world, run.id, false).await.expect("asked");
    assert_eq!(terminate(world, run.id, true).await.expect("ended").status, RunStatus::Canceled);
    let control = &world.control;
    let told = async || {
        let wanted = RunsWanted { ids: Some(vec![run.id.to_string()]), ..RunsWanted::default() };
        let grant = may::<ReportDagsterRun>(control, &who);
        let found = control.run_records(&grant, "default".to_owned(), wanted).await.expect("a read");
        found.it.expect("it is reached").first().expect("it is there").status
    };
    assert_eq!(told().await, RunStatus::Canceling, "of one that has ended its agent would stop nothing");
    let given = take(world, &who, "default").await;
    let kinds: Vec<_> = given.iter().map(|it| (it.request.kind, it.run.as_ref().map(|run| run.status))).collect();
    assert_eq!(kinds, [(RequestKind::Terminate, Some(RunStatus::Canceling))], "its worker may be there");
    assert_eq!((told().await, one(world, run.id).await.status), (RunStatus::Canceling, RunStatus::Canceled));
    let answer = Answer {
        deployment: "default".to_owned(),
        request: given[0].request.id.to_string(),
        called: "DagsterCloudApiSuccess".to_owned(),
        error: None,
    };
    control.answer_dagster_request(&may::<TakeDagsterRequests>(control, &who), answer).await.expect("taken");
    assert_eq!(told().await, RunStatus::Canceled);
}

pub async fn a_run_ends_with_its_worker(world: &World) {
    let control = &world.control;
    let default = default_of(world);
    loaded(world, default, "default", "sales").await;
    let who = agent(world).await;
    let run = taken(world, &who).await;
    tells(world, &who, run.id, "PIPELINE_START").await;
    let process = process(control);
    let says = async |status: &str| {
        let mut said = heartbeat(&process, &["default"]);
        let message = Some("killed".to_owned());
        let worker = |run: String| RunWorker { run, status: status.to_owned(), message: message.clone() };
        said.tasks[0].run_workers = vec![worker(run.id.to_string()), worker("x".to_owned())];
        beat(control, &who, said).await.expect("heard");
        one(world, run.id).await.status
    };
    assert_eq!(says("RUNNING").await, RunStatus::Started);
    assert_eq!(says("FAILED").await, RunStatus::Started, "another agent with the same token knows nothing of it");
    let grant = may::<ReportDagsterRun>(control, &who);
    let tags = [("dagster/agent_id".to_owned(), process.to_string())].into();
    control.add_run_tags(&grant, "default".to_owned(), &run.id.to_string(), tags).await.expect("added");
    assert_eq!(says("FAILED").await, RunStatus::Failure);
    let failed = one(world, run.id).await;
    assert_eq!(failed.reason.as_deref(), Some("its worker ended without a word: killed"));

    let silent = taken(world, &who).await;
    tells(world, &who, silent.id, "PIPELINE_START").await;
    world.clock.advance(RUN_SILENT_FOR - Duration::from_secs(1));
    control.sweep().await.expect("a round");
    assert_eq!(one(world, silent.id).await.status, RunStatus::Started);
    world.clock.advance(Duration::from_secs(1));
    control.sweep().await.expect("a round");
    assert_eq!(one(world, silent.id).await.status, RunStatus::Lost);
}

pub async fn logs_come_in_time(world: &World) {
    let control = &world.control;
    let default = default_of(world);
    loaded(world, default, "default", "sales").await;
    let who = agent(world).await;
    let run = taken(world, &who).await;
    tells(world, &who, run.id, "PIPELINE_SUCCESS").await;
    let begin = async || {
        let log = NewLog { run: run.id.to_string(), name: "a".to_owned(), stream: "stdout".to_owned(), size: 1 };
        let grant = may::<ReportDagsterRun>(control, &who);
        let address = control.run_log_address(&grant, "default".to_owned(), log).await.expect("announced").it;
        let address = address.expect("an address");
        let (path, query) = address.split_once('?').expect("it is signed");
        let id = path.split('/').rev().nth(1).expect("an id").parse().expect("an id");
        control.begin_run_log(id, query).await.map(drop)
    };
    let large = MAX_RUN_LOG_BYTES / MAX_RUN_LOG;
    let log = |it: i64| NewLog {
        run: run.id.to_string(),
        name: it.to_string(),
        stream: "stderr".to_owned(),
        size: MAX_RUN_LOG,
    };
    for it in 0..=large {
        let grant = may::<ReportDagsterRun>(control, &who);
        let found = control.run_log_address(&grant, "default".to_owned(), log(it)).await.expect("announced").it;
        assert_eq!(found.is_some(), it < large, "{it} of {large}");
    }
    // What was refused takes no room: a byte that is given back is there for another log.
    for new in [NewLog { size: MAX_RUN_LOG - 1, ..log(0) }, NewLog { size: 1, ..log(large + 1) }] {
        let grant = may::<ReportDagsterRun>(control, &who);
        let found = control.run_log_address(&grant, "default".to_owned(), new).await.expect("announced").it;
        assert!(found.is_some(), "there is room for it");
    }
    let text = "DELETE FROM dagster_run_logs WHERE run_id = $1";
    assert_eq!(sql::change(control, text, vec![run.id.into_value()]).await, large.unsigned_abs() + 2);
    world.clock.advance(LATE_LOGS - Duration::from_secs(1));
    assert_eq!(begin().await, Ok(()));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(begin().await, Err(Error::NotFound("log")));
}
