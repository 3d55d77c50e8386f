//! The threads that read. Each read sees one snapshot and never waits for the writer.

use std::sync::Arc;

use countersign_domain::Clock;

use crate::engine::{
    operation::{Job, run_at_once},
    tx::Tx,
};

use super::{
    Connection,
    queue::{Queue, Serving},
};

/// How many reads run at once. They are short and from memory; more threads than cores would only take turns.
pub(super) const READERS: usize = 4;
/// How many more run what waits behind no other read: finding out who calls takes some fifty microseconds.
pub(super) const FIRST_READERS: usize = 2;

/// What a reading thread owns.
pub(super) struct Reader {
    pub(super) tx: Tx,
    pub(super) queue: Arc<Queue>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Reader {
    /// Serves the queue until it is closed and empty.
    pub(super) fn serve(mut self) {
        let queue = Arc::clone(&self.queue);
        let _serving = Serving(&queue);
        while let Some(job) = queue.wait() {
            self.read(job);
        }
    }

    fn read(&mut self, mut job: Box<dyn Job>) {
        let now = self.clock.now();
        self.tx.renew(now);
        match self.connection().run("BEGIN") {
            Ok(()) => {
                run_at_once(&mut *job, &mut self.tx);
                if let Err(error) = self.connection().abandon() {
                    tracing::error!(%error, "a read could not be ended");
                }
            }
            Err(error) => job.fail(error),
        }
        job.answer();
    }

    fn connection(&mut self) -> &mut Connection {
        self.tx.sqlite()
    }
}
