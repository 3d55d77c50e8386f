//! Seeing pipelines.

use countersign_domain::id::Id;
use countersign_domain::text::check_line;
use countersign_store::builds::{Pipeline, pipelines};

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, Page, PageRequest, Result, input};

use super::MAX_NAME;

/// An empty text is in every name.
fn check_search(search: &str) -> Result<()> {
    if search.is_empty() { Ok(()) } else { input::field("search", check_line(search, MAX_NAME)) }
}

impl Control {
    /// One of the organization's pipelines, by its name in addresses.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn pipeline(&self, grant: &Grant<ViewBuilds>, slug: &str) -> Result<Pipeline> {
        // NUL is in no slug, and no engine takes it as text.
        let slug = slug.replace('\0', "\u{fffd}");
        self.read(grant, slug, |tx, scene| {
            Box::pin(async move {
                let found = pipelines::by_slug(tx, scene.organization, &scene.input).await?;
                found.ok_or(Error::NotFound("pipeline"))
            })
        })
        .await
    }

    /// One of the organization's pipelines.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn pipeline_by_id(&self, grant: &Grant<ViewBuilds>, id: Id<Pipeline>) -> Result<Pipeline> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let found = pipelines::find(tx, scene.organization, scene.input).await?;
                found.ok_or(Error::NotFound("pipeline"))
            })
        })
        .await
    }

    /// A page of the organization's pipelines whose names hold a text in any case of the letters A to Z, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `search`.
    pub async fn pipelines(
        &self,
        grant: &Grant<ViewBuilds>,
        search: String,
        page: PageRequest<Id<Pipeline>>,
    ) -> Result<Page<Pipeline>> {
        check_search(&search)?;
        let rows = self
            .read(grant, (search, page), |tx, scene| {
                Box::pin(async move {
                    let (search, page) = &scene.input;
                    let after = page.start();
                    Ok(pipelines::newest(tx, scene.organization, search, after, page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// How many those are.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `search`.
    pub async fn count_pipelines(&self, grant: &Grant<ViewBuilds>, search: String) -> Result<i64> {
        check_search(&search)?;
        self.read(grant, search, |tx, scene| {
            Box::pin(async move { Ok(pipelines::count(tx, scene.organization, &scene.input).await?) })
        })
        .await
    }
}
