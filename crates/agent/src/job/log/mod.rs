//! A job's log on its way to the server.
//!
//! ```text
//! bytes ─► secrets out ─► lines stamped ─► chunks cut (size, or once per interval) ─► queue ─► three uploads at a time
//! ```
//!
//! The queue is bounded: when the server does not keep up, the job's writes wait.

mod stamp;
mod upload;

use std::{io::Write, sync::Arc, time::Duration};

use bytes::Bytes;
use countersign_wire::{
    SecretText,
    buildkite::{ChunkQuery, Job, Positive},
};
use flate2::{Compression, write::GzEncoder};
use tokio::{sync::mpsc, task::JoinHandle};

use self::{stamp::LineStamp, upload::Uploader};
use crate::{
    ambient::Ambient,
    api::{Api, Chunk, Halt},
    redaction::{AddedSecrets, Redactor},
};

/// Largest chunk that is cut, in bytes, whatever the server would take.
const LARGEST_CHUNK: u32 = 1024 * 1024;

/// Chunks that wait for an upload. With those being uploaded they bound the memory of a log to about 20 MiB.
const QUEUED_CHUNKS: usize = 16;

/// How often a log is sent when the server does not say.
const DEFAULT_INTERVAL: Positive = Positive::new(1);

/// The writing end of a log.
pub(super) struct Log {
    ambient: Ambient,
    redactor: Redactor,
    /// Secrets that the job adds while it runs, and how many of them the redactor has.
    added: Arc<AddedSecrets>,
    added_seen: usize,
    stamp: LineStamp,
    /// Clean bytes that are not cut into a chunk yet.
    pending: Vec<u8>,
    chunk_size: usize,
    interval: Duration,
    /// Of the next chunk.
    sequence: u64,
    /// Of the next chunk, in the uncompressed log.
    offset: u64,
    queue: mpsc::Sender<Chunk>,
    uploader: JoinHandle<u64>,
}

impl Log {
    /// Opens the log of `job`. `api` holds the job token; `halt` ends repeated uploads.
    pub fn open(
        ambient: &Ambient,
        api: &Api,
        job: &Job,
        secrets: (&[SecretText], Arc<AddedSecrets>),
        halt: Halt,
    ) -> Self {
        let (queue, chunks) = mpsc::channel(QUEUED_CHUNKS);
        let uploader = Uploader::new(ambient.clone(), api.clone(), job.id.clone(), halt);
        let chunk_size = job.chunks_max_size_bytes.get().min(LARGEST_CHUNK);
        Self {
            ambient: ambient.clone(),
            redactor: Redactor::new(secrets.0),
            added: secrets.1,
            added_seen: 0,
            stamp: LineStamp::default(),
            pending: Vec::new(),
            chunk_size: usize::try_from(chunk_size).unwrap_or(usize::MAX),
            interval: job.chunks_interval_seconds.unwrap_or(DEFAULT_INTERVAL).seconds(),
            sequence: 1,
            offset: 0,
            queue,
            uploader: tokio::spawn(uploader.run(chunks)),
        }
    }

    /// How often [`flush`](Self::flush) is due.
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Takes the job's output. Waits while the queue is full.
    pub async fn write(&mut self, bytes: &[u8]) {
        let new = self.added.since(self.added_seen);
        self.added_seen += new.len();
        self.redactor.add(&new);
        let mut clean = Vec::with_capacity(bytes.len());
        self.redactor.push(bytes, &mut clean);
        self.append(&clean).await;
    }

    /// Writes a line of the agent's own, on a line of its own.
    pub async fn line(&mut self, text: &str) {
        let start = if self.stamp.at_line_start() { "" } else { "\n" };
        self.write(format!("{start}{text}\n").as_bytes()).await;
    }

    /// Sends what there is.
    pub async fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.cut(self.pending.len()).await;
        }
    }

    /// Sends the rest and waits for every upload. Answers how many chunks were lost.
    pub async fn close(mut self) -> u64 {
        let mut clean = Vec::new();
        self.redactor.finish(&mut clean);
        self.append(&clean).await;
        self.flush().await;
        drop(self.queue);
        self.uploader.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the log's uploads ended early");
            self.sequence - 1
        })
    }

    async fn append(&mut self, clean: &[u8]) {
        self.stamp.push(clean, self.ambient.clock.now().as_millis(), &mut self.pending);
        while self.pending.len() >= self.chunk_size {
            self.cut(self.chunk_size).await;
        }
    }

    async fn cut(&mut self, size: usize) {
        let bytes: Vec<u8> = self.pending.drain(..size).collect();
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        let place = ChunkQuery { sequence: self.sequence, offset: self.offset, size };
        self.sequence += 1;
        self.offset += size;
        // Fails only when the uploader has ended, which `close` counts.
        let _ = self.queue.send(Chunk { place, body: gzip(&bytes) }).await;
    }
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::fast());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    // Writing to memory does not fail; were it to, an empty body would be refused and counted as lost.
    written.unwrap_or_default().into()
}
