//! Making a queue. One that nobody made is there from its first job on.

use countersign_domain::id::DeploymentId;
use countersign_domain::text::QueueName;
use countersign_store::{Lane, Tx, deployments, queues};
use serde_json::json;

use crate::access::actions::CreateQueue;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::Queue;

/// Most queues of one organization when somebody makes another one.
pub const MAX_QUEUES: i64 = 10_000;

/// What a new queue is to be.
#[derive(Debug, Clone)]
pub struct NewQueue {
    /// The deployment that it is in.
    pub deployment: DeploymentId,
    /// Its name, unique in its deployment.
    pub key: String,
    /// What it is for.
    pub description: Option<String>,
}

impl Control {
    /// Makes a queue.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `key` or `description`; [`Error::NotFound`] for the deployment; [`Error::Conflict`] when there is such a queue, or
    /// there are [`MAX_QUEUES`].
    pub async fn create_queue(&self, grant: &Grant<CreateQueue>, new: NewQueue) -> Result<Queue> {
        let key = input::field("key", QueueName::parse(&new.key))?;
        let queue = Queue {
            id: self.fresh_id(),
            organization: grant.organization(),
            deployment: new.deployment,
            name: key.as_str().to_owned(),
            description: input::description(new.description.filter(|text| !text.is_empty()).as_deref())?,
            created_at: self.now(),
            created_by: Some(grant.user()?.user),
            paused_at: None,
            paused_by: None,
            paused_note: None,
        };
        self.write(grant, Lane::Normal, queue, |tx, scene| Box::pin(create(tx, scene))).await
    }
}

async fn create(tx: &mut Tx, scene: &Scene<Queue>) -> Result<Queue> {
    let of = scene.organization;
    let new = Queue { created_at: tx.now(), ..scene.input.clone() };
    // Nobody else makes one there at the same time.
    let deployment = deployments::close(tx, of, new.deployment).await?.ok_or(Error::NotFound("cluster"))?;
    scene.may_in(tx, deployment.id).await?;
    if queues::find(tx, of, new.deployment, &new.name).await?.is_some() {
        return Err(Error::Conflict(format!(
            "This key is already being used by another queue in this cluster: {} already exists.",
            new.name
        )));
    }
    if queues::count(tx, of).await? >= MAX_QUEUES {
        return Err(Error::Conflict(format!(
            "The organization has {MAX_QUEUES} queues, the most there may be; delete some."
        )));
    }
    queues::insert(tx, &new).await?;
    let subject = Subject::new("queue", new.id, new.name.as_str());
    let detail = json!({ "deployment": deployment.name, "description": new.description });
    scene.audit(tx, "queue.created", subject, detail).await?;
    Ok(new)
}
