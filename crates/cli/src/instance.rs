//! This machine's instance: the rows and the key ring that a command works on.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use countersign_agent::Environment;
use countersign_control::{Control, Settings};
use countersign_domain::KeyRing;
use countersign_store::{Database, Options, Store, StoreError};

use crate::{
    Ambient,
    failure::{Failure, Outcome},
    flags::InstanceArgs,
    key_ring_file::{self, KeyRingFile},
    private_file,
};

/// Where an instance is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The rows.
    pub database: Database,
    /// The keys.
    pub key_ring: KeyRingFile,
    /// The folder of artifacts, unless the server is told of another place.
    pub blobs: PathBuf,
}

impl Place {
    /// From what was given and from where things are by default.
    ///
    /// # Errors
    /// Nothing was given and there is no home folder.
    pub fn find(given: &InstanceArgs, environment: &Environment) -> Outcome<Self> {
        let folder = given.data_dir.clone().or_else(|| default_folder(environment)).ok_or_else(|| {
            Failure::bad_input("no data folder was named and HOME is not set; use --data-dir or COUNTERSIGN_DATA_DIR")
        })?;
        let database = match &given.database_url {
            Some(given) => Database::Postgres { url: database_url(given)? },
            None => Database::Sqlite { folder: folder.clone() },
        };
        let ring = given.key_ring_file.clone().unwrap_or_else(|| folder.join(key_ring_file::FILE_NAME));
        Ok(Self { database, key_ring: KeyRingFile::at(ring), blobs: folder.join("blobs") })
    }

    /// What the store is opened with.
    #[must_use]
    pub fn options(&self, ambient: &Ambient) -> Options {
        Options::new(self.database.clone(), ambient.clock.clone())
    }

    /// Opens the rows to work on them alone.
    ///
    /// # Errors
    /// Not set up, in use, of a newer version, or not to be reached.
    pub async fn open(&self, ambient: &Ambient) -> Outcome<Store> {
        Ok(Store::open(self.options(ambient)).await?)
    }

    /// Opens the rows for reading, beside a server that may be running.
    ///
    /// # Errors
    /// Not set up, of a newer version, or not to be reached.
    pub async fn open_beside(&self, ambient: &Ambient) -> Outcome<Store> {
        Ok(Store::open_beside(self.options(ambient)).await?)
    }

    /// The system over the rows, alone on them, with every key that they need.
    ///
    /// # Errors
    /// As [`Place::open`]; the key ring cannot be read, or lacks a key.
    pub async fn control(&self, ambient: &Ambient, settings: Settings) -> Outcome<Control> {
        // The ring first: without it nothing is opened, locked or migrated.
        let ring = self.key_ring.read();
        let ring = match ring {
            Ok(ring) => ring,
            Err(missing) => {
                // What is not set up has no key ring either, and that is the better thing to say.
                if let Err(error @ StoreError::NotSetUp { .. }) = Store::open_beside(self.options(ambient)).await {
                    return Err(error.into());
                }
                return Err(missing);
            }
        };
        let store = self.open(ambient).await?;
        let control = over(store, ring, ambient, settings);
        match every_key_is_there(&control).await {
            Ok(()) => Ok(control),
            Err(failure) => {
                control.store().close().await;
                Err(failure)
            }
        }
    }

    /// The system over the rows, for reading beside a server.
    ///
    /// # Errors
    /// As [`Place::open_beside`]; the key ring cannot be read.
    pub async fn control_beside(&self, ambient: &Ambient) -> Outcome<Control> {
        let store = self.open_beside(ambient).await?;
        Ok(over(store, self.key_ring.read()?, ambient, Settings::default()))
    }
}

/// The system over an open store.
#[must_use]
pub fn over(store: Store, ring: KeyRing, ambient: &Ambient, settings: Settings) -> Control {
    Control::new(store, ring, Arc::clone(&ambient.clock), Arc::clone(&ambient.entropy), settings)
}

/// Refuses to go on without a key that rows need.
///
/// # Errors
/// It names the keys, and how many rows need each.
pub async fn every_key_is_there(control: &Control) -> Outcome<()> {
    let missing = control.missing_keys().await?;
    if missing.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = missing.iter().map(|(key, rows)| format!("{key} ({rows} rows)")).collect();
    Err(Failure::conflict(format!(
        "the key ring lacks keys that rows of the database need: {}. Put back the key ring file that holds them; \
         without them \
         these tokens cannot be checked",
        list.join(", ")
    )))
}

/// The address that was given, or that a private file holds: it may have a password in it.
///
/// # Errors
/// The file cannot be read, or others may read it; or it is no address of PostgreSQL.
pub fn database_url(given: &str) -> Outcome<String> {
    let Some(path) = given.strip_prefix("file://") else { return of_postgres(given) };
    let text = private_file::read(Path::new(path))
        .map_err(|error| Failure::bad_input(error).about("the database's address"))?;
    of_postgres(text.trim())
}

/// Checks how an address begins. The message leaves the address out: it may hold a password.
fn of_postgres(address: &str) -> Outcome<String> {
    if ["postgres://", "postgresql://"].iter().any(|scheme| address.starts_with(scheme)) {
        return Ok(address.to_owned());
    }
    Err(Failure::bad_input("the database's address (--database-url) must begin with postgres:// or postgresql://"))
}

/// Where the data folder is when nothing else was said.
fn default_folder(environment: &Environment) -> Option<PathBuf> {
    let data = environment.get("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || environment.get("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    data.or_else(home).map(|data| data.join("countersign"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_home_folder() {
        let home: Environment = [("HOME", "/home/ada")].into_iter().collect();
        let place = Place::find(&InstanceArgs::default(), &home).expect("a place");
        assert_eq!(place.key_ring.path(), std::path::Path::new("/home/ada/.local/share/countersign/key-ring"));
        let given = InstanceArgs {
            data_dir: Some("/data".into()),
            database_url: Some("postgres://db/x".to_owned()),
            key_ring_file: Some("/keys/ring".into()),
        };
        let place = Place::find(&given, &home).expect("a place");
        assert!(matches!(place.database, Database::Postgres { .. }));
        assert_eq!(place.key_ring.path(), std::path::Path::new("/keys/ring"));
        assert!(Place::find(&InstanceArgs::default(), &Environment::default()).is_err());
        assert_eq!(database_url("postgres://db/x"), Ok("postgres://db/x".to_owned()));
        for wrong in ["", "mysql://u:secret@h/x", "localhost/x", "postgres:/x"] {
            let failure = database_url(wrong).expect_err(wrong);
            assert_eq!(failure.exit, crate::Exit::BadInput);
            assert!(failure.message.contains("postgresql://") && !failure.message.contains("secret"), "{failure}");
        }
        let missing = database_url("file:///nowhere/url").expect_err("no such file");
        assert!(missing.message.contains("/nowhere/url"), "{missing}");
    }
}
