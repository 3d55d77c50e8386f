//! Taking a job that was offered: here its own token is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_domain::build::JobState;
use countersign_domain::id::JobId;
use countersign_domain::{AgentState, Kind, PublicId, TokenDigest, TokenSecret};
use countersign_store::jobs::{self, Job, dispatch, progress};
use countersign_store::tokens::scopes;
use countersign_store::{Lane, Tx, agents, queues};
use serde_json::{Map, Value, json};

use crate::access::SessionCaller;
use crate::access::actions::AcceptJob;
use crate::agents::may_work;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::environment::{self, Beginning};

/// A job that an agent took.
#[derive(Debug)]
pub struct Accepted {
    /// The job.
    pub job: Job,
    /// What its environment is to hold.
    pub env: BTreeMap<String, String>,
    /// What its agent reads of its step: a signed one is whole, and as it came.
    pub step: Map<String, Value>,
    /// Its own token.
    pub secret: Arc<TokenSecret>,
}

struct Input {
    job: JobId,
    session: SessionCaller,
    public_id: PublicId,
    digest: TokenDigest,
}

/// What came of asking for a certain job.
#[derive(Debug)]
pub enum Acquired {
    /// It is the agent's.
    Taken(Box<Accepted>),
    /// It waits for other steps, or for room in its concurrency group: ask again later.
    NotYet,
}

type Taken = (Job, Beginning);

impl Control {
    /// The grant's agent takes a job that it was offered. Until the job has started it can be taken again: the first answer can get lost,
    /// and with it the job's token, which the second one's replaces.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a job that is not the organization's; [`Error::Conflict`] when it is not this agent's to take, or not any more.
    pub async fn accept_job(&self, grant: &Grant<AcceptJob>, job: JobId) -> Result<Accepted> {
        let (secret, input) = self.taking(grant, job)?;
        let (job, begins) = self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(take(tx, scene))).await?;
        Ok(accepted(job, begins, secret))
    }

    /// The grant's agent takes a job by its id, whatever tags the job asks for: the agent was started for it. The job must be of the
    /// agent's deployment, and in a queue that its token reaches.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a job that is not the organization's; [`Error::Conflict`] when it cannot be taken, now or later.
    pub async fn acquire_job(&self, grant: &Grant<AcceptJob>, job: JobId) -> Result<Acquired> {
        let (secret, input) = self.taking(grant, job)?;
        let taken = self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(acquire(tx, scene))).await?;
        Ok(match taken {
            Some((job, begins)) => Acquired::Taken(Box::new(accepted(job, begins, secret))),
            None => Acquired::NotYet,
        })
    }

    fn taking(&self, grant: &Grant<AcceptJob>, job: JobId) -> Result<(Arc<TokenSecret>, Input)> {
        let secret = self.mint(Kind::Job);
        let input = Input {
            job,
            session: grant.session()?.clone(),
            public_id: secret.public_id().clone(),
            digest: self.keys().digest(&secret),
        };
        Ok((secret, input))
    }
}

fn accepted(job: Job, begins: Beginning, secret: Arc<TokenSecret>) -> Accepted {
    let Beginning { env, step } = begins;
    Accepted { job, env, step, secret }
}

async fn take(tx: &mut Tx, scene: &Scene<Input>) -> Result<Taken> {
    let Input { job, session, public_id, digest } = &scene.input;
    let of = scene.organization;
    let gone = || Error::Conflict("The job is not offered to this agent, or not any more.".to_owned());
    let found = jobs::find_for_update(tx, of, *job).await?.ok_or(Error::NotFound("job"))?;
    let agent = agents::find(tx, of, session.agent).await?.ok_or(Error::NotFound("agent"))?;
    // What was offered before the agent was told to leave, or its token narrowed, is not taken any more.
    let may = agent.state != AgentState::Stopping && may_work(tx, &agent).await?;
    if found.accepted_at.is_none() && !may {
        return Err(gone());
    }
    if found.agent != Some(session.agent)
        || !progress::accept(tx, *job, session.session, public_id.as_str(), digest).await?
    {
        return Err(gone());
    }
    let job = jobs::find(tx, of, *job).await?.ok_or(Error::NotFound("job"))?;
    let begins = environment::of(tx, &job, &agent).await?;
    let subject = Subject::of_job(&job);
    let detail = json!({ "agent": agent.id.to_string(), "token": public_id.as_str() });
    scene.audit(tx, "job.accepted", subject, detail).await?;
    Ok((job, begins))
}

async fn acquire(tx: &mut Tx, scene: &Scene<Input>) -> Result<Option<Taken>> {
    let Input { job, session, .. } = &scene.input;
    let of = scene.organization;
    let conflict = |why: &str| Error::Conflict(why.to_owned());
    let found = jobs::find_for_update(tx, of, *job).await?.ok_or(Error::NotFound("job"))?;
    let agent = agents::find(tx, of, session.agent).await?.ok_or(Error::NotFound("agent"))?;
    match found.state {
        // Its answer got lost.
        JobState::Assigned | JobState::Accepted if found.agent == Some(agent.id) => {
            return take(tx, scene).await.map(Some);
        }
        JobState::Scheduled => {}
        JobState::Waiting | JobState::Limited => return Ok(None),
        state => return Err(Error::Conflict(format!("The job is {state}; it cannot be taken."))),
    }
    if agent.state == AgentState::Stopping || agent.is_paused(tx.now()) || !may_work(tx, &agent).await? {
        return Err(conflict("This agent is not to take a job."));
    }
    if jobs::of_agent(tx, of, agent.id).await?.is_some() {
        return Err(conflict("This agent has a job."));
    }
    let scope = scopes::find(tx, of, agent.token).await?;
    let queue = found.queue.parse();
    let reaches = scope.is_some_and(|scope| queue.is_ok_and(|queue| scope.allows_queue(&queue)));
    if found.deployment != agent.deployment || !reaches {
        return Err(conflict(
            "The job is of another deployment, or in a queue that this agent's token does not reach.",
        ));
    }
    if queues::is_paused(tx, found.deployment, &found.queue).await? {
        return Ok(None);
    }
    if !dispatch::acquire(tx, of, *job, agent.id, session.session).await? {
        return Err(conflict("The job was taken by another agent."));
    }
    let subject = Subject::of_job(&found);
    scene.audit(tx, "job.assigned", subject, json!({ "agent": agent.id.to_string(), "acquired": true })).await?;
    take(tx, scene).await.map(Some)
}
