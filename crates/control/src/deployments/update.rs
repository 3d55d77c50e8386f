//! Changing a deployment: its name and what is said of it. Its id stays, and with it all that names it.

use countersign_domain::Timestamp;
use countersign_domain::id::{DeploymentId, Id};
use countersign_store::queues::{self, Queue};
use countersign_store::{Lane, Turn, Tx, deployments};
use serde_json::{Map, json};

use crate::access::actions::UpdateDeployment;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, issuing};

use super::{Deployment, color, description, emoji, name, not_taken};

/// What is to be different. What is `None` stays; `Some(None)` takes it away.
#[derive(Debug, Clone)]
pub struct DeploymentChange {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Another name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<Option<String>>,
    /// What stands before its name.
    pub emoji: Option<Option<String>>,
    /// Its colour.
    pub color: Option<Option<String>>,
    /// The queue that people call its default.
    pub default_queue: Option<Option<Id<Queue>>>,
    /// From when on a branch deployment is removed.
    pub expires_at: Option<Option<Timestamp>>,
}

impl DeploymentChange {
    /// Nothing is different yet.
    #[must_use]
    pub const fn of(deployment: DeploymentId) -> Self {
        Self {
            deployment,
            name: None,
            description: None,
            emoji: None,
            color: None,
            default_queue: None,
            expires_at: None,
        }
    }
}

impl Control {
    /// Changes a deployment. An agent whose tag has the old name is refused when it registers again; those that are connected stay.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`] for another name by anybody but an Organization Admin;
    /// [`Error::Invalid`] at `name`, `description`, `emoji`, `color`, `defaultQueueId` or `expiresAt`; [`Error::Conflict`]
    /// when the name is taken.
    pub async fn update_deployment(
        &self,
        grant: &Grant<UpdateDeployment>,
        mut change: DeploymentChange,
    ) -> Result<Deployment> {
        if let Some(expires_at) = change.expires_at {
            issuing::check_expiry(expires_at, self.now())?;
        }
        change.name = change.name.map(|it| name(&it)).transpose()?;
        change.description = change.description.map(description).transpose()?;
        change.emoji = change.emoji.map(emoji).transpose()?;
        change.color = change.color.map(color).transpose()?;
        self.write(grant, Lane::Normal, change, |tx, scene| Box::pin(update(tx, scene))).await
    }
}

async fn update(tx: &mut Tx, scene: &Scene<DeploymentChange>) -> Result<Deployment> {
    let (of, change) = (scene.organization, &scene.input);
    // Of two that choose one name at the same time, one is told so.
    tx.take_turn(of, Turn::Alone).await?;
    let before = deployments::close(tx, of, change.deployment).await?.ok_or(Error::NotFound("deployment"))?;
    scene.may_in(tx, before.id).await?;
    if before.parent.is_none() && change.expires_at.flatten().is_some() {
        return Err(Error::invalid("expiresAt", "is for branch deployments: a full one does not expire"));
    }
    if let Some(queue) = change.default_queue.flatten() {
        let queue = queues::by_id(tx, of, queue).await?.filter(|it| it.deployment == before.id);
        queue.ok_or_else(|| Error::invalid("defaultQueueId", "names none of the deployment's queues"))?;
    }
    let after = Deployment {
        name: change.name.clone().unwrap_or_else(|| before.name.clone()),
        description: change.description.clone().unwrap_or_else(|| before.description.clone()),
        emoji: change.emoji.clone().unwrap_or_else(|| before.emoji.clone()),
        color: change.color.clone().unwrap_or_else(|| before.color.clone()),
        default_queue: change.default_queue.unwrap_or(before.default_queue),
        expires_at: change.expires_at.unwrap_or(before.expires_at),
        ..before.clone()
    };
    if after.name != before.name {
        // Agents and builds name it, and would follow the name to whatever has it next.
        scene.for_admins_alone()?;
        not_taken(tx, of, &after.name, after.id).await?;
    }
    let mut detail = Map::new();
    let mut differs = |field: &str, from: serde_json::Value, to: serde_json::Value| {
        if from != to {
            detail.insert(field.to_owned(), json!({ "from": from, "to": to }));
        }
    };
    let time = |at: Option<Timestamp>| json!(at.map(|at| at.to_string()));
    let queue = |id: Option<Id<Queue>>| json!(id.map(|id| id.to_string()));
    differs("name", json!(before.name), json!(after.name));
    differs("description", json!(before.description), json!(after.description));
    differs("emoji", json!(before.emoji), json!(after.emoji));
    differs("color", json!(before.color), json!(after.color));
    differs("default_queue", queue(before.default_queue), queue(after.default_queue));
    differs("expires_at", time(before.expires_at), time(after.expires_at));
    if detail.is_empty() {
        return Ok(after);
    }
    deployments::update(tx, of, &after).await?;
    let subject = Subject::new("deployment", after.id, after.name.as_str());
    scene.audit(tx, "deployment.updated", subject, detail.into()).await?;
    Ok(after)
}
