//! How an agent token was used over time: how many agents came with it each day.

use std::time::Duration;

use countersign_domain::Timestamp;
use countersign_domain::id::TokenId;
use countersign_store::agents::times;

use crate::access::actions::ViewAgentTokens;
use crate::{Control, Grant, Result};

use super::reference::visible;

/// How many days are told, today the last: a day begins at midnight in UTC.
pub const DAYS: u32 = 30;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The most agents that are looked at: the last ones that came.
const MAX_AGENTS: i64 = 20_000;

impl Control {
    /// How many agents of either protocol came with one of the organization's agent tokens on each of the last [`DAYS`], by the days' beginnings and the
    /// oldest first. Agents of which nothing is kept any more are not counted; of many, the last 20,000 are.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn agent_token_registrations(
        &self,
        grant: &Grant<ViewAgentTokens>,
        id: TokenId,
    ) -> Result<Vec<(Timestamp, usize)>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                visible(tx, scene, scene.input).await?;
                let days = days(tx.now());
                let since = days.first().copied().unwrap_or(Timestamp::EPOCH);
                let came = times::came_with(tx, scene.organization, scene.input, since, MAX_AGENTS).await?;
                Ok(days.into_iter().map(|day| (day, on(&came, day))).collect())
            })
        })
        .await
    }
}

/// The beginnings of the last days, today's the last.
fn days(now: Timestamp) -> Vec<Timestamp> {
    let day = i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
    let today = Timestamp::from_micros(now.as_micros().div_euclid(day).saturating_mul(day));
    (0..DAYS).rev().map(|back| today.minus(DAY * back)).collect()
}

/// How many moments are on a day.
fn on(moments: &[Timestamp], day: Timestamp) -> usize {
    moments.iter().filter(|it| **it >= day && **it < day.plus(DAY)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let days = days(now);
        let text = |at: Option<&Timestamp>| at.map(ToString::to_string).unwrap_or_default();
        assert_eq!(days.len(), DAYS as usize);
        assert_eq!(
            (text(days.first()), text(days.last())),
            ("2025-12-04T00:00:00Z".to_owned(), "2026-01-02T00:00:00Z".to_owned())
        );
        assert_eq!(on(&[now, now, days[0]], days[29]), 2);
        assert_eq!(on(&[days[29]], days[28]), 0, "midnight is the next day's");
    }
}
