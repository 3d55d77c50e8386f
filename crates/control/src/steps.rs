//! Steps, as their own build's jobs and people see them: reading, changing, canceling and answering one.

mod cancel;
mod export;
mod unblock;
mod update;
mod view;
mod widen;

pub use countersign_store::steps::StepRow;
pub use unblock::Answer;
pub use update::{MAX_NOTIFY, StepChange};
pub use view::job_state;

use countersign_domain::id::{BuildId, OrganizationId};
use countersign_store::{Tx, steps};

use crate::{Error, Result};

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
