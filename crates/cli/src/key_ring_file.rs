//! The key ring's file: made at `init`, read at every start, changed by `key-ring`.

use std::path::{Path, PathBuf};

use countersign_domain::KeyRing;

use crate::{
    failure::{Exit, Failure, Outcome},
    private_file::{self, PrivateFileError},
};

/// The file's name in a data folder.
pub const FILE_NAME: &str = "key-ring";

/// A key ring's file.
#[derive(Debug, Clone)]
pub struct KeyRingFile {
    path: PathBuf,
}

impl KeyRingFile {
    /// The file at this path, whether or not it is there.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the ring.
    ///
    /// # Errors
    /// It is missing, open to others, or not a key ring.
    pub fn read(&self) -> Outcome<KeyRing> {
        let text = private_file::read(&self.path).map_err(|error| self.trouble(error))?;
        KeyRing::parse(&text).map_err(|error| Failure::bad_input(format!("{}: {error}", self.path.display())))
    }

    /// Reads the ring, if the file is there.
    ///
    /// # Errors
    /// As [`KeyRingFile::read`], except when it is missing.
    pub fn read_if_there(&self) -> Outcome<Option<KeyRing>> {
        match private_file::read(&self.path) {
            Err(PrivateFileError::Missing(_)) => Ok(None),
            Err(error) => Err(self.trouble(error)),
            Ok(_) => self.read().map(Some),
        }
    }

    /// Writes a new file. Answers whether this was the one that made it: another may have been faster.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create(&self, ring: &KeyRing) -> Outcome<bool> {
        private_file::make_folder(&self.path).map_err(|error| self.trouble(error))?;
        match private_file::create(&self.path, &ring.render()) {
            Ok(()) => Ok(true),
            Err(PrivateFileError::Exists(_)) => Ok(false),
            Err(error) => Err(self.trouble(error)),
        }
    }

    /// Reads the ring, lets `change` change it, and writes it back; nobody else does so in between.
    ///
    /// # Errors
    /// That of `change`, and then nothing is written; or the file cannot be read or written.
    pub fn change<T>(&self, change: impl FnOnce(&mut KeyRing) -> Outcome<T>) -> Outcome<T> {
        let _lock = private_file::lock(&self.path).map_err(|error| self.trouble(error))?;
        let mut ring = self.read()?;
        let answer = change(&mut ring)?;
        private_file::replace(&self.path, &ring.render()).map_err(|error| self.trouble(error))?;
        Ok(answer)
    }

    /// Removes the file.
    pub fn remove(&self) {
        std::fs::remove_file(&self.path).ok();
    }

    fn trouble(&self, error: PrivateFileError) -> Failure {
        let exit = match &error {
            PrivateFileError::Missing(_) => {
                return Failure::new(
                    Exit::NotFound,
                    format!(
                        "the key ring {} does not exist; put it back there, name it with --key-ring-file, or run \
                         `countersign init` for a new database",
                        self.path.display()
                    ),
                );
            }
            PrivateFileError::Exists(_) => Exit::Conflict,
            PrivateFileError::NotPlain(_) | PrivateFileError::Open { .. } | PrivateFileError::Foreign { .. } => {
                Exit::BadInput
            }
            PrivateFileError::Io { .. } => Exit::Unavailable,
        };
        Failure::new(exit, error).about("the key ring")
    }
}
