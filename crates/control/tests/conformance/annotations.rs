//! Annotations: notes that jobs leave on their build.

use countersign_control::access::actions::{Annotate, ViewBuilds};
use countersign_control::builds::{Annotation, NewAnnotation};
use countersign_control::{Error, Result};
use countersign_domain::annotation::{MAX_BODY, Style};
use countersign_domain::id::{AnnotationId, BuildId};
use countersign_store::builds::annotations::{self, Patch, Place};
use countersign_store::{IntoValue, Lane, StoreError};
use countersign_testkit::World;
use tokio::task::JoinSet;

use crate::acting::{Job, build, connect, field_of, fresh_id, may, running_job, take};
use crate::sql;

async fn annotate(world: &World, job: &Job, new: NewAnnotation) -> Result<()> {
    world.control.annotate(&may::<Annotate>(&world.control, &job.caller), new).await
}

async fn all(world: &World, build: BuildId) -> Vec<Annotation> {
    world.control.build_annotations(&world.admin::<ViewBuilds>(), build).await.expect("its annotations")
}

fn says(body: &str) -> NewAnnotation {
    NewAnnotation { body: Some(body.to_owned()), ..NewAnnotation::default() }
}

fn at(context: &str, body: &str) -> NewAnnotation {
    NewAnnotation { context: Some(context.to_owned()), ..says(body) }
}

fn more(context: &str, body: &str) -> NewAnnotation {
    NewAnnotation { append: true, ..at(context, body) }
}

pub async fn a_context_says_one_thing_at_a_time(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    annotate(world, &job, says("first")).await.expect("written");
    let styled = NewAnnotation { style: Some("error".to_owned()), priority: Some(9), ..says("second") };
    annotate(world, &job, styled).await.expect("written");
    let one = &all(world, job.build).await[..];
    assert_eq!(one.len(), 1);
    assert_eq!(
        (one[0].context.as_str(), one[0].content.body.as_str(), one[0].scope.as_str()),
        ("default", "second", "build")
    );
    assert_eq!((one[0].content.style, one[0].content.priority, one[0].job), (Style::Error, 9, job.id));
    annotate(world, &job, says("third")).await.expect("written");
    let one = &all(world, job.build).await[0].content;
    assert_eq!((one.style, one.priority, one.body.as_str()), (Style::Error, 9, "third"), "what is not said stays");
    let only_style = NewAnnotation { style: Some("success".to_owned()), ..NewAnnotation::default() };
    annotate(world, &job, only_style).await.expect("written");
    let one = &all(world, job.build).await[0].content;
    assert_eq!((one.style, one.body.as_str()), (Style::Success, "third"));
}

pub async fn append_adds_and_begins_what_is_not_there(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    annotate(world, &job, more("notes", "one ")).await.expect("written");
    annotate(world, &job, more("notes", "two")).await.expect("written");
    world.clock.advance(std::time::Duration::from_millis(1));
    annotate(world, &job, more("other", "three")).await.expect("written");
    let bodies: Vec<_> = all(world, job.build).await.into_iter().map(|it| (it.context, it.content.body)).collect();
    assert_eq!(bodies, [("notes".to_owned(), "one two".to_owned()), ("other".to_owned(), "three".to_owned())]);
    annotate(world, &job, at("notes", "over")).await.expect("written");
    assert_eq!(all(world, job.build).await[0].content.body, "over");
}

pub async fn jobs_that_append_at_once_lose_no_word(world: &World) {
    let control = &world.control;
    build(control, &world.acme, "steps: [{command: a}, {command: b}, {command: c}, {command: d}]").await;
    let mut writing = JoinSet::new();
    let mut build = None;
    for number in 0..4 {
        let agent = connect(control, world.acme.agent_token(), &[]).await;
        let job = take(control, &agent).await;
        build = Some(job.build);
        let control = control.clone();
        writing.spawn(async move {
            for _ in 0..5 {
                let grant = may::<Annotate>(&control, &job.caller);
                control.annotate(&grant, more("together", &format!("[{number}]"))).await.expect("written");
            }
        });
    }
    writing.join_all().await;
    let notes = all(world, build.expect("a build")).await;
    assert_eq!(notes.len(), 1);
    for number in 0..4 {
        let count = notes[0].content.body.matches(&format!("[{number}]")).count();
        assert_eq!(count, 5, "job {number} wrote five words: {}", notes[0].content.body);
    }
}

pub async fn a_build_and_each_job_have_contexts_of_their_own(world: &World) {
    let control = &world.control;
    build(control, &world.acme, "steps: [{command: a}, {command: b}]").await;
    let (one, other) =
        (connect(control, world.acme.agent_token(), &[]).await, connect(control, world.acme.agent_token(), &[]).await);
    let (one, other) = (take(control, &one).await, take(control, &other).await);
    let mine = |body: &str| NewAnnotation { scope: Some("job".to_owned()), ..at("c", body) };
    annotate(world, &one, at("c", "of the build")).await.expect("written");
    annotate(world, &one, mine("of one")).await.expect("written");
    annotate(world, &other, mine("of the other")).await.expect("written");
    annotate(world, &other, at("c", "of the build, again")).await.expect("written");
    let notes: Vec<_> = all(world, one.build).await.into_iter().map(|it| (it.scope, it.job, it.content.body)).collect();
    assert_eq!(notes.len(), 3);
    assert!(notes.contains(&("build".to_owned(), other.id, "of the build, again".to_owned())), "{notes:?}");
    assert!(notes.contains(&("job".to_owned(), one.id, "of one".to_owned())));
    assert!(notes.contains(&("job".to_owned(), other.id, "of the other".to_owned())));
}

pub async fn the_highest_priority_comes_first_and_then_the_oldest(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    for (context, priority) in [("a", Some(1)), ("b", None), ("c", Some(10)), ("d", Some(3))] {
        world.clock.advance(std::time::Duration::from_millis(1));
        annotate(world, &job, NewAnnotation { priority, ..at(context, "x") }).await.expect("written");
    }
    let order: Vec<_> = all(world, job.build).await.into_iter().map(|it| it.context).collect();
    assert_eq!(order, ["c", "b", "d", "a"], "3 unless said otherwise");
}

pub async fn what_cannot_be_taken_is_named_and_changes_nothing(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    annotate(world, &job, says("stays")).await.expect("written");
    let with = |text: &str| Some(text.to_owned());
    for (field, wrong) in [
        ("body", says("a\0b")),
        ("body", says(&"b".repeat(MAX_BODY + 1))),
        ("body", more("default", &"b".repeat(MAX_BODY - 4))),
        ("context", at("a\nb", "x")),
        ("context", at(&"c".repeat(101), "x")),
        ("style", NewAnnotation { style: with("danger"), ..says("x") }),
        ("priority", NewAnnotation { priority: Some(0), ..says("x") }),
        ("priority", NewAnnotation { priority: Some(11), ..says("x") }),
        ("scope", NewAnnotation { scope: with("step"), ..says("x") }),
    ] {
        assert_eq!(field_of(annotate(world, &job, wrong).await), field);
    }
    let notes = all(world, job.build).await;
    assert_eq!((notes.len(), notes[0].content.body.as_str()), (1, "stays"));
    // The limit counts bytes: 1 MiB of letters that have two each.
    annotate(world, &job, at("two bytes", &"ä".repeat(MAX_BODY / 2))).await.expect("the longest");
    assert_eq!(field_of(annotate(world, &job, more("two bytes", "a")).await), "body");
}

pub async fn a_thousand_are_the_most(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    fill(world, &job, 999).await;
    annotate(world, &job, at("last", "x")).await.expect("written");
    assert!(matches!(annotate(world, &job, at("one more", "x")).await, Err(Error::Conflict(_))));
    let context = "SELECT COUNT(*) AS n FROM annotations WHERE build_id = $1 AND context = 'one more'";
    assert_eq!(sql::value::<i64>(&world.control, context, vec![job.build.into_value()], "n").await, 0);
    annotate(world, &job, at("last", "y")).await.expect("what is there can still be changed");
}

pub async fn what_is_removed_is_gone_and_the_rest_stays(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let stranger = running_job(control, &world.acme).await;
    let mine = |body: &str| NewAnnotation { scope: Some("job".to_owned()), ..at("c/d.e", body) };
    annotate(world, &job, at("c/d.e", "of the build")).await.expect("written");
    annotate(world, &job, mine("of the job")).await.expect("written");
    annotate(world, &stranger, at("c/d.e", "of a stranger")).await.expect("written");
    let remove = async |context: &str, scope: Option<&str>| {
        control.remove_annotation(&may::<Annotate>(control, &job.caller), context, scope).await
    };
    for (context, scope) in [("c", None), ("", None), ("a\0b", None), ("C/D.E", Some("build"))] {
        assert_eq!(remove(context, scope).await, Err(Error::NotFound("annotation")), "{context:?}");
    }
    assert_eq!(field_of(remove("c/d.e", Some("step")).await), "scope");
    remove("c/d.e", Some("job")).await.expect("it was there");
    assert_eq!(remove("c/d.e", Some("job")).await, Err(Error::NotFound("annotation")));
    let left: Vec<_> = all(world, job.build).await.into_iter().map(|it| it.content.body).collect();
    assert_eq!(left, ["of the build"]);
    remove("c/d.e", None).await.expect("it was there");
    assert!(all(world, job.build).await.is_empty());
    assert_eq!(all(world, stranger.build).await.len(), 1);
    annotate(world, &job, at("c/d.e", "again")).await.expect("written");
}

/// Writes many contexts at once.
async fn fill(world: &World, job: &Job, count: usize) {
    let ids = (0..count).map(|_| fresh_id(&world.control)).collect::<Vec<AnnotationId>>();
    let (build, job) = (job.build, job.id);
    let filled: std::result::Result<(), StoreError> = world
        .control
        .store()
        .transact(Lane::Normal, ids, move |tx, ids| {
            Box::pin(async move {
                let new = Patch { style: None, body: Some(""), append: false, priority: None };
                for id in ids {
                    let context = id.to_string();
                    annotations::put(tx, *id, &Place { build, job: None, context: &context }, job, &new).await?;
                }
                Ok(())
            })
        })
        .await;
    filled.expect("the build is filled");
}
