//! What agents did: how many were there when, and which jobs one of them had.

use std::time::Duration;

use countersign_domain::Timestamp;
use countersign_domain::id::{AgentId, JobId};
use countersign_store::agents::{self, times};
use countersign_store::jobs::window::{self, Past};

use crate::access::actions::{ViewAgents, ViewBuilds};
use crate::{Control, Error, Grant, Page, PageRequest, Result};

/// How far back is looked for how many agents were there.
pub const AGENTS_SINCE: Duration = Duration::from_secs(24 * 3600);
/// How many moments of that time are told, the present one the last.
pub const MOMENTS: u32 = 48;
/// The most agents that are looked at.
const MAX_STAYS: i64 = 20_000;

impl Control {
    /// How many of the organization's agents were connected at each of [`MOMENTS`] moments within [`AGENTS_SINCE`], the oldest first. Agents of
    /// which nothing is kept any more are not counted.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn agents_over_time(&self, grant: &Grant<ViewAgents>) -> Result<Vec<(Timestamp, usize)>> {
        self.read(grant, (), |tx, scene| {
            Box::pin(async move {
                let now = tx.now();
                let stays = times::since(tx, scene.organization, now.minus(AGENTS_SINCE), MAX_STAYS).await?;
                let step = AGENTS_SINCE / MOMENTS;
                let moments = (0..MOMENTS).rev().map(|back| now.minus(step * back));
                Ok(moments.map(|at| (at, there(&stays, at))).collect())
            })
        })
        .await
    }

    /// A page of the jobs that one of the organization's agents has or had, newest first, each with what its build is called.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn agent_past_jobs(
        &self,
        grant: &Grant<ViewBuilds>,
        id: AgentId,
        page: PageRequest<JobId>,
    ) -> Result<Page<Past>> {
        let rows = self
            .read(grant, (id, page), |tx, scene| {
                Box::pin(async move {
                    let (id, page) = scene.input;
                    agents::find(tx, scene.organization, id).await?.ok_or(Error::NotFound("agent"))?;
                    Ok(window::past_of_agent(tx, scene.organization, id, page.start(), page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }
}

/// How many were there at a moment.
fn there(stays: &[times::Stay], at: Timestamp) -> usize {
    stays.iter().filter(|(from, until)| *from <= at && until.is_none_or(|until| at < until)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_there_from_its_coming_until_before_its_going() {
        let at = Timestamp::from_micros;
        let stays = [(at(10), Some(at(20))), (at(15), None)];
        assert_eq!([9, 10, 15, 19, 20, 99].map(|micros| there(&stays, at(micros))), [0, 1, 2, 2, 1, 1]);
    }
}
