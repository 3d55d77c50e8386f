//! Seeing builds: their jobs, meta-data and annotations.

use countersign_domain::id::{BuildId, JobId};
use countersign_domain::pipeline::Env;
use countersign_store::builds::annotations::{self, Annotation};
use countersign_store::builds::{self, Build, meta_data};
use countersign_store::jobs::{self, Job};

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, MAX_PAGE, Result};

impl Control {
    /// One of the organization's builds.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build(&self, grant: &Grant<ViewBuilds>, id: BuildId) -> Result<Build> {
        self.read(grant, id, |tx, scene| {
            Box::pin(
                async move { builds::find(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("build")) },
            )
        })
        .await
    }

    /// One of the organization's builds, by its pipeline's name in addresses and its number.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_by_number(&self, grant: &Grant<ViewBuilds>, slug: &str, number: i64) -> Result<Build> {
        // NUL is in no slug, and no engine takes it as text.
        let asked = (slug.replace('\0', "\u{fffd}"), number);
        self.read(grant, asked, |tx, scene| {
            Box::pin(async move {
                let (slug, number) = &scene.input;
                let found = builds::by_number(tx, scene.organization, slug, *number).await?;
                found.ok_or(Error::NotFound("build"))
            })
        })
        .await
    }

    /// The jobs of one of the organization's builds, in the order of its steps.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`]; another organization's build has none.
    pub async fn build_jobs(&self, grant: &Grant<ViewBuilds>, id: BuildId) -> Result<Vec<Job>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move { Ok(jobs::of_build(tx, scene.organization, scene.input).await?) })
        })
        .await
    }

    /// One of the organization's jobs.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn job(&self, grant: &Grant<ViewBuilds>, id: JobId) -> Result<Job> {
        self.read(grant, id, |tx, scene| {
            Box::pin(
                async move { jobs::find(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("job")) },
            )
        })
        .await
    }

    /// The variables that every job of one of the organization's builds begins with, its step's own and the server's apart: the pipeline's,
    /// and over them the build's.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_env(&self, grant: &Grant<ViewBuilds>, id: BuildId) -> Result<Env> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let build = builds::find(tx, scene.organization, scene.input).await?;
                let variables = builds::variables(tx, build.ok_or(Error::NotFound("build"))?.id).await?;
                Ok(variables.merged())
            })
        })
        .await
    }

    /// The annotations of one of the organization's builds, at most [`MAX_PAGE`].
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_annotations(&self, grant: &Grant<ViewBuilds>, id: BuildId) -> Result<Vec<Annotation>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let build = builds::find(tx, scene.organization, scene.input).await?;
                let build = build.ok_or(Error::NotFound("build"))?;
                Ok(annotations::of_build(tx, build.id, i64::from(MAX_PAGE)).await?)
            })
        })
        .await
    }

    /// The meta-data of one of the organization's builds, by key.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_meta_data(&self, grant: &Grant<ViewBuilds>, id: BuildId) -> Result<Vec<(String, String)>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let build = builds::find(tx, scene.organization, scene.input).await?;
                let build = build.ok_or(Error::NotFound("build"))?;
                Ok(meta_data::of_build(tx, build.id).await?)
            })
        })
        .await
    }
}
