//! What an earlier job left in the repository of a working folder, and git would obey.
//!
//! A repository's own configuration names programs (filters, helpers, the other side of a fetch), other addresses and other folders. All of it
//! was writable for the jobs before, so none of it is believed: the settings are written anew, and what can carry others is taken away. What
//! stays are objects and references, which a fetch and a forced checkout put right.

use std::{fs, io, path::Path};

/// A repository as `git init` makes it, with nothing of its own. Its format is the one whose objects are named by SHA-1.
const SETTINGS: &str =
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n";

/// What may hold settings, or lead git elsewhere.
const TAKEN_AWAY: [&str; 9] =
    ["info", "hooks", "config.worktree", "worktrees", "commondir", "gitdir", "objects/info", "refs/replace", "index"];

/// Makes an earlier job's repository plain. False when it cannot be: then the folder is to be made anew.
///
/// # Errors
/// The folder cannot be changed.
pub(super) fn make_plain(folder: &Path) -> io::Result<bool> {
    let git = folder.join(".git");
    // A file or a link in its place leads to another repository; submodules have a configuration each, which names their addresses.
    let is_own = fs::symlink_metadata(&git).is_ok_and(|it| it.is_dir());
    let has_parts = fs::symlink_metadata(git.join("modules")).is_ok();
    let objects =
        ["objects", "refs"].iter().all(|name| fs::symlink_metadata(git.join(name)).is_ok_and(|it| it.is_dir()));
    if !is_own || has_parts || !objects {
        return Ok(false);
    }
    for name in TAKEN_AWAY {
        remove(&git.join(name))?;
    }
    // Removed first: a link in its place is not written through.
    let config = git.join("config");
    remove(&config)?;
    fs::write(config, SETTINGS)?;
    Ok(true)
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(it) if it.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> tempfile::TempDir {
        let base = tempfile::tempdir().expect("a folder");
        for name in ["objects/info", "refs/heads", "refs/replace", "info", "hooks"] {
            fs::create_dir_all(base.path().join(".git").join(name)).expect("made");
        }
        base
    }

    #[test]
    fn settings_of_earlier_jobs_are_gone() {
        let base = repository();
        let git = base.path().join(".git");
        fs::write(git.join("config"), "[core]\n\tworktree = /elsewhere\n").expect("written");
        for name in
            ["info/attributes", "hooks/post-checkout", "objects/info/alternates", "config.worktree", "refs/replace/x"]
        {
            fs::write(git.join(name), "x").expect("written");
        }
        assert!(make_plain(base.path()).expect("changed"));
        assert_eq!(fs::read_to_string(git.join("config")).expect("read"), SETTINGS);
        for name in TAKEN_AWAY {
            assert!(!git.join(name).exists(), "{name}");
        }
        assert!(git.join("refs/heads").is_dir());
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let base = repository();
        let outside = base.path().join("outside");
        fs::write(&outside, "mine").expect("written");
        std::os::unix::fs::symlink(&outside, base.path().join(".git/config")).expect("linked");
        assert!(make_plain(base.path()).expect("changed"));
        assert_eq!(fs::read_to_string(outside).expect("read"), "mine");
    }

    #[test]
    fn what_leads_elsewhere_is_made_anew() {
        let base = repository();
        fs::create_dir(base.path().join(".git/modules")).expect("made");
        assert!(!make_plain(base.path()).expect("looked at"), "submodules");
        let other = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(base.path().join(".git"), other.path().join(".git")).expect("linked");
        assert!(!make_plain(other.path()).expect("looked at"), "a link");
        let file = tempfile::tempdir().expect("a folder");
        fs::write(file.path().join(".git"), "gitdir: /elsewhere").expect("written");
        assert!(!make_plain(file.path()).expect("looked at"), "a file");
    }
}
