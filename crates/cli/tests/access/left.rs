//! What jobs leave for those who call.

use countersign_control::artifacts::{Ended, NewArtifact, NewBatch};
use countersign_domain::id::{ArtifactId, BuildId, JobId};
use countersign_testkit::{Tenant, World};

/// A job that waits to be taken by the agent; agents that work are offered none, so its job is ended first.
pub async fn offer(build: BuildId, world: &World, tenant: &Tenant) -> JobId {
    let grant = tenant.may::<countersign_control::access::actions::ViewBuilds>(&world.control);
    world.control.build_jobs(&grant, build).await.expect("its jobs")[0].id
}

/// A file that the worker's job has left at a place of the user's own: no bytes are needed for it.
pub async fn artifact(world: &World, job: &str) -> ArtifactId {
    let caller = world.authenticate(job).await.expect("a live job token");
    let file = NewArtifact {
        path: "a.txt".to_owned(),
        sha1: "da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned(),
        url: Some("https://bucket.example/a.txt".to_owned()),
        ..NewArtifact::default()
    };
    let batch = NewBatch {
        id: "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b78".to_owned(),
        upload_destination: "s3://bucket/x".to_owned(),
        artifacts: vec![file],
    };
    let grant = world.control.grant_own(&caller).expect("it may");
    let id = world.control.announce_artifacts(&grant, batch).await.expect("announced").ids[0];
    world.control.end_artifacts(&grant, vec![(id, Ended::Finished)]).await.expect("ended");
    id
}
