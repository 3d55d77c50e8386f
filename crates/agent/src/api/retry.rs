//! How often a call is tried, how long is waited between, and what is tried again.

use std::time::Duration;

use tokio::sync::watch;

use super::CallError;
use crate::{
    ambient::Ambient,
    stop::{self, Stop},
};

/// How long to wait after an attempt.
#[derive(Debug, Clone, Copy)]
enum Wait {
    /// The same each time.
    Every(Duration),
    /// One second, then twice as long each time.
    Doubling,
    /// `base^(n/16 + 1)` milliseconds after attempt n, counted from 0.
    Growing { base_millis: f64 },
}

/// Which failures are worth another try.
#[derive(Debug, Clone, Copy)]
enum On {
    /// 429, 5xx, no answer, no readable answer.
    Temporary,
    /// As above without 429: the server has dropped what it throttled.
    NotThrottled,
    /// Only when there was no readable answer at all.
    NoAnswer,
    /// As `Temporary`, and 423.
    TemporaryOrLocked,
    /// Everything but 422 and what cannot be sent at all.
    NotRejected,
    /// Everything but a refused credential.
    NotUnauthenticated,
    /// Everything.
    Everything,
}

/// The schedule of one operation. The numbers are those of Buildkite's agent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    attempts: u32,
    wait: Wait,
    on: On,
    /// Adds a random part below one second to each wait.
    jitter: bool,
    /// Waits for as long as the server asked for instead, up to [`LONGEST_RETRY_AFTER`].
    obeys_retry_after: bool,
}

/// Longest wait that a server can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);

impl Retry {
    pub const REGISTER: Self = Self::every(30, 10, On::Temporary);
    pub const CONNECT: Self = Self::every(10, 5, On::NotUnauthenticated);
    pub const HEARTBEAT: Self = Self::every(10, 5, On::Temporary);
    pub const ACCEPT: Self = Self::every(30, 5, On::NoAnswer);
    pub const DISCONNECT: Self = Self::every(4, 1, On::Everything);
    pub const START: Self = Self { wait: Wait::Doubling, ..Self::every(7, 0, On::Temporary) };
    pub const CHUNK: Self = Self { on: On::NotThrottled, ..Self::FINISH };
    pub const FINISH: Self = Self { attempts: 12, jitter: true, ..Self::DATA_SET };
    /// 423 means that the job cannot run yet. What `Retry-After` says counts more than the schedule.
    pub const ACQUIRE: Self = Self { on: On::TemporaryOrLocked, jitter: true, obeys_retry_after: true, ..Self::START };
    pub const OIDC: Self = Self { attempts: 5, ..Self::START };
    pub const SECRET: Self = Self { attempts: 3, jitter: true, ..Self::START };
    pub const PIPELINE: Self = Self::every(60, 5, On::Temporary);
    /// A status that cannot be asked for now is asked for again, whatever the reason; only 422 is final.
    pub const PIPELINE_STATUS: Self = Self { obeys_retry_after: true, ..Self::every(60, 5, On::NotRejected) };
    pub const ANNOTATE: Self = Self { jitter: true, ..Self::every(5, 1, On::Temporary) };
    pub const DATA_SET: Self =
        Self { wait: Wait::Growing { base_millis: 2000.0 }, ..Self::every(10, 0, On::Temporary) };
    pub const DATA_READ: Self = Self::every(10, 5, On::Temporary);

    pub const ARTIFACT_CREATE: Self =
        Self { wait: Wait::Growing { base_millis: 500.0 }, ..Self::every(10, 0, On::Temporary) };
    pub const ARTIFACT_BYTES: Self = Self::every(10, 5, On::Everything);
    pub const ARTIFACT_STATE: Self = Self { on: On::Everything, ..Self::ARTIFACT_CREATE };
    pub const ARTIFACT_SEARCH: Self = Self::every(10, 5, On::Everything);
    pub const ARTIFACT_DOWNLOAD: Self = Self::every(5, 5, On::Everything);

    const fn every(attempts: u32, seconds: u64, on: On) -> Self {
        Self { attempts, wait: Wait::Every(Duration::from_secs(seconds)), on, jitter: false, obeys_retry_after: false }
    }

    /// Makes the call until it succeeds, fails for good, or has been tried often enough; the last failure is the answer. When
    /// `halt` comes, a call on its way is still awaited, and no other follows.
    pub async fn run<T, F>(
        &self,
        ambient: &Ambient,
        halt: &Halt,
        mut failed: impl FnMut(&CallError),
        mut call: impl FnMut() -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let mut attempt = 0;
        loop {
            let error = match call().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            if attempt + 1 >= self.attempts || !self.is_worth_another(&error) || halt.has_come() {
                return Err(error);
            }
            failed(&error);
            let jitter = if self.jitter { ambient.jitter(Duration::from_secs(1)) } else { Duration::ZERO };
            tokio::select! {
                () = ambient.clock.sleep(self.wait_for(&error, attempt) + jitter) => {}
                () = halt.come() => return Err(error),
            }
            attempt += 1;
        }
    }

    fn is_worth_another(&self, error: &CallError) -> bool {
        match self.on {
            On::Temporary => error.is_temporary(),
            On::NotThrottled => error.is_temporary() && error.status() != Some(429),
            On::NoAnswer => error.is_temporary() && error.status().is_none(),
            On::TemporaryOrLocked => error.is_temporary() || error.status() == Some(423),
            On::NotRejected => error.status() != Some(422) && !matches!(error, CallError::Local(_)),
            On::NotUnauthenticated => error.status() != Some(401),
            On::Everything => true,
        }
    }

    fn wait_for(&self, error: &CallError, attempt: u32) -> Duration {
        let asked = error.retry_after().filter(|_| self.obeys_retry_after);
        asked.map_or_else(|| self.wait_after(attempt), |wait| wait.min(LONGEST_RETRY_AFTER))
    }

    /// The wait after attempt `attempt`, counted from 0.
    fn wait_after(&self, attempt: u32) -> Duration {
        match self.wait {
            Wait::Every(wait) => wait,
            Wait::Doubling => Duration::from_secs(1 << attempt.min(16)),
            Wait::Growing { base_millis } => {
                Duration::from_secs_f64(base_millis.powf(f64::from(attempt) / 16.0 + 1.0) / 1000.0)
            }
        }
    }
}

/// When to give up waiting for another attempt.
#[derive(Clone)]
pub(crate) struct Halt(Option<(watch::Receiver<Stop>, Stop)>);

impl Halt {
    /// Never.
    pub const fn never() -> Self {
        Self(None)
    }

    /// When the agent was asked to stop, at `stage` or beyond.
    pub fn at(stage: Stop, asked: &watch::Receiver<Stop>) -> Self {
        Self(Some((asked.clone(), stage)))
    }

    fn has_come(&self) -> bool {
        self.0.as_ref().is_some_and(|(asked, stage)| stop::has_reached(asked, *stage))
    }

    async fn come(&self) {
        match &self.0 {
            Some((asked, stage)) => stop::reached(asked, *stage).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use countersign_domain::{Clock, Entropy, Timestamp, clock::Sleep};

    use super::*;

    /// A clock that never waits and writes down what it was asked for.
    #[derive(Default)]
    struct Recording(Mutex<Vec<Duration>>);
    impl Clock for Recording {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH
        }
        fn sleep_until(&self, at: Timestamp) -> Sleep {
            self.0.lock().expect("no panic").push(at.since(Timestamp::EPOCH));
            Box::pin(std::future::ready(()))
        }
    }
    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    fn waits(retry: Retry, error: &CallError) -> Vec<f64> {
        let clock = Arc::new(Recording::default());
        let ambient = Ambient { clock: clock.clone(), entropy: Arc::new(Zeros) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let halt = Halt::never();
        let run = retry.run::<(), _>(&ambient, &halt, |_| (), || std::future::ready(Err(error.clone())));
        assert_eq!(runtime.block_on(run).as_ref(), Err(error));
        let waits = clock.0.lock().expect("no panic");
        waits.iter().map(|wait| (wait.as_secs_f64() * 10.0).round() / 10.0).collect()
    }

    fn status(status: u16) -> CallError {
        CallError::refused("GET /x", status, b"", None)
    }

    fn no_answer() -> CallError {
        CallError::Unreachable("gone".to_owned())
    }

    #[test]
    fn the_schedules_are_those_of_the_protocol() {
        assert_eq!(waits(Retry::REGISTER, &status(503)), [10.0; 29]);
        assert_eq!(waits(Retry::START, &status(503)), [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
        let growing = [2.0, 3.2, 5.2, 8.3, 13.4, 21.5, 34.6, 55.6, 89.4, 143.8, 231.3];
        assert_eq!(waits(Retry::FINISH, &status(429)), growing);
        assert_eq!(waits(Retry::CHUNK, &no_answer()), growing);
        assert_eq!(waits(Retry::DATA_SET, &status(500)), growing[..9]);
        assert_eq!(waits(Retry::DISCONNECT, &status(401)), [1.0; 3]);
    }

    #[test]
    fn what_is_final_is_tried_once() {
        for (retry, error) in [
            (Retry::REGISTER, status(401)),
            (Retry::CONNECT, status(401)),
            (Retry::CHUNK, status(429)),
            (Retry::ACCEPT, status(503)),
            (Retry::FINISH, status(404)),
            (Retry::HEARTBEAT, CallError::Local("no".to_owned())),
        ] {
            assert!(waits(retry, &error).is_empty(), "{retry:?} {error}");
        }
        assert_eq!(waits(Retry::ACCEPT, &no_answer()).len(), 29);
        assert_eq!(waits(Retry::CONNECT, &status(404)).len(), 9);
    }

    #[test]
    fn a_stop_ends_the_waiting() {
        let (ask, asked) = watch::channel(Stop::AfterJob);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let ambient = Ambient { clock: Arc::new(Recording::default()), entropy: Arc::new(Zeros) };
        let mut calls = 0;
        let run = async |halt: Halt, calls: &mut u32| {
            let call = || {
                *calls += 1;
                std::future::ready(Err(status(503)))
            };
            Retry::REGISTER.run::<(), _>(&ambient, &halt, |_| (), call).await
        };
        assert!(runtime.block_on(run(Halt::at(Stop::AfterJob, &asked), &mut calls)).is_err());
        assert_eq!(calls, 1);
        assert!(runtime.block_on(run(Halt::at(Stop::Now, &asked), &mut calls)).is_err());
        assert_eq!(calls, 31);
        drop(ask);
    }
}
