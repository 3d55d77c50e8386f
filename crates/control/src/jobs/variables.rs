//! The variables of a job, for people.

use std::collections::BTreeMap;

use countersign_domain::id::JobId;
use countersign_store::{agents, builds, jobs};

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, Result};

use super::environment;

impl Control {
    /// The variables that one of the organization's jobs begins with: as its agent is told them, or, as long as no agent has it, what
    /// pipeline, build and step say. No token is among them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn job_env(&self, grant: &Grant<ViewBuilds>, id: JobId) -> Result<BTreeMap<String, String>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                let job = jobs::find(tx, of, scene.input).await?.ok_or(Error::NotFound("job"))?;
                let agent = match job.agent {
                    Some(agent) => agents::find(tx, of, agent).await?,
                    None => None,
                };
                if let Some(agent) = agent {
                    return Ok(environment::of(tx, &job, &agent).await?.env);
                }
                let mut env = builds::variables(tx, job.build).await?.merged();
                env.extend(job.env);
                Ok(env)
            })
        })
        .await
    }
}
