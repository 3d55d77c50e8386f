//! Canceling a build: jobs that wait end at once, jobs that run are ended by their agents.

use countersign_domain::id::BuildId;
use countersign_store::builds::{self, Build};
use countersign_store::{Lane, jobs};
use serde_json::json;

use crate::access::actions::CancelBuild;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

use super::progress;

impl Control {
    /// Cancels a build.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it has ended.
    pub async fn cancel_build(&self, grant: &Grant<CancelBuild>, build: BuildId) -> Result<Build> {
        self.write(grant, Lane::Urgent, build, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                // The jobs first and then the build, as where a job ends: so that neither waits for the other.
                let jobs = jobs::of_build_for_update(tx, of, scene.input).await?;
                let state = builds::lock(tx, of, scene.input).await?.ok_or(Error::NotFound("build"))?;
                if state.is_finished() {
                    return Err(Error::Conflict(format!("The build has ended: it is {}.", state.as_str())));
                }
                for id in jobs {
                    let offered_to = jobs::find(tx, of, id).await?.filter(|job| job.accepted_at.is_none());
                    jobs::cancel(tx, id).await?;
                    // Whoever was offered it is free for another one.
                    if let Some(agent) = offered_to.and_then(|job| job.agent) {
                        scene.agent_changed(tx, agent);
                    }
                }
                progress::update(tx, of, scene.input).await?;
                let build = builds::find(tx, of, scene.input).await?.ok_or(Error::NotFound("build"))?;
                let name = format!("{}#{}", build.pipeline_slug, build.number);
                let subject = Subject::new::<countersign_domain::id::of::Build>("build", build.id, name);
                scene.audit(tx, "build.canceled", subject, json!({})).await?;
                Ok(build)
            })
        })
        .await
    }
}
