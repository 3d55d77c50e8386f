//! What an agent tells of a code location: that it has loaded it, or why it could not.

use std::time::Duration;

use countersign_domain::Timestamp;
use countersign_domain::dagster::{MAX_JOBS, SnapshotKind};
use countersign_domain::id::{DagsterSnapshotId, DeploymentId, OrganizationId, TokenId};
use countersign_store::dagster_snapshots::{self, Snapshot};
use countersign_store::tokens::scopes;
use countersign_store::{Lane, Tx, code_locations, deployments};
use serde_json::json;

use crate::access::actions::TellCodeLocation;
use crate::dagster::{Reached, Wanted, Withheld, reach};
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::{CodeLocation, Definition};

/// The most bytes that are kept of an error; the rest is cut off.
pub const MAX_ERROR: usize = 64 * 1024;
/// The most bytes of a manifest: it names repositories and where their snapshots are, and holds none of them.
pub const MAX_MANIFEST: usize = 1024 * 1024;

/// The most repositories of one code location.
pub const MAX_REPOSITORIES: usize = 100;

/// What is told.
#[derive(Debug, Clone)]
pub struct Told {
    /// Of which deployment, by name.
    pub deployment: String,
    /// Of which code location, by name.
    pub location: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of loading a code location.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It was loaded.
    Loaded {
        /// By which definition. An agent may have begun before it was changed.
        definition: Box<Definition>,
        /// What is in it, in Dagster's own form of JSON.
        manifest: String,
        /// The snapshots that the manifest names.
        snapshots: Vec<DagsterSnapshotId>,
    },
    /// It could not be loaded.
    Failed {
        /// By which definition, where that is told: agents that send a snapshot of the error name none.
        definition: Option<Box<Definition>>,
        /// Why.
        error: String,
    },
}

/// How long after a row in the audit log about where a code location stands there is another one, unless it was changed meanwhile.
pub const CALM: Duration = Duration::from_secs(10 * 60);

/// How long after agents were asked for the snapshots of a code location's jobs they are asked again, unless it is changed meanwhile.
pub const ASKED_AGAIN: Duration = Duration::from_secs(10 * 60);

/// What became of what was told.
#[derive(Debug, Clone)]
pub struct Taken {
    /// What the token reaches of the deployment; when that is nothing, nothing was kept.
    pub reached: Reached,
    /// Whether it is about the code location as it is now, and was kept. One that was changed since is told of again.
    pub is_current: bool,
    /// The jobs whose snapshots are to be sent before it is told once more; then nothing was kept.
    pub missing: Vec<MissingJob>,
}

impl Taken {
    const fn not_kept(reached: Reached) -> Self {
        Self { reached, is_current: false, missing: Vec::new() }
    }
}

/// A job whose snapshot is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingJob {
    /// The snapshot of its repository.
    pub repository: DagsterSnapshotId,
    /// Its name.
    pub name: String,
}

impl Control {
    /// Keeps it, in the place of what was told before.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a code location that was removed meanwhile; [`Error::Invalid`] at `manifest` for one of more than
    /// [`MAX_MANIFEST`] bytes or with more than [`MAX_REPOSITORIES`] repositories, and for a snapshot that the deployment has not.
    pub async fn tell_code_location(&self, grant: &Grant<TellCodeLocation>, mut told: Told) -> Result<Taken> {
        match &mut told.outcome {
            Outcome::Loaded { manifest, .. } if manifest.len() > MAX_MANIFEST => {
                let why = format!("has {} bytes; at most {MAX_MANIFEST} are taken", manifest.len());
                return Err(Error::invalid("manifest", why));
            }
            Outcome::Loaded { snapshots, .. } if snapshots.len() > MAX_REPOSITORIES => {
                let why = format!("names {} repositories; at most {MAX_REPOSITORIES} are taken", snapshots.len());
                return Err(Error::invalid("manifest", why));
            }
            Outcome::Loaded { .. } => {}
            Outcome::Failed { error, .. } => cut(error),
        }
        let token = grant.agent_token()?;
        let taken = self.write(grant, Lane::Normal, (token.token, told), |tx, scene| Box::pin(tell(tx, scene))).await?;
        self.note_refused(token, &taken.reached);
        Ok(taken)
    }
}

/// Keeps the beginning of a text, up to [`MAX_ERROR`] bytes.
fn cut(text: &mut String) {
    let end = (0..=MAX_ERROR.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
}

async fn tell(tx: &mut Tx, scene: &Scene<(TokenId, Told)>) -> Result<Taken> {
    let (of, (token, told)) = (scene.organization, &scene.input);
    let scope = scopes::find(tx, of, *token).await?.ok_or_else(Error::unknown)?;
    let wanted = Wanted { deployments: vec![told.deployment.clone()], ..Wanted::default() };
    let mut reached = reach::within(tx, of, &scope, &wanted).await?;
    let Some(deployment) = reached.served.first().cloned() else { return Ok(Taken::not_kept(reached)) };
    // Whoever sets it meanwhile comes before this or after it.
    deployments::enter(tx, of, deployment.id).await?.ok_or(Error::NotFound("deployment"))?;
    let found = code_locations::find(tx, of, deployment.id, &told.location).await?;
    let found = found.ok_or(Error::NotFound("code location"))?;
    if !scope.allows_optional_queue(found.definition.queue.as_deref()) {
        reached.refused.push(told.deployment.clone());
        reached.served.clear();
        reached.withheld = Some(Withheld::Queues);
        return Ok(Taken::not_kept(reached));
    }
    if let Outcome::Loaded { snapshots, .. } = &told.outcome {
        for id in snapshots {
            let found = dagster_snapshots::by_id(tx, *id).await?;
            let is_there = |it: &Snapshot| it.deployment == deployment.id && it.stored_at.is_some();
            if !found.as_ref().is_some_and(is_there) {
                return Err(Error::invalid("manifest", "names a snapshot that is not stored here; send it again"));
            }
        }
    }
    let (error, manifest) = match &told.outcome {
        Outcome::Loaded { definition, .. } | Outcome::Failed { definition: Some(definition), .. }
            if !found.definition.is_loaded_as(definition) =>
        {
            return Ok(Taken::not_kept(reached));
        }
        Outcome::Loaded { manifest, .. } => (None, Some(manifest.as_str())),
        Outcome::Failed { error, .. } => (Some(error.as_str()), None),
    };
    if let Outcome::Loaded { snapshots, .. } = &told.outcome {
        let (mut kept, missing) = jobs(tx, of, deployment.id, snapshots).await?;
        if !missing.is_empty() && may_ask(&found, tx.now()) {
            code_locations::asked_for_jobs(tx, of, found.id).await?;
            return Ok(Taken { missing, ..Taken::not_kept(reached) });
        }
        kept.extend(snapshots);
        dagster_snapshots::refer(tx, found.id, &kept).await?;
    }
    code_locations::tell(tx, of, &found, *token, error, manifest).await?;
    // An agent tells of all it has whenever it starts; only what is different from what the audit log has is a change. One that tells now this and
    // now that leaves no row for each.
    let noted = found.noted.filter(|(_, at)| *at >= found.changed_at);
    let is_calm = noted.is_none_or(|(_, at)| tx.now().since(at) >= CALM);
    if is_calm && noted.is_none_or(|(has_error, _)| has_error != error.is_some()) {
        let action = if error.is_none() { "code_location.loaded" } else { "code_location.failed" };
        let subject = Subject::new("code_location", found.id, found.name.as_str());
        scene.audit(tx, action, subject, json!({ "deployment": deployment.name })).await?;
        code_locations::note(tx, of, &found, error.is_some()).await?;
    }
    Ok(Taken { reached, is_current: true, missing: Vec::new() })
}

/// Of the jobs that these snapshots of repositories name: the snapshots that are there, and the jobs whose are not. The first [`MAX_JOBS`] are
/// looked at.
async fn jobs(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    repositories: &[DagsterSnapshotId],
) -> Result<(Vec<DagsterSnapshotId>, Vec<MissingJob>)> {
    let (mut stored, mut missing) = (Vec::new(), Vec::new());
    for repository in repositories {
        for job in dagster_snapshots::jobs(tx, of, *repository).await? {
            if stored.len() + missing.len() >= MAX_JOBS {
                return Ok((stored, missing));
            }
            let found = dagster_snapshots::stored_of_hash(tx, of, deployment, SnapshotKind::Job, &job.sha1).await?;
            match found {
                Some(id) => stored.push(id),
                None => missing.push(MissingJob { repository: *repository, name: job.name }),
            }
        }
    }
    Ok((stored, missing))
}

/// Whether an agent is to send the snapshots of jobs. One that was asked and still has not sent them cannot: an agent whose second try is refused
/// gives the code location up.
fn may_ask(it: &CodeLocation, now: Timestamp) -> bool {
    it.jobs_asked_at.is_none_or(|asked| asked < it.changed_at || now.since(asked) >= ASKED_AGAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_loses_its_end() {
        let mut text = "ä".repeat(MAX_ERROR);
        cut(&mut text);
        assert_eq!(text, "ä".repeat(MAX_ERROR / 2));
        let mut text = format!("x{}", "ä".repeat(MAX_ERROR));
        cut(&mut text);
        assert_eq!(text.len(), MAX_ERROR - 1);
        let mut text = "short".to_owned();
        cut(&mut text);
        assert_eq!(text, "short");
    }
}
