//! An operation on its way through SQLite's threads: what the caller passed, with its types hidden.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, Waker},
};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::{error::StoreError, tx::Tx};

/// In which order waiting writes are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Before all others, and on a full disk with the space in reserve: what takes access away.
    Urgent,
    /// Before ordinary writes, with nothing in reserve: what ends work, of which there can be much at once.
    Soon,
    /// Everything else.
    Normal,
}

/// What the engine is to do with an operation's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Commit,
    RollBack,
}

/// An operation that can be run, again if need be, and answered once.
pub(super) trait Job: Send {
    /// Its lane.
    fn lane(&self) -> Lane;
    /// Runs it in the transaction and keeps the result.
    fn run(&mut self, tx: &mut Tx) -> Verdict;
    /// Puts an error in the result's place.
    fn fail(&mut self, error: StoreError);
    /// Hands the result to the caller. That they have left is no matter.
    fn answer(self: Box<Self>);
}

struct Call<I, T, E, F> {
    lane: Lane,
    input: I,
    operation: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

/// Wraps an operation; its result arrives at the receiver.
pub(super) fn job<I, T, E, F>(lane: Lane, input: I, operation: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    I: Send + Sync + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
{
    let (reply, receiver) = oneshot::channel();
    (Box::new(Call { lane, input, operation, result: None, reply }), receiver)
}

impl<I, T, E, F> Job for Call<I, T, E, F>
where
    I: Send + Sync,
    T: Send,
    E: From<StoreError> + Send,
    F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
{
    fn lane(&self) -> Lane {
        self.lane
    }

    fn run(&mut self, tx: &mut Tx) -> Verdict {
        // Everything that a transaction does on SQLite is done when it returns, so one look is enough.
        let look = || (self.operation)(tx, &self.input).as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let result = match catch_unwind(AssertUnwindSafe(look)) {
            Ok(Poll::Ready(result)) => result,
            Ok(Poll::Pending) => Err(StoreError::Waited.into()),
            Err(_) => Err(StoreError::Panicked.into()),
        };
        let result = honest(result, tx);
        let verdict = if result.is_ok() { Verdict::Commit } else { Verdict::RollBack };
        self.result = Some(result);
        verdict
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Some(Err(error.into()));
    }

    fn answer(self: Box<Self>) {
        let result = self.result.unwrap_or_else(|| Err(StoreError::closed().into()));
        self.reply.send(result).ok();
    }
}

/// A success with a failed statement beneath it is none: its transaction cannot be committed.
pub(super) fn honest<T, E: From<StoreError>>(result: Result<T, E>, tx: &Tx) -> Result<T, E> {
    match tx.fault() {
        Some(fault) if result.is_ok() => Err(fault.clone().into()),
        _ => result,
    }
}
