//! A little disk space kept back, so that a revoke works when the disk is full.
//!
//! The space is a preallocated file beside the database. When an urgent operation meets a full disk the file is deleted and
//! the operation runs again. From then on, until the file could be made anew, ordinary writes are refused, so that they
//! cannot use up what the next revoke needs.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    time::Duration,
};

use countersign_domain::Timestamp;

/// The file beside the database.
pub const RESERVE_FILE: &str = "reserve";
/// How much space is kept back, in bytes: hundreds of revocations, even if no checkpoint succeeds meanwhile.
pub const RESERVE_BYTES: u64 = 4 << 20;
/// How often a lost reserve is tried to be made anew.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The reserve of one database. Owned by its writer.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Held,
    Missing { try_again_at: Timestamp },
}

impl Reserve {
    /// Makes the file unless it is there. On a full disk the server starts without it.
    pub(super) fn set_aside(path: PathBuf, now: Timestamp) -> Self {
        let mut reserve = Self { path, state: State::Missing { try_again_at: now } };
        if !reserve.try_restore(now) {
            tracing::warn!(
                "the disk is too full to keep space in reserve; ordinary writes are refused until it is not"
            );
        }
        reserve
    }

    /// Gives the space to whoever needs it now. `false` when there is none to give.
    pub(super) fn release(&mut self, now: Timestamp) -> bool {
        if self.state != State::Held {
            return false;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::error!(%error, "the space in reserve could not be given back");
            return false;
        }
        tracing::warn!("the disk is full; the space in reserve was given to an urgent operation");
        self.state = State::Missing { try_again_at: now.plus(RETRY_AFTER) };
        true
    }

    /// Whether ordinary writes may go on; makes a lost reserve anew when it is time to try.
    pub(super) fn allows_ordinary_writes(&mut self, now: Timestamp) -> bool {
        match self.state {
            State::Held => true,
            State::Missing { try_again_at } if now >= try_again_at => self.try_restore(now),
            State::Missing { .. } => false,
        }
    }

    fn try_restore(&mut self, now: Timestamp) -> bool {
        match make(&self.path) {
            Ok(()) => {
                self.state = State::Held;
                true
            }
            Err(error) => {
                tracing::debug!(%error, "no space to keep in reserve");
                // A half-made file would take space and help nobody.
                fs::remove_file(&self.path).ok();
                self.state = State::Missing { try_again_at: now.plus(RETRY_AFTER) };
                false
            }
        }
    }
}

/// Makes the file with its space really taken: a sparse file would reserve nothing.
fn make(path: &PathBuf) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, RESERVE_BYTES) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => write_zeros(&file)?,
        outcome => outcome?,
    }
    file.sync_all()
}

fn write_zeros(mut file: &File) -> io::Result<()> {
    const BLOCK: usize = 64 << 10;
    for _ in 0..RESERVE_BYTES / BLOCK as u64 {
        file.write_all(&[0; BLOCK])?;
    }
    Ok(())
}
