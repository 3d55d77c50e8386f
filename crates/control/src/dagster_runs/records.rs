//! Runs, as agents and their workers see them: those that their token took.

use std::collections::BTreeSet;

use countersign_domain::dagster::RunStatus;
use countersign_domain::id::{DagsterRunId, TokenId};
use countersign_store::dagster_runs::DagsterRun;
use countersign_store::{Tx, dagster_requests, dagster_runs};

use crate::access::actions::ReportDagsterRun;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::own::{self, Of};

/// The most runs of one answer.
pub const MAX_RECORDS: usize = 100;

/// The runs that were found.
pub type Records = Of<Vec<DagsterRun>>;

/// Which runs are asked for.
#[derive(Debug, Clone, Default)]
pub struct RunsWanted {
    /// By their ids; none for all that have not ended.
    pub ids: Option<Vec<String>>,
    /// Only those that stand at one of these, as Dagster calls them; empty for everywhere.
    pub statuses: Vec<String>,
    /// Only those of a job.
    pub job: Option<String>,
    /// At the most; [`MAX_RECORDS`] where nothing is said.
    pub limit: Option<usize>,
}

impl Control {
    /// Those of the wanted runs of a deployment that the token took, newest first. Without ids, only runs that have not ended. One that was ended by
    /// force is still being stopped while its agent has not answered: of a run that has ended it would not stop the worker.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `runIds`, for more than [`MAX_RECORDS`] and for what is no id.
    pub async fn run_records(
        &self,
        grant: &Grant<ReportDagsterRun>,
        deployment: String,
        wanted: RunsWanted,
    ) -> Result<Records> {
        let ids = match &wanted.ids {
            None => None,
            Some(ids) if ids.len() > MAX_RECORDS => {
                let why = format!("has {} ids; at most {MAX_RECORDS} are taken", ids.len());
                return Err(Error::invalid("runIds", why));
            }
            Some(ids) => {
                let ids = ids.iter().map(|id| input::field::<DagsterRunId, _>("runIds", id.parse()));
                Some(ids.collect::<Result<BTreeSet<_>>>()?)
            }
        };
        let token = grant.agent_token()?;
        let input = (token.token, deployment, ids, wanted);
        let found = self.read(grant, input, |tx, scene| Box::pin(find(tx, scene))).await?;
        self.note_refused(token, &found.reached);
        Ok(found)
    }
}

type Input = (TokenId, String, Option<BTreeSet<DagsterRunId>>, RunsWanted);

async fn find(tx: &mut Tx, scene: &Scene<Input>) -> Result<Records> {
    let (of, (token, deployment, ids, wanted)) = (scene.organization, &scene.input);
    let (reached, deployment) = own::deployment(tx, of, *token, deployment).await?;
    let Some(deployment) = deployment else { return Ok(Of { reached, it: None }) };
    let mut found = match ids {
        None => {
            let mut all = dagster_runs::of_token_in(tx, of, deployment.id, *token, MAX_RECORDS as i64).await?;
            all.retain(|it| deployment.has(it));
            all
        }
        Some(ids) => {
            let mut found = Vec::with_capacity(ids.len());
            // Newest first, each once.
            for id in ids.iter().rev() {
                let run = dagster_runs::find(tx, of, *id).await?;
                found.extend(run.filter(|it| deployment.has(it)));
            }
            found
        }
    };
    for it in found.iter_mut().filter(|it| it.status == RunStatus::Canceled && it.reason.is_some()) {
        if dagster_requests::stops(tx, of, it.id).await? {
            it.status = RunStatus::Canceling;
        }
    }
    let stands = |status: RunStatus| {
        wanted.statuses.is_empty() || wanted.statuses.iter().any(|wanted| wanted == status.of_dagster())
    };
    found.retain(|it| stands(it.status) && wanted.job.as_ref().is_none_or(|job| *job == it.job));
    found.truncate(wanted.limit.unwrap_or(MAX_RECORDS));
    Ok(Of { reached, it: Some(found) })
}
