//! What steps of runs have written: sent to a signed address by whoever runs them, and read from one by people.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use countersign_domain::dagster::{MAX_RUN_LOG, MAX_RUN_LOG_BYTES, MAX_RUN_LOGS};
use countersign_domain::id::{DagsterRunId, DagsterRunLogId, TokenId};
use countersign_domain::text::check_line;
use countersign_store::blobs::{Announced, Blobs};
use countersign_store::dagster_runs::logs::{self, RunLog};
use countersign_store::{Lane, StoreError, Tx, dagster_runs};

use crate::access::actions::{MoveArtifacts, ReportDagsterRun, ViewDagsterRuns};
use crate::artifacts::address::{Purpose, Signature, refused};
use crate::artifacts::places::Place;
use crate::dagster::reach;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::own::{self, Of};

/// The most characters of what an agent calls a log.
const MAX_NAME: usize = 1_000;
/// How long after a run's end its logs are still taken.
pub const LATE_LOGS: Duration = Duration::from_secs(2 * 3600);
/// The streams of a step.
const STREAMS: [&str; 2] = ["stdout", "stderr"];

/// A log that an agent has.
#[derive(Debug, Clone)]
pub struct NewLog {
    /// Of which run.
    pub run: String,
    /// Of which steps, in the agent's words.
    pub name: String,
    /// `stdout` or `stderr`.
    pub stream: String,
    /// Its bytes.
    pub size: i64,
}

/// A log, and where its bytes are read.
#[derive(Debug, Clone)]
pub struct LogAddress {
    /// The log.
    pub log: RunLog,
    /// Where; none while they are not there.
    pub address: Option<String>,
}

/// A log that is being sent.
#[derive(Debug)]
pub struct IncomingLog {
    control: Control,
    log: RunLog,
    _place: Place<DagsterRunLogId>,
}

/// A log that is being read.
#[derive(Debug)]
pub struct OutgoingLog {
    blobs: Blobs,
    log: RunLog,
    _place: Place<DagsterRunId>,
}

impl Control {
    fn log_address(&self, id: DagsterRunLogId, purpose: Purpose) -> String {
        let query = Signature::make(&self.keys(), purpose, self.now()).query();
        format!("{}/dagster/run_logs/{id}/bytes?{query}", self.settings().public_url)
    }

    /// Where an agent is to send a log of a run; nowhere for one of more than [`MAX_RUN_LOG`] bytes, and where the
    /// run's logs would have more than [`MAX_RUN_LOG_BYTES`]; people are told so then. What came before is
    /// replaced.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `run_id`, `log_key`, `io_type` or `size_bytes`, also for more than [`MAX_RUN_LOGS`]; [`Error::NotFound`] for a run that
    /// the token did not take in that deployment; [`Error::Unavailable`] where no bytes are kept.
    pub async fn run_log_address(
        &self,
        grant: &Grant<ReportDagsterRun>,
        deployment: String,
        new: NewLog,
    ) -> Result<Of<String>> {
        let run: DagsterRunId = input::field("run_id", new.run.parse())?;
        input::field("log_key", check_line(&new.name, MAX_NAME))?;
        if !STREAMS.contains(&new.stream.as_str()) {
            return Err(Error::invalid("io_type", "must be stdout or stderr"));
        }
        if new.size < 0 {
            return Err(Error::invalid("size_bytes", "must not be below 0"));
        }
        self.blobs()?;
        let token = grant.agent_token()?;
        let input = (token.token, deployment, run, new, self.fresh_id());
        let found = self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(announce(tx, scene))).await?;
        self.note_refused(token, &found.reached);
        let it = found.it.filter(|it| it.is_taken);
        let it = it.map(|it| self.log_address(it.id, Purpose::RunLog(it.id)));
        Ok(Of { reached: found.reached, it })
    }

    /// Begins to take in a log at the address that was signed for it. `query` is the address's, as it came.
    ///
    /// # Errors
    /// [`Error::Denied`] for an address that is not whole, not ours, or has expired; [`Error::NotFound`] once the run, or its deployment, is gone, [`LATE_LOGS`] after the run's end, or
    /// the token that took it reaches it no more; [`Error::Conflict`] when it was announced anew since and there was no room for it; [`Error::Unavailable`], also when as many are being taken in as may be.
    pub async fn begin_run_log(&self, id: DagsterRunLogId, query: &str) -> Result<IncomingLog> {
        let signature = Signature::from_query(query).ok_or_else(refused)?;
        signature.check(&self.keys(), Purpose::RunLog(id), self.now())?;
        let log = self.store().read((id, 0), |tx, (id, size)| Box::pin(must_have_room(tx, *id, *size))).await?;
        let place = self.run_log_place(&log).await?;
        Ok(IncomingLog { control: self.clone(), log, _place: place })
    }

    /// The logs of a run, and where each is read.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the run.
    pub async fn dagster_run_logs(&self, grant: &Grant<ViewDagsterRuns>, run: DagsterRunId) -> Result<Vec<LogAddress>> {
        let found = self
            .read(grant, run, |tx, scene| {
                Box::pin(async move {
                    let run = dagster_runs::find(tx, scene.organization, scene.input).await?;
                    Ok(logs::list(tx, run.ok_or(Error::NotFound("run"))?.id).await?)
                })
            })
            .await?;
        let with_address = |log: RunLog| LogAddress {
            address: log.stored_at.map(|_| self.log_address(log.id, Purpose::ReadRunLog(log.id))),
            log,
        };
        Ok(found.into_iter().map(with_address).collect())
    }

    /// Begins to hand out a log at the address that was signed for it.
    ///
    /// # Errors
    /// [`Error::Denied`] as [`Control::begin_run_log`]; [`Error::NotFound`] when its bytes are not there; [`Error::Unavailable`], also when as many
    /// are being read as may be.
    pub async fn read_run_log(&self, id: DagsterRunLogId, query: &str) -> Result<OutgoingLog> {
        let signature = Signature::from_query(query).ok_or_else(refused)?;
        signature.check(&self.keys(), Purpose::ReadRunLog(id), self.now())?;
        let found = self.store().read(id, |tx, id| Box::pin(logs::by_id(tx, *id))).await?;
        let log = found.filter(|it| it.size.is_some()).ok_or(Error::NotFound("log"))?;
        let place = self.run_log_reading(&log).await?;
        Ok(OutgoingLog { blobs: self.blobs()?.clone(), log, _place: place })
    }
}

impl IncomingLog {
    /// Keeps the bytes: perhaps more than were announced, for a step goes on writing while its log is sent.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the run's logs have no room for so many, or the log was announced anew since and is not taken;
    /// [`Error::NotFound`] when the run went meanwhile; [`Error::Unavailable`].
    pub async fn finish(self, bytes: Bytes) -> Result<()> {
        let Self { control, log, _place } = self;
        let size = bytes.len();
        let input = (log.id, i64::try_from(size).unwrap_or(i64::MAX));
        control.store().read(input, |tx, (id, size)| Box::pin(must_have_room(tx, *id, *size))).await?;
        let announced = Announced { size: size as u64, sha1: None, sha256: None };
        let mut writing = control.blobs()?.write(log.blob(), announced).await?;
        writing.push(bytes).await?;
        writing.finish().await?;
        let grant: Grant<MoveArtifacts> = control.system("a signed address", log.organization)?;
        let input = (log, i64::try_from(size).unwrap_or(i64::MAX));
        let is_kept = control
            .write(&grant, Lane::Normal, input, |tx, scene| {
                Box::pin(async move {
                    let (log, size) = &scene.input;
                    let is_kept = awaited(tx, log.id).await?.is_some() && logs::stored(tx, log.id, *size).await?;
                    // What is not to be there any more, and was not there before, goes again; so does what came after its run was removed.
                    if !is_kept && (log.size.is_none() || logs::by_id(tx, log.id).await?.is_none()) {
                        logs::give_up(tx, log).await?;
                    }
                    Ok(is_kept)
                })
            })
            .await?;
        if is_kept { Ok(()) } else { Err(Error::NotFound("log")) }
    }
}

impl OutgoingLog {
    /// The log.
    #[must_use]
    pub const fn log(&self) -> &RunLog {
        &self.log
    }

    /// How many bytes there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.log.size.unwrap_or_default().unsigned_abs()
    }

    /// The first part of a range: at most 64 KiB from a folder, and 1 MiB from an S3-compatible store.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::Unavailable`].
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let end = range.end.min(range.start.saturating_add(self.blobs.piece()));
        Ok(self.blobs.read(&self.log.blob(), range.start..end).await?)
    }
}

/// The log, if its bytes may come: its run has not ended long ago, its deployment is there, and the token that took its run stands and reaches that.
async fn awaited(tx: &mut Tx, id: DagsterRunLogId) -> std::result::Result<Option<RunLog>, StoreError> {
    let Some(it) = logs::by_id(tx, id).await? else { return Ok(None) };
    if it.ended_at.is_some_and(|at| tx.now().since(at) >= LATE_LOGS) {
        return Ok(None);
    }
    let Some(token) = it.taken_by else { return Ok(None) };
    Ok(reach::stands(tx, it.organization, token, it.deployment).await?.then_some(it))
}

/// The log, if so many of its bytes may come and there is room for them.
async fn must_have_room(tx: &mut Tx, id: DagsterRunLogId, size: i64) -> Result<RunLog> {
    let log = awaited(tx, id).await?.ok_or(Error::NotFound("log"))?;
    let together = logs::bytes_beside(tx, log.run, (&log.name, &log.stream)).await?.saturating_add(size);
    if log.is_taken && size <= MAX_RUN_LOG && together <= MAX_RUN_LOG_BYTES {
        return Ok(log);
    }
    Err(Error::Conflict(format!(
        "This log is not taken: a log has at most {MAX_RUN_LOG} bytes, and those of a run together {MAX_RUN_LOG_BYTES}. What there is of it stays."
    )))
}

async fn announce(
    tx: &mut Tx,
    scene: &Scene<(TokenId, String, DagsterRunId, NewLog, DagsterRunLogId)>,
) -> Result<Of<RunLog>> {
    let (of, (token, deployment, run, new, fresh)) = (scene.organization, &scene.input);
    let (reached, deployment) = own::deployment(tx, of, *token, deployment).await?;
    let Some(deployment) = deployment else { return Ok(Of { reached, it: None }) };
    let run = own::locked(tx, of, &deployment, *run).await?;
    let called = (new.name.as_str(), new.stream.as_str());
    if !logs::is_known(tx, run.id, called).await? && logs::count(tx, run.id).await? >= MAX_RUN_LOGS {
        return Err(Error::invalid(
            "log_key",
            format!("would be the run's log {}; at most {MAX_RUN_LOGS} are kept", MAX_RUN_LOGS + 1),
        ));
    }
    // Nothing is sent where there would be too much of it; people are told of the log all the same.
    let together = logs::bytes_beside(tx, run.id, called).await?.saturating_add(new.size);
    let is_taken = new.size <= MAX_RUN_LOG && together <= MAX_RUN_LOG_BYTES;
    let it = logs::announce(tx, *fresh, run.id, called, (new.size, is_taken)).await?;
    Ok(Of { reached, it })
}
