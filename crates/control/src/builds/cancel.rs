//! Canceling a build: jobs that wait end at once, jobs that run are ended by their agents. First it is written that the build is
//! canceled, so that nothing of it begins any more; then what is open is canceled in batches.

use countersign_domain::build::BuildState;
use countersign_domain::id::BuildId;
use countersign_store::builds::tally::Chore;
use countersign_store::builds::{self, Build};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::{CancelBuild, CancelOwnBuild};
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::runner::Runner;

impl Control {
    /// Cancels a build. Saying it again while it goes on changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it has ended.
    pub async fn cancel_build(&self, grant: &Grant<CancelBuild>, build: BuildId) -> Result<Build> {
        self.write(grant, Lane::Soon, build, |tx, scene| Box::pin(mark(tx, scene, scene.input))).await?;
        self.do_chore(grant.organization(), build, Chore::Cancel).await?;
        // It was let and is done: whoever has lost their role meanwhile is told so too.
        let which = (grant.organization(), build);
        let found = self.store().read(which, |tx, (of, id)| Box::pin(builds::find(tx, *of, *id))).await?;
        found.ok_or(Error::NotFound("build"))
    }

    /// The same, asked by a job of the build. It is canceled with it.
    ///
    /// # Errors
    /// As [`Control::cancel_build`].
    pub async fn cancel_own_build(&self, grant: &Grant<CancelOwnBuild>) -> Result<BuildId> {
        let build = grant.job()?.build;
        self.write(grant, Lane::Soon, build, |tx, scene| Box::pin(mark(tx, scene, scene.input))).await?;
        self.do_chore(grant.organization(), build, Chore::Cancel).await?;
        Ok(build)
    }
}

async fn mark<I: Sync>(tx: &mut Tx, scene: &Scene<I>, id: BuildId) -> Result<()> {
    let build = builds::find(tx, scene.organization, id).await?.ok_or(Error::NotFound("build"))?;
    scene.may_in(tx, build.deployment).await?;
    match begin(tx, scene, id).await? {
        Some(ended) => Err(Error::Conflict(format!("The build has ended: it is {}.", ended.as_str()))),
        None => Ok(()),
    }
}

/// Writes that a build is to be canceled; or answers how it has ended, and then changes nothing.
pub(crate) async fn begin<I: Sync>(tx: &mut Tx, scene: &Scene<I>, id: BuildId) -> Result<Option<BuildState>> {
    let of = scene.organization;
    let mut runner = Runner::new(of);
    let ledger = runner.open(tx, id).await?;
    if ledger.state.is_finished() {
        return Ok(Some(ledger.state));
    }
    // Who says it again is not who did it.
    let is_first = !ledger.tally.is_canceled;
    ledger.tally.is_canceled = true;
    ledger.chore = Some(Chore::Cancel);
    runner.close(tx, scene).await?;
    if let Some(person) = scene.caller.user().filter(|_| is_first) {
        builds::set_canceled_by(tx, id, person).await?;
    }
    let build = builds::find(tx, of, id).await?.ok_or(Error::NotFound("build"))?;
    let subject = Subject::of_build(&build);
    scene.audit(tx, "build.canceled", subject, json!({})).await?;
    Ok(None)
}
