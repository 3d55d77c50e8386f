//! Changing what is said of a queue. Its name stays: jobs and agents know it by that.

use countersign_domain::id::Id;
use countersign_store::{Lane, Tx, deployments, queues};
use serde_json::json;

use crate::access::actions::UpdateQueue;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::Queue;

/// What is to be different. What is `None` stays; `Some(None)` takes it away.
#[derive(Debug, Clone)]
pub struct QueueChange {
    /// Which queue.
    pub queue: Id<Queue>,
    /// What it is for.
    pub description: Option<Option<String>>,
}

impl Control {
    /// Changes a queue.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] at `description`.
    pub async fn update_queue(&self, grant: &Grant<UpdateQueue>, mut change: QueueChange) -> Result<Queue> {
        if let Some(text) = change.description.take() {
            change.description = Some(input::description(text.filter(|text| !text.is_empty()).as_deref())?);
        }
        self.write(grant, Lane::Normal, change, |tx, scene| Box::pin(update(tx, scene))).await
    }
}

async fn update(tx: &mut Tx, scene: &Scene<QueueChange>) -> Result<Queue> {
    let (of, change) = (scene.organization, &scene.input);
    let found = queues::by_id(tx, of, change.queue).await?.ok_or(Error::NotFound("queue"))?;
    // Who deletes it, or says something else of it, comes before or after.
    deployments::close(tx, of, found.deployment).await?.ok_or(Error::NotFound("queue"))?;
    let before = queues::by_id(tx, of, found.id).await?.ok_or(Error::NotFound("queue"))?;
    let Some(description) = change.description.as_ref().filter(|it| **it != before.description) else {
        return Ok(before);
    };
    queues::describe(tx, of, before.id, description.as_deref()).await?;
    let subject = Subject::new("queue", before.id, before.name.as_str());
    let detail = json!({ "description": { "from": before.description, "to": description } });
    scene.audit(tx, "queue.updated", subject, detail).await?;
    Ok(Queue { description: description.clone(), ..before })
}
