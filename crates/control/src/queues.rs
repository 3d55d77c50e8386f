//! Queues: making and deleting them, keeping their jobs back, and letting them go again.

mod create;
mod delete;
mod update;
mod view;
mod waits;

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::agent::Rules;
use countersign_domain::text::{DeploymentName, QueueName, Reason};
use countersign_store::jobs::dispatch::Spot;
use countersign_store::queues;
use countersign_store::{Lane, Tx, deployments, organizations};
use serde_json::json;

use crate::access::actions::PauseQueue;
use crate::builds::wake;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

pub use countersign_store::queues::Queue;
pub use create::{MAX_QUEUES, NewQueue};
pub use update::QueueChange;
pub use view::{Standing, Unlisted};
pub use waits::{WAITS_SINCE, Waits};

/// A queue, by its deployment's and its own name.
#[derive(Debug, Clone)]
pub struct QueueReference {
    /// The deployment; the organization's default when none is given.
    pub deployment: Option<String>,
    /// The queue.
    pub queue: String,
}

struct Asked {
    deployment: Option<DeploymentName>,
    queue: QueueName,
    note: Option<String>,
}

fn asked(queue: &QueueReference, note: Option<String>) -> Result<Asked> {
    let note = note.filter(|note| !note.is_empty());
    if let Some(note) = &note {
        input::field("note", Reason::parse(note))?;
    }
    let deployment = match &queue.deployment {
        Some(name) => Some(input::field("deployment", DeploymentName::parse(name))?),
        None => None,
    };
    Ok(Asked { deployment, queue: input::field("queue", QueueName::parse(&queue.queue))?, note })
}

/// The one way that a job is given to an agent again, by the name that it has in Buildkite's API.
pub const RETRY_AGENT_AFFINITY: &str = "prefer-warmest";

/// Refuses another way; nothing and an empty text are none.
///
/// # Errors
/// [`Error::Invalid`] at `field`, as the caller calls it.
pub fn check_affinity(field: &str, asked: Option<&str>) -> Result<()> {
    match asked {
        None | Some("" | RETRY_AGENT_AFFINITY) => Ok(()),
        Some(_) => Err(Error::invalid(
            field,
            format!("can be {RETRY_AGENT_AFFINITY} alone: a job that is run again goes to whichever agent is next"),
        )),
    }
}

impl Control {
    /// Keeps a queue's jobs back: its agents are given nothing more. What they have goes on.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `queue`, `deployment` or `note`; [`Error::Conflict`] for a queue that is not there where there are [`MAX_QUEUES`].
    pub async fn pause_queue_dispatch(
        &self,
        grant: &Grant<PauseQueue>,
        queue: QueueReference,
        note: Option<String>,
    ) -> Result<Queue> {
        let asked = asked(&queue, note)?;
        self.write(grant, Lane::Normal, asked, |tx, scene| Box::pin(set(tx, scene, true))).await
    }

    /// Lets a queue's jobs go again.
    ///
    /// # Errors
    /// As [`Control::pause_queue_dispatch`].
    pub async fn resume_queue_dispatch(&self, grant: &Grant<PauseQueue>, queue: QueueReference) -> Result<Queue> {
        let asked = asked(&queue, None)?;
        self.write(grant, Lane::Normal, asked, |tx, scene| Box::pin(set(tx, scene, false))).await
    }
}

async fn set(tx: &mut Tx, scene: &Scene<Asked>, paused: bool) -> Result<Queue> {
    let of = scene.organization;
    let Asked { deployment, queue, note } = &scene.input;
    let deployment = match deployment {
        Some(name) => {
            let found = deployments::enter_by_name(tx, of, name.as_str()).await?;
            found.ok_or_else(|| Error::invalid("deployment", "names none of the organization's deployments"))?
        }
        None => {
            let default = organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))?.default_deployment;
            deployments::find(tx, of, default).await?.ok_or(Error::NotFound("deployment"))?
        }
    };
    scene.may_in(tx, deployment.id).await?;
    if queues::find(tx, of, deployment.id, queue.as_str()).await?.is_none()
        && queues::count(tx, of).await? >= MAX_QUEUES
    {
        return Err(Error::Conflict(format!(
            "The organization has {MAX_QUEUES} queues, the most there may be, and none of this name; delete some."
        )));
    }
    queues::ensure(tx, scene.fresh_id(tx), of, deployment.id, queue.as_str()).await?;
    let found = queues::find(tx, of, deployment.id, queue.as_str()).await?.ok_or(Error::NotFound("queue"))?;
    let action = if paused {
        queues::pause(tx, found.id, scene.caller.user(), note.as_deref()).await?;
        "queue.paused"
    } else {
        queues::resume(tx, found.id).await?;
        // How many jobs were kept back is not counted: whoever waits there looks.
        let spot = Spot { deployment: deployment.id, queue: found.name.clone(), rules: Rules::default().canonical() };
        wake(tx, scene, of, BTreeMap::from([(spot, usize::MAX)]), BTreeSet::new());
        "queue.resumed"
    };
    let subject = Subject::new("queue", found.id, found.name);
    scene.audit(tx, action, subject, json!({ "deployment": deployment.name, "note": note })).await?;
    queues::find(tx, of, deployment.id, queue.as_str()).await?.ok_or(Error::NotFound("queue"))
}
