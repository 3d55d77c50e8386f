//! Files that only their owner may read: the key ring, the saved profile.
//!
//! Reading refuses a link and a file that others may read. Writing is atomic and on the disk when it answers.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// The mode of a private file.
const MODE: u32 = 0o600;
/// What others must not be able to do with it.
const OTHERS: u32 = 0o077;
/// Largest file that is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why a private file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// There is none.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// There is one already.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// Something else stands there.
    #[error("{} is not a plain file (a link, a folder or a device); put the file itself there", .0.display())]
    NotPlain(PathBuf),
    /// Others may read or change it.
    #[error("{} may be read or changed by others (mode {mode:04o}); run: chmod 600 {}", path.display(), path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to user {owner}, not to the one that runs this; run: chown {me} \
     {}", path.display(), path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who asks.
        me: u32,
    },
    /// It cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// What changes when somebody writes the file.
pub type Stamp = (Option<SystemTime>, u64, u64);

/// When and as what the file was last written; none when it is not there.
#[must_use]
pub fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.modified().ok(), found.ino(), found.len()))
}

/// Reads the whole file as text.
///
/// # Errors
/// [`PrivateFileError`]; the text is never quoted.
pub fn read(path: &Path) -> Result<Zeroizing<String>, PrivateFileError> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| {
        // A link answers with this when it must not be followed.
        if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            return PrivateFileError::NotPlain(path.to_owned());
        }
        trouble(path, error)
    })?;
    let found = file.metadata().map_err(|error| trouble(path, error))?;
    check(path, &found)?;
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(found.len()).unwrap_or(0)));
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| trouble(path, error))?;
    if read as u64 > MAX_BYTES {
        return Err(trouble(path, io::Error::other("it is larger than 1 MiB")));
    }
    Ok(text)
}

fn check(path: &Path, found: &fs::Metadata) -> Result<(), PrivateFileError> {
    if !found.is_file() {
        return Err(PrivateFileError::NotPlain(path.to_owned()));
    }
    let mode = found.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(PrivateFileError::Open { path: path.to_owned(), mode });
    }
    let me = rustix::process::geteuid().as_raw();
    if found.uid() != me && me != 0 {
        return Err(PrivateFileError::Foreign { path: path.to_owned(), owner: found.uid(), me });
    }
    Ok(())
}

/// Writes a file that must not be there yet. Of two that do this at once one wins.
///
/// # Errors
/// [`PrivateFileError::Exists`] when it is there; then nothing was changed.
pub fn create(path: &Path, text: &str) -> Result<(), PrivateFileError> {
    let beside = write_beside(path, text)?;
    // A link is made whole or not at all, and never over something that is there.
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside).ok();
    linked.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => PrivateFileError::Exists(path.to_owned()),
        _ => trouble(path, error),
    })?;
    sync_folder(path)
}

/// Writes a file in the place of what is there.
///
/// # Errors
/// Then the old file is untouched.
pub fn replace(path: &Path, text: &str) -> Result<(), PrivateFileError> {
    let beside = write_beside(path, text)?;
    if let Err(error) = fs::rename(&beside, path) {
        fs::remove_file(&beside).ok();
        return Err(trouble(path, error));
    }
    sync_folder(path)
}

/// Makes the file's folder, for its owner alone, if it is not there.
///
/// # Errors
/// The folder cannot be made.
pub fn make_folder(path: &Path) -> Result<(), PrivateFileError> {
    let folder = folder_of(path);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| trouble(folder, error))
}

/// Holds other commands off that would change the same file, until this is dropped.
///
/// # Errors
/// The folder cannot be opened or locked.
pub fn lock(path: &Path) -> Result<File, PrivateFileError> {
    let folder = folder_of(path);
    let file = File::open(folder).map_err(|error| trouble(folder, error))?;
    file.lock().map_err(|error| trouble(folder, error))?;
    Ok(file)
}

/// The text on the disk, under a name of its own beside the file.
fn write_beside(path: &Path, text: &str) -> Result<PathBuf, PrivateFileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    fs::remove_file(&beside).ok();
    let written = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&beside).and_then(|mut file| {
        // The umask may have taken more than it should.
        file.set_permissions(fs::Permissions::from_mode(MODE))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    if let Err(error) = written {
        fs::remove_file(&beside).ok();
        return Err(trouble(path, error));
    }
    Ok(beside)
}

fn sync_folder(path: &Path) -> Result<(), PrivateFileError> {
    let folder = folder_of(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| trouble(folder, error))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn trouble(path: &Path, error: io::Error) -> PrivateFileError {
    match error.kind() {
        io::ErrorKind::NotFound => PrivateFileError::Missing(path.to_owned()),
        _ => PrivateFileError::Io { path: path.to_owned(), error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[test]
    fn what_is_written_is_private_and_reads_back() {
        let folder = folder();
        let path = folder.path().join("ring");
        create(&path, "one").expect("written");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(*read(&path).expect("reads"), "one");
        assert!(matches!(create(&path, "two"), Err(PrivateFileError::Exists(_))));
        assert_eq!(*read(&path).expect("reads"), "one");
        replace(&path, "three").expect("written");
        assert_eq!(*read(&path).expect("reads"), "three");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_others_may_read_and_links_are_refused() {
        let folder = folder();
        let path = folder.path().join("ring");
        create(&path, "one").expect("written");
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
            let error = read(&path).expect_err("refused").to_string();
            assert!(error.contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("set");
        read(&path).expect("its owner may read it");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        assert!(matches!(read(&link), Err(PrivateFileError::NotPlain(_))));
        assert!(matches!(read(folder.path()), Err(PrivateFileError::NotPlain(_))));
        assert!(matches!(read(&folder.path().join("none")), Err(PrivateFileError::Missing(_))));
    }
}
