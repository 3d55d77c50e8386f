//! What an agent says of a run beside its events.

use std::collections::BTreeMap;

use countersign_domain::dagster::{MAX_RUN_TAG_BYTES, MAX_RUN_TAG_KEY, MAX_RUN_TAG_VALUE, MAX_RUN_TAGS};
use countersign_domain::id::{DagsterRunId, TokenId};
use countersign_domain::text::hidden;
use countersign_store::{Lane, Tx, dagster_runs};

use crate::access::actions::ReportDagsterRun;
use crate::dagster::Reached;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::{own, plain};

/// What is wrong with tags, if anything is.
///
/// # Errors
/// [`Error::Invalid`] at `tags`.
pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<()> {
    let invalid = |why: String| Err(Error::invalid("tags", why));
    if tags.len() > MAX_RUN_TAGS {
        return invalid(format!("has {} entries; at most {MAX_RUN_TAGS} are taken", tags.len()));
    }
    let bytes: usize = tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > MAX_RUN_TAG_BYTES {
        return invalid(format!("has {bytes} bytes; at most {MAX_RUN_TAG_BYTES} are taken"));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > MAX_RUN_TAG_KEY || key.chars().any(|c| hidden(c).is_some()) {
            return invalid(format!("must have keys of 1 to {MAX_RUN_TAG_KEY} characters that can be seen"));
        }
        if plain::is_reserved(key) {
            let why =
                format!("has the key {key}, which agents would read as something else than a tag; call it otherwise");
            return invalid(why);
        }
        if value.chars().count() > MAX_RUN_TAG_VALUE || value.contains('\0') {
            return invalid(format!("must have values of at most {MAX_RUN_TAG_VALUE} characters, without NUL"));
        }
    }
    Ok(())
}

/// How tags begin that agents add themselves, and that say which process, container or task a worker is: stopping a run stops what they name.
const OF_AGENTS: [&str; 6] =
    [".dagster/", "dagster/agent", "process/", "docker/container_id", "ecs/task_arn", "ecs/cluster"];
/// How many tags, and how many bytes of them, are left to agents.
const LEFT_TO_AGENTS: (usize, usize) = (10, 4 * 1024);

/// The same for those of whoever launches a run.
///
/// # Errors
/// [`Error::Invalid`] at `tags`.
pub(super) fn check_of_people(tags: &BTreeMap<String, String>) -> Result<()> {
    check(tags)?;
    let invalid = |why: String| Err(Error::invalid("tags", why));
    if let Some(key) = tags.keys().find(|key| OF_AGENTS.iter().any(|begin| key.starts_with(begin))) {
        return invalid(format!("has the key {key}, which agents set themselves; call it otherwise"));
    }
    let (left, bytes_left) = LEFT_TO_AGENTS;
    let (most, most_bytes) = (MAX_RUN_TAGS - left, MAX_RUN_TAG_BYTES - bytes_left);
    let bytes: usize = tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    if tags.len() > most || bytes > most_bytes {
        return invalid(format!(
            "has {} entries of {bytes} bytes; at most {most} of {most_bytes} bytes are taken, and the rest is for its agent",
            tags.len()
        ));
    }
    Ok(())
}

impl Control {
    /// Adds tags to a run, in the place of those with the same keys.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `runId` or `tags`; [`Error::NotFound`] for a run that the token did not take in that deployment.
    pub async fn add_run_tags(
        &self,
        grant: &Grant<ReportDagsterRun>,
        deployment: String,
        run: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<Reached> {
        let run: DagsterRunId = input::field("runId", run.parse())?;
        check(&tags)?;
        let token = grant.agent_token()?;
        let input = (token.token, deployment, run, tags);
        let reached = self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(add(tx, scene))).await?;
        self.note_refused(token, &reached);
        Ok(reached)
    }
}

async fn add(tx: &mut Tx, scene: &Scene<(TokenId, String, DagsterRunId, BTreeMap<String, String>)>) -> Result<Reached> {
    let (of, (token, deployment, id, tags)) = (scene.organization, &scene.input);
    let (reached, deployment) = own::deployment(tx, of, *token, deployment).await?;
    let Some(deployment) = deployment else { return Ok(reached) };
    let mut run = own::locked(tx, of, &deployment, *id).await?;
    run.tags.extend(tags.clone());
    check(&run.tags)?;
    dagster_runs::save(tx, &run).await?;
    Ok(reached)
}
