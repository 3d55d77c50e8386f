//! The saved profile: which server, and as whom. `countersign login` writes it, readable by its owner alone.

use std::path::PathBuf;

use countersign_agent::Environment;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    failure::{Failure, Outcome},
    private_file::{self, PrivateFileError},
};

/// The file, below the folder of configurations.
const FILE: &str = "countersign/profile.json";

/// What is saved.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The server's address.
    pub server: String,
    /// The user token's value.
    pub user_token: String,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Profile {
    /// Where the profile is.
    ///
    /// # Errors
    /// There is no home folder.
    pub fn path(environment: &Environment) -> Outcome<PathBuf> {
        let config = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || environment.get("HOME").map(|home| PathBuf::from(home).join(".config"));
        let folder = config.or_else(home);
        folder
            .map(|folder| folder.join(FILE))
            .ok_or_else(|| Failure::bad_input("HOME is not set, so there is no place for a profile"))
    }

    /// The saved profile, if there is one.
    ///
    /// # Errors
    /// It is open to others or cannot be read.
    pub fn load(environment: &Environment) -> Outcome<Option<Self>> {
        let Ok(path) = Self::path(environment) else { return Ok(None) };
        let text = match private_file::read(&path) {
            Ok(text) => text,
            Err(PrivateFileError::Missing(_)) => return Ok(None),
            Err(error) => return Err(Failure::bad_input(error).about("the saved profile")),
        };
        serde_json::from_str(&text).map(Some).map_err(|_| {
            Failure::bad_input(format!(
                "the saved profile {} is not readable; run countersign login again",
                path.display()
            ))
        })
    }

    /// Saves it in the place of what is there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, environment: &Environment) -> Outcome<PathBuf> {
        let path = Self::path(environment)?;
        let text = zeroize::Zeroizing::new(serde_json::to_string_pretty(self).map_err(Failure::internal)?);
        private_file::make_folder(&path)
            .and_then(|()| private_file::replace(&path, &text))
            .map_err(|error| Failure::unavailable(error).about("the profile cannot be saved"))?;
        Ok(path)
    }

    /// Removes it. Answers whether there was one.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn forget(environment: &Environment) -> Outcome<bool> {
        let path = Self::path(environment)?;
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Failure::unavailable(format!("{}: {error}", path.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_saved_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let environment: Environment =
            [("XDG_CONFIG_HOME", folder.path().to_str().expect("UTF-8"))].into_iter().collect();
        assert!(Profile::load(&environment).expect("nothing is no fault").is_none());
        let profile = Profile { server: "http://s".to_owned(), user_token: "csnut_secret".to_owned() };
        assert!(!format!("{profile:?}").contains("secret"));
        let path = profile.save(&environment).expect("saved");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        let loaded = Profile::load(&environment).expect("reads").expect("there");
        assert_eq!(loaded.user_token, "csnut_secret");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
        assert!(Profile::load(&environment).expect_err("open to others").message.contains("chmod 600"));
        assert!(Profile::forget(&environment).expect("removed"));
        assert!(!Profile::forget(&environment).expect("nothing to remove"));
    }
}
