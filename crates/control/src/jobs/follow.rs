//! Following a job: whether there is news of it, and which tries there were.

use countersign_domain::id::JobId;
use countersign_store::jobs;
use countersign_store::jobs::window::{self, Pulse, Try};

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, Result};

/// The most tries that are told of: the last ones.
pub const MAX_TRIES: i64 = 20;

impl Control {
    /// What tells whether one of the organization's jobs stands elsewhere, or has written more.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn job_pulse(&self, grant: &Grant<ViewBuilds>, id: JobId) -> Result<Pulse> {
        self.read(grant, id, |tx, scene| {
            Box::pin(
                async move { window::pulse(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("job")) },
            )
        })
        .await
    }

    /// The last [`MAX_TRIES`] tries of what one of the organization's jobs does, that job perhaps among them, in their order.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn job_tries(&self, grant: &Grant<ViewBuilds>, id: JobId) -> Result<Vec<Try>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let job = jobs::find(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("job"))?;
                Ok(window::tries(tx, &job, MAX_TRIES).await?)
            })
        })
        .await
    }
}
