//! `countersign key-ring`: listing, adding and removing keys.

use std::{collections::BTreeMap, path::Path, time::Duration};

use clap::{Args, Subcommand};
use countersign_control::{Control, Settings};
use countersign_domain::{KeyId, KeyRing};
use countersign_store::{Store, StoreError};
use serde::Serialize;

use crate::{
    Ambient,
    failure::{Exit, Failure, Outcome},
    flags::InstanceArgs,
    instance::{Place, over},
    output::{Printer, Table, counted},
};

/// How old the newest key must be before another is removed: until then a running server may not have read it yet, and make rows that
/// need the one before. A server looks every 2 seconds.
const SETTLED: Duration = Duration::from_secs(10);

/// List, add and remove the keys that hash tokens and seal values
#[derive(Debug, Args)]
pub struct KeyRingCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the keys, and how many rows need each
    #[command(after_help = "Example:\n  countersign key-ring list --data-dir /var/lib/countersign")]
    List(InstanceArgs),
    /// Add a key: everything new is made with it
    ///
    /// A running server reads it within seconds, without a restart, and wraps the sealed copies anew; a digest moves when its token is
    /// next used.
    #[command(after_help = "Example:\n  countersign key-ring add --data-dir /var/lib/countersign")]
    Add(InstanceArgs),
    /// Remove a key that no row needs any more
    #[command(after_help = "Example:\n  countersign key-ring remove q7XbT02a --data-dir /var/lib/countersign")]
    Remove {
        /// The key's id
        key: KeyId,
        #[command(flatten)]
        instance: InstanceArgs,
    },
}

/// A key, for programs.
#[derive(Serialize)]
struct KeyAnswer {
    id: String,
    created_at: String,
    is_newest: bool,
    rows: i64,
}

impl KeyRingCommand {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::List(instance) => list(&Place::find(&instance, &ambient.environment)?, ambient, printer).await,
            Command::Add(instance) => add(&Place::find(&instance, &ambient.environment)?, ambient, printer).await,
            Command::Remove { key, instance } => {
                remove(&Place::find(&instance, &ambient.environment)?, &key, ambient, printer).await
            }
        }
    }
}

async fn list(place: &Place, ambient: &Ambient, printer: Printer) -> Outcome {
    let ring = place.key_ring.read()?;
    let needed = needed(place, ring, ambient).await?;
    let ring = place.key_ring.read()?;
    let keys: Vec<KeyAnswer> = ring
        .created()
        .map(|(id, created_at)| KeyAnswer {
            id: id.to_string(),
            created_at: created_at.to_string(),
            is_newest: id == ring.newest(),
            rows: needed.get(id).copied().unwrap_or(0),
        })
        .collect();
    let missing: Vec<&KeyId> = needed.keys().filter(|key| !ring.has(key)).collect();
    printer.result(&keys, || {
        let mut table = Table::new(&["key", "created", "rows that need it", ""]);
        for key in &keys {
            let note = if key.is_newest { "newest" } else { "" };
            table.row([key.id.clone(), key.created_at.clone(), key.rows.to_string(), note.to_owned()]);
        }
        table.render()
    })?;
    for key in missing {
        printer.say(format_args!("key {key} is missing, and needed by {}", counted(needed[key], "row")));
    }
    Ok(Exit::Done)
}

async fn add(place: &Place, ambient: &Ambient, printer: Printer) -> Outcome {
    let id = place.key_ring.change(|ring| Ok(ring.add(ambient.clock.now(), &*ambient.entropy)))?;
    let moved = move_rows(place, ambient).await;
    printer.result(&serde_json::json!({ "id": id, "rows_moved": moved.as_ref().ok().copied().flatten() }), || {
        format!("Key {id} is the newest now.")
    })?;
    match moved {
        Ok(Some(rows)) => printer.say(format_args!(
            "{rows} rows were moved to it; a digest moves when its token is \
         next used."
        )),
        Ok(None) => printer.say(
            "The running server reads it within seconds and moves the sealed copies; a digest \
         moves when its token is next used.",
        ),
        Err(failure) => printer.say(format_args!(
            "The sealed copies could not be moved now ({failure}); the server \
         does it when it starts."
        )),
    }
    printer.say(format_args!(
        "Make a new copy of {}, apart from copies of the database.",
        place.key_ring.path().display()
    ));
    Ok(Exit::Done)
}

/// Moves rows to the newest key, unless somebody else has the database; then that server does it.
async fn move_rows(place: &Place, ambient: &Ambient) -> Outcome<Option<u64>> {
    let store = match Store::open(place.options(ambient)).await {
        Ok(store) => store,
        Err(StoreError::FolderInUse { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let control = over(store, place.key_ring.read()?, ambient, Settings::default());
    let moved = control.move_to_newest_key().await;
    control.store().close().await;
    Ok(Some(moved?))
}

async fn remove(place: &Place, key: &KeyId, ambient: &Ambient, printer: Printer) -> Outcome {
    let ring = place.key_ring.read()?;
    // Looked at before the rows are counted, and said after: what rows need keeps a key for longer.
    let settled = refuse_unsettled(&ring, ambient, place.key_ring.path());
    let needed = needed(place, ring, ambient).await?;
    if let Some(rows) = needed.get(key).filter(|rows| **rows > 0) {
        return Err(Failure::conflict(format!(
            "key {key} is needed by {}, so it stays. Sealed copies move to a new key by themselves; a digest moves when its token is next used, a \
             password when its person next signs in, and links to sign in and invitations are over by themselves. Rotate or revoke tokens that \
             nobody uses, and make those who sign in no more a link",
            counted(*rows, "row")
        )));
    }
    settled?;
    place.key_ring.change(|ring| {
        ring.remove(key).map_err(|error| {
            let exit = match &error {
                countersign_domain::keyring::CannotRemove::Unknown(_) => Exit::NotFound,
                countersign_domain::keyring::CannotRemove::Newest(_) => Exit::Conflict,
            };
            Failure::new(exit, error)
        })
    })?;
    printer.result(&serde_json::json!({ "id": key }), || format!("Key {key} was removed."))?;
    Ok(Exit::Done)
}

fn refuse_unsettled(ring: &KeyRing, ambient: &Ambient, path: &Path) -> Outcome<()> {
    let newest = ring.created().find(|(id, _)| *id == ring.newest());
    if let Some((id, created_at)) = newest
        && ambient.clock.now().since(created_at) < SETTLED
    {
        return Err(Failure::conflict(format!(
            "key {id} of {} was added a moment ago, and a running server may not have read it yet; try again in {} \
             seconds",
            path.display(),
            SETTLED.as_secs()
        )));
    }
    Ok(())
}

/// How many rows need each key.
async fn needed(place: &Place, ring: KeyRing, ambient: &Ambient) -> Outcome<BTreeMap<KeyId, i64>> {
    let control: Control = over(place.open_beside(ambient).await?, ring, ambient, Settings::default());
    let needed = control.needed_keys().await;
    control.store().close().await;
    Ok(needed?)
}
