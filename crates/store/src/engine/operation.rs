//! An operation on its way through the engine: what the caller passed, with its types hidden.
//!
//! Hidden on both engines, so that what begins, commits and tries again is compiled once, and not again for each operation.

use std::{
    panic::AssertUnwindSafe,
    task::{Context, Poll, Waker},
};

use futures_util::{FutureExt, future::BoxFuture};
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
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Verdict>;
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

    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Verdict> {
        Box::pin(async {
            let run = AssertUnwindSafe(async { (self.operation)(&mut *tx, &self.input).await }).catch_unwind();
            let result = honest(run.await.unwrap_or_else(|_| Err(StoreError::Panicked.into())), tx);
            let verdict = if result.is_ok() { Verdict::Commit } else { Verdict::RollBack };
            self.result = Some(result);
            verdict
        })
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Some(Err(error.into()));
    }

    fn answer(self: Box<Self>) {
        let result = self.result.unwrap_or_else(|| Err(StoreError::closed().into()));
        self.reply.send(result).ok();
    }
}

/// Runs an operation on SQLite, where everything that a transaction does is done when it returns: one look is enough.
pub(super) fn run_at_once(job: &mut dyn Job, tx: &mut Tx) -> Verdict {
    let look = job.run(tx).as_mut().poll(&mut Context::from_waker(Waker::noop()));
    match look {
        Poll::Ready(verdict) => verdict,
        Poll::Pending => {
            job.fail(StoreError::Waited);
            Verdict::RollBack
        }
    }
}

/// A success with a failed statement beneath it is none: its transaction cannot be committed.
fn honest<T, E: From<StoreError>>(result: Result<T, E>, tx: &Tx) -> Result<T, E> {
    match tx.fault() {
        Some(fault) if result.is_ok() => Err(fault.clone().into()),
        _ => result,
    }
}
