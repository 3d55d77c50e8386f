//! Snapshots that come whole inside a call, from agents that send no bytes to signed addresses.

use std::sync::Arc;

use bytes::Bytes;
use countersign_domain::dagster::{SnapshotKind, pack};
use countersign_domain::id::DagsterSnapshotId;

use crate::access::actions::TellCodeLocation;
use crate::artifacts::places::Place;
use crate::{Control, Error, Grant, Result};

use super::snapshots::{Checked, NewSnapshot, sha1};

/// A snapshot, not packed.
#[derive(Debug, Clone)]
pub struct Whole {
    /// Of which deployment, by name.
    pub deployment: String,
    /// Of what.
    pub kind: SnapshotKind,
    /// What it is.
    pub text: String,
}

/// A place for one call that snapshots come with: few are held in memory at a time. It is taken before anything is read.
///
/// Whoever works on what came holds a clone, so that one who hangs up has the place no sooner.
#[derive(Debug, Clone)]
pub struct Room {
    _place: Arc<Place<DagsterSnapshotId>>,
}

impl Control {
    /// Waits for such a place.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when none is free for a while, and where no bytes are kept.
    pub async fn room_for_dagster_snapshots(&self, grant: &Grant<TellCodeLocation>) -> Result<Room> {
        self.blobs()?;
        let place = self.entry_place(self.fresh_id(), grant.organization()).await?;
        Ok(Room { _place: Arc::new(place) })
    }

    /// Keeps a snapshot, unless it is there.
    ///
    /// # Errors
    /// As [`Control::check_dagster_snapshot`]; [`Error::Invalid`] at `snapshot` for one that is too large once it is packed.
    pub async fn keep_dagster_snapshot(
        &self,
        grant: &Grant<TellCodeLocation>,
        room: &Room,
        whole: Whole,
    ) -> Result<Checked> {
        let Whole { deployment, kind, text } = whole;
        let size = i64::try_from(text.len()).unwrap_or(i64::MAX);
        let room = room.clone();
        let packing = tokio::task::spawn_blocking(move || {
            let packed = pack(text.as_bytes()).map(|packed| (sha1(text.as_bytes()), packed));
            drop(room);
            packed
        });
        let packed = packing.await.map_err(|_| Error::internal("a snapshot was not packed to its end"))?;
        let (sha1, packed) = packed.map_err(|fault| Error::internal(format!("a snapshot was not packed: {fault}")))?;
        let new = NewSnapshot { deployment: deployment.clone(), kind: kind.to_string(), sha1, size };
        let checked = self.check_dagster_snapshot(grant, new).await?;
        let awaited = checked.snapshot.as_ref().filter(|it| it.stored_at.is_none()).map(|it| it.id);
        let Some(id) = awaited else { return Ok(checked) };
        if let Some(incoming) = self.incoming(id).await? {
            if packed.len() > incoming.most() {
                let why = format!("has more than the {} bytes that are taken of it, packed", incoming.most());
                return Err(Error::invalid("snapshot", why));
            }
            incoming.finish(Bytes::from(packed)).await?;
        }
        self.confirm_dagster_snapshot(grant, deployment, id).await
    }
}
