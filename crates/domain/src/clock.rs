//! Time comes from one place.
//!
//! A [`Timestamp`] is microseconds since the Unix epoch, in UTC: the unit of every time column. Operations take their time
//! from their transaction, which takes it from the program's [`Clock`]; tests set that clock by hand and never wait.

use std::{fmt, future::Future, pin::Pin, str::FromStr, time::Duration};

/// Microseconds since the Unix epoch, UTC. Ranges over what RFC 3339 can write (years -9999 to 9999).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);
    /// The last microsecond of the year 9998: nothing may be set to expire later.
    pub const LATEST: Self = Self(253_370_764_799_999_999);

    /// From microseconds since the epoch, as a column holds it.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch, as a column holds it.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment plus `duration`, held at the ends of the range.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This moment minus `duration`, held at the ends of the range.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with as many fractional digits as are not zero: `2026-01-02T03:04:05Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// The text is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a point in time; write it as RFC 3339, for example 2027-01-31T09:00:00Z")]
pub struct NotATimestamp;

impl FromStr for Timestamp {
    type Err = NotATimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        match text.parse::<jiff::Timestamp>() {
            Ok(at) => Ok(Self(at.as_microsecond())),
            // The library ends a day before the calendar does; those last hours are a time all the same, beyond the latest.
            Err(_) => match text.strip_suffix('Z').map(str::parse::<jiff::civil::DateTime>) {
                Some(Ok(at)) if at.year() == 9999 => Ok(Self::LATEST.plus(Duration::from_micros(1))),
                _ => Err(NotATimestamp),
            },
        }
    }
}

/// A future that ends when the clock has reached a moment.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The program's only source of time.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Ends at `at` by this clock, at once if it has passed.
    fn sleep_until(&self, at: Timestamp) -> Sleep;

    /// Ends after `duration` by this clock.
    fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now().plus(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_goes_in_and_out() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        assert_eq!(at.to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(at.plus(Duration::from_micros(10)).to_string(), "2026-01-02T03:04:05.00001Z");
        let offset: Timestamp = "2026-01-02T05:04:05+02:00".parse().expect("a time");
        assert_eq!(offset, at);
        assert_eq!("tomorrow".parse::<Timestamp>(), Err(NotATimestamp));
        assert!("9999-12-31T23:59:59Z".parse::<Timestamp>().expect("a time") > Timestamp::LATEST);
    }

    #[test]
    fn arithmetic_holds_at_the_ends() {
        let end = Timestamp::from_micros(i64::MAX);
        assert_eq!(end.plus(Duration::from_secs(1)), end);
        assert_eq!(Timestamp::EPOCH.since(end), Duration::ZERO);
    }
}
