//! The same build once more.

use countersign_domain::id::{BuildId, Id};
use countersign_domain::text::QueueName;
use countersign_store::builds::{self, Build, Pipeline};
use countersign_store::{Lane, Tx};

use crate::access::actions::CreateBuild;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::create::{Order, Where, make, read, way};

impl Control {
    /// Makes a build from what another was made from: its text, branch, commit, message and variables. Its meta-data do not come along.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] when the text cannot be taken any more.
    pub async fn rebuild(&self, grant: &Grant<CreateBuild>, of: BuildId) -> Result<Build> {
        let fresh = (of, self.fresh_id(), self.fresh_id());
        let build = self.write(grant, Lane::Normal, fresh, |tx, scene| Box::pin(rebuild(tx, scene))).await?;
        self.do_chores(grant.organization()).await;
        Ok(build)
    }
}

async fn rebuild(tx: &mut Tx, scene: &Scene<(BuildId, BuildId, Id<Pipeline>)>) -> Result<Build> {
    let (old, build, pipeline_id) = scene.input;
    let old = builds::find(tx, scene.organization, old).await?.ok_or(Error::NotFound("build"))?;
    let order = Order {
        build,
        pipeline_id,
        pipeline: old.pipeline_slug,
        name: old.pipeline_name,
        text: Some(read("definition", &builds::definition(tx, old.id).await?)?),
        queue: input::field("queue", QueueName::parse(&old.queue))?,
        deployment: Where::Known(old.deployment),
        message: old.message,
        branch: Some(old.branch),
        commit: Some(old.commit),
        env: builds::variables(tx, old.id).await?.env,
        meta_data: Vec::new(),
        source: way(&scene.caller),
        rebuilt_from: Some(old.id),
        triggered_by: None,
    };
    make(tx, scene, &order).await
}
