//! Meta-data: words that the jobs of one build share.

use countersign_control::access::actions::{ReadMetaData, ViewBuilds, WriteMetaData};
use countersign_control::{Control, Error, Result};
use countersign_domain::id::BuildId;
use countersign_store::IntoValue;
use countersign_testkit::World;
use tokio::task::JoinSet;

use crate::acting::{Job, build, connect, field_of, may, running_job, take};
use crate::sql;

async fn set(world: &World, job: &Job, key: &str, value: &str) -> Result<()> {
    let grant = may::<WriteMetaData>(&world.control, &job.caller);
    world.control.set_meta_data(&grant, key.to_owned(), value.to_owned()).await
}

async fn get(world: &World, job: &Job, key: &str) -> Result<String> {
    world.control.get_meta_data(&may::<ReadMetaData>(&world.control, &job.caller), key.to_owned()).await
}

async fn keys(world: &World, job: &Job) -> Vec<String> {
    world.control.meta_data_keys(&may::<ReadMetaData>(&world.control, &job.caller)).await.expect("its keys")
}

pub async fn what_one_job_sets_another_of_the_build_reads(world: &World) {
    let control = &world.control;
    build(control, &world.acme, "steps: [{command: a}, {command: b}]").await;
    let (one, other) =
        (connect(control, world.acme.agent_token(), &[]).await, connect(control, world.acme.agent_token(), &[]).await);
    let (one, other) = (take(control, &one).await, take(control, &other).await);
    assert_eq!(one.build, other.build);
    set(world, &one, "release", "1.0").await.expect("set");
    assert_eq!(get(world, &other, "release").await, Ok("1.0".to_owned()));
    set(world, &other, "release", "2.0").await.expect("set over what it was");
    assert_eq!(get(world, &one, "release").await, Ok("2.0".to_owned()));

    let stranger = running_job(control, &world.acme).await;
    assert_eq!(get(world, &stranger, "release").await, Err(Error::NotFound("meta-data key")), "of another build");
    assert_eq!(keys(world, &stranger).await, [""; 0]);
}

pub async fn keys_are_sorted_alike_everywhere(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    let mut wanted = ["b", "a", "B", "ä", "10", "9", "a b", "z", "🚀", "_"];
    for key in wanted {
        set(world, &job, key, key).await.expect("set");
    }
    wanted.sort_unstable();
    assert_eq!(keys(world, &job).await, wanted);
    let seen = world.control.build_meta_data(&world.admin::<ViewBuilds>(), job.build).await.expect("seen");
    assert_eq!(seen.len(), wanted.len());
    assert!(seen.iter().all(|(key, value)| key == value));
}

pub async fn values_are_kept_as_they_are_and_limits_are_named(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    for value in ["", " \n\t", "a\r\nb", "\u{202E}\u{200B}\u{FEFF}", "e\u{301}", &"v".repeat(100_000)] {
        set(world, &job, "k", value).await.expect("set");
        assert_eq!(get(world, &job, "k").await.as_deref(), Ok(value));
    }
    let longest = "k".repeat(255);
    set(world, &job, &longest, "v").await.expect("set");
    for key in ["", " ", "a\nb", "a\0b", "buildkite:webhook", &"k".repeat(256)] {
        assert_eq!(field_of(set(world, &job, key, "v").await), "key");
        assert_eq!(get(world, &job, key).await, Err(Error::NotFound("meta-data key")));
    }
    for value in ["a\0b", &"v".repeat(100_001)] {
        assert_eq!(field_of(set(world, &job, "k", value).await), "value");
    }
    assert_eq!(get(world, &job, "k").await.map(|it| it.len()), Ok(100_000));
}

pub async fn several_keys_are_set_together_or_not_at_all(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let grant = may::<WriteMetaData>(control, &job.caller);
    let items =
        |list: &[(&str, &str)]| list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let wrong = items(&[("a", "1"), ("b\n", "2"), ("c", "\0"), ("d", "4")]);
    match control.set_meta_data_batch(&grant, wrong).await {
        Err(Error::Invalid(faults)) => {
            let fields: Vec<_> = faults.iter().map(|it| it.field.as_str()).collect();
            assert_eq!(fields, ["items[1].key", "items[2].value"], "each that is wrong");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(keys(world, &job).await, [""; 0]);
    control.set_meta_data_batch(&grant, items(&[("a", "1"), ("b", "2"), ("a", "3")])).await.expect("set");
    assert_eq!((get(world, &job, "a").await, get(world, &job, "b").await), (Ok("3".to_owned()), Ok("2".to_owned())));
    control.set_meta_data_batch(&grant, vec![]).await.expect("nothing to do is no error");
    assert_eq!(keys(world, &job).await, ["a", "b"]);
}

/// Gives a build so many keys, `k1` and on.
pub async fn fill(control: &Control, build: BuildId, count: i64) {
    let text = "INSERT INTO meta_data (build_id, key, value, updated_at)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
        SELECT $1, 'k' || CAST(i AS TEXT), '', 0 FROM n";
    sql::change(control, text, vec![build.into_value(), count.into_value()]).await;
}

pub async fn ten_thousand_keys_are_the_most(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    fill(&world.control, job.build, 9_999).await;
    set(world, &job, "last", "v").await.expect("set");
    assert!(matches!(set(world, &job, "one more", "v").await, Err(Error::Conflict(_))));
    assert_eq!(get(world, &job, "one more").await, Err(Error::NotFound("meta-data key")));
    set(world, &job, "last", "w").await.expect("what is there can still be changed");
}

pub async fn jobs_that_set_one_key_at_once_leave_one_of_their_values(world: &World) {
    let job = running_job(&world.control, &world.acme).await;
    let mut setting = JoinSet::new();
    for number in 0..8 {
        let (control, caller) = (world.control.clone(), job.caller.clone());
        setting.spawn(async move {
            let grant = may::<WriteMetaData>(&control, &caller);
            control.set_meta_data(&grant, "k".to_owned(), format!("v{number}")).await
        });
    }
    assert!(setting.join_all().await.iter().all(Result::is_ok));
    assert!(get(world, &job, "k").await.expect("set").starts_with('v'));
    assert_eq!(keys(world, &job).await, ["k"]);
}
