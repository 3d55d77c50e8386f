//! How much a build may be left, to the last piece and one beyond.

use countersign_control::access::actions::{Annotate, UploadPipeline, WriteMetaData};
use countersign_control::builds::{MAX_ANNOTATIONS, MAX_KEYS, MAX_UPLOAD_DEPTH, MAX_UPLOADS, NewAnnotation, Upload};
use countersign_control::{Error, Result};
use countersign_domain::id::AnnotationId;
use countersign_store::builds::annotations;
use countersign_store::builds::annotations::{Patch, Place};
use countersign_store::{IntoValue, Lane, StoreError};
use countersign_testkit::World;

use crate::acting::{Job, fresh_id, may, next, running_job};
use crate::sql;

fn is_full(outcome: &Result<()>, number: i64) {
    let Err(Error::Conflict(message)) = outcome else { panic!("{outcome:?}") };
    assert!(message.contains(&number.to_string()), "{message}");
}

pub async fn annotations_of_a_build(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let ids: Vec<AnnotationId> = (1..MAX_ANNOTATIONS).map(|_| fresh_id(control)).collect();
    let (build, by) = (job.build, job.id);
    let filled: std::result::Result<(), StoreError> = control
        .store()
        .transact(Lane::Normal, ids, move |tx, ids| {
            Box::pin(async move {
                for (number, id) in ids.iter().enumerate() {
                    let context = format!("c{number}");
                    let place = Place { build, job: None, context: &context };
                    let patch = Patch { style: None, body: Some("x"), append: false, priority: None };
                    annotations::put(tx, *id, &place, by, &patch).await?;
                }
                Ok(())
            })
        })
        .await;
    filled.expect("all but one are there");
    let annotate = async |context: &str| {
        let context = Some(context.to_owned());
        let note = NewAnnotation { body: Some("x".to_owned()), context, ..NewAnnotation::default() };
        control.annotate(&may::<Annotate>(control, &job.caller), note).await
    };
    annotate("last").await.expect("the last one");
    is_full(&annotate("beyond").await, MAX_ANNOTATIONS);
    annotate("c1").await.expect("one that is there is written over");
}

pub async fn keys_of_meta_data_of_a_build(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let build = job.build;
    super::meta_data::fill(control, build, MAX_KEYS - 1).await;
    let grant = || may::<WriteMetaData>(control, &job.caller);
    let set = async |key: &str| control.set_meta_data(&grant(), key.to_owned(), "v".to_owned()).await;
    set("last").await.expect("the last one");
    is_full(&set("beyond").await, MAX_KEYS);
    set("k1").await.expect("one that is there is written over");
    let two = ["k2", "beyond"].map(|key| (key.to_owned(), "new".to_owned())).to_vec();
    is_full(&control.set_meta_data_batch(&grant(), two).await, MAX_KEYS);
}

async fn upload(world: &World, job: &Job) -> Result<()> {
    let uuid = format!("0192f3a1-7c3e-7b21-9f60-{:012}", next());
    let pipeline = serde_json::json!({ "steps": ["wait"] });
    let grant = may::<UploadPipeline>(&world.control, &job.caller);
    world.control.upload_pipeline(&grant, Upload { uuid, pipeline, replace: false }).await
}

pub async fn uploads_of_a_step_and_beneath_each_other(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let nearly = vec![job.build.into_value(), (MAX_UPLOADS - 1).into_value()];
    sql::change(control, "UPDATE steps SET uploads = $2 WHERE build_id = $1", nearly).await;
    upload(world, &job).await.expect("the last one");
    is_full(&upload(world, &job).await, MAX_UPLOADS);
    let job = running_job(control, &world.acme).await;
    let deep = |depth: i64| vec![job.build.into_value(), depth.into_value()];
    let text = "UPDATE steps SET upload_depth = $2 WHERE build_id = $1";
    sql::change(control, text, deep(MAX_UPLOAD_DEPTH - 1)).await;
    upload(world, &job).await.expect("the deepest");
    sql::change(control, text, deep(MAX_UPLOAD_DEPTH)).await;
    is_full(&upload(world, &job).await, MAX_UPLOAD_DEPTH);
}
