//! Taking a job that was offered: here its own token is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_domain::id::JobId;
use countersign_domain::{AgentState, Kind, PublicId, TokenDigest, TokenSecret};
use countersign_store::jobs::{self, Job};
use countersign_store::{Lane, agents, builds, organizations};
use serde_json::json;

use crate::access::SessionCaller;
use crate::access::actions::AcceptJob;
use crate::agents::may_work;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

use super::environment;

/// A job that an agent took.
#[derive(Debug)]
pub struct Accepted {
    /// The job.
    pub job: Job,
    /// What its environment is to hold.
    pub env: BTreeMap<String, String>,
    /// Its own token.
    pub secret: Arc<TokenSecret>,
}

struct Input {
    job: JobId,
    session: SessionCaller,
    public_id: PublicId,
    digest: TokenDigest,
}

impl Control {
    /// The grant's agent takes a job that it was offered. Until the job has started it can be taken again: the first answer can get lost,
    /// and with it the job's token, which the second one's replaces.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a job that is not the organization's; [`Error::Conflict`] when it is not this agent's to take, or not any more.
    pub async fn accept_job(&self, grant: &Grant<AcceptJob>, job: JobId) -> Result<Accepted> {
        let secret = self.mint(Kind::Job);
        let input = Input {
            job,
            session: grant.session()?.clone(),
            public_id: secret.public_id().clone(),
            digest: self.keys().digest(&secret),
        };
        let (job, env) = self
            .write(grant, Lane::Normal, input, |tx, scene| {
                Box::pin(async move {
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
                        || !jobs::accept(tx, *job, session.session, public_id.as_str(), digest).await?
                    {
                        return Err(gone());
                    }
                    let job = jobs::find(tx, of, *job).await?.ok_or(Error::NotFound("job"))?;
                    let build = builds::find(tx, of, job.build).await?.ok_or(Error::NotFound("build"))?;
                    let organization = organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))?;
                    let env = environment::of(&job, &build, &organization, &agent);
                    let subject = Subject::new::<countersign_domain::id::of::Job>("job", job.id, job_name(&job));
                    let detail = json!({ "agent": agent.id.to_string(), "token": public_id.as_str() });
                    scene.audit(tx, "job.accepted", subject, detail).await?;
                    Ok((job, env))
                })
            })
            .await?;
        Ok(Accepted { job, env, secret })
    }
}

/// What a job is called where there is room for a name.
pub(crate) fn job_name(job: &Job) -> String {
    job.label.clone().or_else(|| job.step_key.clone()).unwrap_or_else(|| format!("#{}", job.position + 1))
}
