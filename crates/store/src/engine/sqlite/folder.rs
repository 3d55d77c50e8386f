//! The data folder: private to its owner, and worked on by one process at a time.

use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::engine::error::StoreError;

/// The database file in the data folder.
pub const DATABASE_FILE: &str = "countersign.db";
/// The file whose lock says that a process works on the data folder; its text is that process's number.
pub const LOCK_FILE: &str = "lock";

/// The lock on a data folder, held until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    folder: PathBuf,
    file: File,
}

impl FolderLock {
    /// Makes the folder if need be, takes away what others may do in it, and locks it.
    pub(super) fn take(folder: &Path) -> Result<Self, StoreError> {
        let failed = |error: &io::Error| trouble(error, folder);
        if !folder.try_exists().map_err(|error| failed(&error))? {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed(&error))?;
            make_entry_durable(folder)?;
        }
        keep_private(folder, 0o700)?;
        let path = folder.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::FolderInUse { folder: folder.to_owned(), process: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        // The number only helps people to find the process; a full disk must not stop the server from starting.
        if let Err(error) = write_number(&mut file) {
            tracing::warn!(%error, "the lock file could not be given this process's number");
        }
        Ok(Self { folder: folder.to_owned(), file })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for FolderLock {
    /// Gives it back whoever else has the file open: a process that this one has begun, and that has not come to its own program yet, holds
    /// everything that was open here.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, folder = %self.folder.display(), "the lock on the data folder could not be given back");
        }
    }
}

/// Takes from the group and from others what they may do with a file or folder of ours.
pub(super) fn keep_private(path: &Path, mode: u32) -> Result<(), StoreError> {
    let now = fs::metadata(path).map_err(|error| trouble(&error, path))?.permissions().mode() & 0o777;
    if now & !mode == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(now & mode)).map_err(|error| trouble(&error, path))
}

/// Makes the database file, so that it never has another mode than this one.
pub(super) fn make_private_file(path: &Path) -> Result<(), StoreError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| trouble(&error, path))?;
    keep_private(path, 0o600)?;
    make_entry_durable(path)
}

/// Syncs the folder that a new file or folder is in: until then a power cut takes the new entry away.
fn make_entry_durable(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(|error| trouble(&error, parent))
}

/// What the lock file says of who holds it.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let number = file.take(32).read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok());
    number.map_or_else(|| "another process".to_owned(), |number| format!("process {number}"))
}

fn write_number(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// What an error of the file system means to the store.
pub(super) fn trouble(error: &io::Error, path: &Path) -> StoreError {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { why: format!("{shown} lies on a file system that is mounted read-only") }
        }
        io::ErrorKind::PermissionDenied => {
            StoreError::ReadOnly { why: format!("this user may not write to {shown}; check its owner and mode") }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::StorageFull,
        _ => StoreError::unavailable(format_args!("{shown}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_its_file_does_not_keep_a_lock_that_is_given_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let lock = FolderLock::take(folder.path()).expect("free");
        assert!(matches!(FolderLock::take(folder.path()), Err(StoreError::FolderInUse { .. })));
        // As in a process that was begun a moment ago.
        let copy = lock.file.try_clone().expect("a copy");
        drop(lock);
        FolderLock::take(folder.path()).expect("free again");
        drop(copy);
    }
}
