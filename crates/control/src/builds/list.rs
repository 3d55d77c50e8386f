//! Listing builds.

use countersign_domain::build::BuildState;
use countersign_domain::id::BuildId;
use countersign_domain::text::check_line;
use countersign_store::builds::{self, Build, Wanted};

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, Page, PageRequest, Part, Result, SEARCHED, input};

use super::MAX_REFERENCE;

/// The most names of one list that builds are looked for by: states, branches, commits.
pub const MAX_NAMES: usize = 100;

/// Whether an engine can be asked for this.
fn check(wanted: &Wanted) -> Result<()> {
    let lists = [("state", wanted.states.len()), ("branch", wanted.branches.len()), ("commit", wanted.commits.len())];
    for (field, length) in lists {
        if length > MAX_NAMES {
            return Err(Error::invalid(field, format!("has {length} entries; at most {MAX_NAMES} are possible")));
        }
    }
    for (field, names) in [("branch", &wanted.branches), ("commit", &wanted.commits)] {
        for name in names {
            input::field(field, check_line(name, MAX_REFERENCE))?;
        }
    }
    Ok(())
}

impl Control {
    /// A page of the organization's builds that are wanted, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `state`, `branch` or `commit`: more than [`MAX_NAMES`], or what can be no name.
    pub async fn find_builds(
        &self,
        grant: &Grant<ViewBuilds>,
        wanted: Wanted,
        page: PageRequest<BuildId>,
    ) -> Result<Page<Build>> {
        check(&wanted)?;
        let rows = self
            .read(grant, (wanted, page), |tx, scene| {
                Box::pin(async move {
                    let (wanted, page) = &scene.input;
                    let after = page.start();
                    Ok(builds::page(tx, scene.organization, wanted, after, page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// A part of the organization's builds that are wanted, newest first. Where only some are wanted and no index knows which, [`SEARCHED`] builds are
    /// looked at in one call; so a part may be short, or have none, and the list go on behind it.
    ///
    /// # Errors
    /// As [`Control::find_builds`].
    pub async fn search_builds(
        &self,
        grant: &Grant<ViewBuilds>,
        wanted: Wanted,
        page: PageRequest<BuildId>,
    ) -> Result<Part<Build, BuildId>> {
        check(&wanted)?;
        let (rows, last) = self
            .read(grant, (wanted, page), |tx, scene| {
                Box::pin(async move {
                    let ((wanted, page), of) = (&scene.input, scene.organization);
                    Ok(builds::search(tx, of, wanted, SEARCHED, page.start(), page.rows()).await?)
                })
            })
            .await?;
        Ok(Part::of(rows, &page, last, |it: &Build| it.id))
    }

    /// How many of the organization's builds are wanted.
    ///
    /// # Errors
    /// As [`Control::find_builds`].
    pub async fn count_builds(&self, grant: &Grant<ViewBuilds>, wanted: Wanted) -> Result<i64> {
        check(&wanted)?;
        self.read(grant, wanted, |tx, scene| {
            Box::pin(async move { Ok(builds::count(tx, scene.organization, &scene.input).await?) })
        })
        .await
    }

    /// How many of the organization's builds that have not ended are in each state; a state that none is in is left out.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn count_builds_under_way(&self, grant: &Grant<ViewBuilds>) -> Result<Vec<(BuildState, i64)>> {
        self.read(grant, (), |tx, scene| {
            Box::pin(async move { Ok(builds::counts_under_way(tx, scene.organization).await?) })
        })
        .await
    }
}
