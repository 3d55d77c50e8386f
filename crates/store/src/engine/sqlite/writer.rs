//! The one thread that writes, and group commit.
//!
//! ```text
//! take what waits, revokes first ── BEGIN IMMEDIATE
//!    each operation: SAVEPOINT ── run ── RELEASE, or ROLLBACK TO and RELEASE
//! COMMIT ── hooks ── answers
//! ```
//!
//! A full disk or an I/O error can end the whole transaction under the operations, or make its commit fail. Then none of
//! the group is answered: its operations run again, one by one, revokes first, and each gets the answer that it earns.

use std::{sync::Arc, time::Duration};

use countersign_domain::Clock;

use crate::engine::{
    error::StoreError,
    operation::{Job, Lane, Verdict, run_at_once},
    tx::{self, Hook, Tx},
};

use super::{
    Connection,
    folder::FolderLock,
    queue::{Queue, Serving},
    reserve::Reserve,
};

/// How many operations one commit carries at the most: the last of them waits for all.
const GROUP_MAX: usize = 256;
/// How long a group takes new operations in before it commits.
const GROUP_TIME: Duration = Duration::from_millis(4);

/// What the writing thread owns.
pub(super) struct Writer {
    pub(super) tx: Tx,
    pub(super) queue: Arc<Queue>,
    pub(super) reserve: Reserve,
    pub(super) clock: Arc<dyn Clock>,
    /// Held until the database is closed: fields are dropped in the order they stand in, and `tx` is the first.
    pub(super) lock: Arc<FolderLock>,
    #[cfg(feature = "faults")]
    pub(super) faults: crate::engine::faults::Faults,
}

/// An operation that ran in the open group, and what is to run after the commit.
struct Ran {
    job: Box<dyn Job>,
    hooks: Vec<Hook>,
}

impl Writer {
    /// Serves the queue until it is closed and empty.
    pub(super) fn serve(mut self) {
        let queue = Arc::clone(&self.queue);
        let _serving = Serving(&queue);
        while let Some(job) = queue.wait() {
            self.group(job);
        }
        // What the log holds goes into the file, so that the folder can be copied or read without the log.
        if let Err(error) = self.connection().checkpoint() {
            tracing::warn!(%error, "the write-ahead log stays beside the database");
        }
        tracing::debug!(folder = %self.lock.folder().display(), "the database is closed");
    }

    /// Runs `first` and whatever else is waiting in one transaction.
    fn group(&mut self, first: Box<dyn Job>) {
        if self.connection().run("BEGIN IMMEDIATE").is_err() {
            return self.alone(first);
        }
        let began = self.clock.now();
        let mut ran = Vec::new();
        let mut next = Some(first);
        let mut stands = true;
        while let Some(job) = next.take() {
            let Some(job) = self.admit(job) else {
                next = self.queue.next();
                continue;
            };
            stands = self.under_savepoint(job, &mut ran);
            if stands && ran.len() < GROUP_MAX && self.clock.now().since(began) < GROUP_TIME {
                next = self.queue.next();
            }
        }
        #[cfg(feature = "faults")]
        if self.faults.acknowledge_early {
            return self.acknowledge_then_commit(ran);
        }
        if stands && self.connection().run("COMMIT").is_ok() {
            let (jobs, hooks): (Vec<_>, Vec<_>) = ran.into_iter().map(|ran| (ran.job, ran.hooks)).unzip();
            hooks.into_iter().for_each(tx::run_hooks);
            jobs.into_iter().for_each(Job::answer);
            return;
        }
        self.abandon();
        ran.sort_by_key(|ran| ran.job.lane());
        for Ran { job, .. } in ran {
            self.alone(job);
        }
    }

    /// Runs one operation of a group. `false` when the group's transaction is lost or cannot be committed.
    fn under_savepoint(&mut self, mut job: Box<dyn Job>, ran: &mut Vec<Ran>) -> bool {
        let now = self.clock.now();
        self.tx.renew(now);
        if self.connection().run("SAVEPOINT operation").is_err() {
            ran.push(Ran { job, hooks: Vec::new() });
            return false;
        }
        let verdict = run_at_once(&mut *job, &mut self.tx);
        let broken = self.broken().is_some();
        let hooks = self.tx.take_hooks();
        let hooks = if verdict == Verdict::Commit { hooks } else { Vec::new() };
        ran.push(Ran { job, hooks });
        if broken {
            return false;
        }
        let connection = self.connection();
        let undone = verdict == Verdict::Commit || connection.run("ROLLBACK TO operation").is_ok();
        undone && connection.run("RELEASE operation").is_ok()
    }

    /// Runs one operation in a transaction of its own and answers it.
    fn alone(&mut self, job: Box<dyn Job>) {
        let Some(mut job) = self.admit(job) else { return };
        loop {
            match self.attempt(&mut *job) {
                Ok(hooks) => tx::run_hooks(hooks),
                Err(StoreError::StorageFull)
                    if job.lane() == Lane::Urgent && self.reserve.release(self.clock.now()) =>
                {
                    continue;
                }
                Err(error) => job.fail(error),
            }
            return job.answer();
        }
    }

    /// One try. An error means that the operation's own result does not count.
    fn attempt(&mut self, job: &mut dyn Job) -> Result<Vec<Hook>, StoreError> {
        self.abandon();
        self.connection().run("BEGIN IMMEDIATE")?;
        let now = self.clock.now();
        self.tx.renew(now);
        let verdict = run_at_once(&mut *job, &mut self.tx);
        if let Some(error) = self.broken() {
            self.abandon();
            return Err(error);
        }
        if verdict == Verdict::RollBack {
            self.abandon();
            return Ok(Vec::new());
        }
        let hooks = self.tx.take_hooks();
        let committed = self.connection().run("COMMIT");
        if committed.is_err() {
            self.abandon();
        }
        committed.map(|()| hooks)
    }

    /// Lets an operation through, or answers it when the little space that is left is not for it.
    fn admit(&mut self, mut job: Box<dyn Job>) -> Option<Box<dyn Job>> {
        if job.lane() == Lane::Urgent || self.reserve.allows_ordinary_writes(self.clock.now()) {
            return Some(job);
        }
        job.fail(StoreError::StorageFull);
        job.answer();
        None
    }

    /// Why the open transaction can no longer be trusted, if so: it is gone, or the disk failed beneath it.
    fn broken(&mut self) -> Option<StoreError> {
        let fault = self.tx.fault().cloned();
        match fault {
            Some(StoreError::StorageFull | StoreError::Unavailable { .. }) => fault,
            fault if !self.connection().is_in_transaction() => {
                Some(fault.unwrap_or_else(|| StoreError::Internal("an operation ended its own transaction".into())))
            }
            _ => None,
        }
    }

    fn abandon(&mut self) {
        if let Err(error) = self.connection().abandon() {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    fn connection(&mut self) -> &mut Connection {
        self.tx.sqlite()
    }

    /// The planted fault: success is told before it is true.
    #[cfg(feature = "faults")]
    fn acknowledge_then_commit(&mut self, ran: Vec<Ran>) {
        for Ran { job, hooks } in ran {
            tx::run_hooks(hooks);
            job.answer();
        }
        crate::engine::faults::linger();
        if let Err(error) = self.connection().run("COMMIT") {
            tracing::error!(%error, "acknowledged writes are lost");
            self.abandon();
        }
    }
}
