//! SQLite: one thread that writes, a few that read, one data folder that is ours alone.

mod connection;
mod errors;
mod folder;
mod queue;
mod reader;
mod reserve;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{Builder, JoinHandle},
};

pub(super) use connection::Connection;
pub use connection::Synchronous;
pub use folder::{DATABASE_FILE, LOCK_FILE};
pub use reserve::{RESERVE_BYTES, RESERVE_FILE};

use folder::FolderLock;
use queue::Queue;
use reader::{FIRST_READERS, READERS, Reader};
use reserve::Reserve;
use writer::Writer;

use super::{
    error::StoreError,
    migrate,
    operation::{Job, Lane},
    options::Options,
    sql::{Dialect, Sql, Translations},
    tx::{self, Tx},
};

/// A data folder that is open.
pub(super) struct Sqlite {
    folder: PathBuf,
    /// None when opened beside a running server.
    writes: Option<Arc<Queue>>,
    reads: Arc<Queue>,
    /// Reads that wait behind none of those.
    first_reads: Arc<Queue>,
    translations: Arc<Translations>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What a data folder is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To work on it; made if it is not there.
    Create,
    /// To work on it; it must be there.
    Serve,
    /// To read, beside a process that may work on it.
    Beside,
}

impl Sqlite {
    /// Opens the folder. Blocks.
    pub(super) fn open(folder: &Path, options: &Options, purpose: Purpose) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE_FILE);
        if purpose != Purpose::Create && !path.try_exists().map_err(|error| folder::trouble(&error, folder))? {
            return Err(StoreError::NotSetUp { place: format!("the data folder {}", folder.display()) });
        }
        let translations = Arc::new(Translations::new(Dialect::Sqlite));
        let mut threads = Vec::with_capacity(1 + READERS + FIRST_READERS);
        let writes = if purpose == Purpose::Beside {
            migrate::check_sqlite(Connection::reader(&path, Arc::clone(&translations))?.driver(), options)?;
            None
        } else {
            let writer = open_writer(folder, &path, options, purpose, &translations)?;
            let queue = Arc::clone(&writer.queue);
            threads.push(start("store-writer", move || writer.serve())?);
            Some(queue)
        };
        let sqlite = Self {
            folder: folder.to_owned(),
            writes,
            reads: Arc::new(Queue::default()),
            first_reads: Arc::new(Queue::default()),
            translations: Arc::clone(&translations),
            threads: Mutex::new(threads),
        };
        let queues = [(&sqlite.reads, READERS), (&sqlite.first_reads, FIRST_READERS)];
        for queue in queues.into_iter().flat_map(|(queue, threads)| std::iter::repeat_n(queue, threads)) {
            let connection = Connection::reader(&path, Arc::clone(&translations))?;
            let reader = Reader {
                tx: Tx::new(tx::Connection::Sqlite(connection), options.clock.now()),
                queue: Arc::clone(queue),
                clock: Arc::clone(&options.clock),
            };
            let thread = start("store-reader", move || reader.serve())?;
            sqlite.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(sqlite)
    }

    /// Sends an operation to the writer.
    pub(super) fn write(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let why = "it was opened for reading only, beside the process that works on it; go through that process";
        self.writes.as_ref().ok_or_else(|| StoreError::ReadOnly { why: why.into() })?.push(job)
    }

    /// Sends an operation to the readers.
    pub(super) fn read(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        match job.lane() {
            Lane::Urgent => self.first_reads.push(job),
            Lane::Soon | Lane::Normal => self.reads.push(job),
        }
    }

    /// Whether the writer still serves.
    pub(super) fn check_writer(&self) -> Result<(), StoreError> {
        match &self.writes {
            Some(writes) if writes.is_closed() => Err(StoreError::closed()),
            _ => Ok(()),
        }
    }

    /// Prepares statements on a connection of its own. Blocks.
    pub(super) fn prepare(&self, statements: &[Sql]) -> Result<(), StoreError> {
        let connection = Connection::reader(&self.path(), Arc::clone(&self.translations))?;
        statements.iter().try_for_each(|sql| connection.check(*sql))
    }

    /// The database file.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(DATABASE_FILE)
    }

    /// Whether the space in reserve is there.
    pub(super) fn holds_reserve(&self) -> bool {
        self.folder.join(RESERVE_FILE).metadata().is_ok_and(|file| file.len() >= RESERVE_BYTES)
    }

    /// Lets nothing in any more, serves what waits, and gives the folder back. Blocks.
    pub(super) fn close(&self) {
        self.let_nothing_in();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // Readers first: an open snapshot would keep the writer's last checkpoint from emptying the log.
        for thread in threads.into_iter().rev() {
            if thread.join().is_err() {
                tracing::error!("a thread of the store had panicked");
            }
        }
    }

    fn let_nothing_in(&self) {
        self.reads.close();
        self.first_reads.close();
        if let Some(writes) = &self.writes {
            writes.close();
        }
    }
}

impl Drop for Sqlite {
    /// The threads end by themselves; who needs to wait for that calls `close`.
    fn drop(&mut self) {
        self.let_nothing_in();
    }
}

fn open_writer(
    folder: &Path,
    path: &Path,
    options: &Options,
    purpose: Purpose,
    translations: &Arc<Translations>,
) -> Result<Writer, StoreError> {
    let lock = Arc::new(FolderLock::take(folder)?);
    folder::make_private_file(path)?;
    #[cfg(feature = "faults")]
    let synchronous = options.faults.synchronous;
    #[cfg(not(feature = "faults"))]
    let synchronous = Synchronous::Full;
    let mut connection = Connection::writer(path, Arc::clone(translations), synchronous)?;
    migrate::sqlite(connection.driver(), options, purpose == Purpose::Create, folder)?;
    let now = options.clock.now();
    Ok(Writer {
        tx: Tx::new(tx::Connection::Sqlite(connection), now),
        queue: Arc::new(Queue::default()),
        reserve: Reserve::set_aside(folder.join(RESERVE_FILE), now),
        clock: Arc::clone(&options.clock),
        lock,
        #[cfg(feature = "faults")]
        faults: options.faults,
    })
}

/// An error met while migrating.
pub(super) fn migrating(error: &rusqlite::Error) -> StoreError {
    errors::writing(error, Sql { name: "migrating", text: "" })
}

fn start(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| StoreError::unavailable(format_args!("a thread cannot be started: {error}")))
}
