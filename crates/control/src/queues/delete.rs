//! Deleting a queue that holds no work. Its next use makes it anew, with nothing said of it.

use countersign_domain::id::Id;
use countersign_store::{Lane, Tx, deployments, queues};
use serde_json::json;

use crate::access::actions::DeleteQueue;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::Queue;

impl Control {
    /// Deletes a queue. Answers what it was.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while jobs wait or run in it, or agents serve it.
    pub async fn delete_queue(&self, grant: &Grant<DeleteQueue>, queue: Id<Queue>) -> Result<Queue> {
        self.write(grant, Lane::Normal, queue, |tx, scene| Box::pin(delete(tx, scene))).await
    }
}

async fn delete(tx: &mut Tx, scene: &Scene<Id<Queue>>) -> Result<Queue> {
    let of = scene.organization;
    let found = queues::by_id(tx, of, scene.input).await?.ok_or(Error::NotFound("queue"))?;
    // Nothing is put into its deployment meanwhile.
    let deployment = deployments::close(tx, of, found.deployment).await?.ok_or(Error::NotFound("queue"))?;
    // Another may have deleted it before this one's turn.
    let found = queues::by_id(tx, of, found.id).await?.ok_or(Error::NotFound("queue"))?;
    let (jobs, agents) = queues::holds(tx, of, found.deployment, &found.name).await?;
    if jobs > 0 || agents > 0 {
        return Err(Error::Conflict(format!(
            "The queue {} holds active work: jobs: {jobs}, agents: {agents}. End that first.",
            found.name
        )));
    }
    queues::delete(tx, of, found.id).await?;
    let subject = Subject::new("queue", found.id, found.name.as_str());
    scene.audit(tx, "queue.deleted", subject, json!({ "deployment": deployment.name })).await?;
    Ok(found)
}
