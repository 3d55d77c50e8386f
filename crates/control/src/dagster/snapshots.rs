//! Snapshots of code locations: asked for before they are sent, sent to a signed address, and confirmed.
//!
//! ```text
//! check ── not stored ──> signed address ── bytes, unpacked and compared ──> stored ── confirm ──> told of with its code location
//! ```

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, digest};
use bytes::Bytes;
use countersign_domain::dagster::{
    BadPacked, MAX_SNAPSHOT, MAX_SNAPSHOT_PACKED, SnapshotKind, jobs_of, most_packed, unpack_each, unpack_text,
};
use countersign_domain::id::{DagsterSnapshotId, OrganizationId, TokenId};
use countersign_domain::text::hex;
use countersign_store::blobs::Announced;
use countersign_store::dagster_snapshots::{self, Snapshot, USE_NOTED};
use countersign_store::deployments::{self, Deployment};
use countersign_store::{Lane, StoreError, Turn, Tx};

use crate::access::actions::{MoveArtifacts, TellCodeLocation};
use crate::artifacts::address::{Purpose, Signature, UPLOAD_TIME, refused};
use crate::artifacts::places::Place;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::reach::{self, Reached, Wanted};

/// The most snapshots of one deployment.
pub const MAX_SNAPSHOTS: i64 = 20_000;
/// The most bytes that the snapshots of one deployment are together, packed.
pub const MAX_SNAPSHOT_BYTES: i64 = 2 * 1024 * 1024 * 1024;
/// The most snapshots that one token announces in a deployment before they come.
pub const MAX_ANNOUNCED: i64 = 1_000;
/// The most bytes that they may be together, packed: a quarter of [`MAX_SNAPSHOT_BYTES`], or one token would take all others their place.
pub const MAX_ANNOUNCED_BYTES: i64 = MAX_SNAPSHOT_BYTES / 4;
/// The most bytes of why a code location could not be loaded, once it is unpacked.
pub const MAX_ERROR_SNAPSHOT: usize = 1024 * 1024;
/// How long a snapshot is kept that no code location was loaded with, after it was last asked for.
pub const UNUSED_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long a snapshot is waited for, after it was last announced: its address is good for [`UPLOAD_TIME`], and an upload that began then ends well
/// within the rest, before anybody removes what it writes.
pub const ANNOUNCED_KEPT: Duration = UPLOAD_TIME.saturating_add(Duration::from_secs(10 * 60));
/// When an agent that meets no room tries again. Room may come at any time, and its client waits for as long as it is told before it says anything.
const FULL_RETRY: Duration = Duration::from_secs(60);
/// What stands before a snapshot's id where agents name it.
const PLACE: &str = "snapshots/";

/// A snapshot that an agent has.
#[derive(Debug, Clone)]
pub struct NewSnapshot {
    /// Of which deployment, by name.
    pub deployment: String,
    /// Of what: `error`, `repository` or `job`.
    pub kind: String,
    /// SHA-1 before it is packed, 40 lower-case hexadecimal digits.
    pub sha1: String,
    /// Bytes before it is packed.
    pub size: i64,
}

/// What is known of a snapshot.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What the token reaches of the deployment; when that is nothing, there is no snapshot.
    pub reached: Reached,
    /// The snapshot.
    pub snapshot: Option<Snapshot>,
    /// Where its bytes are to be sent, packed as a zlib stream; none once they are there.
    pub address: Option<String>,
}

impl Checked {
    const fn refused(reached: Reached) -> Self {
        Self { reached, snapshot: None, address: None }
    }
}

/// How agents name a snapshot.
#[must_use]
pub fn uri(id: DagsterSnapshotId) -> String {
    format!("{PLACE}{id}")
}

/// The snapshot that an agent names.
///
/// # Errors
/// [`Error::Invalid`] at `uri`.
pub fn named(uri: &str) -> Result<DagsterSnapshotId> {
    let id = uri.strip_prefix(PLACE).and_then(|id| id.parse().ok());
    let why = "names no snapshot of this server: it must be what this server gave when it was asked for the snapshot; reload the code location, and \
               see that its agent sends nothing elsewhere";
    id.ok_or_else(|| Error::invalid("uri", why))
}

impl Control {
    /// Whether a snapshot is there, and where it is to be sent if it is not.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `type`, `sha1` or `size`; [`Error::TooMany`] when the deployment has [`MAX_SNAPSHOTS`] or [`MAX_SNAPSHOT_BYTES`], and
    /// when so many of the token's have not come that they are [`MAX_ANNOUNCED`] or [`MAX_ANNOUNCED_BYTES`];
    /// [`Error::Unavailable`] where no bytes are kept.
    pub async fn check_dagster_snapshot(&self, grant: &Grant<TellCodeLocation>, new: NewSnapshot) -> Result<Checked> {
        let kind: SnapshotKind = input::field("type", new.kind.parse())?;
        let digits = new.sha1.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if new.sha1.len() != 40 || !digits {
            return Err(Error::invalid("sha1", "must be 40 lower-case hexadecimal digits"));
        }
        let most = match kind {
            SnapshotKind::Error => MAX_ERROR_SNAPSHOT,
            SnapshotKind::Repository | SnapshotKind::Job => MAX_SNAPSHOT,
        };
        if !usize::try_from(new.size).is_ok_and(|size| size <= most) {
            return Err(Error::invalid("size", format!("must be at most {most} bytes")));
        }
        self.blobs()?;
        let token = grant.agent_token()?;
        let input = (token.token, kind, new, self.fresh_id());
        let known = self.read(grant, input.clone(), |tx, scene| Box::pin(known(tx, scene))).await?;
        let mut checked = match known {
            Some(known) => known,
            None => self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(check(tx, scene))).await?,
        };
        self.note_refused(token, &checked.reached);
        if let Some(it) = checked.snapshot.as_ref().filter(|it| it.stored_at.is_none()) {
            let signature = Signature::make(&self.keys(), Purpose::Snapshot(it.id), self.now());
            let base = &self.settings().public_url;
            checked.address = Some(format!("{base}/dagster/snapshots/{}/bytes?{}", it.id, signature.query()));
        }
        Ok(checked)
    }

    /// The snapshot, once its bytes are there.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that the deployment has not; [`Error::Conflict`] when its bytes have not come.
    pub async fn confirm_dagster_snapshot(
        &self,
        grant: &Grant<TellCodeLocation>,
        deployment: String,
        id: DagsterSnapshotId,
    ) -> Result<Checked> {
        let token = grant.agent_token()?;
        let input = (token.token, deployment, id);
        let found = self.read(grant, input, |tx, scene| Box::pin(find(tx, scene))).await?;
        self.note_refused(token, &found.reached);
        match &found.snapshot {
            Some(it) if it.stored_at.is_none() => Err(Error::Conflict(
                "The bytes of the snapshot have not come; send them to the address that was given.".to_owned(),
            )),
            _ => Ok(found),
        }
    }

    /// What stands in a snapshot of an error. None beside what the token does not reach.
    ///
    /// # Errors
    /// As [`Control::confirm_dagster_snapshot`]; [`Error::Invalid`] at `error_snapshot` for one of another kind.
    pub async fn dagster_error_snapshot(
        &self,
        grant: &Grant<TellCodeLocation>,
        deployment: String,
        id: DagsterSnapshotId,
    ) -> Result<(Reached, Option<String>)> {
        let Checked { reached, snapshot, .. } = self.confirm_dagster_snapshot(grant, deployment, id).await?;
        let Some(it) = snapshot else { return Ok((reached, None)) };
        if it.kind != SnapshotKind::Error {
            return Err(Error::invalid("error_snapshot", format!("is the snapshot of a {}", it.kind)));
        }
        let packed = self.blobs()?.read(&it.blob(), 0..it.packed.unsigned_abs()).await?;
        let text = unpack_text(&packed, MAX_ERROR_SNAPSHOT);
        // It was looked at when it came.
        Ok((reached, Some(text.map_err(|fault| Error::internal(format!("the snapshot {} {fault}", it.id)))?)))
    }

    /// Begins to take in a snapshot at the address that was signed for it. `query` is the address's, as it came. None when the bytes are there:
    /// they are not looked at again.
    ///
    /// # Errors
    /// [`Error::Denied`] for an address that is not whole, not ours, or has expired; [`Error::NotFound`] once the snapshot, or its deployment, is
    /// gone; [`Error::Unavailable`], also when as many are being taken in as may be.
    pub async fn begin_dagster_snapshot(&self, id: DagsterSnapshotId, query: &str) -> Result<Option<Incoming>> {
        let signature = Signature::from_query(query).ok_or_else(refused)?;
        signature.check(&self.keys(), Purpose::Snapshot(id), self.now())?;
        self.incoming(id).await
    }

    /// A snapshot that may come, with its place; none when its bytes are there.
    pub(super) async fn incoming(&self, id: DagsterSnapshotId) -> Result<Option<Incoming>> {
        let place = self.snapshot_place(&self.awaited_snapshot(id).await?).await?;
        // While others waited before it, it may have come.
        let snapshot = self.awaited_snapshot(id).await?;
        if snapshot.stored_at.is_some() {
            return Ok(None);
        }
        Ok(Some(Incoming { control: self.clone(), snapshot, place }))
    }

    /// The snapshot, if its bytes may still come: its deployment is there, and the token that announced it stands and reaches that.
    async fn awaited_snapshot(&self, id: DagsterSnapshotId) -> Result<Snapshot> {
        let found = self.store().read(id, |tx, id| Box::pin(awaited(tx, *id))).await?;
        found.ok_or(Error::NotFound("snapshot"))
    }
}

/// A snapshot that is being sent. While it is held, few others of its deployment are.
#[derive(Debug)]
pub struct Incoming {
    control: Control,
    snapshot: Snapshot,
    place: Place<DagsterSnapshotId>,
}

impl Incoming {
    /// The most bytes that are taken.
    #[must_use]
    pub fn most(&self) -> usize {
        usize::try_from(self.snapshot.packed).unwrap_or(MAX_SNAPSHOT_PACKED)
    }

    /// Keeps the bytes, if they are a zlib stream of what was announced. They may come again.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `snapshot` when they are not; [`Error::Unavailable`].
    pub async fn finish(self, packed: Bytes) -> Result<()> {
        let Self { control, snapshot, place } = self;
        let most = usize::try_from(snapshot.size).unwrap_or(MAX_SNAPSHOT);
        let (bytes, kind) = (packed.clone(), snapshot.kind);
        // Of some tenths of a second for the largest: nobody else is to wait for it.
        // Its place goes with it: whoever hangs up has it no sooner.
        let unpacked = tokio::task::spawn_blocking(move || {
            let measured = measure(&bytes, most);
            let is_read = measured.is_ok() && kind == SnapshotKind::Repository;
            (measured, if is_read { jobs_of(&bytes, most) } else { Vec::new() }, place)
        });
        let (unpacked, jobs, _place) =
            unpacked.await.map_err(|_| Error::internal("a snapshot was not unpacked to its end"))?;
        let invalid = |why: String| Error::invalid("snapshot", why);
        let (size, sha1) = match unpacked {
            Ok(found) => found,
            Err(BadPacked::TooLarge(_)) => {
                return Err(invalid(format!("has more than the {most} bytes that were announced")));
            }
            Err(fault) => return Err(invalid(fault.to_string())),
        };
        if (size, &sha1) != (most, &snapshot.sha1) {
            let announced = &snapshot.sha1;
            return Err(invalid(format!(
                "has {size} bytes and the SHA-1 {sha1}, but {most} and {announced} were announced"
            )));
        }
        let count = packed.len();
        let announced = Announced { size: count as u64, sha1: None, sha256: None };
        let mut writing = control.blobs()?.write(snapshot.blob(), announced).await?;
        writing.push(packed).await?;
        writing.finish().await?;
        let grant: Grant<MoveArtifacts> = control.system("a signed address", snapshot.organization)?;
        let input = (snapshot, i64::try_from(count).unwrap_or(i64::MAX), jobs);
        control
            .write(&grant, Lane::Normal, input, |tx, scene| {
                Box::pin(async move {
                    let (snapshot, count, jobs) = &scene.input;
                    // Whoever revokes or narrows its token, or deletes its deployment, comes before this or after it.
                    tx.take_turn(snapshot.announced_by, Turn::Shared).await?;
                    deployments::enter(tx, snapshot.organization, snapshot.deployment).await?;
                    let stands = awaited(tx, snapshot.id).await?.is_some();
                    // Nobody else is at it: it is as it was, or gone.
                    if stands && dagster_snapshots::stored(tx, snapshot.id, *count, jobs).await? {
                        return Ok(true);
                    }
                    dagster_snapshots::give_up(tx, snapshot).await?;
                    Ok(false)
                })
            })
            .await
            .and_then(|kept| if kept { Ok(()) } else { Err(Error::NotFound("snapshot")) })
    }
}

async fn awaited(tx: &mut Tx, id: DagsterSnapshotId) -> std::result::Result<Option<Snapshot>, StoreError> {
    let Some(it) = dagster_snapshots::by_id(tx, id).await? else { return Ok(None) };
    Ok(reach::stands(tx, it.organization, it.announced_by, it.deployment).await?.then_some(it))
}

/// How many bytes there are once they are unpacked, and their SHA-1.
fn measure(packed: &[u8], most: usize) -> std::result::Result<(usize, String), BadPacked> {
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    let size = unpack_each(packed, most, |piece| hash.update(piece))?;
    Ok((size, hex(hash.finish().as_ref())))
}

/// SHA-1 in hexadecimal.
pub(super) fn sha1(bytes: &[u8]) -> String {
    hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref())
}

async fn reached(tx: &mut Tx, scene: &Scene<impl Sync>, token: TokenId, deployment: &str) -> Result<Reached> {
    let wanted = Wanted { deployments: vec![deployment.to_owned()], ..Wanted::default() };
    reach::reach(tx, scene.organization, token, &wanted).await
}

/// What an agent asks for, and the id that it would have.
type Asked = (TokenId, SnapshotKind, NewSnapshot, DagsterSnapshotId);

/// The answer where nothing is to be written for it: an agent that starts asks for all that it has.
async fn known(tx: &mut Tx, scene: &Scene<Asked>) -> Result<Option<Checked>> {
    let (of, (token, kind, new, _)) = (scene.organization, &scene.input);
    let reached = reached(tx, scene, *token, &new.deployment).await?;
    let Some(deployment) = reached.served.first().cloned() else { return Ok(Some(Checked::refused(reached))) };
    let found = dagster_snapshots::find(tx, of, deployment.id, *kind, (&new.sha1, new.size)).await?;
    if found.is_none() {
        has_room(tx, of, &deployment, *token, new.size).await?;
    }
    let found = found.filter(|it| it.stored_at.is_some() && tx.now().since(it.used_at) < USE_NOTED);
    Ok(found.map(|it| Checked { reached, snapshot: Some(it), address: None }))
}

async fn check(tx: &mut Tx, scene: &Scene<Asked>) -> Result<Checked> {
    let (of, (token, kind, new, fresh)) = (scene.organization, &scene.input);
    let reached = reached(tx, scene, *token, &new.deployment).await?;
    let Some(named) = reached.served.first().map(|it| it.id) else { return Ok(Checked::refused(reached)) };
    let deployment = deployments::enter(tx, of, named).await?.ok_or(Error::NotFound("deployment"))?;
    let what = (new.sha1.as_str(), new.size);
    if dagster_snapshots::find(tx, of, deployment.id, *kind, what).await?.is_none() {
        let packed = has_room(tx, of, &deployment, *token, new.size).await?;
        let snapshot = Snapshot {
            id: *fresh,
            organization: of,
            deployment: deployment.id,
            kind: *kind,
            sha1: new.sha1.clone(),
            size: new.size,
            packed,
            announced_by: *token,
            used_at: tx.now(),
            stored_at: None,
        };
        dagster_snapshots::insert(tx, &snapshot).await?;
    }
    let snapshot = dagster_snapshots::find(tx, of, deployment.id, *kind, what).await?;
    let snapshot = snapshot.ok_or_else(|| Error::internal("a snapshot that was asked for is not there"))?;
    match snapshot.stored_at {
        Some(_) => dagster_snapshots::mark_used(tx, snapshot.id).await?,
        None => dagster_snapshots::announce(tx, snapshot.id, *token).await?,
    }
    Ok(Checked { reached, snapshot: Some(snapshot), address: None })
}

/// The most bytes that one more of this size may be, packed, if the deployment and what the token announced there have room for it.
async fn has_room(tx: &mut Tx, of: OrganizationId, deployment: &Deployment, token: TokenId, size: i64) -> Result<i64> {
    let (count, bytes) = dagster_snapshots::held(tx, of, deployment.id).await?;
    // What was announced and has not come has its place, or many at once would be more than there is.
    let packed = i64::try_from(most_packed(usize::try_from(size).unwrap_or(MAX_SNAPSHOT))).unwrap_or(i64::MAX);
    if count >= MAX_SNAPSHOTS || bytes.saturating_add(packed) > MAX_SNAPSHOT_BYTES {
        return Err(full(&deployment.name));
    }
    let (count, bytes) = dagster_snapshots::awaited(tx, of, deployment.id, token).await?;
    if count >= MAX_ANNOUNCED || bytes.saturating_add(packed) > MAX_ANNOUNCED_BYTES {
        let (name, minutes) = (&deployment.name, ANNOUNCED_KEPT.as_secs() / 60);
        let what = format!(
            "This agent token has announced as many snapshots for the deployment {name} as it may before they come: {MAX_ANNOUNCED}, or \
             {MAX_ANNOUNCED_BYTES} bytes. Send those first; what does not come is given up after {minutes} minutes."
        );
        return Err(Error::TooMany { what, retry_after: FULL_RETRY });
    }
    Ok(packed)
}

fn full(deployment: &str) -> Error {
    Error::TooMany {
        what: format!(
            "The deployment {deployment} has as many snapshots of code locations as it may: {MAX_SNAPSHOTS}, or {MAX_SNAPSHOT_BYTES} bytes. \
             Those that nothing is loaded with are removed after a day."
        ),
        retry_after: FULL_RETRY,
    }
}

async fn find(tx: &mut Tx, scene: &Scene<(TokenId, String, DagsterSnapshotId)>) -> Result<Checked> {
    let (of, (token, deployment, id)) = (scene.organization, &scene.input);
    let reached = reached(tx, scene, *token, deployment).await?;
    let Some(deployment) = reached.served.first().map(|it| it.id) else { return Ok(Checked::refused(reached)) };
    let found = dagster_snapshots::by_id(tx, *id).await?;
    let found = found.filter(|it| it.organization == of && it.deployment == deployment);
    let snapshot = Some(found.ok_or(Error::NotFound("snapshot"))?);
    Ok(Checked { reached, snapshot, address: None })
}
