//! How often one caller may do something: so often at once, and from then on so often a second. In memory: a restart forgives.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use countersign_domain::Timestamp;

/// A rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// How often at once.
    pub at_once: u32,
    /// After how long there is one more, in the long run.
    pub each: Duration,
}

/// How often a job may do what leaves a row in the audit log. One with ten thousand artifacts needs some seven hundred calls to leave them; one that
/// sets meta-data in an endless loop leaves no more rows than these. Agents try again after 429, a second or two later.
pub(crate) const OF_JOB: Rate = Rate::a_second_of(2_000, 10);
/// How often agents may register with one token: a fleet of ten thousand at once, and then as many as short-lived machines need.
pub(crate) const OF_REGISTRATION: Rate = Rate::a_second_of(10_000, 20);
/// How often invitations, sign-in links, passwords, passkeys and answers of a provider may be tried from one network address, together: a team
/// that is invited or signs in at once, and then nobody but who guesses.
pub(crate) const OF_INVITATIONS: Rate = Rate::a_second_of(60, 1);
/// How often passwords of one account may be tried from one network address, and by one who is signed in already: somebody who mistypes theirs,
/// and then one guess a minute. Nobody is kept out for ever, and nobody by what is tried elsewhere.
pub(crate) const OF_SIGN_INS: Rate = Rate { at_once: 10, each: Duration::from_secs(60) };
/// How often passwords of one account may be tried from wherever: so much more than from one network that it takes a hundred of them to keep
/// somebody out, and still no more than 14,400 guesses a day.
pub(crate) const OF_ACCOUNTS: Rate = Rate { at_once: 1_000, each: Duration::from_secs(6) };
/// The most that are remembered. Beyond it those that have everything again are forgotten, and whoever comes while nobody can be shares one rate
/// with all who come then.
const MAX_REMEMBERED: usize = 100_000;
/// How often it is looked for those that can be forgotten, at the most: all are looked at, and everybody else waits for it.
const FORGETTING: Duration = Duration::from_secs(1);

/// The network that an address stands for where guesses are counted: whoever has one address of version 6 has a network of them.
pub(crate) fn network_of(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Rate {
    /// So often at once, and then so often a second.
    const fn a_second_of(at_once: u32, per_second: u32) -> Self {
        Self { at_once, each: Duration::from_micros(1_000_000 / per_second as u64) }
    }

    /// How often a second, in the long run.
    pub(crate) fn a_second(self) -> u128 {
        1_000_000 / self.each.as_micros()
    }

    fn all(self) -> Duration {
        self.each * self.at_once
    }
}

/// What each caller has used up: the time at which everything is there again.
#[derive(Debug)]
pub(crate) struct Rates<K> {
    rate: Rate,
    used: Mutex<Used<K>>,
}

#[derive(Debug)]
struct Used<K> {
    whole_at: HashMap<K, Timestamp>,
    /// What those have used up together who are not remembered.
    others: Option<Timestamp>,
    /// When it was last looked for those that can be forgotten.
    forgot_at: Option<Timestamp>,
}

impl<K: Eq + Hash> Used<K> {
    /// Makes room for somebody new. False when there is none.
    fn has_room(&mut self, now: Timestamp) -> bool {
        if self.whole_at.len() < MAX_REMEMBERED {
            return true;
        }
        // Also after a clock was set back.
        if self.forgot_at.is_none_or(|at| now < at || at.plus(FORGETTING) <= now) {
            self.forgot_at = Some(now);
            self.whole_at.retain(|_, at| *at > now);
        }
        self.whole_at.len() < MAX_REMEMBERED
    }
}

impl<K: Copy + Eq + Hash> Rates<K> {
    pub(crate) fn new(rate: Rate) -> Self {
        let used = Used { whole_at: HashMap::new(), others: None, forgot_at: None };
        Self { rate, used: Mutex::new(used) }
    }

    /// Takes one.
    ///
    /// # Errors
    /// After how long there is one again.
    pub(crate) fn take(&self, who: K, now: Timestamp) -> Result<(), Duration> {
        let (each, all) = (self.rate.each, self.rate.all());
        let mut guard = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let is_remembered = guard.whole_at.contains_key(&who) || guard.has_room(now);
        let before = if is_remembered { guard.whole_at.get(&who).copied() } else { guard.others };
        // A clock that was set back must not keep anybody out for longer than everything takes to come back.
        let at = before.unwrap_or(now).clamp(now, now.plus(all));
        let used = at.since(now);
        let fits = used + each <= all;
        let after = if fits { at.plus(each) } else { at };
        if is_remembered {
            guard.whole_at.insert(who, after);
        } else {
            guard.others = Some(after);
        }
        if fits { Ok(()) } else { Err((used + each).saturating_sub(all)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_much_at_once_and_then_so_much_a_second() {
        let rates = Rates::new(Rate::a_second_of(3, 2));
        let start = Timestamp::EPOCH.plus(Duration::from_secs(60));
        for _ in 0..3 {
            assert_eq!(rates.take(1, start), Ok(()));
        }
        assert_eq!(rates.take(1, start), Err(Duration::from_millis(500)));
        assert_eq!(rates.take(2, start), Ok(()), "another's is its own");
        let later = start.plus(Duration::from_millis(1_000));
        assert_eq!((rates.take(1, later), rates.take(1, later)), (Ok(()), Ok(())));
        assert!(rates.take(1, later).is_err());
        // Everything is back after a while, and no more than that.
        let much_later = start.plus(Duration::from_secs(3_600));
        assert_eq!((0..9).filter(|_| rates.take(1, much_later).is_ok()).count(), 3);
    }

    #[test]
    fn a_clock_that_was_set_back_is_forgiven() {
        let rates = Rates::new(Rate::a_second_of(2, 1));
        let start = Timestamp::EPOCH.plus(Duration::from_secs(100_000));
        assert_eq!(rates.take((), start), Ok(()));
        let before = Timestamp::EPOCH;
        assert_eq!(rates.take((), before), Err(Duration::from_secs(1)));
        assert_eq!(rates.take((), before.plus(Duration::from_secs(1))), Ok(()));
    }

    #[test]
    fn those_who_have_everything_are_forgotten() {
        let rates = Rates::new(Rate::a_second_of(1, 1));
        for number in 0..MAX_REMEMBERED {
            assert_eq!(rates.take(number, Timestamp::EPOCH), Ok(()));
        }
        assert_eq!(rates.take(MAX_REMEMBERED, Timestamp::EPOCH.plus(Duration::from_secs(2))), Ok(()));
        assert_eq!(rates.used.lock().expect("nobody panicked").whole_at.len(), 1);
    }

    #[test]
    fn a_crowd_fills_no_memory_and_shares_one_rate() {
        let rates = Rates::new(Rate::a_second_of(3, 1));
        let remembered = || rates.used.lock().expect("nobody panicked").whole_at.len();
        let start = Timestamp::EPOCH.plus(Duration::from_secs(60));
        for number in 0..MAX_REMEMBERED {
            assert_eq!((rates.take(number, start), rates.take(number, start)), (Ok(()), Ok(())));
        }
        let come = |from: usize, now| (from..from + 9).filter(|who| rates.take(*who, now).is_ok()).count();
        assert_eq!(
            (come(MAX_REMEMBERED, start), remembered()),
            (3, MAX_REMEMBERED),
            "what one of them may, all together"
        );
        assert_eq!(rates.take(0, start), Ok(()), "whoever is remembered has what is theirs");
        // One more has come back to everybody; those who took two of three have everything, and are forgotten when it is looked again.
        let later = start.plus(Duration::from_secs(2));
        let soon = later.minus(Duration::from_micros(1));
        assert_eq!((come(MAX_REMEMBERED, soon), remembered()), (1, MAX_REMEMBERED));
        assert_eq!((come(MAX_REMEMBERED, later), remembered()), (1, MAX_REMEMBERED), "it was looked a moment ago");
        let after = soon.plus(FORGETTING);
        assert_eq!((come(MAX_REMEMBERED, after), remembered()), (9, 9 + 1), "and whoever took a third");
    }

    #[test]
    fn honest_fleets_and_jobs_fit() {
        let registrations = Rates::new(OF_REGISTRATION);
        assert!((0..5_000).all(|_| registrations.take(0, Timestamp::EPOCH).is_ok()), "a fleet that restarts at once");
        let calls = Rates::new(OF_JOB);
        let batches = 10_000_u32.div_ceil(30);
        assert!((0..2 * batches).all(|_| calls.take(0, Timestamp::EPOCH).is_ok()), "announced and ended");
    }
}
