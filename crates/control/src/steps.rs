//! Steps, as their own build's jobs and people see them: reading, changing, canceling and answering one.

mod cancel;
mod export;
mod unblock;
mod update;
mod widen;

pub use countersign_store::steps::StepRow;
pub use unblock::Answer;
pub use update::{MAX_NOTIFY, StepChange};

use countersign_domain::id::{BuildId, OrganizationId};
use countersign_store::{Tx, builds, steps};

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, MAX_PAGE, Result};

/// A step of a build, by its id or its key. A key never looks like an id.
pub(crate) async fn named(tx: &mut Tx, of: OrganizationId, build: BuildId, name: &str) -> Result<StepRow> {
    let found = match name.parse() {
        Ok(id) => steps::find(tx, of, id).await?,
        // NUL is in no key, and no engine takes it as text.
        Err(_) if name.contains('\0') => None,
        Err(_) => steps::by_key(tx, of, build, name).await?,
    };
    found.filter(|it| it.build == build).ok_or(Error::NotFound("step"))
}

/// What a step is called where there is room for a name.
pub(crate) fn step_name(row: &StepRow) -> String {
    row.label.clone().or_else(|| row.key.clone()).unwrap_or_else(|| row.step.kind.as_str().to_owned())
}

impl Control {
    /// At most [`MAX_PAGE`] steps of one of the organization's builds, in the order of the text, behind the one that `after` sorts.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_steps(
        &self,
        grant: &Grant<ViewBuilds>,
        build: BuildId,
        after: Option<String>,
    ) -> Result<Vec<StepRow>> {
        self.read(grant, (build, after.unwrap_or_default()), |tx, scene| {
            Box::pin(async move {
                let (build, after) = &scene.input;
                builds::find(tx, scene.organization, *build).await?.ok_or(Error::NotFound("build"))?;
                Ok(steps::page(tx, scene.organization, *build, after, i64::from(MAX_PAGE)).await?)
            })
        })
        .await
    }
}
