//! One job at a time in one working folder, also among agents that have the same name.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use crate::ambient::Ambient;

/// How often a folder that is taken is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// The right to change a folder, for as long as it is held. The system takes it back when the agent ends.
pub(in crate::job) struct Turn {
    file: File,
}

impl Drop for Turn {
    /// Gives it back whoever else has the file open: a job that was begun a moment ago holds everything that was open here.
    fn drop(&mut self) {
        // What fails here is given back when the last of them closes the file.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

impl Turn {
    /// Takes the turn if nobody has it.
    pub fn try_take(folder: &Path) -> io::Result<Option<Self>> {
        let path = lock_file(folder).ok_or_else(|| io::Error::other("the folder has no name"))?;
        if let Some(above) = path.parent() {
            crate::job::folders::make(above)?;
        }
        let file = File::options().create(true).append(true).mode(0o600).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { file })),
            Err(error) if error == rustix::io::Errno::WOULDBLOCK => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the turn.
    pub async fn take(folder: &Path, ambient: &Ambient) -> io::Result<Self> {
        loop {
            if let Some(turn) = Self::try_take(folder)? {
                return Ok(turn);
            }
            ambient.clock.sleep(TRY_AGAIN).await;
        }
    }
}

/// Beside the folder, so that it stays when the folder is wiped. No pipeline's folder begins with a dot.
fn lock_file(folder: &Path) -> Option<PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(folder.file_name()?);
    name.push(".lock");
    Some(folder.with_file_name(name))
}

/// Empties a folder. Links are taken away, not followed.
pub(super) fn wipe(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(io::Error::new(error.kind(), format!("{} cannot be emptied: {error}", folder.display())));
        }
    }
    crate::job::folders::make(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_jobs_at_a_time_and_links_are_not_followed() {
        let base = tempfile::tempdir().expect("a folder");
        let folder = base.path().join("agent/acme/demo");
        let first = Turn::try_take(&folder).expect("works").expect("free");
        assert!(Turn::try_take(&folder).expect("works").is_none());
        // As in a job that was begun a moment ago.
        let copy = first.file.try_clone().expect("a copy");
        drop(first);
        assert!(Turn::try_take(&folder).expect("works").is_some());
        drop(copy);
        let outside = base.path().join("outside");
        fs::create_dir(&outside).expect("made");
        fs::write(outside.join("file"), "").expect("written");
        std::os::unix::fs::symlink(&outside, &folder).expect("linked");
        wipe(&folder).expect("wiped");
        assert!(outside.join("file").exists() && folder.is_dir() && !folder.is_symlink());
    }
}
