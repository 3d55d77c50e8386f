//! Points that an organization and each of its people may spend in a while. Kept in memory: a restart forgives.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_domain::Timestamp;
use uuid::Uuid;

/// How much may be spent. Far above what people and their programs need; Buildkite's own numbers are a hundredth of these.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Points of one organization in [`Allowance::period`].
    pub organization: u64,
    /// Points of one person in [`Allowance::period`].
    pub user: u64,
    /// From the first spending on; then everything starts anew.
    pub period: Duration,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { organization: 2_000_000, user: 500_000, period: Duration::from_secs(5 * 60) }
    }
}

/// When this many spenders are remembered, those whose period is over are forgotten.
const MAX_SPENDERS: usize = 10_000;

/// Points of one invitation in [`Allowance::period`]: it is for one call, and a stranger may hold it.
pub const INVITATION: u64 = 10_000;

/// Who spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Spender {
    /// An organization.
    Organization(Uuid),
    /// Somebody in an organization: what the same person spends in another one is not theirs alone to decide.
    Member(Uuid, Uuid),
    /// The holder of an invitation.
    Invitation(Uuid),
    /// The operator, who belongs to no organization.
    Operator,
}

/// Both that a call spends for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    /// Nil for the operator.
    pub organization: Uuid,
    /// Who calls.
    pub by: Spender,
}

/// What is left for one spender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub limit: u64,
    pub remaining: u64,
    /// Until everything starts anew, in whole seconds, at least 1.
    pub reset: u64,
}

/// Nothing is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exhausted {
    pub message: String,
    pub retry_after: u64,
}

#[derive(Debug)]
pub(crate) struct Budget {
    allowance: Allowance,
    spending: Mutex<HashMap<Spender, (Timestamp, u64)>>,
}

impl Budget {
    pub(crate) fn new(allowance: Allowance) -> Self {
        Self { allowance, spending: Mutex::default() }
    }

    fn spending(&self) -> MutexGuard<'_, HashMap<Spender, (Timestamp, u64)>> {
        self.spending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// [`Exhausted`] when the organization or the person has spent everything.
    pub(crate) fn check(&self, who: Spent, now: Timestamp) -> Result<(), Exhausted> {
        let (organization, user) = self.charge(who, 0, now);
        let tell = |whose: &str, standing: Standing| {
            let Standing { limit, reset, .. } = standing;
            let message = format!("{whose} limit of {limit} complexity points. Please try again in {reset} seconds.");
            Exhausted { message, retry_after: reset }
        };
        if organization.remaining == 0 {
            return Err(tell("Your organization has exceeded the", organization));
        }
        if user.remaining == 0 {
            return Err(tell("You have exceeded your per-user", user));
        }
        Ok(())
    }

    /// Takes points from both, and says what is left.
    pub(crate) fn charge(&self, who: Spent, points: u64, now: Timestamp) -> (Standing, Standing) {
        let mut spending = self.spending();
        if spending.len() >= MAX_SPENDERS {
            spending.retain(|_, (since, _)| now.since(*since) < self.allowance.period);
        }
        let mut take = |spender, limit: u64| {
            let (since, spent) = spending.entry(spender).or_insert((now, 0));
            if now.since(*since) >= self.allowance.period {
                (*since, *spent) = (now, 0);
            }
            *spent = spent.saturating_add(points);
            let left = self.allowance.period.saturating_sub(now.since(*since));
            Standing { limit, remaining: limit.saturating_sub(*spent), reset: left.as_secs().max(1) }
        };
        let organization = take(Spender::Organization(who.organization), self.allowance.organization);
        let limit = if matches!(who.by, Spender::Invitation(_)) { INVITATION } else { self.allowance.user };
        (organization, take(who.by, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_comes_back_after_the_period() {
        let budget = Budget::new(Allowance { organization: 15, user: 10, period: Duration::from_secs(60) });
        let one = Uuid::from_u128(1);
        let ada = Spent { organization: one, by: Spender::Member(one, Uuid::from_u128(2)) };
        let bob = Spent { by: Spender::Member(one, Uuid::from_u128(3)), ..ada };
        let start = Timestamp::EPOCH;
        assert_eq!(budget.charge(ada, 10, start).1, Standing { limit: 10, remaining: 0, reset: 60 });
        let later = start.plus(Duration::from_secs(50));
        let refused = budget.check(ada, later).expect_err("nothing is left");
        assert_eq!(refused.retry_after, 10);
        assert!(refused.message.starts_with("You have exceeded your per-user limit of 10"), "{}", refused.message);
        assert_eq!(budget.check(bob, later), Ok(()));
        budget.charge(bob, 5, later);
        let refused = budget.check(bob, later).expect_err("the organization has nothing left");
        assert!(refused.message.starts_with("Your organization has exceeded the limit of 15"), "{}", refused.message);
        assert_eq!(budget.check(ada, start.plus(Duration::from_secs(60))), Ok(()));
    }
    #[test]
    fn what_somebody_spends_elsewhere_and_as_an_invitation_is_not_theirs_here() {
        let budget = Budget::new(Allowance { organization: 100_000, user: 10, period: Duration::from_secs(60) });
        let (here, elsewhere, ada) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let there = Spent { organization: elsewhere, by: Spender::Member(elsewhere, ada) };
        let at_home = Spent { organization: here, by: Spender::Member(here, ada) };
        budget.charge(there, 10, Timestamp::EPOCH);
        assert!(budget.check(there, Timestamp::EPOCH).is_err());
        assert_eq!(budget.check(at_home, Timestamp::EPOCH), Ok(()));
        let invited = |number| Spent { organization: elsewhere, by: Spender::Invitation(Uuid::from_u128(number)) };
        budget.charge(invited(7), INVITATION, Timestamp::EPOCH);
        assert!(budget.check(invited(7), Timestamp::EPOCH).is_err());
        assert_eq!(budget.check(invited(8), Timestamp::EPOCH), Ok(()));
        let operator = Spent { organization: Uuid::nil(), by: Spender::Operator };
        assert_eq!(budget.check(operator, Timestamp::EPOCH), Ok(()));
    }
}
