//! What there is to do for an agent, asked twice a second, and what it answers.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_domain::id::{DagsterRequestId, DagsterRunId, DeploymentId, TokenId};
use countersign_domain::text::hidden;
use countersign_store::dagster_requests::{self, DagsterRequest};
use countersign_store::dagster_runs::DagsterRun;
use countersign_store::deployments::{self, Deployment};
use countersign_store::tokens::scopes;
use countersign_store::{Lane, Tx};

use crate::access::actions::TakeDagsterRequests;
use crate::{Control, Error, Grant, Result, Scene, dagster_runs, input};

use super::reach::{self, Reached, Wanted};

/// The most requests that one call is given of one deployment, and of all branch deployments together.
pub const MAX_OF_DEPLOYMENT: i64 = 10;
/// The most requests that one call is given: an agent takes no more while so many wait in it.
pub const MAX_GIVEN: usize = 100;
/// The most characters that are kept of what an answer is called.
pub const MAX_CALLED: usize = 100;
/// The most characters that are kept of why a request could not be done.
pub const MAX_WHY: usize = 2_000;
/// How long requests that have ended are kept.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// What an agent is to do.
#[derive(Debug, Clone)]
pub struct Given {
    /// What is asked.
    pub request: DagsterRequest,
    /// For which deployment.
    pub deployment: Deployment,
    /// The run that is to be started or stopped, where that is asked.
    pub run: Option<Box<DagsterRun>>,
}

/// What an agent is given.
#[derive(Debug, Clone)]
pub struct Work {
    /// From which deployments it may take requests.
    pub reached: Reached,
    /// The requests, the oldest first.
    pub given: Vec<Given>,
}

/// What an agent answers to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The deployment that it names.
    pub deployment: String,
    /// The request's id.
    pub request: String,
    /// What the answer is called in Dagster's own form of JSON.
    pub called: String,
    /// Why the request could not be done.
    pub error: Option<String>,
}

impl Control {
    /// Takes what there is to do for an agent, from those of these deployments that its token reaches and for the queues that both it and the token
    /// serve. While nothing waits, nothing is written.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `deployments` or `agentQueues` for too many.
    pub async fn take_dagster_requests(&self, grant: &Grant<TakeDagsterRequests>, wanted: Wanted) -> Result<Work> {
        let token = grant.agent_token()?;
        let input = (token.token, wanted.checked()?);
        let work = self
            .read(grant, input.clone(), |tx, scene| {
                let (token, wanted) = &scene.input;
                Box::pin(waiting(tx, scene, *token, wanted))
            })
            .await?;
        self.note_refused(token, &work.reached);
        if work.given.is_empty() {
            return Ok(work);
        }
        let (token, wanted) = input;
        let found: BTreeSet<DeploymentId> = work.given.iter().map(|it| it.deployment.id).collect();
        self.write(grant, Lane::Normal, (token, wanted, found), |tx, scene| Box::pin(take(tx, scene))).await
    }

    /// Keeps what an agent answered. An answer to a request that has ended meanwhile, or was
    /// not offered to its token last, changes nothing, but that a run fails which could not be started.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `request_id`; [`Error::NotFound`] for a request that the deployment has not.
    pub async fn answer_dagster_request(&self, grant: &Grant<TakeDagsterRequests>, answer: Answer) -> Result<Reached> {
        let token = grant.agent_token()?;
        let id: DagsterRequestId = input::field("request_id", answer.request.parse())?;
        let answer = Answer {
            called: line(&answer.called, MAX_CALLED),
            error: answer.error.map(|why| line(&why, MAX_WHY)),
            ..answer
        };
        let input = (token.token, id, answer);
        let (reached, awaits) = self.read(grant, input.clone(), |tx, scene| Box::pin(awaiting(tx, scene))).await?;
        // What changes nothing, however often it comes, does not stand in line with what does.
        if awaits.is_some() {
            self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(end(tx, scene))).await?;
        }
        self.note_refused(token, &reached);
        Ok(reached)
    }
}

/// The beginning of a text as one line, without what cannot be seen.
fn line(text: &str, most: usize) -> String {
    text.chars().map(|c| if hidden(c).is_some() { ' ' } else { c }).take(most).collect()
}

/// What could be given to the holder of a token now.
async fn waiting<I: Sync>(tx: &mut Tx, scene: &Scene<I>, token: TokenId, wanted: &Wanted) -> Result<Work> {
    let of = scene.organization;
    let scope = scopes::find(tx, of, token).await?.ok_or_else(Error::unknown)?;
    let reached = reach::within(tx, of, &scope, wanted).await?;
    let mut given = Vec::new();
    if reached.withheld.is_some() {
        return Ok(Work { reached, given });
    }
    let served = reach::served(&scope, wanted);
    for deployment in &reached.served {
        for request in dagster_requests::to_offer(tx, of, deployment.id, &served, token, MAX_OF_DEPLOYMENT).await? {
            given.push(Given { request, deployment: deployment.clone(), run: None });
        }
    }
    if wanted.branches && reach::reaches_branches(&scope) {
        for request in dagster_requests::to_offer_of_branches(tx, of, &served, token, MAX_OF_DEPLOYMENT).await? {
            let is_there = given.iter().any(|it| it.request.id == request.id);
            let Some(deployment) = deployments::find(tx, of, request.deployment).await? else { continue };
            if !is_there {
                given.push(Given { request, deployment, run: None });
            }
        }
    }
    given.sort_by_key(|it| it.request.id);
    given.truncate(MAX_GIVEN);
    Ok(Work { reached, given })
}

/// Takes what waits in the deployments in which something was found; what came to others since is taken by the next call.
async fn take(tx: &mut Tx, scene: &Scene<(TokenId, Wanted, BTreeSet<DeploymentId>)>) -> Result<Work> {
    let (token, wanted, entered) = &scene.input;
    // Whoever changes a code location meanwhile finds its request taken, or not yet.
    for deployment in entered {
        deployments::enter(tx, scene.organization, *deployment).await?;
    }
    let Work { reached, given: mut all } = waiting(tx, scene, *token, wanted).await?;
    all.retain(|it| entered.contains(&it.deployment.id));
    let runs: BTreeSet<DagsterRunId> = all.iter().filter_map(|it| it.request.run).collect();
    dagster_runs::hold(tx, scene.organization, &runs).await?;
    let mut given = Vec::with_capacity(all.len());
    for mut it in all {
        // Another agent may have been faster.
        if !dagster_requests::offer(tx, scene.organization, &it.request, *token).await? {
            continue;
        }
        if let Some(run) = it.request.run {
            // One that has ended meanwhile is nobody's to start or stop.
            let Some(run) = dagster_runs::give(tx, scene.organization, &it.request, run, *token).await? else {
                continue;
            };
            it.run = Some(Box::new(run));
        }
        given.push(it);
    }
    Ok(Work { reached, given })
}

/// What of its deployment the token of an answer reaches, and the request, while it awaits an answer.
async fn awaiting(
    tx: &mut Tx,
    scene: &Scene<(TokenId, DagsterRequestId, Answer)>,
) -> Result<(Reached, Option<DagsterRequest>)> {
    let (of, (token, id, answer)) = (scene.organization, &scene.input);
    let wanted = Wanted { deployments: vec![answer.deployment.clone()], ..Wanted::default() };
    let scope = scopes::find(tx, of, *token).await?.ok_or_else(Error::unknown)?;
    let reached = reach::within(tx, of, &scope, &wanted).await?;
    let Some(deployment) = reached.served.first() else { return Ok((reached, None)) };
    // Of another queue's requests a token knows nothing.
    let is_its =
        |it: &DagsterRequest| it.deployment == deployment.id && scope.allows_optional_queue(it.queue.as_deref());
    let found = dagster_requests::find(tx, of, *id).await?.filter(is_its);
    let found = found.ok_or(Error::NotFound("request"))?;
    // Whoever took its time says all the same that a run could not be started.
    let is_open =
        |it: &DagsterRequest| it.offers > 0 && it.answer.is_none() && (it.ended_at.is_none() || it.run.is_some());
    Ok((reached, Some(found).filter(|it| is_open(it) && it.offered_to == Some(*token))))
}

async fn end(tx: &mut Tx, scene: &Scene<(TokenId, DagsterRequestId, Answer)>) -> Result<()> {
    let (_, awaits) = awaiting(tx, scene).await?;
    let Some(it) = awaits else { return Ok(()) };
    let (of, (token, _, answer)) = (scene.organization, &scene.input);
    let runs: BTreeSet<DagsterRunId> = it.run.into_iter().collect();
    dagster_runs::hold(tx, of, &runs).await?;
    let is_kept = dagster_requests::answer(tx, of, it.id, *token, &answer.called, answer.error.as_deref()).await?;
    if is_kept || it.ended_at.is_some() {
        dagster_runs::answered(tx, scene, &it, answer).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_line() {
        assert_eq!(line("a\nb\u{1b}[31m", 10), "a b [31m");
        assert_eq!(line("äöü", 2), "äö");
    }
}
