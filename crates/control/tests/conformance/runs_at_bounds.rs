//! Runs of code locations' jobs at their bounds: what would harm whoever is given it, what is too much, and what comes too late.

use std::collections::BTreeMap;

use countersign_control::Error;
use countersign_control::access::actions::{LaunchDagsterRun, ReportDagsterRun, ViewDagsterRuns};
use countersign_control::code_locations::{Definition, NewLocation, Outcome};
use countersign_control::dagster_runs::{MAX_EVENT_PAGE, NewEvent, NewRun};
use countersign_domain::dagster::MAX_RUN_EVENT;
use countersign_testkit::World;
use serde_json::json;

use crate::acting::{field_of, may};
use crate::code_locations::{agent, default_of, module, set, tell};
use crate::dagster_runs::{event, loaded, new_run, taken, told};

pub const CASES: &[crate::run::Case] = crate::list::cases!["runs_at_bounds"
    nothing_is_given_that_agents_cannot_read,
    a_page_of_long_events_is_short,
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
        after = page.items.last().expect("an event").number;
        pages.push(page.items.len());
        if !page.has_more {
            break;
        }
    }
    assert_eq!((pages.len(), pages.iter().sum::<usize>()), (2, count), "{pages:?}");
    let few = world.control.dagster_run_events(&world.admin::<ViewDagsterRuns>(), run.id, 0, 2).await.expect("a read");
    assert_eq!((few.items.len(), few.has_more), (2, true));
}
