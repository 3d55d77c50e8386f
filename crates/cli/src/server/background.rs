//! What a server does by itself: keeping house, writing what has gathered in memory, reading a changed key ring.

use std::time::Duration;

use countersign_control::{Control, Error};
use countersign_store::BoxFuture;
use tokio::{signal::unix::SignalKind, sync::watch, task::JoinSet};

use super::signals;
use crate::{instance::Place, key_ring_file::KeyRingFile, private_file};

/// How often the key ring's file is looked at.
pub const KEY_RING_LOOK: Duration = Duration::from_secs(2);
/// How often the signing keys are looked at: the next one is made a day before it is needed.
const SIGNING_KEY_LOOK: Duration = Duration::from_secs(600);
/// How long the last round may take at the end.
const LAST_ROUND: Duration = Duration::from_secs(10);

/// One round of something.
type Work = fn(Control) -> BoxFuture<'static, Result<(), Error>>;

/// The tasks that run beside the server.
pub struct Background {
    tasks: JoinSet<()>,
}

/// Starts them; they end when `stopping` becomes true.
pub fn start(control: &Control, place: &Place, stopping: watch::Receiver<bool>) -> Background {
    let mut tasks = JoinSet::new();
    let settings = control.settings();
    let sweep: Work = |control| Box::pin(async move { control.sweep().await.map(drop) });
    let flush: Work = |control| Box::pin(async move { control.flush_usage().await });
    let keeping = again_and_again(control.clone(), settings.sweep_interval, stopping.clone(), "keeping house", sweep);
    let writing =
        again_and_again(control.clone(), settings.flush_interval, stopping.clone(), "writing what has gathered", flush);
    let keys: Work = |control| Box::pin(async move { control.keep_oidc_keys().await.map(drop) });
    tasks.spawn(again_and_again(control.clone(), SIGNING_KEY_LOOK, stopping.clone(), "keeping signing keys", keys));
    tasks.spawn(keeping);
    tasks.spawn(writing);
    tasks.spawn(watch_key_ring(control.clone(), place.key_ring.clone(), stopping));
    Background { tasks }
}

impl Background {
    /// Waits for them, and then writes what is left in memory and seals the audit log.
    pub async fn end(mut self, control: &Control) {
        while self.tasks.join_next().await.is_some() {}
        let last = async {
            control.flush_usage().await?;
            control.seal_audit().await.map(drop)
        };
        match tokio::time::timeout(LAST_ROUND, last).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "what was left in memory could not be written"),
            Err(_) => tracing::warn!("what was left in memory could not be written in time"),
        }
    }
}

/// Does the same again and again. A failure is told once, and once more when it is over.
async fn again_and_again(
    control: Control,
    every: Duration,
    mut stopping: watch::Receiver<bool>,
    what: &'static str,
    work: Work,
) {
    let mut failing = false;
    loop {
        tokio::select! {
            () = control.clock().sleep(every) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        match work(control.clone()).await {
            Ok(()) if failing => {
                tracing::info!("{what} works again");
                failing = false;
            }
            Ok(()) => {}
            Err(Error::Internal(error)) => {
                if !failing {
                    tracing::error!(%error, "{what} failed; it is tried again");
                }
                failing = true;
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "{what} failed; it is tried again");
                }
                failing = true;
            }
        }
    }
}

/// Takes up a key ring that was changed: on SIGHUP, or when the file is another one.
async fn watch_key_ring(control: Control, file: KeyRingFile, mut stopping: watch::Receiver<bool>) {
    let mut hangup = match signals::of(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(failure) => {
            tracing::error!(error = %failure, "the key ring is not reloaded");
            return;
        }
    };
    let mut seen = private_file::stamp(file.path());
    // What an earlier server did not come to the end of.
    move_to_newest_key(&control).await;
    loop {
        let asked = tokio::select! {
            () = control.clock().sleep(KEY_RING_LOOK) => false,
            _ = hangup.recv() => true,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let now = private_file::stamp(file.path());
        if (asked || now != seen) && reload(&control, &file).await {
            seen = now;
        }
    }
}

/// Nothing changes when the new ring cannot be used: the server goes on with the keys that it has. False when it could not be told whether
/// the ring can be used: then it is tried again.
async fn reload(control: &Control, file: &KeyRingFile) -> bool {
    let ring = match file.read() {
        Ok(ring) => ring,
        Err(failure) => {
            tracing::error!(error = %failure, "the key ring has changed and cannot be used; going on with the keys \
             from before");
            return true;
        }
    };
    match control.needed_keys().await {
        Ok(needed) => {
            let missing: Vec<String> = needed
                .iter()
                .filter(|(key, _)| !ring.has(key))
                .map(|(key, rows)| format!("{key} ({rows} rows)"))
                .collect();
            if !missing.is_empty() {
                tracing::error!(
                    missing = missing.join(", "),
                    "the key ring has changed and lacks keys that rows need; going on with the keys from before"
                );
                return true;
            }
        }
        Err(error) => {
            tracing::warn!(%error, "the key ring has changed, and which keys are needed cannot be told now; going on \
             with those from before");
            return false;
        }
    }
    let (newest, keys) = (ring.newest().clone(), ring.ids().len());
    control.set_keys(ring);
    tracing::info!(%newest, keys, "the key ring was read again");
    move_to_newest_key(control).await;
    true
}

async fn move_to_newest_key(control: &Control) {
    match control.move_to_newest_key().await {
        Ok(0) => {}
        Ok(moved) => tracing::info!(moved, "rows were moved to the newest key"),
        Err(error) => {
            tracing::warn!(%error, "rows could not be moved to the newest key; it is tried again at the next start");
        }
    }
}
