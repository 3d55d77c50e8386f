//! Seeing code locations, and what was asked of agents for them.

use countersign_domain::id::{CodeLocationId, DagsterRequestId, DeploymentId};
use countersign_store::{code_locations, dagster_requests};

use crate::access::actions::ViewCodeLocations;
use crate::{Control, Error, Grant, Page, PageRequest, Result};

use super::{CodeLocation, DagsterRequest, deployment};

impl Control {
    /// The code locations of a deployment, by name.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the deployment.
    pub async fn code_locations(
        &self,
        grant: &Grant<ViewCodeLocations>,
        deployment: DeploymentId,
    ) -> Result<Vec<CodeLocation>> {
        self.read(grant, deployment, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                let deployment = self::deployment(tx, of, scene.input).await?;
                Ok(code_locations::list(tx, of, deployment.id).await?)
            })
        })
        .await
    }

    /// Which a deployment has, by name: without reading what each of them holds.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the deployment.
    pub async fn code_location_ids(
        &self,
        grant: &Grant<ViewCodeLocations>,
        deployment: DeploymentId,
    ) -> Result<Vec<CodeLocationId>> {
        self.read(grant, deployment, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                let deployment = self::deployment(tx, of, scene.input).await?;
                Ok(code_locations::ids(tx, of, deployment.id).await?)
            })
        })
        .await
    }

    /// Those of a deployment with these ids, in this order; without those that are gone.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the deployment.
    pub async fn code_locations_with_ids(
        &self,
        grant: &Grant<ViewCodeLocations>,
        deployment: DeploymentId,
        ids: Vec<CodeLocationId>,
    ) -> Result<Vec<CodeLocation>> {
        self.read(grant, (deployment, ids), |tx, scene| {
            Box::pin(async move {
                let (of, (deployment, ids)) = (scene.organization, &scene.input);
                let deployment = self::deployment(tx, of, *deployment).await?;
                let mut found = Vec::with_capacity(ids.len());
                for id in ids {
                    found.extend(code_locations::by_id(tx, of, deployment.id, *id).await?);
                }
                Ok(found)
            })
        })
        .await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn code_location(
        &self,
        grant: &Grant<ViewCodeLocations>,
        deployment: DeploymentId,
        name: &str,
    ) -> Result<CodeLocation> {
        self.read(grant, (deployment, name.to_owned()), |tx, scene| {
            Box::pin(async move {
                let (of, (deployment, name)) = (scene.organization, &scene.input);
                let deployment = self::deployment(tx, of, *deployment).await?;
                let found = code_locations::find(tx, of, deployment.id, name).await?;
                found.ok_or(Error::NotFound("code location"))
            })
        })
        .await
    }

    /// A page of what agents were asked to do for a deployment, newest first.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`]; another organization's deployment has none.
    pub async fn dagster_requests(
        &self,
        grant: &Grant<ViewCodeLocations>,
        deployment: DeploymentId,
        page: PageRequest<DagsterRequestId>,
    ) -> Result<Page<DagsterRequest>> {
        let rows = self
            .read(grant, (deployment, page), |tx, scene| {
                Box::pin(async move {
                    let (deployment, page) = scene.input;
                    Ok(dagster_requests::page(tx, scene.organization, deployment, page.start(), page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }
}
