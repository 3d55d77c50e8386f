//! One server per database.
//!
//! On SQLite the data folder's lock sees to it. On PostgreSQL a server keeps one session open for as long as it runs, and on
//! it an advisory lock: the database itself gives the lock back the moment the process or its machine is gone, so that a
//! restart after a crash need not wait. The row `server_lease` says who holds it and until when it was last renewed.
//! When the session ends, the server is *fenced* at once: nothing is read or written, and no cached credential may be
//! trusted, until it holds the lock again and no other has held it in between.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use countersign_domain::{Clock, Timestamp};
use futures_util::future::{self, Either};
use tokio::sync::Mutex;
use tokio_postgres::{Client, error::SqlState};

use super::{
    error::StoreError,
    postgres::{self, Postgres, Session},
    sql::Sql,
};

/// How long a lease lasts unless it is renewed.
pub const LEASE_TIME: Duration = Duration::from_secs(15);
/// How often a lease is renewed, and how long one renewal may take.
pub const RENEW_EVERY: Duration = Duration::from_secs(5);

/// How often a fenced server tries to get its lease back.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// The advisory lock of the one server; any number that nobody else uses.
const SERVER_LOCK: i64 = 0x636F_756E_7465_7202;
/// The lease's name in `server_lease`.
const SERVER: &str = "server";

/// A server that was killed a moment ago still has its session until the database has noticed; that long is waited for it.
const PATIENCE: &str = "SET lock_timeout = 2000";
const LOCK: &str = "SELECT pg_advisory_lock($1)";
const FIND: &str = "SELECT holder, expires_at, note FROM server_lease WHERE name = $1";
const TAKE: &str = "INSERT INTO server_lease (name, holder, expires_at, note) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at, note = excluded.note";
const RENEW: &str = "UPDATE server_lease SET expires_at = $3 WHERE name = $1 AND holder = $2";
const RELEASE: &str = "DELETE FROM server_lease WHERE name = $1 AND holder = $2";

/// Who asks for the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Random, and new for each start of a server.
    pub id: [u8; 16],
    /// For people: host name and process, such as `ci-1.example.com, process 4711`.
    pub note: String,
}

/// A store's own lease, if it has asked for one.
#[derive(Default)]
pub(super) struct Lease {
    held: Mutex<Option<Held>>,
    fenced: AtomicBool,
}

struct Held {
    holder: Holder,
    session: Option<Session>,
}

impl Lease {
    /// Whether a lease was taken and is not held now.
    pub(super) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    /// Takes the lease.
    pub(super) async fn acquire(&self, postgres: &Postgres, holder: Holder) -> Result<(), StoreError> {
        let session = take(postgres, &holder, false).await?;
        *self.held.lock().await = Some(Held { holder, session: Some(session) });
        self.fenced.store(false, Ordering::Release);
        Ok(())
    }

    /// Renews the lease once, and takes it again if its session was lost and nobody else has held it since.
    pub(super) async fn renew(&self, postgres: &Postgres) -> Result<(), StoreError> {
        let mut held = self.held.lock().await;
        let held = held.as_mut().ok_or(StoreError::LeaseLost)?;
        let outcome = match &held.session {
            Some(session) => {
                let renewal = renew(&session.client, &held.holder, postgres.clock());
                tokio::time::timeout(RENEW_EVERY, renewal)
                    .await
                    .unwrap_or_else(|_| Err(StoreError::unavailable("the lease could not be renewed in time")))
            }
            None => match take(postgres, &held.holder, true).await {
                Ok(session) => {
                    held.session = Some(session);
                    Ok(())
                }
                Err(error) => Err(error),
            },
        };
        if outcome.is_err() {
            held.session = None;
        }
        self.fenced.store(outcome.is_err(), Ordering::Release);
        outcome
    }

    /// Renews for as long as it can; answers why it no longer can.
    pub(super) async fn keep(&self, postgres: &Postgres) -> StoreError {
        loop {
            let lost = {
                let session =
                    self.held.lock().await.as_ref().and_then(|held| held.session.as_ref().map(Session::ended));
                match session {
                    Some(ended) => {
                        let sleep = postgres.clock().sleep(RENEW_EVERY);
                        matches!(future::select(ended, sleep).await, Either::Left(_))
                    }
                    None => {
                        postgres.clock().sleep(RETRY_EVERY).await;
                        false
                    }
                }
            };
            if lost {
                self.fenced.store(true, Ordering::Release);
                tracing::warn!(
                    "the session that holds this server's lease has ended; nothing is served until it is held again"
                );
                if let Some(held) = self.held.lock().await.as_mut() {
                    held.session = None;
                }
            }
            match self.renew(postgres).await {
                Ok(()) => {}
                Err(error @ (StoreError::LeaseHeld { .. } | StoreError::LeaseLost)) => return error,
                Err(error) => tracing::warn!(%error, "the lease on the database could not be renewed"),
            }
        }
    }

    /// Gives the lease back.
    pub(super) async fn release(&self) -> Result<(), StoreError> {
        let Some(held) = self.held.lock().await.take() else { return Ok(()) };
        let Some(session) = held.session else { return Ok(()) };
        session
            .client
            .execute(RELEASE, &[&SERVER, &held.holder.id.as_slice()])
            .await
            .map(drop)
            .map_err(|error| failed(&error))
    }
}

/// Connects, locks and signs. With `again`, only if the row still names this holder.
async fn take(postgres: &Postgres, holder: &Holder, again: bool) -> Result<Session, StoreError> {
    let session = postgres.server().connect().await?;
    let client = &session.client;
    client.batch_execute(PATIENCE).await.map_err(|error| failed(&error))?;
    let locked = match client.execute(LOCK, &[&SERVER_LOCK]).await {
        Ok(_) => true,
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => false,
        Err(error) => return Err(failed(&error)),
    };
    let row = client.query_opt(FIND, &[&SERVER]).await.map_err(|error| failed(&error))?;
    let is_ours = row.as_ref().is_some_and(|row| row.get::<_, &[u8]>("holder") == holder.id);
    if !locked && is_ours {
        return Err(StoreError::unavailable(
            "the database has not yet noticed that this server's last session is gone",
        ));
    }
    if !locked {
        // Without a row the holder has only just locked and not yet signed.
        let (until, note) = row.map_or_else(
            || (postgres.clock().now().plus(LEASE_TIME), String::from("which is just starting")),
            |row| (Timestamp::from_micros(row.get("expires_at")), row.get("note")),
        );
        return Err(StoreError::LeaseHeld { note, until });
    }
    if again && !is_ours {
        return Err(StoreError::LeaseLost);
    }
    let until = postgres.clock().now().plus(LEASE_TIME).as_micros();
    client
        .execute(TAKE, &[&SERVER, &holder.id.as_slice(), &until, &holder.note])
        .await
        .map_err(|error| failed(&error))?;
    Ok(session)
}

async fn renew(client: &Client, holder: &Holder, clock: &dyn Clock) -> Result<(), StoreError> {
    let until = clock.now().plus(LEASE_TIME).as_micros();
    match client.execute(RENEW, &[&SERVER, &holder.id.as_slice(), &until]).await.map_err(|error| failed(&error))? {
        1 => Ok(()),
        _ => Err(StoreError::LeaseLost),
    }
}

fn failed(error: &tokio_postgres::Error) -> StoreError {
    postgres::meaning(error, Sql { name: "the server's lease", text: "" })
}
