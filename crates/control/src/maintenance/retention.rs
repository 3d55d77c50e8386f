//! Removing what has been kept long enough, by the policy of the instance's [retention](crate::Settings::retention).
//!
//! A build that has ended goes with all its rows; its logs and its artifacts may go before it. What has not ended stays, and so does every
//! row of the audit log. Each transaction removes few rows, and a round makes few transactions, so that nobody waits long behind it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use countersign_domain::Timestamp;
use countersign_domain::id::{BuildId, OrganizationId};
use countersign_store::blobs::removals;
use countersign_store::retention::{self, GivenUp};
use countersign_store::{Lane, StoreError, Tx, builds};
use serde_json::json;

use crate::access::actions::KeepHouse;
use crate::scene::Subject;
use crate::signing_in::KEPT;
use crate::{Control, Grant, Result, Scene};

/// How many builds of each sort one round looks at at the most; the next round goes on.
pub const BUILDS_AT_ONCE: i64 = 20;
/// How many rows one transaction removes at the most.
pub const ROWS_AT_ONCE: i64 = 500;
/// How many transactions one round makes at the most; the next round goes on.
const ROUND: u32 = 40;
/// How long nothing is looked for once nothing was found: what is removed is removed by the day.
const PAUSE: Duration = Duration::from_secs(60);

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Builds with all that belonged to them.
    pub builds: u64,
    /// Builds whose logs went before them.
    pub logs: u64,
    /// Artifacts whose bytes went before their build.
    pub artifacts: u64,
    /// Agents that were gone.
    pub agents: u64,
    /// Sign-ins, links to sign in and answers of passkeys that had ended.
    pub sign_ins: u64,
    /// Bytes of artifacts that were removed from the store, in files.
    pub files: u64,
}

impl Removed {
    const fn is_nothing(&self) -> bool {
        self.builds + self.logs + self.artifacts + self.agents + self.sign_ins + self.files == 0
    }
}

/// When it is looked again for something to remove.
#[derive(Debug, Default)]
pub(crate) struct Pace(AtomicI64);

/// What one round finds.
struct Found {
    ended: Vec<(OrganizationId, BuildId)>,
    marked: Vec<(OrganizationId, BuildId)>,
    logs: Vec<(OrganizationId, BuildId)>,
    artifacts: Vec<(OrganizationId, BuildId)>,
}

/// Until when each of them must have ended to go; `None`: it stays.
#[derive(Clone, Copy)]
struct Before {
    builds: Option<Timestamp>,
    logs: Option<Timestamp>,
    artifacts: Option<Timestamp>,
}

impl Control {
    /// The same as [`Control::remove_expired`], but while nothing is found only once a minute.
    pub(super) async fn remove_expired_in_turn(&self) -> Result<Removed> {
        let now = self.now();
        if now.as_micros() < self.pace().0.load(Ordering::Relaxed) {
            return Ok(Removed::default());
        }
        let removed = self.remove_expired().await?;
        if removed.is_nothing() {
            self.pace().0.store(now.plus(PAUSE).as_micros(), Ordering::Relaxed);
        }
        Ok(removed)
    }

    /// One round of removing what has been kept long enough. It can be stopped at any point and run again.
    ///
    /// # Errors
    /// The first that was met; what was removed before it is.
    pub async fn remove_expired(&self) -> Result<Removed> {
        let keep = &self.settings().retention;
        let now = self.now();
        let before = |kept: Option<Duration>| kept.map(|kept| now.minus(kept));
        let before = Before { builds: before(keep.builds), logs: before(keep.logs), artifacts: before(keep.artifacts) };
        let found = self.store().read(before, |tx, before| Box::pin(look(tx, *before))).await?;
        let mut removed = Removed::default();
        let mut left = ROUND;
        let grant = |of| self.system::<KeepHouse>("kept long enough", of);
        if let Some(before) = before.builds {
            for (of, build) in found.ended {
                let op = (build, before);
                let marked = self.write(&grant(of)?, Lane::Normal, op, |tx, scene| Box::pin(mark(tx, scene))).await?;
                removed.builds += u64::from(marked);
            }
        }
        if let Some(before) = before.artifacts {
            removed.artifacts += self.give_up_artifacts(found.artifacts, before, &mut left).await?;
        }
        if let Some(before) = before.logs {
            removed.logs += self.remove_logs(found.logs, before, &mut left).await?;
        }
        self.remove_marked(found.marked, &mut left).await?;
        if let Some(kept) = keep.agents {
            removed.agents += self.remove_agents(now.minus(kept)).await?;
            removed.agents += self.remove_dagster_agents(now.minus(kept)).await?;
        }
        removed.sign_ins += self.remove_sign_ins(now.minus(KEPT)).await?;
        removed.files += self.remove_blobs().await?;
        if !removed.is_nothing() {
            let Removed { builds, logs, artifacts, agents, sign_ins, files } = removed;
            tracing::info!(builds, logs, artifacts, agents, sign_ins, files, "what was kept long enough was removed");
            self.counts().removed(&removed);
        }
        Ok(removed)
    }

    async fn give_up_artifacts(
        &self,
        all: Vec<(OrganizationId, BuildId)>,
        before: Timestamp,
        left: &mut u32,
    ) -> Result<u64> {
        let mut count = 0;
        for (of, build) in all {
            let grant: Grant<KeepHouse> = self.system("artifacts were kept long enough", of)?;
            while take(left) {
                let input = (build, before);
                let given_up = self.write(&grant, Lane::Normal, input, |tx, scene| Box::pin(give_up(tx, scene)));
                let given_up = given_up.await?;
                count += given_up.unsigned_abs();
                if given_up < ROWS_AT_ONCE {
                    break;
                }
            }
        }
        Ok(count)
    }

    async fn remove_logs(&self, all: Vec<(OrganizationId, BuildId)>, before: Timestamp, left: &mut u32) -> Result<u64> {
        let mut count = 0;
        for (of, build) in all {
            let grant: Grant<KeepHouse> = self.system("logs were kept long enough", of)?;
            let mut pieces = 0;
            while take(left) {
                let input = (build, before);
                let dropped = self.write(&grant, Lane::Normal, input, |tx, scene| Box::pin(drop_logs(tx, scene)));
                let dropped = dropped.await?;
                pieces += dropped;
                if dropped < ROWS_AT_ONCE {
                    break;
                }
            }
            count += u64::from(pieces > 0);
        }
        Ok(count)
    }

    /// Removes the rows of builds that are to go. What was marked says so in the audit log already.
    async fn remove_marked(&self, all: Vec<(OrganizationId, BuildId)>, left: &mut u32) -> Result<()> {
        for (of, build) in all {
            let grant: Grant<KeepHouse> = self.system("kept long enough", of)?;
            while take(left) {
                if self.write(&grant, Lane::Normal, build, |tx, scene| Box::pin(drop_rows(tx, scene))).await? {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Whether the round may make one more transaction.
fn take(left: &mut u32) -> bool {
    let may = *left > 0;
    *left = left.saturating_sub(1);
    may
}

async fn look(tx: &mut Tx, before: Before) -> std::result::Result<Found, StoreError> {
    let mut found = Found { ended: Vec::new(), marked: Vec::new(), logs: Vec::new(), artifacts: Vec::new() };
    if let Some(before) = before.builds {
        found.ended = retention::ended(tx, before, BUILDS_AT_ONCE).await?;
    }
    if let Some(before) = before.logs {
        found.logs = retention::with_logs(tx, before, BUILDS_AT_ONCE).await?;
    }
    if let Some(before) = before.artifacts {
        found.artifacts = retention::with_artifacts(tx, before, BUILDS_AT_ONCE).await?;
    }
    found.marked = retention::marked(tx, BUILDS_AT_ONCE).await?;
    Ok(found)
}

async fn mark(tx: &mut Tx, scene: &Scene<(BuildId, Timestamp)>) -> Result<bool> {
    let (id, before) = scene.input;
    let Some(build) = builds::find(tx, scene.organization, id).await? else { return Ok(false) };
    if !retention::mark(tx, scene.organization, id, before).await? {
        return Ok(false);
    }
    let subject = Subject::of_build(&build);
    scene.audit(tx, "build.removed", subject, json!({ "state": build.state.as_str() })).await?;
    Ok(true)
}

async fn give_up(tx: &mut Tx, scene: &Scene<(BuildId, Timestamp)>) -> Result<i64> {
    let (build, before) = scene.input;
    if !retention::hold(tx, scene.organization, build, before).await? {
        return Ok(0);
    }
    let given_up = retention::give_up_artifacts(tx, build, ROWS_AT_ONCE).await?;
    note(tx, scene, build, &given_up).await?;
    if given_up.count > 0 {
        let subject = Subject::find_build(tx, scene.organization, build).await?;
        scene.audit(tx, "build.artifacts_removed", subject, json!({ "count": given_up.count })).await?;
    }
    Ok(given_up.count)
}

/// The bytes go after the commit.
async fn note<I: Sync>(tx: &mut Tx, scene: &Scene<I>, build: BuildId, given_up: &GivenUp) -> Result<()> {
    for artifact in &given_up.own {
        removals::insert(tx, scene.organization, build, *artifact).await?;
    }
    Ok(())
}

async fn drop_logs(tx: &mut Tx, scene: &Scene<(BuildId, Timestamp)>) -> Result<i64> {
    let (build, before) = scene.input;
    if !retention::hold(tx, scene.organization, build, before).await? {
        return Ok(0);
    }
    let pieces = retention::drop_logs(tx, build, ROWS_AT_ONCE).await?;
    if pieces > 0 {
        let subject = Subject::find_build(tx, scene.organization, build).await?;
        scene.audit(tx, "build.logs_removed", subject, json!({ "pieces": pieces })).await?;
    }
    Ok(pieces)
}

/// Removes some rows of a build that is to go; true when it is gone.
async fn drop_rows(tx: &mut Tx, scene: &Scene<BuildId>) -> Result<bool> {
    let build = scene.input;
    let given_up = retention::drop_artifacts(tx, build, ROWS_AT_ONCE).await?;
    note(tx, scene, build, &given_up).await?;
    if given_up.count >= ROWS_AT_ONCE {
        return Ok(false);
    }
    Ok(retention::drop_build(tx, build, ROWS_AT_ONCE).await?)
}
