//! Artifacts for people.

use countersign_domain::artifact::ArtifactState;
use countersign_domain::id::{ArtifactId, BuildId, JobId};
use countersign_store::artifacts::{self, Artifact, Choice};
use countersign_store::{builds, jobs};

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, Page, PageRequest, Result};

use super::address::{Purpose, Signature};

impl Control {
    /// A page of the artifacts of one of the organization's builds, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_artifacts(
        &self,
        grant: &Grant<ViewBuilds>,
        build: BuildId,
        page: PageRequest<ArtifactId>,
    ) -> Result<Page<Artifact>> {
        let rows = self
            .read(grant, (build, page), |tx, scene| {
                Box::pin(async move {
                    let (build, page) = &scene.input;
                    builds::find(tx, scene.organization, *build).await?.ok_or(Error::NotFound("build"))?;
                    let after = page.start();
                    let any = Choice { include_retried: true, ..Choice::default() };
                    Ok(artifacts::page(tx, scene.organization, *build, after, &any, page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// The same of those at one path, also of jobs that were run again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_artifacts_at(
        &self,
        grant: &Grant<ViewBuilds>,
        build: BuildId,
        path: String,
        page: PageRequest<ArtifactId>,
    ) -> Result<Page<Artifact>> {
        // NUL is in no path, and no engine takes it as text.
        let path = path.replace('\0', "\u{fffd}");
        let rows = self
            .read(grant, (build, path, page), |tx, scene| {
                Box::pin(async move {
                    let (build, path, page) = &scene.input;
                    builds::find(tx, scene.organization, *build).await?.ok_or(Error::NotFound("build"))?;
                    let choice = Choice { path: Some(path.clone()), include_retried: true, ..Choice::default() };
                    Ok(artifacts::page(tx, scene.organization, *build, page.start(), &choice, page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// A page of the artifacts of one of the organization's jobs, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn job_artifacts(
        &self,
        grant: &Grant<ViewBuilds>,
        job: JobId,
        page: PageRequest<ArtifactId>,
    ) -> Result<Page<Artifact>> {
        let rows = self
            .read(grant, (job, page), |tx, scene| {
                Box::pin(async move {
                    let (job, page) = &scene.input;
                    jobs::find(tx, scene.organization, *job).await?.ok_or(Error::NotFound("job"))?;
                    let after = page.start();
                    Ok(artifacts::page_of_job(tx, scene.organization, *job, after, page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// One of the organization's artifacts, and where its bytes can be fetched from for [`DOWNLOAD_TIME`](super::DOWNLOAD_TIME); no
    /// address for one that is not finished.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn artifact(&self, grant: &Grant<ViewBuilds>, id: ArtifactId) -> Result<(Artifact, Option<String>)> {
        let artifact = self
            .read(grant, id, |tx, scene| {
                Box::pin(async move {
                    let found = artifacts::find(tx, scene.organization, scene.input).await?;
                    found.filter(|it| it.state != ArtifactState::Deleted).ok_or(Error::NotFound("artifact"))
                })
            })
            .await?;
        let address = match (artifact.state, &artifact.upload_destination) {
            (ArtifactState::Finished, Some(_)) => artifact.url.clone(),
            (ArtifactState::Finished, None) => {
                let signature = Signature::make(&self.keys(), Purpose::Download(id), self.now());
                Some(self.artifact_address(id, &signature))
            }
            _ => None,
        };
        Ok((artifact, address))
    }
}
