//! Refusing an upload whose steps would wait for what waits for their uploader.

use countersign_domain::graph::{LayoutError, Relation, Search};
use countersign_domain::id::StepId;
use countersign_domain::plan::Plan;
use countersign_store::Tx;
use countersign_store::builds::Build;
use countersign_store::steps::{self, StepRow, edges};

use crate::{Error, Result};

/// # Errors
/// [`Error::Invalid`] at `field`, in words that name the steps.
pub(super) async fn refuse(
    tx: &mut Tx,
    build: &Build,
    plan: &Plan,
    mut search: Search<StepId>,
    field: &str,
) -> Result<()> {
    while let Some((id, relation)) = search.look_at() {
        let row = find(tx, build, id).await?;
        if row.step.said(relation).is_some() {
            continue;
        }
        let mut first = edges::open_of(tx, id).await?;
        if relation == Relation::Settled {
            let beneath = steps::unsettled_beneath(tx, id).await?;
            first.extend(beneath.into_iter().map(|it| (it, Relation::Settled)));
        }
        let Err(found) = search.needs((id, relation), first) else { continue };
        let mut names = Vec::with_capacity(found.path.len());
        for id in &found.path {
            let row = find(tx, build, *id).await?;
            names.push(format!("'{}'", crate::steps::step_name(&row)));
        }
        let mut names = names.into_iter();
        let fault = LayoutError::deadlock(plan, &found, |_| names.next().unwrap_or_default());
        return Err(Error::invalid(field, fault));
    }
    Ok(())
}

async fn find(tx: &mut Tx, build: &Build, id: StepId) -> Result<StepRow> {
    steps::find(tx, build.organization, id).await?.ok_or_else(|| Error::internal("a step is gone"))
}
