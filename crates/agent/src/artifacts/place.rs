//! Where a download is put: below the destination, through no link, and there at once when it is whole.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use countersign_domain::artifact::ArtifactPath;
use rustix::fs::{self, AtFlags, CWD, Mode, OFlags};

use crate::{AgentError, ErrorKind};

/// For folders that are made on the way, less what the process's mask takes away.
const FOLDER: u32 = 0o777;
/// For files.
const FILE: u32 = 0o666;

/// Where files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    folder: PathBuf,
    /// The file's name, when the destination names the file and not the folder.
    name: Option<OsString>,
}

impl Destination {
    /// What the user wrote, for this many files. One that ends in a slash, is `.` or is a folder is a folder; else it is the name for one file.
    pub fn new(text: &str, files: usize) -> Self {
        let path = Path::new(text);
        let is_folder = text.is_empty() || text.ends_with('/') || files != 1 || path.is_dir();
        match path.file_name().filter(|_| !is_folder) {
            Some(name) => {
                let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
                Self { folder: folder.to_owned(), name: Some(name.to_owned()) }
            }
            None if text.is_empty() => Self { folder: PathBuf::from("."), name: None },
            None => Self { folder: path.to_owned(), name: None },
        }
    }
}

/// A place below the destination, whose folders are there.
pub(super) struct Place {
    folder: OwnedFd,
    name: OsString,
    part: OsString,
    shown: PathBuf,
}

impl Place {
    /// Makes the folders that lead to an artifact's place. `id` tells its unfinished part from others.
    pub fn make(destination: &Destination, path: &str, id: &str) -> Result<Self, AgentError> {
        let path = ArtifactPath::parse(path)
            .map_err(|why| AgentError::bad_input(format!("the artifact {path:?} is not downloaded: its path {why}")))?;
        let failed = |error: io::Error, place: &Path| {
            let link = [Some(rustix::io::Errno::LOOP.raw_os_error()), Some(rustix::io::Errno::NOTDIR.raw_os_error())];
            let what = if link.contains(&error.raw_os_error()) {
                "a link or a file stands there, and no download goes through it".to_owned()
            } else {
                error.to_string()
            };
            AgentError::new(ErrorKind::Internal, format!("{}: {what}", place.display()))
        };
        // The destination itself is the user's word, links and all; from there on the artifact's path leads.
        std::fs::create_dir_all(&destination.folder).map_err(|error| failed(error, &destination.folder))?;
        let open = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let mut folder = fs::openat(CWD, &destination.folder, open, Mode::empty())
            .map_err(|error| failed(error.into(), &destination.folder))?;
        let mut shown = destination.folder.clone();
        let name = match &destination.name {
            Some(name) => name.clone(),
            None => {
                let mut names: Vec<&str> = path.as_str().split('/').collect();
                let name = names.pop().unwrap_or_default();
                for part in names {
                    shown.push(part);
                    match fs::mkdirat(&folder, part, Mode::from_raw_mode(FOLDER)) {
                        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                        Err(error) => return Err(failed(error.into(), &shown)),
                    }
                    folder = fs::openat(&folder, part, open | OFlags::NOFOLLOW, Mode::empty())
                        .map_err(|error| failed(error.into(), &shown))?;
                }
                OsString::from(name)
            }
        };
        shown.push(&name);
        Ok(Self { folder, part: format!(".countersign-{id}.part").into(), name, shown })
    }

    /// Where it is, for people.
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// Opens the unfinished part, which an earlier download may have left, for this process alone.
    pub fn open_part(&self) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(fs::openat(&self.folder, &self.part, flags, Mode::from_raw_mode(FILE))?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("the unfinished part is not a plain file"));
        }
        file.try_lock().map_err(|_| io::Error::other("another download of it is under way"))?;
        Ok(file)
    }

    /// The part is whole: it takes its place. A link that stands there is replaced, not followed.
    pub fn finish(&self) -> io::Result<()> {
        Ok(fs::renameat(&self.folder, &self.part, &self.folder, &self.name)?)
    }

    /// The part is of no use.
    pub fn remove_part(&self) {
        if let Err(error) = fs::unlinkat(&self.folder, &self.part, AtFlags::empty()) {
            tracing::debug!(%error, "an unfinished part could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_destination_names_a_folder_or_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let there = folder.path().display().to_string();
        let of = |text: &str, files| {
            let found = Destination::new(text, files);
            (found.folder.display().to_string(), found.name.map(|name| name.to_string_lossy().into_owned()))
        };
        assert_eq!(of(".", 1), (".".to_owned(), None));
        assert_eq!(of("", 1), (".".to_owned(), None));
        assert_eq!(of("out/", 1), ("out/".to_owned(), None));
        assert_eq!(of("out", 2), ("out".to_owned(), None));
        assert_eq!(of(&there, 1), (there, None));
        assert_eq!(of("out/new.txt", 1), ("out".to_owned(), Some("new.txt".to_owned())));
        assert_eq!(of("new.txt", 1), (".".to_owned(), Some("new.txt".to_owned())));
    }

    fn put(destination: &Path, path: &str) -> Result<PathBuf, String> {
        let destination = Destination::new(&format!("{}/", destination.display()), 1);
        let place = Place::make(&destination, path, "1").map_err(|error| error.to_string())?;
        let mut part = place.open_part().map_err(|error| error.to_string())?;
        part.write_all(b"x").expect("written");
        place.finish().map_err(|error| error.to_string())?;
        Ok(place.shown().to_owned())
    }

    #[test]
    fn nothing_leaves_the_destination() {
        let outside = tempfile::tempdir().expect("a folder");
        let inside = tempfile::tempdir().expect("a folder");
        let target = outside.path().join("target.txt");
        fs::write(&target, "untouched").expect("written");
        symlink(outside.path(), inside.path().join("way")).expect("linked");
        symlink(&target, inside.path().join("link.txt")).expect("linked");
        fs::write(inside.path().join("file"), "").expect("written");
        for bad in ["../x", "/x", "a/../../x", "a\\..\\x", "", "NUL", "x\0"] {
            assert!(put(inside.path(), bad).is_err(), "{bad:?}");
        }
        assert!(put(inside.path(), "way/x.txt").expect_err("a link").contains("link"));
        assert!(put(inside.path(), "file/x.txt").expect_err("a file").contains("stands there"));
        put(inside.path(), "link.txt").expect("the link is replaced");
        assert_eq!(fs::read_to_string(&target).expect("reads"), "untouched");
        assert_eq!(fs::read_dir(outside.path()).expect("lists").count(), 1);
        let good = put(inside.path(), "a/b/c.txt").expect("put");
        assert_eq!(fs::read_to_string(good).expect("reads"), "x");
        symlink(&target, inside.path().join(".countersign-1.part")).expect("linked");
        assert!(put(inside.path(), "d.txt").is_err(), "a part that is a link is not written to");
    }
}
