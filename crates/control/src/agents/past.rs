//! What agents did: how many were there when, and which jobs one of them had.

use std::time::Duration;

use countersign_domain::Timestamp;
use countersign_domain::id::{AgentId, JobId};
use countersign_store::agents;
use countersign_store::agents::times::{self, Stays};
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
                let step = AGENTS_SINCE / MOMENTS;
                let moments: Vec<Timestamp> = (0..MOMENTS).rev().map(|back| now.minus(step * back)).collect();
                let first = moments.first().copied().unwrap_or(now);
                let micros = i64::try_from(step.as_micros()).unwrap_or(i64::MAX);
                let stays = times::stays(tx, scene.organization, first, micros, MAX_STAYS).await?;
                Ok(moments.into_iter().zip(0..).map(|(at, number)| (at, there(&stays, number))).collect())
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

/// How many were there at the moment of this number.
fn there(stays: &[Stays], moment: i64) -> usize {
    let there = stays.iter().filter(|it| it.came <= moment && it.gone.is_none_or(|gone| moment < gone));
    usize::try_from(there.map(|it| it.count).sum::<i64>()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_there_from_its_coming_until_before_its_going() {
        let stays = |came, gone, count| Stays { came, gone, count };
        let all = [stays(1, Some(3), 2), stays(2, None, 3), stays(5, Some(4), 7)];
        assert_eq!([0, 1, 2, 3, 4, 5, 99].map(|moment| there(&all, moment)), [0, 2, 5, 3, 3, 3, 3]);
    }
}
