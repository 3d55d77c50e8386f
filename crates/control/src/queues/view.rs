//! Seeing queues, and how much there is to do in each.

use std::collections::HashMap;

use countersign_domain::id::{DeploymentId, Id, OrganizationId};
use countersign_store::queues::{self, Queue};
use countersign_store::{Tx, queue_counts};

use super::MAX_QUEUES;
use crate::access::actions::ViewQueues;
use crate::queue_counts::Counts;
use crate::{Control, Error, Grant, MAX_PAGE, Page, PageRequest, Result};

/// A queue, with its agents and jobs counted.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The queue.
    pub queue: Queue,
    /// What is in it now.
    pub counts: Counts,
}

/// A queue of which nothing is known but that agents wait in it: no job was put into it yet, and nobody has made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlisted {
    /// Its deployment.
    pub deployment: DeploymentId,
    /// Its name.
    pub name: String,
    /// How many of its agents are connected.
    pub agents: i64,
}

impl Control {
    /// Queues that connected agents wait in and that are none of [`Control::queues`], those with most agents first; at most `limit`, and
    /// [`MAX_PAGE`].
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn unlisted_queues(&self, grant: &Grant<ViewQueues>, limit: u32) -> Result<Vec<Unlisted>> {
        self.read(grant, i64::from(limit.min(MAX_PAGE)), |tx, scene| {
            Box::pin(async move {
                let found = queue_counts::unlisted(tx, scene.organization, scene.input).await?;
                let unlisted = |(deployment, name, agents)| Unlisted { deployment, name, agents };
                Ok(found.into_iter().map(unlisted).collect())
            })
        })
        .await
    }

    /// A page of the organization's queues, newest first.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn queues(&self, grant: &Grant<ViewQueues>, page: PageRequest<Id<Queue>>) -> Result<Page<Standing>> {
        let rows = self
            .read(grant, page, |tx, scene| {
                Box::pin(async move {
                    let after = scene.input.start();
                    let rows = queues::page(tx, scene.organization, after, scene.input.rows()).await?;
                    counted(tx, scene.organization, rows).await
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// How many queues the organization has.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn count_all_queues(&self, grant: &Grant<ViewQueues>) -> Result<i64> {
        self.read(grant, (), |tx, scene| Box::pin(async move { Ok(queues::count(tx, scene.organization).await?) }))
            .await
    }

    /// The queues of one deployment, by name; at most [`MAX_QUEUES`].
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn queues_of(&self, grant: &Grant<ViewQueues>, deployment: DeploymentId) -> Result<Vec<Standing>> {
        self.read(grant, deployment, |tx, scene| {
            Box::pin(async move {
                let rows = queues::of_deployment(tx, scene.organization, scene.input, MAX_QUEUES).await?;
                counted(tx, scene.organization, rows).await
            })
        })
        .await
    }

    /// One of the organization's queues.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn queue(&self, grant: &Grant<ViewQueues>, id: Id<Queue>) -> Result<Standing> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let found = queues::by_id(tx, scene.organization, scene.input).await?;
                one(counted(tx, scene.organization, found.into_iter().collect()).await?)
            })
        })
        .await
    }

    /// One of the organization's queues, by its deployment and its name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn queue_by_name(
        &self,
        grant: &Grant<ViewQueues>,
        deployment: DeploymentId,
        name: &str,
    ) -> Result<Standing> {
        // NUL is in no name, and no engine takes it as text.
        let name = name.replace('\0', "\u{fffd}");
        self.read(grant, (deployment, name), |tx, scene| {
            Box::pin(async move {
                let (deployment, name) = &scene.input;
                let found = queues::find(tx, scene.organization, *deployment, name).await?;
                one(counted(tx, scene.organization, found.into_iter().collect()).await?)
            })
        })
        .await
    }
}

fn one(found: Vec<Standing>) -> Result<Standing> {
    found.into_iter().next().ok_or(Error::NotFound("queue"))
}

async fn counted(tx: &mut Tx, of: OrganizationId, rows: Vec<Queue>) -> Result<Vec<Standing>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut all: HashMap<(DeploymentId, String), Counts> = HashMap::new();
    for it in queue_counts::agents(tx, of).await? {
        all.entry((it.deployment, it.queue.clone())).or_default().add_agents(&it);
    }
    for it in queue_counts::jobs(tx, of).await? {
        all.entry((it.deployment, it.queue.clone())).or_default().add_jobs(&it);
    }
    let standing = |queue: Queue| {
        let counts = all.get(&(queue.deployment, queue.name.clone())).copied().unwrap_or_default();
        Standing { queue, counts }
    };
    Ok(rows.into_iter().map(standing).collect())
}
