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
