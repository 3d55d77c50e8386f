//! Lists of builds, pipelines and queues: what they are narrowed to, and that they come in pages without gap or repeat.

use std::time::Duration;

use countersign_control::access::actions::{
    CancelBuild, CreateBuild, CreatePipeline, PauseQueue, ViewBuilds, ViewQueues,
};
use countersign_control::builds::{Build, NewBuild, Part, Wanted};
use countersign_control::pipelines::NewPipeline;
use countersign_control::queue_counts::Counts;
use countersign_control::queues::QueueReference;
use countersign_control::steps::job_state;
use countersign_control::{Error, PageRequest};
use countersign_domain::build::{BuildState, JobState as J};
use countersign_domain::id::Id;
use countersign_testkit::World;

use crate::acting::{ONE_STEP, build, connect, field_of, finish, start, take};

async fn create(world: &World, pipeline: &str, branch: &str, commit: &str) -> Build {
    world.clock.advance(Duration::from_secs(1));
    let new = NewBuild {
        definition: ONE_STEP.to_owned(),
        pipeline: pipeline.to_owned(),
        branch: Some(branch.to_owned()),
        commit: Some(commit.to_owned()),
        ..NewBuild::default()
    };
    world.control.create_build(&world.admin::<CreateBuild>(), new).await.expect("made")
}

async fn commits(world: &World, wanted: Wanted) -> Vec<String> {
    let view = world.admin::<ViewBuilds>();
    let page = world.control.find_builds(&view, wanted.clone(), PageRequest::first(50)).await.expect("a list");
    let count = world.control.count_builds(&view, wanted).await.expect("counted");
    assert_eq!(usize::try_from(count), Ok(page.items.len()));
    page.items.into_iter().map(|it| it.commit).collect()
}

pub async fn builds_are_narrowed_alike_on_every_engine(world: &World) {
    let a = create(world, "web", "main", "a").await;
    let b = create(world, "web", "Main", "b").await;
    let c = create(world, "app", "main", "c").await;
    create(world, "app", "%", "d").await;
    create(world, "app", "naïve 🚀", "e").await;
    world.control.cancel_build(&world.admin::<CancelBuild>(), b.id).await.expect("canceled");
    let none = Wanted::default;
    assert_eq!(commits(world, none()).await, ["e", "d", "c", "b", "a"]);
    let web = Wanted { pipeline: Some(a.pipeline), ..none() };
    assert_eq!(commits(world, web.clone()).await, ["b", "a"]);
    let scheduled = vec![BuildState::Scheduled];
    assert_eq!(commits(world, Wanted { states: scheduled.clone(), ..web }).await, ["a"]);
    let branches = |names: &[&str]| Wanted { branches: names.iter().map(ToString::to_string).collect(), ..none() };
    assert_eq!(commits(world, branches(&["main"])).await, ["c", "a"], "letters count as they are");
    assert_eq!(commits(world, branches(&["%"])).await, ["d"], "no sign stands for others");
    assert_eq!(commits(world, branches(&["naïve 🚀", "Main"])).await, ["e", "b"]);
    assert_eq!(commits(world, branches(&["mai", "ain"])).await, [""; 0]);
    let some = Wanted { commits: vec!["a".to_owned(), "c".to_owned()], ..none() };
    assert_eq!(commits(world, some).await, ["c", "a"]);
    let time = Wanted { created_from: Some(b.created_at), created_to: Some(c.created_at), ..none() };
    assert_eq!(commits(world, time).await, ["c", "b"], "both ends belong to it");
    let states = vec![BuildState::Canceled, BuildState::NotRun];
    assert_eq!(commits(world, Wanted { states, ..none() }).await, ["b"]);

    let view = world.admin::<ViewBuilds>();
    let mut seen = Vec::new();
    let mut page = PageRequest::first(2);
    loop {
        let wanted = Wanted { states: scheduled.clone(), ..none() };
        let found = world.control.find_builds(&view, wanted, page).await.expect("a page");
        page.after = found.items.last().map(|it| it.id);
        seen.extend(found.items.into_iter().map(|it| it.commit));
        if !found.has_more {
            break;
        }
    }
    assert_eq!(seen, ["e", "d", "c", "a"]);
    for (field, wrong) in [
        ("branch", branches(&["a\nb"])),
        ("branch", branches(&["\0"])),
        ("branch", branches(&["x"; 101])),
        ("commit", Wanted { commits: vec!["x".repeat(300)], ..none() }),
    ] {
        assert_eq!(field_of(world.control.find_builds(&view, wrong, PageRequest::first(1)).await), field);
    }
}

pub async fn builds_are_searched_as_far_as_one_call_looks(world: &World) {
    let (control, of) = (&world.control, world.acme.created.organization.id);
    let mut made = Vec::new();
    for number in 0..9 {
        let pipeline = if number % 3 == 0 { "app" } else { "web" };
        let branch = if number == 1 || number == 6 { "rare" } else { "main" };
        made.insert(0, create(world, pipeline, branch, &number.to_string()).await);
    }
    let rare = || Wanted { branches: vec!["rare".to_owned()], ..Wanted::default() };
    let app = || Wanted { pipeline: Some(made[2].pipeline), ..Wanted::default() };
    let under_way = || Wanted { states: vec![BuildState::Scheduled], ..Wanted::default() };
    for (wanted, expected, most) in [
        (Wanted::default(), vec!["8", "7", "6", "5", "4", "3", "2", "1", "0"], 10),
        (rare(), vec!["6", "1"], 5),
        (Wanted { branches: vec!["nothing".to_owned()], ..Wanted::default() }, vec![], 5),
        (app(), vec!["6", "3", "0"], 4),
        (Wanted { branches: vec!["rare".to_owned()], ..app() }, vec!["6"], 3),
        (Wanted { commits: vec!["0".to_owned()], ..under_way() }, vec!["0"], 2),
        (under_way(), vec!["8", "7", "6", "5", "4", "3", "2", "1", "0"], 10),
    ] {
        // As many as two are looked at in a call, of those that no index knows.
        let (mut seen, mut calls, mut after) = (Vec::new(), 0, None);
        loop {
            let input = (wanted.clone(), after.unwrap_or(Id::last()));
            let found = control.store().read(input, move |tx, (wanted, after)| {
                Box::pin(countersign_store::builds::search(tx, of, wanted, 2, *after, 2))
            });
            let (found, last) = found.await.expect("a read");
            calls += 1;
            assert!(calls <= most && found.len() <= 2, "{wanted:?} in {calls} calls: {seen:?}");
            let is_full = found.len() == 2;
            let next = if is_full { found.last().map(|it| it.id) } else { last };
            seen.extend(found.into_iter().map(|it| it.commit));
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "{wanted:?}");
        let view = world.admin::<ViewBuilds>();
        let part = control.search_builds(&view, wanted.clone(), PageRequest::first(50)).await.expect("a part");
        assert_eq!(part.items.iter().map(|it| it.commit.as_str()).collect::<Vec<_>>(), expected, "{wanted:?}");
        assert_eq!(part.next, None, "{wanted:?}");
        let part = control.search_builds(&view, wanted, PageRequest::first(1)).await.expect("a part");
        assert_eq!((part.items.len(), part.next.is_some()), (expected.len().min(1), expected.len() > 1));
    }
    let wrong = Wanted { branches: vec!["a\nb".to_owned()], ..Wanted::default() };
    let view = world.admin::<ViewBuilds>();
    assert_eq!(field_of(control.search_builds(&view, wrong, PageRequest::first(1)).await), "branch");
}

pub async fn pipelines_are_found_by_a_part_of_their_names(world: &World) {
    let control = &world.control;
    for name in ["Web", "Website", "100%", "Ünder_score"] {
        world.clock.advance(Duration::from_millis(5));
        let new = NewPipeline { name: name.to_owned(), ..NewPipeline::default() };
        control.create_pipeline(&world.admin::<CreatePipeline>(), new).await.expect("made");
    }
    let view = world.admin::<ViewBuilds>();
    for (search, wanted) in [
        ("", vec!["Ünder_score", "100%", "Website", "Web"]),
        ("WEB", vec!["Website", "Web"]),
        ("site", vec!["Website"]),
        ("nothing", vec![]),
        ("nder-score", vec!["Ünder_score"]),
    ] {
        let page = control.pipelines(&view, search.to_owned(), PageRequest::first(9)).await.expect("a list");
        let names: Vec<_> = page.items.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, wanted, "{search}");
        let count = control.count_pipelines(&view, search.to_owned()).await.expect("counted");
        assert_eq!(usize::try_from(count), Ok(wanted.len()), "{search}");
    }
    let first = control.pipelines(&view, String::new(), PageRequest::first(3)).await.expect("a page");
    let rest = PageRequest { after: first.items.last().map(|it| it.id), limit: 9 };
    let rest = control.pipelines(&view, String::new(), rest).await.expect("a page");
    assert_eq!((first.has_more, rest.has_more, rest.items.len()), (true, false, 1));
    let id = rest.items[0].id;
    assert_eq!(control.pipeline_by_id(&view, id).await.expect("there").name, "Web");
    assert_eq!(field_of(control.pipelines(&view, "a\0".to_owned(), PageRequest::first(1)).await), "search");
}

pub async fn queues_are_listed_with_what_is_in_them(world: &World) {
    let control = &world.control;
    let view = world.admin::<ViewQueues>();
    build(control, &world.acme, "steps: [{command: a, agents: {queue: linux}}, {command: b, agents: {queue: linux}}]")
        .await;
    world.clock.advance(Duration::from_millis(5));
    build(control, &world.acme, "steps: [{command: a, agents: {queue: mac}}]").await;
    let agent = connect(control, world.acme.agent_token(), &["queue=linux"]).await;
    let job = take(control, &agent).await;
    start(control, &job).await;
    let all = control.queues(&view, PageRequest::first(9)).await.expect("a list");
    let seen: Vec<_> = all.items.iter().map(|it| (it.queue.name.as_str(), it.counts)).collect();
    let linux = Counts { agents_busy: 1, jobs_scheduled: 1, jobs_running: 1, ..Counts::default() };
    assert_eq!(seen, [("mac", Counts { jobs_scheduled: 1, ..Counts::default() }), ("linux", linux)]);
    assert_eq!(control.count_all_queues(&view).await, Ok(2));
    let first = control.queues(&view, PageRequest::first(1)).await.expect("a page");
    assert!(first.has_more);
    let rest = PageRequest { after: Some(first.items[0].queue.id), limit: 1 };
    let rest = control.queues(&view, rest).await.expect("a page");
    assert_eq!((rest.items[0].queue.name.as_str(), rest.has_more), ("linux", false));
    let reference = QueueReference { deployment: None, queue: "linux".to_owned() };
    let paused = control.pause_queue_dispatch(&world.admin::<PauseQueue>(), reference, None).await.expect("paused");
    let found = control.queue(&view, paused.id).await.expect("there");
    assert_eq!((found.queue.paused_at, found.counts), (Some(control.now()), linux));
    let found = control.queue_by_name(&view, paused.deployment, "linux").await.expect("there");
    assert_eq!(found.queue.id, paused.id);
    let none = control.queue_by_name(&view, paused.deployment, "li\0nux").await;
    assert!(matches!(none, Err(Error::NotFound("queue"))), "{none:?}");
}

/// What a build consists of, each part with where it stands.
async fn parts(world: &World, build: &Build) -> Vec<(String, J)> {
    let parts = world.control.build_parts(&world.admin::<ViewBuilds>(), build.id).await.expect("its parts");
    parts
        .into_iter()
        .map(|part| match part {
            Part::Command(job) => (job.command.clone(), job.state),
            Part::Step(step) => (step.step.kind.as_str().to_owned(), job_state(&step)),
        })
        .collect()
}

pub async fn every_kind_of_step_but_a_group_is_a_part_of_its_build(world: &World) {
    let control = &world.control;
    let text = "steps: [{command: a}, {group: g, steps: [{command: m}]}, wait, {block: b}, {trigger: other}, {input: i, depends_on: []}, \
                {command: s, skip: true}, {wait: ~, if: 'false'}]";
    let made = build(control, &world.acme, text).await;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let first = take(control, &agent).await;
    start(control, &first).await;
    let told = |all: &[(&str, J)]| all.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect::<Vec<_>>();
    let before =
        [("a", J::Running), ("m", J::Scheduled), ("wait", J::Waiting), ("block", J::Waiting), ("trigger", J::Waiting)];
    let after = [("input", J::Blocked), ("s", J::Skipped), ("wait", J::Broken)];
    assert_eq!(parts(world, &made).await, told(&[&before[..], &after[..]].concat()));
    finish(control, &first, "1").await;
    let second = take(control, &agent).await;
    start(control, &second).await;
    finish(control, &second, "0").await;
    let failed = [
        ("a", J::Finished),
        ("m", J::Finished),
        ("wait", J::WaitingFailed),
        ("block", J::BlockedFailed),
        ("trigger", J::WaitingFailed),
    ];
    assert_eq!(parts(world, &made).await, told(&[&failed[..], &after[..]].concat()));
    control.cancel_build(&world.admin::<CancelBuild>(), made.id).await.expect("canceled");
    assert_eq!(parts(world, &made).await[5], ("input".to_owned(), J::Canceled));
}
