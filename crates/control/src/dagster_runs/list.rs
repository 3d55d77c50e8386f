//! Seeing runs, and what their workers told, as people do.

use countersign_domain::dagster::RunStatus;
use countersign_domain::id::{DagsterRunId, DeploymentId};
use countersign_store::dagster_runs::events::{self, RunEventRow};
use countersign_store::dagster_runs::{self, DagsterRun};
use countersign_store::{StoreError, Tx, deployments};

use crate::access::actions::ViewDagsterRuns;
use crate::{Control, Error, Grant, MAX_PAGE, Page, PageRequest, Result};

/// After so many bytes of events a page ends, and one more event.
pub const MAX_EVENT_PAGE: usize = 1024 * 1024;
/// How many events are read at one time.
const READ_AT_ONCE: usize = 50;

impl Control {
    /// A page of a deployment's runs, newest first; perhaps only of those that stand somewhere.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the deployment.
    pub async fn dagster_runs(
        &self,
        grant: &Grant<ViewDagsterRuns>,
        deployment: DeploymentId,
        status: Option<RunStatus>,
        page: PageRequest<DagsterRunId>,
    ) -> Result<Page<DagsterRun>> {
        let rows = self
            .read(grant, (deployment, status, page), |tx, scene| {
                Box::pin(async move {
                    let (of, (deployment, status, page)) = (scene.organization, scene.input);
                    let found = deployments::find(tx, of, deployment).await?.ok_or(Error::NotFound("deployment"))?;
                    Ok(dagster_runs::page(tx, of, found.id, status, page.start(), page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// How many those are; none of another organization's deployment.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn count_dagster_runs(
        &self,
        grant: &Grant<ViewDagsterRuns>,
        deployment: DeploymentId,
        status: Option<RunStatus>,
    ) -> Result<i64> {
        self.read(grant, (deployment, status), |tx, scene| {
            Box::pin(async move {
                let (deployment, status) = scene.input;
                Ok(dagster_runs::count_of(tx, scene.organization, deployment, status).await?)
            })
        })
        .await
    }

    /// One of the organization's runs.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn dagster_run(&self, grant: &Grant<ViewDagsterRuns>, id: DagsterRunId) -> Result<DagsterRun> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                dagster_runs::find(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("run"))
            })
        })
        .await
    }

    /// What the worker of a run told, in the order in which it came: at most `limit` (and [`MAX_PAGE`]) above a number, and about as many as
    /// [`MAX_EVENT_PAGE`] bytes. None are left once a page is empty.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn dagster_run_events(
        &self,
        grant: &Grant<ViewDagsterRuns>,
        id: DagsterRunId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<RunEventRow>> {
        let limit = limit.min(MAX_PAGE);
        self.read(grant, (id, after, limit), |tx, scene| {
            Box::pin(async move {
                let (id, after, limit) = scene.input;
                let run = dagster_runs::find(tx, scene.organization, id).await?.ok_or(Error::NotFound("run"))?;
                Ok(some(tx, run.id, after, limit as usize).await?)
            })
        })
        .await
    }
}

/// At most so many of a run above a number.
async fn some(
    tx: &mut Tx,
    run: DagsterRunId,
    after: i64,
    limit: usize,
) -> std::result::Result<Vec<RunEventRow>, StoreError> {
    let (mut items, mut bytes) = (Vec::<RunEventRow>::new(), 0);
    loop {
        let last = items.last().map_or(after, |it| it.number);
        let rows = events::page(tx, run, last, READ_AT_ONCE as i64).await?;
        let is_end = rows.len() < READ_AT_ONCE;
        for row in rows {
            if items.len() >= limit || bytes >= MAX_EVENT_PAGE {
                return Ok(items);
            }
            bytes += row.message.len() + row.entry.len();
            items.push(row);
        }
        if is_end {
            return Ok(items);
        }
    }
}
